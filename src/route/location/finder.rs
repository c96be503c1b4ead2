//! One worker's way to location routes, with what it remembers.
//!
//! Which servers a host may mean is remembered by all that the line says about it. Paths are compared anew each time,
//! which takes about as long as a look into a cache; where regular expressions have to be asked, the answer is remembered
//! by the path as it was logged, in a bounded cache like that of the templates.

use std::collections::HashMap;

use super::locations::{CandidateServer, Locations, ServerHints};
use crate::grammar::{Escape, Format};
use crate::record::unescape;
use crate::route::cache::AnswerCache;
use crate::route::query::without_query;

/// Finds locations; one for each worker.
#[derive(Debug)]
pub(in crate::route) struct LocationFinder {
    locations: Locations,
    escape: Escape,
    /// The paths are `$uri`: normalised by nginx already, and what it made of them by internal redirects.
    normalised: bool,
    /// From what lines say about the server to a number in `choices`, plus one; 0 if nothing can be said.
    hosts: AnswerCache<u32>,
    choices: Vec<ServerChoice>,
    known: HashMap<Vec<CandidateServer>, u32>,
    /// From choice, status and path to a number in `names`, plus one; 0 if there is no location.
    paths: AnswerCache<u32>,
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    key: Vec<u8>,
    uri: Vec<u8>,
}

/// The servers that a host may mean.
#[derive(Debug)]
struct ServerChoice {
    candidates: Vec<CandidateServer>,
    /// Whether any of them asks regular expressions.
    costly: bool,
    /// Whether the status tells some of them apart.
    by_status: bool,
}

impl LocationFinder {
    /// A finder that remembers nothing yet, for lines with the default escaping.
    pub(in crate::route) fn new(locations: Locations) -> LocationFinder {
        LocationFinder {
            locations,
            escape: Escape::Default,
            normalised: false,
            hosts: AnswerCache::new(),
            choices: Vec::new(),
            known: HashMap::new(),
            paths: AnswerCache::new(),
            names: Vec::new(),
            numbers: HashMap::new(),
            key: Vec::new(),
            uri: Vec::new(),
        }
    }

    /// The same for lines of a format.
    pub(in crate::route) fn of_format(self, format: &Format) -> LocationFinder {
        let roles = format.roles();
        let normalised = match roles.target {
            Some(target) if roles.request.is_none() => is_uri(format, target),
            _ => false,
        };
        LocationFinder { escape: format.escape(), normalised, ..self }
    }

    /// How many keys each cache holds, and how many bytes they take.
    #[cfg(test)]
    pub(in crate::route) fn cached_sizes(&self) -> [(usize, usize); 2] {
        [self.hosts.size(), self.paths.size()]
    }

    /// The number of the route of the location that a request for `path` (as logged, with its query) entered;
    /// nothing if that cannot be said.
    pub(in crate::route) fn find_route(
        &mut self,
        asked: &ServerHints<'_>,
        path: &[u8],
        status: Option<u16>,
    ) -> Option<u32> {
        let at = self.choose_servers(asked)?;
        let choice = self.choices.get(at as usize)?;
        if !choice.costly {
            return self.ask_servers(at, path, status);
        }
        let path = without_query(path);
        self.key.clear();
        self.key.extend_from_slice(&at.to_le_bytes());
        if choice.by_status {
            self.key.extend_from_slice(&status.unwrap_or_default().to_le_bytes());
        }
        self.key.extend_from_slice(path);
        let hash = self.paths.hash(&self.key);
        if let Some(number) = self.paths.get(&self.key, hash) {
            return number.checked_sub(1);
        }
        let found = self.ask_servers(at, path, status);
        self.paths.put(&self.key, hash, to_cached(found));
        found
    }

