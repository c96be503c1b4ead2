//! What ties the values of one line to each other, whatever the site: no request takes less time than its upstream did, no
//! upstream answers before it is connected, nothing sent is less than its body, a request is no shorter than its first line.
//!
//! Sources: `ngx_http_upstream.c` (`connect_time`, `header_time`, `response_time` are all measured from the same start; lists
//! have a member by attempt), `ngx_http_variables.c` (`$body_bytes_sent` is what was sent less the header).

use crate::grammar::variables::{ValueShape, shape_fit::list_members};

/// nginx rounds each time for itself, to the millisecond below.
const ROUNDING_MS: u64 = 1;

/// Where the values stand that facts tie to each other, as indexes of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ColumnPlaces {
    request_time: Option<usize>,
    response: Option<usize>,
    header: Option<usize>,
    connect: Option<usize>,
    /// All that have one member by attempt.
    lists: Vec<usize>,
    bytes_sent: Option<usize>,
    body_bytes: Option<usize>,
    request_length: Option<usize>,
    request: Option<usize>,
    status: Option<usize>,
}

impl ColumnPlaces {
    /// The places of columns of these variables.
    pub(super) fn of_names(names: &[&str]) -> ColumnPlaces {
        let place = |name: &str| names.iter().position(|column| *column == name);
        let lists = names.iter().enumerate().filter(|(_, name)| ValueShape::of_name(name).is_list());
        ColumnPlaces {
            request_time: place("request_time"),
            response: place("upstream_response_time"),
            header: place("upstream_header_time"),
            connect: place("upstream_connect_time"),
            lists: lists.map(|(at, _)| at).collect(),
            bytes_sent: place("bytes_sent"),
            body_bytes: place("body_bytes_sent"),
            request_length: place("request_length"),
            request: place("request"),
            status: place("status"),
        }
    }
}

/// Whether no nginx writes these values side by side.
pub(super) fn contradicts(places: &ColumnPlaces, values: &[&[u8]]) -> bool {
    let value = |place: Option<usize>| place.and_then(|place| values.get(place).copied());
    takes_longer_upstream(value(places.request_time), value(places.response))
        || takes_longer_upstream(value(places.request_time), value(places.header))
        || takes_longer_upstream(value(places.request_time), value(places.connect))
        || comes_later(value(places.header), value(places.response))
        || comes_later(value(places.connect), value(places.header))
        || comes_later(value(places.connect), value(places.response))
        || has_other_attempts(places, values)
        || is_less(value(places.bytes_sent), value(places.body_bytes))
        || is_shorter_than_its_line(value(places.request_length), value(places.request), value(places.status))
}

/// Milliseconds of `digits.3 digits`.
pub(super) fn millis(value: &[u8]) -> Option<u64> {
    let (whole, thousandths) = std::str::from_utf8(value).ok()?.split_once('.')?;
    if thousandths.len() != 3 {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(thousandths.parse().ok()?)
}

/// All attempts and redirects come within the request.
fn takes_longer_upstream(request: Option<&[u8]>, upstream: Option<&[u8]>) -> bool {
    let (Some(request), Some(upstream)) = (request.and_then(millis), upstream) else { return false };
    let attempts = list_members(upstream).filter_map(millis);
    let (spent, count) = attempts.fold((0_u64, 0_u64), |(sum, count), ms| (sum.saturating_add(ms), count + 1));
    spent > request.saturating_add(ROUNDING_MS * count)
}

/// In each attempt the one happens before the other.
fn comes_later(early: Option<&[u8]>, late: Option<&[u8]>) -> bool {
    let (Some(early), Some(late)) = (early, late) else { return false };
    list_members(early)
        .zip(list_members(late))
        .filter_map(|(early, late)| millis(early).zip(millis(late)))
        .any(|(early, late)| early > late + ROUNDING_MS)
}

/// Lists of one line are of the same attempts.
fn has_other_attempts(places: &ColumnPlaces, values: &[&[u8]]) -> bool {
    let mut counts =
        places.lists.iter().filter_map(|&place| values.get(place)).map(|value| list_members(value).count());
    counts.next().is_some_and(|first| counts.any(|count| count != first))
}

fn number(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn is_less(whole: Option<&[u8]>, part: Option<&[u8]>) -> bool {
    whole.and_then(number).zip(part.and_then(number)).is_some_and(|(whole, part)| whole < part)
}

/// HTTP/1 spells a request out; HTTP/2 packs it, and what was no good request (400) has no length that says anything.
fn is_shorter_than_its_line(length: Option<&[u8]>, request: Option<&[u8]>, status: Option<&[u8]>) -> bool {
    let (Some(length), Some(request)) = (length.and_then(number), request) else { return false };
    let spelled = request.ends_with(b" HTTP/1.1") || request.ends_with(b" HTTP/1.0");
    let escaped = request.contains(&b'\\');
    spelled && !escaped && status.is_none_or(|status| status != b"400") && length < request.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_lasts_as_long_as_its_upstreams() {
        let longer =
            |request: &str, upstream: &str| takes_longer_upstream(Some(request.as_bytes()), Some(upstream.as_bytes()));
        assert!(!longer("0.250", "0.100"));
        assert!(!longer("0.250", "0.251"), "each is rounded for itself");
        assert!(longer("0.250", "0.252"));
        assert!(!longer("0.250", "0.100, 0.149 : 0.003"), "2 ms above, of three attempts");
        assert!(longer("0.250", "0.100, 0.149 : 0.005"));
        assert!(!longer("0.250", "-"));
    }

    #[test]
    fn phases_come_in_their_order() {
        let later = |early: &str, late: &str| comes_later(Some(early.as_bytes()), Some(late.as_bytes()));
        assert!(!later("0.001", "0.100"));
        assert!(later("0.100", "0.001"));
        assert!(!later("-, 0.001", "0.100, 0.002"));
        assert!(later("-, 0.100", "0.100, 0.002"));
    }
}
