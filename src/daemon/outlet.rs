//! Where slots go: to a carbon as points, or (feature `otlp`) to a collector as requests of OTLP. What is owed, and when it is sent, is
//! the same for both: [`super::destination_queue`] asks here only what a slot is rendered into, who carries it, and what is said of it.

use std::time::{Duration, Instant};

use super::notice::Notice;
#[cfg(feature = "otlp")]
use super::otlp_notice::OtlpNotice;
#[cfg(feature = "otlp")]
use super::settings::OtlpSettings;
use super::settings::{DaemonSettings, DestinationSettings};
use super::slot_renderer::SlotRenderer;
use crate::carbon::{Link, LinkState, Naming, Points, SendMode};
use crate::error::Result;
#[cfg(feature = "otlp")]
use crate::otlp::{EncodedExport, ExportForm, ExportOutcome, OtlpExporter};
use crate::time::Timestamp;

/// A batch is full at about this many points (some 2 MB of text).
const BATCH_POINTS: usize = 20_000;

/// One of them, as the daemon begins with it.
pub(super) struct Outlet {
    pub(super) account: OutletAccount,
    pub(super) carrier: SlotCarrier,
}

/// What its queue goes by.
pub(super) struct OutletAccount {
    /// What the store knows it by.
    pub(super) name: String,
    /// How much of the past is kept for it while it is away.
    pub(super) spool: Duration,
    /// When a slot is sent.
    pub(super) send: SendMode,
    /// How long after its end a slot is sent at the earliest.
    pub(super) delay: Duration,
    pub(super) form: SlotForm,
}

/// How slots are rendered.
pub(super) enum SlotForm {
    /// As points, so named.
    Points(Naming),
    /// As requests of OTLP.
    #[cfg(feature = "otlp")]
    Otlp(ExportForm),
}

/// Rendered slots.
pub(super) enum SlotBatch {
    /// Points.
    Points(Points),
    /// One slot's request; others beside it had nothing to send.
    #[cfg(feature = "otlp")]
    Otlp(EncodedExport),
}

/// Who carries them, on a thread of his own.
pub(super) enum SlotCarrier {
    /// A connection to carbon.
    Carbon(Box<Link>),
    /// Requests to a collector.
    #[cfg(feature = "otlp")]
    Otlp(Box<CollectorCarrier>),
}

/// A collector, and what it is called.
#[cfg(feature = "otlp")]
pub(super) struct CollectorCarrier {
    name: String,
    exporter: OtlpExporter,
}

/// What became of a batch.
pub(super) struct CarriedBatch {
    /// Its bytes, if all were handed over.
    pub(super) bytes: u64,
    /// The connection was made anew before this batch: what was written to the old one may never have arrived.
    pub(super) reconnected: bool,
    pub(super) verdict: CarriedVerdict,
}

/// Whether it is done with.
pub(super) enum CarriedVerdict {
    /// It was handed over.
    Taken,
    /// The same, and the receiver says something to that; so many points it does not take.
    #[cfg(feature = "otlp")]
    TakenInPart { rejected: u64, words: String },
    /// It will never be taken.
    #[cfg(feature = "otlp")]
    Refused(String),
    /// It is to be sent again, at this time at the earliest; with what is said of that.
    Failed(Notice, Instant),
}

/// All that the settings name.
pub(super) fn outlets(settings: &DaemonSettings) -> Vec<Outlet> {
    let mut outlets = Vec::new();
    for (number, carbon) in (0..).zip(&settings.destinations) {
        outlets.push(carbon_outlet(carbon, number));
    }
    #[cfg(feature = "otlp")]
    for (number, collector) in (outlets.len() as u64..).zip(&settings.otlp) {
        outlets.push(otlp_outlet(collector, number));
    }
    outlets
}

/// Whether some of them is known to the store by this name.
pub(super) fn has_account(settings: &DaemonSettings, name: &str) -> bool {
    #[cfg(feature = "otlp")]
    if settings.otlp.iter().any(|collector| collector.account == name) {
        return true;
    }
    settings.destinations.iter().any(|carbon| carbon.account == name)
}

