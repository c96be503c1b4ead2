//! Segments: sealed, immutable, sorted, checksummed files. Only their directories are kept in memory, once asked for.

use crate::error::Result;
use crate::source::GenerationId;
use crate::store::commit::archived_lines;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::{BlockSummary, RouteStarts};
use crate::store::commit::entry::Entry;
use crate::store::disk::damage::{FileOperation, file_damaged};
use crate::store::disk::layout;
use crate::store::disk::medium::{Medium, RandomAccessFile};
use crate::store::encoding::bytes::{Decode, Decoded, Decoder, Malformed, checksum, decompress};
use crate::store::encoding::cell_sums::{CellRoom, CellSums, add_cells};
use crate::store::entry_query::{EntryQuery, WindowMatch};
use crate::store::resolution::Resolution;
use crate::store::segment::directory::{
    BlockPlace, Directory, EntryBlock, FOOTER_MAGIC, LineBlock, SEGMENT_MAGIC, SummaryBlock,
};
use crate::store::segment::entry_blocks;
use crate::store::segment::info::{OLDEST_SEGMENT, SegmentInfo};
use crate::time::Window;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

/// Bytes before the first block: magic, version, number.
const HEADER: u64 = 8 + 4 + 8;

/// Bytes after the directory: its place, their checksum, magic.
const FOOTER: u64 = 4 * 8 + 8;

/// What a failed call was to do.
const READING: &str = "read the segment";

/// A segment to read from.
///
/// The methods that take `damage` go on where it gives `Ok`: whether a damaged block is an error or left out is the caller's
/// choice, and each block is judged alone.
pub(crate) struct Segment {
    /// As the manifest lists it.
    pub(crate) info: SegmentInfo,
    name: String,
    /// Once open it can be read to the end of this value's life, also if the writer removes the file.
    source: OnceLock<Box<dyn RandomAccessFile>>,
    directory: OnceLock<Directory>,
}

/// Blocks at the edges of groups of summaries that do not reach into a window.
#[derive(Debug, Default)]
pub(crate) struct GroupsAround {
    pub(crate) before: Vec<(GenerationId, u32)>,
    pub(crate) behind: Vec<(GenerationId, u32)>,
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

    /// Fill `into` from `offset`, with errors that name the file.
    fn read_at(&self, medium: &dyn Medium, offset: u64, into: &mut [u8]) -> Result<()> {
        let source = self.open(medium).or_failed(medium, READING, &self.name)?;
        source.read_at(offset, into).or_failed(medium, READING, &self.name)
    }

