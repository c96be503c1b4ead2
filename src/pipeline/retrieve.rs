//! Back from the index to the raw lines, whatever the log is called by now.
//!
//! The index has no path but a generation, an offset and a length. A log may since have been renamed, compressed or deleted:
//! its generation is looked for among the siblings of its last path, and known by its content. So there are three ends:
//!
//! - it is found: the bytes are read at their offset; in a compressed log from the nearest restart point before it;
//! - it is gone: slow lines may still be in the store's archive;
//! - it cannot be read: that is said, and the other logs are read on.
//!
//! What is missing is never left out in silence: it is in [`MissingLines`], and a command that got some says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::line_readers::LineReaders;
use super::routed_record::RoutedRecord;
use super::series_members::SeriesMembers;
use crate::error::{Error, Result};
use crate::record::RecordValues;
use crate::route::cap::OTHER;
use crate::route::{Matched, RouteId};
use crate::source::generation::{Generation, GenerationId};
use crate::source::{LineReader, LocatedGeneration, find_generation_with};
use crate::store::{BlockSummary, Locator, View};

/// What could not be read.
#[derive(Debug, Default)]
pub struct MissingLines {
    /// Logs that are gone.
    pub gone: Vec<Generation>,
    /// Logs that are there but cannot be read.
    pub failed: Vec<Error>,
    /// The numbers of those: their lines are not gone.
    pub unreadable: BTreeSet<GenerationId>,
    /// Logs whose format is not known here.
    pub unknown: Vec<String>,
    /// Blocks of logs that are there and do not say what they said when they were counted.
    pub differing: Vec<DifferingBlocks>,
    /// How many uncompressed bytes of compressed logs had to be decoded for what could be read.
    pub decoded: u64,
    /// Nothing missing, but worth saying: how many lines were taken from the store's archive, their log being gone.
    pub archived: usize,
}

/// Blocks of one log in which not the requests were found that were counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingBlocks {
    /// Where the log was last.
    pub path: PathBuf,
    /// The first byte of the first, and the last of the last.
    pub bytes: (u64, u64),
    /// How many requests were counted in them.
    pub counted: u64,
    /// How many were found now.
    pub found: u64,
}

impl MissingLines {
    fn note_failed(&mut self, id: GenerationId, error: Error) {
        self.unreadable.insert(id);
        self.failed.push(error);
    }

    /// Note that a block holds another number of requests than were counted.
    pub(super) fn note_differing(&mut self, generation: &Generation, block: &BlockSummary, found: u32) {
        let (counted, found) = (u64::from(block.lines), u64::from(found));
        match self.differing.last_mut() {
            Some(last) if last.path == generation.path => {
                last.bytes.1 = block.until;
                last.counted += counted;
                last.found += found;
            }
            _ => {
                let (path, bytes) = (generation.path.clone(), (block.first, block.until));
                self.differing.push(DifferingBlocks { path, bytes, counted, found });
            }
        }
    }

    /// Note that something else stands where a line was.
    fn note_changed(&mut self, generation: &Generation, at: Locator) {
        let end = at.offset + u64::from(at.length);
        match self.differing.last_mut() {
            Some(last) if last.path == generation.path => {
                last.bytes.1 = end;
                last.counted += 1;
            }
            _ => {
                let (path, bytes) = (generation.path.clone(), (at.offset, end));
                self.differing.push(DifferingBlocks { path, bytes, counted: 1, found: 0 });
            }
        }
    }

    /// Where the lines come from, if it is not their log.
    pub fn note(&self) -> Option<String> {
        if self.archived == 0 {
            return None;
        }
        let plural = if self.archived == 1 { "line comes" } else { "lines come" };
        Some(format!("{} raw {plural} from the store's archive, their log being gone", self.archived))
    }

    /// Each of it in words, with its remedy where there is one; empty if everything was read.
    pub fn messages(&self) -> Vec<String> {
        let mut messages = Vec::new();
        for log in &self.gone {
            messages.push(format!("gone: the log last seen as {}", log.path.display()));
        }
        messages.extend(self.failed.iter().map(ToString::to_string));
        for DifferingBlocks { path, bytes: (first, until), counted, found } in &self.differing {
            messages.push(format!(
                "{}, bytes {first} to {until}: {found} requests are found there now, {counted} were counted (the log was changed, or its \
                 format is not the one it was read in)",
                path.display()
            ));
        }
        for log in &self.unknown {
            messages
                .push(format!("the configuration has no [[log]] with path {log:?}; its lines cannot be read again"));
        }
        messages
    }
}

/// Open the log of a generation, or note why that cannot be done.
pub(super) fn open(view: &View, id: GenerationId, missing: &mut MissingLines) -> Option<LineReader> {
    open_again(id, &locate(view, id, missing)?, missing)
}

