//! `--where FIELD=VALUE`: whether a request has a value, as answers name fields and values.
//!
//! Fields are read as [`FacetReader`](super::FacetReader) reads them, so that what `why` names can be asked for: an address is in its nets, of a list
//! by attempt any member counts, a referer is its host, sizes are in classes. The value as it stands in the log counts as well.

use std::borrow::Cow;
use std::net::IpAddr;

use super::facets::{FacetReading, host_of, reading_of};
use super::feature::MOST_BYTES;
use super::route_patterns::patterns_of;
use crate::grammar::{Escape, Format};
use crate::record::{
    AddressRange, Needs, Record, RecordValues, attempts, parse_status_range, query_value, unescape, with_agent_family,
};
use crate::route::readable_name;

/// A condition on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhereCondition {
    /// The field: nginx's variable, `route`, `path`, `query:KEY`, `agent_family`, `net`, ..
    pub field: String,
    /// What its value has to be.
    pub value: WantedValue,
    /// Whether that is wanted, or what is not so.
    pub is_wanted: bool,
}

/// What a value has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedValue {
    /// Any.
    Any,
    /// This one; a net, a class of sizes or statuses as they are written.
    Is(Vec<u8>),
    /// One that begins so.
    Begins(Vec<u8>),
}

impl WhereCondition {
    /// `status=502`, `http_referer!=shop.example.com`, `path^=/p/git/`, `query:depth=*`; `\xHH` stands for a byte.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<WhereCondition, String> {
        let Some((field, value)) = text.split_once('=') else {
            return Err("there is no `=`".to_owned());
        };
        let (field, mark) = match field.as_bytes().last().copied() {
            Some(mark @ (b'!' | b'^')) => (field.get(..field.len() - 1).unwrap_or_default(), Some(mark)),
            _ => (field, None),
        };
        let field = field.trim().trim_start_matches('$');
        if field.is_empty() || field == "query:" {
            return Err("it names no field".to_owned());
        }
        let value = match (mark, value) {
            (Some(b'^'), begin) => WantedValue::Begins(read_bytes(begin)?),
            (_, "*") => WantedValue::Any,
            (_, value) => WantedValue::Is(read_bytes(value)?),
        };
        Ok(WhereCondition { field: field.to_owned(), value, is_wanted: mark != Some(b'!') })
    }

    /// The condition that a request has this value, as it is typed.
    pub fn typed(field: &str, value: &[u8]) -> String {
        // Of a longer one no more is known.
        let mark = if value.len() >= MOST_BYTES { "^" } else { "" };
        let mut typed = format!("{field}{mark}=");
        if value == b"*" && !field.starts_with("query:") {
            return typed + "\\x2A";
        }
        for chunk in value.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() || c == '\\' {
                    let mut bytes = [0; 4];
                    c.encode_utf8(&mut bytes).bytes().for_each(|byte| typed.push_str(&format!("\\x{byte:02X}")));
                } else {
                    typed.push(c);
                }
            }
            chunk.invalid().iter().for_each(|byte| typed.push_str(&format!("\\x{byte:02X}")));
        }
        typed
    }
}

/// The bytes of a value as typed.
fn read_bytes(text: &str) -> Result<Vec<u8>, String> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Err("two hexadecimal digits belong behind `\\x`; a backslash is \\x5C".to_owned());
        };
        bytes.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// A condition, as the lines of one format can meet it.
#[derive(Debug, Clone)]
pub struct PlacedWhere {
    looks_at: LooksAt,
    value: WantedValue,
    /// The value as a net, where it is one.
    net: Option<AddressRange>,
    is_wanted: bool,
    escape: Escape,
}

/// Where the value stands.
#[derive(Debug, Clone)]
enum LooksAt {
    Route,
    Path,
    Target,
    Method,
    Protocol,
    Host,
    Status,
    StatusClass,
    Duration,
    Query(Vec<u8>),
    Family(usize),
    Variable(usize, FacetReading),
    /// The format has none.
    Nothing,
}

impl PlacedWhere {
    /// The same in lines of a format.
    pub fn of_format(condition: &WhereCondition, format: &Format) -> PlacedWhere {
        let WhereCondition { field, value, is_wanted } = condition;
        let text = if let WantedValue::Is(bytes) = value { std::str::from_utf8(bytes).ok() } else { None };
        PlacedWhere {
            looks_at: LooksAt::of_field(field, format),
            value: value.clone(),
            net: text.filter(|text| text.contains('/')).and_then(AddressRange::parse),
            is_wanted: *is_wanted,
            escape: format.escape(),
        }
    }

