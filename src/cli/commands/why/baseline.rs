//! What a window is compared with.

use std::time::Duration;

use crate::cli::answer::window::resolve;
use crate::cli::args::WindowArguments;
use crate::error::{Error, Result};
use crate::time::{NamedZone, Timestamp, Window};

/// How many times as long as the window what was before it is.
const BEFORE: i64 = 10;

/// The same hour of so many days before.
const DAYS: u32 = 7;

/// Windows that are longer are not compared with those of other days by themselves.
const LONGEST_OF_A_DAY: i64 = 4 * 60 * 60 * 1000;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Spans of time that may be compared with the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaselineSpans {
    /// Those that were asked for, or what was just before.
    pub(super) asked: Vec<Window>,
    /// Those of other days: compared with where they are there.
    pub(super) other_days: Vec<Window>,
}

/// What `--baseline` says, its times in `zone`; without it what was before, and the same hour of other days.
pub(super) fn baseline_spans(
    given: Option<&str>,
    window: Window,
    now: Timestamp,
    zone: NamedZone,
) -> Result<BaselineSpans> {
    let length = window.until.0.saturating_sub(window.from.0);
    let before = Window { from: window.from.plus_millis(-BEFORE.saturating_mul(length)), until: window.from };
    let asked = |asked| Ok(BaselineSpans { asked, other_days: Vec::new() });
    match given {
        None => Ok(BaselineSpans { asked: vec![before], other_days: other_days(window, length) }),
        Some("before") => asked(vec![before]),
        Some("yesterday") => asked(vec![days_before(window, 1)]),
        Some("last-week") => asked(vec![days_before(window, 7)]),
        Some("rest") => asked(vec![
            Window { from: Window::ALL.from, until: window.from },
            Window { from: window.until, until: Window::ALL.until },
        ]),
        Some(span) => asked(without(read_span(span, now, zone)?, window)),
    }
}

fn days_before(window: Window, days: u32) -> Window {
    let back = DAY * days;
    Window { from: window.from.minus(back), until: window.until.minus(back) }
}

/// The window of other days, with as much on both sides.
fn other_days(window: Window, length: i64) -> Vec<Window> {
    if length > LONGEST_OF_A_DAY {
        return Vec::new();
    }
    let around = Window { from: window.from.plus_millis(-length), until: window.until.plus_millis(length) };
    (1..=DAYS).rev().map(|days| days_before(around, days)).collect()
}

/// `FROM..UNTIL`.
fn read_span(text: &str, now: Timestamp, zone: NamedZone) -> Result<Window> {
    let Some((from, until)) = text.split_once("..") else {
        return Err(Error::usage(format!("--baseline `{text}`"))
            .remedy("write before, yesterday, last-week, rest, or FROM..UNTIL with two times"));
    };
    let span =
        WindowArguments { from: Some(from.to_owned()), until: Some(until.to_owned()), ..WindowArguments::default() };
    resolve(&span, now, zone, Window::ALL)
}

/// What of a span is not in the window.
fn without(span: Window, window: Window) -> Vec<Window> {
    let before = Window { from: span.from, until: span.until.min(window.from) };
    let after = Window { from: span.from.max(window.until), until: span.until };
    [before, after].into_iter().filter(|part| part.from < part.until).collect()
}

/// What of the spans the logs can say something about.
pub(super) fn within(spans: &[Window], known: Window) -> Vec<Window> {
    let mut within = Vec::new();
    for span in spans {
        let part = Window { from: span.from.max(known.from), until: span.until.min(known.until) };
        if part.from < part.until {
            within.push(part);
        }
    }
    within
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(1_322_661_600 + seconds)
    }

    #[test]
    fn a_baseline_is_what_was_before_and_the_same_hour_of_other_days() {
        let window = Window { from: at(0), until: at(60) };
        let spans = baseline_spans(None, window, at(99), NamedZone::UTC).unwrap();
        assert_eq!(spans.asked, [Window { from: at(-600), until: at(0) }]);
        assert_eq!(spans.other_days.len(), 7);
        assert_eq!(spans.other_days[6], Window { from: at(-86_460), until: at(-86_280) });
        let yesterday = baseline_spans(Some("yesterday"), window, at(99), NamedZone::UTC).unwrap();
        assert_eq!(yesterday.asked, [Window { from: at(-86_400), until: at(-86_340) }]);
        let given = baseline_spans(Some("1322661500..1322661700"), window, at(99), NamedZone::UTC).unwrap();
        assert_eq!(given.asked, [Window { from: at(-100), until: at(0) }, Window { from: at(60), until: at(100) }]);
        assert_eq!(baseline_spans(Some("befor"), window, at(99), NamedZone::UTC).unwrap_err().exit_code(), 2);
    }
}
