//! A configuration's servers and locations, compiled; and which servers a request may have met.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::server::CompiledServer;
use super::socket::ListenSocket;
use crate::grammar::conf::{ConfNote, LogTarget, NginxConf, ServerName};

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
    /// The logs by pattern and, for a file, path; with the servers that write them.
    logs: Vec<(String, Option<std::path::PathBuf>, BTreeSet<usize>)>,
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
        let servers: Vec<CompiledServer> =
            nginx.servers.iter().map(|server| CompiledServer::new(server, &mut notes)).collect();
        let sockets = ListenSocket::compile_all(&nginx.servers, &mut notes);
        for server in nginx.servers.iter().filter(|server| server.rewrites && !server.locations.is_empty()) {
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
            let writers = nginx.servers.iter().enumerate().filter(|(_, server)| server.all_logs.contains(&number));
            logs.push((pattern, path, writers.map(|(at, _)| at).collect()));
        }
        let inner = Arc::new(CompiledConf { servers, sockets, logs });
        let mut locations = Locations { inner, writers: None, notes: Arc::default() };
        notes.extend(locations.note_ports(nginx));
        locations.notes = notes.into();
        locations
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
        (!writers.is_empty()).then(|| Locations { writers: Some(Arc::new(writers)), ..self.clone() })
    }

    /// How many servers write a log, given by its path or pattern.
    pub fn writers_of(&self, log: &str) -> usize {
        self.of_log(log).and_then(|of_log| of_log.writers).map_or(0, |writers| writers.len())
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
        let may_be = |server: usize| {
            let own = self.server(server).map(|server| server.name.as_bytes());
            self.writers.as_ref().is_none_or(|writers| writers.contains(&server))
                && asked.server_name.is_none_or(|name| own == Some(name))
        };
        let host = asked.host.map(<[u8]>::to_ascii_lowercase);
        for socket in self.inner.sockets.iter().filter(|socket| socket.may_be(asked.server_port, asked.scheme)) {
            let merge_slashes = self.server(socket.default).is_none_or(|server| server.merge_slashes);
            let of = |server: usize| CandidateServer { server, merge_slashes };
            // Where the client sent no host, `$host` is the server's name: then the host is no more than that.
            let is_name = host.is_some() && asked.server_name == host.as_deref();
            match &host {
                Some(host) if !is_name || socket.choose_server(host).is_some_and(|(server, _)| may_be(server)) => {
                    let (server, named) = socket.choose_server(host)?;
                    let into = if named { &mut by_name } else { &mut others };
                    into.extend(Some(server).filter(|server| may_be(*server)).map(of));
                }
                _ => others.extend(socket.servers.iter().copied().filter(|server| may_be(*server)).map(of)),
            }
        }
        let candidates = if by_name.is_empty() { others } else { by_name };
        (!candidates.is_empty()).then(|| candidates.into_iter().collect())
    }

    /// Hosts that lead to servers with different locations, depending on the port.
    fn note_ports(&self, nginx: &NginxConf) -> Vec<ConfNote> {
        let mut notes: Vec<ConfNote> = Vec::new();
        let mut noted = BTreeSet::new();
        let names = nginx.servers.iter().flat_map(|server| &server.names).filter_map(|name| match name {
            ServerName::Exact(name) if !name.is_empty() => Some(name),
            _ => None,
        });
        for host in names {
            let asked = ServerHints { host: Some(host.as_bytes()), server_name: None, server_port: None, scheme: None };
            let mut candidates = self.candidates(&asked).unwrap_or_default();
            // One that answers everything with one status is told apart by that.
            candidates.retain(|one| self.server(one.server).is_some_and(|server| server.returns.is_none()));
            let mut servers = candidates.iter().filter_map(|candidate| self.server(candidate.server));
            let agree = servers.next().is_none_or(|first| servers.all(|other| other.routes().eq(first.routes())));
            if !agree && noted.insert(candidates.clone()) {
                let places = candidates.iter().filter_map(|candidate| nginx.servers.get(candidate.server));
                let places: Vec<String> = places.map(|server| server.place.to_string()).collect();
                let text = format!(
                    "which server {host} leads to depends on the port ({}), and their locations differ: routes go by \
                     location only where all agree; add $server_port or $scheme to the log_format",
                    places.join(", ")
                );
                if let Some(server) = candidates.first().and_then(|first| nginx.servers.get(first.server)) {
                    notes.push(ConfNote { place: server.place.clone(), text });
                }
            }
        }
        notes
    }
}
