//! Lines that begin as a known format and go on with columns of which nobody said what they are: the known ones are read,
//! the others are left alone. A number has no name.

use super::columns::{Columns, LineFit, STRAYS};
use super::detect::{DetectionOutcome, detect};
use super::mirrors::{Doubt, base_of};
use crate::grammar::format::Format;
use crate::grammar::line::ValueSpan;
use crate::grammar::variables::UNREAD;

/// What the name of a format ends in that leaves further columns unread.
pub const AND_MORE: &str = "_and_more";

/// A format with whatever stands behind it; None if nothing can be told to begin there.
pub(super) fn with_tail(format: &Format) -> Option<Format> {
    if format.is_keyed() || !format.text().ends_with('"') {
        return None;
    }
    let (name, text) = (format!("{}{AND_MORE}", format.name()), format!("{}${UNREAD}", format.text()));
    Format::compile(&name, &text, format.escape()).ok()
}

/// The format whose columns the lines begin with, and behind which they go on; of several the longest. None if lines begin
/// as none, or end there.
///
/// # Errors
/// If the columns of that format may as well be other variables.
pub(super) fn without_tail(lines: &[&[u8]], candidates: &[Format]) -> Result<Option<Format>, Doubt> {
    let mut bases: Vec<(usize, Format)> =
        candidates.iter().enumerate().filter_map(|(index, base)| Some((index, with_tail(base)?))).collect();
    bases.sort_by_key(|(_, format)| std::cmp::Reverse(format.text().len()));
    for (index, format) in bases {
        // Columns that nothing names are the base's own only where the line ends with them.
        if candidates.get(index).is_some_and(|base| adds_nameless(base, candidates)) {
            continue;
        }
        let detection = detect(lines, std::slice::from_ref(&format));
        let fitting = detection.shares.first().copied().unwrap_or(0.0);
        // What stands there on one line in a hundred may be a stray's.
        if (1.0 - fitting) * STRAYS as f64 > 1.0 || !goes_on(lines, &format) {
            continue;
        }
        match detection.outcome {
            DetectionOutcome::Found { .. } => return Ok(Some(format)),
            DetectionOutcome::Doubt(doubt) => {
                return Err(Doubt { format: index, ..doubt });
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Whether all that a format adds to another one are columns that nothing in its lines names.
fn adds_nameless(format: &Format, candidates: &[Format]) -> bool {
    let Some((columns, base)) = Columns::of_format(format).zip(base_of(format, candidates)) else { return false };
    columns.all.iter().skip(base.plan().steps.len()).all(|column| !column.named)
}

/// Whether lines that do not fit `format` begin as its base does and go on: then what it calls its last columns is not what
/// these are, on the other lines either.
pub(super) fn leaves_unread(lines: &[&[u8]], format: &Format, candidates: &[Format]) -> bool {
    let Some(base) = base_of(format, candidates).and_then(with_tail) else { return false };
    let (Some(columns), Some(base)) = (Columns::of_format(format), Columns::of_format(&base)) else { return false };
    let (mut spans, mut tail) = (format.new_spans(), base.format.new_spans());
    let fits = |columns: &Columns<'_>, line: &[u8], spans: &mut [ValueSpan]| {
        matches!(columns.read(line, spans), LineFit::Fits(_))
    };
    let others = lines.iter().filter(|line| !fits(&columns, line, &mut spans) && fits(&base, line, &mut tail));
    // One of a few lines may be torn.
    let allowed = if lines.len() < 10 { 1 } else { lines.len() / STRAYS };
    columns.all.iter().skip(base.all.len().saturating_sub(1)).all(|column| !column.named) && others.count() > allowed
}

/// Whether something stands behind the known columns of some line.
fn goes_on(lines: &[&[u8]], format: &Format) -> bool {
    unread_tails(lines, format).any(|tail| !tail.is_empty())
}

/// What a format leaves unread of each line that fits it.
pub fn unread_tails<'a, 'l>(lines: &'a [&'l [u8]], format: &'a Format) -> impl Iterator<Item = &'l [u8]> + 'a {
    let mut spans = format.new_spans();
    lines.iter().filter_map(move |line| {
        format.plan().cut(line, &mut spans).ok()?;
        format.index_of(UNREAD)?;
        line.get(spans.last()?.0 as usize..)
    })
}
