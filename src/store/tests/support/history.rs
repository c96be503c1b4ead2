//! A long random history of one store: commits, seals, merges, roll-ups, retention, archived lines, accounts, restart
//! points, damage and its mending, restarts. Any part of it can be run on any medium, with patience for what fails.

use crate::error::Result;
use crate::source::SplitByte;
use crate::source::generation::{Fingerprint, GenerationId};
use crate::source::{CompressedFile, Compression, RestartPoint, RestartPoints};
use crate::store::tests::support::memory_medium::Memory;
use crate::store::tests::support::traffic::{Dice, Line, answers_in, commit, eager, lines, settings};
use crate::store::tests::upkeep::repair::counted;
use crate::store::upkeep::compaction::CompactionLimits;
use crate::store::*;
use crate::time::{Timestamp, Window};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A line comes every quarter of an hour, so that there are days to be merged and thrown away.
const STEP_MS: i64 = 900_000;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// So many lines more.
    Commit(usize),
    Seal,
    Tend,
    Reopen,
    /// A reader keeps restart points.
    RestartPoints(u64),
    /// A bit of a segment turns, and it is made again from the lines.
    Damage(u64),
}

pub(crate) struct History {
    lines: Vec<Line>,
    /// The latest end up to each line.
    latest: Vec<i64>,
    pub(crate) steps: Vec<Step>,
    retention: Retention,
    plain: Writer,
    /// What the whole comes to, from a time on.
    expected: RefCell<HashMap<Timestamp, String>>,
}

