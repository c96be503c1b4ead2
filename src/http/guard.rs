//! Who may ask at all.
//!
//! - `Host` must be one of this server's own names: a page on another site whose name leads here (DNS rebinding) is refused.
//! - `Origin`, where a browser sends one, must be this server itself, or one that the configuration allows; so must whoever embeds.
//! - Where tokens are set, one of them, as `Authorization: Bearer TOKEN` or as the password of any user (`Basic`).

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};

use super::redaction::Redaction;
use super::reply::Reply;

/// Who may ask.
#[derive(Debug, Clone, Default)]
pub struct GuardSettings {
    /// Names by which this server is asked, beside loopback's and, if it listens elsewhere, any address.
    pub hosts: Vec<String>,
    /// Origins whose pages may ask, such as `https://grafana.example.org`.
    pub origins: Vec<String>,
    /// One of these is needed to ask; without any, everybody who reaches the server may.
    pub tokens: Vec<AccessToken>,
}

/// What lets one ask.
#[derive(Clone)]
pub struct AccessToken {
    /// The secret.
    pub secret: String,
    /// What is hidden from whoever has it.
    pub redaction: Redaction,
}

impl std::fmt::Debug for AccessToken {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessToken").field("redaction", &self.redaction).finish_non_exhaustive()
    }
}

/// What was found about one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Admitted {
    /// The other origin that asks, which is told that it may read the answer.
    pub(super) origin: Option<String>,
    /// What is hidden from whoever asks.
    pub(super) redaction: Redaction,
}

/// Decides who may ask a server at one address.
#[derive(Debug)]
pub(super) struct Guard {
    settings: GuardSettings,
    is_loopback: bool,
}

/// Browsers say with it where a request comes from.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// And what for.
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

impl Guard {
    pub(super) fn new(settings: GuardSettings, listen: SocketAddr) -> Guard {
        Guard { settings, is_loopback: listen.ip().is_loopback() }
    }

    /// Whether a request with these headers is answered; else what it is told.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Admitted, Reply> {
        let host = single(headers, &HOST).ok_or_else(|| Reply::text(400, "one Host header is needed\n"))?;
        if !self.is_own_name(host_name(host)) {
            return Err(Reply::text(
                421,
                format!(
                    "this server is not {}: ask for it by its address, or name it in [http] hosts = [..]\n",
                    host_name(host).escape_debug()
                ),
            ));
        }
        let origin = self.check_origin(headers, host)?;
        let redaction = self.check_token(headers)?;
        Ok(Admitted { origin, redaction })
    }

    /// What is hidden from whoever has the token that was sent.
    fn check_token(&self, headers: &HeaderMap) -> Result<Redaction, Reply> {
        if self.settings.tokens.is_empty() {
            return Ok(Redaction::default());
        }
        let sent = single(headers, &AUTHORIZATION).and_then(sent_token).unwrap_or_default();
        let mut found = None;
        for token in &self.settings.tokens {
            if is_same(token.secret.as_bytes(), sent.as_bytes()) {
                found = Some(token.redaction.clone());
            }
        }
        found.ok_or_else(|| {
            let realm = "Basic realm=\"spikeline: any user, the token as password\", charset=\"UTF-8\"";
            Reply::text(401, "a token is needed: as password of any user, or Authorization: Bearer TOKEN\n")
                .with("WWW-Authenticate", realm)
        })
    }

    fn is_own_name(&self, name: &str) -> bool {
        if self.settings.hosts.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return true;
        }
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => address.is_loopback() || !self.is_loopback,
            Err(_) => false,
        }
    }

    /// The other origin that asks, if it may; nothing where none does.
    fn check_origin(&self, headers: &HeaderMap, host: &str) -> Result<Option<String>, Reply> {
        let refused = || Reply::text(403, "pages of other sites may not ask; [http] origins = [..] allows one\n");
        if headers.contains_key(ORIGIN) {
            let origin = single(headers, &ORIGIN).ok_or_else(refused)?;
            let is_own = ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host));
            if is_own {
                return Ok(None);
            }
            let is_allowed = self.settings.origins.iter().any(|allowed| allowed.trim_end_matches('/') == origin);
            return if is_allowed { Ok(Some(origin.to_owned())) } else { Err(refused()) };
        }
        // A link from elsewhere may lead here; a picture, a script or a frame of another site may not.
        let site = single(headers, &FETCH_SITE).unwrap_or("none");
        let is_followed = single(headers, &FETCH_MODE) == Some("navigate");
        if matches!(site, "cross-site" | "same-site") && !is_followed { Err(refused()) } else { Ok(None) }
    }
}

