//! `--where FIELD=VALUE` as the lines of one format meet it: whether a request has a value, as answers name fields and values.
//!
//! Fields are read as [`FacetReader`](super::FacetReader) reads them, so that what `why` names can be asked for: an address is in its nets, of a
//! list by attempt any member counts, a referer is its host, sizes are in classes. The value as it stands in the log counts as well, and
//! numbers and times by what they are ([`ValueSort`]).

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use super::facets::{FacetReading, host_of};
use super::route_patterns::patterns_of;
use super::where_condition::{WantedValue, WhereCondition};
use super::where_place::LooksAt;
use super::where_value::{RefusedValue, ValueSort};
use crate::grammar::{Escape, Format};
use crate::record::{
    AddressRange, Needs, Record, RecordValues, attempts, parse_status_range, query_value, unescape, with_agent_family,
};
use crate::route::readable_name;

/// A condition, as the lines of one format can meet it.
#[derive(Debug, Clone)]
pub struct PlacedWhere {
    looks_at: LooksAt,
    sort: ValueSort,
    value: WantedValue,
    /// The value as a net, where it is one.
    net: Option<AddressRange>,
    /// The value as an address with a port, where it is one.
    peer: Option<SocketAddr>,
    /// The value as statuses, where it is some.
    statuses: Option<RangeInclusive<u16>>,
    /// The value, or what it has to be above, as a number of its sort.
    number: Option<u128>,
    /// Whether what has no value is asked for, as the log writes that.
    asks_for_none: bool,
    is_wanted: bool,
    escape: Escape,
}

