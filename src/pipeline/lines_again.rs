//! Lines that were rejected, read again in another format: what was written before a log_format's change was told.
//!
//! What comes of them is counted as a log of its own, whose bytes are in the file of the first: nothing that was counted has to be taken
//! back, and whoever reads the lines again knows by the reading which ones are meant, those that no format before did fit. So the
//! same call twice takes nothing in twice.

use super::commit_builder::CommitBuilder;
use super::interpreter::Interpreter;
use super::interpreting::Interpreting;
use super::line_readers::ReadingInterpreters;
use super::retrieve::{self, MissingLines};
use super::row_collector::RowCollector;
use super::slot_settings::SlotSettings;
use crate::error::{Error, Result};
use crate::grammar::Format;
use crate::record::Needs;
use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::source::{LineRangeReader, LineReader, LogPiece};
use crate::store::{BlockSummary, Commit, LinesAgain, LogReading, ReadingChange, View};
use crate::time::Timestamp;

/// How rejected lines are read again.
pub struct AgainSettings<'a> {
    /// The format that they may be in.
    pub format: &'a Format,
    /// The rules, with the store's numbers of routes.
    pub with: &'a Interpreting,
    /// How slots are counted.
    pub slots: SlotSettings,
    /// Whether raw lines are archived.
    pub is_archived: bool,
    /// Longest line, in bytes.
    pub max_line: usize,
}

/// What came of them.
pub struct TakenAgain {
    /// What the store gets, but for names of routes.
    pub commit: Commit,
    /// How many lines became requests.
    pub lines: u64,
    /// The slots that got any.
    pub touched: Vec<Timestamp>,
}

/// Read the rejected lines of a log again; nothing if none is, or that format rejected them before.
///
/// # Errors
/// The log is gone or cannot be read, or the store does not know what rejected its lines.
pub fn read_rejected(view: &View, generation: &Generation, settings: &AgainSettings<'_>) -> Result<Option<TakenAgain>> {
    let known = || view.generations().iter();
    let id = GenerationId(known().map(|held| held.id.0.saturating_add(1)).max().unwrap_or(0));
    let with = settings.with.for_log(&generation.log);
    let interpreter = Interpreter::new(settings.format, Needs::latency(), &with)
        .map_err(|error| Error::usage(format!("format `{}`: {error}", settings.format.name())))?;
    let reading = interpreter.reading(settings.slots.server_errors);
    let Some(readings) = readings_again(view, generation, id, &reading)? else { return Ok(None) };
    let mut missing = MissingLines::default();
    let Some(mut reader) = retrieve::open(view, generation.id, &mut missing) else {
        let why = missing.failed.pop().unwrap_or_else(|| Error::failed("the log is gone").at(&generation.path));
        return Err(why);
    };
    let mut rows = RowCollector::new(settings.slots);
    for stretch in rejected_stretches(view, generation, &readings)? {
        let Some(mut read_with) = ReadingInterpreters::new(&stretch.change.reading, &|_| Needs::latency(), &with)
        else {
            continue;
        };
        if settings.is_archived {
            read_with.archive_lines(settings.slots.slowest);
        }
        collect_stretch(&mut reader, &stretch, &mut read_with, settings, &mut rows)?;
    }
    let touched = rows.touched_slots();
    let mut commit = CommitBuilder::new(settings.slots).build(rows.hand_over()).0;
    let lines = commit.ledgers.iter().map(|(_, ledger)| ledger.parsed).sum();
    if lines == 0 {
        return Ok(None);
    }
    for (_, ledger) in &mut commit.ledgers {
        // All of the file is what it was made of.
        ledger.bytes = generation.position;
    }
    commit.generations.push(Generation {
        id,
        device_inode: DeviceInode::default(),
        // No log begins so: by this one no file is known.
        fingerprint: Fingerprint::of_head(b"\0"),
        finished: true,
        ..generation.clone()
    });
    commit.readings = readings;
    Ok(Some(TakenAgain { commit, lines, touched }))
}

/// From which byte on which formats rejected the lines; nothing if the new one is among them everywhere.
fn readings_again(
    view: &View,
    generation: &Generation,
    id: GenerationId,
    reading: &LogReading,
) -> Result<Option<Vec<ReadingChange>>> {
    let mut before = Vec::new();
    for held in view.generations() {
        if view.again_of(held.id) == Some(generation.id)
            && let Some(again) = view.last_reading(held.id)
        {
            // It read what was there then.
            before.push((held.position, again.format.clone()));
        }
    }
    let (mut changes, mut is_new, mut from) = (Vec::new(), false, 0);
    while from < generation.position {
        let stretch = view.reading_at(generation.id, from);
        let Some((_, first)) = stretch.reading else {
            return Err(
                Error::failed("an older version read it, and did not note in which format").at(&generation.path)
            );
        };
        let mut rejected_by = vec![first.format.clone()];
        let mut until = stretch.until;
        for (position, format) in &before {
            if from < *position {
                rejected_by.push(format.clone());
                until = until.min(*position);
            }
        }
        is_new |= !rejected_by.contains(&reading.format);
        let again = Some(LinesAgain { of: generation.id, rejected_by });
        changes.push(ReadingChange { generation: id, from, reading: LogReading { again, ..reading.clone() } });
        from = until;
    }
    Ok(is_new.then_some(changes))
}

/// A stretch of a log that has rejected lines, and how these are read.
struct StretchAgain<'c> {
    from: u64,
    until: u64,
    change: &'c ReadingChange,
}

/// The blocks with rejected lines, cut where the reading changes.
fn rejected_stretches<'c>(
    view: &View,
    generation: &Generation,
    readings: &'c [ReadingChange],
) -> Result<Vec<StretchAgain<'c>>> {
    let blocks = view.blocks_of(generation.id)?;
    let mut stretches = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        if !matches!(block.rejects, Some(rejects) if rejects.rejected > 0) {
            continue;
        }
        let end = blocks.get(at + 1).map_or(generation.position, first_line);
        let mut from = first_line(block);
        while from < end {
            let behind = readings.partition_point(|change| change.from <= from);
            let Some(change) = behind.checked_sub(1).and_then(|held| readings.get(held)) else { break };
            let until = readings.get(behind).map_or(end, |next| next.from.min(end));
            stretches.push(StretchAgain { from, until, change });
            from = until;
        }
    }
    Ok(stretches)
}

/// Where the first line of a block begins, a request or not.
fn first_line(block: &BlockSummary) -> u64 {
    block.rejects.map_or(block.first, |rejects| rejects.first.min(block.first))
}

/// Count the lines of a stretch that were rejected.
fn collect_stretch(
    reader: &mut LineReader,
    stretch: &StretchAgain<'_>,
    read_with: &mut ReadingInterpreters,
    settings: &AgainSettings<'_>,
    rows: &mut RowCollector,
) -> Result<()> {
    let mut buffer = Vec::new();
    let lines = LineRangeReader::new(reader, stretch.from, stretch.until).max_line(settings.max_line);
    let mut lines = lines.wrapped(settings.format.wrapper());
    while let Some(piece) = lines.next_block(&mut buffer)? {
        if let LogPiece::Lines { offset } = piece {
            rows.collect_runs(&mut read_with.reader(), stretch.change.generation, offset, &buffer);
        }
    }
    Ok(())
}
