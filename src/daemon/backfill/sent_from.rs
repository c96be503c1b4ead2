//! What slots of the past are rendered from: the store of its one writer, which notes what was sent, or as a reader beside the daemon sees it.

use std::time::Duration;

use crate::carbon::{Naming, Points};
use crate::daemon::rejecting_logs::RejectingLogs;
use crate::daemon::self_metrics::SelfMetrics;
use crate::daemon::slot_renderer::SlotRenderer;
use crate::error::Result;
use crate::store::{Commit, DestinationProgress, View, Writer};
use crate::time::{Timestamp, Window};

/// The store, as whoever sends has it.
pub enum SentFrom<'w> {
    /// To write: what is still owed is noted, so that an interrupted push goes on.
    Writer(&'w mut Writer),
    /// To read, while the daemon writes: nothing is noted.
    Reader(&'w View),
}

impl SentFrom<'_> {
    /// As it can be read.
    pub fn view(&self) -> &View {
        match self {
            SentFrom::Writer(writer) => writer.view(),
            SentFrom::Reader(view) => view,
        }
    }

    /// Let the store know what is still owed.
    pub(super) fn note_progress(&mut self, progress: DestinationProgress, now: Timestamp) -> Result<()> {
        let SentFrom::Writer(writer) = self else { return Ok(()) };
        let destinations = vec![progress];
        writer.commit(&mut Commit { at: now, destinations, ..Commit::default() })?;
        writer.seal_if_due(false)
    }
}

/// A slot of the past, or several as one, as they stand in the store; the daemon's own metrics of then are not known any more.
pub(super) fn render_step(view: &View, naming: &Naming, step: Window, points: &mut Points) -> Result<()> {
    let (uncommitted, own_metrics) = (&Commit::default(), &SelfMetrics::default());
    let interval = Duration::from_millis(step.until.millis().abs_diff(step.from.millis()));
    let rejecting = &RejectingLogs::default();
    let renderer = SlotRenderer { view, uncommitted, own_metrics, rejecting, interval };
    renderer.render(naming, step.from, points)
}