/// `number` spreads the retries.
fn carbon_outlet(carbon: &DestinationSettings, number: u64) -> Outlet {
    let form = SlotForm::Points(carbon.naming.clone());
    let DestinationSettings { account: name, destination, spool, send, delay, .. } = carbon.clone();
    Outlet {
        account: OutletAccount { name, spool, send, delay, form },
        carrier: SlotCarrier::Carbon(Box::new(Link::new(destination, number))),
    }
}

/// A delta cannot be replaced, so each slot goes once.
#[cfg(feature = "otlp")]
fn otlp_outlet(collector: &OtlpSettings, number: u64) -> Outlet {
    let OtlpSettings { account: name, destination, form, spool, delay } = collector.clone();
    let exporter = OtlpExporter::new(destination, number);
    Outlet {
        carrier: SlotCarrier::Otlp(Box::new(CollectorCarrier { name: name.clone(), exporter })),
        account: OutletAccount { name, spool, send: SendMode::Final, delay, form: SlotForm::Otlp(form) },
    }
}

impl SlotForm {
    /// An empty batch.
    pub(super) fn new_batch(&self) -> SlotBatch {
        match self {
            SlotForm::Points(_) => SlotBatch::Points(Points::default()),
            #[cfg(feature = "otlp")]
            SlotForm::Otlp(_) => SlotBatch::Otlp(EncodedExport::default()),
        }
    }

    /// Add a slot, whole, to a batch that is not full.
    ///
    /// # Errors
    /// The store cannot be read.
    pub(super) fn render(&self, renderer: &SlotRenderer<'_>, slot: Timestamp, batch: &mut SlotBatch) -> Result<()> {
        match (self, batch) {
            (SlotForm::Points(naming), SlotBatch::Points(points)) => renderer.render(naming, slot, points),
            #[cfg(feature = "otlp")]
            (SlotForm::Otlp(form), SlotBatch::Otlp(export)) => {
                *export = renderer.render_export(form, slot)?;
                Ok(())
            }
            // A batch is of its queue's form.
            #[cfg(feature = "otlp")]
            (SlotForm::Points(_), SlotBatch::Otlp(_)) | (SlotForm::Otlp(_), SlotBatch::Points(_)) => Ok(()),
        }
    }

    /// What is said of a carbon, said of what this is.
    pub(super) fn worded(&self, notice: Notice) -> Notice {
        match self {
            SlotForm::Points(_) => notice,
            #[cfg(feature = "otlp")]
            SlotForm::Otlp(_) => of_collector(notice),
        }
    }
}

/// What is said of a carbon in the words for a collector.
#[cfg(feature = "otlp")]
pub(super) fn of_collector(notice: Notice) -> Notice {
    Notice::Otlp(match notice {
        Notice::CarbonConnected { address: endpoint, owed } => OtlpNotice::Connected { endpoint, owed },
        Notice::LateUnsent { address: endpoint, lines, from, until } => {
            OtlpNotice::LateUnsent { endpoint, lines, from, until }
        }
        Notice::SpoolOverflowed { address: endpoint, from, until } => {
            OtlpNotice::SpoolOverflowed { endpoint, from, until }
        }
        Notice::CarbonLeftBehind { destination: endpoint, slots, .. } => OtlpNotice::LeftBehind { endpoint, slots },
        other => return other,
    })
}

impl SlotBatch {
    /// How many points there are in it.
    pub(super) fn len(&self) -> usize {
        match self {
            SlotBatch::Points(points) => points.len(),
            #[cfg(feature = "otlp")]
            SlotBatch::Otlp(export) => export.points,
        }
    }

    /// Whether no further slot goes into it. An answer of OTLP is of a whole request, which is why a slot has its own.
    pub(super) fn is_full(&self) -> bool {
        match self {
            SlotBatch::Points(points) => points.len() >= BATCH_POINTS,
            #[cfg(feature = "otlp")]
            SlotBatch::Otlp(export) => export.points > 0,
        }
    }

    /// Empty it, to be used again.
    pub(super) fn clear(&mut self) {
        match self {
            SlotBatch::Points(points) => points.clear(),
            #[cfg(feature = "otlp")]
            SlotBatch::Otlp(export) => *export = EncodedExport::default(),
        }
    }
}

