//! Raw lines of kept requests, compressed, so that they can be printed as they were when their log is gone.

use crate::source::generation::GenerationId;
use crate::store::commit::entry::{Entry, Locator};
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed, RECORD_LIMIT, decompress, part_of};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A longer line is not archived.
pub const ARCHIVED_MAX: usize = 64 * 1024;

/// How hard lines are compressed in a commit, which is soon sealed.
const PACKING: i32 = 1;

/// A line as it stood in its log, without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedLine {
    /// Where it stood; its length is that of `line`.
    pub locator: Locator,
    /// Its bytes.
    pub line: Vec<u8>,
}

impl ArchivedLine {
    /// What names it, and its bytes.
    fn keyed(&self) -> (LineKey, &[u8]) {
        (line_key(&self.locator), &self.line)
    }
}

/// Where a line starts: what names it.
pub(crate) type LineKey = (GenerationId, u64);

/// What names the line that a locator leads to.
pub(crate) fn line_key(locator: &Locator) -> LineKey {
    (locator.generation, locator.offset)
}

/// Lines by key, and where each is in the bytes that hold them.
type KeyedRanges = Vec<(LineKey, Range<u32>)>;

/// The lines of one commit, kept as they were compressed.
#[derive(Debug, Clone, Default)]
pub(crate) struct CompressedLines {
    pub(crate) keys: KeyedRanges,
    frame: Vec<u8>,
    unpacked: usize,
}

/// Append keys and lengths of lines.
pub(crate) fn encode_keys<'l>(lines: impl ExactSizeIterator<Item = (LineKey, &'l [u8])>, out: &mut Encoder) {
    out.count(lines.len());
    let mut before = 0u64;
    for ((generation, offset), line) in lines {
        out.varint(u64::from(generation.0));
        out.signed(offset.wrapping_sub(before).cast_signed());
        out.count(line.len());
        before = offset;
    }
}

/// Where each line is in the bytes that follow the keys, and how many these are.
fn decode_keys(from: &mut Decoder<'_>) -> Decoded<(KeyedRanges, usize)> {
    let count = from.count()?;
    let mut keys = Vec::with_capacity(count);
    let (mut offset, mut at) = (0u64, 0u32);
    for _ in 0..count {
        let generation = GenerationId(from.varint_as()?);
        offset = offset.wrapping_add(from.signed()?.cast_unsigned());
        let until = at.checked_add(from.varint_as()?).ok_or(Malformed)?;
        keys.push(((generation, offset), at..until));
        at = until;
    }
    Ok((keys, at as usize))
}

impl CompressedLines {
    /// Append lines to a commit, and keep a copy as they stand there.
    pub(crate) fn encode(lines: &[ArchivedLine], out: &mut Encoder) -> CompressedLines {
        encode_keys(lines.iter().map(ArchivedLine::keyed), out);
        let mut packed = CompressedLines::default();
        if lines.is_empty() {
            return packed;
        }
        let mut at = 0u32;
        for (key, line) in lines.iter().map(ArchivedLine::keyed) {
            let until = at.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
            packed.keys.push((key, at..until));
            at = until;
        }
        let mut body: Vec<u8> = Vec::with_capacity(at as usize);
        for line in lines {
            body.extend_from_slice(&line.line);
        }
        packed.unpacked = body.len();
        // Compressing into memory does not fail; were it to, the lines would be lost and the entries not.
        packed.frame = zstd::bulk::compress(&body, PACKING).unwrap_or_default();
        out.bytes(&packed.frame);
        packed
    }

    /// The inverse of [`CompressedLines::encode`].
    pub(crate) fn decode(from: &mut Decoder<'_>) -> Decoded<CompressedLines> {
        let (keys, unpacked) = decode_keys(from)?;
        if keys.is_empty() {
            return Ok(CompressedLines::default());
        }
        if unpacked > RECORD_LIMIT {
            return Err(Malformed);
        }
        Ok(CompressedLines { keys, frame: from.bytes()?.to_vec(), unpacked })
    }

    /// All lines, back to back.
    pub(crate) fn unpack(&self) -> Decoded<Vec<u8>> {
        let body = decompress(&self.frame, u64::try_from(self.unpacked)?)?;
        if body.len() == self.unpacked { Ok(body) } else { Err(Malformed) }
    }

    /// Put those of the lines of which `wanted` says where to into their places.
    pub(crate) fn find(&self, wanted: &HashMap<LineKey, usize>, found: &mut [Option<Vec<u8>>]) -> Decoded<()> {
        let mut hits = Vec::new();
        for (key, range) in &self.keys {
            if let Some(at) = wanted.get(key) {
                hits.push((*at, range));
            }
        }
        if hits.is_empty() {
            return Ok(());
        }
        let body = self.unpack()?;
        for (at, range) in hits {
            let line = part_of(&body, range)?;
            if let Some(place) = found.get_mut(at) {
                *place = Some(line.to_vec());
            }
        }
        Ok(())
    }
}

/// The keys of entries.
pub(crate) fn line_keys(entries: &[Entry]) -> HashSet<LineKey> {
    entries.iter().map(|entry| line_key(&entry.locator)).collect()
}

