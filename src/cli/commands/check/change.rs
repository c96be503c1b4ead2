//! A log whose format was changed, or that two formats are written to.

use std::fs::File;
use std::path::Path;

use super::detection::TRIED;
use super::findings::Findings;
use super::sample::{Block, LogSample, whole_lines};
use crate::error::Result;
use crate::grammar::{DetectionOutcome, Format, detect};
use crate::pipeline::Lines;
use crate::report::count;

/// Fewer rejected lines than this do not make another format.
const ANOTHER: usize = 3;

/// So many of a log's last lines tell what is written now.
const LAST: usize = 20;

/// A change is looked for until it is known to lie within about twice as many bytes.
const NARROW: u64 = 64 << 10;

/// The two formats of a log: the one that it is read in, and the one that the lines which do not fit it are in; without
/// one, all that do not fit count as being in it.
struct Sides<'f> {
    own: &'f Format,
    other: Option<&'f Format>,
}

/// Which of the two a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangeSide {
    Own,
    Other,
}

impl Sides<'_> {
    /// The own format counts first: lines that fit both are no sign of a change.
    fn side_of(&self, line: &[u8]) -> Option<ChangeSide> {
        if self.own.check(line).is_ok() {
            return Some(ChangeSide::Own);
        }
        self.other.is_none_or(|other| other.check(line).is_ok()).then_some(ChangeSide::Other)
    }

    /// The first of `lines` that is on that side.
    fn first<'l>(&self, side: ChangeSide, mut lines: impl Iterator<Item = (u64, &'l [u8])>) -> Option<u64> {
        lines.find(|(_, line)| self.side_of(line) == Some(side)).map(|(at, _)| at)
    }
}

/// Tell if the lines that do not fit `format` fit another one, or begin at one place.
pub(super) fn tell_change(
    name: &str,
    path: &Path,
    sample: &LogSample,
    format: &Format,
    grammars: &[Format],
    findings: &mut Findings,
) -> Result<()> {
    let records = sample.records(format.wrapper());
    let rejected = records.iter().map(|(_, line)| *line).filter(|line| !line.is_empty() && format.check(line).is_err());
    let rejected: Vec<&[u8]> = rejected.take(2 * TRIED).collect();
    if rejected.len() < ANOTHER {
        return Ok(());
    }
    let inside: Vec<_> = rejected.iter().filter_map(|line| Some(format.bare_line(line).ok()?.text)).collect();
    let other = match detect(&inside.iter().map(AsRef::as_ref).collect::<Vec<_>>(), grammars).outcome {
        DetectionOutcome::Found { format, .. } => grammars.get(format),
        DetectionOutcome::Tie { formats } => formats.first().and_then(|at| grammars.get(*at)),
        DetectionOutcome::Doubt(doubt) => grammars.get(doubt.format),
        DetectionOutcome::Mixed { parts } => {
            parts.first().and_then(|part| part.formats.first()).and_then(|at| grammars.get(*at))
        }
        DetectionOutcome::None => None,
    };
    let other = other.map(|other| format.wrapper().map_or_else(|| other.clone(), |wrapper| other.in_wrapper(wrapper)));
    let other = other.as_ref();
    let sides = Sides { own: format, other };
    let order: Vec<ChangeSide> = records.iter().filter_map(|(_, line)| sides.side_of(line)).collect();
    let changes = order.windows(2).filter(|pair| matches!(pair, [one, next] if one != next)).count();
    let own_first = order.first() == Some(&ChangeSide::Own);
    let at = if changes == 1 {
        find_turn(&sides, if own_first { ChangeSide::Other } else { ChangeSide::Own }, path, sample, &records)
    } else {
        None
    };
    let own = format.name();
    let what = match (other.map(Format::name), at) {
        (Some(other), Some(at)) => {
            let (before, after) = if own_first { (own, other) } else { (other, own) };
            format!("its format changes: up to byte {at} lines fit `{before}`, from there on `{after}`")
        }
        (Some(other), None) => {
            let lines = order.iter().filter(|side| **side == ChangeSide::Other).count() as u64;
            format!("{} of the lines looked at fit `{other}` instead, mixed with the others", count(lines))
        }
        (None, Some(at)) if own_first => {
            format!("its format changes: up to byte {at} lines fit `{own}`, from there on none does")
        }
        (None, Some(at)) => format!("its format changes: from byte {at} on lines fit `{own}`, before it none does"),
        (None, None) => return Ok(()),
    };
    findings.note_with_help(
        &format!("{name}: {what}"),
        "one file is read in one format: rotate a log when its log_format changes, and give each format a file",
    )
}

/// Tell if none of a log's last lines fits: then nothing that is written now is counted.
pub(super) fn tell_unread_now(name: &str, sample: &LogSample, format: &Format, findings: &mut Findings) -> Result<()> {
    let records = sample.records(format.wrapper());
    let last = records.iter().rev().map(|(_, line)| *line).filter(|line| !line.is_empty()).take(LAST);
    let unfit = last.map(|line| format.check(line).is_err()).collect::<Vec<bool>>();
    if unfit.len() < ANOTHER || unfit.contains(&false) || unfit.len() == records.len() {
        return Ok(());
    }
    findings.wrong_with_help(
        &format!(
            "{name}: none of its last {} lines fits `{}`: what is written now is not counted, and its routes are not sent as 0",
            unfit.len(),
            format.name()
        ),
        "give the [[log]] the log_format that nginx has now, restart spikeline, and take in what was rejected with `spikeline index --again FILE`",
    )
}

/// The first byte of the first line on the side `after`, also where the sample leaves out the part that it lies in.
fn find_turn(
    sides: &Sides<'_>,
    after: ChangeSide,
    path: &Path,
    sample: &LogSample,
    records: &[(u64, &[u8])],
) -> Option<u64> {
    let at = sides.first(after, records.iter().copied())?;
    let before = records.iter().copied().take_while(|(offset, _)| *offset < at).last();
    // Records of several lines cannot be told from any place of the file.
    match before {
        Some((before, line)) if sample.plain && sample.part.is_some() && sides.own.wrapper().is_none() => {
            let low = before + line.len() as u64 + 1;
            Some(File::open(path).map_or(at, |file| narrow_turn(sides, after, &file, low, at)))
        }
        _ => Some(at),
    }
}

/// Halves the part from `low` to `high` until the turn is found in it: the line at `high` is on the side `after`, those
/// before `low` are on the other.
fn narrow_turn(sides: &Sides<'_>, after: ChangeSide, file: &File, mut low: u64, mut high: u64) -> u64 {
    let read = |from: u64, length: u64| whole_lines(file, from, length).ok().flatten();
    while high - low > 2 * NARROW {
        let Some(block) = read(low + (high - low) / 2 - NARROW / 2, NARROW) else { break };
        match sides.first(after, block_lines(&block)) {
            Some(first) if first > block.offset => return first,
            Some(first) => high = first,
            None => low = block.offset + block.bytes.len() as u64,
        }
    }
    // A line's end stands before `low`, so that no line is taken for the rest of one.
    let rest = read(low.saturating_sub(1), high - low + 1);
    rest.and_then(|block| sides.first(after, block_lines(&block))).unwrap_or(high)
}

/// A block's lines with their offsets in the log.
fn block_lines(block: &Block) -> impl Iterator<Item = (u64, &[u8])> {
    Lines::new(&block.bytes).map(|(at, line)| (block.offset + at as u64, line))
}
