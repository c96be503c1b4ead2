//! `location`: which requests a block of a server is for (`ngx_http_core_location`).

use super::error::{ConfError, ConfPlace};
use super::tree::ConfDirective;

/// Directives after which nginx answers `/a` with a redirect to a location `/a/`.
const PASSES: [&str; 6] = ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];

/// How a location's text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocationMatch {
    /// `= /path`
    Exact,
    /// `/path`
    Prefix,
    /// `^~ /path`: if it is the longest prefix, regular expressions are not asked.
    PrefixOnly,
    /// `~ regex`, or `~* regex` without regard to case.
    Regex {
        /// `~*`
        caseless: bool,
    },
    /// `@name`: only for internal redirects.
    Named,
}

/// A location and those inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// How its text is compared.
    pub by: LocationMatch,
    /// Its path, regular expression or name (with `@`).
    pub text: String,
    /// `internal`.
    pub internal: bool,
    /// Whether it ends with a slash and passes requests on, so that nginx redirects its path without the slash to it.
    pub redirects: bool,
    /// The upstream that it passes requests to: a name of [`NginxConf::upstreams`](super::NginxConf::upstreams), or a host. Nothing
    /// if it passes none on, or to what a variable says.
    pub upstream: Option<String>,
    /// The logs that its requests go to, as indexes into [`NginxConf::logs`](super::NginxConf::logs).
    pub logs: Vec<usize>,
    /// The locations inside it, in their order.
    pub locations: Vec<Location>,
    /// Where it stands.
    pub place: ConfPlace,
}

/// How a directive's location is compared, and with what.
pub(super) fn read_location(directive: &ConfDirective) -> Result<(LocationMatch, String), ConfError> {
    let wrong = || directive.wrong("a location that nginx does not take", "write `location [=|^~|~|~*] PATH { .. }`");
    let modifier = |text: &str| match text {
        "=" => Some(LocationMatch::Exact),
        "^~" => Some(LocationMatch::PrefixOnly),
        "~" => Some(LocationMatch::Regex { caseless: false }),
        "~*" => Some(LocationMatch::Regex { caseless: true }),
        _ => None,
    };
    match directive.args.as_slice() {
        [by, text] => Ok((modifier(&by.text).ok_or_else(wrong)?, text.text.clone())),
        [text] => {
            // The modifier may stand right before the path.
            let glued =
                ["=", "^~", "~*", "~"].into_iter().find_map(|by| Some((modifier(by)?, text.text.strip_prefix(by)?)));
            Ok(match glued {
                Some((by, rest)) => (by, rest.to_owned()),
                None if text.text.starts_with('@') => (LocationMatch::Named, text.text.clone()),
                None => (LocationMatch::Prefix, text.text.clone()),
            })
        }
        _ => Err(wrong()),
    }
}

/// Whether a block passes its requests on.
pub(super) fn passes_requests(block: &[ConfDirective]) -> bool {
    block.iter().any(|directive| PASSES.contains(&directive.name.text.as_str()))
}

/// The host or upstream name that a block passes its requests to.
pub(super) fn upstream_name(block: &[ConfDirective]) -> Option<String> {
    let pass = block.iter().find(|directive| PASSES.contains(&directive.name.text.as_str()))?.arg(0)?;
    let rest = pass.split_once("://").map_or(pass, |(_, rest)| rest);
    let host = if rest.starts_with("unix:") { rest } else { rest.split('/').next().unwrap_or_default() };
    (!host.is_empty() && !pass.contains('$')).then(|| host.to_owned())
}
