//! The counting thread's part of counting: every line gets its slot and route and becomes a row; its log's ledger and the summary of
//! its block take note of it. Nothing is added up per cell here: [`CommitBuilder`](super::CommitBuilder) does that.
//!
//! Everything here depends on the lines alone (their own times and offsets), never on when or in which blocks they
//! were read, so that work done twice after a crash comes to the same.

use std::collections::HashMap;

use super::block_summaries::BlockSummaries;
use super::cell_numbers::CellNumbers;
use super::collected_rows::CollectedRows;
use super::interpreter::Interpreter;
use super::line_readers::StretchReader;
use super::raw_candidates::RawCandidates;
use super::routed_record::RoutedRecord;
use super::row::Row;
use super::slot_settings::SlotSettings;
use crate::grammar::Reject;
use crate::source::generation::GenerationId;
use crate::store::{BlockSummary, FIRST_REJECTS, Ledger, Locator};
use crate::time::Timestamp;

/// Makes a row of every line, and notes blocks and the ledger, until [`RowCollector::hand_over`].
pub struct RowCollector {
    settings: SlotSettings,
    cells: CellNumbers,
    rows: Vec<Row>,
    blocks: BlockSummaries,
    ledgers: HashMap<GenerationId, Ledger>,
    /// The slot of the last line, from and until: most lines are in the same.
    slot: (Timestamp, Timestamp),
    latest: Timestamp,
    bytes: u64,
    raw: RawCandidates,
}

impl RowCollector {
    /// Nothing collected yet.
    pub fn new(settings: SlotSettings) -> RowCollector {
        RowCollector {
            settings,
            cells: CellNumbers::default(),
            rows: Vec::new(),
            blocks: BlockSummaries::default(),
            ledgers: HashMap::new(),
            slot: (Timestamp(0), Timestamp(0)),
            latest: Timestamp(i64::MIN),
            bytes: 0,
            raw: RawCandidates::default(),
        }
    }

    /// One that goes on from a store: `open` are the blocks that more lines may come to.
    pub fn resume(settings: SlotSettings, open: &[BlockSummary]) -> RowCollector {
        let mut collector = RowCollector::new(settings);
        collector.blocks.resume_open(open);
        collector
    }

    /// The latest end of a request seen in the last block of a log; `i64::MIN` if none was.
    pub fn latest_end_of(&self, generation: GenerationId) -> Timestamp {
        self.blocks.latest_end_of(generation)
    }

    /// Collect the rows of what of a block of whole lines a reader reads, which was counted before: nothing is late.
    pub(super) fn collect_runs(
        &mut self,
        read_with: &mut StretchReader<'_>,
        generation: GenerationId,
        offset: u64,
        bytes: &[u8],
    ) {
        let runs = read_with.runs(bytes);
        let Some(interpreter) = &mut read_with.interpreter else { return };
        for run in runs {
            let begins = offset + run.start as u64;
            let lines = bytes.get(run).unwrap_or_default();
            self.collect_block(interpreter, generation, begins, lines, Timestamp(i64::MIN));
        }
    }

    /// Collect the rows of a block of whole lines of `generation` that begins at `offset`. `late_before`: slots before it were
    /// already sent, so a line in one is late.
    pub fn collect_block(
        &mut self,
        interpreter: &mut Interpreter,
        generation: GenerationId,
        offset: u64,
        bytes: &[u8],
        late_before: Timestamp,
    ) {
        let mut ledger = self.ledgers.remove(&generation).unwrap_or_default();
        ledger.bytes += bytes.len() as u64;
        self.bytes += bytes.len() as u64;
        let archived = interpreter.archived_slowest();
        let mut series = interpreter.lend_series();
        interpreter.read_block_inlined(bytes, |at, line, seen, values| {
            let at = offset + at as u64;
            ledger.lines += 1;
            match &seen {
                Ok(seen) => {
                    ledger.parsed += 1;
                    let locator =
                        Locator { generation, offset: at, length: u32::try_from(line.len()).unwrap_or(u32::MAX) };
                    let slot = self.push_row(seen, locator);
                    if let Some(slowest) = archived
                        && let Some(row) = self.rows.last()
                    {
                        self.raw.offer(self.rows.len() - 1, row, slowest, line);
                    }
                    ledger.late += u64::from(slot < late_before);
                    self.blocks.note_record(seen, locator);
                    if let Some(series) = &mut series {
                        series.each_member(seen, &values, |member, _| {
                            self.push_member(member, locator, archived, line);
                            self.blocks.note_route(member.matched.id, seen.record.start());
                        });
                    }
                }
                Err(reject) => self.note_reject(&mut ledger, generation, at, *reject),
            }
        });
        interpreter.take_series_back(series);
        ledger.whole_seconds |= interpreter.end_precision_ms() > 1;
        ledger.zoneless |= interpreter.assumes_zone();
        self.ledgers.insert(generation, ledger);
    }

