//! What an answer from the store lacks of its window, in words: what could not be read, was never read, or is not kept any more.
//!
//! `missing` makes an answer partial; a note is worth knowing and takes nothing from it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use super::span_words::{between_words, span_words};
use super::stored_names::file_names;
use super::untaken_files::untaken_words;
use crate::error::Result;
use crate::grammar::RejectReason;
use crate::source::{GenerationId, UnreadCause};
use crate::store::{Ledger, Loss, LossCause, UnreadLines, View};
use crate::time::{Timestamp, Window};

/// Milliseconds after which a line that was written is in the store, at the latest, while the daemon runs and is not
/// behind: it says every 5 s that it has read all, and commits that within a second or two.
const ON_ITS_WAY: Duration = Duration::from_secs(15);

/// What is to be said of a window of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowLacks {
    /// What is missing, one each; with any of them the answer is partial.
    pub missing: Vec<String>,
    /// No lack, and yet worth knowing.
    pub notes: Vec<String>,
}

/// What the store lacks of `window`; also what could not be read of its own files so far. `expired` is before when the answer
/// lacks what retention removed.
///
/// # Errors
/// If a segment cannot be read or is damaged.
pub fn window_lacks(view: &View, window: Window, expired: Option<Timestamp>, now: Timestamp) -> Result<WindowLacks> {
    let mut lacks = store_lacks(view, window)?;
    match to_come(window, now) {
        Some(to_come) => lacks.missing.push(to_come),
        None if view.read_until().is_none() && !view.is_first_reading() => {
            lacks.missing.extend(untaken_words(view, window)?);
        }
        None => lacks.missing.extend(behind(view, window, now)),
    }
    if let Some(before) = expired {
        let expired = format!("what lay before {before} is no longer whole in the store ([retention])");
        // All there is was asked for, and it is all there.
        let heard = if window == Window::ALL { &mut lacks.notes } else { &mut lacks.missing };
        heard.push(expired);
    }
    Ok(lacks)
}

/// What the store itself knows of a window; whether its end was reached by now, and what retention removed, is not in it.
///
/// # Errors
/// If a segment cannot be read or is damaged.
pub fn store_lacks(view: &View, window: Window) -> Result<WindowLacks> {
    let account = view.completeness().gaps(window)?;
    let names = file_names(view);
    let mut lacks = WindowLacks::default();
    lacks.missing.extend(view.damage().iter().map(ToString::to_string));
    lacks.missing.extend(torn_words(view));
    // As over files: what could not be understood is said, but the answer is all that can be had.
    for unread in &account.unread {
        let name = name_or_log(&names, unread.generation);
        let words = rejected_words(unread, name, view.ledger(unread.generation));
        if unread.are_many && view.ledger(unread.generation).is_some_and(are_mostly_requests) {
            lacks.missing.push(format!(
                "{words}; too many for torn or foreign lines: its log_format may not be the one that it is read in"
            ));
        } else {
            lacks.notes.push(words);
        }
    }
    for (id, loss) in &account.lost {
        let lost = lost_words(loss, name_or_log(&names, *id));
        let heard = if loss.is_known() { &mut lacks.missing } else { &mut lacks.notes };
        heard.push(lost);
    }
    lacks.missing.extend(account.spans.iter().map(span_words));
    for id in &account.whole_seconds {
        let name = name_or_log(&names, *id);
        note_once(format!("times are known to the second only in {name}: its format has no $msec"), &mut lacks.notes);
    }
    for id in &account.zoneless {
        note_once(format!("{}: {}", name_or_log(&names, *id), zone_words()), &mut lacks.notes);
    }
    Ok(lacks)
}

/// Several generations may have been in one file.
fn note_once(note: String, notes: &mut Vec<String>) {
    if !notes.contains(&note) {
        notes.push(note);
    }
}

/// That a time without a zone was read, and how.
pub fn zone_words() -> String {
    let zone = std::env::var("TZ").ok().filter(|zone| !zone.is_empty());
    let zone = zone.map_or_else(|| "the machine's".to_owned(), |zone| format!("TZ = {zone}"));
    format!("its times name no zone: they are read as times of this one ({zone}); another is set by TZ")
}

/// The file of a log as messages name it.
fn name_or_log(names: &HashMap<GenerationId, String>, id: GenerationId) -> &str {
    names.get(&id).map_or("a log", String::as_str)
}

