//! The nets that a client's address is in: /24 and /16, /64 and /48 of IPv6; and what looks like an address and is none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::record::AddressRange;

/// The nets of an address, the narrowest first; none of what is no address.
pub(super) fn nets_of(address: &str) -> Vec<String> {
    match address.parse() {
        Ok(IpAddr::V4(address)) => vec![net_of_v4(address, 24), net_of_v4(address, 16)],
        Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(mapped) => vec![net_of_v4(mapped, 24), net_of_v4(mapped, 16)],
            None => vec![net_of_v6(address, 64), net_of_v6(address, 48)],
        },
        Err(_) => Vec::new(),
    }
}

fn net_of_v4(address: Ipv4Addr, length: u32) -> String {
    let net = u32::from(address) & (u32::MAX << (32 - length));
    format!("{}/{length}", Ipv4Addr::from(net))
}

fn net_of_v6(address: Ipv6Addr, length: u32) -> String {
    let net = u128::from(address) & (u128::MAX << (128 - length));
    format!("{}/{length}", Ipv6Addr::from(net))
}

/// Whether a value looks like an address, a net or several of them, and is none; what a client says may be anything.
pub(super) fn is_no_address(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let of_v6 = |c: char| c.is_ascii_hexdigit() || ".:/*".contains(c);
    let of_v4 = |c: char| c.is_ascii_digit() || ".:/*".contains(c);
    let looks_so = text.chars().all(of_v4) || text.matches(':').count() > 1 && text.chars().all(of_v6);
    if looks_so && text.contains(['.', ':', '/', '*']) {
        // One that a balancer says has its port.
        return AddressRange::parse(text).is_none() && text.parse::<SocketAddr>().is_err();
    }
    is_net_of_address(text) || is_span_of_addresses(text)
}

/// Whether an address stands before a `/`, and no length that it can have behind it.
fn is_net_of_address(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, _)| AddressRange::parse(address).is_some())
}

/// `192.0.2.1-192.0.2.9`, or only its last part behind the `-`.
fn is_span_of_addresses(text: &str) -> bool {
    text.split_once('-').is_some_and(|(first, last)| {
        let last = last.trim();
        let is_end = AddressRange::parse(last).is_some() || last.bytes().all(|byte| byte.is_ascii_digit());
        is_end && AddressRange::parse(first.trim()).is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_two_nets() {
        assert_eq!(nets_of("198.51.44.7"), ["198.51.44.0/24", "198.51.0.0/16"]);
        assert_eq!(nets_of("2001:db8:1:2:3::4"), ["2001:db8:1:2::/64", "2001:db8:1::/48"]);
        assert_eq!(nets_of("::ffff:198.51.44.7"), ["198.51.44.0/24", "198.51.0.0/16"]);
        assert!(nets_of("unix:").is_empty() && nets_of("").is_empty());
    }

    #[test]
    fn what_looks_like_an_address_is_one_or_none() {
        for none in [
            "192.0.2.0/33",
            "192.0.2",
            "192.0.2.300",
            "192.0.2.0/x",
            "2001:db8::/129",
            "192.0.2.*",
            "10.*",
            "192.0.2.1-192.0.2.9",
            "192.0.2.1-9",
            "192.0.2.7:99999",
        ] {
            assert!(is_no_address(none.as_bytes()), "{none}");
        }
        for other in [
            "192.0.2.7",
            "192.0.2.0/24",
            "192.0.2.7:80",
            "::1",
            "unix:",
            "unknown",
            "",
            "abc",
            "[2001:db8::1]:80",
            "cafe.de",
            "cafe.de:80",
            "web-1.example.org",
            "a, 192.0.2.1",
        ] {
            assert!(!is_no_address(other.as_bytes()), "{other}");
        }
    }
}