impl History {
    pub(crate) fn new(seed: u64, length: u64) -> History {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let steps: Vec<Step> = (0..length)
            .map(|number| match dice.roll(20) {
                0..=8 => Step::Commit(1 + dice.up_to(7)),
                9..=11 => Step::Seal,
                12..=15 => Step::Tend,
                16 => Step::RestartPoints(number),
                17 => Step::Damage(dice.roll(1 << 40)),
                _ => Step::Reopen,
            })
            .collect();
        let count = steps.iter().map(|step| if let Step::Commit(count) = step { *count } else { 0 }).sum();
        let mut lines = lines(count, &mut dice);
        let mut latest = Vec::new();
        for (number, line) in lines.iter_mut().enumerate() {
            line.end += i64::try_from(number).unwrap() * STEP_MS;
            if dice.roll(9) == 0 {
                line.end -= i64::try_from(dice.roll(10_000_000)).unwrap();
            }
            latest.push(line.end.max(latest.last().copied().unwrap_or(i64::MIN)));
        }
        let retention = match dice.roll(3) {
            0 => Retention::default(),
            1 => Retention { keep: Some(DAY), keep_histograms: Some(2 * DAY), keep_bytes: None },
            _ => Retention { keep_bytes: Some(20_000 + dice.roll(20_000)), ..Retention::default() },
        };
        let plain = Writer::open_on(Arc::new(Memory::default()), settings()).unwrap();
        let mut history = History { lines, latest, steps, retention, plain, expected: RefCell::default() };
        let mut whole = history.commit(0, count);
        history.plain.commit(&mut whole).unwrap();
        history
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines from one to another, as they are committed: the same in the end, wherever they are cut.
    fn commit(&self, from: usize, until: usize) -> Commit {
        let Some(latest) = until.checked_sub(1).and_then(|last| self.latest.get(last)) else {
            return Commit::default();
        };
        let mut commit = commit(&self.lines[from..until], latest + 10_000);
        commit.read_until = Some(Timestamp(latest + 5_000));
        for line in self.lines[from..until].iter().filter(|line| line.offset % 5 == 0) {
            let mut ledger = Ledger { late: 1, ..Ledger::default() };
            if line.offset % 3 == 0 {
                ledger.lost_to_truncation = 10;
                let (after, before) = (Timestamp(line.end), Timestamp(line.end + 1_000));
                ledger.losses =
                    vec![Loss { offset: line.offset, bytes: 10, cause: LossCause::Truncated, after, before }];
            }
            commit.ledgers.push((GenerationId(line.generation), ledger));
        }
        commit
    }

    /// How many lines a store has read.
    pub(crate) fn read_by(&self, view: &View) -> usize {
        let position = |id| view.generations().iter().find(|known| known.id == id).map_or(0, |known| known.position);
        let unread = |line: &Line| line.offset >= position(GenerationId(line.generation));
        let read = self.lines.iter().position(unread).unwrap_or(self.lines.len());
        assert!(self.lines[read..].iter().all(unread), "positions are those of one commit");
        read
    }

    pub(crate) fn open(&self, memory: &Memory) -> Result<Writer> {
        let settings = StoreSettings { retention: self.retention, ..settings() };
        let mut writer = Writer::open_on(Arc::new(memory.clone()), settings)?;
        writer.maintenance.limits = CompactionLimits { span: 86_400_000, rolled_span: 86_400_000, ..eager() };
        Ok(writer)
    }

    /// Restore every damaged segment.
    fn mend(&self, writer: &mut Writer) -> Result<()> {
        for segment in writer.view().damaged_segments()? {
            let ranges = segment.ranges.clone().unwrap_or_default();
            writer.repair(&segment, counted(&ranges, &self.lines))?;
        }
        Ok(())
    }

    /// The windows that are asked about, from a time on.
    pub(crate) fn windows(&self, from: Timestamp) -> Vec<Window> {
        let mut windows = vec![Window { from, until: Window::ALL.until }];
        let last = self.latest.last().copied().unwrap_or_default();
        for (back, length) in [(20_000_000, 7_200_000), (90_000_000, 90_000_000), (50_000_000, 1)] {
            let start = Timestamp(last - back).max(from);
            windows.push(Window { from: start, until: start.plus_millis(length) });
        }
        windows
    }

    /// What the uninterrupted run answers from a time on.
    fn expected(&self, from: Timestamp) -> String {
        let mut known = self.expected.borrow_mut();
        known.entry(from).or_insert_with(|| answers_in(self.plain.view(), &self.windows(from))).clone()
    }

    /// Open what is on a medium, read on from where it stands, and compare all that is left of it with the whole. How many lines
    /// it had read.
    pub(crate) fn check(&self, memory: &Memory, dice: &mut Dice) -> usize {
        let mut writer = self.open(memory).unwrap();
        let read = self.read_by(writer.view());
        self.mend(&mut writer).unwrap();
        if read < self.len() {
            writer.commit(&mut self.commit(read, self.len())).unwrap();
        }
        let now = Timestamp(self.latest.last().copied().unwrap_or_default() + 10_000);
        if dice.roll(4) == 0 {
            writer.seal().unwrap();
            while writer.maintain(now, false).unwrap().more {}
        }
        let expired = writer.view().expired();
        let from = expired.detail.max(expired.histograms).map_or(Window::ALL.from, |mark| mark.plus_millis(9_999));
        let from = if from == Window::ALL.from { from } else { from.slot(settings().interval) };
        equal(&answers_in(writer.view(), &self.windows(from)), &self.expected(from), from);
        assert_eq!(writer.view().verify().len(), 0);
        let count = |end: &str| memory.names().iter().filter(|name| name.ends_with(end)).count();
        let (segments, names) = (writer.view().sealed.len(), memory.names());
        assert_eq!(count(".seg"), segments, "{names:?}");
        assert_eq!(count(".ranges"), segments, "{names:?}");
        assert_eq!(names.len() - count(".pts") - count(".damaged") - count(".ranges"), 2 + segments, "{names:?}");
        read
    }

    /// Restart points are those that somebody kept, or none.
    pub(crate) fn check_points(&self, view: &View) {
        for id in [GenerationId(0), GenerationId(1)] {
            if let Some(kept) = view.restart_points(id) {
                assert_eq!(kept, points(kept.file.length));
            }
        }
    }
}

/// Long texts: of two that differ, the place.
fn equal(found: &str, expected: &str, from: Timestamp) {
    let at = found.bytes().zip(expected.bytes()).take_while(|(one, other)| one == other).count();
    let near = |text: &str| {
        let before = text[..at].rfind('\n').map_or(0, |end| end + 1);
        text[before.max(at.saturating_sub(300))..].chars().take(700).collect::<String>()
    };
    assert!(found == expected, "from {from}, at {at}:\n{}\n\nand not\n\n{}", near(found), near(expected));
}

fn points(number: u64) -> RestartPoints {
    let point = |at: u64| RestartPoint {
        offset: at << 22,
        packed: at * 40_000 + number,
        split: SplitByte::default(),
        window: None,
    };
    RestartPoints {
        compression: Compression::Gzip,
        file: CompressedFile { length: number, head: number ^ 7, tail: number ^ 11 },
        holds: (Fingerprint { length: 4096, hash: number }, 5, 6),
        dictionary: Vec::new(),
        points: (1..400).map(point).collect(),
    }
}

/// A history being run on a medium.
pub(crate) struct Run<'h> {
    history: &'h History,
    pub(crate) memory: Memory,
    writer: Option<Writer>,
    /// Lines that were committed, as far as this process was told.
    pub(crate) read: usize,
    /// What failed, as the daemon would say it.
    pub(crate) said: Vec<crate::error::Error>,
}

