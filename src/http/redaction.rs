//! What of a raw line not everyone may see.
//!
//! A rule is the name of a variable: its value is not shown, wherever in the line it stands. Some names mean more than one variable:
//! `remote_addr` all that tells the client's address, `query` everything behind a `?` in any value, and what is made of it; `request_uri`
//! and `uri` what was asked for, also within `$request`; `arg_x` and `cookie_x` a part of what a client sent, in whatever variable that is
//! logged. Text that cannot be told from the rest, or a line that its log_format does not explain, is not shown at all: what is hidden is
//! never guessed.

use memchr::memmem;

use crate::grammar::nginx_variables::did_you_mean;
use crate::record::{Record, RecordValues};

/// What stands where something is hidden.
const HIDDEN: &[u8] = b"[redacted]";

/// What stands for a line of which cannot be told what is to be hidden.
const UNEXPLAINED: &[u8] = b"[redacted: of this line cannot be told what is to be hidden]";

/// A value of fewer bytes is looked for as a whole word only.
const SHORT: usize = 4;

/// Variables that tell the client's address.
const ADDRESSES: [&str; 13] = [
    "remote_addr",
    "binary_remote_addr",
    "http_cf_connecting_ip",
    "http_fastly_client_ip",
    "http_true_client_ip",
    "http_x_client_ip",
    "http_x_cluster_client_ip",
    "realip_remote_addr",
    "proxy_protocol_addr",
    "http_x_forwarded_for",
    "proxy_add_x_forwarded_for",
    "http_x_real_ip",
    "http_forwarded",
];

/// Variables that are made of the query alone.
const QUERIES: [&str; 2] = ["args", "query_string"];

/// Variables that are what was asked for.
const TARGETS: [&str; 4] = ["request_uri", "uri", "document_uri", "request_filename"];

/// What the index holds of every request, and pictures are made of: it cannot be hidden.
const INDEXED: [&str; 7] =
    ["status", "request_time", "upstream_response_time", "msec", "time_local", "time_iso8601", "body_bytes_sent"];

/// The rules of one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    variables: Vec<String>,
    hides_query: bool,
    hides_target: bool,
    /// Of a query or of cookies, by name.
    arguments: Vec<String>,
    cookies: Vec<String>,
}

impl Redaction {
    /// Hides what these names mean; nothing without any.
    pub fn of_names(names: &[String]) -> Redaction {
        let mut redaction = Redaction::default();
        for name in names {
            let name = name.trim_start_matches('$').to_ascii_lowercase();
            match name.as_str() {
                "query" => redaction.hides_query = true,
                "remote_addr" => redaction.variables.extend(ADDRESSES.map(str::to_owned)),
                query if QUERIES.contains(&query) => redaction.hides_query = true,
                target if TARGETS.contains(&target) => {
                    redaction.variables.extend(TARGETS.map(str::to_owned));
                    redaction.hides_target = true;
                }
                other => {
                    redaction.arguments.extend(other.strip_prefix("arg_").map(str::to_owned));
                    if let Some(cookie) = other.strip_prefix("cookie_") {
                        redaction.cookies.push(cookie.to_owned());
                        redaction.variables.push(format!("upstream_cookie_{cookie}"));
                    }
                    redaction.variables.push(other.to_owned());
                }
            }
        }
        redaction
    }

    /// Why nothing could be hidden by this name.
    pub fn refusal_of(name: &str) -> Option<String> {
        let name = name.trim_start_matches('$').to_ascii_lowercase();
        if INDEXED.contains(&name.as_str()) {
            return Some(format!("`{name}` cannot be hidden: it is what the pictures and counts are made of"));
        }
        if name == "query" {
            return None;
        }
        did_you_mean(&name).map(|meant| format!("nginx has no variable `{name}`: did you mean `{meant}`?"))
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && !self.hides_query
    }

    /// Whether a variable of a log, or a field of a request that is made of one, is hidden as a whole.
    pub fn hides(&self, name: &str) -> bool {
        let name = name.trim_start_matches('$');
        let of_query = QUERIES.contains(&name) || name.starts_with("arg_") || name.starts_with("query:");
        let of_address = name == "net" || name.starts_with("net:");
        self.hides_variable(name)
            || (self.hides_query && of_query)
            || (self.hides_target && (of_query || name == "path" || name == "target"))
            || (of_address && self.hides_variable("remote_addr"))
    }

