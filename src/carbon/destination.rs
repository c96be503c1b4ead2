//! Where points go, and in which form.

use std::net::SocketAddr;
use std::time::Duration;

use super::address::CarbonAddress;
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
    /// `host:port`, `[v6]:port`, `srv:NAME`, `txt:NAME`; looked up anew at each connect, and the latter two when their TTL is over, so that
    /// a carbon that moved is found.
    pub address: String,
    /// Who is asked in DNS, if not the resolver of this host.
    pub resolver: Option<SocketAddr>,
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
                .remedy("write it as `carbon.example.org:2003`, `192.0.2.7:2003`, `[2001:db8::7]:2003` or `srv:_graphite._tcp.example.org`")
        })?;
        Ok(Destination {
            address,
            resolver: None,
            protocol,
            connect_timeout: CONNECT_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
        })
    }
}

/// Whether `address` says where a carbon is; see [`CarbonAddress::parse`].
///
/// # Errors
/// What it lacks.
pub fn check_address(address: &str) -> std::result::Result<(), &'static str> {
    CarbonAddress::parse(address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_host_and_port() {
        for address in [
            "srv:_graphite._tcp.example.org",
            "txt:carbon.example.org",
            "carbon:2003",
            "127.0.0.1:2003",
            "[::1]:2003",
            "a.b.example.org:65535",
        ] {
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