    /// A line that is no request: counted by reason, the first of them by place, and noted in its block, so that a report can say
    /// where to look.
    #[cold]
    fn note_reject(&mut self, ledger: &mut Ledger, generation: GenerationId, at: u64, reject: Reject) {
        *ledger.rejected.entry(reject.reason.code()).or_default() += 1;
        if ledger.first_rejects.len() < FIRST_REJECTS {
            ledger.first_rejects.push((at, reject.column, reject.reason.code()));
        }
        // An empty line was never a request, so nothing lacks.
        if reject.reason.may_be_request() {
            self.blocks.note_reject(generation, at).rejected += 1;
        }
    }

    /// A line of `length` bytes at `offset` was skipped, since it is over the limit.
    pub fn skip_long_line(&mut self, generation: GenerationId, offset: u64, length: u64) {
        let ledger = self.ledgers.entry(generation).or_default();
        ledger.bytes += length;
        ledger.lines += 1;
        ledger.too_long += 1;
        self.bytes += length;
        self.blocks.note_reject(generation, offset).too_long += 1;
    }

    /// The ledger of a generation, to add what the source reports.
    pub fn ledger_mut(&mut self, generation: GenerationId) -> &mut Ledger {
        self.ledgers.entry(generation).or_default()
    }

    /// Add the record's row; gives back the slot it belongs to.
    #[inline]
    fn push_row(&mut self, seen: &RoutedRecord<'_>, locator: Locator) -> Timestamp {
        let record = &seen.record;
        let (from, until) = self.slot;
        if record.end < from || record.end >= until {
            let slot = record.end.slot(self.settings.interval);
            self.slot = (slot, slot.plus(self.settings.interval));
        }
        let (slot, _) = self.slot;
        self.latest = self.latest.max(record.end);
        let error = self.settings.server_errors && record.status.is_some_and(|status| (500..600).contains(&status));
        let cell = self.cells.number_of(slot, seen.matched.id);
        self.rows.push(Row::new(cell, record, locator, seen.slow, error));
        slot
    }

    /// Add the row of what the record, whose own is the last, is to a member of a series.
    fn push_member(&mut self, member: &RoutedRecord<'_>, locator: Locator, archived: Option<usize>, line: &[u8]) {
        self.push_row(member, locator);
        if let Some(row) = self.rows.last_mut() {
            row.of_series = true;
        }
        if let Some(slowest) = archived
            && let Some(row) = self.rows.last()
        {
            self.raw.offer(self.rows.len() - 1, row, slowest, line);
        }
    }