/// The same of one that was found.
pub(super) fn open_again(
    id: GenerationId,
    located: &LocatedGeneration,
    missing: &mut MissingLines,
) -> Option<LineReader> {
    match LineReader::open(located) {
        Ok(reader) => Some(reader),
        Err(error) => {
            missing.note_failed(id, error);
            None
        }
    }
}

/// Find the log of a generation, or note why that cannot be done.
pub(super) fn locate(view: &View, id: GenerationId, missing: &mut MissingLines) -> Option<LocatedGeneration> {
    let id = view.again_of(id).unwrap_or(id);
    let generation = find_known(view, id)?;
    let located = match find_generation_with(generation, view.rotated_of(&generation.log), view.restart_points(id)) {
        Ok(Some(located)) => located,
        Ok(None) => {
            missing.gone.push(generation.clone());
            return None;
        }
        Err(error) => {
            missing.note_failed(id, error);
            return None;
        }
    };
    missing.decoded += located.decoded;
    if let Some(points) = &located.points
        && located.decoded > 0
    {
        // Whoever may not write there gathers them again the next time.
        drop(view.keep_restart_points(id, points));
    }
    Some(located)
}

/// What the store knows of a generation; None if it knows of none with that id.
pub(super) fn find_known(view: &View, id: GenerationId) -> Option<&Generation> {
    view.generations().iter().find(|generation| generation.id == id)
}

/// Read the lines that `locators` name; `each` gets the locator's index and the line, or nothing if it is gone.
/// Each log is read once, in ascending order. Lines that are gone from the logs come from the store's archive, if they are there.
pub fn lines(view: &View, locators: &[Locator], mut each: impl FnMut(usize, Option<&[u8]>)) -> MissingLines {
    let mut missing = MissingLines::default();
    let mut by_generation: BTreeMap<GenerationId, Vec<(u64, usize)>> = BTreeMap::new();
    for (index, locator) in locators.iter().enumerate() {
        by_generation.entry(locator.generation).or_default().push((locator.offset, index));
    }
    let mut buffer = Vec::new();
    let mut gone: Vec<usize> = Vec::new();
    for (generation, mut wanted) in by_generation {
        wanted.sort_unstable();
        let mut reader = open(view, generation, &mut missing);
        for (_, index) in wanted {
            let (Some(held), Some(locator)) = (&mut reader, locators.get(index)) else {
                gone.push(index);
                continue;
            };
            match read_line(held, *locator, &mut buffer) {
                Ok(ReadLine::Whole) => each(index, Some(&buffer)),
                Ok(ReadLine::Gone) => gone.push(index),
                Ok(ReadLine::Changed) => {
                    if let Some(known) = find_known(view, generation) {
                        missing.note_changed(known, *locator);
                    }
                    gone.push(index);
                }
                Err(error) => {
                    missing.note_failed(generation, error);
                    missing.decoded += held.decoded();
                    reader = None;
                    gone.push(index);
                }
            }
        }
        if let Some(held) = reader {
            missing.decoded += held.decoded();
        }
    }
    if !gone.is_empty() {
        from_archive(view, locators, &gone, &mut missing, each);
    }
    missing
}

/// What stands where a line was.
enum ReadLine {
    Whole,
    /// The log ends before.
    Gone,
    /// Something else.
    Changed,
}

/// Read the line that a locator names. No line that was ever indexed has a NUL, which a hole or a crash leaves, and each ends where its
/// locator says, with the log or a line's end behind it.
fn read_line(reader: &mut LineReader, at: Locator, into: &mut Vec<u8>) -> Result<ReadLine> {
    let with_end = at.length.saturating_add(1);
    if reader.read(at.offset, with_end, into)? {
        if into.pop() != Some(b'\n') {
            return Ok(ReadLine::Changed);
        }
    } else if !reader.read(at.offset, at.length, into)? {
        return Ok(ReadLine::Gone);
    }
    Ok(if into.contains(&0) { ReadLine::Changed } else { ReadLine::Whole })
}

