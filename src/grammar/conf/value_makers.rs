//! What variables say that nginx.conf makes itself: by `map`, also by several in a row, and by `set`.
//!
//! Each is worked out for some requests ([`SampleRequest`]) and held against what nginx's own variables say of these. If it is the
//! same for all of them, in one unit, it stands for that one; a target may have parts of its arguments hidden. So a map that keeps
//! only the first member of a list, cuts off decimals or names a few classes stands for nothing, whatever it is called.
//! `set` is done before a request is answered, so that it never holds a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use regex::Captures;

use super::files::ConfFiles;
use super::sample_request::{FINE_TIMES, SampleRequest};
use super::tree::{self, ConfDirective};
use super::value_map::{MapValue, TextPart, ValueMap, text_parts};
use crate::grammar::variables::{DurationUnit, FieldMeaning, MadeVariable};

/// Maps that ask maps are followed so far.
const DEPTH_MAX: usize = 16;

/// All maps of a configuration, and the values of each `set`; by variable.
#[derive(Default)]
pub(super) struct ValueMakers<'c> {
    maps: BTreeMap<String, &'c ConfDirective>,
    sets: BTreeMap<String, Vec<&'c str>>,
}

/// The maps that some variables ask for.
#[derive(Default)]
struct Prepared {
    maps: BTreeMap<String, ValueMap>,
}

impl<'c> ValueMakers<'c> {
    /// Those of an `http` block.
    pub(super) fn of_http(block: &'c [ConfDirective]) -> ValueMakers<'c> {
        let mut makers = ValueMakers::default();
        for directive in block.iter().filter(|directive| directive.is("map")) {
            if let Some(name) = directive.arg(1).and_then(|name| name.strip_prefix('$')) {
                makers.maps.insert(name.to_ascii_lowercase(), directive);
            }
        }
        makers.add_sets(block);
        makers
    }

    fn add_sets(&mut self, block: &'c [ConfDirective]) {
        for directive in block {
            if directive.is("set")
                && let (Some(name), Some(value)) = (directive.arg(0), directive.arg(1))
                && let Some(name) = name.strip_prefix('$')
            {
                self.sets.entry(name.to_ascii_lowercase()).or_default().push(value);
            }
            if !directive.is("map") {
                self.add_sets(directive.children());
            }
        }
    }

    /// The variables of a log_format's text that are made here.
    pub(super) fn made_in(&self, text: &str) -> Vec<MadeVariable> {
        let mut made: Vec<MadeVariable> = Vec::new();
        if self.maps.is_empty() && self.sets.is_empty() {
            return made;
        }
        for name in variables_of(text) {
            if made.iter().any(|known| known.name == name) {
                continue;
            }
            let mut sources = BTreeSet::new();
            let prepared = self.prepare(&name, &mut sources);
            let meaning = match (prepared.maps.contains_key(&name), self.sets.get(&name)) {
                (true, _) => prepared.meaning_of_map(&name),
                (false, Some(values)) => prepared.meaning_of_set(&name, values),
                (false, None) => continue,
            };
            made.push(MadeVariable { name, meaning, sources: sources.into_iter().collect() });
        }
        made
    }

    /// The maps that a variable is made by, one after the other; `sources` are the variables that no map makes.
    fn prepare(&self, name: &str, sources: &mut BTreeSet<String>) -> Prepared {
        let mut prepared = Prepared::default();
        let mut asked = vec![name.to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(next) = asked.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            match self.maps.get(&next).and_then(|directive| ValueMap::read(directive)) {
                Some(map) => {
                    asked.extend(map.texts().flat_map(variables_of));
                    prepared.maps.insert(next, map);
                }
                None => {
                    asked.extend(self.sets.get(&next).into_iter().flatten().flat_map(|value| variables_of(value)));
                    sources.insert(next);
                }
            }
        }
        prepared
    }
}

/// The variables of a log_format's text that a piece of nginx.conf makes, which need not be whole or right.
pub(in crate::grammar) fn made_in_text(conf: &str, log_format: &str) -> Vec<MadeVariable> {
    let Ok(tree) = tree::read(Path::new("pasted"), &OneText(conf)) else { return Vec::new() };
    let http = tree.iter().find(|directive| directive.is("http"));
    ValueMakers::of_http(http.map_or(tree.as_slice(), ConfDirective::children)).made_in(log_format)
}

/// A text alone; what it includes is not at hand.
struct OneText<'t>(&'t str);

