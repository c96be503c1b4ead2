//! `index --rebuild`: damaged segments are named, set aside, and made again from the logs.

use super::rebuild_journal::rebuild_journals;
use crate::cli::answer::Answer;
use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::say;
use crate::cli::args::IndexArguments;
use crate::cli::input::context::Context;
use crate::cli::input::interpreters::{archive_again, line_readers, needs_of_counting, slot_settings, with_routes};
use crate::error::Result;
use crate::pipeline::{Recount, UnreadRange, recount_damaged};
use crate::report::bytes;
use crate::source::generation::{Generation, GenerationId};
use crate::store::{Commit, DamagedSegment, Ledger, LogRange, Loss, LossCause, View, Writer};
use crate::time::{Clock, SystemClock, Window};

/// Each damaged segment is one commit of losses and one repair, so that a crash between two leaves the rest to the next
/// call.
pub(super) fn rebuild(context: &Context, arguments: &IndexArguments, writer: &mut Writer) -> Result<Answer> {
    let journals = rebuild_journals(context, arguments, writer)?;
    // A view of its own, which goes on without what is damaged while the writer changes the store.
    let mut view = View::open(&context.store()?)?;
    view.skip_damaged(true);
    let damaged = view.damaged_segments()?;
    if let (true, Some(lacking)) = (damaged.is_empty(), &journals) {
        return Ok(Answer::from_found(true, lacking));
    }
    if damaged.is_empty() {
        say("every segment matches its checksums; there is nothing to rebuild");
        return Ok(Answer::Found);
    }
    let with = with_routes(context, &view)?;
    let known = u32::try_from(with.routes.len()).unwrap_or(u32::MAX);
    let mut readers = line_readers(context, &view, &arguments.given, &needs_of_counting(), &with)?;
    archive_again(context, &view, &mut readers)?;
    let max_line = context.config()?.longest_line();
    let mut recount = Recount::new(&view, readers, slot_settings(context, &view)?, max_line);
    let mut lacking = journals.unwrap_or_default();
    for segment in &damaged {
        for place in &segment.places {
            say(&format!("spikeline: {}", missing_for(place)));
        }
        let recounted = recount_damaged(&view, &mut recount, segment)?;
        let mut routes = Vec::new();
        for (id, name) in with.routes.since(known) {
            routes.push((id, name.to_string()));
        }
        // Once the damaged one is set aside, only the ledger knows what lacks.
        let ledgers = ledger_losses(&view, segment, &recounted.unread);
        writer.commit(&mut Commit { at: SystemClock.now(), routes, ledgers, ..Commit::default() })?;
        let aside = writer.repair(segment, recounted.commit)?;
        let lacks = unrestored(segment, &recounted.unread);
        say(&match lacks.is_empty() {
            true => format!("restored from the logs; the damaged file is kept as {}", aside.display()),
            false => format!("restored in part; the damaged file is kept as {}", aside.display()),
        });
        for lack in &lacks {
            say(&format!("spikeline: {lack}"));
        }
        lacking.extend(lacks);
    }
    Ok(Answer::from_found(true, &lacking))
}

/// What could not be restored of a segment, with its window and log.
fn unrestored(segment: &DamagedSegment, unread: &[UnreadRange]) -> Vec<String> {
    let held = match segment.window {
        Some(window) => format!("held of {} .. {} (UTC)", window.from, window.until),
        None => "gave to the archive of raw lines".to_owned(),
    };
    if segment.ranges.is_none() {
        let path = segment.path.display();
        return vec![format!(
            "{path}: which lines it was made of is lost too; what they {held} is missing from the store"
        )];
    }
    let mut lacks = Vec::new();
    for UnreadRange { range, path, why } in unread {
        let size = bytes(range.until - range.from);
        lacks.push(format!("not restored: what {size} of {} {held}: {why}", path.display()));
    }
    lacks
}

/// The same for the ledger, so that every answer says it. An archived line is missed where it is asked for.
fn ledger_losses(view: &View, segment: &DamagedSegment, unread: &[UnreadRange]) -> Vec<(GenerationId, Ledger)> {
    let Some(window) = segment.window else { return Vec::new() };
    if segment.ranges.is_some() {
        let mut ledgers = Vec::new();
        for unread in unread {
            ledgers.push(damaged_ledger(&unread.range, window));
        }
        return ledgers;
    }
    // Nobody knows of which logs; one says it for all.
    match view.generations().first() {
        Some(Generation { id, .. }) => vec![damaged_ledger(&LogRange { generation: *id, from: 0, until: 0 }, window)],
        None => Vec::new(),
    }
}

/// The ledger of a log that says that the store lost what this range of it held of `window`.
fn damaged_ledger(range: &LogRange, window: Window) -> (GenerationId, Ledger) {
    let loss = Loss {
        offset: range.from,
        bytes: range.until - range.from,
        cause: LossCause::Damaged,
        after: window.from,
        before: window.until,
    };
    (range.generation, Ledger { losses: vec![loss], ..Ledger::default() })
}
