//! Which format a log is in, when nobody said: the best grammar and its margin, a tie to be broken by a person, or what
//! comes closest.

use super::findings::{Findings, percent};
use super::fit::point_at;
use super::keys_there::keys_words;
use super::sample::LogSample;
use crate::cli::input::doubts::{cut_to, differing_readings, unrecognised_help, unrecognised_words};
use crate::cli::input::formats::describe_taken;
use crate::error::Result;
use crate::grammar::{Detection, DetectionOutcome, Format, Recognised, Unrecognised, Wrapper, detect, recognise_texts};
use crate::report::{count, terminal_safe};

/// Lines of the head, and as many of the rest, that the grammars are tried on.
pub(super) const TRIED: usize = 400;

/// How a format is asked for.
const ASK: &str = "format = \"NAME\" in its [[log]] section, or --log-format NAME";

/// Find the format of a sample among `grammars`, or by its keys, in that wrapper if one is given, and tell how sure
/// that is. None if it cannot be said.
pub(super) fn find_format(
    name: &str,
    sample: &LogSample,
    wrapper: Option<Wrapper>,
    grammars: &[Format],
    findings: &mut Findings,
) -> Result<Option<Format>> {
    let wrapper = wrapper.or_else(|| sample.wrapper(TRIED));
    let texts = sample.texts(wrapper, TRIED);
    let lines: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
    match recognise_texts(wrapper, &texts, grammars) {
        Ok(found) => {
            findings.fine(&format!("{name}: {}", found_words(&found, &lines, grammars)))?;
            if let Some(taken) = describe_taken(&found.format, sample.head()) {
                findings.words(&taken)?;
            }
            Ok(Some(found.format))
        }
        // What most lines are in is looked at, and told where the others are.
        Err(Unrecognised::Mixed(parts)) if parts.iter().flat_map(|part| &part.formats).next().is_some() => {
            let best = parts.iter().flat_map(|part| &part.formats).next().copied().unwrap_or(0);
            let detection = detect(&lines, grammars);
            let Some(format) = grammars.get(best).cloned() else { return Ok(None) };
            let format = wrapper.map_or_else(|| format.clone(), |wrapper| format.in_wrapper(wrapper));
            let found = Recognised { format, candidate: Some(best), detection, left_out: Vec::new() };
            findings.fine(&format!("{name}: {}", found_words(&found, &lines, grammars)))?;
            Ok(Some(found.format))
        }
        Err(Unrecognised::Tie(formats)) => {
            let tied: Vec<&Format> = formats.iter().filter_map(|at| grammars.get(*at)).collect();
            let what = format!(
                "{name}: its lines fit {} formats alike, which read different things; only you can say which it is",
                tied.len()
            );
            let ask = match wrapper {
                Some(wrapper) => ASK.replace("NAME", &format!("{wrapper}:NAME")),
                None => ASK.to_owned(),
            };
            findings.wrong_with_help(&what, &ask)?;
            tell_tie(&lines, &tied, findings)?;
            Ok(None)
        }
        Err(Unrecognised::Nothing(wrapper)) => {
            tell_closest(name, wrapper, &lines, grammars, findings)?;
            Ok(None)
        }
        Err(error) => {
            let words = unrecognised_words(&error, &lines, grammars);
            let mut words = words.lines();
            let what = words.next().unwrap_or_default();
            findings.wrong_with_help(&format!("{name}: {what}"), &unrecognised_help(&error, grammars))?;
            words.try_for_each(|detail| findings.detail(detail.trim()))?;
            Ok(None)
        }
    }
}

