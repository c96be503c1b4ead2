//! Places in a compressed log from which it can be decoded again, so that a line far into it costs one stretch.
//!
//! For gzip as in zlib's examples/zran.c: the end of a deflate block, and the 32 KiB before it; the beginning of a
//! member needs nothing before it. In zstd only the beginning of a frame is such a place: a block inside one refers to
//! a window of megabytes and to the tables of the block before it. FORMAT.md says how they are kept.

use std::fs::File;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::compression::Compression;
use super::deflate_window;
use super::inflate::SplitByte;
use crate::source::file::{self, FileStatus};
use crate::source::generation::{Fingerprint, Generation};

/// Restart points are no further apart than this, in uncompressed bytes, if the compressed blocks allow.
pub const RESTART_SPACING: u64 = 4 << 20;

/// The end of a block before this is not worth a point.
const NEAR: u64 = RESTART_SPACING / 4 * 3;

/// The beginning of a member or frame costs next to nothing, but is not worth one in every few lines either.
const NEAR_FREE: u64 = RESTART_SPACING / 8;

/// How many first and last bytes of a compressed file tell it from others. The last hold its checksums.
const ENDS: u64 = 4096;

/// A place from which a compressed file can be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartPoint {
    /// The uncompressed offset.
    pub offset: u64,
    /// The offset in the compressed file.
    pub packed: u64,
    /// Bits of the byte before it that belong to what follows.
    pub(crate) split: SplitByte,
    /// The needed ones of the bytes before it, packed; nothing at the beginning of a member or frame.
    pub(crate) window: Option<Vec<u8>>,
}

/// A compressed file, known by its size and its first and last bytes, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompressedFile {
    /// Its size.
    pub length: u64,
    /// xxh3-64 of its first 4 KiB.
    pub head: u64,
    /// xxh3-64 of its last 4 KiB.
    pub tail: u64,
}

impl CompressedFile {
    /// What `file` is now.
    pub(crate) fn of_file(file: &File) -> io::Result<CompressedFile> {
        let length = FileStatus::of_file(file)?.size;
        let end = usize::try_from(ENDS).unwrap_or(usize::MAX);
        let head = xxh3_64(&file::read_at(file, 0, end)?);
        let tail = xxh3_64(&file::read_at(file, length.saturating_sub(ENDS), end)?);
        Ok(CompressedFile { length, head, tail })
    }
}

/// The restart points of one compressed file, and which generation was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartPoints {
    /// How it is packed.
    pub compression: Compression,
    /// The file.
    pub file: CompressedFile,
    /// The fingerprint, position and tail hash of the generation that it was seen to hold.
    pub holds: (Fingerprint, u64, u64),
    /// What the windows were packed with: the first of them; empty if there is none.
    pub(crate) dictionary: Vec<u8>,
    /// Ascending; the beginning of the file is none of them.
    pub points: Vec<RestartPoint>,
}

impl RestartPoints {
    /// Whether `path` is that file and holds `generation`, as far as it was read: known without decoding anything.
    pub(crate) fn are_of_file(&self, generation: &Generation, path: &Path) -> bool {
        let same = |file: &File| CompressedFile::of_file(file).is_ok_and(|found| found == self.file);
        self.holds == (generation.fingerprint, generation.position, generation.tail_hash)
            && std::fs::metadata(path).is_ok_and(|status| status.is_file() && status.len() == self.file.length)
            && File::open(path).is_ok_and(|file| same(&file))
    }

    /// How many bytes the windows take, packed: nearly all of what is kept of the points.
    pub fn packed_bytes(&self) -> usize {
        self.points.iter().map(|point| point.window.as_ref().map_or(0, Vec::len)).sum::<usize>()
    }

    /// The last place at or before `offset` from which the file can be decoded; `None` is its beginning.
    pub(crate) fn last_before(&self, offset: u64) -> Option<&RestartPoint> {
        let after = self.points.partition_point(|point| point.offset <= offset);
        self.points.get(after.checked_sub(1)?)
    }

    /// Unpacks what is needed to begin at `point`; nothing if that is damaged.
    pub(crate) fn unpack(&self, point: &RestartPoint) -> Option<RestartState> {
        let RestartPoint { offset, packed, split, .. } = *point;
        let window = match &point.window {
            None => None,
            Some(window) => Some(deflate_window::unpack(window, &self.dictionary)?),
        };
        Some(RestartState { offset, packed, split, window })
    }
}

/// A point, ready to be begun at.
#[derive(Debug)]
pub(crate) struct RestartState {
    pub(crate) offset: u64,
    pub(crate) packed: u64,
    pub(crate) split: SplitByte,
    /// The bytes before it; nothing at the beginning of a member or frame.
    pub(crate) window: Option<Vec<u8>>,
}

/// Chooses among the places that a decoder comes by.
#[derive(Debug, Default)]
pub(crate) struct PointGatherer {
    points: Vec<RestartPoint>,
    /// The uncompressed offset of the last point, or of the beginning.
    last: u64,
    /// The best place since, with its window as it is.
    next: Option<(RestartPoint, Vec<u8>)>,
}

impl PointGatherer {
    /// The end of a block.
    pub(crate) fn note_block_end(
        &mut self,
        offset: u64,
        packed: u64,
        split: SplitByte,
        window: impl FnOnce() -> Vec<u8>,
    ) {
        if offset - self.last > RESTART_SPACING {
            self.keep_best();
        }
        if offset - self.last >= NEAR {
            self.next = Some((RestartPoint { offset, packed, split, window: None }, window()));
        }
    }

    /// The beginning of a member or frame.
    pub(crate) fn note_member(&mut self, offset: u64, packed: u64) {
        if offset - self.last > RESTART_SPACING {
            self.keep_best();
        }
        if offset - self.last >= NEAR_FREE {
            self.next = None;
            self.points.push(RestartPoint { offset, packed, split: SplitByte::default(), window: None });
            self.last = offset;
        }
    }

    fn keep_best(&mut self) {
        if let Some((mut point, window)) = self.next.take() {
            self.last = point.offset;
            point.window = Some(deflate_window::pack_whole(&window));
            self.points.push(point);
        }
    }

    /// What was found in `file`, which was decoded up to the position of `generation` and holds it.
    pub(crate) fn into_points(
        self,
        file: &File,
        compression: Compression,
        generation: &Generation,
    ) -> Option<RestartPoints> {
        let holds = (generation.fingerprint, generation.position, generation.tail_hash);
        let file_now = CompressedFile::of_file(file).ok()?;
        let whole = |point: &RestartPoint| point.window.as_ref().map(|window| deflate_window::unpack_whole(window));
        let dictionary = self.points.iter().find_map(whole).flatten().unwrap_or_default();
        let mut points = Vec::with_capacity(self.points.len());
        for mut point in self.points {
            if let Some(window) = whole(&point) {
                let window = window?;
                let needed = deflate_window::find_needed(file, point.packed, point.split, window.len())?;
                point.window = Some(deflate_window::pack(&window, &needed, &dictionary)?);
            }
            points.push(point);
        }
        Some(RestartPoints { compression, file: file_now, holds, dictionary, points })
    }
}
