//! A configuration's servers and locations, compiled; and which servers a request may have met.
//!
//! A route that names the wrong location would mislead more than none. So all servers are candidates that the line does not
//! exclude (by who writes its log, by host, port, scheme and server name), and a location names the route only if the same
//! comes out for all of them. Where hosts are shared by different servers, [`Locations::notes`] says what the format lacks.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::server::CompiledServer;
use super::socket::ListenSocket;
use crate::grammar::conf::{ConfNote, LogTarget, NginxConf, ServerName};
use crate::wildcards::means;
use glob::MatchOptions;
use xxhash_rust::xxh3::xxh3_64;

/// The variables that tell servers apart, where a format has them.
pub(in crate::route) const SERVER_VARIABLES: [&str; 3] = ["server_name", "server_port", "scheme"];

/// A configuration's servers and locations; cheap to clone.
#[derive(Debug, Clone)]
pub struct Locations {
    pub(super) inner: Arc<CompiledConf>,
    /// The servers that write the log in question; nothing if all may.
    writers: Option<Arc<BTreeSet<usize>>>,
    notes: Arc<[ConfNote]>,
}

/// What all clones share.
#[derive(Debug)]
pub(super) struct CompiledConf {
    pub(super) servers: Vec<CompiledServer>,
    sockets: Vec<ListenSocket>,
    logs: Vec<CompiledLog>,
    fingerprint: u64,
}

/// A log of the configuration, and the servers that write it.
#[derive(Debug)]
struct CompiledLog {
    /// As a glob; variables in the path are stars.
    pattern: String,
    /// The path, if it is a file without variables.
    path: Option<PathBuf>,
    /// Numbers in the configuration's list.
    writers: BTreeSet<usize>,
}

impl CompiledLog {
    /// Whether `log`, which compiles to `glob` if it is a pattern, means this one: by its text, or by matching its path.
    fn is_meant(&self, log: &str, glob: Option<&glob::Pattern>) -> bool {
        if self.pattern == log {
            return true;
        }
        match (&self.path, glob) {
            (Some(path), Some(glob)) => means(glob, path, MatchOptions::new()),
            _ => false,
        }
    }
}

/// See [`Locations::fingerprint`].
fn conf_fingerprint(nginx: &NginxConf, servers: &[CompiledServer], logs: &[CompiledLog]) -> u64 {
    let mut text = format!("{servers:?}\n");
    for server in &nginx.servers {
        text.push_str(&format!("{:?}\n", (&server.listens, &server.names, server.rewrites)));
    }
    for log in logs {
        text.push_str(&format!("{:?}\n", (&log.pattern, &log.writers)));
    }
    xxh3_64(text.as_bytes())
}

/// What a line says about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::route) struct ServerHints<'a> {
    /// The host without its port, if the line says it.
    pub(in crate::route) host: Option<&'a [u8]>,
    /// `$server_name`
    pub(in crate::route) server_name: Option<&'a [u8]>,
    /// `$server_port`
    pub(in crate::route) server_port: Option<&'a [u8]>,
    /// `$scheme`
    pub(in crate::route) scheme: Option<&'a [u8]>,
}

/// A server that a request may have met, and whether `//` in its path counted as `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::route) struct CandidateServer {
    pub(in crate::route) server: usize,
    pub(in crate::route) merge_slashes: bool,
}

impl Locations {
    /// Whether they tell requests apart. The `location /` that is all there is in many a configuration says nothing of a
    /// request: its path says more.
    pub fn tell_apart(&self) -> bool {
        self.inner.servers.iter().flat_map(CompiledServer::routes).nth(1).is_some()
    }

    /// Compiles a configuration's servers and locations.
    pub fn new(nginx: &NginxConf) -> Locations {
        let mut notes = Vec::new();
        let mut servers = Vec::with_capacity(nginx.servers.len());
        for server in &nginx.servers {
            servers.push(CompiledServer::new(server, &mut notes));
        }
        let sockets = ListenSocket::compile_all(&nginx.servers, &mut notes);
        for server in &nginx.servers {
            if !server.rewrites || server.locations.is_empty() {
                continue;
            }
            let text = "this server rewrites URIs before it looks for a location; routes go by the URI as it came in";
            notes.push(ConfNote { place: server.place.clone(), text: text.to_owned() });
        }
        let mut logs = Vec::new();
        for (number, log) in nginx.logs.iter().enumerate() {
            let Some(pattern) = log.target.pattern() else { continue };
            let path = match &log.target {
                LogTarget::File(path) => Some(path.clone()),
                _ => None,
            };
            let mut writers = BTreeSet::new();
            for (at, server) in nginx.servers.iter().enumerate() {
                if server.all_logs.contains(&number) {
                    writers.insert(at);
                }
            }
            logs.push(CompiledLog { pattern, path, writers });
        }
        let fingerprint = conf_fingerprint(nginx, &servers, &logs);
        let inner = Arc::new(CompiledConf { servers, sockets, logs, fingerprint });
        let mut locations = Locations { inner, writers: None, notes: Arc::default() };
        notes.extend(locations.note_ports(nginx));
        locations.notes = notes.into();
        locations
    }

    /// A hash of what the configuration says of servers and locations, wherever in its files that stands.
    pub(in crate::route) fn fingerprint(&self) -> u64 {
        self.inner.fingerprint
    }

