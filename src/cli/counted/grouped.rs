//! Cells by the values of fields of the requests: `--by`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use super::Rows;
use super::format_cache::MadeOfFormats;
use crate::cli::answer::output::say;
use crate::error::{Error, Result};
use crate::grammar::Format;
use crate::histogram::{Cell, Time};
use crate::pipeline::RoutedRecord;
use crate::pipeline::retrieve::ScannedLine;
use crate::record::{GroupingFields, RecordValues, RequestField, values_of_key};
use crate::report::count;
use crate::route::RouteId;

/// At most this many groups are kept apart; the rest is counted as `other`.
pub(in crate::cli) const GROUPS_MAX: usize = 10_000;

/// What is over a cap, of routes or of groups, is counted under this name.
pub(in crate::cli) const OTHER: &str = "other";

/// The fields that `--by` names, one or several with commas between.
pub(in crate::cli) fn fields_of(by: &str) -> Result<Vec<RequestField>> {
    let mut fields = Vec::new();
    for name in by.split(',') {
        match name.trim() {
            "" | "$" | "query:" => {
                return Err(Error::usage(format!("--by `{by}` names no field")).remedy("write --by status,path"));
            }
            name => fields.push(RequestField::of_name(name)),
        }
    }
    Ok(fields)
}

/// Their names, as the columns have them.
pub(in crate::cli) fn names_of(by: &str) -> Vec<String> {
    by.split(',').map(|name| name.trim().trim_start_matches('$').to_owned()).collect()
}

/// Say what the rows are of where each attempt counts by itself.
pub(in crate::cli) fn say_attempts<'f>(fields: &[RequestField], mut formats: impl Iterator<Item = &'f Format>) {
    if !fields.iter().any(|field| matches!(field, RequestField::Attempts(_))) {
        return;
    }
    let timed = formats.any(|format| GroupingFields::of_format(fields, format).times_attempts());
    say(match timed {
        true => {
            "each attempt at an upstream counts by itself, with its own $upstream_response_time and $upstream_status"
        }
        false => {
            "each attempt at an upstream counts by itself; the log has no $upstream_response_time, so none has a time"
        }
    });
}

/// The error of fields that no log has; none if one of the formats has them all.
pub(in crate::cli) fn check_fields<'f>(
    fields: &[RequestField],
    formats: impl Iterator<Item = &'f Format> + Clone,
) -> Result<()> {
    let mut lacking: Option<String> = None;
    for format in formats.clone() {
        let placed = GroupingFields::of_format(fields, format);
        match placed.lacking().first() {
            None => return Ok(()),
            Some(name) => lacking = Some((*name).to_owned()),
        }
    }
    let Some(name) = lacking else { return Ok(()) };
    let mut known: Vec<&str> = Vec::new();
    for format in formats {
        for variable in format.variables() {
            if !known.contains(&variable.name.as_str()) {
                known.push(&variable.name);
            }
        }
    }
    let error = Error::usage(format!("--by {name}: the log has no ${name}"));
    Err(error.remedy(format!(
        "it has {}; beside these there are route, method, status, host, target, path, query:KEY, net, agent_family, status_class",
        known.join(", ")
    )))
}

/// Which groups have a cell of their own, for all threads that count: the first that any of them meets.
///
/// Were it each thread's own first ones, a group could be kept apart by one and be among the others for the next, and its row be
/// too small.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct KeptGroups(Arc<RwLock<HashSet<Vec<u8>>>>);

impl KeptGroups {
    /// Whether this group has a cell of its own; what was said once of a group stays.
    pub(in crate::cli) fn keep(&self, key: &[u8]) -> bool {
        let is_kept = |kept: &HashSet<Vec<u8>>| match kept.contains(key) {
            true => Some(true),
            false if kept.len() >= GROUPS_MAX => Some(false),
            false => None,
        };
        // A thread that panicked while it held the lock left the set whole.
        let known = is_kept(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        known.unwrap_or_else(|| {
            let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
            is_kept(&kept).unwrap_or_else(|| kept.insert(key.to_vec()))
        })
    }
}

/// The cells of groups of requests.
#[derive(Debug, Default)]
pub(super) struct GroupedCells {
    cells: HashMap<Vec<u8>, Cell>,
    kept: KeptGroups,
    /// Written anew for each request.
    key: Vec<u8>,
}

impl GroupedCells {
    /// Cells of one of several threads.
    pub(super) fn of_thread(kept: &KeptGroups) -> GroupedCells {
        GroupedCells { kept: kept.clone(), ..GroupedCells::default() }
    }

