//! Restart points of compressed logs, each generation's in a file of its own. They are a cache: what is missing,
//! damaged or about another file is gathered again when the log is read through the next time.
//!
//! Nothing depends on them but time: a compressed log is read on from the nearest point instead of from its
//! beginning. They are therefore not in the manifest, not synced, and written by any process that came to know them.

use crate::source::SplitByte;
use crate::source::{CompressedFile, Compression, Fingerprint, GenerationId, RestartPoint, RestartPoints};
use crate::store::disk::layout;
use crate::store::disk::medium::{Medium, write_all};
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed, checksum};
use std::io;

const MAGIC: &[u8; 8] = b"SPKLPNTS";
const VERSION: u32 = 1;

/// The restart points kept for a generation; `None` if there are none, or they are damaged.
pub(crate) fn read_points(medium: &dyn Medium, id: GenerationId) -> Option<RestartPoints> {
    let bytes = medium.read(&layout::points_file(id)).ok()?;
    let (content, sum) = bytes.split_last_chunk::<8>()?;
    if u64::from_le_bytes(*sum) != checksum(content) {
        return None;
    }
    decode(&mut Decoder::new(content), id).ok()
}

/// Keep a generation's restart points: written beside, and renamed.
///
/// # Errors
/// If this process may not write there.
pub(crate) fn write_points(medium: &dyn Medium, id: GenerationId, points: &RestartPoints) -> io::Result<()> {
    let mut out = Encoder::default();
    encode(points, id, &mut out);
    out.u64(checksum(&out.bytes));
    let temporary = layout::points_temporary(id);
    let written = medium.create(&temporary).and_then(|mut file| {
        write_all(file.as_mut(), &out.bytes)?;
        medium.rename(&temporary, &layout::points_file(id))
    });
    written.inspect_err(|_| drop(medium.remove(&temporary)))
}

/// All but the checksum.
fn encode(points: &RestartPoints, id: GenerationId, out: &mut Encoder) {
    out.bytes.extend_from_slice(MAGIC);
    out.u32(VERSION);
    out.varint(u64::from(id.0));
    let (fingerprint, position, tail_hash) = points.holds;
    out.varint(fingerprint.length);
    out.u64(fingerprint.hash);
    out.varint(position);
    out.u64(tail_hash);
    out.u8(if points.compression == Compression::Gzip { 1 } else { 2 });
    out.varint(points.file.length);
    out.u64(points.file.head);
    out.u64(points.file.tail);
    let dictionary = zstd::bulk::compress(&points.dictionary, zstd::DEFAULT_COMPRESSION_LEVEL).unwrap_or_default();
    out.varint(points.dictionary.len() as u64);
    out.bytes(&dictionary);
    out.count(points.points.len());
    let (mut offset, mut packed) = (0, 0);
    for point in &points.points {
        out.varint(point.offset.wrapping_sub(offset));
        out.varint(point.packed.wrapping_sub(packed));
        (offset, packed) = (point.offset, point.packed);
        out.u8(u8::from(point.window.is_some()));
        if let Some(window) = &point.window {
            out.u8(point.split.count);
            out.u8(point.split.bits);
            out.bytes(window);
        }
    }
}

fn decode(from: &mut Decoder<'_>, id: GenerationId) -> Decoded<RestartPoints> {
    if from.take_bytes(MAGIC.len())? != MAGIC || from.u32()? != VERSION || from.varint()? != u64::from(id.0) {
        return Err(Malformed);
    }
    let fingerprint = Fingerprint { length: from.varint()?, hash: from.u64()? };
    let holds = (fingerprint, from.varint()?, from.u64()?);
    let compression = match from.u8()? {
        1 => Compression::Gzip,
        2 => Compression::Zstd,
        _ => return Err(Malformed),
    };
    let file = CompressedFile { length: from.varint()?, head: from.u64()?, tail: from.u64()? };
    let length = from.varint_as::<u32>()?.min(1 << 16);
    let length = usize::try_from(length)?;
    let dictionary = zstd::bulk::decompress(from.bytes()?, length).map_err(|_| Malformed)?;
    let mut points = Vec::new();
    let (mut offset, mut packed) = (0u64, 0u64);
    for _ in 0..from.count()? {
        offset = offset.wrapping_add(from.varint()?);
        packed = packed.wrapping_add(from.varint()?);
        let (mut split, mut window) = (SplitByte::default(), None);
        if from.u8()? != 0 {
            split = SplitByte { count: from.u8()?.min(7), bits: from.u8()? };
            window = Some(from.bytes()?.to_vec());
        }
        points.push(RestartPoint { offset, packed, split, window });
    }
    Ok(RestartPoints { compression, file, holds, dictionary, points })
}
