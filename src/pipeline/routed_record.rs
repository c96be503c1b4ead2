//! What a line is to whoever counts it: a record with its route, or with a member of a series.

use crate::histogram::{Cell, Time};
use crate::record::Record;
use crate::route::Matched;
use crate::store::{Entry, KeepReasons, Locator};

/// One line, understood.
#[derive(Clone, Copy)]
pub struct RoutedRecord<'l> {
    /// Its fields.
    pub record: Record<'l>,
    /// Its route.
    pub matched: Matched,
    /// Whether its `$request_time` reached the threshold of its route.
    pub slow: bool,
    /// Whether it meets the conditions that are asked for.
    pub wanted: bool,
}

impl RoutedRecord<'_> {
    /// The request as the index would hold it, were it kept.
    pub fn entry(&self, locator: Locator) -> Entry {
        Entry {
            end: self.record.end,
            duration_ms: self.record.request_time_ms.unwrap_or(0),
            route: self.matched.id,
            status: self.record.status.unwrap_or(0),
            upstream_ms: self.record.upstream_ms[0],
            kept: match (self.record.by_upstream, self.record.request_time_ms) {
                (_, None) => KeepReasons::UNTIMED,
                (true, Some(_)) => KeepReasons::BY_UPSTREAM,
                (false, Some(_)) => KeepReasons::default(),
            },
            locator,
        }
    }

    /// Add it to a cell, but for its upstream times.
    #[inline]
    pub fn count_into(&self, cell: &mut Cell) {
        self.count_under(cell, Time::Request);
    }

    /// [`count_into`](Self::count_into) as the store has it: a time that stands for another is counted under its own name.
    pub fn count_as_stored(&self, cell: &mut Cell) {
        self.count_under(cell, if self.record.by_upstream { Time::UpstreamResponse } else { Time::Request });
    }

    /// Add its upstream times to a cell, each under its own name; but for one that [`count_as_stored`](Self::count_as_stored) counted.
    pub fn count_upstreams(&self, cell: &mut Cell, counted_as_stored: bool) {
        let times = [Time::UpstreamResponse, Time::UpstreamConnect, Time::UpstreamHeader];
        for (time, millis) in times.into_iter().zip(self.record.upstream_ms) {
            let is_counted = counted_as_stored && self.record.by_upstream && time == Time::UpstreamResponse;
            if let Some(millis) = millis.filter(|_| !is_counted) {
                cell.time_mut(time).record(millis);
            }
        }
    }

    #[inline(always)]
    fn count_under(&self, cell: &mut Cell, time: Time) {
        cell.requests += 1;
        cell.slow += u64::from(self.slow);
        if let Some(status) = self.record.status {
            cell.count_status(status);
        }
        if let Some(bytes) = self.record.bytes_sent {
            cell.bytes_sent = cell.bytes_sent.saturating_add(bytes);
        }
        if let Some(millis) = self.record.request_time_ms {
            cell.time_mut(time).record(millis);
        }
    }
}