/// Every line whose key is `kept`, once, by key. Lines of one log come in the order of their offsets, so that few packs are
/// unpacked more than once. `Malformed` if a pack is; else what `each` gives, up to its first error.
pub(crate) fn each_sorted<E>(
    packs: &[CompressedLines],
    kept: &HashSet<LineKey>,
    mut each: impl FnMut(LineKey, &[u8]) -> Result<(), E>,
) -> Decoded<Result<(), E>> {
    let mut order: Vec<(LineKey, usize, &Range<u32>)> = Vec::new();
    for (number, pack) in packs.iter().enumerate() {
        for (key, range) in &pack.keys {
            if kept.contains(key) {
                order.push((*key, number, range));
            }
        }
    }
    order.sort_unstable_by_key(|(key, number, _)| (*key, *number));
    order.dedup_by_key(|(key, ..)| *key);
    let mut unpacked: Option<(usize, Vec<u8>)> = None;
    for (key, number, range) in order {
        let body = match &mut unpacked {
            Some((at, body)) if *at == number => body,
            other => {
                let body = packs.get(number).ok_or(Malformed)?.unpack()?;
                &mut other.insert((number, body)).1
            }
        };
        let line = part_of(body, range)?;
        if let Err(error) = each(key, line) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// The lines of a block of a segment: keys, lengths, then all bytes.
pub(crate) fn decode_block(body: &[u8]) -> Decoded<Vec<(LineKey, &[u8])>> {
    let mut from = Decoder::new(body);
    let (keys, length) = decode_keys(&mut from)?;
    let bytes = from.take_bytes(length)?;
    if !from.is_empty() {
        return Err(Malformed);
    }
    let mut lines = Vec::with_capacity(keys.len());
    for (key, range) in &keys {
        lines.push((*key, part_of(bytes, range)?));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Lines of three logs, some of them twice.
    fn lines() -> impl Strategy<Value = Vec<ArchivedLine>> {
        let line = (0u32..3, 0u64..40).prop_map(|(generation, offset)| {
            let line = format!("{generation} {offset} ").repeat(usize::try_from(offset % 4).unwrap()).into_bytes();
            let length = u32::try_from(line.len()).unwrap();
            ArchivedLine { locator: Locator { generation: GenerationId(generation), offset, length }, line }
        });
        proptest::collection::vec(line, 0..20)
    }

    fn packed(lines: &[ArchivedLine]) -> CompressedLines {
        let mut out = Encoder::default();
        let kept = CompressedLines::encode(lines, &mut out);
        let mut from = Decoder::new(&out.bytes);
        let read = CompressedLines::decode(&mut from).unwrap();
        assert!(from.is_empty());
        assert_eq!((&read.keys, read.unpacked, &read.frame), (&kept.keys, kept.unpacked, &kept.frame));
        read
    }

    proptest! {
        #[test]
        fn lines_are_found_by_their_keys(lines in lines(), asked in proptest::collection::vec((0u32..3, 0u64..40), 0..9)) {
            let mut wanted = HashMap::new();
            for (generation, offset) in asked {
                let at = wanted.len();
                wanted.entry((GenerationId(generation), offset)).or_insert(at);
            }
            let mut found = vec![None; wanted.len()];
            packed(&lines).find(&wanted, &mut found).unwrap();
            for (key, at) in wanted {
                let expected = lines.iter().find(|line| line_key(&line.locator) == key).map(|line| line.line.clone());
                prop_assert_eq!(&found[at], &expected);
            }
        }

        /// Several commits may have the same line: it is given once, and all in the order of their keys.
        #[test]
        fn kept_lines_of_all_packs_come_once_and_in_order(
            packs in proptest::collection::vec(lines(), 0..5), kept in proptest::collection::hash_set((0u32..3, 0u64..40), 0..40),
        ) {
            let kept: HashSet<LineKey> = kept.into_iter().map(|(id, offset)| (GenerationId(id), offset)).collect();
            let mut expected = BTreeMap::new();
            for line in packs.iter().flatten() {
                if kept.contains(&line_key(&line.locator)) {
                    expected.insert(line_key(&line.locator), line.line.clone());
                }
            }
            let packs: Vec<CompressedLines> = packs.iter().map(|lines| packed(lines)).collect();
            let mut given = Vec::new();
            let each = |key: LineKey, line: &[u8]| {
                given.push((key, line.to_vec()));
                Ok::<(), ()>(())
            };
            each_sorted(&packs, &kept, each).unwrap().unwrap();
            prop_assert_eq!(given, expected.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_block_of_a_segment_gives_back_its_lines(lines in lines()) {
            let mut body = Encoder::default();
            encode_keys(lines.iter().map(ArchivedLine::keyed), &mut body);
            for line in &lines {
                body.bytes.extend_from_slice(&line.line);
            }
            let expected: Vec<_> = lines.iter().map(ArchivedLine::keyed).collect();
            prop_assert_eq!(decode_block(&body.bytes), Ok(expected));
            body.bytes.push(0);
            prop_assert_eq!(decode_block(&body.bytes), Err(Malformed));
        }
    }
}