impl ConfFiles for OneText<'_> {
    fn files(&self, path: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        let text = if path == "pasted" { self.0 } else { "" };
        Ok(vec![(PathBuf::from(path), text.as_bytes().to_vec())])
    }
}

/// The variables that a text names, in small letters.
fn variables_of(text: &str) -> Vec<String> {
    let named = |part: TextPart<'_>| match part {
        TextPart::Variable(name) => Some(name.to_ascii_lowercase()),
        TextPart::Plain(_) => None,
    };
    text_parts(text).into_iter().filter_map(named).collect()
}

impl Prepared {
    fn meaning_of_map(&self, name: &str) -> Option<FieldMeaning> {
        let requests = SampleRequest::all();
        let values: Option<Vec<String>> = requests.iter().map(|request| self.value(name, request, 0)).collect();
        meaning_of_values(name, &requests, &values?)
    }

    /// A value that cannot be worked out, such as what an `if` captured, hides a part of another.
    fn meaning_of_set(&self, name: &str, set: &[&str]) -> Option<FieldMeaning> {
        const BEFORE_THE_ANSWER: [&str; 6] =
            ["request", "request_uri", "uri", "request_method", "server_protocol", "host"];
        let requests = SampleRequest::all();
        let mut found: Option<FieldMeaning> = None;
        for value in set {
            let values: Option<Vec<String>> =
                requests.iter().map(|request| self.expand(value, request, None, 0)).collect();
            let Some(values) = values.filter(|values| values.iter().any(|value| !value.is_empty())) else { continue };
            let meaning = meaning_of_values(name, &requests, &values)?;
            if !BEFORE_THE_ANSWER.contains(&meaning.stands_for.as_str())
                || found.as_ref().is_some_and(|other| *other != meaning)
            {
                return None;
            }
            found = Some(meaning);
        }
        found
    }

    /// What a variable says of a request; None if that cannot be known.
    fn value(&self, name: &str, request: &SampleRequest, depth: usize) -> Option<String> {
        if let Some(own) = request.value(name) {
            return Some(own.to_owned());
        }
        let map = self.maps.get(name).filter(|_| depth < DEPTH_MAX)?;
        // What Lua or a module makes of a request is nothing for most.
        let source = self.expand(&map.source, request, None, depth + 1).unwrap_or_default();
        match map.look_up(&source) {
            MapValue::Text(text, captures) => self.expand(text, request, captures.as_ref(), depth + 1),
            MapValue::Unknown => None,
        }
    }

    /// A text with its variables replaced.
    fn expand(
        &self,
        text: &str,
        request: &SampleRequest,
        captures: Option<&Captures<'_>>,
        depth: usize,
    ) -> Option<String> {
        let mut expanded = String::new();
        for part in text_parts(text) {
            let name = match part {
                TextPart::Plain(plain) => {
                    expanded.push_str(plain);
                    continue;
                }
                TextPart::Variable(name) => name,
            };
            let captured = captures.and_then(|captures| match name.parse::<usize>() {
                Ok(number) => captures.get(number),
                Err(_) => captures.name(name),
            });
            match captured {
                Some(captured) => expanded.push_str(captured.as_str()),
                // A group that took no part is empty.
                None if captures.is_some() && name.bytes().all(|byte| byte.is_ascii_digit()) => {}
                None => expanded.push_str(&self.value(&name.to_ascii_lowercase(), request, depth)?),
            }
        }
        Some(expanded)
    }
}

