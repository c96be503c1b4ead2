//! Why it cannot be said in which format a log is, in words: the candidates, and what each would read of a line.

use crate::grammar::{Doubt, ForeignFormat, ForeignLines, Format, MixedPart, Unrecognised};
use crate::report::{count, terminal_safe};

/// What always helps.
pub(in crate::cli) const GIVE_TEXT: &str =
    "give the log_format that nginx writes it with: --log-format 'TEXT' (or a grammar's NAME)";

/// At most so many characters of a value are shown.
const SHOWN: usize = 40;

/// What one of several formats reads of a line that the others read otherwise.
pub(in crate::cli) struct DifferingReading<'f> {
    pub(in crate::cli) format: &'f Format,
    /// Its own variables with their values.
    pub(in crate::cli) fields: Vec<(String, String)>,
}

/// Why the format of `lines` cannot be said.
pub(in crate::cli) fn unrecognised_words(error: &Unrecognised, lines: &[&[u8]], formats: &[Format]) -> String {
    let name = |at: usize| formats.get(at).map_or("?", Format::name);
    match error {
        Unrecognised::Tie(tied) => {
            let tied: Vec<&Format> = tied.iter().filter_map(|at| formats.get(*at)).collect();
            let names: Vec<&str> = tied.iter().map(|format| format.name()).collect();
            let readings = differing_readings(lines, &tied).map(|(_, readings)| readings).unwrap_or_default();
            let readings =
                readings.iter().map(|reading| format!("\n  {}: {}", reading.format.name(), words_of(&reading.fields)));
            format!("its lines fit several formats alike: {}{}", names.join(", "), readings.collect::<String>())
        }
        Unrecognised::Doubt(doubt) => {
            format!(
                "its lines fit `{}`, but do not tell which column is which:{}",
                name(doubt.format),
                doubt_words(doubt)
            )
        }
        Unrecognised::Mixed(mixed) => {
            format!("its lines are of several formats: of those looked at, {}", mixed_words(mixed, formats))
        }
        Unrecognised::ErrorLog => "it is an nginx error log: it holds no requests, the access log does".to_owned(),
        Unrecognised::Nothing(wrapper) => {
            let inside = wrapper.map_or_else(String::new, |wrapper| format!(" inside {wrapper}"));
            format!("its lines fit none of the {} known formats{inside}", formats.len())
        }
    }
}

/// How many lines are in which formats.
pub(in crate::cli) fn mixed_words(mixed: &[MixedPart], formats: &[Format]) -> String {
    let name = |at: &usize| formats.get(*at).map_or_else(String::new, |format| format!("`{}`", format.name()));
    let part = |part: &MixedPart| {
        let names: Vec<String> = part.formats.iter().map(name).collect();
        format!("{} in {}", count(part.lines as u64), names.join(" or "))
    };
    mixed.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The same of lines that a format does not fit.
pub(in crate::cli) fn foreign_words(foreign: &[ForeignLines], formats: &[Format]) -> String {
    let name = |at: &usize| formats.get(*at).map_or_else(String::new, |format| format!("`{}`", format.name()));
    let part = |part: &ForeignLines| {
        let written = match &part.written {
            ForeignFormat::Candidates(formats) => formats.iter().map(name).collect::<Vec<_>>().join(" or "),
            ForeignFormat::Keyed(name) => format!("`{name}`"),
        };
        format!("{} in {written}", count(part.lines as u64))
    };
    foreign.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// What to do about it.
pub(in crate::cli) fn unrecognised_help(error: &Unrecognised, formats: &[Format]) -> String {
    let name = |at: usize| formats.get(at).map_or("NAME", Format::name);
    match error {
        Unrecognised::Doubt(doubt) => format!(
            "if it is the first, --log-format {}; else give the log_format that nginx writes it with: --log-format 'TEXT'",
            name(doubt.format)
        ),
        Unrecognised::Mixed(mixed) => format!(
            "--log-format {} reads the lines of that format and says how many it leaves out",
            mixed.first().and_then(|part| part.formats.first()).map_or("NAME", |at| name(*at))
        ),
        Unrecognised::ErrorLog => {
            "name the file of nginx's `access_log` directive, or the format by --log-format".to_owned()
        }
        Unrecognised::Tie(_) | Unrecognised::Nothing(_) => GIVE_TEXT.to_owned(),
    }
}

/// Each of a doubt's readings on a line of its own.
pub(in crate::cli) fn doubt_words(doubt: &Doubt) -> String {
    let value = |value: &Vec<u8>| cut_to(&terminal_safe(value), SHOWN);
    let reading = |names: &Vec<String>| {
        let fields: Vec<(String, String)> = names.iter().cloned().zip(doubt.values.iter().map(value)).collect();
        format!("\n  {}", words_of(&fields))
    };
    doubt.readings.iter().map(reading).collect()
}

fn words_of(fields: &[(String, String)]) -> String {
    fields.iter().map(|(name, value)| format!("${name} {value}")).collect::<Vec<_>>().join(", ")
}

/// The first line that the formats read differently, and what each of them alone reads in it.
pub(in crate::cli) fn differing_readings<'l, 'f>(
    lines: &[&'l [u8]],
    formats: &[&'f Format],
) -> Option<(&'l [u8], Vec<DifferingReading<'f>>)> {
    let readings = |line: &[u8]| formats.iter().map(|format| read_fields(format, line)).collect::<Vec<_>>();
    let differ = |line: &&&[u8]| {
        let readings = readings(line);
        let mut read = readings.iter().flatten();
        read.next().is_some_and(|first| read.any(|other| other != first))
    };
    let line: &'l [u8] = lines.iter().find(differ)?;
    let readings = readings(line);
    let first = readings.iter().flatten().next()?.clone();
    let common = |field: &(String, String)| {
        first.contains(field) && readings.iter().flatten().all(|reading| reading.contains(field))
    };
    let own = |reading: &Vec<(String, String)>| {
        let own = reading.iter().filter(|field| !common(field));
        own.map(|(name, value)| (name.clone(), cut_to(value, SHOWN))).collect::<Vec<_>>()
    };
    let told = formats.iter().zip(&readings).filter_map(|(format, reading)| {
        reading.as_ref().map(|reading| DifferingReading { format, fields: own(reading) })
    });
    Some((line, told.collect()))
}

/// The variables of a line that fits with their values, made harmless.
fn read_fields(format: &Format, line: &[u8]) -> Option<Vec<(String, String)>> {
    let fields = format.fields(line).ok()?;
    let read = |(variable, span): (usize, std::ops::Range<usize>)| {
        let name = format.variables().get(variable)?.name.clone();
        Some((name, terminal_safe(line.get(span)?).into_owned()))
    };
    Some(fields.into_iter().filter_map(read).collect())
}

/// At most `room` characters, with an ellipsis where more were.
pub(in crate::cli) fn cut_to(text: &str, room: usize) -> String {
    if text.chars().count() <= room { text.to_owned() } else { text.chars().take(room - 1).chain(['…']).collect() }
}
