//! Segments: sealed, immutable, sorted, checksummed files. Only their directories are kept in memory, once asked for.

use crate::error::Result;
use crate::histogram::Cell;
use crate::route::RouteId;
use crate::source::GenerationId;
use crate::store::commit::archived_lines;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::entry::Entry;
use crate::store::disk::damage::{file_damaged, operation_failed};
use crate::store::disk::layout;
use crate::store::disk::medium::{Medium, RandomAccessFile};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Malformed, RECORD_LIMIT, checksum};
use crate::store::encoding::cell_codec::decode_cells;
use crate::store::entry_query::{EntryQuery, WindowMatch};
use crate::store::resolution::Resolution;
use crate::store::segment::directory::{
    BlockPlace, Directory, FOOTER_MAGIC, SEGMENT_MAGIC, SEGMENT_VERSION, SummaryBlock,
};
use crate::store::segment::entry_blocks;
use crate::store::segment::info::SegmentInfo;
use crate::time::{Timestamp, Window};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Bytes before the first block: magic, version, number.
const HEADER: u64 = 8 + 4 + 8;

/// Bytes after the directory: its place, their checksum, magic.
const FOOTER: u64 = 4 * 8 + 8;

/// A segment to read from.
pub(crate) struct Segment {
    /// As the manifest lists it.
    pub(crate) info: SegmentInfo,
    name: String,
    /// Once open it can be read to the end of this value's life, also if the writer removes the file.
    source: OnceLock<Box<dyn RandomAccessFile>>,
    directory: OnceLock<Directory>,
}

impl Segment {
    /// A segment that the manifest lists; nothing is read yet.
    pub(crate) fn new(info: SegmentInfo) -> Segment {
        Segment { name: layout::segment_file(info.number), info, source: OnceLock::new(), directory: OnceLock::new() }
    }

    /// Open the file, if it is not yet.
    pub(crate) fn open(&self, medium: &dyn Medium) -> std::io::Result<&dyn RandomAccessFile> {
        if let Some(source) = self.source.get() {
            return Ok(source.as_ref());
        }
        let source = medium.open(&self.name)?;
        Ok(self.source.get_or_init(|| source).as_ref())
    }

    fn read_at(&self, medium: &dyn Medium, offset: u64, into: &mut [u8]) -> Result<()> {
        self.open(medium)
            .and_then(|source| source.read_at(offset, into))
            .map_err(|error| operation_failed(medium, "read the segment", &self.name, &error))
    }

    /// Cells of a resolution whose slot starts in `window`.
    pub(crate) fn each_cell(
        &self,
        medium: &dyn Medium,
        resolution: Resolution,
        window: Window,
        mut each: impl FnMut(Timestamp, RouteId, Cell),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        for block in directory.cells(resolution) {
            if block.first < window.until && block.last >= window.from {
                let cells = self.unpack_block(medium, block.place, block.unpacked, decode_cells);
                match cells {
                    Ok(cells) => cells.into_iter().for_each(|(slot, route, cell)| {
                        if window.contains(slot) {
                            each(slot, route, cell);
                        }
                    }),
                    Err(error) => damage(error)?,
                }
            }
        }
        Ok(())
    }

    /// Entries of the blocks that may hold some of `window` and `routes` (and others).
    pub(crate) fn each_entry(
        &self,
        medium: &dyn Medium,
        wanted: &EntryQuery,
        mut each: impl FnMut(Entry),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        for block in &directory.entries {
            if block.bounds().may_reach(wanted.window, wanted.by)
                && block.max_duration_ms >= wanted.min_duration_ms
                && block.may_hold(wanted.routes.as_deref())
            {
                let entries = self.read_block(medium, block.place).and_then(|bytes| {
                    usize::try_from(block.count)
                        .map_err(|_| Malformed)
                        .and_then(|count| if count > entry_blocks::MOST { Err(Malformed) } else { Ok(count) })
                        .and_then(|count| {
                            let may_be = |route| wanted.asks_for(route);
                            entry_blocks::decode_block(&bytes, count, may_be, |route, start, end| {
                                wanted.holds(route, start, end)
                            })
                        })
                        .map_err(|Malformed| self.malformed_block(medium, block.place))
                });
                match entries {
                    Ok(entries) => entries.into_iter().for_each(&mut each),
                    Err(error) => damage(error)?,
                }
            }
        }
        Ok(())
    }

