//! The times of a link, and how long the points of its graph are.

use std::time::Duration;

use super::{AskContext, AskMistake, Pasted, PointKnowledge, read_link_time};
use crate::graphite::links::{LinkTime, ReadLink, TimeGrammar};
use crate::time::{NamedZone, SpelledDuration, Timestamp, Window, WindowSpec};

/// What a render without `from` shows.
const GRAPHITES_DEFAULT: Duration = Duration::from_secs(86_400);

/// Window and point of a link.
pub(super) fn add(context: &AskContext<'_>, asked: &mut Pasted, text: &str, link: &ReadLink) -> Result<(), AskMistake> {
    let zone = asked.zone.unwrap_or(context.zone);
    let mut now = context.now;
    if let Some(time) = &link.now {
        now = read(asked, text, "now", time, false, now, zone)?;
    }
    if link.window != WindowSpec::default() {
        return add_window_words(asked, text, link, now, zone);
    }
    let from = link.from.as_ref().map(|time| read(asked, text, "from", time, false, now, zone)).transpose()?;
    let until = link.until.as_ref().map(|time| read(asked, text, "until", time, true, now, zone)).transpose()?;
    let point = link.point.as_ref().map(|time| read(asked, text, "t", time, false, now, zone)).transpose()?;
    asked.clicked = point.or(asked.clicked);
    let is_graphite = link.kind.contains("Graphite");
    let (from, until) = match (from, until) {
        (None, None) if is_graphite => (now.minus(GRAPHITES_DEFAULT), now),
        (None, None) if context.has_window || point.is_some() => return Ok(()),
        (None, None) if link.kind.contains("Grafana") => {
            let why = "the range that a dashboard opens with does not stand in its URL";
            return Err(AskMistake::of_lack(text, link.kind, "a time", why, "say it with --from and --until"));
        }
        (None, None) => return Ok(()),
        (Some(_), None) | (None, Some(_)) if link.kind.contains("Grafana") => {
            if context.has_window {
                asked.from = asked.from.or(from);
                asked.until = asked.until.or(until);
                return Ok(());
            }
            let (lacking, help) = match from {
                Some(_) => ("where its range ends", "say it with --until"),
                None => ("where its range begins", "say it with --from"),
            };
            let why = "the other end is the one that the dashboard opens with, which does not stand in its URL";
            return Err(AskMistake::of_lack(text, link.kind, lacking, why, help));
        }
        (Some(from), None) => (from, now),
        (None, Some(until)) => (until.min(now).minus(GRAPHITES_DEFAULT), until),
        (Some(from), Some(until)) => (from, until),
    };
    if from == until {
        let times = link.from.as_ref().or(link.until.as_ref()).map_or("", |time| time.text.as_str());
        return Err(AskMistake::of_part(text, times, "begins the window where it ends"));
    }
    if from > until {
        let why = if is_graphite { ", as Graphite does" } else { "" };
        asked.notes.push(format!("from is later than until: they are swapped{why}"));
    }
    let (from, until) = (from.min(until), from.max(until));
    span_window(asked, Window { from, until });
    Ok(())
}

/// The window of a link, beside those of links before.
fn span_window(asked: &mut Pasted, window: Window) {
    let Window { from, until } = window;
    if asked.from.is_some_and(|held| held != from) || asked.until.is_some_and(|held| held != until) {
        asked.notes.push("the links have different windows: all that they span is asked for".to_owned());
    }
    asked.from = Some(asked.from.map_or(from, |held| held.min(from)));
    asked.until = Some(asked.until.map_or(until, |held| held.max(until)));
}

/// The window that `since`, `at` and `window` of the page's address mean, as the page reads them.
fn add_window_words(
    asked: &mut Pasted,
    text: &str,
    link: &ReadLink,
    now: Timestamp,
    zone: NamedZone,
) -> Result<(), AskMistake> {
    let resolved = zone.resolve(&link.window, now, Window::ALL).map_err(|error| {
        let said = [&link.window.at, &link.window.since, &link.window.window].into_iter().flatten().next();
        let what = format!("says no window: {}", error.what);
        let mut mistake = AskMistake::of_part(text, said.map_or("", String::as_str), &what);
        mistake.help = error.remedy;
        mistake
    })?;
    asked.notes.extend(resolved.warnings);
    span_window(asked, resolved.window);
    Ok(())
}

fn read(
    asked: &mut Pasted,
    text: &str,
    name: &str,
    time: &LinkTime,
    is_end: bool,
    now: Timestamp,
    zone: NamedZone,
) -> Result<Timestamp, AskMistake> {
    match read_link_time(time, now, zone, is_end) {
        Ok(read) => {
            // Milliseconds are what Grafana fills in.
            let is_usual = time.grammar == TimeGrammar::Own && time.text.bytes().all(|byte| byte.is_ascii_digit());
            asked.notes.extend(read.warning.filter(|_| !is_usual).map(|warning| format!("{name}= {warning}")));
            Ok(read.time)
        }
        Err(error) => {
            let mut mistake = AskMistake::of_part(
                text,
                &time.text,
                &format!("({name}=): expected {} at byte {}", error.expected, error.offset),
            );
            mistake.help = error.hint;
            Err(mistake)
        }
    }
}

/// The window to whole points, where carbon's are longer than slots.
pub(super) fn widen(asked: &mut Pasted) {
    // Of a clicked point the window is what stands out around it.
    let Some(coarse) = asked.step.filter(|_| asked.point.is_none()) else { return };
    let (from, until) = (asked.from.map(|from| from.slot(coarse)), asked.until.map(|until| ceil_to(until, coarse)));
    if (from, until) != (asked.from, asked.until) {
        let coarse = SpelledDuration(coarse);
        let why = match asked.step_known_by {
            PointKnowledge::Link => format!("the link says that its points are of {coarse}"),
            _ => format!("carbon keeps points of {coarse} of that time"),
        };
        asked.notes.push(format!("{why}: the window is widened to whole ones"));
    }
    (asked.from, asked.until) = (from, until);
}

/// The first start of a step at or after `time`.
fn ceil_to(time: Timestamp, step: Duration) -> Timestamp {
    let floor = time.slot(step);
    if floor == time { time } else { floor.plus(step) }
}
