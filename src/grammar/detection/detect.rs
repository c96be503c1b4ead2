//! Which of several formats wrote some lines.
//!
//! The format that the most lines fit wins, if it is at least half of them. A line fits if it can be cut so, and if nginx
//! could have written it so ([`super::columns`], [`super::facts`]): a format that even one line in a hundred contradicts is
//! none of theirs, however many others fit, and so is one that takes a single value for what its variable never is. Formats that fit about as many are compared on those lines: if they read the
//! same end, times, target, status, bytes and host from every line, they differ only in variables that do not matter here
//! (or in names), and the one listed first wins. If they read different things it is a tie that only a person can break. So
//! it is if the winner with two of its columns changed about would read the lines as well ([`super::mirrors`]), and if other
//! lines are in another of the formats: it is never guessed.

use std::borrow::Cow;

use super::attempts::is_apart_by_a_list;
use super::columns::{Columns, LineFit, STRAYS};
use super::mirrors::{Doubt, find_doubt};
use super::oddities::is_odd_on_the_whole;
use crate::grammar::format::Format;
use crate::grammar::keyed::{Keyed, KeyedValues, Role};
use crate::grammar::line::{ValueSpan, chomp};

/// Formats whose shares are closer than this are compared by what they read.
const NEAR: f64 = 0.02;

/// The least share of lines that the winner must fit.
const LEAST_SHARE: f64 = 0.5;

/// So many lines, evenly spread, are tried first. A format that none of them can be cut by is no candidate, and not tried on
/// the others: nearly all are none, and a line that does not fit costs more than one that does. One that half of all lines
/// fit misses these with a probability of 2^-40.
const FIRST: usize = 40;

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// How many lines were looked at; empty ones do not count.
    pub lines: usize,
    /// For each candidate, in their order, the share of lines that fit it, 0 to 1; 0 also for one that fits none of some
    /// lines spread over all, and for one that lines contradict.
    pub shares: Vec<f64>,
    /// Which candidate it is.
    pub outcome: DetectionOutcome,
}

/// Which candidate it is; formats are named by their index among the candidates.
#[derive(Debug, Clone, PartialEq)]
pub enum DetectionOutcome {
    /// This one.
    Found {
        /// The candidate.
        format: usize,
        /// How far its share lies above that of the next candidate that reads something else from the lines.
        margin: f64,
    },
    /// Several fit about equally well and read different things.
    Tie {
        /// The candidates, the best share first.
        formats: Vec<usize>,
    },
    /// One fits best, but its columns may as well be other variables.
    Doubt(Doubt),
    /// Some lines are in one format, others in another.
    Mixed {
        /// The most frequent first.
        parts: Vec<MixedPart>,
    },
    /// No candidate fits half of the lines, or there are no lines.
    None,
}

/// What fits some of the lines, which nothing named before fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixedPart {
    /// The candidates that fit them, mostly one.
    pub formats: Vec<usize>,
    /// How many lines these are.
    pub lines: usize,
}

/// How one candidate fits the lines.
struct CandidateFit<'f> {
    index: usize,
    columns: Option<Columns<'f>>,
    /// By line.
    fits: Vec<bool>,
    share: f64,
}

/// Finds the format of `lines` among `candidates`.
pub fn detect(lines: &[&[u8]], candidates: &[Format]) -> Detection {
    let lines: Vec<&[u8]> = lines.iter().map(|line| chomp(line)).filter(|line| !line.is_empty()).collect();
    let fits: Vec<CandidateFit<'_>> =
        candidates.iter().enumerate().filter_map(|(index, format)| fit_lines(&lines, index, format)).collect();
    let mut shares = vec![0.0; candidates.len()];
    for fit in &fits {
        if let Some(share) = shares.get_mut(fit.index) {
            *share = fit.share;
        }
    }
    let outcome = choose_format(&lines, candidates, fits);
    Detection { lines: lines.len(), shares, outcome }
}

