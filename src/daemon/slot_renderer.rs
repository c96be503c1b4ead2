//! A slot, whole, as points.

use std::time::Duration;

#[cfg(feature = "otlp")]
use super::own_totals::is_counted_by_slot;
use super::rejecting_logs::RejectingLogs;
use super::self_metrics::SelfMetrics;
use crate::carbon::{Naming, Points};
use crate::error::Result;
use crate::histogram::{Cell, TIMES};
#[cfg(feature = "otlp")]
use crate::otlp::{EncodedExport, ExportForm, ExportedSeries, SlotExport};
use crate::route::{RouteId, series_of};
use crate::source::UnreadSpan;
use crate::store::{Commit, View};
use crate::time::{Timestamp, Window};

/// A known route without requests is reported as 0 for this long after its last one, so that quiet and dead look
/// different; then it may rest.
const QUIET_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What a slot is rendered from: what is committed, and what is counted but could not be committed yet.
pub(super) struct SlotRenderer<'s> {
    pub(super) view: &'s View,
    pub(super) uncommitted: &'s Commit,
    pub(super) own_metrics: &'s SelfMetrics,
    /// Logs whose routes cannot be said to be quiet.
    pub(super) rejecting: &'s RejectingLogs,
    /// How long what is rendered is: a slot, or several of which one point is made.
    pub(super) interval: Duration,
}

/// The first slot that has a request, committed or not.
pub(super) fn first_slot(view: &View, uncommitted: &Commit) -> Option<Timestamp> {
    let numbers = view.routes().into_iter().chain(view.members()).map(|(number, _)| number);
    let committed = numbers.filter_map(|number| view.route_span(number)).map(|(first, _)| first);
    committed.chain(uncommitted.cells.iter().map(|(slot, ..)| *slot)).min()
}

/// A route or a member of a series.
struct NamedSeries<'a> {
    id: RouteId,
    name: &'a str,
    is_member: bool,
}

/// What a slot is rendered into, piece by piece.
trait SlotSink {
    /// What was counted of a route, or of a member of a series.
    fn add_cell(&mut self, name: &str, is_member: bool, cell: &Cell);
    /// A known route without requests.
    fn add_quiet(&mut self, name: &str);
    /// One of the daemon's own metrics.
    fn add_own(&mut self, name: &'static str, value: f64);
}

/// A slot's points.
struct PointSink<'a> {
    naming: &'a Naming,
    slot: Timestamp,
    out: &'a mut Points,
}

impl SlotSink for PointSink<'_> {
    fn add_cell(&mut self, name: &str, _: bool, cell: &Cell) {
        self.naming.append_cell(name, self.slot, cell, &TIMES, self.out);
    }

    fn add_quiet(&mut self, name: &str) {
        self.naming.append_quiet(name, self.slot, self.out);
    }

    fn add_own(&mut self, name: &'static str, value: f64) {
        self.naming.append_own(name, value, self.slot, self.out);
    }
}

#[cfg(feature = "otlp")]
impl SlotSink for SlotExport<'_> {
    fn add_cell(&mut self, name: &str, is_member: bool, cell: &Cell) {
        SlotExport::add_cell(self, ExportedSeries { name, is_member }, cell);
    }

    /// Of a delta, nothing is zero.
    fn add_quiet(&mut self, _: &str) {}

    fn add_own(&mut self, name: &'static str, value: f64) {
        SlotExport::add_own(self, name, value, is_counted_by_slot(name));
    }
}

impl SlotRenderer<'_> {
    /// All points of `slot`: every route with requests, every quiet known route, the daemon's own.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn render(&self, naming: &Naming, slot: Timestamp, out: &mut Points) -> Result<()> {
        self.render_into(slot, &mut PointSink { naming, slot, out })
    }

    /// The same as a request of OTLP.
    ///
    /// # Errors
    /// The store cannot be read.
    #[cfg(feature = "otlp")]
    pub(super) fn render_export(&self, form: &ExportForm, slot: Timestamp) -> Result<EncodedExport> {
        let mut export = SlotExport::new(form, Window { from: slot, until: slot.plus(self.interval) });
        self.render_into(slot, &mut export)?;
        Ok(export.encode())
    }

    fn render_into(&self, slot: Timestamp, out: &mut impl SlotSink) -> Result<()> {
        let window = Window { from: slot, until: slot.plus(self.interval) };
        let mut cells = self.view.cells_with_members(window)?;
        let uncommitted = self.uncommitted.cells.iter().filter(|(at, ..)| window.from <= *at && *at < window.until);
        cells.extend(uncommitted.cloned());
        let is_whole = !self.is_missing_in(window);
        cells.sort_unstable_by_key(|(_, route, _)| *route);
        // A window of several slots, or one of which a part is not committed.
        cells.dedup_by(|later, held| {
            let is_same = later.1 == held.1;
            if is_same {
                held.2.merge(&later.2);
            }
            is_same
        });
        for NamedSeries { id, name, is_member } in self.all_series() {
            match cells.binary_search_by_key(&id, |(_, route, _)| *route) {
                Ok(at) => {
                    if let Some((_, _, cell)) = cells.get(at) {
                        out.add_cell(name, is_member, cell);
                    }
                }
                // Of a log that is not read nobody knows whether it is quiet.
                Err(_) if is_whole && self.is_quiet(id, slot) => out.add_quiet(name),
                Err(_) => {}
            }
        }
        for (name, value) in self.own_metrics.at_slot(slot) {
            out.add_own(name, *value);
        }
        Ok(())
    }

    /// Routes and members of series, those last that are not committed yet.
    fn all_series(&self) -> Vec<NamedSeries<'_>> {
        let mut all = Vec::new();
        all.extend(self.view.routes().into_iter().map(|(id, name)| NamedSeries { id, name, is_member: false }));
        all.extend(self.view.members().into_iter().map(|(id, name)| NamedSeries { id, name, is_member: true }));
        for (id, kept) in &self.uncommitted.routes {
            let member = series_of(kept);
            all.push(NamedSeries { id: *id, name: member.unwrap_or(kept), is_member: member.is_some() });
        }
        all
    }

    /// Whether some log was not read in this window.
    fn is_missing_in(&self, window: Window) -> bool {
        let withdrawn = |span: &&UnreadSpan| !self.uncommitted.spans.iter().any(|later| later.number == span.number);
        let committed = self.view.unread_spans().filter(withdrawn);
        let uncommitted = self.uncommitted.spans.iter().filter(|span| !span.is_withdrawn);
        committed.chain(uncommitted).any(|span| window.overlaps(span.from, span.end()))
    }

    /// Whether a route without requests in `slot` had some before, not too long ago.
    fn is_quiet(&self, route: RouteId, slot: Timestamp) -> bool {
        let Some((first, last)) = self.view.route_span(route) else { return false };
        first <= slot && slot <= last.plus(QUIET_FOR) && !self.rejecting.hide(route, slot)
    }
}
