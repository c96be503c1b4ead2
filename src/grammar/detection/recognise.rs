//! What a log is, from its first lines: a wrapper or none, and in it one of the known formats or a keyed one.
//!
//! A format that is cut by position goes first: its text says what every value is, while a key's name is only what people
//! mean by it. A keyed format is taken
//!
//! - if no known format fits half of the lines, and the keys do;
//! - if the keys fit more of the lines than the known format does (a log_format that was changed, or written by several
//!   programs) and read the same from those that both fit.
//!
//! A tie between known formats stays one: keys do not break it. If neither fits, but all lines begin as a known format does
//! and go on with further columns ([`super::unread`]), that format is taken, and the further columns are left alone: which
//! variables they are only a person knows.

use std::borrow::Cow;

use super::bare_address::without_bare_address;
use super::detect::{Detection, DetectionOutcome, MixedPart, contradicts_nothing, detect, reads_alike};
use super::error_log::is_error_line;
use super::foreign::{ForeignLines, foreign_lines};
use super::mirrors::Doubt;
use super::named_tail::with_named_tail;
use super::unread::{leaves_unread, without_tail};
use crate::grammar::format::Format;
use crate::grammar::keyed::KeyedSyntax;
use crate::grammar::line::chomp;
use crate::grammar::wrapper::{WrappedRecords, Wrapper};

/// The keyed format must fit so much more of the lines than the known one.
const MORE: f64 = 0.02;

/// Lines in another format, one in so many of all at most, leave a log what most of it is; they are rejected and counted.
const FEW: usize = 20;

/// The share of lines that must be as a wrapper writes them.
const WRAPPED: f64 = 0.9;

/// What a log was recognised as.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// The format, in its wrapper if there is one; a keyed one has learnt from the lines.
    pub format: Format,
    /// The index of a format among the candidates; None if it is keyed, or leaves columns unread.
    pub candidate: Option<usize>,
    /// How the candidates fit.
    pub detection: Detection,
    /// What other lines are in, which do not fit the format.
    pub left_out: Vec<ForeignLines>,
}

/// Why a log was not recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unrecognised {
    /// Several candidates, by index, fit alike and read different things.
    Tie(Vec<usize>),
    /// A candidate fits, but its columns may as well be other variables.
    Doubt(Doubt),
    /// The lines are of several candidates.
    Mixed(Vec<MixedPart>),
    /// It is nginx's error log.
    ErrorLog,
    /// Neither any candidate nor the usual keys fit half of the lines. The wrapper, if that at least was clear.
    Nothing(Option<Wrapper>),
}

/// Recognises the log whose first lines are the whole lines `head`, of which up to `most` records are looked at.
///
/// # Errors
/// If it cannot be told.
pub fn recognise(head: &[u8], most: usize, candidates: &[Format]) -> Result<Recognised, Unrecognised> {
    recognise_in(wrapper_of(head, most), head, most, candidates)
}

/// [`recognise`] for a log of which the wrapper, or that it has none, is known.
///
/// # Errors
/// If the format cannot be told.
pub fn recognise_in(
    wrapper: Option<Wrapper>,
    head: &[u8],
    most: usize,
    candidates: &[Format],
) -> Result<Recognised, Unrecognised> {
    recognise_texts(wrapper, &texts(wrapper, head, most), candidates)
}

/// [`recognise_in`] by lines that were taken out of their wrapper already ([`texts`]).
///
/// # Errors
/// If the format cannot be told.
pub fn recognise_texts(
    wrapper: Option<Wrapper>,
    texts: &[Cow<'_, [u8]>],
    candidates: &[Format],
) -> Result<Recognised, Unrecognised> {
    let lines: Vec<&[u8]> = texts.iter().map(|text| chomp(text)).collect();
    let detection = detect(&lines, candidates);
    let (format, candidate) = format_of(&lines, candidates, &detection, wrapper).map_err(|error| match error {
        Unrecognised::Nothing(_) => Unrecognised::Nothing(wrapper),
        tie => tie,
    })?;
    let left_out = foreign_lines(&lines, &format, candidates);
    let format = if format.is_keyed() { format } else { format.as_found() };
    let format = match wrapper {
        Some(wrapper) => format.in_wrapper(wrapper),
        None => format,
    };
    Ok(Recognised { format, candidate, detection, left_out })
}

/// What stands around the lines of a log that begins with the whole lines `head`.
pub fn wrapper_of(head: &[u8], most: usize) -> Option<Wrapper> {
    let lines: Vec<&[u8]> = head.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).take(most).collect();
    let around = |wrapper: &Wrapper| {
        let fit = lines.iter().filter(|line| wrapper.fits(line)).count();
        // Some shippers leave the `\n` of Docker's `log` away: nothing would tell where a record ends.
        let ends = lines.iter().any(|line| wrapper.ends_record(line));
        ends && fit as f64 >= WRAPPED * lines.len() as f64
    };
    Wrapper::ALL.into_iter().find(around)
}