    /// Add the cells of a resolution whose slot starts in `window`.
    pub(crate) fn add_cells(
        &self,
        medium: &dyn Medium,
        resolution: Resolution,
        window: Window,
        sums: &mut impl CellSums,
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        let mut room = CellRoom::default();
        for block in directory.cells(resolution) {
            if block.first >= window.until || block.last < window.from {
                continue;
            }
            let added = self.unpack_bytes(medium, block.place, block.unpacked).and_then(|body| {
                let added = add_cells(&mut Decoder::new(&body), window, &mut room, sums);
                self.well_formed(medium, block.place, added)
            });
            if let Err(error) = added {
                damage(error)?;
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
            let may_hold_some = block.bounds().may_reach(wanted.window, wanted.by)
                && block.max_duration_ms >= wanted.min_duration_ms
                && block.may_hold(wanted.routes.as_deref());
            if !may_hold_some {
                continue;
            }
            match self.read_entries(medium, block, Some(wanted)) {
                Ok(entries) => entries.into_iter().for_each(&mut each),
                Err(error) => damage(error)?,
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
        mut each: impl FnMut(BlockSummary),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        for block in &directory.summaries {
            if block.bounds.may_reach(window, by) {
                self.each_summary_of_block(medium, block, &mut each, &mut damage)?;
            }
        }
        Ok(())
    }

    /// The last block of each group whose lines all ended before `window`, and the first of each whose lines all ended behind it.
    pub(crate) fn groups_around(&self, medium: &dyn Medium, window: Window) -> Result<GroupsAround> {
        let mut around = GroupsAround::default();
        for group in &self.directory(medium)?.summaries {
            if group.bounds.max_end < window.from {
                around.before.push(group.last);
            } else if group.bounds.min_end >= window.until {
                around.behind.push(group.first);
            }
        }
        Ok(around)
    }

    /// Block summaries of the groups that may hold that of the block `key`.
    pub(crate) fn each_summary_with(
        &self,
        medium: &dyn Medium,
        key: (GenerationId, u32),
        mut each: impl FnMut(BlockSummary),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        for group in directory.summaries.iter().filter(|group| group.first <= key && key <= group.last) {
            self.each_summary_of_block(medium, group, &mut each, &mut damage)?;
        }
        Ok(())
    }

    /// Block summaries from the groups that stand beside the block `key`, on either side.
    pub(crate) fn each_summary_beside(
        &self,
        medium: &dyn Medium,
        key: (GenerationId, u32),
        mut each: impl FnMut(BlockSummary),
        mut damage: impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return damage(error),
        };
        let before = directory.summaries.iter().rposition(|block| block.first < key);
        let after = directory.summaries.iter().position(|block| block.last > key);
        // One group, if the block is in the midst of it.
        let beside: BTreeSet<usize> = [before, after].into_iter().flatten().collect();
        for at in beside {
            if let Some(block) = directory.summaries.get(at) {
                self.each_summary_of_block(medium, block, &mut each, &mut damage)?;
            }
        }
        Ok(())
    }

    fn each_summary_of_block(
        &self,
        medium: &dyn Medium,
        block: &SummaryBlock,
        each: &mut impl FnMut(BlockSummary),
        damage: &mut impl FnMut(crate::error::Error) -> Result<()>,
    ) -> Result<()> {
        match self.read_summaries(medium, block) {
            Ok(summaries) => summaries.into_iter().for_each(each),
            Err(error) => damage(error)?,
        }
        Ok(())
    }

    /// The entries of a block up to the last one that `wanted` asks for (and others); all if nothing is asked for.
    pub(super) fn read_entries(
        &self,
        medium: &dyn Medium,
        block: &EntryBlock,
        wanted: Option<&EntryQuery>,
    ) -> Result<Vec<Entry>> {
        let bytes = self.read_block(medium, block.place)?;
        self.well_formed(medium, block.place, entry_blocks::decode_block(&bytes, block.count, wanted))
    }

    /// The summaries of a block, by generation and number.
    pub(super) fn read_summaries(&self, medium: &dyn Medium, block: &SummaryBlock) -> Result<Vec<BlockSummary>> {
        let starts = if self.info.version == OLDEST_SEGMENT { RouteStarts::OfBlock } else { RouteStarts::Written };
        self.unpack_block(medium, block.place, block.unpacked, |from| BlockSummary::decode_list(from, starts))
    }

    /// The archived lines of a block, by generation and offset.
    pub(super) fn read_lines(&self, medium: &dyn Medium, block: &LineBlock) -> Result<Vec<(LineKey, Vec<u8>)>> {
        let body = self.unpack_bytes(medium, block.place, block.unpacked)?;
        let mut lines = Vec::new();
        for (key, line) in self.well_formed(medium, block.place, archived_lines::decode_block(&body))? {
            lines.push((key, line.to_vec()));
        }
        Ok(lines)
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
            if !matches!(keys.get(first), Some(key) if *key <= block.last) {
                continue;
            }
            let body = self.unpack_bytes(medium, block.place, block.unpacked)?;
            for (key, line) in self.well_formed(medium, block.place, archived_lines::decode_block(&body))? {
                if let Some(at) = wanted.get(&key)
                    && let Some(place) = found.get_mut(*at)
                {
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
            entries.extend(self.read_entries(medium, block, None)?);
        }
        for block in &directory.summaries {
            summaries.extend(self.read_summaries(medium, block)?);
        }
        Ok((entries, summaries))
    }

    /// Read the whole segment and compare every checksum.
    pub(crate) fn verify(&self, medium: &dyn Medium) -> Vec<crate::error::Error> {
        let directory = match self.directory(medium) {
            Ok(directory) => directory,
            Err(error) => return vec![error],
        };
        let mut damage = Vec::new();
        for place in directory.places() {
            damage.extend(self.read_block(medium, place).err());
        }
        damage
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
        self.well_formed(medium, place, decode(&mut Decoder::new(&body)))
    }

    /// Its bytes, decompressed.
    pub(super) fn unpack_bytes(&self, medium: &dyn Medium, place: BlockPlace, unpacked: u64) -> Result<Vec<u8>> {
        let packed = self.read_block(medium, place)?;
        self.well_formed(medium, place, decompress(&packed, unpacked))
    }

    /// Its bytes as they stand in the file, if they match their checksum.
    pub(super) fn read_block(&self, medium: &dyn Medium, place: BlockPlace) -> Result<Vec<u8>> {
        // The directory's checksum was right, but no room is made for more than the file has.
        let fits = matches!(place.offset.checked_add(place.length), Some(end) if end <= self.info.length);
        let (true, Ok(length)) = (fits, usize::try_from(place.length)) else {
            return Err(self.malformed_block(medium, place));
        };
        let mut bytes = vec![0; length];
        self.read_at(medium, place.offset, &mut bytes)?;
        if checksum(&bytes) != place.checksum {
            return Err(file_damaged(medium, &self.name, place.offset, "a block's checksum does not match"));
        }
        Ok(bytes)
    }

    /// What was decoded of the block at `place`; if it is malformed, that is an error that names file and place.
    fn well_formed<T>(&self, medium: &dyn Medium, place: BlockPlace, decoded: Decoded<T>) -> Result<T> {
        decoded.map_err(|Malformed| self.malformed_block(medium, place))
    }

    /// The error of a block whose checksum is right and whose content is not.
    fn malformed_block(&self, medium: &dyn Medium, place: BlockPlace) -> crate::error::Error {
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

    /// Read header, footer and directory, each of which must say what the manifest does: a file of another number (put
    /// in the place of this one by hand) or version is damage, not an answer.
    fn read_directory(&self, medium: &dyn Medium) -> Result<Directory> {
        let wrong = |offset: u64, what: &str| file_damaged(medium, &self.name, offset, what);
        let mut header = [0u8; HEADER as usize];
        self.read_at(medium, 0, &mut header)?;
        let mut from = Decoder::new(&header);
        if from.take_bytes(SEGMENT_MAGIC.len()) != Ok(SEGMENT_MAGIC) {
            return Err(wrong(0, "not a segment"));
        }
        match (from.u32(), from.u64()) {
            // The manifest knows the version of what it names: a segment that says otherwise is damaged.
            (Ok(version), Ok(number)) if version == self.info.version && number == self.info.number => {}
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
        let Ok(place) = BlockPlace::of_footer(covered) else { return Err(wrong(at, "a malformed footer")) };
        let bytes = self.read_block(medium, place)?;
        match Directory::decode(&mut Decoder::new(&bytes)) {
            Ok(directory) => Ok(directory),
            Err(Malformed) => Err(wrong(place.offset, "a malformed directory")),
        }
    }
}

impl BlockPlace {
    /// The directory's place: three whole numbers, since a footer is found by its length.
    fn of_footer(bytes: &[u8]) -> Decoded<BlockPlace> {
        let mut from = Decoder::new(bytes);
        Ok(BlockPlace { offset: from.u64()?, length: from.u64()?, checksum: from.u64()? })
    }
}