/// Give the lines that are `gone` from the logs out of the archive; a log is missing only if one of its lines then is.
fn from_archive(
    view: &View,
    locators: &[Locator],
    gone: &[usize],
    missing: &mut MissingLines,
    mut each: impl FnMut(usize, Option<&[u8]>),
) {
    let mut wanted = Vec::with_capacity(gone.len());
    for &index in gone {
        wanted.extend(locators.get(index).copied());
    }
    let (found, failed) = match view.archived_lines(&wanted) {
        Ok(found) => (found, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    let mut found = found.into_iter();
    let mut lost: BTreeSet<GenerationId> = BTreeSet::new();
    for (&index, locator) in gone.iter().zip(&wanted) {
        let line = found.next().flatten();
        each(index, line.as_deref());
        match line {
            Some(_) => missing.archived += 1,
            None => drop(lost.insert(locator.generation)),
        }
    }
    missing.gone.retain(|generation| lost.contains(&generation.id));
    if lost.is_empty() {
        missing.failed.clear();
        missing.differing.clear();
    }
    missing.failed.extend(failed);
}

/// A line of a log of the store, read again.
pub struct ScannedLine<'l> {
    /// What it says, or what it is to a member of a series.
    pub seen: &'l RoutedRecord<'l>,
    /// Its raw values, of those that the readers need.
    pub values: RecordValues<'l>,
    /// Where it is.
    pub locator: Locator,
    /// Its bytes, without the newline.
    pub line: &'l [u8],
}

/// Read and parse all lines of `blocks`; `each` gets them. Each is read in the format that it
/// was counted in. A block in which another number of requests is found than was counted is among what is missing.
pub fn scan(
    view: &View,
    blocks: &[BlockSummary],
    readers: &mut LineReaders,
    each: &mut dyn FnMut(&ScannedLine<'_>),
) -> Result<MissingLines> {
    let mut missing = MissingLines::default();
    let mut buffer = Vec::new();
    for of_log in blocks.chunk_by(|one, next| one.generation == next.generation) {
        let Some(generation) = of_log.first().and_then(|block| find_known(view, block.generation)) else { continue };
        let Some(mut reader) = open(view, generation.id, &mut missing) else { continue };
        for block in of_log {
            let is_read = read_bytes(&mut reader, block, &mut buffer)?;
            let found = is_read.then(|| read_block(view, generation, block, &buffer, readers, each));
            match found {
                None => missing.note_differing(generation, block, 0),
                Some(Some(found)) if found == block.lines => {}
                Some(Some(found)) => missing.note_differing(generation, block, found),
                Some(None) => {
                    missing.unknown.push(generation.log.clone());
                    break;
                }
            }
        }
        missing.decoded += reader.decoded();
    }
    missing.unknown.dedup();
    Ok(missing)
}

/// The bytes of a block; whether the log has them.
pub(super) fn read_bytes(reader: &mut LineReader, block: &BlockSummary, into: &mut Vec<u8>) -> Result<bool> {
    let length = u32::try_from(block.until.saturating_sub(block.first)).unwrap_or(u32::MAX);
    // A log's very last line may lack the newline that the summary reckons with.
    Ok(reader.read(block.first, length, into)? || reader.read(block.first, length.saturating_sub(1), into)?)
}

/// Parse the lines of one block; how many requests there were. Nothing if the format of some is not known.
pub(super) fn read_block(
    view: &View,
    generation: &Generation,
    block: &BlockSummary,
    bytes: &[u8],
    readers: &mut LineReaders,
    each: &mut dyn FnMut(&ScannedLine<'_>),
) -> Option<u32> {
    let mut found = 0u32;
    let (other, members) = (view.route(OTHER), readers.scans_members());
    let (mut from, end) = (block.first, block.first + bytes.len() as u64);
    while from < end {
        let mut read_with = readers.reader_at(view, generation, from);
        let until = read_with.until.min(end);
        let at = |offset: u64| usize::try_from(offset - block.first).unwrap_or(usize::MAX);
        let stretch = bytes.get(at(from)..at(until)).unwrap_or_default();
        let runs = read_with.runs(stretch);
        let interpreter = read_with.interpreter?;
        let mut series = interpreter.lend_series();
        let overflows = series.as_ref().map(SeriesMembers::overflows).unwrap_or_default();
        for run in runs {
            let begins = from + run.start as u64;
            interpreter.read_block(stretch.get(run).unwrap_or_default(), |at, line, seen, values| {
                if let Ok(seen) = seen {
                    found += 1;
                    let seen = &as_counted(*seen, block, other);
                    let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
                    let offset = begins + at as u64;
                    let locator = Locator { generation: generation.id, offset, length };
                    each(&ScannedLine { seen, values, locator, line });
                    if let Some(series) = series.as_mut().filter(|_| members) {
                        series.each_member(seen, &values, |member, number| {
                            let seen = &as_counted(*member, block, overflows.get(number).copied().flatten());
                            each(&ScannedLine { seen, values, locator, line });
                        });
                    }
                }
            });
        }
        interpreter.take_series_back(series);
        from = until;
    }
    Some(found)
}

/// A request as it was counted: in a block that has nothing of its route, in `other`, since its route had no place yet. A probe's series
/// always has one.
fn as_counted<'l>(seen: RoutedRecord<'l>, block: &BlockSummary, other: Option<RouteId>) -> RoutedRecord<'l> {
    if seen.matched.probe.is_some() {
        return seen;
    }
    match other.filter(|other| !block.may_hold(Some(&[seen.matched.id])) && block.may_hold(Some(&[*other]))) {
        Some(other) => RoutedRecord { matched: Matched { id: other, ..seen.matched }, ..seen },
        None => seen,
    }
}