/// What nginx wrote in the first `most` records of whole lines. A record that its wrapper does not hold is left out, and so is
/// what came from a container's standard error, unless that is all there is: its image logs errors there.
pub fn texts(wrapper: Option<Wrapper>, head: &[u8], most: usize) -> Vec<Cow<'_, [u8]>> {
    let Some(wrapper) = wrapper else {
        let lines = head.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        return lines.take(most).map(Cow::Borrowed).collect();
    };
    let whole = head.get(..wrapper.whole_records(head)).filter(|whole| !whole.is_empty()).unwrap_or(head);
    let mut records = WrappedRecords::new(wrapper, whole);
    let mut buffer = Vec::new();
    let (mut texts, mut of_errors) = (Vec::new(), Vec::new());
    while texts.len() < most
        && let Some(record) = records.next(&mut buffer)
    {
        if let Ok(text) = record.text {
            let stream = if record.of_errors { &mut of_errors } else { &mut texts };
            stream.push(Cow::Owned(text.to_vec()));
        }
    }
    if texts.is_empty() {
        of_errors.truncate(most);
        return of_errors;
    }
    texts
}

fn format_of(
    lines: &[&[u8]],
    candidates: &[Format],
    detection: &Detection,
    wrapper: Option<Wrapper>,
) -> Result<(Format, Option<usize>), Unrecognised> {
    let known = match &detection.outcome {
        DetectionOutcome::Tie { formats } => return Err(Unrecognised::Tie(formats.clone())),
        DetectionOutcome::Doubt(doubt) => return Err(Unrecognised::Doubt(doubt.clone())),
        DetectionOutcome::Mixed { parts } => return mixed_by_keys(lines, candidates, parts, wrapper),
        DetectionOutcome::Found { format, .. } => Some(*format),
        DetectionOutcome::None => None,
    };
    let share = known.and_then(|known| detection.shares.get(known)).copied().unwrap_or(0.0);
    let known = known.and_then(|known| Some((candidates.get(known)?, known)));
    if share < 1.0
        && let Some(keyed) = by_keys(lines, share, wrapper)
        && known.is_none_or(|(known, _)| reads_alike(lines, known, &keyed))
    {
        return Ok((keyed, None));
    }
    if let Some((format, index)) = known
        && !leaves_unread(lines, format, candidates)
    {
        return Ok(match without_bare_address(lines, format, candidates) {
            Some(bare) => (bare, None),
            None => (format.clone(), Some(index)),
        });
    }
    if let Some(format) = with_named_tail(lines, candidates) {
        return Ok((format, None));
    }
    if let Some(format) = without_tail(lines, candidates).map_err(Unrecognised::Doubt)? {
        return Ok((format, None));
    }
    let errors = lines.iter().filter(|line| is_error_line(line)).count();
    Err(if errors * 2 > lines.len() { Unrecognised::ErrorLog } else { Unrecognised::Nothing(None) })
}

/// Several candidates with keys in their text are read by the keys, if these say the same as each of them.
fn mixed_by_keys(
    lines: &[&[u8]],
    candidates: &[Format],
    parts: &[MixedPart],
    wrapper: Option<Wrapper>,
) -> Result<(Format, Option<usize>), Unrecognised> {
    let mut known = parts.iter().flat_map(|part| &part.formats).filter_map(|at| candidates.get(*at));
    let told = parts.iter().map(|part| part.lines).sum::<usize>() as f64 / lines.len().max(1) as f64;
    match by_keys(lines, told - 2.0 * MORE, wrapper) {
        Some(keyed) if known.all(|known| contradicts_nothing(lines, known, &keyed)) => Ok((keyed, None)),
        _ => {
            let others: usize = parts.iter().skip(1).map(|part| part.lines).sum();
            let first = parts.first().and_then(|part| candidates.get(*part.formats.first()?));
            let most = first.filter(|_| others * FEW <= lines.len());
            most.and_then(|first| format_of_most(lines, candidates, first))
                .ok_or_else(|| Unrecognised::Mixed(parts.to_vec()))
        }
    }
}

/// The format of the lines that fit `first`, if that is certain without the few others: of several that fit as many lines it may
/// not be the right one.
fn format_of_most(lines: &[&[u8]], candidates: &[Format], first: &Format) -> Option<(Format, Option<usize>)> {
    let most: Vec<&[u8]> = lines.iter().filter(|line| first.check(line).is_ok()).copied().collect();
    let DetectionOutcome::Found { format, .. } = detect(&most, candidates).outcome else { return None };
    let known = candidates.get(format)?;
    Some(match without_bare_address(&most, known, candidates) {
        Some(bare) => (bare, None),
        None => (known.clone(), Some(format)),
    })
}

/// The keyed format of the lines, if it fits at least half of them and more than the share `known` of them.
fn by_keys(lines: &[&[u8]], known: f64, wrapper: Option<Wrapper>) -> Option<Format> {
    // Not by the first line: that may be torn, or a word of the container's start.
    let objects = lines.iter().filter(|line| line.trim_ascii_start().starts_with(b"{")).count();
    let syntax = if objects * 2 >= lines.len() { KeyedSyntax::Json } else { KeyedSyntax::Ltsv };
    let keyed = Format::keyed(syntax.name())?.ok()?;
    // What is wrapped around a line may have its time; the lines themselves are bare here.
    let keyed = wrapper.map_or_else(|| keyed.clone(), |wrapper| keyed.in_wrapper(wrapper)).learnt_from(lines);
    let shares = detect(lines, std::slice::from_ref(&keyed)).shares;
    let share = shares.first().copied().filter(|&share| share >= 0.5 && share > known + MORE);
    share.map(|_| keyed)
}