/// Which lines of a window could not be understood, between which times, and why.
fn rejected_words(unread: &UnreadLines, name: &str, ledger: Option<&Ledger>) -> String {
    let lines = unread.rejected + unread.too_long;
    let what = if lines == 1 { "one line".to_owned() } else { format!("{lines} lines") };
    let (first, last) = unread.offsets;
    let place = if first == last { format!("byte {first}") } else { format!("bytes {first} to {last}") };
    let why = if unread.rejected == 0 { "over the length bound" } else { "not in the log's format" };
    format!("{what} of {name} written {}, {place}: {why}{}", between_words(unread.between), reasons_words(ledger))
}

/// Whether most of a log's rejected lines are such as an answer lacks.
fn are_mostly_requests(ledger: &Ledger) -> bool {
    let kinds = ledger.rejected_kinds();
    2 * kinds.lacking(ledger.lines) >= kinds.all()
}

/// What became of the rejected lines of the whole log, most frequent first.
fn reasons_words(ledger: Option<&Ledger>) -> String {
    let Some(ledger) = ledger else { return String::new() };
    let mut frequent: Vec<(Reverse<u64>, &str)> = Vec::new();
    for (code, lines) in &ledger.rejected {
        // A code that a later version wrote has no name here.
        let Some(reason) = RejectReason::from_code(*code) else { continue };
        frequent.push((Reverse(*lines), reason.name()));
    }
    if ledger.too_long > 0 {
        frequent.push((Reverse(ledger.too_long), RejectReason::LineTooLong.name()));
    }
    frequent.sort_unstable();
    let mut counts = Vec::new();
    for (Reverse(lines), name) in frequent {
        counts.push(format!("{name} {lines}"));
    }
    format!(" (in the whole log: {}); `spikeline check` shows them", counts.join(", "))
}

/// What of a log was never read, and when it was written as far as its neighbours tell.
fn lost_words(loss: &Loss, name: &str) -> String {
    let Loss { offset, bytes, cause, after, before } = *loss;
    let when = between_words(Window { from: after, until: before });
    match cause {
        LossCause::Truncated => {
            format!("{bytes} bytes of {name} from byte {offset}, written {when}, were truncated unread")
        }
        LossCause::Unread => {
            format!("{bytes} bytes of {name} from byte {offset}, written {when}, were out of reach unread")
        }
        LossCause::Gone => {
            format!(
                "what {name} held from byte {offset}, written {when}, if anything: it was gone unread, or truncated or replaced while nothing read it"
            )
        }
        LossCause::Copied => format!("{name} was truncated: what was written just before, {when}, may have been lost"),
        LossCause::Found => format!("{name} was found again"),
        LossCause::Damaged => format!(
            "some of what the store held of {name}, written {when}, was damaged and could not be restored (`index --rebuild`)"
        ),
    }
}

/// A window that has not begun: mostly yesterday's was meant, by a time without a date. Not one that begins at once:
/// clocks differ.
fn to_come(window: Window, now: Timestamp) -> Option<String> {
    if window.from <= now.plus(ON_ITS_WAY) {
        return None;
    }
    Some(format!("this window is yet to come: it is {now} now (yesterday's times are `14:05_yesterday`)"))
}

/// Whether the logs were read to the window's end. A window without an end ends where the store does.
fn behind(view: &View, window: Window, now: Timestamp) -> Option<String> {
    if view.is_first_reading() {
        let who = "`spikeline run` reads them for the first time, or was stopped before it had";
        return Some(format!("the logs were not read to their ends yet: {who}"));
    }
    let read_until = view.read_until()?;
    // What is not read of a window's end is on its way only if someone reads.
    let is_on_its_way = view.has_writer().unwrap_or(true);
    let needed = window.until.min(now.minus(if is_on_its_way { ON_ITS_WAY } else { Duration::ZERO }));
    if window.until == Window::ALL.until || read_until >= needed {
        return None;
    }
    Some(format!("the logs were read only until {read_until}: `spikeline run` was stopped then, or is behind"))
}

/// What damaged journals held, and was not read again.
pub fn damaged_journals(view: &View) -> Vec<String> {
    view.unread_spans().filter(|span| span.cause == UnreadCause::Damaged).map(span_words).collect()
}

/// What the journal's end held is known to no one; a reader that came while it was written has looked again.
pub fn torn_words(view: &View) -> Option<String> {
    let torn = view.torn_bytes();
    if torn == 0 {
        return None;
    }
    Some(format!(
        "the journal is torn or damaged: its last {torn} bytes do not count; the daemon reads their lines again when it starts, and \
         so does `spikeline index` of the logs"
    ))
}
