//! The times of a link, and how long the points of its graph are.

use std::time::Duration;

use super::sources::FoundSeries;
use super::{AskContext, AskMistake, AskedPoint, Pasted, read_link_time};
use crate::graphite::links::{LinkTime, ReadLink, TimeGrammar};
use crate::time::{SpelledDuration, Timestamp, Window};

/// A graph this many points wide draws each; of more it draws several as one (Grafana's `maxDataPoints` is the panel's width).
const DRAWN_POINTS: u64 = 500;

/// What a render without `from` shows.
const GRAPHITES_DEFAULT: Duration = Duration::from_secs(86_400);

/// Window and point of a link.
pub(super) fn add(context: &AskContext<'_>, asked: &mut Pasted, text: &str, link: &ReadLink) -> Result<(), AskMistake> {
    let zone = asked.zone.unwrap_or(context.zone);
    let mut now = context.now;
    if let Some(time) = &link.now {
        now = read(asked, text, "now", time, false, now, zone)?;
    }
    let from = link.from.as_ref().map(|time| read(asked, text, "from", time, false, now, zone)).transpose()?;
    let until = link.until.as_ref().map(|time| read(asked, text, "until", time, true, now, zone)).transpose()?;
    let point = link.point.as_ref().map(|time| read(asked, text, "t", time, false, now, zone)).transpose()?;
    if let Some(point) = point {
        asked.point = Some(AskedPoint { span: Window { from: point, until: point } });
    }
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
    if asked.from.is_some_and(|held| held != from) || asked.until.is_some_and(|held| held != until) {
        asked.notes.push("the links have different windows: all that they span is asked for".to_owned());
    }
    asked.from = Some(asked.from.map_or(from, |held| held.min(from)));
    asked.until = Some(asked.until.map_or(until, |held| held.max(until)));
    Ok(())
}

fn read(
    asked: &mut Pasted,
    text: &str,
    name: &str,
    time: &LinkTime,
    is_end: bool,
    now: Timestamp,
    zone: crate::time::NamedZone,
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

/// How long the points of this series are, in the window that is asked for: as whisper takes the finest archive that reaches back to its
/// beginning.
pub(super) fn take_step(context: &AskContext<'_>, asked: &mut Pasted, found: &FoundSeries) {
    let Some(begins) = asked.from.or(asked.point.map(|point| point.span.from)) else { return };
    let archives = (context.archives)(found.destination, &found.path);
    let reaching = archives.iter().find(|archive| context.now.minus(archive.span) <= begins).or(archives.last());
    asked.step = reaching.map(|archive| archive.step).filter(|step| *step > context.interval);
}

/// The window to whole points, where these are longer than slots; the clicked point to what it stands for.
pub(super) fn widen(context: &AskContext<'_>, asked: &mut Pasted) {
    let step = asked.step.unwrap_or(context.interval);
    if let Some(point) = &mut asked.point {
        let clicked = point.span.from;
        let mut drawn = step;
        if let (Some(from), Some(until)) = (asked.from, asked.until) {
            let points = u64::try_from(until.millis().saturating_sub(from.millis())).unwrap_or(0)
                / u64::try_from(step.as_millis()).unwrap_or(1).max(1);
            let together = u32::try_from(points.div_ceil(DRAWN_POINTS)).unwrap_or(u32::MAX).max(1);
            if together > 1 {
                drawn = step.saturating_mul(together);
                asked.notes.push(format!(
                    "a graph this wide draws some {together} points as one: the clicked one is taken for {}",
                    SpelledDuration(drawn)
                ));
            }
        }
        let from = clicked.slot(step);
        point.span = Window { from, until: from.plus(drawn) };
    }
    let Some(coarse) = asked.step else { return };
    let (from, until) = (asked.from.map(|from| from.slot(coarse)), asked.until.map(|until| ceil_to(until, coarse)));
    if (from, until) != (asked.from, asked.until) {
        asked.notes.push(format!(
            "carbon keeps points of {} of that time: the window is widened to whole ones",
            SpelledDuration(coarse)
        ));
    }
    (asked.from, asked.until) = (from, until);
}

/// The first start of a step at or after `time`.
fn ceil_to(time: Timestamp, step: Duration) -> Timestamp {
    let floor = time.slot(step);
    if floor == time { time } else { floor.plus(step) }
}
