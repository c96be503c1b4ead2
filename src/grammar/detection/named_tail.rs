//! Lines that begin as a known format and go on with values that the lines themselves name: `rt=0.250 uct="0.100"`. A name that says
//! one thing wherever it is used ([`usual_variable`]) is that, if its values look so on every line; the others stay without a meaning.

use super::bare_address::without_bare_address;
use super::columns::STRAYS;
use super::detect::{DetectionOutcome, detect};
use crate::grammar::format::Format;
use crate::grammar::keyed::usual_variable;
use crate::grammar::variables::shape_fit::list_members;
use crate::grammar::variables::{DurationUnit, Escape, FieldMeaning, ValueShape, VariableKind, nginx_variables};

/// What the name of a format ends in that reads such values.
pub const AND_NAMED: &str = "_and_named";

/// A variable without a meaning is called so, before its name.
const PLAIN: &str = "named_";

/// One `key=value` of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NamedValue<'l> {
    key: &'l str,
    /// `=` or `:`.
    sign: char,
    quoted: bool,
    value: &'l [u8],
}

/// The keys that lines of such a format name, in their order.
pub fn named_keys<'l>(lines: &[&'l [u8]]) -> Vec<&'l str> {
    let tail = lines.iter().find_map(|line| named_tail(line));
    tail.map(|(_, values)| values.into_iter().map(|value| value.key).collect()).unwrap_or_default()
}

/// The format of these lines, if they are those of a candidate with values behind it that they name, of which at least one is
/// known.
pub(super) fn with_named_tail(lines: &[&[u8]], candidates: &[Format]) -> Option<Format> {
    let (at, first) = lines.iter().find_map(|line| named_tail(line))?;
    let front = lines.iter().find(|line| named_tail(line).is_some())?.get(..at)?;
    let columns: Vec<Vec<&[u8]>> = (0..first.len()).map(|number| values_of(lines, &first, number)).collect();
    let fronts: Vec<&[u8]> = lines.iter().filter_map(|line| line.get(..named_tail(line)?.0)).collect();
    for base in candidates.iter().filter(|base| !base.is_keyed() && base.check(front).is_ok()) {
        let bare = without_bare_address(&fronts, base, candidates);
        let base = bare.as_ref().unwrap_or(base);
        let (mut text, mut meanings) = (base.text().to_owned(), Vec::new());
        let mut known = 0;
        for (number, (named, values)) in first.iter().zip(&columns).enumerate() {
            // What a line says twice it says not at all.
            let is_told_twice = first.iter().filter(|other| other.key.eq_ignore_ascii_case(named.key)).count() > 1;
            let (variable, meaning) = match is_told_twice {
                true => (format!("{PLAIN}{number}"), None),
                false => variable_of(named.key, values, base),
            };
            known += usize::from(!variable.starts_with(PLAIN));
            let quote = if named.quoted { "\"" } else { "" };
            text += &format!(" {}{}{quote}${variable}{quote}", named.key, named.sign);
            meanings.extend(meaning);
        }
        let name = format!("{}{AND_NAMED}", base.name());
        let format = Format::compile(&name, &text, base.escape()).ok().filter(|_| known > 0);
        let Some(format) = format.map(|format| format.with_meanings(&meanings)) else { continue };
        let detection = detect(lines, std::slice::from_ref(&format));
        let fitting = detection.shares.first().copied().unwrap_or(0.0);
        // One of a few lines may be torn.
        let enough =
            (1.0 - fitting) * STRAYS as f64 <= 1.0 || lines.len() >= 3 && (1.0 - fitting) * lines.len() as f64 <= 1.0;
        if enough && matches!(detection.outcome, DetectionOutcome::Found { .. }) {
            return Some(format);
        }
    }
    None
}

/// The values of one key, of the lines that name the same keys.
fn values_of<'l>(lines: &[&'l [u8]], first: &[NamedValue<'_>], number: usize) -> Vec<&'l [u8]> {
    let alike = |values: &Vec<NamedValue<'l>>| {
        values.len() == first.len() && values.iter().zip(first).all(|(one, other)| one.key == other.key)
    };
    let tails = lines.iter().filter_map(|line| Some(named_tail(line)?.1).filter(alike));
    tails.filter_map(|values| values.get(number).map(|value| value.value)).collect()
}

