//! What of a raw line not everyone may see.
//!
//! A rule is the name of a variable: its value is not shown, wherever in the line it stands. Two names mean more than one variable:
//! `remote_addr` all that tells the client's address, `query` everything behind a `?` in any value, and what is made of it. Text that
//! cannot be told from the rest, or a line that its log_format does not explain, is not shown at all: what is hidden is never guessed.

use memchr::memmem;

use crate::record::{Record, RecordValues};

/// What stands where something is hidden.
const HIDDEN: &[u8] = b"[redacted]";

/// What stands for a line of which cannot be told what is to be hidden.
const UNEXPLAINED: &[u8] = b"[redacted: of this line cannot be told what is to be hidden]";

/// A value of fewer bytes is looked for as a whole word only.
const SHORT: usize = 4;

/// Variables that tell the client's address.
const ADDRESSES: [&str; 7] = [
    "remote_addr",
    "realip_remote_addr",
    "proxy_protocol_addr",
    "http_x_forwarded_for",
    "proxy_add_x_forwarded_for",
    "http_x_real_ip",
    "http_forwarded",
];

/// Variables that are made of the query alone.
const QUERIES: [&str; 2] = ["args", "query_string"];

/// The rules of one token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    variables: Vec<String>,
    hides_query: bool,
}

impl Redaction {
    /// Hides what these names mean; nothing without any.
    pub fn of_names(names: &[String]) -> Redaction {
        let mut redaction = Redaction::default();
        for name in names {
            match name.trim_start_matches('$') {
                "query" => redaction.hides_query = true,
                "remote_addr" => redaction.variables.extend(ADDRESSES.map(str::to_owned)),
                other => redaction.variables.push(other.to_owned()),
            }
        }
        redaction
    }

    /// Whether everything is shown.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty() && !self.hides_query
    }

    /// Whether a variable of a log, or a field of a request that is made of one, is hidden as a whole.
    pub fn hides(&self, name: &str) -> bool {
        let name = name.trim_start_matches('$');
        let of_query = QUERIES.contains(&name) || name.starts_with("arg_") || name.starts_with("query:");
        let of_address = name == "net" || name.starts_with("net:") || name == "binary_remote_addr";
        self.hides_variable(name)
            || (self.hides_query && of_query)
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
            if self.hides(&held.name) {
                secrets.extend(values.value(variable).filter(|value| !value.is_empty()));
            }
        }
        if self.hides_query
            && let Some(mark) = memchr::memchr(b'?', record.target)
        {
            secrets.extend(record.target.get(mark + 1..).filter(|query| query.len() >= SHORT));
        }
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
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
