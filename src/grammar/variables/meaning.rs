//! What variables say that are not nginx's own: made by `map`, by Lua, by a module, or of a descendant of nginx.
//!
//! A meaning comes from a person (`fields = { took = "request_time:ms" }`), from nginx.conf (`map $request_uri $safe_uri`), or it stands in
//! the name (`$request_time_msec`) or in the place: between `$request_method` and `$server_protocol` stands a target.

use super::{DurationUnit, Variable, VariableKind, nginx_variables};

/// What a variable says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMeaning {
    /// The variable, without `$`, in small letters.
    pub variable: String,
    /// The one of nginx's that it stands for.
    pub stands_for: String,
    /// The unit of its values, if they are durations.
    pub unit: DurationUnit,
    /// What it says where there is no such duration, besides `-` and nothing: a `map` may write `0` for a request that went to no
    /// upstream. Mostly empty.
    pub absent: String,
}

/// A variable that nginx.conf makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeVariable {
    /// Its name, without `$`, in small letters.
    pub name: String,
    /// What it stands for; None if for nothing that nginx's own say.
    pub meaning: Option<FieldMeaning>,
    /// Of which of nginx's own variables it is made.
    pub sources: Vec<String>,
}

/// Ends of a duration's name that say its unit.
const UNITS_IN_NAMES: &[(&str, DurationUnit)] = &[
    ("_msec", DurationUnit::Millis),
    ("_ms", DurationUnit::Millis),
    ("_millis", DurationUnit::Millis),
    ("_usec", DurationUnit::Micros),
    ("_us", DurationUnit::Micros),
    ("_sec", DurationUnit::Seconds),
    ("_seconds", DurationUnit::Seconds),
];

/// Parts of the name of a variable that says when something was, and of others that only sound so.
const OF_CLOCKS: &[&str] = &["time", "date", "timestamp"];
const OF_NO_CLOCKS: &[&str] = &[
    "request", "response", "upstream", "connect", "header", "session", "http_", "cookie_", "arg_", "ssl_", "jwt_",
    "expire", "start", "begin", "zone", "timeout", "lua", "php", "process", "update", "elapsed", "times",
];

impl FieldMeaning {
    /// What a name says by itself; nothing if it is one of nginx's own or says nothing.
    pub(super) fn of_name(name: &str) -> Option<FieldMeaning> {
        // Of Tengine: the second of `$msec`.
        if name == "unix_time" {
            return Some(FieldMeaning::new(name, "time", DurationUnit::Seconds));
        }
        let (base, unit) = UNITS_IN_NAMES.iter().find_map(|(end, unit)| Some((name.strip_suffix(end)?, *unit)))?;
        let times = ["request_time", "upstream_response_time", "upstream_connect_time", "upstream_header_time"];
        times.contains(&base).then(|| FieldMeaning::new(name, base, unit))
    }

    fn new(variable: &str, stands_for: &str, unit: DurationUnit) -> FieldMeaning {
        FieldMeaning { variable: variable.to_owned(), stands_for: stands_for.to_owned(), unit, absent: String::new() }
    }
}

/// The first variable whose name speaks of the time when a request ended, for formats that have none of nginx's own. Its values
/// tell whether it is one: what is no time with a zone is rejected.
pub(super) fn clock_by_name(variables: &[Variable]) -> Option<usize> {
    variables.iter().position(|variable| {
        let name = variable.name.as_str();
        variable.kind == VariableKind::Text
            && !nginx_variables::is_known(name)
            && OF_CLOCKS.iter().any(|part| name.contains(part))
            && !OF_NO_CLOCKS.iter().any(|part| name.contains(part))
    })
}

/// The meaning as `fields` says it: `took`, `request_time:ms`.
///
/// # Errors
/// What is wrong, and what mends it.
pub fn read_meaning(variable: &str, meant: &str) -> Result<FieldMeaning, (String, String)> {
    const MEANT: [&str; 15] = [
        "msec",
        "time_iso8601",
        "time_local",
        "time",
        "request_time",
        "upstream_response_time",
        "upstream_connect_time",
        "upstream_header_time",
        "request",
        "request_method",
        "request_uri",
        "server_protocol",
        "status",
        "bytes_sent",
        "host",
    ];
    let (stands_for, unit) = meant.split_once(':').map_or((meant, None), |(name, unit)| (name, Some(unit)));
    if !MEANT.contains(&stands_for) && !["uri", "body_bytes_sent", "http_host", "server_name"].contains(&stands_for) {
        let remedy = match crate::error::meant(stands_for, MEANT, 3) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of {}", MEANT.join(", ")),
        };
        return Err((format!("`{stands_for}` is nothing that a field can stand for"), remedy));
    }
    let timed = matches!(VariableKind::of_name(stands_for), VariableKind::Seconds | VariableKind::UpstreamSeconds);
    let unit = match unit {
        None => DurationUnit::Seconds,
        Some(_) if !timed => {
            return Err((format!("{stands_for} is no duration and has no unit"), "leave the unit away".to_owned()));
        }
        Some(name) => DurationUnit::from_name(name).ok_or_else(|| {
            (format!("unknown unit `{name}`"), "one of s, ms, us, ns; seconds without one".to_owned())
        })?,
    };
    let name = variable.trim_start_matches('$').to_ascii_lowercase();
    if name.is_empty() || !name.bytes().all(super::is_name_byte) {
        return Err((
            format!("`{variable}` is not a variable's name"),
            "the name in the log_format, without `$`".to_owned(),
        ));
    }
    Ok(FieldMeaning::new(&name, stands_for, unit))
}
