//! What routing looks at of one request, and what its target says.

/// One request, borrowed from its log line.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `$request_method`, empty where the log does not say.
    pub method: &'a [u8],
    /// The raw request target: may hold a query, an absolute URI, and nginx's `\xHH` escapes.
    pub target: &'a [u8],
    /// `$host`, `$http_host` or `$server_name`, where the log has it; only asked for if [`super::Router::needs_host`].
    pub host: Option<&'a [u8]>,
    /// `$status`.
    pub status: Option<u16>,
    /// `$request_time`, in milliseconds, where the log has it.
    pub took_ms: Option<u64>,
    /// The request line is no request line (TLS on a plain port, garbage, nothing at all).
    pub malformed: bool,
    /// The values of [`super::Router::variables`], in the same order. Missing ones count as absent.
    pub variables: &'a [Option<&'a [u8]>],
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetForm<'a> {
    /// A path, beginning with `/`. Still followed by query and fragment, if the target has them.
    Path { path: &'a [u8], authority: Option<&'a [u8]> },
    /// No path: the template of the fixed route it belongs to.
    Fixed(&'static str),
}

impl<'a> Request<'a> {
    /// Reads the request target (RFC 9112, section 3.2): origin, absolute, authority or asterisk form.
    #[inline]
    pub(super) fn subject(&self) -> TargetForm<'a> {
        if self.malformed {
            return TargetForm::Fixed("{malformed}");
        }
        if self.method == b"CONNECT" {
            return TargetForm::Fixed("{connect}");
        }
        match self.target {
            [b'/', ..] => TargetForm::Path { path: self.target, authority: None },
            b"*" => TargetForm::Fixed("{asterisk}"),
            _ => absolute(self.target).unwrap_or(TargetForm::Fixed("{malformed}")),
        }
    }
}

/// `scheme://authority/path`; a missing path is `/`.
fn absolute(target: &[u8]) -> Option<TargetForm<'_>> {
    let colon = memchr::memchr(b':', target)?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let rest = rest.strip_prefix(b"://")?;
    let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    if !is_scheme {
        return None;
    }
    let end = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let path: &[u8] = if path.first() == Some(&b'/') { path } else { b"/" };
    // RFC 9112: the authority of an absolute target overrides the Host header.
    Some(TargetForm::Path { path, authority: (!authority.is_empty()).then_some(authority) })
}

/// A host as rules compare it: without user, port and the root's dot; case is left to the comparison.
pub(super) fn bare_host(host: &[u8]) -> &[u8] {
    let host = match memchr::memrchr(b'@', host) {
        Some(at) => host.get(at + 1..).unwrap_or(host),
        None => host,
    };
    let host = match host {
        // An IPv6 literal keeps its brackets; the port comes after them.
        [b'[', ..] => {
            let end = memchr::memchr(b']', host).map_or(host.len(), |end| end + 1);
            host.get(..end).unwrap_or(host)
        }
        _ => {
            let end = memchr::memchr(b':', host).unwrap_or(host.len());
            host.get(..end).unwrap_or(host)
        }
    };
    host.strip_suffix(b".").unwrap_or(host)
}
