//! Which of a keyed log's keys can hold a duration, and in which unit, by their names and values; and which keys there are.

use crate::grammar::{Format, VariableKind, nginx_variables};

/// Parts of a name that speak of a duration.
const OF_DURATIONS: &[&str] = &[
    "time", "dur", "latenc", "elaps", "took", "taken", "spent", "cost", "delay", "wait", "millis", "micros", "msec",
    "usec",
];

/// Words of a name that speak of a duration.
const WORDS_OF_DURATIONS: &[&str] = &["rt", "ms", "us", "ns", "s", "sec", "secs", "seconds", "ttfb"];

/// Parts of a name that speak of something else.
const OF_OTHERS: &[&str] = &[
    "byte",
    "size",
    "length",
    "len",
    "count",
    "port",
    "status",
    "code",
    "pid",
    "connection",
    "timestamp",
    "datetime",
    "timeout",
    "ratio",
    "offset",
    "serial",
];

/// No duration in seconds or milliseconds is so long: it is a point in time.
const EPOCH: f64 = 1e9;

/// A key that can hold a duration.
pub(super) struct DurationKey {
    /// The key.
    pub(super) key: String,
    /// The unit to begin with.
    pub(super) unit: &'static str,
    /// Why that.
    pub(super) why: &'static str,
}

/// The keys under no known name whose values can be durations, in the lines' order.
pub(super) fn duration_keys(format: &Format, lines: &[&[u8]]) -> Vec<DurationKey> {
    let values = logged_numbers(format, lines);
    let unknown = |name: &str| !nginx_variables::is_known(name) && !["time", "@timestamp"].contains(&name);
    let keys = format.variables().iter().zip(&values);
    let keys = keys.filter(|(variable, _)| variable.kind == VariableKind::Decimal && unknown(&variable.name));
    keys.filter(|(variable, values)| speaks_of_duration(&variable.name) && can_be_durations(values))
        .map(|(variable, values)| {
            let (unit, why) = unit_of(&variable.name, values);
            DurationKey { key: variable.name.clone(), unit, why }
        })
        .collect()
}

/// For each variable its values in these lines.
fn logged_numbers(format: &Format, lines: &[&[u8]]) -> Vec<Vec<String>> {
    let mut values: Vec<Vec<String>> = vec![Vec::new(); format.variables().len()];
    for line in lines {
        for (variable, span) in format.fields(line).unwrap_or_default() {
            if let (Some(held), Some(value)) = (values.get_mut(variable), line.get(span)) {
                held.push(String::from_utf8_lossy(value).into_owned());
            }
        }
    }
    values
}

fn speaks_of_duration(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    let word = |word: &str| WORDS_OF_DURATIONS.contains(&word);
    !OF_OTHERS.iter().any(|part| last.contains(part))
        && (OF_DURATIONS.iter().any(|part| last.contains(part)) || last.split(['_', '-']).any(word))
}

fn can_be_durations(values: &[String]) -> bool {
    let duration = |value: &String| value.parse::<f64>().is_ok_and(|number| (0.0..EPOCH).contains(&number));
    !values.is_empty() && values.iter().all(duration)
}

/// The unit that a key's name says, or its values show, and how.
fn unit_of(key: &str, values: &[String]) -> (&'static str, &'static str) {
    let ends = |endings: &[&str]| endings.iter().any(|ending| key.ends_with(ending));
    if ends(&["_ms", "msec", "millis", "milliseconds"]) {
        return ("ms", "as its name says");
    }
    if ends(&["_us", "usec", "micros", "microseconds"]) {
        return ("us", "as its name says");
    }
    if ends(&["_ns", "nanos", "nanoseconds"]) {
        return ("ns", "as its name says");
    }
    if ends(&["_s", "_sec", "_secs", "seconds"]) {
        return ("s", "as its name says");
    }
    let decimals = |value: &String| value.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if values.iter().all(|value| decimals(value) == 3) {
        return ("s", "three decimals, as nginx writes seconds");
    }
    if values.iter().any(|value| decimals(value) > 0) {
        return ("s", "decimals: s, unless it counts ms");
    }
    ("ms", "whole numbers: ms, unless it counts us")
}
