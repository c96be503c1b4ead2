//! The nets that a client's address is in: /24 and /16, /64 and /48 of IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
}