    /// Bytes of log collected since the last [`RowCollector::hand_over`].
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether nothing was collected since the last [`RowCollector::hand_over`].
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.ledgers.is_empty()
    }

    /// The latest end of a request seen at all.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// The slots that rows were collected for since the last [`RowCollector::hand_over`], sorted.
    pub fn touched_slots(&self) -> Vec<Timestamp> {
        self.cells.slots()
    }

    /// Hand over everything collected, and begin anew.
    pub fn hand_over(&mut self) -> CollectedRows {
        self.bytes = 0;
        let mut ledgers: Vec<(GenerationId, Ledger)> = self.ledgers.drain().collect();
        ledgers.sort_unstable_by_key(|(generation, _)| *generation);
        CollectedRows {
            cells: self.cells.take_cells(),
            rows: std::mem::take(&mut self.rows),
            ledgers,
            blocks: self.blocks.take_closed(),
            raw: std::mem::take(&mut self.raw),
        }
    }

    /// Rows that were counted come back, so that their memory is used again.
    pub fn recycle_rows(&mut self, mut rows: Vec<Row>) {
        if self.rows.capacity() == 0 {
            rows.clear();
            self.rows = rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::grammar::{Escape, Format};
    use crate::histogram::{Cell, TIMES};
    use crate::pipeline::{CommitBuilder, Interpreting};
    use crate::record::Needs;
    use crate::route::{RouteId, Router, Routes};

    const LOG: GenerationId = GenerationId(7);
    const SETTINGS: SlotSettings = SlotSettings { interval: Duration::from_secs(10), slowest: 2, server_errors: true };

    /// Second, path, milliseconds and status of a request; or a line that is none.
    fn line() -> impl Strategy<Value = String> {
        let request = (0i64..60, 0u32..4, 0u64..3000, prop_oneof![Just(200u16), Just(404), Just(502)]);
        let request = request.prop_map(|(second, path, millis, status)| {
            let (end, whole, part) = (1_322_661_900 + second, millis / 1000, millis % 1000);
            format!("{end}.5{second:02} {whole}.{part:03} {status} \"GET /p{path}/x HTTP/1.1\" {}\n", millis * 3)
        });
        prop_oneof![9 => request, 1 => "[a-z ]{0,30}".prop_map(|text| text + "\n")]
    }

    /// What a cell holds, so that two can be compared: its counts, and each histogram with its sum and maximum.
    fn numbers_of(cell: &Cell) -> impl PartialEq + std::fmt::Debug {
        let times = TIMES.map(|time| (cell.time(time).buckets(), cell.time(time).sum_ms(), cell.time(time).max_ms()));
        (cell.requests, cell.slow, cell.status, cell.status_499, cell.bytes_sent, times)
    }

    /// Everything that lines come to, added up over all commits, but for which of the slowest were candidates.
    #[derive(Debug, Default)]
    struct Sum {
        cells: BTreeMap<(Timestamp, RouteId), Cell>,
        ledger: Ledger,
        blocks: BTreeMap<(GenerationId, u32), BlockSummary>,
        kept_for_themselves: Vec<Locator>,
    }

    /// Collect the lines in blocks of as many lines as `blocks` says in turn, a commit after every `commit` blocks.
    fn sum_up(lines: &[String], blocks: &[usize], commit: usize) -> Sum {
        let format = Format::compile("test", "$msec $request_time $status \"$request\" $bytes_sent", Escape::Default);
        let with = Interpreting {
            router: Arc::new(Router::new(Vec::new()).unwrap()),
            routes: Arc::new(Routes::new(100)),
            threshold_ms: 2500,
            conditions: Arc::default(),
        };
        let mut interpreter = Interpreter::new(&format.unwrap(), Needs::latency(), &with).unwrap();
        let (mut collector, mut builder) = (RowCollector::new(SETTINGS), CommitBuilder::new(SETTINGS));
        let (mut sum, mut offset, mut rest, mut sizes) = (Sum::default(), 0, lines, blocks.iter().cycle());
        for number in 1.. {
            let (now, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            rest = later;
            let bytes = now.concat().into_bytes();
            collector.collect_block(&mut interpreter, LOG, offset, &bytes, Timestamp(i64::MIN));
            offset += bytes.len() as u64;
            if !rest.is_empty() && number % commit != 0 {
                continue;
            }
            let (made, emptied) = builder.build(collector.hand_over());
            assert!(collector.is_empty() && collector.bytes() == 0);
            collector.recycle_rows(emptied);
            for (slot, route, cell) in made.cells {
                sum.cells.entry((slot, route)).or_default().merge(&cell);
            }
            for (_, ledger) in made.ledgers {
                sum.ledger.merge(&ledger);
            }
            for block in made.blocks {
                let empty = BlockSummary::empty(LOG, block.number);
                sum.blocks.entry(block.key()).or_insert(empty).merge(&block);
            }
            let own = made.entries.iter().filter(|entry| entry.status == 502 || entry.duration_ms >= 2500);
            sum.kept_for_themselves.extend(own.map(|entry| entry.locator));
            if rest.is_empty() {
                break;
            }
        }
        sum
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Otherwise work done twice after a crash, which is cut elsewhere, would change what is stored.
        #[test]
        fn it_does_not_matter_where_blocks_and_commits_are_cut(
            lines in prop::collection::vec(line(), 1..120),
            blocks in prop::collection::vec(1usize..40, 1..5),
            commit in 1usize..6,
        ) {
            let (whole, cut) = (sum_up(&lines, &[usize::MAX], 1), sum_up(&lines, &blocks, commit));
            prop_assert_eq!(whole.cells.keys().collect::<Vec<_>>(), cut.cells.keys().collect::<Vec<_>>());
            for (key, cell) in &whole.cells {
                prop_assert_eq!(numbers_of(cell), numbers_of(&cut.cells[key]), "{:?}", key);
            }
            prop_assert_eq!(whole.ledger.lines as usize, lines.len());
            prop_assert_eq!(whole.cells.values().map(|cell| cell.requests).sum::<u64>(), whole.ledger.parsed);
            prop_assert_eq!(whole.ledger, cut.ledger);
            prop_assert_eq!(whole.blocks, cut.blocks);
            prop_assert_eq!(whole.kept_for_themselves, cut.kept_for_themselves);
        }
    }
}