    /// Block summaries from groups that may meet `window` (and others).
    pub(crate) fn each_summary(
        &self,
        medium: &dyn Medium,
        window: Window,
        by: WindowMatch,
        each: impl FnMut(BlockSummary),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        let wanted = directory.summaries.iter().filter(|block| block.bounds.may_reach(window, by));
        self.each_unpacked_summary(medium, wanted, each, damage)
    }

    /// Block summaries from the groups that stand beside the block `key`, on either side.
    pub(crate) fn each_summary_beside(
        &self,
        medium: &dyn Medium,
        key: (GenerationId, u32),
        each: impl FnMut(BlockSummary),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        let before = directory.summaries.iter().rposition(|block| block.first < key);
        let after = directory.summaries.iter().position(|block| block.last > key);
        let wanted = directory.summaries.iter().enumerate().filter(|(at, _)| Some(*at) == before || Some(*at) == after);
        self.each_unpacked_summary(medium, wanted.map(|(_, block)| block), each, damage)
    }

    fn each_unpacked_summary<'d>(
        &self,
        medium: &dyn Medium,
        blocks: impl Iterator<Item = &'d SummaryBlock>,
        mut each: impl FnMut(BlockSummary),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        for block in blocks {
            match self.unpack_block(medium, block.place, block.unpacked, |from| from.list()) {
                Ok(summaries) => summaries.into_iter().for_each(&mut each),
                Err(error) => damage(error)?,
            }
        }
        Ok(())
    }

    /// The archived lines of which `wanted` says where in `found` they belong; `keys` are the same, ascending.
    pub(crate) fn find_lines(
        &self,
        medium: &dyn Medium,
        keys: &[LineKey],
        wanted: &HashMap<LineKey, usize>,
        found: &mut [Option<Vec<u8>>],
    ) -> Result<()> {
        for block in &self.directory(medium)?.lines {
            let first = keys.partition_point(|key| *key < block.first);
            if keys.get(first).is_none_or(|key| *key > block.last) {
                continue;
            }
            let body = self.unpack_bytes(medium, block.place, block.unpacked)?;
            let lines =
                archived_lines::decode_block(&body).map_err(|Malformed| self.malformed_block(medium, block.place))?;
            for (key, line) in lines {
                if let Some(place) = wanted.get(&key).and_then(|at| found.get_mut(*at)) {
                    *place = Some(line.to_vec());
                }
            }
        }
        Ok(())
    }

    /// All entries and block summaries.
    pub(crate) fn read_contents(&self, medium: &dyn Medium) -> Result<(Vec<Entry>, Vec<BlockSummary>)> {
        let directory = self.directory(medium)?;
        let (mut entries, mut summaries) = (Vec::new(), Vec::new());
        for block in &directory.entries {
            let bytes = self.read_block(medium, block.place)?;
            let count = usize::try_from(block.count).ok().filter(|count| *count <= entry_blocks::MOST);
            let decoded =
                count.and_then(|count| entry_blocks::decode_block(&bytes, count, |_| true, |_, _, _| true).ok());
            entries.extend(decoded.ok_or_else(|| self.malformed_block(medium, block.place))?);
        }
        for block in &directory.summaries {
            let own: Vec<BlockSummary> = self.unpack_block(medium, block.place, block.unpacked, |from| from.list())?;
            summaries.extend(own);
        }
        Ok((entries, summaries))
    }

    /// Read the whole segment and compare every checksum.
    pub(crate) fn verify(&self, medium: &dyn Medium) -> Vec<crate::error::Error> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return vec![error],
        };
        let places = directory
            .cells
            .iter()
            .flatten()
            .map(|block| block.place)
            .chain(directory.entries.iter().map(|block| block.place))
            .chain(directory.summaries.iter().map(|block| block.place))
            .chain(directory.lines.iter().map(|block| block.place));
        places.filter_map(|place| self.read_block(medium, place).err()).collect()
    }

    /// Read and decompress the block at `place`, whose content has `unpacked` bytes, and decode it.
    pub(super) fn unpack_block<T>(
        &self,
        medium: &dyn Medium,
        place: BlockPlace,
        unpacked: u64,
        decode: impl Fn(&mut Decoder<'_>) -> Decoded<T>,
    ) -> Result<T> {
        let body = self.unpack_bytes(medium, place, unpacked)?;
        decode(&mut Decoder::new(&body)).map_err(|Malformed| self.malformed_block(medium, place))
    }

    /// Its bytes, decompressed.
    pub(super) fn unpack_bytes(&self, medium: &dyn Medium, place: BlockPlace, unpacked: u64) -> Result<Vec<u8>> {
        let packed = self.read_block(medium, place)?;
        usize::try_from(unpacked)
            .ok()
            .filter(|&unpacked| unpacked <= RECORD_LIMIT)
            .and_then(|unpacked| zstd::bulk::decompress(&packed, unpacked).ok())
            .ok_or_else(|| self.malformed_block(medium, place))
    }

    /// Its bytes as they stand in the file, if they match their checksum.
    pub(super) fn read_block(&self, medium: &dyn Medium, place: BlockPlace) -> Result<Vec<u8>> {
        let fits = place.offset.checked_add(place.length).is_some_and(|end| end <= self.info.length);
        let length =
            usize::try_from(place.length).ok().filter(|_| fits).ok_or_else(|| self.malformed_block(medium, place))?;
        let mut bytes = vec![0; length];
        self.read_at(medium, place.offset, &mut bytes)?;
        if checksum(&bytes) != place.checksum {
            return Err(file_damaged(medium, &self.name, place.offset, "a block's checksum does not match"));
        }
        Ok(bytes)
    }

    /// The error of a block whose checksum is right and whose content is not.
    pub(super) fn malformed_block(&self, medium: &dyn Medium, place: BlockPlace) -> crate::error::Error {
        file_damaged(medium, &self.name, place.offset, "a malformed block")
    }

    /// Where its blocks are; read from the file the first time.
    pub(super) fn directory(&self, medium: &dyn Medium) -> Result<&Directory> {
        if let Some(directory) = self.directory.get() {
            return Ok(directory);
        }
        let directory = self.read_directory(medium)?;
        Ok(self.directory.get_or_init(|| directory))
    }

    fn read_directory(&self, medium: &dyn Medium) -> Result<Directory> {
        let wrong = |offset: u64, what: &str| file_damaged(medium, &self.name, offset, what);
        let mut header = [0u8; HEADER as usize];
        self.read_at(medium, 0, &mut header)?;
        let mut from = Decoder::new(&header);
        if from.take_bytes(SEGMENT_MAGIC.len()) != Ok(SEGMENT_MAGIC) {
            return Err(wrong(0, "not a segment"));
        }
        match (from.u32(), from.u64()) {
            // The manifest is of this version, and what it names is: a segment that says otherwise is damaged.
            (Ok(SEGMENT_VERSION), Ok(number)) if number == self.info.number => {}
            _ => return Err(wrong(8, "the header is of another version or segment")),
        }
        let at = self.info.length.saturating_sub(FOOTER);
        let mut footer = [0u8; FOOTER as usize];
        self.read_at(medium, at, &mut footer)?;
        let (covered, rest) = footer.split_at_checked(24).unwrap_or_default();
        let mut rest = Decoder::new(rest);
        if rest.u64() != Ok(checksum(covered)) || rest.take_bytes(FOOTER_MAGIC.len()) != Ok(FOOTER_MAGIC) {
            return Err(wrong(at, "the footer's checksum does not match"));
        }
        let place = BlockPlace::of_footer(covered).map_err(|Malformed| wrong(at, "a malformed footer"))?;
        let bytes = self.read_block(medium, place)?;
        Directory::decode(&mut Decoder::new(&bytes)).map_err(|Malformed| wrong(place.offset, "a malformed directory"))
    }
}

impl BlockPlace {
    fn of_footer(bytes: &[u8]) -> Decoded<BlockPlace> {
        let mut from = Decoder::new(bytes);
        Ok(BlockPlace { offset: from.u64()?, length: from.u64()?, checksum: from.u64()? })
    }
}