    /// Whether the format has the field at all.
    pub fn is_there(&self) -> bool {
        !matches!(self.looks_at, LooksAt::Nothing)
    }

    /// Whether it is about the route.
    pub fn is_of_route(&self) -> bool {
        matches!(self.looks_at, LooksAt::Route)
    }

    /// Add what has to be read of a line.
    pub fn add_needs(&self, needs: &mut Needs) {
        match self.looks_at {
            LooksAt::Host => needs.host = true,
            LooksAt::Path | LooksAt::Target | LooksAt::Query(_) => needs.target = true,
            LooksAt::Family(variable) | LooksAt::Variable(variable, _) => needs.variables.push(variable),
            _ => {}
        }
    }

    /// Whether a request of a route of that name meets it.
    pub fn meets_route(&self, name: &str) -> bool {
        let is_pattern = |value: &[u8]| patterns_of(name).iter().any(|pattern| pattern.as_bytes() == value);
        let is_so = match &self.value {
            WantedValue::Any => true,
            WantedValue::Begins(begin) => name.as_bytes().starts_with(begin),
            WantedValue::Is(value) => {
                name.as_bytes() == value || readable_name(name).as_bytes() == value || is_pattern(value)
            }
        };
        is_so == self.is_wanted
    }

    /// Whether a request meets it; of the route [`meets_route`](Self::meets_route) says that.
    pub fn meets(&self, record: &Record<'_>, values: &RecordValues<'_>) -> bool {
        self.is_so(record, values) == self.is_wanted
    }

    fn is_so(&self, record: &Record<'_>, values: &RecordValues<'_>) -> bool {
        match &self.looks_at {
            LooksAt::Route => true,
            LooksAt::Nothing => false,
            LooksAt::Path => {
                self.is_text(before_query(&unescape(record.target, self.escape)), before_query(record.target))
            }
            LooksAt::Target => self.is_escaped(Some(record.target)),
            LooksAt::Method => self.is_escaped(Some(record.method)),
            LooksAt::Protocol => self.is_escaped(Some(record.protocol)),
            LooksAt::Host => self.is_escaped(record.host),
            LooksAt::Duration => record.request_time_ms.is_some_and(|took| self.is_number(took)),
            LooksAt::Status => self.is_status(record.status),
            LooksAt::StatusClass => {
                let class = record.status.map(|status| format!("{}xx", status / 100));
                class.is_some_and(|class| self.is_text(class.as_bytes(), class.as_bytes()))
            }
            LooksAt::Query(key) => self.is_of_query(record.target, key),
            LooksAt::Family(variable) => {
                let mut is_so = false;
                if let Some(raw) = values.value(*variable) {
                    with_agent_family(raw, self.escape, |family| {
                        is_so = self.is_text(family.as_bytes(), family.as_bytes());
                    });
                }
                is_so
            }
            LooksAt::Variable(variable, reading) => match values.value(*variable) {
                Some(raw) => self.is_facet(*reading, raw),
                None => false,
            },
        }
    }

    /// Whether either is what is wanted.
    fn is_text(&self, text: &[u8], raw: &[u8]) -> bool {
        match &self.value {
            WantedValue::Any => true,
            WantedValue::Is(value) => text == value || raw == value,
            WantedValue::Begins(begin) => text.starts_with(begin) || raw.starts_with(begin),
        }
    }

    /// The same of a value as it is logged; an empty one is none.
    fn is_escaped(&self, raw: Option<&[u8]>) -> bool {
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return false };
        self.is_text(&unescape(raw, self.escape), raw)
    }

    /// `502`, or `>=250`.
    fn is_number(&self, number: u64) -> bool {
        match self.least() {
            Some(least) => number >= least,
            None => self.is_text(number.to_string().as_bytes(), b""),
        }
    }

    fn is_status(&self, status: Option<u16>) -> bool {
        let WantedValue::Is(value) = &self.value else {
            return status.is_some_and(|status| self.is_number(u64::from(status)));
        };
        let range = std::str::from_utf8(value).ok().and_then(parse_status_range);
        match (status, range) {
            (Some(status), Some(range)) => range.contains(&status),
            (Some(status), None) => self.is_number(u64::from(status)),
            (None, _) => value == b"-",
        }
    }

    /// Of a key that comes again the first counts.
    fn is_of_query(&self, target: &[u8], key: &[u8]) -> bool {
        let target: Cow<'_, [u8]> = unescape(target, self.escape);
        query_value(&target, key).is_some_and(|value| self.is_text(value, value))
    }

    /// From `>=4096`.
    fn least(&self) -> Option<u64> {
        let WantedValue::Is(value) = &self.value else { return None };
        std::str::from_utf8(value).ok()?.strip_prefix(">=")?.parse().ok()
    }

    fn is_facet(&self, reading: FacetReading, raw: &[u8]) -> bool {
        let text = unescape(raw, self.escape);
        let by_reading = match reading {
            FacetReading::Address => self.is_address(&text),
            FacetReading::UrlHost => host_of(&text).is_some_and(|host| self.is_text(host, host)),
            FacetReading::Attempts => {
                let mut members = attempts(&text).filter_map(|attempt| attempt.value);
                members.any(|member| self.is_text(member, member))
            }
            FacetReading::Size => {
                let size = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<u64>().ok());
                size.zip(self.least()).is_some_and(|(size, least)| size >= least)
            }
            FacetReading::Reuse => matches!(&self.value, WantedValue::Is(value) if value == b">1") && &*text != b"1",
            FacetReading::Text | FacetReading::Agent { .. } => false,
        };
        by_reading || self.is_text(&text, raw)
    }

    /// The first of a list is the client's; it is in its nets.
    fn is_address(&self, list: &[u8]) -> bool {
        let first = list.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
        let address = std::str::from_utf8(first).ok().and_then(|text| text.parse().ok());
        let in_net = address.zip(self.net).is_some_and(|(address, net): (IpAddr, _)| net.holds(address.to_canonical()));
        in_net || self.is_text(first, first)
    }
}

