//! Sends what the accounts of the past are owed: whole slots, oldest first, no faster than asked for.

use std::time::{Duration, Instant};

use super::account::BackfillAccount;
use super::sent_from::{SentFrom, render_step};
use crate::carbon::{Link, LinkState, Points};
use crate::daemon::notice::{Notice, Say};
use crate::error::Result;
use crate::time::Clock;

/// What was sent is noted in the store this often: so much may be sent again after a kill, which does no harm.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// A destination that fails so often in a row is left for another time (about 4 s by the link's own waits).
const TRIES: u32 = 4;

/// What was sent to one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Its address.
    pub address: String,
    /// Slots sent, whole.
    pub slots: u64,
    /// Their points.
    pub points: u64,
    /// Steps of coarser archives, each of several slots.
    pub rolled_up: u64,
    /// Slots that are still owed.
    pub owed: u64,
    /// Why sending ended before all was sent.
    pub failed: Option<String>,
}

/// How what is owed is sent, and who hears of it.
pub struct Sending<'s> {
    /// At most so many points a second to each destination.
    pub rate: u32,
    /// The clock.
    pub clock: &'s dyn Clock,
    /// Hears of failures.
    pub say: &'s Say,
    /// Hears how many slots are still owed.
    pub progress: &'s dyn Fn(u64),
}

/// Send all that is owed, one destination after the other.
///
/// # Errors
/// The store cannot be read or written. A destination that fails is no error: see [`Pushed::failed`].
pub fn send_owed(
    store: &mut SentFrom<'_>,
    accounts: &mut [BackfillAccount],
    sending: &Sending<'_>,
) -> Result<Vec<Pushed>> {
    let mut all = Vec::new();
    for (account, seed) in accounts.iter_mut().zip(0..) {
        all.push(send_account(store, account, seed, sending)?);
    }
    Ok(all)
}

/// `seed`: another for each destination, see [`Link::new`].
fn send_account(
    store: &mut SentFrom<'_>,
    account: &mut BackfillAccount,
    seed: u64,
    sending: &Sending<'_>,
) -> Result<Pushed> {
    let destination = account.settings.destination.clone();
    let mut pushed =
        Pushed { address: destination.address.clone(), slots: 0, points: 0, rolled_up: 0, owed: 0, failed: None };
    let mut link = Link::new(destination, seed);
    let (mut points, mut failures) = (Points::new(), 0);
    let (began, mut noted) = (Instant::now(), Instant::now());
    let interval = store.view().settings().interval;
    while let Some(step) = account.next_step(interval, sending.clock.now()) {
        points.clear();
        render_step(store.view(), &account.settings.naming, step.window, &mut points)?;
        let before = link.counters().bytes_sent;
        let sent = link.send(&points, Instant::now());
        if link.reconnected() {
            account.owed.reconnected(Instant::now());
        }
        match sent {
            Ok(()) => {
                failures = 0;
                pushed.slots += step.slots.len() as u64;
                account.owed.hand_over(link.counters().bytes_sent - before);
                for slot in step.slots {
                    account.owed.delivered(slot, Instant::now());
                }
                pushed.rolled_up += u64::from(step.window.until > step.window.from.plus(interval));
                pushed.points += points.len() as u64;
            }
            Err(error) => {
                for slot in step.slots {
                    account.owed.failed(slot);
                }
                failures += 1;
                if failures >= TRIES {
                    pushed.failed = Some(error.to_string());
                    break;
                }
                if failures == 1 {
                    (sending.say)(&Notice::BackfillSendFailed(error));
                }
                wait_for(&link);
            }
        }
        if noted.elapsed() >= NOTE_EVERY {
            store.note_progress(account.delivery(), sending.clock.now())?;
            noted = Instant::now();
            (sending.progress)(account.owed.len() as u64);
        }
        keep_pace(began, pushed.points, sending.rate);
    }
    store.note_progress(account.delivery(), sending.clock.now())?;
    pushed.owed = account.owed.len() as u64;
    Ok(pushed)
}

/// Wait until so many points may have been sent.
fn keep_pace(began: Instant, points: u64, rate: u32) {
    #[expect(clippy::cast_precision_loss, reason = "a time to wait needs no 53 bits")]
    let due = Duration::from_secs_f64(points as f64 / f64::from(rate.max(1)));
    std::thread::sleep(due.saturating_sub(began.elapsed()));
}

fn wait_for(link: &Link) {
    if let LinkState::Down { next_try, .. } = link.state() {
        std::thread::sleep(next_try.saturating_duration_since(Instant::now()));
    }
}
