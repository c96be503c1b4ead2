//! The words of LogQL: blanks, names, strings, numbers, durations, sizes.

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::combinator::recognize;
use nom::error::{ErrorKind, ParseError};
use regex::bytes::{Regex, RegexBuilder};

/// What is wrong, and what of the query stands from there on.
#[derive(Debug)]
pub(super) struct Fault<'q> {
    pub(super) rest: &'q str,
    pub(super) what: String,
}

/// A piece of a query, and what stands behind it.
pub(super) type LogqlResult<'q, T> = IResult<&'q str, T, Fault<'q>>;

impl<'q> ParseError<&'q str> for Fault<'q> {
    fn from_error_kind(rest: &'q str, _: ErrorKind) -> Fault<'q> {
        let what = match rest.is_empty() {
            true => "syntax error: unexpected end of the query".to_owned(),
            false => format!("syntax error: unexpected `{}`", shown(rest)),
        };
        Fault { rest, what }
    }

    fn append(_: &'q str, _: ErrorKind, other: Fault<'q>) -> Fault<'q> {
        other
    }
}

/// The fault that ends parsing: no other reading is tried.
pub(super) fn refuse<T>(rest: &str, what: impl Into<String>) -> LogqlResult<'_, T> {
    Err(nom::Err::Failure(Fault { rest, what: what.into() }))
}

/// The next few letters.
pub(super) fn shown(rest: &str) -> String {
    let word: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').take(30).collect();
    if word.is_empty() { rest.chars().take(1).collect() } else { word }
}

/// What stands behind blanks and comments.
pub(super) fn blank(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        let Some(comment) = text.strip_prefix('#') else { return text };
        text = comment.split_once('\n').map_or("", |(_, next)| next);
    }
}

/// These letters, behind blanks.
pub(super) fn sign<'q>(letters: &'static str) -> impl Fn(&'q str) -> LogqlResult<'q, &'q str> {
    move |text| tag(letters).parse(blank(text))
}

/// The same where nothing else may stand.
pub(super) fn must_be<'q>(letters: &'static str) -> impl Fn(&'q str) -> LogqlResult<'q, &'q str> {
    move |text| match sign(letters)(text) {
        Ok(parsed) => Ok(parsed),
        Err(_) => refuse(blank(text), format!("syntax error: expected `{letters}`")),
    }
}

/// A name.
pub(super) fn name(text: &str) -> LogqlResult<'_, &str> {
    let text = blank(text);
    let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let is_more = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | ':');
    recognize((take_while1(is_first), take_while(is_more))).parse(text)
}

/// This word, not as the beginning of another.
pub(super) fn keyword<'q>(word: &'static str) -> impl Fn(&'q str) -> LogqlResult<'q, &'q str> {
    move |text| match name(text) {
        Ok((rest, found)) if found == word => Ok((rest, found)),
        _ => Err(nom::Err::Error(Fault::from_error_kind(blank(text), ErrorKind::Tag))),
    }
}

/// `"text"` with Go's escapes, or `` `text` `` as it stands.
pub(super) fn string(text: &str) -> LogqlResult<'_, String> {
    let text = blank(text);
    if let Some(raw) = text.strip_prefix('`') {
        return match raw.split_once('`') {
            Some((value, rest)) => Ok((rest, value.to_owned())),
            None => refuse(text, "this string has no end"),
        };
    }
    let Some(quoted) = text.strip_prefix('"') else {
        return Err(nom::Err::Error(Fault {
            rest: text,
            what: format!("syntax error: expected a string, not `{}`", shown(text)),
        }));
    };
    let mut value = String::new();
    let mut rest = quoted;
    loop {
        let mut letters = rest.chars();
        let Some(letter) = letters.next() else { return refuse(text, "this string has no end") };
        match letter {
            '"' => return Ok((letters.as_str(), value)),
            '\\' => {
                let Some((letter, behind)) = escaped(letters.as_str()) else {
                    return refuse(rest, "this escape is none of Go's");
                };
                value.push(letter);
                rest = behind;
            }
            '\n' => return refuse(text, "this string has no end in its line"),
            letter => {
                value.push(letter);
                rest = letters.as_str();
            }
        }
    }
}

/// What stands behind a backslash.
fn escaped(text: &str) -> Option<(char, &str)> {
    let mut letters = text.chars();
    let letter = match letters.next()? {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        same @ ('\\' | '"' | '\'') => same,
        'x' => return in_hex(letters.as_str(), 2),
        'u' => return in_hex(letters.as_str(), 4),
        'U' => return in_hex(letters.as_str(), 8),
        _ => return None,
    };
    Some((letter, letters.as_str()))
}

fn in_hex(text: &str, digits: usize) -> Option<(char, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    Some((char::from_u32(u32::from_str_radix(number, 16).ok()?)?, rest))
}

/// A number without a unit.
pub(super) fn number(text: &str) -> LogqlResult<'_, f64> {
    let text = blank(text);
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.';
    let (rest, digits) = take_while1(is_part).parse(text)?;
    match digits.parse() {
        Ok(number) => Ok((rest, number)),
        Err(_) => refuse(text, format!("`{digits}` is no number")),
    }
}

/// Units of durations, in seconds; those that begin another come behind it.
const DURATION_UNITS: [(&str, f64); 10] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("\u{b5}s", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
    ("w", 604_800.0),
    ("y", 31_536_000.0),
];

/// Units of sizes, in bytes.
const SIZE_UNITS: [(&str, f64); 9] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("KB", 1e3),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("B", 1.0),
];

/// A duration in seconds: `1h30m`.
pub(super) fn duration(text: &str) -> LogqlResult<'_, f64> {
    let mut rest = blank(text);
    let mut seconds = None;
    while let Ok((behind, count)) = number(rest) {
        let Some((unit, behind)) = unit_of(&DURATION_UNITS, behind) else { break };
        seconds = Some(seconds.unwrap_or_default() + count * unit);
        rest = behind;
        if !rest.starts_with(|letter: char| letter.is_ascii_digit()) {
            break;
        }
    }
    match seconds {
        Some(seconds) => Ok((rest, seconds)),
        None => Err(nom::Err::Error(Fault {
            rest: blank(text),
            what: "syntax error: expected a duration such as 5m".to_owned(),
        })),
    }
}

/// A size in bytes: `20MB`.
pub(super) fn size(text: &str) -> LogqlResult<'_, f64> {
    let (behind, count) = number(text)?;
    match unit_of(&SIZE_UNITS, behind) {
        Some((unit, rest)) => Ok((rest, count * unit)),
        None => Err(nom::Err::Error(Fault { rest: behind, what: "syntax error: expected a size".to_owned() })),
    }
}

/// The unit at the beginning of `text`, not as the beginning of a longer word.
fn unit_of<'q>(units: &[(&str, f64)], text: &'q str) -> Option<(f64, &'q str)> {
    for (unit, worth) in units {
        let Some(rest) = text.strip_prefix(unit) else { continue };
        if !rest.starts_with(|letter: char| letter.is_alphabetic()) {
            return Some((*worth, rest));
        }
    }
    None
}

/// A regex, of the whole value or of any part of it; bounded, since others write it.
pub(super) fn regex<'q>(place: &'q str, pattern: &str, whole: bool) -> Result<Regex, nom::Err<Fault<'q>>> {
    let pattern = if whole { format!("^(?s:{pattern})$") } else { pattern.to_owned() };
    RegexBuilder::new(&pattern).size_limit(1 << 20).build().map_err(|error| {
        let error = error.to_string();
        let what = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        nom::Err::Failure(Fault { rest: place, what: format!("error parsing regexp: {what}") })
    })
}
