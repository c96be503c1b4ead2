//! Which of several formats wrote some lines.
//!
//! The format that the most lines fit wins, if it is at least half of them. Formats that fit about as many are compared
//! on those lines: if they read the same end, times, target, status, bytes and host from every line, they differ only in
//! variables that do not matter here (or in names), and the one listed first wins. If they read different things, as
//! `$request_time $upstream_response_time` and `$upstream_response_time $request_time` do, it is a tie that only a person
//! can break: it is never guessed.

use crate::grammar::format::Format;
use crate::grammar::keyed::{Keyed, KeyedValues, Role};
use crate::grammar::line::{ValueSpan, chomp};
use crate::grammar::variables::VariableKind;
use std::borrow::Cow;

/// Formats whose shares are closer than this are compared by what they read.
const NEAR: f64 = 0.02;

/// The least share of lines that the winner must fit.
const LEAST_SHARE: f64 = 0.5;

/// So many lines, evenly spread, are tried first. A format that fits none of them is no candidate, and not tried on the
/// others: nearly all are none, and a line that does not fit costs more than one that does. One that fits half of all
/// lines misses these with a probability of 2^-40.
const FIRST: usize = 40;

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// How many lines were looked at; empty ones do not count.
    pub lines: usize,
    /// For each candidate, in their order, the share of lines that fit it, 0 to 1; 0 also for one that fits none of some
    /// lines spread over all.
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
    /// No candidate fits half of the lines, or there are no lines.
    None,
}

/// Finds the format of `lines` among `candidates`.
pub fn detect(lines: &[&[u8]], candidates: &[Format]) -> Detection {
    let lines: Vec<&[u8]> = lines.iter().map(|line| chomp(line)).filter(|line| !line.is_empty()).collect();
    let shares: Vec<f64> = candidates.iter().map(|format| fitting_share(&lines, format)).collect();
    let outcome = choose_format(&lines, candidates, &shares);
    Detection { lines: lines.len(), shares, outcome }
}

fn fitting_share(lines: &[&[u8]], format: &Format) -> f64 {
    let fits = |line: &&&[u8]| read_roles(line, format).is_some();
    if !spread_lines(lines).any(|line| fits(&line)) {
        return 0.0;
    }
    lines.iter().filter(fits).count() as f64 / lines.len() as f64
}

/// Some of the lines, spread over all but not in step with anything that repeats in them; all if there are few.
fn spread_lines<'a, 'l>(lines: &'a [&'l [u8]]) -> impl Iterator<Item = &'a &'l [u8]> {
    let stride = (lines.len() / FIRST).max(1);
    // One line of each stretch, at a place that differs from stretch to stretch.
    (0..lines.len().div_ceil(stride)).filter_map(move |at| lines.get(at * stride + at * 7 % stride))
}

fn choose_format(lines: &[&[u8]], candidates: &[Format], shares: &[f64]) -> DetectionOutcome {
    let mut ranked: Vec<(usize, &Format, f64)> =
        candidates.iter().zip(shares).enumerate().map(|(index, (format, &share))| (index, format, share)).collect();
    // Stable: equal shares stay in the listed order.
    ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
    let Some(&(_, _, best)) = ranked.first() else { return DetectionOutcome::None };
    if best < LEAST_SHARE || lines.is_empty() {
        return DetectionOutcome::None;
    }
    let near: Vec<_> = ranked.iter().filter(|(_, _, share)| best - share < NEAR).collect();
    let Some((first, first_format, _)) = near.first() else { return DetectionOutcome::None };
    let differing: Vec<usize> = near
        .iter()
        .filter(|(_, format, _)| !same_reading(lines, first_format, format))
        .map(|(index, _, _)| *index)
        .collect();
    if !differing.is_empty() {
        let mut formats = vec![*first];
        formats.extend(differing);
        return DetectionOutcome::Tie { formats };
    }
    // Among those that read the same, the order in the list decides, if it fits as many lines.
    let winner = near.iter().filter(|(_, _, share)| *share == best).map(|(index, _, _)| *index).min().unwrap_or(*first);
    let next = ranked.iter().find(|(_, _, share)| best - share >= NEAR).map_or(0.0, |(_, _, share)| *share);
    DetectionOutcome::Found { format: winner, margin: best - next }
}

/// Whether a keyed format reads all that another does from the lines that both fit: what only the keys tell is no
/// difference.
pub(super) fn reads_alike(lines: &[&[u8]], known: &Format, keyed: &Format) -> bool {
    lines.iter().all(|line| match (read_roles(line, known), read_roles(line, keyed)) {
        (Some(known), Some(keyed)) => {
            let absent =
                |value: &Option<Cow<'_, [u8]>>| value.as_deref().is_none_or(|value| matches!(value, b"" | b"-"));
            known.iter().zip(&keyed).all(|(known, keyed)| absent(known) || known == keyed)
        }
        _ => true,
    })
}

/// Whether both formats read the same bytes for every role from each line that both fit.
fn same_reading(lines: &[&[u8]], a: &Format, b: &Format) -> bool {
    lines.iter().all(|line| match (read_roles(line, a), read_roles(line, b)) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    })
}

/// The bytes of each role; None if the line does not fit, or if an address, a host or a token in it holds a space: the
/// parser takes those (a proxy may have set them), but a format of one more field is then the likelier one.
fn read_roles<'l>(line: &'l [u8], format: &Format) -> Option<Vec<Option<Cow<'l, [u8]>>>> {
    let mut spans = format.new_spans();
    if let Some(keyed) = format.keys() {
        return read_by_keys(line, format, keyed, &mut spans);
    }
    format.plan().cut(line, &mut spans).ok()?;
    for (step, span) in format.plan().steps.iter().zip(&spans) {
        let variable = format.variables().get(step.variable)?;
        let value = line.get(span.0 as usize..span.1 as usize)?;
        if !is_plausible(&variable.name, variable.kind, value) {
            return None;
        }
    }
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
    if !value(keyed.slot_of(Role::End)).is_some_and(timely)
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

/// Whether a value that fits its place is likely there.
fn is_plausible(name: &str, kind: VariableKind, value: &[u8]) -> bool {
    let single = kind == VariableKind::Token || matches!(name, "remote_addr" | "host" | "http_host" | "server_name");
    // Lists of addresses have `, ` between them.
    let space = |pair: &[u8]| matches!(pair, [before, b' '] if *before != b',');
    !single || !(value.first() == Some(&b' ') || value.windows(2).any(space))
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
        assert!(matches!(detection.outcome, DetectionOutcome::Found { format: 0, .. }), "{detection:?}");
    }
}
