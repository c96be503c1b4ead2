//! How an answer from the store ends: it is complete for its window, or this is missing.

use super::output::say;
use std::sync::Arc;

use crate::error::{Error, Result, meant};
use crate::pipeline::{WindowLacks, window_lacks};
use crate::route::readable_name;
use crate::store::View;
use crate::time::{Timestamp, Window};

pub(in crate::cli) use crate::pipeline::{damaged_journals, store_lacks, torn_words as torn, zone_words};

/// What the store lacks of `window`, in words, one each; also what could not be read of its own files so far. What is
/// no lack and yet worth knowing is said at once. `expired` is before when the answer lacks what retention removed.
pub(in crate::cli) fn missing(
    view: &View,
    window: Window,
    expired: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<String>> {
    let WindowLacks { missing, notes } = window_lacks(view, window, expired, now)?;
    for note in notes {
        say(&format!("note: {note}"));
    }
    Ok(missing)
}

/// What an answer lacks for this error: its place and what happened, without the remedy.
pub(in crate::cli) fn missing_for(error: &Error) -> String {
    match error.place() {
        Some(place) => format!("{}: {}", place.path.display(), error.what()),
        None => error.what().to_owned(),
    }
}

/// Says which of the routes that are asked for by name the store does not know, and which may be meant. `named_now` are the names that
/// lines got which were read for the answer.
pub(in crate::cli) fn say_unknown(view: &View, named_now: &[Arc<str>], routes: &[String]) {
    for route in routes {
        let route = route.strip_prefix('!').unwrap_or(route);
        let mut known: Vec<&str> = view.routes().into_iter().chain(view.members()).map(|(_, name)| name).collect();
        known.extend(named_now.iter().map(|name| &**name));
        let is_known = known.iter().any(|name| *name == route || readable_name(name) == route);
        if route.contains('*') || is_known {
            continue;
        }
        match meant(route, known.iter().copied(), 3) {
            Some(name) => say(&format!("note: the store knows no route `{route}`; did you mean `{name}`?")),
            None => say(&format!("note: the store knows no route `{route}`")),
        }
    }
}

/// Says the last word, and hands it back: complete, or how much is missing. What is missing was said already.
pub(in crate::cli) fn conclude(view: &View, missing: &[String]) -> String {
    let last_word = conclusion(view, missing);
    say(&last_word);
    last_word
}

/// The last word.
fn conclusion(view: &View, missing: &[String]) -> String {
    let read = match view.read_until() {
        Some(until) => format!("; the logs were read until {until}"),
        None => String::new(),
    };
    match missing.len() {
        0 => format!("complete{read}"),
        1 => format!("partial: one thing is missing, see above{read}"),
        count => format!("partial: {count} things are missing, see above{read}"),
    }
}
