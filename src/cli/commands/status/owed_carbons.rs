//! What each carbon is owed, as the store has it.

use std::time::Duration;

use crate::daemon::backfill::OF_THE_PAST;
use crate::report::{OwedCarbonRow, millis};
use crate::store::View;
use crate::time::Timestamp;

/// A row for each account.
pub(super) fn rows(view: &View) -> Vec<OwedCarbonRow> {
    let mut rows = Vec::new();
    for account in view.destinations() {
        let is_past = account.destination.ends_with(OF_THE_PAST);
        rows.push(OwedCarbonRow {
            address: account.destination.clone(),
            owed_slots: account.pending.len(),
            oldest_owed: account.pending.iter().min().map(ToString::to_string),
            sent_until: (!is_past && account.emitted_until.millis() > 0).then(|| account.emitted_until.to_string()),
            dropped_slots: account.dropped,
        });
    }
    rows
}

/// What has been owed for too long. What is to be sent of the past is sent when somebody says so.
pub(super) fn overdue(view: &View, limit: Duration, now: Timestamp) -> Vec<String> {
    let mut overdue = Vec::new();
    for account in view.destinations() {
        let Some(oldest) = account.pending.iter().min() else { continue };
        if account.destination.ends_with(OF_THE_PAST) || *oldest > now.minus(limit) {
            continue;
        }
        let slots = account.pending.len();
        let ago = millis(now.millis().saturating_sub(oldest.millis()).cast_unsigned());
        // Only a collector's account is an address with a scheme.
        let is_collector = cfg!(feature = "otlp") && account.destination.contains("://");
        overdue.push(format!(
            "{} {} is owed {slots} slot{}, the oldest of {oldest}, {ago} ago",
            if is_collector { "otlp" } else { "carbon" },
            account.destination,
            if slots == 1 { "" } else { "s" }
        ));
    }
    overdue
}