/// How many of the lines fit, and how far the next format is behind.
fn found_words(recognised: &Recognised, lines: &[&[u8]], grammars: &[Format]) -> String {
    let Recognised { format: found, candidate, detection, .. } = recognised;
    let (share, limit) = match (candidate, &detection.outcome) {
        (Some(at), DetectionOutcome::Mixed { .. }) => {
            let share = detection.shares.get(*at).copied().unwrap_or(0.0);
            (share, 1.0)
        }
        (Some(at), DetectionOutcome::Found { margin, .. }) => {
            let share = detection.shares.get(*at).copied().unwrap_or(0.0);
            (share, share - margin)
        }
        _ => {
            let bare = found.without_wrapper();
            let fit = lines.iter().filter(|line| bare.check(line).is_ok()).count();
            (fit as f64 / lines.len().max(1) as f64, 1.0)
        }
    };
    let next = detection
        .shares
        .iter()
        .zip(grammars)
        .filter(|(other, format)| **other > 0.0 && **other <= limit + 1e-9 && format.name() != found.name())
        .max_by(|a, b| a.0.total_cmp(b.0));
    let next = match next {
        Some((other, format)) => format!("the next is `{}` with {}", format.name(), share_of(*other, detection.lines)),
        None => "no other reads any of them".to_owned(),
    };
    format!(
        "found format `{}`: {} of the {} lines tried; {next}",
        found.name(),
        share_of(share, detection.lines),
        count(detection.lines as u64)
    )
}

/// A share of the lines tried, as a percentage of whole lines.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small count, back to it")]
fn share_of(share: f64, lines: usize) -> String {
    percent((share * lines as f64).round() as u64, lines as u64)
}

/// What the tied formats read differently from the first line on which they differ.
fn tell_tie(lines: &[&[u8]], tied: &[&Format], findings: &mut Findings) -> Result<()> {
    let Some((line, readings)) = differing_readings(lines, tied) else { return Ok(()) };
    findings.detail(&cut_to(&terminal_safe(line), 2 * findings.width))?;
    for reading in readings {
        let own: Vec<String> = reading.fields.iter().map(|(name, value)| format!("${name} {value}")).collect();
        findings.detail(&format!("{}: {}", reading.format.name(), own.join(", ")))?;
    }
    Ok(())
}

/// Nothing fits: which grammar comes closest, and where it stops.
fn tell_closest(
    name: &str,
    wrapper: Option<Wrapper>,
    lines: &[&[u8]],
    grammars: &[Format],
    findings: &mut Findings,
) -> Result<()> {
    let detection: &Detection = &detect(lines, grammars);
    let inside = wrapper.map_or_else(String::new, |wrapper| format!(", inside {wrapper},"));
    let what = format!(
        "{name}: its lines{inside} fit none of the {} formats known ({} lines tried)",
        grammars.len(),
        count(detection.lines as u64)
    );
    let remedy = "give the text of the log_format that nginx writes it with, --log-format 'TEXT' or format = 'TEXT' in \
                  its [[log]] section; `nginx -T 2>/dev/null | grep -A9 log_format` shows them";
    findings.wrong_with_help(&what, remedy)?;
    if let Some(words) = keys_words(lines) {
        findings.words(&words)?;
    } else if lines.iter().any(|line| memchr::memchr(b'\t', line.trim_ascii()).is_some()) {
        findings.words("tabs stand between their values")?;
    }
    let reached = |format: &Format| {
        let columns = lines.iter().map(|line| match format.check(line) {
            Ok(()) => line.len() as u64,
            Err(reject) => u64::from(reject.column - 1),
        });
        columns.sum::<u64>()
    };
    let closest = grammars
        .iter()
        .zip(&detection.shares)
        .map(|(format, share)| (*share, reached(format), format))
        .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let Some((share, reached, format)) = closest.filter(|(_, reached, _)| *reached > 0) else { return Ok(()) };
    let far = lines.iter().filter_map(|line| Some((format.check(line).err()?.column, *line)));
    let Some((column, line)) = far.max_by_key(|(column, _)| *column) else { return Ok(()) };
    let why = format.explain(line).unwrap_or_default();
    let fit = if share > 0.0 { format!("fits {}", share_of(share, detection.lines)) } else { "fits none".to_owned() };
    let mean = reached / (lines.len() as u64).max(1);
    findings.detail(&format!(
        "the closest, `{}`, {fit}: on average {mean} bytes of a line. At its best it stops at column {column}: {why}",
        format.name()
    ))?;
    point_at(line, column, findings)
}
