//! What is asked for, whichever way it was said: options, a metric, a target, a link; and the store it is asked of.
//!
//! [`Question`] is what `lines`, `slow` and `report` begin with. What a person pasted is understood by `graphite::asked`; here it is told from
//! names of files, and meets the options, which count more.

mod clicked;
mod positional;

use std::path::PathBuf;

use crate::carbon::Naming;
use crate::cli::answer::output::say;
use crate::cli::answer::window;
use crate::cli::args::{FilterArguments, PointArguments, WindowArguments};
use crate::cli::input::asked_filter::name_what_is_asked;
use crate::cli::input::context::Context;
use crate::cli::input::kept_archives::KeptArchives;
use crate::cli::input::settings::destinations;
use crate::error::Result;
use crate::graphite::asked::{AskContext, AskedOrder, Pasted, understand};
use crate::http::opening_window;
use crate::pipeline::{Filter, askable_names};
use crate::store::{View, WindowMatch};
use crate::time::{NamedZone, Timestamp, Window};

/// The options of a command that say what is asked for.
pub(in crate::cli) struct TypedQuestion<'a> {
    /// What stands there without an option: texts and files.
    pub(in crate::cli) positional: &'a [PathBuf],
    /// The window.
    pub(in crate::cli) window: &'a WindowArguments,
    /// The point.
    pub(in crate::cli) point: &'a PointArguments,
    /// Which requests.
    pub(in crate::cli) filter: &'a FilterArguments,
    /// What ties a request to the window.
    pub(in crate::cli) by: WindowMatch,
}

/// What is asked for.
pub(in crate::cli) struct Question {
    /// The files that are asked; the store where there are none.
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The store, where that is asked.
    pub(in crate::cli) view: Option<View>,
    /// Which requests, in which window.
    pub(in crate::cli) filter: Filter,
    /// What comes first, unless an option says otherwise.
    pub(in crate::cli) order: AskedOrder,
    /// What was pasted, as it was understood, if anything was.
    pub(in crate::cli) asked: Option<Pasted>,
    /// In which times are read and shown: that of `--tz`, else the pasted link's, else this machine's.
    pub(in crate::cli) zone: NamedZone,
}

/// What the options and texts ask for; what was understood of the texts is said in one line.
///
/// # Errors
/// What is not understood, with its place in the text.
pub(in crate::cli) fn question(context: &Context, typed: &TypedQuestion<'_>) -> Result<Question> {
    let naming = namings(context)?;
    let (mut texts, files) = positional::split(typed.positional, &naming);
    let view = if files.is_empty() { Some(context.view()?) } else { None };
    let mut filter = window::filter(typed.filter, Window::ALL, typed.by)?;
    let known: Option<Vec<&str>> = view.as_ref().map(askable_names);
    let pasted = positional::pasted_routes(&mut filter.routes, &naming, known.as_deref());
    texts.extend(pasted);
    let zone = window::zone(typed.window)?;
    if texts.is_empty() && typed.point.around.is_none() {
        filter.window = window::window(typed.window, context.now, Window::ALL)?;
        name_what_is_asked(context, &mut filter)?;
        return Ok(Question { files, view, filter, order: AskedOrder::Unsaid, asked: None, zone });
    }
    let archives = KeptArchives::new(context)?;
    let asking = AskContext {
        namings: &naming,
        archives: &|destination, series| archives.of(destination, series),
        routes: known,
        is_host_known: view.is_some() && !context.config()?.carbons.is_empty(),
        interval: view.as_ref().map_or(context.config()?.interval, |view| view.settings().interval),
        now: context.now,
        zone,
        has_route: !filter.routes.is_empty(),
        has_window: window::is_given(typed.window) || typed.point.around.is_some(),
        clicked: typed.point.around.as_ref().map(|around| read_around(around, context.now, zone)).transpose()?,
    };
    let mut asked = understand(&texts, &asking)?;
    if typed.point.around.is_some() {
        (asked.from, asked.until) = (None, None);
    }
    fill_in(&mut filter, &asked, typed.filter);
    name_what_is_asked(context, &mut filter)?;
    filter.window = asked_window(typed, &asked, &filter, view.as_ref(), context.now, zone)?;
    for note in &asked.notes {
        say(&format!("note: {note}"));
    }
    let shown_in = if typed.window.tz.is_some() { zone } else { asked.zone.unwrap_or(zone) };
    let told = Pasted {
        routes: filter.routes.clone(),
        statuses: filter.statuses.clone(),
        conditions: filter.conditions.to_vec(),
        ..asked.clone()
    };
    say(&told.words(filter.window, shown_in));
    Ok(Question { files, view, filter, order: asked.order, asked: Some(asked), zone: shown_in })
}

