//! `spikeline verify`: the store held against the raw lines, and Graphite against the store.

mod against;
mod cells;
mod graphite;
mod resend;

use std::time::Duration;

use crate::cli::answer::Answer;
use crate::cli::answer::completeness::{damaged_journals, missing_for, torn};
use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::answer::window::{self, span_of_slots};
use crate::cli::args::{AnswerFormat, VerifyArguments};
use crate::cli::input::context::Context;
use crate::cli::input::interpreters::{line_readers, needs_of_counting, slot_settings, with_routes};
use crate::error::{Error, Result};
use crate::pipeline::Recount;
use crate::report::{Report, count, write};
use crate::store::View;
use crate::time::Window;
use against::Differences;
use graphite::Graphite;
use resend::until_clean;

/// How much is compared at a time: it bounds the memory, and no block of a log is read more than twice.
const STEP: Duration = Duration::from_secs(3600);

pub(super) fn verify(context: &Context, arguments: &VerifyArguments) -> Result<Answer> {
    let asked = window::window(&arguments.window, context.now, Window::ALL)?;
    // A wrong address is said before the store is opened.
    let mut graphite = match graphite_url(context, arguments)? {
        Some(url) => Some(Graphite::new(context, &url, arguments.resend)?),
        None => None,
    };
    let view = context.view()?;
    let mut missing: Vec<String> = torn(&view).into_iter().collect();
    missing.extend(damaged_journals(&view));
    for what in &missing {
        say(&format!("spikeline: {what}"));
    }
    let damaged = view.damaged_segments()?;
    let mut damaged_windows = Vec::new();
    for segment in &damaged {
        damaged_windows.extend(segment.window);
        for place in &segment.places {
            let what = missing_for(place);
            say(&format!("spikeline: {what}\n  help: `spikeline index --rebuild` restores it from the logs"));
            missing.push(what);
        }
    }
    for place in view.damaged_ranges()? {
        say(&format!("spikeline: {place}"));
        missing.push(missing_for(&place));
    }
    let window = in_slots(asked, &view);
    let window = kept(asked, window, &view, &mut missing);
    let with = with_routes(context, &view)?;
    let readers = line_readers(context, &view, &arguments.given, &needs_of_counting(), &with)?;
    let max_line = context.config()?.longest_line();
    let mut recount = Recount::new(&view, readers, slot_settings(context, &view)?, max_line);
    recount.same_rules_only();
    let mut logs = cells::RecountedLogs::new(&view, recount, damaged_windows);
    let mut differences = Differences::new(arguments.limit, &with.routes);
    let mut of_graphite = differences.none_yet();
    if let Some(graphite) = &mut graphite {
        graphite.learn_deliveries(&view);
    }
    let mut from = window.from;
    while from < window.until {
        let step = Window { from, until: window.until.min(from.plus(STEP)) };
        let stored = view.cells_with_members(step)?;
        logs.compare(step, &stored, &mut differences)?;
        if let Some(graphite) = &mut graphite {
            graphite.compare(&stored, &mut of_graphite)?;
        }
        from = step.until;
    }
    missing.extend(logs.say());
    if let Some(graphite) = &mut graphite {
        missing.extend(graphite.say());
        if arguments.resend {
            let (left, failed) = until_clean(context, graphite, arguments.rate, of_graphite)?;
            of_graphite = left;
            missing.extend(failed.inspect(|why| say(&format!("spikeline: not sent again: {why}"))));
        }
    }
    differences.absorb(of_graphite);
    print(arguments, &differences, missing.clone(), window)?;
    Ok(match differences.count() {
        0 => Answer::from_found(true, &missing),
        _ => Answer::Nothing,
    })
}

/// The Graphite that is named, or with --resend the first that a `[[carbon]]` is shown by.
fn graphite_url(context: &Context, arguments: &VerifyArguments) -> Result<Option<String>> {
    if arguments.graphite.is_some() || !arguments.resend {
        return Ok(arguments.graphite.clone());
    }
    let configured = context.config()?.carbons.iter().find_map(|section| section.graphite.as_ref());
    match configured {
        Some(url) => Ok(Some(url.value.clone())),
        None => Err(Error::usage("--resend: no Graphite says what carbon has")
            .remedy("give --graphite http://HOST:PORT, or `graphite = \"http://HOST:PORT\"` in [[carbon]]")),
    }
}

/// The part of the window of which the store still has every slot and every block. Before it, only some are left, or
/// the roll-ups, which no slot can be compared with.
fn kept(asked: Window, window: Window, view: &View, missing: &mut Vec<String>) -> Window {
    let Some(before) = view.expired_before(window) else { return window };
    let interval = view.settings().interval;
    let from = before.plus(interval).plus_millis(-1).slot(interval).min(window.until);
    let what = format!("what lay before {from} is not verifiable: retention removed slots of it");
    say(&what);
    if asked != Window::ALL {
        missing.push(what);
    }
    Window { from, ..window }
}

/// The window in whole slots, no wider than what the store holds.
fn in_slots(asked: Window, view: &View) -> Window {
    let interval = view.settings().interval;
    let Some((first, last)) = span_of_slots(view) else { return Window { from: asked.from, until: asked.from } };
    let from = if asked.from <= first { first } else { asked.from.slot(interval) };
    let end = last.plus(interval);
    let until = if asked.until >= end { end } else { asked.until.plus(interval).plus_millis(-1).slot(interval) };
    Window { from, until: until.max(from) }
}

fn print(
    arguments: &VerifyArguments,
    differences: &Differences<'_>,
    missing: Vec<String>,
    window: Window,
) -> Result<()> {
    let shown = differences.kept().len() as u64;
    let all = differences.count();
    if all > 0 || arguments.format != AnswerFormat::Table {
        let report = Report { missing, ..Report::new(differences.kept().to_vec(), window::shown(window)) };
        let mut out = stdout();
        written(write(&report, arguments.format.into(), style(), &mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    if all > shown {
        say(&format!("{} differences, {} of them printed", count(all), count(shown)));
    } else if all > 0 {
        say(&format!("{} difference{}", count(all), if all == 1 { "" } else { "s" }));
    }
    Ok(())
}
