//! Values that a variable may have but seldom has: a single one says nothing, since a client may send what it likes; if most
//! of a column are odd, the column is another variable.

use super::columns::{Column, Columns};
use crate::grammar::variables::Escape;
use crate::grammar::variables::{
    ValueShape,
    shape_fit::{is_absent, is_address, list_members},
};

/// One value in so many may be odd in what proxies write rather than clients, and in others.
const OF_PROXIES: usize = 10;
const OF_ANYONE: usize = 2;

/// The statuses that nginx or an application answers with: those that are registered, and nginx's and some proxies' own.
const STATUSES: [(u16, u16); 9] =
    [(0, 0), (9, 9), (101, 101), (200, 208), (226, 226), (300, 308), (400, 431), (440, 499), (500, 530)];

/// Whether some column of these lines is mostly odd; `values` are those of each line.
pub(super) fn is_odd_on_the_whole(columns: &Columns<'_>, values: &[&[&[u8]]]) -> bool {
    (0..columns.all.len()).any(|at| is_column_odd(columns, at, at, values))
}

/// Whether the values of column `held`, were they of column `at`'s variable, are mostly odd.
pub(super) fn is_column_odd(columns: &Columns<'_>, at: usize, held: usize, values: &[&[&[u8]]]) -> bool {
    // A name says what it is, whatever clients send.
    let Some(column) = columns.all.get(at).filter(|column| !column.named) else { return false };
    let (mut odd, mut present) = (0, 0);
    for value in values.iter().filter_map(|line| line.get(held)) {
        if let Some(is_odd) = oddity(column, columns.escape(), value) {
            present += 1;
            odd += usize::from(is_odd);
        }
    }
    odd * allowance(column) > present
}

fn allowance(column: &Column<'_>) -> usize {
    if is_client_address(column.name) { OF_PROXIES } else { OF_ANYONE }
}

/// Variables that hold the address of a client as a proxy says it.
fn is_client_address(name: &str) -> bool {
    matches!(name, "http_x_forwarded_for" | "http_x_real_ip" | "proxy_add_x_forwarded_for" | "the_real_ip")
}

/// Whether a value is odd for that column; None if there is none, or nothing can be said.
fn oddity(column: &Column<'_>, escape: Escape, value: &[u8]) -> Option<bool> {
    if value.is_empty() || is_absent(escape, value) || value == b"-" {
        return None;
    }
    match (column.name, column.shape) {
        (_, ValueShape::Status) => Some(!is_known_status(value)),
        ("remote_addr", ValueShape::Address) => Some(!are_addresses(value) && !is_name(value)),
        (name, _) if is_client_address(name) => Some(!are_addresses(value)),
        ("http_referer", _) => Some(is_agent(value)),
        ("http_user_agent", _) => Some(value.starts_with(b"http://") || value.starts_with(b"https://")),
        ("http_x_forwarded_proto", _) => Some(!matches!(value, b"http" | b"https" | b"ws" | b"wss")),
        (_, ValueShape::Target) => Some(!value.starts_with(b"/")),
        (_, ValueShape::PeerList) => Some(!ValueShape::PeerList.fits(escape, value)),
        _ => None,
    }
}

/// Whether a status is one that anything answers with.
pub(super) fn is_known_status(value: &[u8]) -> bool {
    let status = std::str::from_utf8(value).ok().and_then(|status| status.parse::<u16>().ok());
    status.is_some_and(|status| STATUSES.iter().any(|(from, to)| (*from..=*to).contains(&status)))
}

fn are_addresses(value: &[u8]) -> bool {
    list_members(value).all(|member| is_address(member) || member == b"unknown")
}

/// A host's name, where an address is looked up: Apache does that. A number is none.
fn is_name(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_alphabetic)
}

/// `curl/8.5 ..`, `Mozilla/5.0 ..`: a name and its version, and no address of a page.
fn is_agent(value: &[u8]) -> bool {
    let first = value.split(|byte| *byte == b' ').next().unwrap_or_default();
    let Some(slash) = memchr::memchr(b'/', first).filter(|slash| *slash > 0) else { return false };
    let (name, version) = first.split_at(slash);
    version.get(1).is_some_and(u8::is_ascii_digit)
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_and_pages_are_told_apart() {
        for agent in ["curl/8", "Mozilla/5.0 (X11)", "kube-probe/1.29"] {
            assert!(is_agent(agent.as_bytes()), "{agent}");
        }
        for page in ["https://a.example/1", "/a/1", "a.example/1x", "android-app://x", "-"] {
            assert!(!is_agent(page.as_bytes()), "{page}");
        }
    }

    #[test]
    fn what_a_proxy_forwards_is_addresses() {
        for addresses in ["192.0.2.1", "192.0.2.1, 2001:db8::7", "unknown"] {
            assert!(are_addresses(addresses.as_bytes()), "{addresses}");
        }
        for other in ["80", "2.71", "502", "0.250", "10.0.0.1:8080"] {
            assert!(!are_addresses(other.as_bytes()), "{other}");
        }
    }
}
