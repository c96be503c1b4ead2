//! All the ways to cut a line that the shapes of nginx's values allow, by brute force: what a format in doubt is held against.
//! It shares no code with the parser.

use std::collections::HashSet;
use std::net::IpAddr;

use regex::bytes::Regex;
use spikeline::grammar::Escape;

pub(crate) struct AllCuts {
    escape: Escape,
    lead: Vec<u8>,
    /// The variables with what their values look like, and the literal after each.
    places: Vec<(String, Regex, Vec<u8>)>,
    trailing_spaces: usize,
}

/// What `$request` was: of HTTP/1.0 or later, of HTTP/0.9, or nothing that nginx could read. Only the first has headers.
#[derive(Clone, Copy, PartialEq)]
enum RequestLine {
    Usual,
    OfHttp09,
    Unreadable,
}

/// One way to cut a line: a value of each place.
pub(crate) type Values = Vec<Vec<u8>>;

impl AllCuts {
    pub(crate) fn new(text: &str, escape: Escape) -> AllCuts {
        let kept = text.trim_end_matches(' ');
        let variable = regex::Regex::new(r"\$(?:\{(\w+)\}|(\w+))").unwrap();
        let found: Vec<_> = variable.captures_iter(kept).collect();
        let at = |index: usize| found.get(index).map_or(kept.len(), |one| one.get(0).unwrap().start());
        let place = |(index, one): (usize, &regex::Captures<'_>)| {
            let name = one.get(1).or(one.get(2)).unwrap().as_str().to_ascii_lowercase();
            let looks = Regex::new(&format!("(?s-u)^(?:{})$", looks_of(&name, escape))).unwrap();
            let literal = kept.as_bytes()[one.get(0).unwrap().end()..at(index + 1)].to_vec();
            (name, looks, literal)
        };
        let lead = kept.as_bytes()[..at(0)].to_vec();
        let places = found.iter().enumerate().map(place).collect();
        AllCuts { escape, lead, places, trailing_spaces: text.len() - kept.len() }
    }

    /// The first ways to cut the line, two at most.
    pub(crate) fn of_line(&self, line: &[u8]) -> Vec<Values> {
        let mut line = line;
        for _ in 0..self.trailing_spaces {
            line = line.strip_suffix(b" ").unwrap_or(line);
        }
        let mut found = Vec::new();
        for request in [RequestLine::Usual, RequestLine::OfHttp09, RequestLine::Unreadable] {
            if line.starts_with(&self.lead) && self.may_have_been(request) {
                self.cut_on(line, self.lead.len(), request, &mut Vec::new(), &mut HashSet::new(), &mut found);
            }
        }
        found
    }

    fn may_have_been(&self, request: RequestLine) -> bool {
        let has = |names: &[&str]| self.places.iter().any(|(name, ..)| names.contains(&name.as_str()));
        let requests = has(&["request", "request_line"]);
        match request {
            RequestLine::Usual => true,
            RequestLine::OfHttp09 => requests,
            RequestLine::Unreadable => requests && has(&["status"]),
        }
    }

    /// Whether the value of a place can be such, be its request readable or not.
    pub(crate) fn fits(&self, place: usize, value: &[u8]) -> bool {
        let (name, looks, _) = &self.places[place];
        if matches!(name.as_str(), "host" | "server_name") && value.starts_with(b":") {
            return false;
        }
        let address = matches!(name.as_str(), "remote_addr" | "server_addr" | "realip_remote_addr");
        if address {
            return value == b"unix:" || std::str::from_utf8(value).is_ok_and(|value| value.parse::<IpAddr>().is_ok());
        }
        looks.is_match(value)
    }

    pub(crate) fn literal(&self, place: usize) -> &[u8] {
        &self.places[place].2
    }

    pub(crate) fn has_port_before_dash(&self) -> bool {
        self.places.iter().any(|(name, _, literal)| name.ends_with("_port") && literal.starts_with(b"-"))
    }

    /// Whether no value of a header in it begins or ends with a space.
    pub(crate) fn is_trimmed(&self, values: &Values) -> bool {
        self.places
            .iter()
            .zip(values)
            .all(|((name, ..), value)| !is_request_header(name) || !value.starts_with(b" ") && !value.ends_with(b" "))
    }

