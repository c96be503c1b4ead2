//! Slots sent once more by a reader of the store, on a connection of its own, while the daemon writes and sends.
//!
//! The daemon may send a slot anew, with lines that came late, between the moment when it was read here and the moment when it
//! arrives; carbon would keep the older one. So the store is looked at again afterwards, and what has changed is sent once more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use crate::cli::answer::output::say;
use crate::daemon::backfill::{BackfillAccount, Pushed, Sending, SentFrom, send_owed};
use crate::daemon::{DestinationSettings, Notice, Say};
use crate::error::Result;
use crate::store::View;
use crate::time::{Clock, SystemClock, Timestamp};

/// So often at most what changed meanwhile is sent again; a line that comes later is the daemon's.
const ROUNDS: u32 = 5;

/// The slots among these that the daemon has sent, and does not owe: the others are not whole yet, or it sends them anyway. All of a carbon
/// that it does not know.
pub(in crate::cli) fn sent_slots(
    view: &View,
    destination: &DestinationSettings,
    slots: &BTreeSet<Timestamp>,
) -> BTreeSet<Timestamp> {
    let address = &destination.account;
    let Some(progress) = view.destinations().iter().find(|held| held.destination == *address) else {
        return slots.clone();
    };
    let owed: BTreeSet<Timestamp> = progress.pending.iter().copied().collect();
    slots.range(..progress.emitted_until).filter(|slot| !owed.contains(slot)).copied().collect()
}

/// An account that is owed these slots.
pub(in crate::cli) fn account_beside(
    view: &View,
    destination: &DestinationSettings,
    max_age: Duration,
    slots: &BTreeSet<Timestamp>,
) -> BackfillAccount {
    let mut account = BackfillAccount::beside_daemon(destination.clone(), max_age, view);
    let now = SystemClock.now();
    for slot in slots {
        account.owe(*slot, now);
    }
    account
}

/// Sends what the account is owed, and again what changed meanwhile. Gives what was sent in all, with the account as it is then.
pub(in crate::cli) fn send_beside(
    context: &Context,
    view: View,
    mut account: BackfillAccount,
    rate: u32,
) -> Result<(Pushed, BackfillAccount)> {
    let aloud: Say = Arc::new(|notice: &Notice| say(&format!("spikeline: {notice}")));
    let (mut view, mut all) = (view, None::<Pushed>);
    for _ in 0..ROUNDS {
        let slots = account.owed_slots();
        let sending = Sending { rate, clock: &SystemClock, say: &aloud, progress: &|_| {} };
        let sent = send_owed(&mut SentFrom::Reader(&view), std::slice::from_mut(&mut account), &sending)?;
        let Some(sent) = sent.into_iter().next() else { break };
        let is_over = sent.failed.is_some();
        all = Some(match all {
            None => sent,
            Some(before) => Pushed { points: before.points + sent.points, slots: before.slots, ..sent },
        });
        let now = context.view()?;
        let changed = account.changed(&slots, &view, &now, SystemClock.now())?;
        view = now;
        if is_over || changed.is_empty() {
            break;
        }
        for slot in changed {
            account.owe(slot, SystemClock.now());
        }
    }
    let address = account.settings.destination.address.clone();
    let nothing = Pushed { address, slots: 0, points: 0, rolled_up: 0, owed: 0, failed: None };
    Ok((all.unwrap_or(nothing), account))
}
