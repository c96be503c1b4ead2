//! What the store says of its daemon, and what a daemon in this process says of itself.

use super::exposition::{Exposition, MetricKind, in_floating};
use crate::error::Result;
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::store::Ledger;

/// The metrics that do not depend on routes.
pub(super) fn write(asked: &Asked, reader: &Reader<'_>, out: &mut Exposition) -> Result<()> {
    out.family("spikeline_build_info", MetricKind::Gauge, "The version.");
    out.value(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    write_store(asked, reader, out)?;
    let Some(totals) = &reader.site().own_totals else { return Ok(()) };
    for (name, value) in totals.values() {
        let (kind, name) = match own_name(name) {
            Some(named) => named,
            // What the store says as well, and of more than this process.
            None => continue,
        };
        out.family(name, kind, "Of the daemon in this process, since its start.");
        out.value(&[], value);
    }
    Ok(())
}

/// How the daemon's own metrics are called here.
fn own_name(name: &str) -> Option<(MetricKind, &'static str)> {
    Some(match name {
        "lag_seconds" => (MetricKind::Gauge, "spikeline_lag_seconds"),
        "queue.commits" => (MetricKind::Gauge, "spikeline_queued_commits"),
        "points.sent" => (MetricKind::Counter, "spikeline_points_sent"),
        "points.failures" => (MetricKind::Counter, "spikeline_points_failures"),
        "slots.dropped" => (MetricKind::Counter, "spikeline_slots_dropped"),
        "commits.failed" => (MetricKind::Counter, "spikeline_commits_failed"),
        "lines.unsent" => (MetricKind::Counter, "spikeline_lines_unsent"),
        _ => return None,
    })
}

fn write_store(asked: &Asked, reader: &Reader<'_>, out: &mut Exposition) -> Result<()> {
    let view = reader.view()?;
    let mut whole = Ledger::default();
    let mut rejected = 0;
    for ledger in view.generations().iter().filter_map(|generation| view.ledger(generation.id)) {
        whole.bytes += ledger.bytes;
        whole.parsed += ledger.parsed;
        whole.too_long += ledger.too_long;
        whole.late += ledger.late;
        whole.unread += ledger.unread;
        whole.lost_to_truncation += ledger.lost_to_truncation;
        rejected += ledger.rejected.values().sum::<u64>();
    }
    out.family("spikeline_lines", MetricKind::Counter, "Lines of log read into the store, by what became of them.");
    for (result, lines) in [("parsed", whole.parsed), ("rejected", rejected), ("too_long", whole.too_long)] {
        out.value(&[("result", result)], in_floating(lines));
    }
    out.family("spikeline_late_lines", MetricKind::Counter, "Lines that came after their slot's lateness.");
    out.value(&[], in_floating(whole.late));
    out.family("spikeline_log_bytes", MetricKind::Counter, "Uncompressed bytes of log read into the store.");
    out.value(&[], in_floating(whole.bytes));
    out.family("spikeline_lost_bytes", MetricKind::Counter, "Bytes of log that were never read.");
    for (cause, bytes) in [("unread", whole.unread), ("truncated", whole.lost_to_truncation)] {
        out.value(&[("cause", cause)], in_floating(bytes));
    }
    let times = [
        (
            "spikeline_read_until_seconds",
            view.read_until(),
            "Everything written to the logs before this time was read.",
        ),
        ("spikeline_last_commit_seconds", view.last_commit(), "When something was committed last."),
    ];
    for (name, time, help) in times {
        if let Some(time) = time {
            out.family(name, MetricKind::Gauge, help);
            out.value(&[], in_floating(time.0.unsigned_abs()) / 1000.0);
        }
    }
    out.family("spikeline_unread_spans", MetricKind::Gauge, "Stretches of time of which some log was not read.");
    out.value(&[], in_floating(view.unread_spans().count() as u64));
    out.family("spikeline_routes", MetricKind::Gauge, "Routes that the store knows.");
    out.value(&[], in_floating(view.routes().len() as u64));
    out.family("spikeline_logs", MetricKind::Gauge, "Logs that the store knows, rotated ones included.");
    out.value(&[], in_floating(view.generations().len() as u64));
    if let Some(has_writer) = view.has_writer() {
        out.family("spikeline_writer_up", MetricKind::Gauge, "Whether a daemon writes to the store.");
        out.value(&[], f64::from(u8::from(has_writer)));
    }
    if !view.destinations().is_empty() {
        out.family("spikeline_slots_owed", MetricKind::Gauge, "Slots that a carbon is still owed.");
        for carbon in view.destinations() {
            let owed = in_floating(carbon.pending.len() as u64);
            out.value(&[("carbon", &carbon.destination)], owed);
        }
    }
    let missing = reader.lacks(crate::time::Window { from: asked.now.minus(LATELY), until: asked.now })?.missing;
    out.family("spikeline_missing", MetricKind::Gauge, "Things that are missing of the last hour.");
    out.value(&[], in_floating(missing.len() as u64));
    Ok(())
}

/// Of what is missing is told so far back.
const LATELY: std::time::Duration = std::time::Duration::from_secs(3600);
