//! The text that names a keyed format: `json` or `ltsv`, then what to add to the usual names, `variable=key` or, for a
//! duration, `variable=key:unit` (`json request_time=took:ms status=http.code`).

use super::usual_keys::{JSON_NAMES, LTSV_NAMES, NAMES, ROLES};
use crate::error::meant;
use crate::grammar::format_error::FormatError;
use crate::grammar::variables::DurationUnit;
use crate::grammar::variables::VariableKind;

/// How a line's values are labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyedSyntax {
    /// A JSON object.
    Json,
    /// Labelled tab-separated values.
    Ltsv,
}

impl KeyedSyntax {
    /// All of them.
    pub(crate) const ALL: [KeyedSyntax; 2] = [KeyedSyntax::Json, KeyedSyntax::Ltsv];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            KeyedSyntax::Json => "json",
            KeyedSyntax::Ltsv => "ltsv",
        }
    }
}

/// A key that holds a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VariableKey {
    pub(super) variable: String,
    pub(super) key: String,
    pub(super) unit: DurationUnit,
}

impl VariableKey {
    /// A key whose values are no durations, or in seconds.
    pub(super) fn in_seconds(variable: &str, key: &str) -> VariableKey {
        VariableKey { variable: variable.to_owned(), key: key.to_owned(), unit: DurationUnit::Seconds }
    }
}

/// What a text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyedSpec {
    pub(super) syntax: KeyedSyntax,
    pub(super) keys: Vec<VariableKey>,
}

/// The syntax that `text` begins with, if it names a keyed format at all.
pub(super) fn leading_syntax(text: &str) -> Option<KeyedSyntax> {
    match text.split_ascii_whitespace().next()? {
        "json" => Some(KeyedSyntax::Json),
        "ltsv" => Some(KeyedSyntax::Ltsv),
        _ => None,
    }
}

/// Reads `text`; None if it names no keyed format.
pub(super) fn parse(text: &str) -> Option<Result<KeyedSpec, FormatError>> {
    let syntax = leading_syntax(text)?;
    let place = |word: &str| {
        let from = word.as_ptr() as usize - text.as_ptr() as usize;
        from..from + word.len()
    };
    let keys = text.split_ascii_whitespace().skip(1).map(|word| {
        let wrong = |reason: String, remedy: String| FormatError::new(text, place(word), reason, remedy);
        let Some((variable, key)) = word.split_once('=') else {
            let reason = format!("`{word}` does not say which key holds which variable");
            return Err(wrong(reason, "write variable=key, such as request_time=rt".to_owned()));
        };
        parse_key(variable, key).map_err(|(reason, remedy)| wrong(reason, remedy))
    });
    Some(keys.collect::<Result<Vec<VariableKey>, FormatError>>().map(|keys| KeyedSpec { syntax, keys }))
}

/// One variable's key as a person wrote it, with its unit after a colon. The error is reason and remedy.
pub(super) fn parse_key(variable: &str, key: &str) -> Result<VariableKey, (String, String)> {
    check_variable(variable)?;
    let (key, unit) = match key.rsplit_once(':') {
        Some((key, unit)) => (key, Some(unit)),
        None => (key, None),
    };
    if key.is_empty() {
        return Err((format!("no key is named for {variable}"), format!("for example {variable}=rt")));
    }
    if key.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return Err((format!("the key `{key}` holds a space"), "only keys without one can be named".to_owned()));
    }
    let timed = matches!(VariableKind::of_name(variable), VariableKind::Seconds | VariableKind::UpstreamSeconds);
    let unit = match unit.map(|name| (name, DurationUnit::from_name(name))) {
        None => DurationUnit::Seconds,
        Some((_, Some(_))) if !timed => {
            let reason = format!("{variable} is no duration and has no unit");
            return Err((reason, format!("leave the unit away: {variable}={key}")));
        }
        Some((_, Some(unit))) => unit,
        Some((name, None)) => {
            return Err((format!("unknown unit `{name}`"), "one of s, ms, us, ns; seconds without one".to_owned()));
        }
    };
    Ok(VariableKey { variable: variable.to_owned(), key: key.to_ascii_lowercase(), unit })
}

/// A variable may have any name, but not nearly that of one that matters.
fn check_variable(name: &str) -> Result<(), (String, String)> {
    let name_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if is_usual_variable(name) {
        return Ok(());
    }
    if name.is_empty() || !name.bytes().all(name_byte) {
        let reason = format!("`{name}` is not a variable's name");
        return Err((reason, "nginx's name without `$`: small letters, digits and `_`".to_owned()));
    }
    match meant(name, ROLES.iter().copied().flatten().copied().filter(|role| role.len() > 4), 2) {
        Some(role) => Err((format!("unknown variable `{name}`"), format!("did you mean `{role}`?"))),
        None => Ok(()),
    }
}

fn is_usual_variable(name: &str) -> bool {
    [NAMES, JSON_NAMES, LTSV_NAMES].iter().any(|names| names.iter().any(|(variable, _)| *variable == name))
}
