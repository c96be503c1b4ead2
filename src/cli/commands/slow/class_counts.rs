//! Classes of requests while they are counted, by one thread or by all.

use std::collections::{BTreeMap, HashMap};

use super::kept_lines::{LinesBySize, OfferedLine, SlowestLines};
use super::slow_fields::SlowFields;
use super::slow_question::SlowQuestion;
use crate::cli::counted::KeptGroups;
use crate::pipeline::RoutedRecord;
use crate::record::RecordValues;
use crate::report::slow::{ClassPopulation, MOST_STEPS, StepLength, TopValue, TopValues};
use crate::store::Locator;
use crate::time::{Timestamp, Window};

/// The key of the class of what timed out with nobody waiting. No class by fields has it: its first length is longer than any value.
pub(super) const UNWAITED_KEY: &[u8] = b"\xff\xff\xff\xffunwaited";

/// So many different clients and targets are counted, of all classes together and by all threads.
const TOP_VALUES: usize = 1 << 18;

/// So many of the costliest are shown.
const TOPS_SHOWN: usize = 3;

/// Of a client or target that is longer all that begin so count together.
const LONGEST_VALUE: usize = 256;

/// Lines from which typical ones are chosen take so much memory, in all threads.
const TYPICAL_BYTES: usize = 96 << 20;

/// A class while it is counted.
#[derive(Debug, Default)]
pub(super) struct ClassCounts {
    pub(super) population: ClassPopulation,
    pub(super) slow: u64,
    pub(super) slow_ms: u64,
    /// Some of its slow requests are known from the index alone, so that the population is not.
    pub(super) is_part: bool,
    pub(super) course: Course,
    clients: CountedValues,
    targets: CountedValues,
    pub(super) slowest: SlowestLines,
    pub(super) by_size: LinesBySize,
}

impl ClassCounts {
    /// The costliest clients and targets.
    pub(super) fn tops(&self) -> (TopValues, TopValues) {
        (self.clients.tops(), self.targets.tops())
    }
}

/// The time of a class's requests by when they ended.
#[derive(Debug, Default)]
pub(super) struct Course {
    length: StepLength,
    by_step: BTreeMap<i64, u64>,
}

impl Course {
    fn add(&mut self, least: StepLength, end: Timestamp, took_ms: u64) {
        if self.by_step.is_empty() {
            self.length = least;
        }
        let time = self.by_step.entry(self.length.step_of(end)).or_default();
        *time = time.saturating_add(took_ms);
        while self.span() > MOST_STEPS {
            let Some(longer) = self.length.longer() else { return };
            self.lengthen(longer);
        }
    }

    fn span(&self) -> i64 {
        match (self.by_step.first_key_value(), self.by_step.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last.saturating_sub(*first).saturating_add(1),
            _ => 0,
        }
    }

    /// The same in steps of this length, or of the own one if that is longer.
    fn lengthen(&mut self, length: StepLength) {
        if length <= self.length {
            return;
        }
        let each = self.length.millis();
        let mut lengthened: BTreeMap<i64, u64> = BTreeMap::new();
        for (step, time_ms) in std::mem::take(&mut self.by_step) {
            let time = lengthened.entry(length.step_of(Timestamp(step.saturating_mul(each)))).or_default();
            *time = time.saturating_add(time_ms);
        }
        (self.by_step, self.length) = (lengthened, length);
    }

    fn merge(&mut self, mut other: Course) {
        if self.by_step.is_empty() {
            *self = other;
            return;
        }
        let length = self.length.max(other.length);
        self.lengthen(length);
        other.lengthen(length);
        for (step, time_ms) in other.by_step {
            let time = self.by_step.entry(step).or_default();
            *time = time.saturating_add(time_ms);
        }
    }

    /// The time in each of `count` steps of this length from the `first` on.
    pub(super) fn in_steps(mut self, length: StepLength, first: i64, count: i64) -> Vec<u64> {
        self.lengthen(length);
        let mut times = vec![0; usize::try_from(count).unwrap_or(0)];
        for (step, time_ms) in self.by_step {
            let at = usize::try_from(step.saturating_sub(first)).unwrap_or(usize::MAX);
            if let Some(time) = times.get_mut(at) {
                *time = time_ms;
            }
        }
        times
    }
}

/// How many requests have each value of a field, and how long they took.
#[derive(Debug, Default)]
struct CountedValues {
    by_value: HashMap<Box<[u8]>, (u64, u64)>,
    /// Some value was not counted: there were too many.
    partial: bool,
}

impl CountedValues {
    fn add(&mut self, room: &mut usize, value: &[u8], took_ms: u64) {
        let value = value.get(..LONGEST_VALUE).unwrap_or(value);
        if let Some((count, total_ms)) = self.by_value.get_mut(value) {
            *count += 1;
            *total_ms = total_ms.saturating_add(took_ms);
        } else if let Some(left) = room.checked_sub(1) {
            *room = left;
            self.by_value.insert(value.into(), (1, took_ms));
        } else {
            self.partial = true;
        }
    }

    fn merge(&mut self, other: CountedValues) {
        self.partial |= other.partial;
        for (value, (count, total_ms)) in other.by_value {
            let own = self.by_value.entry(value).or_default();
            own.0 += count;
            own.1 = own.1.saturating_add(total_ms);
        }
    }

    fn tops(&self) -> TopValues {
        let mut all = Vec::new();
        for (value, &(count, total_ms)) in &self.by_value {
            let mut value = value.to_vec();
            if value.len() == LONGEST_VALUE {
                value.extend_from_slice("…".as_bytes());
            }
            all.push(TopValue { value, count, total_ms });
        }
        TopValues::of(all, TOPS_SHOWN, self.partial)
    }
}

