//! The manifest: which files are the store. It is replaced by rename, so it is the old one or the new one.
//!
//! A file belongs to the store only by standing in it: what is written but not named yet, or no longer, is invisible
//! to readers and free to be removed. So every change of the store, however many files it takes, is atomic: files
//! first, synced with their folder; then the manifest; and only then the files that it no longer names go.

pub(crate) mod in_force;

use crate::store::disk::damage::{FileOperation, file_damaged, newer_version, older_version, operation_failed};
use crate::store::disk::layout::{MANIFEST, MANIFEST_TEMPORARY};
use crate::store::disk::medium::{Medium, write_file};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Encode, Encoder, Malformed, checksum};
use crate::store::resolution::tiles;
use crate::store::segment::info::OLDEST_SEGMENT;
use crate::store::segment::info::{SegmentInfo, SegmentKind};
use crate::store::settings::StoreSettings;

use crate::error::{Error, Result};
use crate::time::{Timestamp, Window};
use std::time::Duration;

const MAGIC: &[u8; 8] = b"SPKLMANI";

/// The version of the store's format.
pub(crate) const VERSION: u32 = 4;

/// The first that says who wrote it and which segments are older; in the two before it all segments are of the manifest's version.
const TELLS_WRITER: u32 = 4;

/// The oldest version that is still read.
const OLDEST: u32 = OLDEST_SEGMENT;

/// The program that writes.
const WRITER: &str = concat!("spikeline ", env!("CARGO_PKG_VERSION"));

/// The store's files and settings.
#[derive(Debug, Clone)]
pub(crate) struct Manifest {
    /// Interval and K are stored; the rest is as the writer that opened it says.
    pub(crate) settings: StoreSettings,
    /// The current journal.
    pub(crate) journal: u64,
    /// The number that the next new file gets.
    pub(crate) next: u64,
    /// In the order they were written.
    pub(crate) segments: Vec<SegmentInfo>,
    /// What is no longer there.
    pub(crate) expired: Expired,
}

/// What was thrown away by now: before these times answers may lack something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Slow entries, block summaries, archived lines, and cells finer than ten minutes.
    pub detail: Option<Timestamp>,
    /// Cells of ten minutes and hours too.
    pub histograms: Option<Timestamp>,
}

impl Expired {
    /// Before when sums over `window`, from roll-ups where there are some, may lack something.
    pub(crate) fn totals_before(&self, window: Window, interval: Duration) -> Option<Timestamp> {
        let (detail, histograms) = (self.detail, self.histograms);
        let needs_detail = tiles(window, None, interval)
            .iter()
            .filter(|(resolution, _)| !resolution.is_coarse())
            .any(|(_, stretch)| detail.is_some_and(|before| stretch.from < before));
        // All of time begins nowhere, and has no edge to lack.
        let edges = detail.filter(|_| needs_detail && window != Window::ALL);
        edges.max(histograms.filter(|before| window.from < *before))
    }

    /// Note that a segment was thrown away.
    pub(crate) fn note_dropped(&mut self, info: &SegmentInfo) {
        let after = info.newest().plus_millis(1);
        if info.kind != SegmentKind::Rolled {
            self.detail = self.detail.max(Some(after));
        }
        if info.kind != SegmentKind::Detail {
            self.histograms = self.histograms.max(Some(after));
        }
    }
}

/// How far replacing the manifest got when it failed.
#[derive(Debug)]
pub(crate) enum ManifestFailure {
    /// The old one is in force.
    Before(Error),
    /// Either may be in force after a crash.
    Unknown(Error),
}

impl ManifestFailure {
    /// Its error, whichever of them it was.
    pub(crate) fn into_error(self) -> Error {
        match self {
            ManifestFailure::Before(error) | ManifestFailure::Unknown(error) => error,
        }
    }
}

