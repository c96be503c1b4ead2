//! From a request's values to the member of a series that it is in.
//!
//! As with routes, the name is put together once and then remembered by the values that it is made of: a line costs one look into a
//! table for each series, and no allocation.

use std::sync::Arc;

use super::series_template::{SeriesTemplate, SeriesTemplates, TemplatePart};
use crate::grammar::Format;
use crate::record::{AttemptOutcome, GroupingFields, Record, RecordValues, RequestField, values_of_key};
use crate::route::RouteId;
use crate::route::cache::AnswerCache;
use crate::route::cap::OTHER;
use crate::route::graphite_name::{LONG, NAME_MAX, NODE_MAX, PATH_OTHER, encode_node};
use crate::route::merit::RouteMerit;
use crate::route::routes::Routes;

/// So many attempts of a request count at most; nginx makes fewer than it has servers.
const MOST_ATTEMPTS: usize = 256;

/// Finds the members of one worker's requests, in lines of one format.
#[derive(Debug)]
pub struct SeriesMatcher {
    templates: Arc<SeriesTemplates>,
    routes: Arc<Routes>,
    /// The series that lines of this format can be in, with their places in `templates`.
    placed: Vec<PlacedSeries>,
    key: Vec<u8>,
}

/// A series, and where a format has its fields.
#[derive(Debug)]
struct PlacedSeries {
    at: usize,
    fields: GroupingFields,
    known: AnswerCache<SeriesMember>,
}

/// A member's number, and why a request got there if its own name had no place.
#[derive(Debug, Clone, Copy)]
struct SeriesMember {
    id: RouteId,
    refused: Option<(RouteMerit, u64)>,
}

impl SeriesMatcher {
    /// For lines of a format. A series of which the format lacks a field has no members there.
    pub fn new(templates: &Arc<SeriesTemplates>, routes: &Arc<Routes>, format: &Format) -> SeriesMatcher {
        let mut placed = Vec::new();
        for (at, template) in templates.templates.iter().enumerate() {
            let fields = GroupingFields::of_format(&template.fields, format);
            if fields.lacking().is_empty() {
                placed.push(PlacedSeries { at, fields, known: AnswerCache::new() });
            }
        }
        SeriesMatcher { templates: Arc::clone(templates), routes: Arc::clone(routes), placed, key: Vec::new() }
    }

    /// What of a line they look at.
    pub fn fields(&self) -> impl Iterator<Item = &GroupingFields> {
        self.placed.iter().map(|placed| &placed.fields)
    }

    /// How many series there are for lines of this format; below they go by their number.
    pub fn len(&self) -> usize {
        self.placed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.placed.is_empty()
    }

    /// How often a request counts in a series by itself: once, or once for each attempt.
    pub fn count_attempts(&self, series: usize, values: &RecordValues<'_>) -> Option<usize> {
        let fields = &self.placed.get(series)?.fields;
        // A client may send what looks like more.
        fields.by_attempt().then(|| fields.count_attempts(values).min(MOST_ATTEMPTS))
    }

    /// What came of an attempt.
    pub fn outcome(&self, series: usize, values: &RecordValues<'_>, attempt: usize) -> AttemptOutcome {
        self.placed.get(series).map_or_else(AttemptOutcome::default, |placed| placed.fields.outcome(values, attempt))
    }

    /// The member of a series that a request, or an attempt of it, is in; none if it lacks one of the values. `record` has the status and
    /// the time by which its member earns a place.
    pub fn find_member(
        &mut self,
        series: usize,
        record: &Record<'_>,
        values: &RecordValues<'_>,
        route: RouteId,
        attempt: usize,
    ) -> Option<RouteId> {
        let placed = self.placed.get_mut(series)?;
        if !placed.fields.write_key(record, values, &route.0.to_le_bytes(), attempt, &mut self.key) {
            return None;
        }
        let merit = RouteMerit::of(record.status, record.request_time_ms);
        let hash = placed.known.hash(&self.key);
        if let Some(member) = placed.known.get(&self.key, hash)
            && member.refused.is_none_or(|(refused, freed)| merit <= refused && freed == self.routes.freed())
        {
            return Some(member.id);
        }
        let template = self.templates.templates.get(placed.at)?;
        let freed = self.routes.freed();
        let name = member_name(template, &self.key, &self.routes);
        let (id, over_cap) = self.routes.number_in_series(&name, &template.with_each(OTHER), merit);
        placed.known.put(&self.key, hash, SeriesMember { id, refused: over_cap.then_some((merit, freed)) });
        Some(id)
    }

    /// The member that takes what is over the cap, of the series that a member is of; none if nothing was.
    pub fn overflow_of(&self, series: usize) -> Option<RouteId> {
        let template = self.templates.templates.get(self.placed.get(series)?.at)?;
        self.routes.find_in_series(&template.with_each(OTHER))
    }
}

/// The name of the member whose values stand in `key`; always safe.
fn member_name(template: &SeriesTemplate, key: &[u8], routes: &Routes) -> String {
    let (mut fields, mut values) = (template.fields.iter(), values_of_key(key).into_iter());
    let mut name = String::new();
    for part in &template.parts {
        let TemplatePart::Field = part else {
            if let TemplatePart::Literal(literal) = part {
                name.push_str(literal);
            }
            continue;
        };
        let value = values.next().unwrap_or_default();
        match fields.next() {
            Some(RequestField::Route) => name.push_str(&route_in_name(value, routes)),
            Some(RequestField::Host) => name.push_str(&value_in_name(&value.to_ascii_lowercase())),
            _ => name.push_str(&value_in_name(value)),
        }
    }
    within_bounds(&name)
}

/// A value as a node, or a part of one. What reads `other` must not count as what is over the cap.
fn value_in_name(value: &[u8]) -> String {
    if value == OTHER.as_bytes() { PATH_OTHER.to_owned() } else { encode_node(value) }
}

/// A route's name, by its number; its nodes become nodes of the series.
fn route_in_name(value: &[u8], routes: &Routes) -> String {
    let number = value.first_chunk::<4>().map(|bytes| RouteId(u32::from_le_bytes(*bytes)));
    match number.and_then(|id| routes.name(id)) {
        // The route of what is over the routes' cap is one of them here.
        Some(name) if *name == *OTHER => PATH_OTHER.to_owned(),
        Some(name) => name.to_string(),
        None => LONG.to_owned(),
    }
}

/// The name with what is too long for a node, or for a name, left out.
fn within_bounds(name: &str) -> String {
    let mut bounded = String::with_capacity(name.len());
    for node in name.split('.') {
        let node = if node.len() > NODE_MAX { LONG } else { node };
        if !bounded.is_empty() {
            bounded.push('.');
        }
        if bounded.len() + node.len() + 1 + LONG.len() > NAME_MAX {
            bounded.push_str(LONG);
            break;
        }
        bounded.push_str(node);
    }
    bounded
}