/// How a candidate fits; None if it is none.
fn fit_lines<'f>(lines: &[&[u8]], index: usize, format: &'f Format) -> Option<CandidateFit<'f>> {
    let mut spans = format.new_spans();
    let fitted = |columns: Option<Columns<'f>>, fits: Vec<bool>| {
        let count = count_of(&fits);
        (count > 0).then(|| CandidateFit { index, columns, fits, share: count as f64 / lines.len() as f64 })
    };
    let Some(columns) = Columns::of_format(format) else {
        let fits = lines.iter().map(|line| read_roles(line, format).is_some()).collect();
        return fitted(None, fits);
    };
    if !spread_lines(lines).any(|line| format.plan().cut(line, &mut spans).is_ok()) {
        return None;
    }
    let readings: Vec<LineFit<'_>> = lines.iter().map(|line| columns.read(line, &mut spans)).collect();
    let contradicted = readings.iter().filter(|reading| **reading == LineFit::Contradicted).count();
    let values: Vec<&[&[u8]]> = readings
        .iter()
        .filter_map(|reading| match reading {
            LineFit::Fits(values) => Some(values.as_slice()),
            LineFit::Apart | LineFit::Impossible | LineFit::Contradicted => None,
        })
        .collect();
    let is_apart =
        |(line, reading): (&&[u8], &LineFit<'_>)| *reading == LineFit::Apart && is_apart_by_a_list(line, &columns);
    if readings.contains(&LineFit::Impossible)
        || lines.iter().zip(&readings).any(is_apart)
        || contradicted * STRAYS > contradicted + values.len()
        || is_odd_on_the_whole(&columns, &values)
    {
        return None;
    }
    let fits = readings.iter().map(|reading| matches!(reading, LineFit::Fits(_))).collect();
    fitted(Some(columns), fits)
}

/// Some of the lines, spread over all but not in step with anything that repeats in them; all if there are few.
fn spread_lines<'a, 'l>(lines: &'a [&'l [u8]]) -> impl Iterator<Item = &'a &'l [u8]> {
    let stride = (lines.len() / FIRST).max(1);
    // One line of each stretch, at a place that differs from stretch to stretch.
    (0..lines.len().div_ceil(stride)).filter_map(move |at| lines.get(at * stride + at * 7 % stride))
}

fn choose_format(lines: &[&[u8]], candidates: &[Format], mut ranked: Vec<CandidateFit<'_>>) -> DetectionOutcome {
    // Stable: equal shares stay in the listed order.
    ranked.sort_by(|a, b| b.share.total_cmp(&a.share));
    let Some(best) = ranked.first() else { return DetectionOutcome::None };
    if let Some(parts) = mixture_of(lines, &ranked) {
        return DetectionOutcome::Mixed { parts };
    }
    if best.share < LEAST_SHARE {
        return DetectionOutcome::None;
    }
    let format_of = |fit: &CandidateFit<'_>| candidates.get(fit.index);
    let near: Vec<&CandidateFit<'_>> = ranked.iter().filter(|fit| best.share - fit.share < NEAR).collect();
    let Some(first) = format_of(best) else { return DetectionOutcome::None };
    let differs = |fit: &&&CandidateFit<'_>| format_of(fit).is_some_and(|format| !same_reading(lines, first, format));
    let differing: Vec<usize> = near.iter().filter(differs).map(|fit| fit.index).collect();
    if !differing.is_empty() {
        let formats = std::iter::once(best.index).chain(differing).collect();
        return DetectionOutcome::Tie { formats };
    }
    // Among those that read the same, the order in the list decides, if it fits as many lines.
    let equals = near.iter().filter(|fit| fit.share >= best.share);
    let Some(winner) = equals.min_by_key(|fit| fit.index) else { return DetectionOutcome::None };
    if let Some(columns) = &winner.columns
        && let Some(doubt) = find_doubt(lines, winner.index, columns, candidates)
    {
        return DetectionOutcome::Doubt(doubt);
    }
    let next = ranked.iter().find(|fit| best.share - fit.share >= NEAR).map_or(0.0, |fit| fit.share);
    DetectionOutcome::Found { format: winner.index, margin: best.share - next }
}

/// The formats of a log that several were written to: those that the most lines fit, and those that fit what they do not.
fn mixture_of(lines: &[&[u8]], ranked: &[CandidateFit<'_>]) -> Option<Vec<MixedPart>> {
    let mut open: Vec<bool> = vec![true; lines.len()];
    let mut parts: Vec<MixedPart> = Vec::new();
    loop {
        let fitting = |fit: &CandidateFit<'_>| -> Vec<bool> {
            fit.fits.iter().zip(&open).map(|(fits, open)| *fits && *open).collect()
        };
        let fitted: Vec<(usize, Vec<bool>)> = ranked.iter().map(|fit| (fit.index, fitting(fit))).collect();
        // The first of several that fit as many.
        let Some((_, most)) = fitted.iter().rev().max_by_key(|(_, fits)| count_of(fits)) else { break };
        if count_of(most) == 0 {
            break;
        }
        let formats = fitted.iter().filter(|(_, fits)| fits == most).map(|(index, _)| *index).collect();
        parts.push(MixedPart { formats, lines: count_of(most) });
        for (open, fits) in open.iter_mut().zip(most) {
            *open &= !fits;
        }
    }
    let told: usize = parts.iter().map(|part| part.lines).sum();
    (parts.len() > 1 && told as f64 >= LEAST_SHARE * lines.len() as f64).then_some(parts)
}

