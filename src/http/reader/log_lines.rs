//! Lines that no index keeps: the blocks of log that may hold them are read and parsed again, in the order of time, until there are
//! enough or the time is up.

use std::collections::{BTreeMap, HashMap};

use super::Reader;
use super::found::{LineFound, LineOrdering, LineRank, LinesFound, LinesWanted};
use super::index_lines::{LineNames, add_new, late_words};
use super::line_showing::LineShowing;
use crate::error::{Error, Result};
use crate::pipeline::{
    CountedBy, Interpreter, Interpreting, LineReaders, NeedsOfFormat, RouteFilter, holds_format, retrieve,
};
use crate::store::BlockSummary;

/// So much of one log is read before it is looked whether that was enough.
const AT_A_TIME: u64 = 16 << 20;

/// So much is read for one question.
const MOST: u64 = 8 << 30;

/// The lines of one answer may hold so many bytes.
const LINE_BYTES: usize = 32 << 20;

impl Reader<'_> {
    /// All lines of the window that are wanted.
    pub(super) fn lines_of_logs(&self, wanted: &LinesWanted<'_>) -> Result<LinesFound> {
        let (view, filter) = (self.view()?, &wanted.filter);
        let with = self.interpreting()?;
        let showing = LineShowing { redaction: self.redaction(), fields: wanted.fields };
        let mut readers = self.line_readers(&with, showing.needs())?;
        let mut found = LinesFound { is_counted: true, ..LinesFound::default() };
        readers.scan_members(with.asks_for_series(filter));
        let mut best = BestLines::new(wanted);
        let mut verdicts = RouteFilter::default();
        let names = LineNames::of(view);
        let mut left: HashMap<_, _> = HashMap::new();
        for entry in self.kept_entries(filter)? {
            left.insert(entry.locator, entry);
        }
        let mut read = 0;
        let pieces = pieces_in_order(self.blocks(filter)?, wanted.order);
        for piece in &pieces {
            if best.has_enough_before(piece) {
                found.is_counted = false;
                break;
            }
            if self.is_late() || read > MOST {
                found.is_counted = false;
                found.lacks.missing.push(late_words());
                break;
            }
            read += piece.bytes();
            let missing = retrieve::scan(view, &piece.blocks, &mut readers, &mut |scanned| {
                let (seen, locator) = (scanned.seen, scanned.locator);
                if !filter.keeps(seen) || !verdicts.keeps(filter, &seen.matched, &with.routes) {
                    return;
                }
                left.remove(&locator);
                let route = with.routes.name(seen.matched.id).unwrap_or_default();
                let (file, fields) = (names.file(locator.generation), Vec::new());
                let mut line =
                    LineFound { entry: seen.entry(locator), route, file, line: None, fields, is_there: true };
                showing.show(&mut line, scanned.line, seen, scanned.values);
                if (wanted.accepts)(&line) {
                    best.push(line);
                }
            })?;
            add_new(&mut found.lacks.missing, missing.messages());
        }
        if !found.lacks.missing.is_empty() && !left.is_empty() {
            // Of logs that are gone there are still the slow requests.
            let left: Vec<_> = left.into_values().collect();
            for line in self.raw_lines(&left, wanted.fields, &mut found.lacks)? {
                if (wanted.accepts)(&line) {
                    best.push(line);
                }
            }
        }
        self.add_rules(wanted, &with, &mut found)?;
        found.count = best.count;
        if best.is_too_long {
            found.lacks.missing.push("these lines are too long to show all of them: ask for fewer".to_owned());
        }
        found.lines = best.held.into_values().skip(wanted.skip).collect();
        Ok(found)
    }

    /// Says that routes are named otherwise than they were counted.
    fn add_rules(&self, wanted: &LinesWanted<'_>, with: &Interpreting, found: &mut LinesFound) -> Result<()> {
        let filter = &wanted.filter;
        if self.site().goes_by_store
            && crate::pipeline::counted_by(self.view()?, filter.window, filter.by, with.asked_rules(filter))?
                == CountedBy::Others
        {
            found.lacks.missing.push(
                "the routes of these lines are not those that were counted: name the configuration that has them (--config)"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// What reads the lines of each log: by the format that the store holds, else by that of the configuration.
    pub(super) fn line_readers(&self, with: &Interpreting, needs: NeedsOfFormat) -> Result<LineReaders> {
        let view = self.view()?;
        let mut by_log = HashMap::new();
        for log in &self.site().logs {
            if view
                .generations()
                .iter()
                .any(|known| known.log == log.pattern && !holds_format(view, known.id, known.position))
            {
                let interpreter = Interpreter::new(&log.format, needs(&log.format), &with.for_log(&log.pattern))
                    .map_err(|error| Error::failed(format!("log {}: {error}", log.pattern)))?;
                by_log.insert(log.pattern.clone(), interpreter);
            }
        }
        Ok(LineReaders::new(with.clone(), needs, by_log))
    }
}

/// Blocks of one log that are read together.
struct LogPieceToRead {
    blocks: Vec<BlockSummary>,
}

impl LogPieceToRead {
    fn bytes(&self) -> u64 {
        self.blocks.iter().map(|block| block.until.saturating_sub(block.first)).sum()
    }

    /// The rank that none of its lines is better than.
    fn best(&self, order: LineOrdering) -> Option<i64> {
        match order {
            LineOrdering::Oldest => self.blocks.iter().map(|block| block.min_end.0).min(),
            LineOrdering::Newest => self.blocks.iter().map(|block| block.max_end.0.saturating_neg()).min(),
            // A block does not know its longest.
            LineOrdering::Longest => None,
        }
    }
}

/// The blocks, those of one log that stand together in one piece, the pieces with the first lines first.
fn pieces_in_order(blocks: Vec<BlockSummary>, order: LineOrdering) -> Vec<LogPieceToRead> {
    let mut pieces: Vec<LogPieceToRead> = Vec::new();
    for block in blocks {
        match pieces.last_mut() {
            Some(piece)
                if piece.blocks.last().is_some_and(|last| last.generation == block.generation)
                    && piece.bytes() < AT_A_TIME =>
            {
                piece.blocks.push(block);
            }
            _ => pieces.push(LogPieceToRead { blocks: vec![block] }),
        }
    }
    pieces.sort_by_key(|piece| piece.best(order));
    pieces
}

/// The first of the lines found so far, in their order.
struct BestLines {
    order: LineOrdering,
    most: usize,
    held: BTreeMap<LineRank, LineFound>,
    bytes: usize,
    /// Lines were left out because all together are too long.
    is_too_long: bool,
    count: u64,
}

impl BestLines {
    fn new(wanted: &LinesWanted<'_>) -> BestLines {
        let (order, most) = (wanted.order, wanted.most());
        BestLines { order, most, held: BTreeMap::new(), bytes: 0, is_too_long: false, count: 0 }
    }

    fn push(&mut self, line: LineFound) {
        self.count += 1;
        let rank = self.order.rank(&line.entry);
        if self.is_full() && self.held.last_key_value().is_some_and(|(last, _)| *last < rank) {
            return;
        }
        self.bytes += size_of::<LineFound>() + line.line.as_ref().map_or(0, Vec::len);
        self.held.insert(rank, line);
        while (self.held.len() > self.most || self.bytes > LINE_BYTES) && self.held.len() > 1 {
            self.is_too_long |= self.held.len() <= self.most;
            let Some((_, last)) = self.held.pop_last() else { return };
            self.bytes -= size_of::<LineFound>() + last.line.as_ref().map_or(0, Vec::len);
        }
    }

    fn is_full(&self) -> bool {
        self.held.len() >= self.most || self.is_too_long
    }

    /// Whether no line of a piece, nor of any behind it, can be among the first.
    fn has_enough_before(&self, piece: &LogPieceToRead) -> bool {
        let Some(best) = piece.best(self.order) else { return false };
        self.held.len() >= self.most && self.held.last_key_value().is_some_and(|((_, end, ..), _)| *end < best)
    }
}
