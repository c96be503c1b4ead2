//! The smallest HTTP there is: GET and POST over plain TCP, as HTTP/1.0, so that the answer ends where the connection does.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::time::SpelledDuration;

/// How long connecting, and each read and write, may take unless it is said otherwise.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer may be no larger than this.
const LIMIT: u64 = 256 << 20;

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `host:port`.
    authority: String,
    /// What stands before every path, without a slash at its end.
    base: String,
    patience: Duration,
}

impl Address {
    /// From `http://host[:port][/base]`.
    ///
    /// # Errors
    /// A usage error for anything else.
    pub fn parse(url: &str) -> Result<Address> {
        let wrong = |what: &str| {
            Error::usage(format!("`{url}`: {what}"))
                .remedy("give Graphite's address as http://HOST:PORT, or http://HOST:PORT/BASE")
        };
        let rest = match url.split_once("://") {
            Some(("http", rest)) => rest,
            Some(("https", _)) => return Err(wrong("https is not spoken here; ask the host that Graphite runs on")),
            _ => return Err(wrong("not an http:// address")),
        };
        let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
        let valid = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if authority.is_empty()
            || authority.contains('@')
            || !valid(authority)
            || !valid(base)
            || base.contains(['?', '#'])
        {
            return Err(wrong("no such address"));
        }
        let port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let authority = if port { authority.to_owned() } else { format!("{authority}:80") };
        let base = base.trim_end_matches('/');
        let base = if base.is_empty() { String::new() } else { format!("/{base}") };
        Ok(Address { authority, base, patience: PATIENCE })
    }

    /// The same, waiting no longer than this for a connection, and for each read and write.
    #[must_use]
    pub fn within(self, patience: Duration) -> Address {
        Address { patience, ..self }
    }

    /// The body of what stands at `path` (with its query, percent-encoded).
    ///
    /// # Errors
    /// No connection, no HTTP, or a status other than 200.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        self.ask(&format!("GET {}{path}", self.base), "")
    }

    /// Posts JSON to `path`.
    ///
    /// # Errors
    /// As [`Address::get`].
    pub fn post(&self, path: &str, json: &str) -> Result<()> {
        self.ask(&format!("POST {}{path}", self.base), json).map(drop)
    }

    /// Where it is, without what stands before paths.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The body of what is answered to `request`, a method and a path, with this body.
    fn ask(&self, request: &str, body: &str) -> Result<Vec<u8>> {
        let failed = |what: String| {
            Error::failed(format!("http://{}: {what}", self.authority))
                .remedy("check that Graphite answers there, e.g. with curl")
        };
        let answer = self.exchange(request, body).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                failed(format!("no answer within {}", SpelledDuration(self.patience)))
            }
            _ => failed(error.to_string()),
        })?;
        let end =
            answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or_else(|| failed("not HTTP".to_owned()))?;
        let (head, body) = answer.split_at(end);
        let head = String::from_utf8_lossy(head);
        let status = head.lines().next().unwrap_or_default();
        if status.split(' ').nth(1) != Some("200") || !status.starts_with("HTTP/") {
            return Err(failed(format!("it answered `{}`", status.escape_default())));
        }
        Ok(body.get(4..).unwrap_or_default().to_vec())
    }

    /// Asks the first address of the name that takes a connection, and reads to the end of it.
    fn exchange(&self, request: &str, body: &str) -> std::io::Result<Vec<u8>> {
        let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
        for address in self.authority.to_socket_addrs()? {
            let mut stream = match TcpStream::connect_timeout(&address, self.patience) {
                Ok(stream) => stream,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            stream.set_read_timeout(Some(self.patience))?;
            stream.set_write_timeout(Some(self.patience))?;
            let mut head = format!(
                "{request} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\nConnection: close\r\n",
                self.authority
            );
            if !body.is_empty() {
                head += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
            }
            let request = head + "\r\n" + body;
            stream.write_all(request.as_bytes())?;
            let mut answer = Vec::new();
            stream.take(LIMIT).read_to_end(&mut answer)?;
            return Ok(answer);
        }
        Err(last)
    }
}

/// Text as a value of a query.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // A String takes everything.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address = |url| Address::parse(url).map(|address| (address.authority, address.base));
        assert_eq!(address("http://g:8080").unwrap(), ("g:8080".to_owned(), String::new()));
        assert_eq!(address("http://g/").unwrap(), ("g:80".to_owned(), String::new()));
        assert_eq!(address("http://[::1]:80/graphite/").unwrap(), ("[::1]:80".to_owned(), "/graphite".to_owned()));
        for wrong in ["", "g:80", "https://g", "http://", "http://a@b", "http://a b", "http://g/?x", "ftp://g"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_query_value_holds_no_separator() {
        assert_eq!(encoded("a.b_c-1.*.*"), "a.b_c-1.*.*");
        assert_eq!(encoded("seriesByTag('host=web1')&x"), "seriesByTag%28%27host%3Dweb1%27%29%26x");
    }
}
