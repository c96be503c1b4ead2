//! One line, as the counting thread leaves it: a row of numbers that a commit is made of later.
//!
//! A row is all that a line costs while its log is read, so it is small and owns nothing.

use crate::record::Record;
use crate::route::RouteId;
use crate::store::{Entry, KeepReasons, Locator};
use crate::time::Timestamp;

/// A number that the line does not have.
pub(super) const NONE: u64 = u64::MAX;

/// What one line adds to its cell.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub(super) end: Timestamp,
    /// In the order of [`TIMES`](crate::histogram::TIMES); [`NONE`] where the line has none. The first is the upstream's of a log that
    /// only has that.
    pub(super) times: [u64; 4],
    pub(super) bytes_sent: u64,
    pub(super) locator: Locator,
    pub(super) cell: u32,
    /// 0 where the line has none.
    pub(super) status: u16,
    pub(super) kept: KeepReasons,
    /// It is what the line adds to a member of a series, beside its route.
    pub(super) of_series: bool,
}

impl Row {
    /// The row of a record that is counted in cell number `cell`, and kept for being `slow` or an `error`.
    #[inline]
    pub(super) fn new(cell: u32, record: &Record<'_>, locator: Locator, slow: bool, error: bool) -> Row {
        let [response, connect, header] = record.upstream_ms;
        let times = [record.request_time_ms, response, connect, header];
        let threshold = if slow { KeepReasons::THRESHOLD } else { KeepReasons::default() };
        let kept = if error { threshold.with(KeepReasons::ERROR) } else { threshold };
        Row {
            end: record.end,
            times: times.map(|millis| millis.unwrap_or(NONE)),
            bytes_sent: record.bytes_sent.unwrap_or(0),
            locator,
            cell,
            status: record.status.unwrap_or(0),
            kept: kept.with(if record.by_upstream { KeepReasons::BY_UPSTREAM } else { KeepReasons::default() }),
            of_series: false,
        }
    }

    /// What it adds to the histogram at that place of [`TIMES`](crate::histogram::TIMES): a time that stands for another is counted
    /// under its own name alone.
    #[inline]
    pub(super) fn time_at(&self, at: usize) -> u64 {
        let stands_for_another = at == 0 && self.kept.contains(KeepReasons::BY_UPSTREAM);
        self.times.get(at).copied().filter(|_| !stands_for_another).unwrap_or(NONE)
    }

    /// How long it took in milliseconds, if that is known.
    pub(super) fn request_time_ms(&self) -> Option<u64> {
        let [request, ..] = self.times;
        (request != NONE).then_some(request)
    }

    /// Whether it is kept, as far as is known yet.
    pub(super) fn is_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// What the index keeps of it.
    pub(super) fn to_entry(self, route: RouteId) -> Entry {
        let [request, response, ..] = self.times;
        Entry {
            end: self.end,
            duration_ms: if request == NONE { 0 } else { request },
            route,
            status: self.status,
            upstream_ms: (response != NONE).then_some(response),
            kept: if request == NONE { self.kept.with(KeepReasons::UNTIMED) } else { self.kept },
            locator: self.locator,
        }
    }
}
