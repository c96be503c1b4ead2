//! A request as the members of series count it.
//!
//! In a series by attempt (`{upstream_addr}`) every attempt is a request of its own: with its own status and its own
//! `$upstream_response_time`, under that name, so that the server which failed carries what it cost and the one that answered after it
//! does not. Attempts end where their request ends, since a line says no more; what was sent to the client came with the last.

use std::sync::Arc;

use super::routed_record::RoutedRecord;
use crate::grammar::Format;
use crate::record::{Needs, Record, RecordValues};
use crate::route::{Matched, RouteId, Router, Routes, SeriesMatcher};

/// Finds the members that the requests of one format's lines are in.
#[derive(Debug)]
pub(super) struct SeriesMembers {
    matcher: SeriesMatcher,
    threshold_ms: u64,
    /// Of which its lines' values are.
    format: Format,
    /// For lines of the format that this one followed. Its series have the numbers behind those here.
    earlier: Option<Box<SeriesMembers>>,
}

impl SeriesMembers {
    /// Of the router's series; none if lines of this format can be in none.
    pub(super) fn new(
        router: &Router,
        routes: &Arc<Routes>,
        format: &Format,
        threshold_ms: u64,
    ) -> Option<SeriesMembers> {
        if router.series().is_empty() {
            return None;
        }
        let matcher = SeriesMatcher::new(router.series(), routes, format);
        let format = format.clone();
        (!matcher.is_empty()).then_some(SeriesMembers { matcher, threshold_ms, format, earlier: None })
    }

    /// Those of a format and of the one that it followed.
    pub(super) fn joined(now: Option<SeriesMembers>, earlier: Option<SeriesMembers>) -> Option<SeriesMembers> {
        match (now, earlier) {
            (Some(now), Some(earlier)) => Some(SeriesMembers { earlier: Some(Box::new(earlier)), ..now }),
            // Whose lines these are not finds no series here: see `each_member`.
            (now, earlier) => now.or(earlier),
        }
    }

    /// Add what has to be read of a line.
    pub(super) fn add_needs(&self, needs: &mut Needs) {
        for fields in self.matcher.fields() {
            let own = fields.needs();
            needs.host |= own.host;
            needs.target |= own.target;
            needs.variables.extend(own.variables);
        }
    }

    /// Each member that the request is in, as it counts there, and the number of its series; `values` are its line's.
    pub(super) fn each_member(
        &mut self,
        seen: &RoutedRecord<'_>,
        values: &RecordValues<'_>,
        mut each: impl FnMut(&RoutedRecord<'_>, usize),
    ) {
        if seen.matched.probe.is_some() {
            // It is in the series of its probe, and in no other.
            return;
        }
        let (mut of_line, mut first) = (self, 0);
        while !of_line.format.is_same(values.format()) {
            first += of_line.matcher.len();
            let Some(earlier) = &mut of_line.earlier else { return };
            of_line = earlier;
        }
        of_line.each_own_member(seen, values, first, &mut each);
    }

    /// [`each_member`](Self::each_member) of a line of its own format; `first` is the number of its first series.
    fn each_own_member(
        &mut self,
        seen: &RoutedRecord<'_>,
        values: &RecordValues<'_>,
        first: usize,
        each: &mut impl FnMut(&RoutedRecord<'_>, usize),
    ) {
        for series in 0..self.matcher.len() {
            let Some(attempts) = self.matcher.count_attempts(series, values) else {
                if let Some(id) = self.matcher.find_member(series, &seen.record, values, seen.matched.id, 0) {
                    let member = RoutedRecord { matched: Matched { id, ..seen.matched }, ..*seen };
                    each(&member, first + series);
                }
                continue;
            };
            for attempt in 0..attempts {
                let record = self.attempt_record(series, &seen.record, values, attempt, attempt + 1 == attempts);
                let Some(id) = self.matcher.find_member(series, &record, values, seen.matched.id, attempt) else {
                    continue;
                };
                let threshold = seen.matched.threshold_ms.unwrap_or(self.threshold_ms);
                let slow = record.request_time_ms.is_some_and(|time| time >= threshold);
                let member =
                    RoutedRecord { record, matched: Matched { id, ..seen.matched }, slow, wanted: seen.wanted };
                each(&member, first + series);
            }
        }
    }

    /// The members that take what is over the caps, by the numbers of their series.
    pub(super) fn overflows(&self) -> Vec<Option<RouteId>> {
        let mut overflows: Vec<Option<RouteId>> =
            (0..self.matcher.len()).map(|series| self.matcher.overflow_of(series)).collect();
        overflows.extend(self.earlier.as_ref().map(|earlier| earlier.overflows()).unwrap_or_default());
        overflows
    }

    /// The request as one of its attempts had it.
    fn attempt_record<'l>(
        &self,
        series: usize,
        record: &Record<'l>,
        values: &RecordValues<'_>,
        attempt: usize,
        is_last: bool,
    ) -> Record<'l> {
        let outcome = self.matcher.outcome(series, values, attempt);
        Record {
            request_time_ms: outcome.response_ms,
            by_upstream: true,
            upstream_ms: [outcome.response_ms, outcome.connect_ms, outcome.header_ms],
            // What the client got is what the last attempt answered, unless the log says otherwise.
            status: outcome.status.or(record.status.filter(|_| is_last)),
            bytes_sent: record.bytes_sent.filter(|_| is_last),
            ..*record
        }
    }
}