    fn hides_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|hidden| hidden == name)
    }

    /// The line as it may be shown; `values` are all of its values.
    pub(super) fn shown_line(&self, line: &[u8], record: &Record<'_>, values: RecordValues<'_>) -> Vec<u8> {
        let mut shown = line.to_vec();
        for secret in self.secrets(record, values) {
            match without(&shown, secret) {
                Some(less) => shown = less,
                // Written otherwise in the line than its value says, or within another that was hidden.
                None if memmem::find(line, secret).is_some() => {}
                None => return UNEXPLAINED.to_vec(),
            }
        }
        if self.hides_query { without_queries(&shown) } else { shown }
    }

    /// A line that its log_format does not explain.
    pub(super) fn unexplained(&self) -> Vec<u8> {
        UNEXPLAINED.to_vec()
    }

    /// A value of a variable as it may be shown.
    pub(super) fn shown_value(&self, name: &str, value: &[u8], secrets: &[&[u8]]) -> Vec<u8> {
        if self.hides(name) {
            return HIDDEN.to_vec();
        }
        let mut shown = value.to_vec();
        for secret in secrets {
            if let Some(less) = without(&shown, secret) {
                shown = less;
            }
        }
        if self.hides_query { without_queries(&shown) } else { shown }
    }

    /// What is hidden of one line, the longest first.
    pub(super) fn secrets<'v>(&self, record: &Record<'v>, values: RecordValues<'v>) -> Vec<&'v [u8]> {
        let mut secrets: Vec<&[u8]> = Vec::new();
        for (variable, held) in values.format().variables().iter().enumerate() {
            let Some(value) = values.value(variable).filter(|value| !value.is_empty()) else { continue };
            if self.hides(&held.name) {
                secrets.push(value);
                continue;
            }
            let query = query_of(value, held.name == "request");
            if self.hides_query {
                secrets.extend(query.filter(|query| query.len() >= SHORT));
            }
            let is_query = QUERIES.contains(&held.name.as_str());
            for name in &self.arguments {
                add_named(if is_query { value } else { query.unwrap_or_default() }, name, b'&', &mut secrets);
            }
            // Also what the client is given.
            if held.name == "http_cookie" || held.name.ends_with("_set_cookie") {
                for name in &self.cookies {
                    add_named(value, name, b';', &mut secrets);
                }
            }
        }
        let query = query_of(record.target, false);
        if self.hides_query {
            secrets.extend(query.filter(|query| query.len() >= SHORT));
        }
        for name in &self.arguments {
            add_named(query.unwrap_or_default(), name, b'&', &mut secrets);
        }
        if self.hides_target && !record.target.is_empty() {
            secrets.push(record.target);
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        secrets
    }
}

/// What stands behind the first `?`; of `$request` without the protocol.
fn query_of(value: &[u8], is_request: bool) -> Option<&[u8]> {
    let query = value.get(memchr::memchr(b'?', value)? + 1..)?;
    let protocol = memmem::rfind(query, b" HTTP/").filter(|_| is_request);
    query.get(..protocol.unwrap_or(query.len()))
}

/// The values of a name in `a=1&b=2`, or `a=1; b=2`, whatever its case.
fn add_named<'v>(text: &'v [u8], name: &str, between: u8, secrets: &mut Vec<&'v [u8]>) {
    for pair in text.split(|byte| *byte == between) {
        let pair = pair.trim_ascii_start();
        let Some(at) = memchr::memchr(b'=', pair) else { continue };
        let (held, value) = (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default());
        if held.eq_ignore_ascii_case(name.as_bytes()) && !value.is_empty() {
            secrets.push(value);
        }
    }
}

/// The text without `secret`, wherever it stands; none if it does not stand there. A short one must stand alone.
fn without(text: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let mut shown = Vec::with_capacity(text.len());
    let (mut rest, mut is_found) = (text, false);
    while let Some(at) = memmem::find(rest, secret) {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + secret.len()..).unwrap_or_default());
        let ends_word = |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        let is_alone = ends_word(before.last().or(shown.last())) && ends_word(after.first());
        shown.extend_from_slice(before);
        if secret.len() >= SHORT || is_alone {
            shown.extend_from_slice(HIDDEN);
            is_found = true;
        } else {
            shown.extend_from_slice(secret);
        }
        rest = after;
    }
    shown.extend_from_slice(rest);
    is_found.then_some(shown)
}