/// All classes.
pub(super) struct Classes {
    pub(super) by_key: HashMap<Vec<u8>, ClassCounts>,
    /// From the first end of a request to the last.
    pub(super) ends: Option<(Timestamp, Timestamp)>,
    /// Some of the times are those of the upstream, where the log has no other.
    pub(super) by_upstream: bool,
    /// Some of their requests could not be read.
    pub(super) are_part: bool,
    /// No course over time is finer.
    least: StepLength,
    kept: KeptGroups,
    samples: usize,
    values_left: usize,
    line_bytes_left: usize,
    /// Written anew for each request.
    key: Vec<u8>,
}

impl Classes {
    /// Those of one of `threads` threads, which decide together which classes there are.
    pub(super) fn of_thread(window: Window, samples: usize, threads: usize, kept: &KeptGroups) -> Classes {
        let is_bounded = window.from != Window::ALL.from && window.until != Window::ALL.until;
        Classes {
            by_key: HashMap::new(),
            ends: None,
            by_upstream: false,
            are_part: false,
            least: if is_bounded { StepLength::covering(window) } else { StepLength::default() },
            kept: kept.clone(),
            samples,
            values_left: TOP_VALUES / threads.max(1),
            line_bytes_left: TYPICAL_BYTES / threads.max(1),
            key: Vec::new(),
        }
    }

    /// Count a request in its class, or each of its attempts in that of the attempt; whether it is slow.
    pub(super) fn count(
        &mut self,
        question: &SlowQuestion,
        fields: &SlowFields,
        seen: &RoutedRecord<'_>,
        values: &RecordValues<'_>,
        at: (Locator, &[u8]),
    ) -> bool {
        let record = &seen.record;
        let slow = question.is_slow(seen);
        self.by_upstream |= record.by_upstream && record.request_time_ms.is_some();
        let (first, last) = self.ends.unwrap_or((record.end, record.end));
        self.ends = Some((first.min(record.end), last.max(record.end)));
        let counted = CountedRequest {
            slow,
            end: record.end,
            client: fields.client(values),
            target: record.target,
            locator: at.0,
            line: at.1,
        };
        let mut key = std::mem::take(&mut self.key);
        if fields.is_unwaited(record, values) {
            self.add(UNWAITED_KEY, record.request_time_ms, &counted);
        } else {
            let grouping = &fields.grouping;
            for attempt in 0..grouping.count_attempts(values) {
                grouping.write_key(record, values, &seen.matched.id.0.to_le_bytes(), attempt, &mut key);
                let took_ms = match grouping.by_attempt() {
                    true => grouping.outcome(values, attempt).response_ms,
                    false => record.request_time_ms,
                };
                let has_own = self.by_key.contains_key(&key) || self.kept.keep(&key);
                self.add(if has_own { &key } else { b"" }, took_ms, &counted);
            }
        }
        self.key = key;
        slow
    }

    fn add(&mut self, key: &[u8], took_ms: Option<u64>, counted: &CountedRequest<'_>) {
        if !self.by_key.contains_key(key) {
            self.by_key.insert(key.to_vec(), ClassCounts::default());
        }
        let Some(class) = self.by_key.get_mut(key) else { return };
        class.population.count += 1;
        let took = took_ms.unwrap_or(0);
        if let Some(client) = counted.client {
            class.clients.add(&mut self.values_left, client, took);
        }
        if !counted.target.is_empty() {
            class.targets.add(&mut self.values_left, counted.target, took);
        }
        let Some(took_ms) = took_ms else { return };
        class.population.latency.record(took_ms);
        class.population.squares = class.population.squares.saturating_add(u128::from(took_ms) * u128::from(took_ms));
        class.course.add(self.least, counted.end, took_ms);
        let line = Some(counted.line);
        let offered = OfferedLine { took_ms, end: counted.end, locator: counted.locator, line };
        class.by_size.offer(&mut self.line_bytes_left, &offered);
        if counted.slow {
            class.slow += 1;
            class.slow_ms = class.slow_ms.saturating_add(took_ms);
            class.slowest.offer(self.samples, &offered);
        }
    }

    /// Count a slow request of which nothing is known but what the index holds.
    pub(super) fn add_unread(&mut self, key: &[u8], offered: &OfferedLine<'_>) {
        let class = self.by_key.entry(key.to_vec()).or_default();
        class.is_part = true;
        class.slow += 1;
        class.slow_ms = class.slow_ms.saturating_add(offered.took_ms);
        class.slowest.offer(self.samples, offered);
    }

    /// Add what another thread counted.
    pub(super) fn merge(&mut self, other: Classes) {
        self.by_upstream |= other.by_upstream;
        self.ends = match (self.ends, other.ends) {
            (Some((first, last)), Some((from, until))) => Some((first.min(from), last.max(until))),
            (own, theirs) => own.or(theirs),
        };
        for (key, class) in other.by_key {
            let own = self.by_key.entry(key).or_default();
            own.population.count += class.population.count;
            own.population.latency.merge(&class.population.latency);
            own.population.squares = own.population.squares.saturating_add(class.population.squares);
            own.slow += class.slow;
            own.slow_ms = own.slow_ms.saturating_add(class.slow_ms);
            own.is_part |= class.is_part;
            own.course.merge(class.course);
            own.clients.merge(class.clients);
            own.targets.merge(class.targets);
            own.slowest.merge(self.samples, class.slowest);
            own.by_size.merge(class.by_size);
        }
    }
}

/// What is counted of a request.
struct CountedRequest<'r> {
    slow: bool,
    end: Timestamp,
    client: Option<&'r [u8]>,
    target: &'r [u8],
    locator: Locator,
    line: &'r [u8],
}