impl SlotCarrier {
    /// Carry a batch there. Waiting (connecting, writing, an answer) is bounded by the destination's time-outs.
    pub(super) fn carry(&mut self, batch: &SlotBatch) -> CarriedBatch {
        match (self, batch) {
            (SlotCarrier::Carbon(link), SlotBatch::Points(points)) => carry_points(link, points),
            #[cfg(feature = "otlp")]
            (SlotCarrier::Otlp(collector), SlotBatch::Otlp(export)) => collector.carry(export),
            // A batch is of its queue's form.
            #[cfg(feature = "otlp")]
            (SlotCarrier::Carbon(_), SlotBatch::Otlp(_)) | (SlotCarrier::Otlp(_), SlotBatch::Points(_)) => {
                CarriedBatch { bytes: 0, reconnected: false, verdict: CarriedVerdict::Taken }
            }
        }
    }
}

fn carry_points(link: &mut Link, points: &Points) -> CarriedBatch {
    let before = link.counters().bytes_sent;
    let sent = link.send(points, Instant::now());
    let (reconnected, bytes) = (link.reconnected(), link.counters().bytes_sent - before);
    let verdict = match sent {
        Ok(()) => CarriedVerdict::Taken,
        Err(error) => CarriedVerdict::Failed(Notice::CarbonFailed(error), next_try(link)),
    };
    CarriedBatch { bytes, reconnected, verdict }
}

fn next_try(link: &Link) -> Instant {
    match link.state() {
        LinkState::Down { next_try, .. } => next_try,
        LinkState::Connected | LinkState::Untried => Instant::now(),
    }
}

#[cfg(feature = "otlp")]
impl CollectorCarrier {
    /// A slot without a point needs no request.
    fn carry(&mut self, export: &EncodedExport) -> CarriedBatch {
        let taken = CarriedBatch { bytes: 0, reconnected: false, verdict: CarriedVerdict::Taken };
        if export.points == 0 {
            return taken;
        }
        match self.exporter.send(&export.body, Instant::now()) {
            ExportOutcome::Taken { bytes, rejected: 0, words } if words.is_empty() => CarriedBatch { bytes, ..taken },
            ExportOutcome::Taken { bytes, rejected, words } => {
                CarriedBatch { bytes, verdict: CarriedVerdict::TakenInPart { rejected, words }, ..taken }
            }
            ExportOutcome::Refused(words) => CarriedBatch { verdict: CarriedVerdict::Refused(words), ..taken },
            ExportOutcome::Failed { words, next_try } => {
                let notice = Notice::Otlp(OtlpNotice::Failed { endpoint: self.name.clone(), words });
                CarriedBatch { verdict: CarriedVerdict::Failed(notice, next_try), ..taken }
            }
        }
    }
}

#[cfg(all(test, feature = "otlp"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_carbon_is_said_of_a_collector() {
        let (address, at) = ("http://c:4318/v1/metrics".to_owned(), Timestamp::from_secs(1_322_661_900));
        let until = Timestamp::from_secs(1_322_661_910);
        for (notice, text) in [
            (
                Notice::CarbonConnected { address: address.clone(), owed: 2 },
                "otlp http://c:4318/v1/metrics: takes what it is sent; 2 slots owed",
            ),
            (
                Notice::SpoolOverflowed { address: address.clone(), from: at, until },
                "otlp http://c:4318/v1/metrics: slots of 2011-11-30T14:05:00.000Z to 2011-11-30T14:05:10.000Z are beyond its `spool` and are \
                 not sent; they are in the store",
            ),
            (
                Notice::CarbonLeftBehind { destination: address.clone(), slots: 3, from: at, until },
                "otlp http://c:4318/v1/metrics is owed 3 slots and is not in the configuration any more; they are in the store, and sent \
                 when it is there again",
            ),
        ] {
            assert_eq!(of_collector(notice).to_string(), text);
        }
        let late = Notice::LateUnsent { address, lines: 3, from: at, until };
        assert!(of_collector(late).to_string().contains("3 lines of 2011-11-30T14:05:00.000Z"));
        assert_eq!(of_collector(Notice::Reloading).kind(), "reloading");
    }
}