/// The token of an `Authorization`: as a bearer's, or as anybody's password.
fn sent_token(authorization: &str) -> Option<String> {
    let (scheme, value) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(value.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64.decode(value.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Whether two texts are the same, in a time that tells nothing about where they differ.
fn is_same(secret: &[u8], sent: &[u8]) -> bool {
    let mut differing = u8::from(secret.len() != sent.len() || secret.is_empty());
    for (own, other) in secret.iter().zip(sent) {
        differing |= own ^ other;
    }
    std::hint::black_box(differing) == 0
}

/// The text of a header that is there once.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// A `Host` without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, hosts: &[&str]) -> Guard {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let origins = own(&["https://grafana.example"]);
        let settings = GuardSettings { hosts: own(hosts), origins, tokens: Vec::new() };
        Guard::new(settings, listen.parse().unwrap())
    }

    fn status(guard: &Guard, headers: &[(&str, &str)]) -> u16 {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        guard.admit(&map).map_or_else(|reply| reply.status, |_| 200)
    }

    #[test]
    fn only_own_names_are_hosts() {
        let here = guard("127.0.0.1:8417", &["web1.example.org"]);
        for own in ["127.0.0.1", "127.0.0.1:8417", "localhost:1", "LOCALHOST", "[::1]:8417", "Web1.example.org:80"] {
            assert_eq!(status(&here, &[("host", own)]), 200, "{own}");
        }
        for other in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost.evil.example:8417", "[::2]"]
        {
            assert_eq!(status(&here, &[("host", other)]), 421, "{other}");
        }
        assert_eq!(status(&here, &[]), 400);
        assert_eq!(status(&here, &[("host", "localhost"), ("host", "evil.example")]), 400);
        let outside = guard("0.0.0.0:8417", &[]);
        assert_eq!(status(&outside, &[("host", "10.0.0.1:8417")]), 200);
        assert_eq!(status(&outside, &[("host", "evil.example")]), 421);
    }

    #[test]
    fn pages_of_other_sites_may_not_ask_unless_allowed() {
        let here = guard("127.0.0.1:8417", &[]);
        let with = |more: &[(&str, &str)]| status(&here, &[&[("host", "localhost:8417")], more].concat());
        assert_eq!(with(&[("origin", "http://localhost:8417")]), 200);
        assert_eq!(with(&[("origin", "https://grafana.example")]), 200);
        for other in ["http://evil.example", "null", "http://localhost:9", "http://localhost:8417.evil.example"] {
            assert_eq!(with(&[("origin", other)]), 403, "{other}");
        }
        assert_eq!(with(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]), 200);
        assert_eq!(with(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]), 403);
        assert_eq!(with(&[("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")]), 200);
    }

    #[test]
    fn where_there_are_tokens_one_is_needed() {
        let mut here = guard("127.0.0.1:8417", &[]);
        let token = |secret: &str, hidden: &[&str]| {
            let hidden: Vec<String> = hidden.iter().map(|&name| name.to_owned()).collect();
            AccessToken { secret: secret.to_owned(), redaction: Redaction::of_names(&hidden) }
        };
        here.settings.tokens = vec![token("all-of-it-1234567", &[]), token("some-of-it-123456", &["query"])];
        let with = |authorization: &str| {
            let mut map = HeaderMap::new();
            map.append(HOST, "localhost".parse().unwrap());
            if !authorization.is_empty() {
                map.append(AUTHORIZATION, authorization.parse().unwrap());
            }
            here.admit(&map).map(|admitted| admitted.redaction.hides("args")).map_err(|reply| reply.status)
        };
        let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair));
        assert_eq!(with("Bearer all-of-it-1234567"), Ok(false));
        assert_eq!(with("bearer some-of-it-123456"), Ok(true));
        assert_eq!(with(&basic("anyone:all-of-it-1234567")), Ok(false));
        for wrong in [
            "",
            "Bearer ",
            "Bearer all-of-it-123456",
            "Bearer x",
            "Digest all-of-it-1234567",
            "Basic !!",
            &basic("x"),
            &basic("all-of-it-1234567:"),
        ] {
            assert_eq!(with(wrong), Err(401), "{wrong}");
        }
    }
}