/// The variable that a key names, if all of its values are such; else one that means nothing.
fn variable_of(key: &str, values: &[&[u8]], base: &Format) -> (String, Option<FieldMeaning>) {
    let plain: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let nothing = || (format!("{PLAIN}{plain}"), None);
    let own = nginx_variables::is_known(&plain).then_some((plain.as_str(), DurationUnit::Seconds));
    let Some((variable, unit)) = usual_variable(key).or(own) else { return nothing() };
    let timed = matches!(VariableKind::of_name(variable), VariableKind::Seconds | VariableKind::UpstreamSeconds);
    let fits = |value: &&[u8]| match timed && unit != DurationUnit::Seconds {
        true => list_members(value).all(|member| member == b"-" || is_whole(member)),
        false => ValueShape::of_name(variable).fits(Escape::Default, value),
    };
    if base.index_of(variable).is_some() || !values.iter().all(fits) {
        return nothing();
    }
    if !timed || unit == DurationUnit::Seconds {
        return (variable.to_owned(), None);
    }
    let stands_for = variable.to_owned();
    (plain.clone(), Some(FieldMeaning { variable: plain, stands_for, unit, absent: String::new() }))
}

fn is_whole(member: &[u8]) -> bool {
    !member.is_empty() && member.iter().all(u8::is_ascii_digit)
}

/// Where the named values of a line begin, behind a quote, and these; None if it does not end with such.
fn named_tail(line: &[u8]) -> Option<(usize, Vec<NamedValue<'_>>)> {
    let ends = memchr::memmem::find_iter(line, b"\" ").map(|quote| quote + 1);
    ends.filter_map(|at| Some((at, read_values(line.get(at..)?)?))).find(|(_, values)| !values.is_empty())
}

/// The values that `rest` consists of, each with a space before it.
fn read_values(mut rest: &[u8]) -> Option<Vec<NamedValue<'_>>> {
    let mut values = Vec::new();
    while !rest.is_empty() {
        let text = rest.strip_prefix(b" ")?;
        let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte)).count();
        let (key, after) = text.split_at_checked(length)?;
        let key = std::str::from_utf8(key).ok().filter(|key| key.starts_with(|c: char| c.is_ascii_alphabetic()))?;
        let sign = char::from(*after.first().filter(|byte| b"=:".contains(byte))?);
        let after = after.get(1..)?;
        let (value, quoted, behind) = match after.strip_prefix(b"\"") {
            Some(inside) => {
                let end = memchr::memchr(b'"', inside)?;
                (inside.get(..end)?, true, inside.get(end + 1..)?)
            }
            None => {
                let end = bare_length(after);
                // Something else than a space may part the values.
                let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/-[], ".contains(byte) || *byte >= 0x80;
                after.get(..end)?.iter().all(plain).then_some(())?;
                (after.get(..end)?, false, after.get(end..)?)
            }
        };
        values.push(NamedValue { key, sign, quoted, value });
        rest = behind;
    }
    Some(values)
}

/// How long a value without quotes is: to the next space, but for those inside a list.
fn bare_length(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|byte| !b" \"".contains(byte)).count();
        let behind = text.get(at..).unwrap_or_default();
        let listed = text.get(..at).is_some_and(|value| value.ends_with(b",")) && behind.starts_with(b" ");
        match (listed, behind) {
            (true, _) => at += 1,
            (false, [b' ', b':', b' ', ..]) => at += 3,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_values_are_all_that_stands_behind_a_quote() {
        let keys = |line: &'static str| named_keys(&[line.as_bytes()]);
        assert_eq!(keys(r#""curl/8" rt=0.250 uct="0.1""#), ["rt", "uct"]);
        assert_eq!(keys(r#""curl/8" us=502, 200 : 304 rt:0.250"#), ["us", "rt"]);
        assert_eq!(keys(r#""a b=c" "x" k="v w""#), ["k"]);
        for none in [
            r#""curl/8""#,
            r#""curl/8" 0.250"#,
            r#""curl/8" rt=0.250 7"#,
            r#""x" rt= y"#,
            "rt=0.250",
            r#""x" a=-|b=0.001"#,
            r#""x" a=1;b=2"#,
            r#""x" a=0.250, b=1"#,
        ] {
            assert!(keys(none).is_empty() || none.contains("rt= "), "{none}");
        }
    }
}
