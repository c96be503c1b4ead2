//! The top of an answer that is a document: what was typed, in which zone and window it was understood, what was said of it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::output::said;
use super::window::zone;
use crate::cli::args::WindowArguments;
use crate::error::Result;
use crate::report::html::HtmlHead;
use crate::report::{count, shell_word};
use crate::time::{NamedZone, Timestamp, Window};

/// So many notes are in a document.
const MOST_NOTES: usize = 200;

/// The zone that a document's times are in: that of `--tz`, else this machine's.
pub(in crate::cli) fn zone_of_document(window: &WindowArguments) -> Result<NamedZone> {
    zone(window)
}

/// The head of a document. `seen` is from the first request to the last where the window has no bounds.
pub(in crate::cli) fn html_head(
    command: &str,
    title: &str,
    window: &AnsweredWindow,
    end: AnswerEnd<'_>,
    now: Timestamp,
) -> HtmlHead {
    let AnsweredWindow { window, seen, zone } = *window;
    let AnswerEnd { last_word, missing } = end;
    let at = seen.map_or(now, |seen| seen.from);
    HtmlHead {
        command: command.to_owned(),
        title: title.to_owned(),
        window: window_words(window, seen, zone),
        zone: zone.words(if window.from == Window::ALL.from { at } else { window.from }, "this machine's zone"),
        made: made_words(zone, now),
        typed: typed_words(),
        missing: missing.to_vec(),
        complete: last_word.unwrap_or_else(|| "complete: all of the files was read".to_owned()),
        said: notes_beside(said(), missing),
    }
}

/// What was said beside the window, what is missing and the last word, which stand by themselves.
fn notes_beside(mut notes: Vec<String>, missing: &[String]) -> Vec<String> {
    let apart: HashSet<&String> = missing.iter().collect();
    let is_last_word = |said: &String| said.starts_with("complete") || said.starts_with("partial:");
    notes.retain(|said| !said.starts_with("window ") && !is_last_word(said) && !apart.contains(said));
    // Of two sides each says the same.
    let mut seen = HashSet::new();
    notes.retain(|said| seen.insert(said.clone()));
    let more = notes.len().saturating_sub(MOST_NOTES);
    if more > 0 {
        notes.truncate(MOST_NOTES);
        notes.push(format!("and {} more notes, as the command says them", count(more as u64)));
    }
    notes
}

/// How an answer ends.
#[derive(Debug)]
pub(in crate::cli) struct AnswerEnd<'m> {
    /// What the store's answer ended with; of files nothing is said where nothing is missing.
    pub(in crate::cli) last_word: Option<String>,
    /// What is missing.
    pub(in crate::cli) missing: &'m [String],
}

/// The window of an answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct AnsweredWindow {
    pub(in crate::cli) window: Window,
    /// From the first request to the last, where that is known.
    pub(in crate::cli) seen: Option<Window>,
    pub(in crate::cli) zone: NamedZone,
}

fn made_words(zone: NamedZone, now: Timestamp) -> String {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    format!("{} on {host}, by spikeline {}", zone.wall_clock(now), env!("CARGO_PKG_VERSION"))
}

/// A side that is compared with another: its window, or its files and from when to when their requests are.
pub(in crate::cli) fn side_words(typed: &str, window: Window, seen: Option<Window>, zone: NamedZone) -> String {
    match (window == Window::ALL, seen) {
        (false, _) => window_words(window, seen, zone),
        (true, Some(seen)) => format!("{typed}, {}", window_words(seen, None, zone)),
        (true, None) => typed.to_owned(),
    }
}

/// `2011-11-30 14:05:00 to 14:07:00`; an end that was not asked for is that of what was seen.
fn window_words(window: Window, seen: Option<Window>, zone: NamedZone) -> String {
    let (has_from, has_until) = (window.from != Window::ALL.from, window.until != Window::ALL.until);
    let from = if has_from { Some(window.from) } else { seen.map(|seen| seen.from) };
    let until = if has_until { Some(window.until) } else { seen.map(|seen| seen.until) };
    let (Some(from), Some(until)) = (from, until) else { return "all of time".to_owned() };
    let (from, until) = (zone.told_clock(from), zone.told_clock(until));
    let span = match (from.split_once(' '), until.split_once(' ')) {
        (Some((day, _)), Some((same, time))) if day == same => format!("{from} to {time}"),
        _ => format!("{from} to {until}"),
    };
    if has_from || has_until { span } else { format!("{span}, all that there is") }
}

/// What was typed, as a shell takes it again.
fn typed_words() -> String {
    let mut words = vec!["spikeline".to_owned()];
    for argument in std::env::args_os().skip(1) {
        let argument: Cow<'_, str> = argument.to_string_lossy();
        words.push(shell_word(&argument));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_few_and_what_is_left_out_is_counted() {
        let of = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let said = [
            "window a .. b (UTC)",
            "lost.log is gone",
            "from the lines",
            "complete; read until 14:07",
            "from the lines",
        ];
        let said = of(&said);
        assert_eq!(notes_beside(said, &of(&["lost.log is gone"])), of(&["from the lines"]));
        let many: Vec<String> = (0..MOST_NOTES + 7).map(|at| format!("note: {at}")).collect();
        let shown = notes_beside(many.clone(), &[]);
        assert_eq!(shown.get(..MOST_NOTES), many.get(..MOST_NOTES));
        assert_eq!(shown.last().unwrap(), "and 7 more notes, as the command says them");
    }

    #[test]
    fn an_end_that_was_not_asked_for_is_that_of_what_was_seen() {
        let at = |seconds: i64| Timestamp(1_322_661_900_000 + seconds * 1_000);
        let seen = Window { from: at(1), until: Timestamp(at(86_400).0 + 5) };
        let words = |window| window_words(window, Some(seen), NamedZone::UTC);
        assert_eq!(words(Window { from: at(0), until: at(120) }), "2011-11-30 14:05:00 to 14:07:00");
        assert_eq!(words(Window { from: at(0), ..Window::ALL }), "2011-11-30 14:05:00 to 2011-12-01 14:05:00.005");
        assert_eq!(words(Window::ALL), "2011-11-30 14:05:01 to 2011-12-01 14:05:00.005, all that there is");
        assert_eq!(window_words(Window::ALL, None, NamedZone::UTC), "all of time");
        let side = |window, seen| side_words("a.log", window, seen, NamedZone::UTC);
        assert_eq!(side(Window { from: at(0), until: at(120) }, None), "2011-11-30 14:05:00 to 14:07:00");
        assert_eq!(
            side(Window::ALL, Some(Window { from: at(0), until: at(9) })),
            "a.log, 2011-11-30 14:05:00 to 14:05:09"
        );
        assert_eq!(side(Window::ALL, None), "a.log");
    }
}
