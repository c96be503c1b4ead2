//! Where a collector takes metrics: `http://host:port/v1/metrics`.

use std::fmt;

use hyper::Uri;

use crate::error::{Error, Result};

/// What OTLP/HTTP puts behind an address that has no path.
const METRICS_PATH: &str = "/v1/metrics";

/// The port that usually is gRPC's.
const GRPC_PORT: u16 = 4317;

/// An address of OTLP/HTTP, without TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpEndpoint {
    /// As it was written: host, and port if it has one.
    authority: String,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// With its query.
    path: String,
}

impl OtlpEndpoint {
    /// From an `http://` address; without a path it gets [`METRICS_PATH`].
    ///
    /// # Errors
    /// A usage error that says what is wrong, and what to do.
    pub fn parse(url: &str) -> Result<OtlpEndpoint> {
        let wrong = |what: &str| {
            Error::usage(format!("`{url}`: {what}"))
                .remedy("for example `endpoint = \"http://127.0.0.1:4318/v1/metrics\"`")
        };
        if url.starts_with("https://") {
            return Err(Error::usage(format!("`{url}`: https is not spoken here")).remedy(
                "run a collector on this host and let it send on: `endpoint = \"http://127.0.0.1:4318/v1/metrics\"`",
            ));
        }
        let uri: Uri = url.parse().map_err(|_| wrong("no such address"))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("not an http:// address"));
        };
        // Nothing else is a port: what cannot be one is not taken for none.
        let port = match authority.port_u16() {
            Some(port) => port,
            None if authority.as_str() == authority.host() => 80,
            None => 0,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || port == 0 || authority.as_str().contains('@') {
            return Err(wrong("no such host and port"));
        }
        if port == GRPC_PORT {
            return Err(wrong("4317 is the port of OTLP over gRPC; over HTTP, as here, it is 4318"));
        }
        let path = match uri.path_and_query().map_or("/", |path| path.as_str()) {
            "/" => METRICS_PATH.to_owned(),
            path => path.to_owned(),
        };
        Ok(OtlpEndpoint { authority: authority.to_string(), host: host.to_owned(), port, path })
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for OtlpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_of_http() {
        let whole = |url: &str| OtlpEndpoint::parse(url).map(|endpoint| endpoint.to_string());
        for (url, shown) in [
            ("http://127.0.0.1:4318/v1/metrics", "http://127.0.0.1:4318/v1/metrics"),
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
            ("http://otel.example.org:4318/", "http://otel.example.org:4318/v1/metrics"),
            ("http://[::1]:9090/api/v1/otlp/v1/metrics?a=b", "http://[::1]:9090/api/v1/otlp/v1/metrics?a=b"),
        ] {
            assert_eq!(whole(url).unwrap(), shown);
        }
        let six = OtlpEndpoint::parse("http://[::1]:9090/x").unwrap();
        assert_eq!((six.host.as_str(), six.port), ("::1", 9090));
        assert_eq!(OtlpEndpoint::parse("http://otel/x").unwrap().port, 80);
        for url in [
            "",
            "otel:4318",
            "127.0.0.1",
            "ftp://a/b",
            "http://",
            "http://a:0/",
            "http://a:/",
            "http://u@a/",
            "http://a b/",
            "http://a:99999/",
        ] {
            let error = OtlpEndpoint::parse(url).unwrap_err().to_string();
            assert!(error.contains("help: "), "{url}: {error}");
        }
        let https = OtlpEndpoint::parse("https://otel:4318").unwrap_err().to_string();
        assert!(https.contains("https is not spoken here") && https.contains("a collector on this host"), "{https}");
        let grpc = OtlpEndpoint::parse("http://otel:4317").unwrap_err().to_string();
        assert!(grpc.contains("over HTTP, as here, it is 4318"), "{grpc}");
    }
}
