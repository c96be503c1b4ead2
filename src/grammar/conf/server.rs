//! `server`: where it listens and which hosts it is for (`ngx_http_core_listen`, `ngx_http_core_server_name`).

use super::build::NginxBuild;
use super::error::{ConfError, ConfPlace};
use super::location::Location;
use super::tree::ConfDirective;

/// One `listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// The address, `*` for all of IPv4; the path of a UNIX socket with `unix:`.
    pub address: String,
    /// The port; nothing for a UNIX socket.
    pub port: Option<u16>,
    /// `default_server`: it gets the requests whose host is no server's.
    pub default: bool,
    /// `ssl` or `quic`: its requests have the scheme https.
    pub tls: bool,
}

/// One name of `server_name`, in lower case but for regular expressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerName {
    /// `www.example.org`; empty for requests without a host.
    Exact(String),
    /// `*.example.org`, by what stands after the star and its dot.
    Leading(String),
    /// `.example.org`: that name and all below it.
    Domain(String),
    /// `www.example.*`, by what stands before the dot and the star.
    Trailing(String),
    /// `~regex`, without the tilde.
    Regex(String),
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where it listens.
    pub listens: Vec<Listen>,
    /// The hosts it is for; never empty.
    pub names: Vec<ServerName>,
    /// `$server_name`: its first name as nginx logs it.
    pub name: String,
    /// Its locations, in their order.
    pub locations: Vec<Location>,
    /// `merge_slashes`: whether `//` in a path counts as `/`.
    pub merge_slashes: bool,
    /// The status that it answers everything with, without asking its locations: an unconditional `return` of its own.
    pub returns: Option<u16>,
    /// Whether it rewrites URIs before it looks for a location, so that the location cannot be told from the URI alone.
    pub rewrites: bool,
    /// The logs that requests outside its locations go to, as indexes into [`NginxConf::logs`](super::NginxConf::logs).
    pub logs: Vec<usize>,
    /// All logs that any of its requests goes to.
    pub all_logs: Vec<usize>,
    /// Where it stands.
    pub place: ConfPlace,
}

/// The names of a server's directives.
pub(super) fn read_names(block: &[ConfDirective], build: &NginxBuild) -> Result<(Vec<ServerName>, String), ConfError> {
    let mut names = Vec::new();
    let mut first = None;
    for directive in block.iter().filter(|directive| directive.is("server_name")) {
        for word in &directive.args {
            let text = if word.text.eq_ignore_ascii_case("$hostname") { &build.host_name } else { &word.text };
            let name = read_name(text).ok_or_else(|| {
                word.place.wrong(format!("`{}` is no server name", word.text), "see nginx's server_name")
            })?;
            first.get_or_insert_with(|| match &name {
                ServerName::Regex(_) => text.clone(),
                _ => text.strip_prefix('.').unwrap_or(text).to_ascii_lowercase(),
            });
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push(ServerName::Exact(String::new()));
    }
    Ok((names, first.unwrap_or_default()))
}

fn read_name(text: &str) -> Option<ServerName> {
    if let Some(regex) = text.strip_prefix('~') {
        return (!regex.is_empty()).then(|| ServerName::Regex(regex.to_owned()));
    }
    let lower = text.to_ascii_lowercase();
    let name = if let Some(rest) = lower.strip_prefix("*.") {
        (rest, ServerName::Leading(rest.to_owned()))
    } else if let Some(rest) = lower.strip_prefix('.') {
        (rest, ServerName::Domain(rest.to_owned()))
    } else if let Some(rest) = lower.strip_suffix(".*") {
        (rest, ServerName::Trailing(rest.to_owned()))
    } else {
        return (!lower.contains('*')).then_some(ServerName::Exact(lower));
    };
    (!name.0.is_empty() && !name.0.contains('*')).then_some(name.1)
}

/// Where a server listens; on port 80 if it does not say.
pub(super) fn read_listens(block: &[ConfDirective]) -> Vec<Listen> {
    let said = block.iter().filter(|directive| directive.is("listen"));
    let mut listens: Vec<Listen> = said.filter_map(read_listen).collect();
    if listens.is_empty() {
        listens.push(Listen { address: "*".to_owned(), port: Some(80), default: false, tls: false });
    }
    listens
}

fn read_listen(directive: &ConfDirective) -> Option<Listen> {
    let text = directive.arg(0)?;
    let has = |names: &[&str]| directive.args.iter().skip(1).any(|word| names.contains(&word.text.as_str()));
    let (default, tls) = (has(&["default_server", "default"]), has(&["ssl", "quic"]));
    if text.starts_with("unix:") {
        return Some(Listen { address: text.to_owned(), port: None, default, tls });
    }
    let (address, port) = match text.rsplit_once(':') {
        _ if text.bytes().all(|byte| byte.is_ascii_digit()) => ("*", text.parse().ok()?),
        _ if text.ends_with(']') => (text, 80),
        Some((address, port)) => (address, port.parse().unwrap_or(0)),
        None => (text, 80),
    };
    let address = if address == "0.0.0.0" { "*" } else { address };
    Some(Listen { address: address.to_ascii_lowercase(), port: Some(port), default, tls })
}

/// The status of an unconditional `return` among a server's own directives, if nothing before it may go around it; and
/// whether they change URIs.
pub(super) fn read_rewriting(block: &[ConfDirective]) -> (Option<u16>, bool) {
    let own = |name: &str| {
        let inside = block.iter().filter(|directive| directive.is("if")).flat_map(ConfDirective::children);
        block.iter().chain(inside).any(|directive| directive.is(name))
    };
    let rewrites = own("rewrite");
    let returns = block.iter().find(|directive| directive.is("return")).filter(|_| !rewrites && !own("break"));
    let status = returns.and_then(|directive| match directive.arg(0)?.parse() {
        Ok(status) => Some(status),
        // `return URL;` is a 302.
        Err(_) => Some(302),
    });
    (status, rewrites)
}
