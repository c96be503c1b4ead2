//! `[http]`: where the page and the read APIs are served, and to whom.

use std::net::{SocketAddr, ToSocketAddrs};

use super::position::Placed;
use super::section::Section;
use crate::error::{Error, Result};

/// What may stand in the section.
pub(super) const KEYS: [&str; 5] = ["listen", "connections", "hosts", "origins", "without_token"];

/// The same with the one key that is written in two ways: `token = "FILE"`, or sections [[http.token]].
pub(super) const KEYS_AND_TOKEN: [&str; 6] = ["listen", "connections", "hosts", "origins", "without_token", "token"];

/// What may stand in a [[http.token]].
pub(super) const TOKEN_KEYS: [&str; 2] = ["file", "redact"];

/// Where the page is served unless something else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8417";

/// The value of `listen` that says to serve nothing.
pub const NO_LISTEN: &str = "off";

/// How many connections may be open by default.
const CONNECTIONS: u64 = 256;

/// The `[http]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSection {
    /// Address and port, or [`NO_LISTEN`]; if absent, [`DEFAULT_LISTEN`].
    pub listen: Option<Placed<String>>,
    /// How many connections may be open.
    pub connections: usize,
    /// Names by which the server is asked, beside its addresses.
    pub hosts: Vec<String>,
    /// Other origins whose pages may ask.
    pub origins: Vec<String>,
    /// Strangers may ask without a token.
    pub without_token: bool,
    /// What lets one ask; without any, everybody who reaches the server may.
    pub tokens: Vec<TokenSection>,
}

/// A `[[http.token]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSection {
    /// The file whose first line it is.
    pub file: Placed<String>,
    /// What is hidden from whoever has it.
    pub redact: Vec<Placed<String>>,
}

impl Default for HttpSection {
    fn default() -> HttpSection {
        let connections = usize::try_from(CONNECTIONS).unwrap_or(usize::MAX);
        HttpSection {
            listen: None,
            connections,
            hosts: Vec::new(),
            origins: Vec::new(),
            without_token: false,
            tokens: Vec::new(),
        }
    }
}

/// The section; what is absent, or wrong, is as by default.
pub(super) fn read_http(section: &mut Section<'_>) -> HttpSection {
    let default = HttpSection::default();
    let listen = section.text("listen", DEFAULT_LISTEN);
    if let Some(listen) = &listen
        && let Err(error) = listen_address(&listen.value)
    {
        section.mistake_at(listen, error.what().to_owned(), error.help().unwrap_or_default());
    }
    let connections = section.count("connections", 8, 10_000, CONNECTIONS);
    HttpSection {
        listen,
        connections: connections.and_then(|n| usize::try_from(n.value).ok()).unwrap_or(default.connections),
        hosts: section.texts("hosts", "web1.example.org").into_iter().map(Placed::into_value).collect(),
        origins: section.texts("origins", "https://grafana.example.org").into_iter().map(Placed::into_value).collect(),
        without_token: section.boolean("without_token").unwrap_or(default.without_token),
        tokens: section.list("token", |section, found| {
            if !found.get_ref().is_table() {
                let file = section.as_text("token", TOKEN_EXAMPLE, found)?;
                return Some(TokenSection { file, redact: Vec::new() });
            }
            let mut token = section.inside("[[http.token]]", found, &TOKEN_KEYS)?;
            let redact = token.texts("redact", "query");
            Some(TokenSection { file: token.required_text("file", TOKEN_EXAMPLE)?, redact })
        }),
    }
}

/// An example of a token's file.
const TOKEN_EXAMPLE: &str = "/etc/spikeline/token";

/// The address that a text means; nothing for [`NO_LISTEN`].
///
/// # Errors
/// A usage error if it is none.
pub fn listen_address(text: &str) -> Result<Option<SocketAddr>> {
    if text == NO_LISTEN {
        return Ok(None);
    }
    let wrong = |why: String| {
        Error::usage(format!("`{text}` is no address to listen on: {why}"))
            .remedy(format!("write ADDRESS:PORT such as \"{DEFAULT_LISTEN}\" or \"[::1]:8417\", or \"{NO_LISTEN}\""))
    };
    if let Ok(address) = text.parse() {
        return Ok(Some(address));
    }
    // Only `localhost` is looked up: what a name of the network leads to may change.
    match text.split_once(':') {
        Some(("localhost", port)) if !port.is_empty() => match text.to_socket_addrs() {
            Ok(mut found) => Ok(found.find(SocketAddr::is_ipv4)),
            Err(error) => Err(wrong(error.to_string())),
        },
        _ => Err(wrong("neither address nor port were understood".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_what_is_none() {
        let at = |text: &str| listen_address(text).map(|address| address.map(|address| address.to_string()));
        assert_eq!(at("off").unwrap(), None);
        assert_eq!(at("127.0.0.1:80").unwrap().as_deref(), Some("127.0.0.1:80"));
        assert_eq!(at("[::1]:80").unwrap().as_deref(), Some("[::1]:80"));
        assert_eq!(at("localhost:80").unwrap().as_deref(), Some("127.0.0.1:80"));
        for wrong in ["", "8417", ":8417", "127.0.0.1", "127.0.0.1:99999", "example.org:80", "localhost:", "::1:80x"] {
            let error = at(wrong).unwrap_err();
            assert!(error.help().is_some_and(|help| help.contains("127.0.0.1:8417")), "{wrong}");
        }
    }
}