    /// The name of a route that was found.
    pub(in crate::route) fn route_name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    /// The number of the servers that a host may mean, by all that the line says about it.
    fn choose_servers(&mut self, asked: &ServerHints<'_>) -> Option<u32> {
        self.key.clear();
        for field in [asked.host, asked.server_name, asked.server_port, asked.scheme] {
            self.key.extend_from_slice(&key_length(field).to_le_bytes());
            self.key.extend_from_slice(field.unwrap_or_default());
        }
        let hash = self.hosts.hash(&self.key);
        if let Some(number) = self.hosts.get(&self.key, hash) {
            return number.checked_sub(1);
        }
        let name = asked.server_name.map(|name| unescape(name, self.escape));
        let asked = ServerHints { server_name: name.as_deref(), ..*asked };
        let number = self.locations.candidates(&asked).map(|candidates| self.number_choice(candidates));
        self.hosts.put(&self.key, hash, to_cached(number));
        number
    }

    /// The number of a choice. There are few, however many hosts: about one for each server.
    fn number_choice(&mut self, candidates: Vec<CandidateServer>) -> u32 {
        if let Some(&number) = self.known.get(&candidates) {
            return number;
        }
        let number = u32::try_from(self.choices.len()).unwrap_or(u32::MAX);
        let (mut servers, mut costly, mut by_status) = (0, false, false);
        for candidate in &candidates {
            let Some(server) = self.locations.server(candidate.server) else { continue };
            servers += 1;
            costly |= server.has_regexes();
            by_status |= server.returns.is_some();
        }
        by_status &= servers > 1;
        self.known.insert(candidates.clone(), number);
        self.choices.push(ServerChoice { candidates, costly, by_status });
        number
    }

    /// Asks the servers of a choice; they have to agree.
    fn ask_servers(&mut self, choice: u32, path: &[u8], status: Option<u16>) -> Option<u32> {
        let choice = self.choices.get(choice as usize)?;
        let path = unescape(path, self.escape);
        // A server that answers everything with one status has no part in a request with another; and what has that
        // status counts as its own where it may be.
        let (mut returned, mut apart) = (false, false);
        for candidate in &choice.candidates {
            returned |= status.is_some() && only_status(&self.locations, candidate) == status;
        }
        for candidate in &choice.candidates {
            apart |= choice.by_status && may_answer(only_status(&self.locations, candidate), status, returned);
        }
        let mut name: Option<&str> = None;
        for candidate in &choice.candidates {
            if apart && !may_answer(only_status(&self.locations, candidate), status, returned) {
                continue;
            }
            let server = self.locations.server(candidate.server)?;
            let found = if self.normalised {
                server.find_normalised_route(&path)?
            } else {
                server.find_route(&path, candidate.merge_slashes, &mut self.uri)?
            };
            if let Some(name) = name
                && name != found
            {
                return None;
            }
            name = Some(found);
        }
        let name = name?;
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        let number = u32::try_from(self.names.len()).ok()?;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }
}

/// Whether a variable is the URI as nginx made it, not as the client sent it.
fn is_uri(format: &Format, variable: usize) -> bool {
    matches!(format.stands_for(variable), "uri" | "document_uri")
}

/// A number as the caches hold it: one more, so that 0 is that there is none.
#[inline]
fn to_cached(number: Option<u32>) -> u32 {
    match number {
        Some(number) => number + 1,
        None => 0,
    }
}

/// What tells a field of a key from the next; one that the line lacks is not the empty one.
#[inline]
fn key_length(field: Option<&[u8]>) -> u32 {
    match field {
        Some(field) => u32::try_from(field.len()).unwrap_or(u32::MAX - 1),
        None => u32::MAX,
    }
}

/// The status with which a server answers everything, if it does (`return 301 ..;`).
fn only_status(locations: &Locations, candidate: &CandidateServer) -> Option<u16> {
    locations.server(candidate.server)?.returns
}

/// Whether a server that answers everything with `own`, if with anything, may have answered with `status`; `returned`
/// is whether one of the candidates answers everything with that.
fn may_answer(own: Option<u16>, status: Option<u16>, returned: bool) -> bool {
    match own {
        Some(_) => returned && own == status,
        None => !returned,
    }
}
