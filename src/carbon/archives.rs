//! What whisper keeps of a series: archives, each with a step and how far back it reaches, as carbon writes them
//! (`10s:6h,1m:6d`).

use std::time::Duration;

use crate::time::{Timestamp, Window};

/// One archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archive {
    /// The time from one point to the next.
    pub step: Duration,
    /// How far back it reaches.
    pub span: Duration,
}

/// The archives of a text, the finest first: `STEP:SPAN, ..`, where a step without a unit is seconds and a span without one a number
/// of points. Whisper's own rules hold: each archive is coarser than the one before, by a whole factor, and reaches further.
///
/// # Errors
/// What is wrong, and at which byte.
pub fn parse_archives(text: &str) -> Result<Vec<Archive>, (usize, String)> {
    let mut archives: Vec<Archive> = Vec::new();
    let mut at = 0;
    for piece in text.split(',') {
        let archive =
            parse_archive(piece.trim()).ok_or_else(|| (at, format!("`{}` is not an archive", piece.trim())))?;
        if let Some(last) = archives.last() {
            let is_multiple = archive.step.as_secs().is_multiple_of(last.step.as_secs().max(1));
            if archive.step <= last.step || !is_multiple || archive.span <= last.span {
                let what =
                    format!("`{}` is no coarser archive than the one before, of whole steps of it", piece.trim());
                return Err((at, what));
            }
        }
        archives.push(archive);
        at += piece.len() + 1;
    }
    Ok(archives)
}

/// Archives as carbon's configuration has them.
pub fn spell_archives(archives: &[Archive]) -> String {
    let mut spelled = Vec::new();
    for Archive { step, span } in archives {
        spelled.push(format!("{}:{}", spell_seconds(step.as_secs()), spell_seconds(span.as_secs())));
    }
    spelled.join(",")
}

/// Seconds in the largest unit that divides them.
fn spell_seconds(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let whole = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, 's'));
    format!("{}{name}", seconds / unit)
}

/// The step that whisper files a slot of this age in, as a window that may be longer than the slot: a point goes into the finest archive
/// that reaches back to it. A step of a coarser archive is taken as soon as its beginning is beyond the finer one, so that all of its slots
/// are in it. None if no archive reaches back to it.
pub fn step_of_slot(archives: &[Archive], slot: Timestamp, now: Timestamp) -> Option<Window> {
    let mut coarser = archives.iter().skip(1);
    for archive in archives {
        let decisive = coarser.next().unwrap_or(archive).step;
        if now.minus(archive.span) <= slot.slot(decisive) {
            let from = slot.slot(archive.step);
            return Some(Window { from, until: from.plus(archive.step) });
        }
    }
    None
}

fn parse_archive(text: &str) -> Option<Archive> {
    let (step, span) = text.split_once(':')?;
    let (number, unit) = number_and_unit(step.trim())?;
    let step = number.checked_mul(unit.unwrap_or(1)).filter(|step| *step > 0)?;
    let (number, unit) = number_and_unit(span.trim())?;
    let span = number.checked_mul(unit.unwrap_or(step)).filter(|span| *span >= step)?;
    Some(Archive { step: Duration::from_secs(step), span: Duration::from_secs(span) })
}

/// A number with the seconds of its unit, which is known by its beginning: `6h`, `6hours`.
fn number_and_unit(text: &str) -> Option<(u64, Option<u64>)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number = number.parse().ok()?;
    if unit.is_empty() {
        return Some((number, None));
    }
    let units =
        [("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400), ("weeks", 604_800), ("years", 31_536_000)];
    let (_, seconds) = units.into_iter().find(|(name, _)| name.starts_with(unit))?;
    Some((number, Some(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Result<Vec<(u64, u64)>, usize> {
        let archives = parse_archives(text).map_err(|(at, _)| at)?;
        Ok(archives.iter().map(|archive| (archive.step.as_secs(), archive.span.as_secs())).collect())
    }

    #[test]
    fn archives_are_read_as_carbon_reads_them() {
        assert_eq!(seconds("10s:6h,1m:6d"), Ok(vec![(10, 21_600), (60, 518_400)]));
        assert_eq!(seconds("60:1440"), Ok(vec![(60, 86_400)]));
        assert_eq!(seconds("60s:1d, 5m:30d, 1h:3y"), Ok(vec![(60, 86_400), (300, 2_592_000), (3600, 94_608_000)]));
        assert_eq!(seconds("1min:1day"), Ok(vec![(60, 86_400)]));
        for (wrong, at) in [("", 0), ("10s", 0), ("10s:6h,", 7), ("10s:6h,15s:1d", 7), ("1m:6d,10s:7d", 6), ("0:5", 0)]
        {
            assert_eq!(seconds(wrong), Err(at), "{wrong}");
        }
        assert_eq!(seconds("10s:6h,1m:1h"), Err(7), "it does not reach further");
        for text in ["10s:6h,1m:6d", "90s:1h,1h:52w"] {
            assert_eq!(parse_archives(&spell_archives(&parse_archives(text).unwrap())), parse_archives(text));
        }
    }

    #[test]
    fn a_step_is_whole_in_one_archive() {
        let archives = parse_archives("10s:1m,1m:5m,2m:10m").unwrap();
        let now = Timestamp::from_secs(1_322_661_930);
        let step = |age: i64| {
            let slot = Timestamp::from_secs(1_322_661_930 - age);
            step_of_slot(&archives, slot, now)
                .map(|step| (now.secs() - step.from.secs(), (step.until.0 - step.from.0) / 1000))
        };
        // The minute that began 90 s ago began beyond the first archive, though its last slots are within.
        assert_eq!([10, 30, 40, 60, 90].map(step), [(10, 10), (30, 10), (90, 60), (90, 60), (90, 60)].map(Some));
        let coarse = [(210, 60), (330, 120), (330, 120), (570, 120)].map(Some);
        assert_eq!([210, 270, 300, 570].map(step), coarse);
        assert_eq!(step(630), None);
    }
}
