//! Spans of time in which something is missing, in words.

use crate::source::{UnreadCause, UnreadSpan};
use crate::time::Window;

/// When a log was not read, and why.
pub(super) fn span_words(span: &UnreadSpan) -> String {
    let UnreadSpan { path, from, cause, why, .. } = span;
    let path = path.display();
    let when = between_words(Window { from: *from, until: span.end() });
    match cause {
        UnreadCause::Denied => format!("what was written to {path} {when} was not read: {why}"),
        UnreadCause::Absent => format!("what was to be written to {path} {when} was not read: {why}"),
        UnreadCause::Damaged => {
            format!("a part of the store's journal was damaged ({path}); of what it held {when} some is missing: {why}")
        }
        UnreadCause::Unfinished => format!("{path} was not read to its end: what was written {when} is missing: {why}"),
    }
}

/// A span of time that may be open at either end.
pub(super) fn between_words(times: Window) -> String {
    match (times.from.0, times.until.0) {
        (i64::MIN, i64::MAX) => "at an unknown time".to_owned(),
        (i64::MIN, _) => format!("before {}", times.until),
        (_, i64::MAX) => format!("after {}", times.from),
        _ if times.from == times.until => format!("at {}", times.from),
        _ => format!("between {} and {}", times.from, times.until),
    }
}
