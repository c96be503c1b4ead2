//! From a request to the nginx location that it entered, and to the name of that location's route.
//!
//! Everything is compared as nginx does it: the server by the host, the URI normalised, then exact paths, the longest
//! prefix, and regular expressions in their order, inside out. A log line does not always say enough: which server a
//! request met may depend on the port. What the line leaves open is left open: there is then no location, unless all that
//! are possible have one name. What `rewrite`, `try_files`, `error_page` and the like do after that is not followed: the
//! location is the one that the client's own URI leads to.

mod name;
mod pcre;
mod server;
mod socket;
mod tree;
mod uri;
mod worker;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::grammar::conf::{Nginx, Note, Target};
use server::Compiled;
use socket::Socket;

pub(super) use worker::Located;

/// The variables that tell servers apart, where a format has them.
pub(super) const VARIABLES: [&str; 3] = ["server_name", "server_port", "scheme"];

/// A configuration's servers and locations; cheap to clone.
#[derive(Debug, Clone)]
pub struct Locations {
    inner: Arc<Inner>,
    /// The servers that write the log in question; nothing if all may.
    writers: Option<Arc<BTreeSet<usize>>>,
}

#[derive(Debug)]
struct Inner {
    servers: Vec<Compiled>,
    sockets: Vec<Socket>,
    /// The logs by pattern and, for a file, path; with the servers that write them.
    logs: Vec<(String, Option<std::path::PathBuf>, BTreeSet<usize>)>,
    notes: Vec<Note>,
}

/// What a line says about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    /// The host without its port, if the line says it.
    pub(super) host: Option<&'a [u8]>,
    /// `$server_name`
    pub(super) server_name: Option<&'a [u8]>,
    /// `$server_port`
    pub(super) server_port: Option<&'a [u8]>,
    /// `$scheme`
    pub(super) scheme: Option<&'a [u8]>,
}

/// A server that a request may have met, and whether `//` in its path counted as `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Candidate {
    pub(super) server: usize,
    merge_slashes: bool,
}

impl Locations {
    /// Compiles a configuration's servers and locations.
    pub fn new(nginx: &Nginx) -> Locations {
        let mut notes = Vec::new();
        let servers: Vec<Compiled> = nginx.servers.iter().map(|server| Compiled::new(server, &mut notes)).collect();
        let sockets = Socket::of(&nginx.servers, &mut notes);
        for server in nginx.servers.iter().filter(|server| server.rewrites && !server.locations.is_empty()) {
            let text = "this server rewrites URIs before it looks for a location; routes go by the URI as it came in";
            notes.push(Note { place: server.place.clone(), text: text.to_owned() });
        }
        let mut logs = Vec::new();
        for (number, log) in nginx.logs.iter().enumerate() {
            let Some(pattern) = log.target.pattern() else { continue };
            let path = match &log.target {
                Target::File(path) => Some(path.clone()),
                _ => None,
            };
            let writers = nginx.servers.iter().enumerate().filter(|(_, server)| server.all_logs.contains(&number));
            logs.push((pattern, path, writers.map(|(at, _)| at).collect()));
        }
        Locations { inner: Arc::new(Inner { servers, sockets, logs, notes }), writers: None }
    }

    /// The same for the lines of one log, given by its path or pattern: only the servers that write it count. Nothing if
    /// none of the configuration's logs is meant.
    #[must_use]
    pub fn of_log(&self, log: &str) -> Option<Locations> {
        let glob = glob::Pattern::new(log).ok();
        let is_meant = |pattern: &str, path: Option<&std::path::Path>| {
            pattern == log || path.is_some_and(|path| glob.as_ref().is_some_and(|glob| glob.matches_path(path)))
        };
        let meant = self.inner.logs.iter().filter(|(pattern, path, _)| is_meant(pattern, path.as_deref()));
        let writers: BTreeSet<usize> = meant.flat_map(|(_, _, writers)| writers).copied().collect();
        (!writers.is_empty()).then(|| Locations { inner: Arc::clone(&self.inner), writers: Some(Arc::new(writers)) })
    }

    /// How many servers write a log, given by its path or pattern.
    pub fn writers_of(&self, log: &str) -> usize {
        self.of_log(log).and_then(|of_log| of_log.writers).map_or(0, |writers| writers.len())
    }

    /// What there is to know: expressions that cannot be used, and servers that cannot be told apart.
    pub fn notes(&self) -> &[Note] {
        &self.inner.notes
    }

    fn server(&self, number: usize) -> Option<&Compiled> {
        self.inner.servers.get(number)
    }

    /// The servers that a request may have met; nothing if that cannot be said.
    fn candidates(&self, asked: &Asked<'_>) -> Option<Vec<Candidate>> {
        let mut candidates = BTreeSet::new();
        let writes = |server: usize| self.writers.as_ref().is_none_or(|writers| writers.contains(&server));
        let named = |server: usize| {
            let own = self.server(server).map(|server| server.name.as_bytes());
            asked.server_name.is_none_or(|name| own == Some(name))
        };
        let host = asked.host.map(<[u8]>::to_ascii_lowercase);
        for socket in self.inner.sockets.iter().filter(|socket| socket.may_be(asked.server_port, asked.scheme)) {
            let merge_slashes = self.server(socket.default).is_none_or(|server| server.merge_slashes);
            let mut add = |server: usize| {
                if writes(server) && named(server) {
                    candidates.insert(Candidate { server, merge_slashes });
                }
            };
            match &host {
                // `$host` is the server's name where the client sent none.
                Some(host) if asked.server_name != Some(host.as_slice()) => add(socket.choose(host)?),
                Some(host) if socket.choose(host).is_some_and(named) => add(socket.choose(host)?),
                _ => socket.servers.iter().copied().for_each(add),
            }
        }
        (!candidates.is_empty()).then(|| candidates.into_iter().collect())
    }
}
