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
        let target = roles.target.filter(|_| roles.request.is_none()).and_then(|at| format.variables().get(at));
        let normalised = target.is_some_and(|variable| ["uri", "document_uri"].contains(&variable.name.as_str()));
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
        self.paths.put(&self.key, hash, found.map_or(0, |number| number + 1));
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
            let length = field.map_or(u32::MAX, |field| u32::try_from(field.len()).unwrap_or(u32::MAX - 1));
            self.key.extend_from_slice(&length.to_le_bytes());
            self.key.extend_from_slice(field.unwrap_or_default());
        }
        let hash = self.hosts.hash(&self.key);
        if let Some(number) = self.hosts.get(&self.key, hash) {
            return number.checked_sub(1);
        }
        let name = asked.server_name.map(|name| unescape(name, self.escape));
        let asked = ServerHints { server_name: name.as_deref(), ..*asked };
        let number = self.locations.candidates(&asked).map(|candidates| self.number_choice(candidates));
        self.hosts.put(&self.key, hash, number.map_or(0, |number| number + 1));
        number
    }

    /// The number of a choice. There are few, however many hosts: about one for each server.
    fn number_choice(&mut self, candidates: Vec<CandidateServer>) -> u32 {
        if let Some(&number) = self.known.get(&candidates) {
            return number;
        }
        let number = u32::try_from(self.choices.len()).unwrap_or(u32::MAX);
        let servers: Vec<_> =
            candidates.iter().filter_map(|candidate| self.locations.server(candidate.server)).collect();
        let costly = servers.iter().any(|server| server.has_regexes());
        let by_status = servers.len() > 1 && servers.iter().any(|server| server.returns.is_some());
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
        let returns =
            |candidate: &CandidateServer| self.locations.server(candidate.server).and_then(|server| server.returns);
        let returned = status.is_some() && choice.candidates.iter().any(|candidate| returns(candidate) == status);
        let may_be = |candidate: &&CandidateServer| match returns(candidate) {
            Some(own) => returned && Some(own) == status,
            None => !returned,
        };
        let apart = choice.by_status && choice.candidates.iter().any(|candidate| may_be(&candidate));
        let mut name: Option<&str> = None;
        for candidate in choice.candidates.iter().filter(|candidate| !apart || may_be(candidate)) {
            let server = self.locations.server(candidate.server)?;
            let found = if self.normalised {
                server.find_normalised_route(&path)?
            } else {
                server.find_route(&path, candidate.merge_slashes, &mut self.uri)?
            };
            if name.is_some_and(|name| name != found) {
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