impl<'h> Run<'h> {
    pub(crate) fn new(history: &'h History, memory: Memory, read: usize) -> Run<'h> {
        Run { history, memory, writer: None, read, said: Vec::new() }
    }

    /// A step, tried again while it fails. Whether it succeeded.
    pub(crate) fn step(&mut self, step: Step, tries: usize) -> bool {
        if let Step::Damage(at) = step {
            self.writer = None;
            self.damage(at);
        }
        (0..tries).any(|tried| match self.attempt(step, i64::try_from(tried).unwrap()) {
            Ok(()) => true,
            Err(error) => {
                self.said.push(error);
                false
            }
        })
    }

    fn attempt(&mut self, step: Step, tried: i64) -> Result<()> {
        if matches!(step, Step::Reopen) {
            self.writer = None;
        }
        let history = self.history;
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => self.writer.insert(history.open(&self.memory)?),
        };
        match step {
            Step::Commit(count) => {
                let until = (self.read + count).min(history.len());
                writer.commit(&mut history.commit(self.read, until))?;
                self.read = until;
                Ok(())
            }
            Step::Seal => writer.seal(),
            Step::Tend => {
                // What failed is tried again in an hour.
                let latest = self.read.checked_sub(1).map_or(0, |last| history.latest[last]);
                let now = Timestamp(latest + 10_000 + tried * 3_600_000);
                while writer.maintain(now, false)?.more {}
                Ok(())
            }
            Step::RestartPoints(number) => {
                let id = GenerationId(u32::try_from(number % 2).unwrap());
                // A reader's; who cannot keep them gathers them again.
                let _kept = writer.view().keep_restart_points(id, &points(number));
                Ok(())
            }
            Step::Damage(_) => history.mend(writer),
            Step::Reopen => Ok(()),
        }
    }

    fn damage(&mut self, at: u64) {
        let segments: Vec<String> = self.memory.names().into_iter().filter(|name| name.ends_with(".seg")).collect();
        let Some(pick) = at.checked_rem(segments.len() as u64) else { return };
        self.memory.change(&segments[usize::try_from(pick).unwrap()], |bytes| {
            // What a failed call left of one may be empty.
            if let Some(place) = usize::try_from(at / 97).unwrap().checked_rem(bytes.len()) {
                bytes[place] ^= 1 << (at % 8);
            }
        });
    }
}