    fn cut_on(
        &self,
        line: &[u8],
        at: usize,
        request: RequestLine,
        before: &mut Values,
        dead: &mut HashSet<(usize, usize)>,
        found: &mut Vec<Values>,
    ) -> bool {
        let place = before.len();
        let Some((name, _, literal)) = self.places.get(place) else {
            // A protocol is there if the method and target are. Then the way to here leads no further.
            let whole = at == line.len() && self.is_whole_request(before);
            if whole {
                found.push(before.clone());
            }
            return at == line.len();
        };
        let mut any = false;
        let only = self.end_of_list(line, at, place);
        for end in at..=line.len() {
            if only.is_some_and(|only| only != end) {
                continue;
            }
            let value = &line[at..end];
            let follows = end + literal.len();
            if found.len() >= 2 || !line[end..].starts_with(literal) || dead.contains(&(place + 1, follows)) {
                continue;
            }
            if place + 1 == self.places.len() && follows != line.len() {
                continue;
            }
            let fits = match (name.as_str(), request) {
                // Where a comma ends the list, its own have a space behind them.
                (name, _) if is_list(name) && ends_at_comma(name, literal) && has_bare_comma(value) => false,
                ("upstream_addr", _) if value.iter().any(|byte| Some(byte) == ends_peers(literal)) => false,
                ("request" | "request_line", RequestLine::Usual) => self.fits(place, value) && !is_http_09(value),
                ("request" | "request_line", RequestLine::OfHttp09) => self.fits(place, value) && is_http_09(value),
                ("request" | "request_line", _) => !self.fits(place, value) && is_text(value, self.escape),
                (name, RequestLine::OfHttp09 | RequestLine::Unreadable) if is_request_header(name) => {
                    value == if self.escape == Escape::Default { &b"-"[..] } else { b"" }
                }
                ("status", RequestLine::Unreadable) => [&b"400"[..], b"408", b"414", b"505"].contains(&value),
                _ => self.fits(place, value),
            };
            if fits {
                before.push(value.to_vec());
                any |= self.cut_on(line, follows, request, before, dead, found);
                before.pop();
            }
        }
        if !any {
            dead.insert((place, at));
        }
        any
    }

    /// The only end of a list behind which stands what nobody sent, which does not begin as the list would go on.
    fn end_of_list(&self, line: &[u8], at: usize, place: usize) -> Option<usize> {
        let [(name, _, literal), (next, ..), ..] = self.places.get(place..)? else { return None };
        if !is_list(name) || is_sent(next) || !matches!(literal.as_slice(), b"," | b" ") {
            return None;
        }
        let is_end = |&end: &usize| {
            let value = &line[at..end];
            let commas = !ends_at_comma(name, literal) || !has_bare_comma(value);
            line[end..].starts_with(literal) && commas && (value.is_empty() || self.fits(place, value))
        };
        (at..=line.len()).rfind(is_end)
    }

    fn is_whole_request(&self, values: &Values) -> bool {
        let absent: &[u8] = if self.escape == Escape::Default { b"-" } else { b"" };
        let mut unrequested = false;
        self.places.iter().zip(values).all(|((name, ..), value)| {
            unrequested |= matches!(name.as_str(), "request_method" | "request_uri" | "uri") && value == absent;
            name != "server_protocol" || value != absent || unrequested
        })
    }
}

fn is_request_header(name: &str) -> bool {
    name.starts_with("http_") || name.starts_with("cookie_")
}

fn is_http_09(request: &[u8]) -> bool {
    request.starts_with(b"GET ") && request.iter().filter(|byte| **byte == b' ').count() == 1
}

/// What a client or an upstream may begin with whatever it likes.
fn is_sent(name: &str) -> bool {
    const FAMILIES: [&str; 5] = ["http_", "arg_", "cookie_", "sent_http_", "upstream_http_"];
    const NAMES: [&str; 6] = ["request", "request_line", "remote_user", "args", "query_string", "request_body"];
    FAMILIES.iter().any(|family| name.starts_with(family)) || NAMES.contains(&name)
}

fn is_list(name: &str) -> bool {
    name.starts_with("upstream_") && !name.starts_with("upstream_http_") && name != "upstream_cache_status"
}

/// Whether a comma, and what may be a member behind it, is the list's end.
fn ends_at_comma(name: &str, literal: &[u8]) -> bool {
    let is_member = |byte: u8| match name {
        "upstream_addr" => byte > b' ' && byte != b'"',
        name if name.ends_with("_time") => byte.is_ascii_digit() || b".-".contains(&byte),
        _ => byte.is_ascii_digit() || byte == b'-',
    };
    literal.first() == Some(&b',') && literal.get(1).is_none_or(|byte| is_member(*byte))
}

fn has_bare_comma(list: &[u8]) -> bool {
    list.iter().enumerate().any(|(at, byte)| *byte == b',' && list.get(at + 1) != Some(&b' '))
}

/// The byte that ends a list of peers: the literal's first, but for those of which addresses are made.
fn ends_peers(literal: &[u8]) -> Option<&u8> {
    literal.first().filter(|byte| !byte.is_ascii_alphanumeric() && !b":].-/_ ,".contains(byte))
}

fn is_text(value: &[u8], escape: Escape) -> bool {
    Regex::new(&format!("(?s-u)^{}*$", character(escape))).unwrap().is_match(value)
}