    /// The same for the lines of one log, given by its path or pattern: only the servers that write it count. Nothing if
    /// none of the configuration's logs is meant.
    #[must_use]
    pub fn of_log(&self, log: &str) -> Option<Locations> {
        let glob = glob::Pattern::new(log).ok();
        let mut writers = BTreeSet::new();
        for own in &self.inner.logs {
            if own.is_meant(log, glob.as_ref()) {
                writers.extend(&own.writers);
            }
        }
        if writers.is_empty() {
            return None;
        }
        Some(Locations { writers: Some(Arc::new(writers)), ..self.clone() })
    }

    /// How many servers write a log, given by its path or pattern.
    pub fn writers_of(&self, log: &str) -> usize {
        match self.of_log(log) {
            Some(Locations { writers: Some(writers), .. }) => writers.len(),
            _ => 0,
        }
    }

    /// What there is to know: expressions that cannot be used, and servers that cannot be told apart.
    pub fn notes(&self) -> &[ConfNote] {
        &self.notes
    }

    /// A server by its number in the configuration.
    pub(super) fn server(&self, number: usize) -> Option<&CompiledServer> {
        self.inner.servers.get(number)
    }

    /// The servers that a request may have met; nothing if that cannot be said. A host that is some server's name was meant
    /// for that one, not for the default server of another port.
    pub(super) fn candidates(&self, asked: &ServerHints<'_>) -> Option<Vec<CandidateServer>> {
        let (mut by_name, mut others) = (BTreeSet::new(), BTreeSet::new());
        let host = asked.host.map(<[u8]>::to_ascii_lowercase);
        // Where the client sent no host, `$host` is the server's name: then the host is no more than that.
        let is_name = host.is_some() && asked.server_name == host.as_deref();
        for socket in &self.inner.sockets {
            if !socket.may_be(asked.server_port, asked.scheme) {
                continue;
            }
            // nginx merges slashes before it knows the host, so by the socket's default server.
            let merge_slashes = match self.server(socket.default) {
                Some(default) => default.merge_slashes,
                None => true,
            };
            match &host {
                Some(host)
                    if !is_name
                        || matches!(socket.choose_server(host), Some((server, _)) if self.may_be(server, asked)) =>
                {
                    let (server, named) = socket.choose_server(host)?;
                    let into = if named { &mut by_name } else { &mut others };
                    if self.may_be(server, asked) {
                        into.insert(CandidateServer { server, merge_slashes });
                    }
                }
                _ => {
                    for &server in &socket.servers {
                        if self.may_be(server, asked) {
                            others.insert(CandidateServer { server, merge_slashes });
                        }
                    }
                }
            }
        }
        let candidates = if by_name.is_empty() { others } else { by_name };
        if candidates.is_empty() { None } else { Some(candidates.into_iter().collect()) }
    }

    /// Whether a server writes the log in question, and has the name that the line says.
    fn may_be(&self, server: usize, asked: &ServerHints<'_>) -> bool {
        if let Some(writers) = &self.writers
            && !writers.contains(&server)
        {
            return false;
        }
        let Some(name) = asked.server_name else { return true };
        matches!(self.server(server), Some(own) if own.name.as_bytes() == name)
    }

    /// Hosts that lead to servers with different locations, depending on the port.
    fn note_ports(&self, nginx: &NginxConf) -> Vec<ConfNote> {
        let mut notes: Vec<ConfNote> = Vec::new();
        let mut noted = BTreeSet::new();
        for name in nginx.servers.iter().flat_map(|server| &server.names) {
            let ServerName::Exact(host) = name else { continue };
            if host.is_empty() {
                continue;
            }
            let asked = ServerHints { host: Some(host.as_bytes()), server_name: None, server_port: None, scheme: None };
            let mut candidates = self.candidates(&asked).unwrap_or_default();
            // One that answers everything with one status is told apart by that.
            candidates.retain(|one| matches!(self.server(one.server), Some(server) if server.returns.is_none()));
            if !self.have_same_routes(&candidates) && noted.insert(candidates.clone()) {
                notes.extend(note_of_port(nginx, host, &candidates));
            }
        }
        notes
    }

    /// Whether it does not matter which of them a request met: their locations have the same names in the same order.
    fn have_same_routes(&self, candidates: &[CandidateServer]) -> bool {
        let mut first: Option<&CompiledServer> = None;
        for candidate in candidates {
            let Some(server) = self.server(candidate.server) else { continue };
            match first {
                Some(first) if !server.routes().eq(first.routes()) => return false,
                Some(_) => {}
                None => first = Some(server),
            }
        }
        true
    }
}

/// That the port decides which of `candidates` a host leads to; it stands at the first of them.
fn note_of_port(nginx: &NginxConf, host: &str, candidates: &[CandidateServer]) -> Option<ConfNote> {
    let mut places = Vec::new();
    for candidate in candidates {
        if let Some(server) = nginx.servers.get(candidate.server) {
            places.push(server.place.to_string());
        }
    }
    let text = format!(
        "which server {host} leads to depends on the port ({}), and their locations differ: routes go by \
         location only where all agree; add $server_port or $scheme to the log_format",
        places.join(", ")
    );
    let first = nginx.servers.get(candidates.first()?.server)?;
    Some(ConfNote { place: first.place.clone(), text })
}