/// Which of nginx's own variables has these values for these requests.
fn meaning_of_values(name: &str, requests: &[SampleRequest], values: &[String]) -> Option<FieldMeaning> {
    const TIMES: [&str; 4] =
        ["request_time", "upstream_response_time", "upstream_connect_time", "upstream_header_time"];
    const SAME: [&str; 9] = [
        "msec",
        "time_iso8601",
        "time_local",
        "request_method",
        "server_protocol",
        "status",
        "bytes_sent",
        "body_bytes_sent",
        "host",
    ];
    let own = |known: &str| -> Vec<String> {
        requests.iter().map(|request| request.value(known).unwrap_or_default().to_owned()).collect()
    };
    let meaning = |stands_for: &str, unit: DurationUnit, absent: &str| FieldMeaning {
        variable: name.to_owned(),
        stands_for: stands_for.to_owned(),
        unit,
        absent: absent.to_owned(),
    };
    for known in TIMES {
        for (_, unit) in DurationUnit::NAMES {
            if let Some(absent) = absent_of_durations(&own(known), values, unit) {
                return Some(meaning(known, unit, absent));
            }
        }
    }
    if let Some(same) = SAME.into_iter().find(|known| own(known) == values) {
        return Some(meaning(same, DurationUnit::Seconds, ""));
    }
    if FINE_TIMES.into_iter().any(|spelling| own(spelling) == values) {
        return Some(meaning("time", DurationUnit::Seconds, ""));
    }
    // Some write it without its point.
    if own("msec").iter().zip(values).all(|(known, value)| known.replace('.', "") == *value) {
        return Some(meaning("time", DurationUnit::Seconds, ""));
    }
    let of = |known: &str, target_of: fn(&str) -> Option<&str>| {
        let alike = |(known, value): &(&String, &String)| {
            target_of(known).map(path_of) == target_of(value).map(path_of) && !value.is_empty()
        };
        let targets = values.iter().all(|value| value.is_empty() || target_of(value).is_some());
        targets && own(known).iter().zip(values).filter(alike).count() * 2 > values.len()
    };
    let found = [("request", target_of_request as fn(&str) -> Option<&str>), ("request_uri", target), ("uri", target)]
        .into_iter()
        .find(|(known, target_of)| of(known, *target_of));
    found.map(|(known, _)| meaning(known, DurationUnit::Seconds, ""))
}

/// What stands for an absent duration, if the values are the known ones in that unit.
fn absent_of_durations<'v>(known: &[String], values: &'v [String], unit: DurationUnit) -> Option<&'v str> {
    let mut absent = "";
    for (known, value) in known.iter().zip(values) {
        if known.is_empty() {
            absent = value;
        } else if !is_list_in(known, value, unit) {
            return None;
        }
    }
    Some(if absent == "-" { "" } else { absent })
}

/// Whether a list of durations is the known one, which is in seconds, in this unit.
fn is_list_in(known: &str, value: &str, unit: DurationUnit) -> bool {
    let split = |list: &str| -> Vec<String> { list.split([',', ' ', ':']).map(str::to_owned).collect() };
    let (known, value) = (split(known), split(value));
    known.len() == value.len()
        && known.iter().zip(&value).all(|(known, value)| {
            known == value && matches!(known.as_str(), "" | "-")
                || matches!((micros(known, 6), micros(value, 6 - unit.decimal_places())), (Some(one), Some(other)) if one == other)
        })
}

/// A decimal number, times ten to the power of `places`, if that is whole.
fn micros(number: &str, places: i32) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let shift = places - i32::try_from(fraction.len()).ok()?;
    let all: i64 = format!("{whole}{fraction}").parse().ok()?;
    if shift >= 0 {
        return all.checked_mul(10_i64.checked_pow(shift.unsigned_abs())?);
    }
    let by = 10_i64.checked_pow(shift.unsigned_abs())?;
    (all % by == 0).then(|| all / by)
}

fn target(value: &str) -> Option<&str> {
    value.starts_with('/').then_some(value)
}

/// The target of a request line, with or without its protocol.
fn target_of_request(value: &str) -> Option<&str> {
    let (method, rest) = value.split_once(' ')?;
    let (target, protocol) = rest.rsplit_once(' ').unwrap_or((rest, "HTTP/"));
    let whole = method.bytes().all(|byte| byte.is_ascii_uppercase()) && protocol.starts_with("HTTP/");
    (whole && target.starts_with('/')).then_some(target)
}

/// A target without its arguments.
fn path_of(target: &str) -> &str {
    target.split_once('?').map_or(target, |(path, _)| path)
}
