//! The servers that share an address and port, and which of them a host leads to (`ngx_http_find_virtual_server`).
//!
//! nginx knows the socket of a connection, and a log line mostly does not, unless it has `$server_port`. So there are as many
//! answers as sockets, and `locations` asks for all of them. Within a socket nginx's order holds: the exact name, the
//! longest `*.x`, the longest `x.*`, the first expression, and else the default server.

use std::collections::HashMap;

use regex::bytes::Regex;

use super::pcre;
use crate::grammar::conf::{ConfNote, Server, ServerName};

/// An address and port with its servers, as numbers in the configuration's list.
#[derive(Debug, Clone)]
pub(super) struct ListenSocket {
    address: String,
    /// As `$server_port` logs it; nothing for a UNIX socket.
    port: Option<String>,
    tls: bool,
    /// All servers that listen here, in their order.
    pub(super) servers: Vec<usize>,
    /// The server for hosts that are no server's.
    pub(super) default: usize,
    exact: HashMap<Vec<u8>, usize>,
    /// `*.x` and `.x`, the longest first: what stands after the star's dot, and whether that alone is meant, too.
    leading: Vec<(Vec<u8>, bool, usize)>,
    /// `x.*`, the longest first.
    trailing: Vec<(Vec<u8>, usize)>,
    /// In their order; without an expression if it cannot be used.
    regexes: Vec<(Option<Regex>, usize)>,
}

impl ListenSocket {
    /// The sockets of a configuration.
    pub(super) fn compile_all(servers: &[Server], notes: &mut Vec<ConfNote>) -> Vec<ListenSocket> {
        let mut sockets: Vec<ListenSocket> = Vec::new();
        for (number, server) in servers.iter().enumerate() {
            for listen in &server.listens {
                let port = listen.port.as_ref().map(ToString::to_string);
                let known = sockets.iter_mut().find(|socket| socket.address == listen.address && socket.port == port);
                let socket = match known {
                    Some(socket) => socket,
                    None => {
                        sockets.push(ListenSocket {
                            address: listen.address.clone(),
                            port,
                            tls: false,
                            servers: Vec::new(),
                            default: number,
                            exact: HashMap::new(),
                            leading: Vec::new(),
                            trailing: Vec::new(),
                            regexes: Vec::new(),
                        });
                        let Some(added) = sockets.last_mut() else { continue };
                        added
                    }
                };
                socket.tls |= listen.tls;
                if listen.default {
                    socket.default = number;
                }
                if !socket.servers.contains(&number) {
                    socket.servers.push(number);
                }
            }
        }
        let mut regexes = Vec::with_capacity(servers.len());
        for server in servers {
            regexes.push(name_regexes(server, notes));
        }
        for socket in &mut sockets {
            for number in socket.servers.clone() {
                if let (Some(server), Some(regexes)) = (servers.get(number), regexes.get(number)) {
                    socket.add_names(number, server, regexes);
                }
            }
            socket.leading.sort_by_key(|(suffix, _, _)| std::cmp::Reverse(suffix.len()));
            socket.trailing.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        }
        sockets
    }

    /// Makes a server's names lead to it; `regexes` are those of its names that are expressions, in their order.
    fn add_names(&mut self, number: usize, server: &Server, regexes: &[Option<Regex>]) {
        let mut regexes = regexes.iter();
        for name in &server.names {
            // Of a name that is given twice the first counts.
            match name {
                ServerName::Exact(name) => {
                    self.exact.entry(name.clone().into_bytes()).or_insert(number);
                }
                ServerName::Leading(suffix) => self.leading.push((suffix.clone().into_bytes(), false, number)),
                ServerName::Domain(suffix) => self.leading.push((suffix.clone().into_bytes(), true, number)),
                ServerName::Trailing(prefix) => self.trailing.push((prefix.clone().into_bytes(), number)),
                ServerName::Regex(_) => self.regexes.push((regexes.next().cloned().flatten(), number)),
            }
        }
    }

    /// Whether a request may have come in here, as far as the log says.
    pub(super) fn may_be(&self, port: Option<&[u8]>, scheme: Option<&[u8]>) -> bool {
        if port.is_some() && port != self.port.as_deref().map(str::as_bytes) {
            return false;
        }
        match scheme {
            Some(b"https") => self.tls,
            Some(b"http") => !self.tls,
            _ => true,
        }
    }

    /// The server for a host (in lower case, without port), and whether one of its names is why. Nothing if an expression
    /// that cannot be used would have to be asked.
    pub(super) fn choose_server(&self, host: &[u8]) -> Option<(usize, bool)> {
        if let Some(&server) = self.exact.get(host) {
            return Some((server, true));
        }
        for (suffix, alone, server) in &self.leading {
            if is_below(host, suffix) || *alone && host == suffix {
                return Some((*server, true));
            }
        }
        for (prefix, server) in &self.trailing {
            if matches!(host.strip_prefix(prefix.as_slice()), Some([b'.', ..])) {
                return Some((*server, true));
            }
        }
        if host.is_empty() {
            return Some((self.default, false));
        }
        for (regex, server) in &self.regexes {
            if regex.as_ref()?.is_match(host) {
                return Some((*server, true));
            }
        }
        Some((self.default, false))
    }
}

/// Whether a host is a name below `suffix`, as `a.example.org` is below `example.org`.
fn is_below(host: &[u8], suffix: &[u8]) -> bool {
    matches!(host.strip_suffix(suffix), Some([.., b'.']))
}

/// The expressions among a server's names, compiled as nginx does: caseless if they hold an upper-case letter.
fn name_regexes(server: &Server, notes: &mut Vec<ConfNote>) -> Vec<Option<Regex>> {
    let mut regexes = Vec::new();
    for name in &server.names {
        let ServerName::Regex(pattern) = name else { continue };
        let caseless = pattern.as_bytes().iter().any(u8::is_ascii_uppercase);
        let regex = pcre::compile(pattern, caseless);
        if let Err(reason) = &regex {
            let text = format!("server_name ~{pattern}: {reason}; hosts that it may be for have no location routes");
            notes.push(ConfNote { place: server.place.clone(), text });
        }
        regexes.push(regex.ok());
    }
    regexes
}
