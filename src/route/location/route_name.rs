//! The names of location routes: a server's name and a location's text as a path's template, so that the way back is
//! the one of every template ([`decode`](crate::route::decode)).
//!
//! | in nginx.conf | template | route |
//! |---|---|---|
//! | `server_name www.example.org`, no location | `/www.example.org` | `www_2Eexample_2Eorg` |
//! | `location /api/`, `location ^~ /api/` | `/www.example.org/api/{rest}` | `www_2Eexample_2Eorg.api.__rest` |
//! | `location = /api/` | `/www.example.org/api/` | `www_2Eexample_2Eorg.api.__empty` |
//! | `location ~ \.php$` | `/www.example.org/~ \x5C.php$` | `www_2Eexample_2Eorg._7E_20_5C_2Ephp_24` |
//! | the same inside `location /a/` | `/www.example.org/a/{rest}/~ \x5C.php$` | `www_2Eexample_2Eorg.a.__rest._7E_20_5C_2Ephp_24` |
//!
//! A server without a name is `_`. Where two locations of a server would have one name, the one inside another takes the
//! outer one's template before its own; what would still be the same, or is too long, is numbered: `~#7`.

use std::collections::HashSet;

use crate::grammar::conf::{Location, LocationMatch};
use crate::route::graphite_name::{decode, encode_path, is_escaped, push_escape};

/// The name of a server's own route.
pub(super) fn server_route(server: &str) -> String {
    let name = encode_path(server_template(server));
    if decode(&name).is_some() { name } else { encode_path("/~#long") }
}

/// The template of a server's own route: its name as one segment.
fn server_template(server: &str) -> String {
    let mut template = "/".to_owned();
    push_canonical(if server.is_empty() { "_" } else { server }, &mut template);
    template
}

/// A location's template, without the server's before it. Regular expressions do not say where they are asked, so what
/// stands inside a location has that one's template before it.
pub(super) fn location_template(location: &Location, outer: Option<&str>) -> String {
    let mut template = String::new();
    match location.by {
        LocationMatch::Exact => push_canonical(&location.text, &mut template),
        LocationMatch::Prefix | LocationMatch::PrefixOnly | LocationMatch::Named => {
            push_canonical(&location.text, &mut template);
            template.push_str("{rest}");
        }
        LocationMatch::Regex { caseless } => {
            template.push_str(outer.unwrap_or_default());
            template.push_str(if caseless { "/~* " } else { "/~ " });
            push_canonical(&location.text, &mut template);
        }
    }
    if !template.starts_with('/') {
        template.insert(0, '/');
    }
    template
}

/// The name of the route of the location that has this template and is the server's `number`th; none of `taken`.
pub(super) fn location_route(
    server: &str,
    template: &str,
    outer: Option<&str>,
    number: usize,
    taken: &HashSet<String>,
) -> String {
    let server = server_template(server);
    let candidates = [
        format!("{server}{template}"),
        format!("{server}{}{template}", outer.unwrap_or_default()),
        format!("{server}/~#{number}"),
        format!("/~#long/~#{number}"),
    ];
    // What was cut short does not lead back.
    let fits = |template: &str, name: &str| decode(name).as_deref() == Some(template) && !taken.contains(name);
    let names = candidates.iter().map(|template| (template, encode_path(template)));
    let mut fitting = names.filter(|(template, name)| fits(template, name));
    fitting.next().map_or_else(|| encode_path(format!("/~#long/~#{number}")), |(_, name)| name)
}

/// Appends a text as it stands in a canonical template.
fn push_canonical(text: &str, template: &mut String) {
    for byte in text.bytes() {
        if is_escaped(byte) {
            let mut escape = Vec::with_capacity(4);
            push_escape(byte, &mut escape);
            template.push_str(&String::from_utf8_lossy(&escape));
        } else {
            template.push(char::from(byte));
        }
    }
}