/// The text without what stands between a `?` and the end of a value: a space, a quote, or the end.
fn without_queries(text: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(mark) = memchr::memchr(b'?', rest) {
        let (before, after) = rest.split_at_checked(mark + 1).unwrap_or((rest, &[]));
        shown.extend_from_slice(before);
        let length = after.iter().position(|&byte| byte.is_ascii_whitespace() || byte == b'"').unwrap_or(after.len());
        if length > 0 && !after.starts_with(HIDDEN) {
            shown.extend_from_slice(HIDDEN);
        } else {
            shown.extend_from_slice(after.get(..length).unwrap_or_default());
        }
        rest = after.get(length..).unwrap_or_default();
    }
    shown.extend_from_slice(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Escape, Format};
    use crate::record::{Needs, RecordParser};

    const TEXT: &str =
        r#"$remote_addr $remote_user [$time_local] "$request" $status "$http_referer" "$http_x_forwarded_for""#;

    fn shown(names: &[&str], line: &str) -> String {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let format = Format::compile("f", TEXT, Escape::Default).unwrap();
        let mut parser = RecordParser::new(&format, &Needs::all()).unwrap();
        let record = parser.parse(line.as_bytes()).unwrap();
        let values = RecordValues::new(&parser, line.as_bytes());
        String::from_utf8(Redaction::of_names(&names).shown_line(line.as_bytes(), &record, values)).unwrap()
    }

    const LINE: &str = r#"203.0.113.9 ann [30/Nov/2011:14:05:47 +0000] "GET /a?token=s3cret&x=1 HTTP/1.1" 200 "http://h/?q=ann&token=s3cret" "203.0.113.9, 10.0.0.1""#;

    #[test]
    fn an_address_is_hidden_wherever_it_stands() {
        let line = shown(&["remote_addr"], LINE);
        assert!(!line.contains("203.0.113.9") && !line.contains("10.0.0.1"), "{line}");
        assert!(line.contains("token=s3cret") && line.starts_with("[redacted] ann ["), "{line}");
    }

    #[test]
    fn a_query_is_hidden_in_every_value() {
        let line = shown(&["query"], LINE);
        assert!(!line.contains("s3cret") && !line.contains("q=ann"), "{line}");
        assert!(line.contains("\"GET /a?[redacted] HTTP/1.1\"") && line.contains("\"http://h/?[redacted]\""), "{line}");
        assert!(line.contains("203.0.113.9"), "{line}");
    }

    #[test]
    fn what_was_asked_for_is_hidden_within_the_request() {
        for rule in ["request_uri", "$uri"] {
            let line = shown(&[rule], LINE);
            assert!(line.contains("\"GET [redacted] HTTP/1.1\"") && line.contains("203.0.113.9"), "{line}");
        }
    }

    #[test]
    fn a_part_of_a_query_is_hidden_in_whatever_variable_it_is() {
        let line = shown(&["arg_Token"], LINE);
        assert!(!line.contains("s3cret") && line.contains("/a?token=[redacted]&x=1"), "{line}");
        assert!(line.contains("?q=ann&token=[redacted]"), "{line}");
        let line = shown(&["args"], LINE);
        assert!(!line.contains("s3cret") && line.contains("/a?[redacted] HTTP"), "{line}");
        let spaced = LINE.replace("q=ann&", "q=ann b c&");
        let line = shown(&["query"], &spaced);
        assert!(!line.contains("b c") && !line.contains("s3cret"), "a space is no end of a value: {line}");
    }

    #[test]
    fn a_rule_that_could_hide_nothing_is_refused() {
        for fine in ["query", "remote_addr", "http_authorization", "arg_x", "my_own_variable"] {
            assert_eq!(Redaction::refusal_of(fine), None);
        }
        for wrong in ["remote_adr", "status", "$request_time", "requst_uri"] {
            assert!(Redaction::refusal_of(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_short_value_is_hidden_where_it_stands_alone() {
        let line = shown(&["remote_user"], LINE);
        assert!(line.starts_with("203.0.113.9 [redacted] [30/Nov"), "{line}");
        assert!(line.contains("?q=[redacted]&token"), "{line}");
    }

    #[test]
    fn what_rules_hide_is_known_by_name() {
        let rules = Redaction::of_names(&["query".to_owned(), "$remote_addr".to_owned()]);
        for hidden in ["args", "arg_token", "query:token", "net", "net:16", "remote_addr", "http_x_forwarded_for"] {
            assert!(rules.hides(hidden), "{hidden}");
        }
        assert!(!rules.hides("status") && !Redaction::default().hides("args"));
        assert!(Redaction::default().is_empty() && !rules.is_empty());
    }
}
