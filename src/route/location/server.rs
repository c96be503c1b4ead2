//! One server's locations, compiled, each with its route's name.

use std::collections::HashSet;

use super::pcre;
use super::route_name;
use super::tree::{LocationLevel, PathMatch};
use super::uri::normalise_uri;
use crate::grammar::conf::{ConfNote, Location, LocationMatch, Server};

/// A server.
#[derive(Debug, Clone)]
pub(super) struct CompiledServer {
    /// `$server_name`, as nginx logs it.
    pub(super) name: String,
    /// The name of the route for requests that no location serves.
    pub(super) route: String,
    pub(super) merge_slashes: bool,
    /// The status of its unconditional `return`: its locations are never asked.
    pub(super) returns: Option<u16>,
    /// The locations at its top.
    top: LocationLevel,
    places: Vec<CompiledLocation>,
}

/// A location.
#[derive(Debug, Clone)]
struct CompiledLocation {
    /// The name of its route.
    route: String,
    /// `^~`: regular expressions beside it are not asked.
    alone: bool,
    inside: LocationLevel,
}

/// How far a search came.
enum SearchEnd {
    /// To the end.
    Final,
    /// Regular expressions further out are still to be asked.
    Open,
    /// To an expression that cannot be used.
    Unknown,
}

impl CompiledServer {
    /// Compiles a server's locations; what cannot be matched is noted.
    pub(super) fn new(server: &Server, notes: &mut Vec<ConfNote>) -> CompiledServer {
        let mut compiled = CompiledServer {
            name: server.name.clone(),
            route: route_name::server_route(&server.name),
            merge_slashes: server.merge_slashes,
            returns: server.returns,
            top: LocationLevel::default(),
            places: Vec::new(),
        };
        let mut taken = HashSet::from([compiled.route.clone()]);
        compiled.top = compiled.compile_level(&server.locations, &server.name, None, &mut taken, notes);
        compiled
    }

    /// Compiles the locations of one block, and then what is inside each; `parent` is the template of the block's location.
    fn compile_level(
        &mut self,
        locations: &[Location],
        server: &str,
        parent: Option<&str>,
        taken: &mut HashSet<String>,
        notes: &mut Vec<ConfNote>,
    ) -> LocationLevel {
        let (mut numbered, mut templates) = (Vec::new(), Vec::new());
        let mut regexes = Vec::new();
        for location in locations.iter().filter(|location| location.by != LocationMatch::Named) {
            let number = self.places.len();
            let template = route_name::location_template(location, parent);
            let route = route_name::location_route(server, &template, parent, number, taken);
            taken.insert(route.clone());
            let alone = location.by == LocationMatch::PrefixOnly;
            self.places.push(CompiledLocation { route, alone, inside: LocationLevel::default() });
            if let LocationMatch::Regex { caseless } = location.by {
                let regex = pcre::compile(&location.text, caseless);
                if let Err(reason) = &regex {
                    let text = format!(
                        "location ~ {}: {reason}; requests that it may be for are named by their path's template",
                        location.text
                    );
                    notes.push(ConfNote { place: location.place.clone(), text });
                }
                regexes.push((regex.ok(), number));
            }
            numbered.push((number, location));
            templates.push(template);
        }
        // Those inside come after, so that the outer ones have the shorter names.
        for ((number, location), template) in numbered.iter().zip(&templates) {
            let inside = self.compile_level(&location.locations, server, Some(template), taken, notes);
            if let Some(place) = self.places.get_mut(*number) {
                place.inside = inside;
            }
        }
        LocationLevel::new(&numbered, regexes)
    }

    /// The names of its locations' routes, in their order.
    pub(super) fn routes(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| place.route.as_str())
    }

    /// Whether regular expressions are asked, so that finding a location is worth remembering.
    pub(super) fn has_regexes(&self) -> bool {
        !self.top.regexes.is_empty() || self.places.iter().any(|place| !place.inside.regexes.is_empty())
    }

    /// The name of the route of a request for `target` (a path, perhaps with a query, as the client sent it). Nothing if
    /// an expression that cannot be used would have to be asked. `uri` is a buffer.
    pub(super) fn find_route(&self, target: &[u8], merge_slashes: bool, uri: &mut Vec<u8>) -> Option<&str> {
        if normalise_uri(target, merge_slashes, uri) { self.find_normalised_route(uri) } else { Some(&self.route) }
    }

    /// [`CompiledServer::find_route`] for a path as nginx compares it.
    pub(super) fn find_normalised_route(&self, uri: &[u8]) -> Option<&str> {
        if self.returns.is_some() {
            return Some(&self.route);
        }
        let mut found = None;
        match self.search_level(&self.top, uri, &mut found) {
            SearchEnd::Unknown => None,
            SearchEnd::Final | SearchEnd::Open => {
                let place = found.and_then(|number| self.places.get(number));
                Some(place.map_or(&self.route, |place| &place.route))
            }
        }
    }

    /// `ngx_http_core_find_location`
    fn search_level(&self, level: &LocationLevel, uri: &[u8], found: &mut Option<usize>) -> SearchEnd {
        match level.find_path(uri) {
            PathMatch::Final(number) => {
                *found = Some(number);
                return SearchEnd::Final;
            }
            PathMatch::Prefix(number) => {
                *found = Some(number);
                if let Some(place) = self.places.get(number) {
                    match self.search_level(&place.inside, uri, found) {
                        SearchEnd::Open if place.alone => return SearchEnd::Open,
                        SearchEnd::Open => {}
                        done => return done,
                    }
                }
            }
            PathMatch::Nothing => {}
        }
        for (regex, number) in &level.regexes {
            let Some(regex) = regex else { return SearchEnd::Unknown };
            if regex.is_match(uri) {
                *found = Some(*number);
                let inside = self.places.get(*number).map(|place| self.search_level(&place.inside, uri, found));
                return if matches!(inside, Some(SearchEnd::Unknown)) { SearchEnd::Unknown } else { SearchEnd::Final };
            }
        }
        SearchEnd::Open
    }
}