/// The target up to its `?`.
fn before_query(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

impl LooksAt {
    fn of_field(field: &str, format: &Format) -> LooksAt {
        let variable = |name: &str| format.index_of(name);
        let says_request = format.roles().request.is_some() || format.is_keyed();
        let known = match field {
            "route" => LooksAt::Route,
            "path" => LooksAt::Path,
            "target" => LooksAt::Target,
            "request_method" | "server_protocol" if !says_request => LooksAt::of_variable(field, format),
            "method" | "request_method" => LooksAt::Method,
            "protocol" | "server_protocol" => LooksAt::Protocol,
            "status" => LooksAt::Status,
            "status_class" => LooksAt::StatusClass,
            "request_time" => LooksAt::Duration,
            "agent_family" => match variable("http_user_agent") {
                Some(agent) => LooksAt::Family(agent),
                None => LooksAt::Nothing,
            },
            "net" | "net:24" | "net:64" | "net:16" | "net:48" => LooksAt::of_variable("remote_addr", format),
            _ => match field.strip_prefix("query:") {
                Some(key) => LooksAt::Query(key.as_bytes().to_vec()),
                None => LooksAt::of_variable(field, format),
            },
        };
        match known {
            LooksAt::Nothing if field == "host" => LooksAt::Host,
            known => known,
        }
    }

    fn of_variable(name: &str, format: &Format) -> LooksAt {
        let Some(variable) = format.index_of(name) else { return LooksAt::Nothing };
        let kind = format.variables().get(variable).map(|known| known.kind);
        LooksAt::Variable(variable, kind.map_or(FacetReading::Text, |kind| reading_of(name, kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_field_a_mark_and_a_value() {
        for (text, field, value, is_wanted) in [
            ("status=502", "status", WantedValue::Is(b"502".to_vec()), true),
            ("$host!=a.b", "host", WantedValue::Is(b"a.b".to_vec()), false),
            ("path^=/p/=x", "path", WantedValue::Begins(b"/p/=x".to_vec()), true),
            ("query:depth=*", "query:depth", WantedValue::Any, true),
            ("x=a\\x5C\\xffb", "x", WantedValue::Is(b"a\\\xffb".to_vec()), true),
            ("x=", "x", WantedValue::Is(Vec::new()), true),
        ] {
            let expected = WhereCondition { field: field.to_owned(), value, is_wanted };
            assert_eq!(WhereCondition::parse(text), Ok(expected), "{text}");
        }
        for wrong in ["status", "=x", "query:=x", "x=\\x5", "x=\\xzz", "!=x"] {
            assert!(WhereCondition::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_typed_is_read_as_it_was() {
        assert_eq!(WhereCondition::parse(&WhereCondition::typed("query:x", b"*")).unwrap().value, WantedValue::Any);
        for value in [&b"*"[..], b"a b", b"\\x41", b"\xff\xfe", b"=*'\n", "schön".as_bytes()] {
            let typed = WhereCondition::typed("x", value);
            let read = WhereCondition::parse(&typed).unwrap();
            assert_eq!(read.value, WantedValue::Is(value.to_vec()), "{typed}");
        }
        let long = vec![b'a'; MOST_BYTES];
        assert_eq!(WhereCondition::parse(&WhereCondition::typed("x", &long)).unwrap().value, WantedValue::Begins(long));
    }
}
