//! Classes of requests while they are counted, by one thread or by all.

use std::collections::{BTreeMap, HashMap};

use super::kept_lines::{LinesBySize, OfferedLine, SlowestLines};
use super::shared_bounds::{CountedValues, SharedBounds, TopField, key_of_class};
use super::slow_fields::SlowFields;
use super::slow_question::SlowQuestion;
use crate::pipeline::RoutedRecord;
use crate::record::RecordValues;
use crate::report::slow::{ClassPopulation, MOST_STEPS, StepLength, TopValues};
use crate::store::Locator;
use crate::time::{Timestamp, Window};

/// The key of the class of what timed out with nobody waiting. No class by fields has it: its first length is longer than any value.
pub(super) const UNWAITED_KEY: &[u8] = b"\xff\xff\xff\xffunwaited";

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
    bounds: SharedBounds,
    samples: usize,
    /// Written anew for each request, and for each value of it.
    key: Vec<u8>,
    value_key: Vec<u8>,
}

impl Classes {
    /// Those of one of several threads, which share the bounds.
    pub(super) fn of_thread(window: Window, samples: usize, bounds: &SharedBounds) -> Classes {
        let is_bounded = window.from != Window::ALL.from && window.until != Window::ALL.until;
        Classes {
            by_key: HashMap::new(),
            ends: None,
            by_upstream: false,
            are_part: false,
            least: if is_bounded { StepLength::covering(window) } else { StepLength::default() },
            bounds: bounds.clone(),
            samples,
            key: Vec::new(),
            value_key: Vec::new(),
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
                let has_own = self.by_key.contains_key(&key) || self.bounds.groups.keep(&key);
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
            let begin = key_of_class(key, TopField::Client);
            class.clients.add(&self.bounds, begin, client, took, &mut self.value_key);
        }
        if !counted.target.is_empty() {
            let begin = key_of_class(key, TopField::Target);
            class.targets.add(&self.bounds, begin, counted.target, took, &mut self.value_key);
        }
        let Some(took_ms) = took_ms else { return };
        class.population.latency.record(took_ms);
        class.population.squares = class.population.squares.saturating_add(u128::from(took_ms) * u128::from(took_ms));
        class.course.add(self.least, counted.end, took_ms);
        let line = Some(counted.line);
        let offered = OfferedLine { took_ms, end: counted.end, locator: counted.locator, line };
        class.by_size.offer(&self.bounds.typical, &offered);
        if counted.slow {
            class.slow += 1;
            class.slow_ms = class.slow_ms.saturating_add(took_ms);
            class.slowest.offer(self.samples, &self.bounds.slowest, &offered);
        }
    }

    /// Count a slow request of which nothing is known but what the index holds.
    pub(super) fn add_unread(&mut self, key: &[u8], offered: &OfferedLine<'_>) {
        let class = self.by_key.entry(key.to_vec()).or_default();
        class.is_part = true;
        class.slow += 1;
        class.slow_ms = class.slow_ms.saturating_add(offered.took_ms);
        class.slowest.offer(self.samples, &self.bounds.slowest, offered);
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
            own.slowest.merge(self.samples, &self.bounds.slowest, class.slowest);
            own.by_size.merge(&self.bounds.typical, class.by_size);
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