impl PlacedWhere {
    /// The same in lines of a format.
    pub fn of_format(condition: &WhereCondition, format: &Format) -> PlacedWhere {
        let WhereCondition { field, value, is_wanted } = condition;
        let looks_at = LooksAt::of_field(field, format);
        let sort = looks_at.sort(field, format);
        let text = if let WantedValue::Is(bytes) = value { std::str::from_utf8(bytes).ok() } else { None };
        let number = if let WantedValue::Above { bound, .. } = value { Some(bound.as_str()) } else { text };
        let logs_empty = format.escape() == Escape::Default && !format.is_keyed();
        let of_text = matches!(looks_at, LooksAt::Route | LooksAt::Path | LooksAt::Target);
        let is_of_key = matches!(looks_at, LooksAt::Query(_));
        // `$upstream_addr` has an IPv6 address in brackets.
        let bare = text.map(|text| text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text));
        PlacedWhere {
            looks_at,
            sort,
            value: value.clone(),
            net: bare.filter(|text| text.contains('/') || sort.is_of_hosts()).and_then(AddressRange::parse),
            peer: text.filter(|_| sort.is_of_hosts()).and_then(|text| text.parse().ok()),
            statuses: text.filter(|_| sort.is_status()).and_then(parse_status_range),
            number: number.and_then(|number| sort.asked_number(number)),
            // A key without a value is there.
            asks_for_none: !of_text && (text == Some("-") || text == Some("") && !logs_empty && !is_of_key),
            is_wanted: *is_wanted,
            escape: format.escape(),
        }
    }

    /// Why no request can have the value that is asked for, if none can.
    pub fn refusal(&self, field: &str) -> Option<RefusedValue> {
        let is_empty = matches!(&self.value, WantedValue::Is(value) if value.is_empty());
        if is_empty && !self.asks_for_none && !self.sort.is_free() {
            // nginx writes `-`.
            return Some(RefusedValue {
                what: "a value is never empty".to_owned(),
                remedy: format!("write {field}=-"),
            });
        }
        self.sort.refusal(field, &self.value)
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
            LooksAt::Path | LooksAt::Target | LooksAt::Query(_) | LooksAt::Method | LooksAt::Protocol => {
                needs.target = true;
            }
            LooksAt::Duration(variable) => {
                needs.times = true;
                needs.variables.extend(variable);
            }
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
            WantedValue::Above { .. } => false,
            WantedValue::Is(value) | WantedValue::Literal(value) => {
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
            LooksAt::Nothing => self.asks_for_none,
            LooksAt::Path => {
                self.is_text(before_query(&unescape(record.target, self.escape)), before_query(record.target))
            }
            LooksAt::Target => self.is_escaped(Some(record.target)),
            LooksAt::Method => self.is_escaped(Some(record.method)),
            LooksAt::Protocol => self.is_escaped(Some(record.protocol)),
            LooksAt::Host => match record.host.filter(|host| !host.is_empty()) {
                Some(host) => self.is_host(&unescape(host, self.escape)),
                None => self.asks_for_none,
            },
            LooksAt::Duration(Some(variable)) => self.is_duration(record.request_time_ms, values.value(*variable)),
            LooksAt::Duration(None) => {
                let [upstream, ..] = record.upstream_ms;
                self.is_duration(record.request_time_ms.or(upstream), None)
            }
            LooksAt::Status => self.is_status(record.status),
            LooksAt::StatusClass => match record.status {
                Some(status) => self.is_plain(format!("{}xx", status / 100).as_bytes()),
                None => self.asks_for_none,
            },
            LooksAt::Query(key) => self.is_of_query(record.target, key),
            LooksAt::Family(variable) => {
                let mut is_so = self.asks_for_none;
                if let Some(raw) = values.value(*variable) {
                    with_agent_family(raw, self.escape, |family| is_so = self.is_plain(family.as_bytes()));
                }
                is_so
            }
            LooksAt::Variable(variable, reading) => match values.value(*variable) {
                Some(raw) => self.is_facet(*reading, raw),
                None => self.asks_for_none,
            },
        }
    }

    /// Whether either is what is wanted.
    fn is_text(&self, text: &[u8], raw: &[u8]) -> bool {
        match &self.value {
            WantedValue::Any => true,
            WantedValue::Is(value) | WantedValue::Literal(value) => text == value || raw == value,
            WantedValue::Begins(begin) => text.starts_with(begin) || raw.starts_with(begin),
            WantedValue::Above { .. } => false,
        }
    }

    /// Whether what is wanted is this text itself, as it is logged.
    fn is_literally(&self, raw: &[u8]) -> bool {
        matches!(&self.value, WantedValue::Is(value) | WantedValue::Literal(value) if value == raw)
    }

    /// Whether this is what is wanted.
    fn is_plain(&self, text: &[u8]) -> bool {
        self.is_text(text, text)
    }

    /// The same of a value as it is logged; an empty one is none.
    fn is_escaped(&self, raw: Option<&[u8]>) -> bool {
        let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return self.asks_for_none };
        self.is_text(&unescape(raw, self.escape), raw)
    }

    /// Whether a number, in billionths, is the one that is wanted, or above it.
    fn is_number(&self, number: u128) -> bool {
        let Some(wanted) = self.number else { return false };
        match self.value {
            WantedValue::Above { is_strict: true, .. } => number > wanted,
            WantedValue::Above { .. } => number >= wanted,
            _ => number == wanted,
        }
    }

    /// Whether a value, or one of an attempt, is what is wanted: as text, as a status, as a number.
    fn is_value(&self, text: &[u8]) -> bool {
        if self.is_plain(text) {
            return true;
        }
        if let Some(statuses) = &self.statuses {
            let status = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            return status.is_some_and(|status| statuses.contains(&status));
        }
        self.number.is_some() && self.sort.number_of(text).is_some_and(|number| self.is_number(number))
    }

    /// The time of a request: as its variable says it, or as it was read.
    fn is_duration(&self, took: Option<u64>, raw: Option<&[u8]>) -> bool {
        let Some(took) = took else { return self.asks_for_none };
        match (&self.value, raw) {
            (WantedValue::Any, _) => true,
            (_, Some(raw)) if self.sort.number_of(raw).is_some() => self.is_value(raw),
            _ => self.is_number(u128::from(took) * 1_000_000) || self.is_begin_of_time(took),
        }
    }

    /// Whether a time, as nginx would log it, begins so.
    fn is_begin_of_time(&self, took_ms: u64) -> bool {
        let WantedValue::Begins(begin) = &self.value else { return false };
        format!("{}.{:03}", took_ms / 1000, took_ms % 1000).as_bytes().starts_with(begin)
    }

    fn is_status(&self, status: Option<u16>) -> bool {
        let Some(status) = status else { return self.asks_for_none };
        self.is_value(format!("{status:03}").as_bytes())
    }

    /// Of a key that comes again the first counts.
    fn is_of_query(&self, target: &[u8], key: &[u8]) -> bool {
        let target: Cow<'_, [u8]> = unescape(target, self.escape);
        query_value(&target, key).map_or(self.asks_for_none, |value| self.is_plain(value))
    }

    fn is_facet(&self, reading: FacetReading, raw: &[u8]) -> bool {
        let text = unescape(raw, self.escape);
        let by_reading = match reading {
            FacetReading::Address => self.is_address(&text),
            FacetReading::Host => self.is_host(&text),
            FacetReading::UrlHost => host_of(&text).is_some_and(|host| self.is_host(host)),
            // As `why` sets them apart: the first request of a connection, and the others.
            FacetReading::Reuse if self.is_above_one() => return &*text != b"1",
            _ if reading == FacetReading::Attempts || self.sort.is_list() => {
                let mut members = attempts(&text).filter_map(|attempt| attempt.value).peekable();
                if members.peek().is_none() {
                    return self.asks_for_none || self.is_literally(raw);
                }
                members.any(|member| self.is_value(member) || self.is_peer(member))
            }
            _ => self.is_value(&text),
        };
        by_reading || self.is_text(&text, raw)
    }

    /// The same of a host, whose case says nothing.
    fn is_host(&self, host: &[u8]) -> bool {
        match &self.value {
            WantedValue::Any => true,
            WantedValue::Is(value) | WantedValue::Literal(value) => host.eq_ignore_ascii_case(value),
            WantedValue::Begins(begin) => {
                host.get(..begin.len()).is_some_and(|first| first.eq_ignore_ascii_case(begin))
            }
            WantedValue::Above { .. } => false,
        }
    }

    /// Whether a peer of an attempt has the address that is asked for, whatever its port.
    fn is_peer(&self, peer: &[u8]) -> bool {
        if self.sort != ValueSort::Upstreams {
            return false;
        }
        let text = std::str::from_utf8(peer).unwrap_or_default();
        let peer = text.parse::<SocketAddr>();
        if self.peer.is_some() {
            return peer.ok() == self.peer;
        }
        let address = peer.map(|peer| peer.ip()).or_else(|_| text.parse::<IpAddr>());
        address.ok().zip(self.net).is_some_and(|(address, net)| net.holds(address.to_canonical()))
    }

    fn is_above_one(&self) -> bool {
        matches!(&self.value, WantedValue::Above { bound, is_strict: true } if bound == "1")
    }

    /// The first of a list is the client's; it is in its nets.
    fn is_address(&self, list: &[u8]) -> bool {
        let first = list.split(|byte| *byte == b',').next().unwrap_or_default().trim_ascii();
        let address = std::str::from_utf8(first).ok().and_then(|text| text.parse().ok());
        let in_net = address.zip(self.net).is_some_and(|(address, net): (IpAddr, _)| net.holds(address.to_canonical()));
        in_net || self.is_plain(first)
    }
}

/// The target up to its `?`.
fn before_query(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}