    /// Count a request in its group, or each of its attempts in that of the attempt.
    pub(super) fn count(
        &mut self,
        fields: &GroupingFields,
        seen: &RoutedRecord<'_>,
        values: &RecordValues<'_>,
        upstreams: bool,
    ) {
        let route = seen.matched.id.0.to_string();
        for attempt in 0..fields.count_attempts(values) {
            let mut key = std::mem::take(&mut self.key);
            fields.write_key(&seen.record, values, route.as_bytes(), attempt, &mut key);
            let cell = self.cell_of(&key);
            if fields.by_attempt() {
                count_attempt(cell, fields, seen, values, attempt);
            } else {
                seen.count_into(cell);
                if upstreams {
                    seen.count_upstreams(cell, false);
                }
            }
            self.key = key;
        }
    }

    /// The cell of a group; over the limit, that of all others, whose key is empty.
    fn cell_of(&mut self, key: &[u8]) -> &mut Cell {
        let has_own = self.cells.contains_key(key) || self.kept.keep(key);
        let key = if has_own { key } else { b"" };
        self.cells.entry(key.to_vec()).or_default()
    }

    /// Add what another thread counted.
    pub(super) fn merge(&mut self, other: GroupedCells) {
        for (key, cell) in other.cells {
            self.cells.entry(key).or_default().merge(&cell);
        }
    }

    /// The rows, each with the values of the fields; says how much has no row of its own.
    pub(super) fn into_rows(self, fields: &[RequestField], route_name: impl Fn(RouteId) -> String) -> Rows {
        let mut rows = Rows::new();
        for (key, cell) in self.cells {
            let mut names = Vec::new();
            for (field, value) in fields.iter().zip(values_of_key(&key)) {
                let text = String::from_utf8_lossy(value);
                names.push(match (field, text.parse()) {
                    (RequestField::Route, Ok(id)) => route_name(RouteId(id)),
                    _ => text.into_owned(),
                });
            }
            if key.is_empty() {
                let requests = count(cell.requests);
                say(&format!(
                    "{requests} requests are in `{OTHER}`: there are more than {GROUPS_MAX} different values"
                ));
            }
            names.resize(fields.len(), OTHER.to_owned());
            rows.push((names, cell));
        }
        rows
    }
}

/// Count one attempt: by its own status and time. It is slow if its request was.
fn count_attempt(
    cell: &mut Cell,
    fields: &GroupingFields,
    seen: &RoutedRecord<'_>,
    values: &RecordValues<'_>,
    attempt: usize,
) {
    let outcome = fields.outcome(values, attempt);
    cell.requests += 1;
    cell.slow += u64::from(seen.slow);
    if let Some(status) = outcome.status.or(seen.record.status) {
        cell.count_status(status);
    }
    let of_attempt = [
        (Time::Request, outcome.response_ms),
        (Time::UpstreamResponse, outcome.response_ms),
        (Time::UpstreamConnect, outcome.connect_ms),
        (Time::UpstreamHeader, outcome.header_ms),
    ];
    for (time, millis) in of_attempt {
        if let Some(millis) = millis {
            cell.time_mut(time).record(millis);
        }
    }
}

/// The grouping fields of one format after the other, each placed once.
#[derive(Debug, Default)]
pub(super) struct PlacedByFormat {
    known: MadeOfFormats<GroupingFields>,
}

impl PlacedByFormat {
    /// Count a line in the group that its fields, as its format has them, put it in.
    pub(super) fn count_line(
        &mut self,
        fields: &[RequestField],
        line: &ScannedLine<'_>,
        into: &mut GroupedCells,
        upstreams: bool,
    ) {
        let placed = self.known.of(line.values.format(), |format| GroupingFields::of_format(fields, format));
        if let Some(placed) = placed {
            into.count(placed, line.seen, &line.values, upstreams);
        }
    }

    /// Say how attempts were counted.
    ///
    /// # Errors
    /// No log that was read has one of the fields.
    pub(super) fn conclude(&self, fields: &[RequestField]) -> Result<()> {
        check_fields(fields, self.known.formats())?;
        say_attempts(fields, self.known.formats());
        Ok(())
    }
}
