//! Sends what the accounts of the past are owed: whole slots, oldest first, no faster than asked for.

use std::time::{Duration, Instant};

use super::BackfillAccount;
use crate::carbon::{Link, LinkState, Points};
use crate::daemon::self_metrics::SelfMetrics;
use crate::daemon::{Say, slot_renderer};
use crate::error::Result;
use crate::store::{Commit, Writer};
use crate::time::{Clock, Timestamp};

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
    /// Slots that are still owed.
    pub owed: u64,
    /// Why sending ended before all was sent.
    pub failed: Option<String>,
}

/// Send all that is owed, at most `rate` points a second to each destination, one destination after the other. `progress`
/// hears how many slots are still owed.
///
/// # Errors
/// The store cannot be read or written. A destination that fails is no error: see [`Pushed::failed`].
pub fn push(
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
    rate: u32,
    clock: &dyn Clock,
    say: &Say,
    progress: &dyn Fn(u64),
) -> Result<Vec<Pushed>> {
    (0..accounts.len())
        .map(|at| push_one(writer, accounts, at, rate, (clock, say), progress))
        .filter_map(Result::transpose)
        .collect()
}

fn push_one(
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
    at: usize,
    rate: u32,
    (clock, say): (&dyn Clock, &Say),
    progress: &dyn Fn(u64),
) -> Result<Option<Pushed>> {
    let Some(account) = accounts.get_mut(at) else { return Ok(None) };
    let destination = account.outlet.destination.clone();
    let mut pushed = Pushed { address: destination.address.clone(), slots: 0, points: 0, owed: 0, failed: None };
    let mut link = Link::new(destination, at as u64);
    let (mut points, mut failures) = (Points::new(), 0);
    let (began, mut noted) = (Instant::now(), Instant::now());
    while let Some(slot) = account.owed.next(Timestamp(i64::MAX)) {
        points.clear();
        let (view, uncommitted, own) = (writer.view(), &Commit::default(), &SelfMetrics::default());
        let interval = view.settings().interval;
        slot_renderer::SlotRenderer { view, uncommitted, own, interval }.slot(
            &account.outlet.naming,
            slot,
            &mut points,
        )?;
        let sent = link.send(&points, Instant::now());
        if link.reconnected() {
            account.owed.reconnected(Instant::now());
        }
        match sent {
            Ok(()) => {
                account.owed.delivered(slot, Instant::now());
                failures = 0;
                pushed.slots += 1;
                pushed.points += points.len() as u64;
            }
            Err(error) => {
                account.owed.failed(slot);
                failures += 1;
                if failures == 1 {
                    say(&error.to_string());
                }
                if failures >= TRIES {
                    pushed.failed = Some(error.to_string());
                    break;
                }
                wait_for(&link);
            }
        }
        if noted.elapsed() >= NOTE_EVERY {
            note(writer, account, clock)?;
            noted = Instant::now();
            progress(account.owed.len() as u64);
        }
        pace(began, pushed.points, rate);
    }
    note(writer, account, clock)?;
    pushed.owed = account.owed.len() as u64;
    Ok(Some(pushed))
}

/// Wait until so many points may have been sent.
fn pace(began: Instant, points: u64, rate: u32) {
    #[expect(clippy::cast_precision_loss, reason = "a time to wait needs no 53 bits")]
    let due = Duration::from_secs_f64(points as f64 / f64::from(rate.max(1)));
    std::thread::sleep(due.saturating_sub(began.elapsed()));
}

fn wait_for(link: &Link) {
    if let LinkState::Down { next_try, .. } = link.state() {
        std::thread::sleep(next_try.saturating_duration_since(Instant::now()));
    }
}

/// Let the store know what is still owed.
fn note(writer: &mut Writer, account: &BackfillAccount, clock: &dyn Clock) -> Result<()> {
    let destinations = vec![account.delivery()];
    writer.commit(&mut Commit { at: clock.now(), destinations, ..Commit::default() })?;
    writer.seal_if_due(false)
}