/// How series are called, for each `[[carbon]]`; without any, as they would be by default.
pub(in crate::cli) fn namings(context: &Context) -> Result<Vec<Naming>> {
    let config = context.config()?;
    let mut namings: Vec<Naming> = destinations(config)?.into_iter().map(|destination| destination.naming).collect();
    if namings.is_empty() {
        let host = config.host_in(&crate::cli::config::Surroundings::of_process());
        for tagged in [false, true] {
            namings.push(Naming::new("nginx", &host, tagged)?);
        }
    }
    Ok(namings)
}

/// What was asked for, where no option says otherwise.
fn fill_in(filter: &mut Filter, asked: &Pasted, typed: &FilterArguments) {
    if filter.routes.is_empty() {
        filter.routes.clone_from(&asked.routes);
    }
    if typed.status.is_empty() {
        filter.statuses.clone_from(&asked.statuses);
    }
    // What the options ask for must hold besides.
    filter.conditions = filter.conditions.iter().chain(&asked.conditions).cloned().collect();
    if typed.min_time.is_none() {
        filter.min_ms = asked.min_ms.unwrap_or(filter.min_ms);
    }
    if typed.max_time.is_none() {
        filter.below_ms = asked.below_ms.or(filter.below_ms);
    }
    if asked.all_by_end.is_some() {
        filter.by = WindowMatch::End;
    }
}

/// The window: that of the options, each of whose sides counts more than that of a link; else of the point; else of the link.
fn asked_window(
    typed: &TypedQuestion<'_>,
    asked: &Pasted,
    filter: &Filter,
    view: Option<&View>,
    now: Timestamp,
    zone: NamedZone,
) -> Result<Window> {
    if window::is_given(typed.window) {
        let mut sides = typed.window.clone();
        if sides.since.is_none() && sides.at.is_none() {
            sides.from = sides.from.or(asked.from.map(|from| from.to_string()));
            sides.until = sides.until.or(asked.until.map(|until| until.to_string()));
        }
        return window::resolve(&sides, now, zone, Window::ALL);
    }
    if let Some(point) = asked.point {
        return clicked::window_around(point, asked, filter, view);
    }
    if let (Some(view), true, None, None) = (view, asked.is_view_of_page(), asked.from, asked.until) {
        say("note: the link says no window: it is the one that the page opens with");
        return Ok(opening_window(view, now));
    }
    Ok(Window { from: asked.from.unwrap_or(Window::ALL.from), until: asked.until.unwrap_or(Window::ALL.until) })
}

fn read_around(text: &str, now: Timestamp, zone: NamedZone) -> Result<Timestamp> {
    let read = zone.read_time(text, now).map_err(|error| {
        let what = format!("--around: `{text}`: expected {} at byte {}", error.expected, error.offset);
        let mistake = crate::error::Error::usage(what);
        match error.hint {
            Some(hint) => mistake.remedy(hint),
            None => mistake,
        }
    })?;
    let is_millis = text.trim().bytes().all(|byte| byte.is_ascii_digit());
    if let Some(warning) = read.warning.filter(|_| !is_millis) {
        say(&format!("warning: --around {warning}"));
    }
    Ok(read.time)
}