fn count_of(fits: &[bool]) -> usize {
    fits.iter().filter(|fits| **fits).count()
}

/// Whether a keyed format reads all that another does from the lines that both fit: what only the keys tell is no
/// difference.
pub(super) fn reads_alike(lines: &[&[u8]], known: &Format, keyed: &Format) -> bool {
    lines.iter().all(|line| match (read_roles(line, known), read_roles(line, keyed)) {
        (Some(known), Some(keyed)) => {
            known.iter().zip(&keyed).all(|(known, keyed)| is_nothing(known) || known == keyed)
        }
        _ => true,
    })
}

/// Whether a keyed format reads nothing else than another does from the lines that both fit, if perhaps less.
pub(super) fn contradicts_nothing(lines: &[&[u8]], known: &Format, keyed: &Format) -> bool {
    lines.iter().all(|line| match (read_roles(line, known), read_roles(line, keyed)) {
        (Some(known), Some(keyed)) => {
            known.iter().zip(&keyed).all(|(known, keyed)| is_nothing(known) || is_nothing(keyed) || known == keyed)
        }
        _ => true,
    })
}

fn is_nothing(value: &Option<Cow<'_, [u8]>>) -> bool {
    value.as_deref().is_none_or(|value| matches!(value, b"" | b"-"))
}

/// Whether both formats read the same bytes for every role from each line that both fit.
fn same_reading(lines: &[&[u8]], a: &Format, b: &Format) -> bool {
    lines.iter().all(|line| match (read_roles(line, a), read_roles(line, b)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    })
}

/// The bytes of each role; None if the line does not fit.
pub(super) fn read_roles<'l>(line: &'l [u8], format: &Format) -> Option<Vec<Option<Cow<'l, [u8]>>>> {
    let mut spans = format.new_spans();
    if let Some(keyed) = format.keys() {
        return read_by_keys(line, format, keyed, &mut spans);
    }
    format.plan().cut(line, &mut spans).ok()?;
    let value = |variable: usize| {
        let span = spans.get(format.step_of(variable)?)?;
        line.get(span.0 as usize..span.1 as usize).map(Cow::Borrowed)
    };
    Some(format.roles().in_order().into_iter().map(|role| role.and_then(value)).collect())
}

/// [`reading`] by keys; a time that is none, or a status, does not fit: a key's name alone says little.
fn read_by_keys<'l>(
    line: &'l [u8],
    format: &Format,
    keyed: &Keyed,
    spans: &mut [ValueSpan],
) -> Option<Vec<Option<Cow<'l, [u8]>>>> {
    let mut text = Vec::new();
    let copied = keyed.cut(line, &mut KeyedValues::default(), spans, &mut text).ok()?;
    let text = if copied { text.as_slice() } else { line };
    let value = |slot: usize| {
        let span = spans.get(slot)?;
        text.get(span.0 as usize..span.1 as usize).filter(|value| !value.is_empty())
    };
    let timely = |end: &[u8]| end.first().is_some_and(u8::is_ascii_digit) && end.len() >= 9;
    let end = value(keyed.slot_of(Role::End));
    if !end.map_or(keyed.is_in_wrapper(), timely)
        || !value(keyed.slot_of(Role::Status))
            .is_none_or(|status| status.len() == 3 && status.iter().all(u8::is_ascii_digit))
    {
        return None;
    }
    let roles = format.roles().in_order().into_iter().zip(Role::ALL);
    Some(
        roles
            .map(|(played, role)| played.and(value(keyed.slot_of(role))).map(|value| Cow::Owned(value.to_vec())))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Escape;

    /// Also where every fifth line is another's, in step with the stretches.
    #[test]
    fn shares_are_those_of_all_lines() {
        let format = |name: &str, text: &str| Format::compile(name, text, Escape::Default).unwrap();
        let formats = [
            format("one", "$time_iso8601 $status $request_time"),
            format("two", "$time_iso8601 $status $request_time $bytes_sent"),
            format("none", "$msec \"$request\""),
        ];
        let lines: Vec<String> = (0..401)
            .map(|n| format!("2020-05-10T12:00:00Z 200 0.{n:03}{}", if n % 5 == 0 { " 7" } else { "" }))
            .collect();
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let detection = detect(&lines, &formats);
        let share = |lines: u32| f64::from(lines) / 401.0;
        assert_eq!(detection.shares, [share(320), share(81), 0.0], "{detection:?}");
        assert!(
            matches!(detection.outcome, DetectionOutcome::Mixed { .. }),
            "a fifth in another format: {detection:?}"
        );
    }
}