/// One character of a text as the escape writes it.
fn character(escape: Escape) -> &'static str {
    match escape {
        Escape::Default => r#"(?:[ !#-\[\]-~]|\\x[0-9A-Fa-f]{2})"#,
        Escape::Json => r#"(?:[^"\\\x00-\x1f]|\\(?:["\\/nrtbf]|u[0-9A-Fa-f]{4}))"#,
        Escape::None => r"[^\n]",
    }
}

/// What the values of a variable look like.
fn looks_of(name: &str, escape: Escape) -> String {
    let text = character(escape);
    let absent = if escape == Escape::Default { "-" } else { "" };
    let or_absent = |looks: &str| format!("{looks}|{absent}");
    let list = |member: &str| or_absent(&format!("(?:{member}|-)(?:(?:, ?| : )(?:{member}|-))*(?: : )?"));
    let binary = match escape {
        Escape::Default => r"\\x[01][0-9A-F]",
        Escape::Json => r"\\(?:[nrtbf]|u[0-9A-Fa-f]{4})",
        Escape::None => r"[\x00-\x1f]",
    };
    // Without a space.
    let target = format!("(?:{}|/)", host_character(escape));
    match name {
        "time_local" => r"\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}".to_owned(),
        "time_iso8601" => r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)".to_owned(),
        "msec" => r"\d{10}\.\d{3}".to_owned(),
        "request_time" | "connection_time" => r"\d{1,8}\.\d{3}".to_owned(),
        "gzip_ratio" => or_absent(r"\d+\.\d\d"),
        "status" => "[1-9][0-9]{2}|000|009".to_owned(),
        "remote_port" | "server_port" => "[0-9]{0,5}".to_owned(),
        "bytes_sent"
        | "body_bytes_sent"
        | "request_length"
        | "connection"
        | "connection_requests"
        | "pid"
        | "tcpinfo_rtt" => "[0-9]+".to_owned(),
        "upstream_response_time" | "upstream_connect_time" | "upstream_header_time" => list(r"\d{1,8}\.\d{3}"),
        "upstream_status" => list("(?:[1-9][0-9]{2}|000|009)"),
        "upstream_response_length" | "upstream_bytes_received" => list("[0-9]+"),
        "upstream_addr" => {
            let member = r#"[^\x00-\x20",\x7f]"#;
            list(&format!("{member}*[A-Za-z:]{member}*"))
        }
        "pipe" => "[.p]".to_owned(),
        "scheme" => "https?".to_owned(),
        "request_method" => or_absent("[A-Z_-]+"),
        "server_protocol" => or_absent(r"HTTP/[0-9](?:\.[0-9])?"),
        "request_id" => "[0-9a-fA-F]{32}".to_owned(),
        "request_completion" => or_absent("OK"),
        "upstream_cache_status" => or_absent("MISS|BYPASS|EXPIRED|STALE|UPDATING|REVALIDATED|HIT"),
        "ssl_protocol" => or_absent(match escape {
            Escape::Default => r#"(?:[!#-\[\]-~]|\\x[0-9A-Fa-f]{2})+"#,
            Escape::Json => r#"(?:[^"\\\x00-\x20\x7f]|\\(?:[\\nrtbf]|u[0-9A-Fa-f]{4}))+"#,
            Escape::None => r#"[^"\x00-\x20\x7f]+"#,
        }),
        "host" | "server_name" => or_absent(&format!("{}+", host_character(escape))),
        "request_uri" | "uri" => or_absent(&format!(r"(?:/|https?://){text}*|\*")),
        "request" | "request_line" => {
            format!("[A-Z_-]+ [/*A-Za-z]{text}* HTTP/[0-9](?:\\.[0-9])?|GET [/h]{target}*|-?|{binary}{text}*")
        }
        "remote_user" => or_absent(&format!("(?:{})*", text.replace("[^", "[^:").replace("[ !#-\\[", "[ !#-9;-\\["))),
        "args" | "query_string" => {
            or_absent(&format!("(?:{})*", text.replace("[^", "[^#").replace("[ !#-\\[", "[ !$-\\[")))
        }
        name if name.starts_with("cookie_") => {
            or_absent(&format!("(?:{})*", text.replace("[^", "[^;").replace("[ !#-\\[", "[ !#-:<-\\[")))
        }
        _ => or_absent(&format!("{text}*")),
    }
}

/// One character of a host.
fn host_character(escape: Escape) -> &'static str {
    match escape {
        Escape::Default => r#"(?:[!#-.0-\[\]-~]|\\x[0-9A-Fa-f]{2})"#,
        Escape::Json => r#"(?:[^"\\\x00-\x20/\x7f]|\\(?:["\\nrtbf]|u[0-9A-Fa-f]{4}))"#,
        Escape::None => r"[^\x00-\x20/\x7f]",
    }
}
