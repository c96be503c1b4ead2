//! `index --rebuild`: damaged segments are named, set aside, and made again from the logs.

use crate::cli::answer::Answer;
use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::say;
use crate::cli::args::IndexArguments;
use crate::cli::input::context::Context;
use crate::cli::input::interpreters::{self, archive, slot_settings, with_routes};
use crate::error::Result;
use crate::pipeline::{Recount, UnreadRange, recount_damaged};
use crate::report::bytes;
use crate::source::GenerationId;
use crate::store::{Commit, DamagedSegment, Ledger, LogRange, Loss, LossCause, View, Writer};
use crate::time::{Clock, SystemClock};

/// Each damaged segment is one commit of losses and one repair, so that a crash between two leaves the rest to the next
/// call.
pub(super) fn rebuild(context: &Context, arguments: &IndexArguments, writer: &mut Writer) -> Result<Answer> {
    // A view of its own, which goes on without what is damaged while the writer changes the store.
    let mut view = View::open(&context.store()?)?;
    view.skip_damaged(true);
    let damaged = view.damaged_segments()?;
    if damaged.is_empty() {
        say("every segment matches its checksums; there is nothing to rebuild");
        return Ok(Answer::Found);
    }
    let with = with_routes(context, &view)?;
    let known = u32::try_from(with.routes.len()).unwrap_or(u32::MAX);
    let mut interpreters = interpreters::interpreters(context, &view, &arguments.given, &with)?;
    archive(context, &view, &mut interpreters)?;
    let max_line = context.config()?.longest_line();
    let mut recount = Recount::new(&view, interpreters, slot_settings(context, &view)?, max_line);
    let mut lacking = Vec::new();
    for segment in &damaged {
        segment.places.iter().for_each(|place| say(&format!("spikeline: {}", without_remedy(place))));
        let recounted = recount_damaged(&view, &mut recount, segment)?;
        let routes = with.routes.since(known).into_iter().map(|(id, name)| (id, name.to_string())).collect();
        // Once the damaged one is set aside, only the ledger knows what lacks.
        let ledgers = ledger_losses(&view, segment, &recounted.unread);
        writer.commit(&mut Commit { at: SystemClock.now(), routes, ledgers, ..Commit::default() })?;
        let aside = writer.repair(segment, recounted.commit)?;
        let lacks = unrestored(segment, &recounted.unread);
        say(&match lacks.is_empty() {
            true => format!("restored from the logs; the damaged file is kept as {}", aside.display()),
            false => format!("restored in part; the damaged file is kept as {}", aside.display()),
        });
        lacks.iter().for_each(|lack| say(&format!("spikeline: {lack}")));
        lacking.extend(lacks);
    }
    Ok(Answer::from_found(true, &lacking))
}

fn without_remedy(error: &crate::error::Error) -> String {
    missing_for(error)
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
    let lack = |unread: &UnreadRange| {
        format!(
            "not restored: what {} of {} {held}: {}",
            bytes(unread.range.until - unread.range.from),
            unread.path.display(),
            unread.why
        )
    };
    unread.iter().map(lack).collect()
}

/// The same for the ledger, so that every answer says it. An archived line is missed where it is asked for.
fn ledger_losses(view: &View, segment: &DamagedSegment, unread: &[UnreadRange]) -> Vec<(GenerationId, Ledger)> {
    let Some(window) = segment.window else { return Vec::new() };
    let loss = |id: GenerationId, range: &LogRange| {
        let bytes = range.until - range.from;
        let loss =
            Loss { offset: range.from, bytes, cause: LossCause::Damaged, after: window.from, before: window.until };
        (id, Ledger { losses: vec![loss], ..Ledger::default() })
    };
    match &segment.ranges {
        Some(_) => unread.iter().map(|unread| loss(unread.range.generation, &unread.range)).collect(),
        // Nobody knows of which logs; one says it for all.
        None => {
            let one = view.generations().first().map(|held| held.id);
            one.map(|id| loss(id, &LogRange { generation: id, from: 0, until: 0 })).into_iter().collect()
        }
    }
}
