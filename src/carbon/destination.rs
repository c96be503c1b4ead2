//! Where points go, and in which form.

use std::time::Duration;

use super::protocol::Protocol;
use crate::error::{Error, Result};

/// How long connecting may take unless it is said otherwise.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long one chunk may take unless it is said otherwise.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// When a slot is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SendMode {
    /// When it is over, and again whenever it changed: for what keeps the last value of a timestamp, as carbon-cache does.
    #[default]
    Changed,
    /// Once, when it is final: for what keeps or adds up every value that it is sent.
    Final,
}

/// One carbon (or relay).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// `host:port`, `[v6]:port`; looked up anew at each connect, so that a carbon that moved is found.
    pub address: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// How long connecting may take in all, over all addresses of the name (the look-up itself has the resolver's).
    pub connect_timeout: Duration,
    /// How long one chunk ([`super::CHUNK`] bytes) may take to be taken by the operating system.
    pub write_timeout: Duration,
}

impl Destination {
    /// With the usual time-outs, [`CONNECT_TIMEOUT`] and [`WRITE_TIMEOUT`].
    ///
    /// # Errors
    /// An address without host or port.
    pub fn new(address: impl Into<String>, protocol: Protocol) -> Result<Destination> {
        let address = address.into();
        check_address(&address).map_err(|what| {
            Error::usage(format!("carbon address {address:?} has {what}"))
                .remedy("write it as `carbon.example.org:2003`, `192.0.2.7:2003` or `[2001:db8::7]:2003`")
        })?;
        Ok(Destination { address, protocol, connect_timeout: CONNECT_TIMEOUT, write_timeout: WRITE_TIMEOUT })
    }
}

/// Whether `address` is `host:port` with a port from 1; an IPv6 address stands in brackets.
///
/// # Errors
/// What it lacks.
pub fn check_address(address: &str) -> std::result::Result<(), &'static str> {
    let Some((host, port)) = address.rsplit_once(':') else { return Err("no port") };
    let in_brackets = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || host.contains([' ', '/']) || (host.contains(':') && !in_brackets) {
        return Err("no host (an IPv6 address stands in brackets)");
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err("no port from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_host_and_port() {
        for address in ["carbon:2003", "127.0.0.1:2003", "[::1]:2003", "a.b.example.org:65535"] {
            assert!(Destination::new(address, Protocol::Plaintext).is_ok(), "{address}");
        }
        for address in [
            "",
            "carbon",
            "carbon:",
            ":2003",
            "carbon:0",
            "carbon:65536",
            "carbon:x",
            "::1:2003",
            "a b:2003",
            "http://a:2003",
        ] {
            let error = Destination::new(address, Protocol::Plaintext).unwrap_err();
            assert!(error.to_string().contains("help: "), "{address}");
        }
    }
}
