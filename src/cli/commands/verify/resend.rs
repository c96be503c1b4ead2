//! What Graphite has otherwise than the store, sent to carbon again until nothing differs. The daemon may run meanwhile.
//!
//! Carbon takes a moment until it shows what it was sent, and of series that it does not know yet it makes so many a minute and
//! throws the points of the others away: so one round is rarely enough, and as long as less differs than before there is a next.

use std::collections::BTreeSet;
use std::time::Duration;

use super::against::Differences;
use super::graphite::Graphite;
use crate::cli::answer::output::say;
use crate::cli::input::context::Context;
use crate::cli::input::resending::{account_beside, send_beside};
use crate::error::Result;
use crate::report::count;
use crate::time::{Timestamp, Window};

/// How long carbon is given before it is asked, the first times and from then on: a minute, since so it counts what it creates.
const PAUSES: [u64; 5] = [1, 2, 5, 15, 30];
const PAUSE: u64 = 61;

/// So many rounds with no fewer differences are the end.
const IN_VAIN: u32 = 3;

/// Sends what differs until nothing does, or nothing gets better. `differences` has what Graphite has otherwise, and in the end what it
/// has otherwise then. Gives what kept it from being sent, if anything did.
pub(super) fn until_clean<'r>(
    context: &Context,
    graphite: &mut Graphite,
    rate: u32,
    mut differences: Differences<'r>,
) -> Result<(Differences<'r>, Option<String>)> {
    let mut pauses = PAUSES.into_iter();
    let (mut least, mut in_vain) = (differences.count(), 0);
    let mut slots = graphite.take_differing();
    while !slots.is_empty() && in_vain < IN_VAIN {
        let view = context.view()?;
        let Some(destination) = graphite.destination() else {
            return Ok((differences, Some("there is no [[carbon]] to send to".to_owned())));
        };
        let account = account_beside(&view, destination, Duration::MAX, &slots);
        let (pushed, _) = send_beside(context, view, account, rate)?;
        if let Some(why) = pushed.failed {
            return Ok((differences, Some(format!("carbon {}: {why}", pushed.address))));
        }
        std::thread::sleep(Duration::from_secs(pauses.next().unwrap_or(PAUSE)));
        differences = compare_again(context, graphite, &slots, &differences)?;
        slots = graphite.take_differing();
        let left = differences.count();
        say(&format!(
            "{} slots sent again, {} points; {} points differ still",
            count(pushed.slots),
            count(pushed.points),
            count(left)
        ));
        // The first pauses may be too short for anything to show.
        let is_worse = left >= least;
        in_vain = if is_worse && pauses.len() == 0 { in_vain + 1 } else { 0 };
        least = least.min(left);
    }
    Ok((differences, None))
}

/// The points of these slots once more, from the store as it is now.
fn compare_again<'r>(
    context: &Context,
    graphite: &mut Graphite,
    slots: &BTreeSet<Timestamp>,
    before: &Differences<'r>,
) -> Result<Differences<'r>> {
    let view = context.view()?;
    let interval = view.settings().interval;
    let mut differences = before.none_yet();
    graphite.begin_again(&view);
    for slot in slots {
        let window = Window { from: *slot, until: slot.plus(interval) };
        graphite.compare(&view.cells_with_members(window)?, &mut differences)?;
    }
    Ok(differences)
}
