//! How an answer from the store ends: it is complete for its window, or this is missing.

use std::time::Duration;

use super::output::say;
use crate::error::{Error, Result, meant};
use crate::grammar::RejectReason;
use crate::source::GenerationId;
use crate::store::{Ledger, Loss, LossCause, UnreadLines, View};
use crate::time::{Timestamp, Window};

/// Milliseconds after which a line that was written is in the store, at the latest, while the daemon runs and is not
/// behind: it says every 5 s that it has read all, and commits that within a second or two.
const ON_ITS_WAY: Duration = Duration::from_secs(15);

/// What the store lacks of `window`, in words, one each; also what could not be read of its own files so far. What is
/// no lack and yet worth knowing is said at once. `expired` is before when the answer lacks what retention removed.
pub(in crate::cli) fn missing(
    view: &View,
    window: Window,
    expired: Option<Timestamp>,
    now: Timestamp,
) -> Result<Vec<String>> {
    let account = view.completeness().gaps(window)?;
    let name = |id: GenerationId| {
        let log = view.generations().iter().find(|held| held.id == id);
        log.map_or_else(|| "a log".to_owned(), |log| log.path.display().to_string())
    };
    let mut missing: Vec<String> = view.damage().iter().map(ToString::to_string).collect();
    missing.extend(torn(view));
    // As over files: what could not be understood is said, but the answer is all that can be had.
    for unread in &account.unread {
        say(&format!("note: {}", rejected_words(unread, &name(unread.generation), view.ledger(unread.generation))));
    }
    for (id, loss) in &account.lost {
        if loss.is_known() {
            missing.push(lost_words(loss, &name(*id)));
        } else {
            say(&format!("note: {}", lost_words(loss, &name(*id))));
        }
    }
    missing.extend(to_come(window, now).or_else(|| behind(view, window, now)));
    for id in &account.whole_seconds {
        say(&format!("note: times are known to the second only in {}: its format has no $msec", name(*id)));
    }
    let expired =
        expired.map(|before| format!("what lay before {before} is no longer whole in the store ([retention])"));
    match expired {
        // All there is was asked for, and it is all there.
        Some(expired) if window == Window::ALL => say(&format!("note: {expired}")),
        expired => missing.extend(expired),
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

/// Says which of the routes that are asked for by name the store does not know, and which may be meant.
pub(in crate::cli) fn say_unknown(view: &View, routes: &[String]) {
    let known: Vec<&str> = view.routes().into_iter().map(|(_, name)| name).collect();
    for route in routes.iter().filter(|route| !route.contains('*') && !known.contains(&route.as_str())) {
        let near = meant(route, known.iter().copied(), 3).map(|name| format!("; did you mean `{name}`?"));
        say(&format!("note: the store knows no route `{route}`{}", near.unwrap_or_default()));
    }
}

/// The last word: complete, or how much is missing. What is missing was said already, or is said here.
pub(in crate::cli) fn conclude(view: &View, missing: &[String]) {
    let read = view.read_until().map(|until| format!("; the logs were read until {until}")).unwrap_or_default();
    match missing.len() {
        0 => say(&format!("complete{read}")),
        1 => say(&format!("partial: one thing is missing, see above{read}")),
        count => say(&format!("partial: {count} things are missing, see above{read}")),
    }
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

/// What became of the rejected lines of the whole log, most frequent first.
fn reasons_words(ledger: Option<&Ledger>) -> String {
    let Some(ledger) = ledger else { return String::new() };
    let mut counts: Vec<(u64, &str)> = ledger
        .rejected
        .iter()
        .filter_map(|(code, lines)| Some((*lines, RejectReason::from_code(*code)?.name())))
        .chain((ledger.too_long > 0).then_some((ledger.too_long, RejectReason::LineTooLong.name())))
        .collect();
    counts.sort_by_key(|(lines, name)| (std::cmp::Reverse(*lines), *name));
    let counts: Vec<String> = counts.iter().map(|(lines, name)| format!("{name} {lines}")).collect();
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
            format!("what {name} held from byte {offset}, written {when}, if anything: it was gone unread")
        }
        LossCause::Copied => format!("{name} was truncated: what was written just before, {when}, may have been lost"),
        LossCause::Damaged => format!(
            "some of what the store held of {name}, written {when}, was damaged and could not be restored (`index --rebuild`)"
        ),
    }
}

/// A window that has not begun: mostly yesterday's was meant, by a time without a date. Not one that begins at once:
/// clocks differ.
fn to_come(window: Window, now: Timestamp) -> Option<String> {
    (window.from > now.plus(ON_ITS_WAY))
        .then(|| format!("this window is yet to come: it is {now} now (yesterday's times are `14:05_yesterday`)"))
}

/// Whether the logs were read to the window's end. A window without an end ends where the store does.
fn behind(view: &View, window: Window, now: Timestamp) -> Option<String> {
    let read_until = view.read_until()?;
    // What is not read of a window's end is on its way only if someone reads.
    let is_on_its_way = view.has_writer().unwrap_or(true);
    let needed = window.until.min(now.minus(if is_on_its_way { ON_ITS_WAY } else { Duration::ZERO }));
    (window.until != Window::ALL.until && read_until < needed)
        .then(|| format!("the logs were read only until {read_until}: `spikeline run` was stopped then, or is behind"))
}

/// What the journal's end held is known to no one; a reader that came while it was written has looked again.
pub(in crate::cli) fn torn(view: &View) -> Option<String> {
    (view.torn_bytes() > 0).then(|| {
        format!(
            "the journal is torn or damaged: its last {} bytes do not count; the daemon reads their lines again when it starts, and \
             so does `spikeline index` of the logs",
            view.torn_bytes()
        )
    })
}

/// A span of time that may be open at either end.
fn between_words(times: Window) -> String {
    match (times.from.0, times.until.0) {
        (i64::MIN, i64::MAX) => "at an unknown time".to_owned(),
        (i64::MIN, _) => format!("before {}", times.until),
        (_, i64::MAX) => format!("after {}", times.from),
        _ if times.from == times.until => format!("at {}", times.from),
        _ => format!("between {} and {}", times.from, times.until),
    }
}