impl Manifest {
    /// The manifest in force; `None` if there is none.
    pub(crate) fn load(medium: &dyn Medium) -> Result<Option<Manifest>> {
        let bytes = match medium.read(MANIFEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(operation_failed(medium, "read the store's manifest", MANIFEST, &error)),
        };
        let mut from = Decoder::new(&bytes);
        if from.take_bytes(MAGIC.len()) != Ok(MAGIC) {
            return Err(file_damaged(medium, MANIFEST, 0, "not a manifest"));
        }
        // The version first: a newer one may be checked differently.
        let version = match from.u32() {
            Ok(version @ OLDEST..=VERSION) => version,
            Ok(version) if version < OLDEST => return Err(older_version(medium, MANIFEST, version)),
            Ok(version) => return Err(newer_version(medium, MANIFEST, version, VERSION, from.text().ok().as_deref())),
            Err(Malformed) => return Err(file_damaged(medium, MANIFEST, 8, "too short")),
        };
        let split = bytes.len().saturating_sub(8);
        let (covered, sum) = bytes.split_at_checked(split).unwrap_or_default();
        if Decoder::new(sum).u64() != Ok(checksum(covered)) {
            return Err(file_damaged(medium, MANIFEST, 12, "its checksum does not match"));
        }
        let body = covered.get(12..).unwrap_or_default();
        match Manifest::decode(&mut Decoder::new(body), version) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(Malformed) => Err(file_damaged(medium, MANIFEST, 12, "malformed")),
        }
    }

    /// Put this manifest in force: temporary file, sync, rename, sync of the folder.
    pub(crate) fn store(&self, medium: &dyn Medium) -> std::result::Result<(), ManifestFailure> {
        let mut out = Encoder::default();
        out.bytes.extend_from_slice(MAGIC);
        out.u32(VERSION);
        out.bytes(WRITER.as_bytes());
        self.encode(&mut out);
        out.u64(checksum(&out.bytes));
        write_file(medium, MANIFEST_TEMPORARY, &out.bytes)
            .or_failed(medium, "write the store's manifest", MANIFEST_TEMPORARY)
            .map_err(ManifestFailure::Before)?;
        put_in_place(medium)
            .or_failed(medium, "replace the store's manifest", MANIFEST)
            .map_err(ManifestFailure::Unknown)
    }

    /// Whether the segment of this number is one of the store's.
    pub(crate) fn names(&self, segment: u64) -> bool {
        self.segments.iter().any(|info| info.number == segment)
    }
}

/// Give what was written the manifest's name, durably. From here on a failure leaves it open which of the two a crash
/// would bring back.
fn put_in_place(medium: &dyn Medium) -> std::io::Result<()> {
    medium.rename(MANIFEST_TEMPORARY, MANIFEST)?;
    medium.sync_folder("")
}

impl Encode for Manifest {
    fn encode(&self, out: &mut Encoder) {
        self.settings.encode(out);
        out.varint(self.journal);
        out.varint(self.next);
        out.list(&self.segments);
        self.expired.encode(out);
        let old: Vec<u64> =
            self.segments.iter().filter(|info| info.version == OLDEST_SEGMENT).map(|info| info.number).collect();
        out.count(old.len());
        for number in old {
            out.varint(number);
        }
    }
}

impl Manifest {
    /// What stands behind the version.
    fn decode(from: &mut Decoder<'_>, version: u32) -> Decoded<Manifest> {
        if version >= TELLS_WRITER {
            let _written_by = from.text()?;
        }
        let settings = StoreSettings::decode(from)?;
        let (journal, next) = (from.varint()?, from.varint()?);
        let mut segments: Vec<SegmentInfo> = from.list()?;
        let expired = Expired::decode(from)?;
        if version < TELLS_WRITER {
            segments.iter_mut().for_each(|info| info.version = version);
            return Ok(Manifest { settings, journal, next, segments, expired });
        }
        for _ in 0..from.count()? {
            let number = from.varint()?;
            let old = segments.iter_mut().find(|info| info.number == number).ok_or(Malformed)?;
            old.version = OLDEST_SEGMENT;
        }
        Ok(Manifest { settings, journal, next, segments, expired })
    }
}

impl Encode for Expired {
    fn encode(&self, out: &mut Encoder) {
        for mark in [self.detail, self.histograms] {
            out.u8(u8::from(mark.is_some()));
            mark.unwrap_or_default().encode(out);
        }
    }
}

/// A time that may be missing: a byte that says whether it is there, and the time (0 if not).
fn decode_mark(from: &mut Decoder<'_>) -> Decoded<Option<Timestamp>> {
    let is_some = from.u8()? != 0;
    let at = Timestamp::decode(from)?;
    Ok(is_some.then_some(at))
}

impl Decode for Expired {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Expired> {
        Ok(Expired { detail: decode_mark(from)?, histograms: decode_mark(from)? })
    }
}
