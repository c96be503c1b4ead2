//! What one destination is still to get of the past. It is kept apart from the daemon's account of the same destination,
//! so that neither pushes slots out of the other's, and the daemon's mark stays where it is.

use std::time::Duration;

use super::sent_from::render_step;
use crate::carbon::{Owed, OwedState, Points, is_timely, step_of_slot};
use crate::daemon::settings::DestinationSettings;
use crate::error::Result;
use crate::store::{DestinationProgress, View};
use crate::time::{Timestamp, Window};

/// What a destination's name in the store ends in when the account is of the past.
pub const OF_THE_PAST: &str = " (past)";

/// Slots that go to carbon as one.
pub(super) struct OwedStep {
    /// The time that the points are of; they are stamped with its beginning.
    pub(super) window: Window,
    /// The slots in it that are owed.
    pub(super) slots: Vec<Timestamp>,
}

/// One destination.
#[derive(Debug)]
pub struct BackfillAccount {
    /// Where, how, and under which names.
    pub settings: DestinationSettings,
    /// How far back it keeps points.
    pub max_age: Duration,
    pub(super) owed: Owed,
    /// Slots that were not owed because they are older than that, or ahead of the clock.
    pub(super) untimely: u64,
    /// Slots before this one the store may have in part only; sent again, such a one would undo a whole one.
    whole_from: Timestamp,
    /// How many of these were not owed for that.
    pub(super) expired: u64,
}

impl BackfillAccount {
    /// The account as the store has it; nothing is owed if it has none.
    pub fn new(settings: DestinationSettings, max_age: Duration, view: &View) -> BackfillAccount {
        let name = account_name(&settings);
        let owed = match view.destinations().iter().find(|held| held.destination == name) {
            Some(held) => Owed::restore(usize::MAX, held.emitted_until, held.pending.clone(), held.dropped),
            None => Owed::new(usize::MAX),
        };
        let reach = settings.archives.last().map_or(Duration::MAX, |coarsest| coarsest.span);
        let max_age = max_age.min(reach);
        let whole_from = view.expired().detail.unwrap_or(Timestamp(i64::MIN));
        BackfillAccount { settings, max_age, owed, untimely: 0, whole_from, expired: 0 }
    }

    /// An account of which the store knows nothing: another process writes that, and keeps its own.
    pub fn beside_daemon(settings: DestinationSettings, max_age: Duration, view: &View) -> BackfillAccount {
        let mut account = BackfillAccount::new(settings, max_age, view);
        account.owed = Owed::new(usize::MAX);
        account
    }

    /// The slots that are owed.
    pub fn owed_slots(&self) -> Vec<Timestamp> {
        self.owed.to_parts().pending
    }

    /// Those of these slots that are others in one state of the store than in an earlier one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn changed(&self, slots: &[Timestamp], before: &View, after: &View, now: Timestamp) -> Result<Vec<Timestamp>> {
        let interval = after.settings().interval;
        let (mut changed, mut was, mut is) = (Vec::new(), Points::new(), Points::new());
        for slot in slots {
            let Some(step) = self.step_of(*slot, interval, now) else { continue };
            was.clear();
            is.clear();
            render_step(before, &self.settings.naming, step, &mut was)?;
            render_step(after, &self.settings.naming, step, &mut is)?;
            if !was.iter().eq(is.iter()) {
                changed.push(*slot);
            }
        }
        Ok(changed)
    }

    /// How many slots are owed.
    pub fn owed(&self) -> usize {
        self.owed.len()
    }

    /// How many slots were not owed because carbon could not keep them.
    pub fn untimely(&self) -> u64 {
        self.untimely
    }

    /// How many slots were not owed because the store's retention may have removed a part of them.
    pub fn expired(&self) -> u64 {
        self.expired
    }

    /// A slot is to be sent, if the store has it whole and carbon keeps points of its age.
    pub fn owe(&mut self, slot: Timestamp, now: Timestamp) {
        if slot < self.whole_from {
            self.expired += 1;
        } else if is_timely(slot, now, self.max_age) {
            self.owed.owe(slot);
        } else {
            self.untimely += 1;
        }
    }

    /// How many of the slots that are owed are older than this.
    pub fn owed_before(&self, bound: Timestamp) -> usize {
        self.owed.to_parts().pending.iter().filter(|slot| **slot < bound).count()
    }

    /// What of the time of the slots that are owed goes to carbon as one point, the oldest first.
    pub(super) fn steps(&self, interval: Duration, now: Timestamp) -> Vec<Window> {
        let mut steps: Vec<Window> = Vec::new();
        for slot in self.owed.to_parts().pending {
            if steps.last().is_none_or(|last| slot >= last.until)
                && let Some(step) = self.step_of(slot, interval, now)
            {
                steps.push(step);
            }
        }
        steps
    }

    /// The step of the finest archive that reaches back to a slot; of unknown archives the slot. None if none does, or if the store has it in part.
    fn step_of(&self, slot: Timestamp, interval: Duration, now: Timestamp) -> Option<Window> {
        let step = match self.settings.archives[..] {
            [] => Some(Window { from: slot, until: slot.plus(interval) }),
            _ => step_of_slot(&self.settings.archives, slot, now),
        };
        step.filter(|step| step.from >= self.whole_from)
    }

    /// The oldest slots that are owed, as they go together: one by itself, or all of a step of an archive of which one point is made. They
    /// are in flight then. What nothing reaches back to any more, or what the store has a part of, is given up and counted.
    pub(super) fn next_step(&mut self, interval: Duration, now: Timestamp) -> Option<OwedStep> {
        loop {
            let slot = self.owed.next(Timestamp(i64::MAX))?;
            let alone = Window { from: slot, until: slot.plus(interval) };
            let step = match self.settings.archives[..] {
                [] => Some(alone),
                _ => step_of_slot(&self.settings.archives, slot, now),
            };
            let Some(window) = step.filter(|step| step.from >= self.whole_from) else {
                let given_up = if step.is_none() { &mut self.untimely } else { &mut self.expired };
                *given_up += 1;
                self.owed.give_up(slot);
                continue;
            };
            let mut slots = vec![slot];
            slots.extend(std::iter::from_fn(|| self.owed.next(window.until)));
            return Some(OwedStep { window, slots });
        }
    }

    pub(super) fn delivery(&self) -> DestinationProgress {
        let OwedState { emitted_until, pending, dropped } = self.owed.to_parts();
        DestinationProgress { destination: account_name(&self.settings), emitted_until, pending, dropped }
    }
}

/// What the store knows the account by.
fn account_name(settings: &DestinationSettings) -> String {
    format!("{}{OF_THE_PAST}", settings.account)
}

/// The slots that start in `window` and have requests.
///
/// # Errors
/// The store cannot be read.
pub fn slots_in(view: &View, window: Window) -> Result<Vec<Timestamp>> {
    let mut slots: Vec<Timestamp> = view.cells(window, None)?.into_iter().map(|(slot, ..)| slot).collect();
    slots.dedup();
    Ok(slots)
}
