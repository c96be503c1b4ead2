//! An address or a net, of either family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, or a net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressRange {
    /// Of IPv4.
    V4 {
        /// Its first address.
        base: u32,
        /// The bits that count.
        mask: u32,
    },
    /// Of IPv6.
    V6 {
        /// Its first address.
        base: u128,
        /// The bits that count.
        mask: u128,
    },
}

impl AddressRange {
    /// Of `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`; an IPv4 address within IPv6 is one of IPv4.
    pub fn parse(text: &str) -> Option<AddressRange> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text, None),
        };
        match address.parse().ok()? {
            IpAddr::V4(address) => AddressRange::v4(address, length.unwrap_or(32)),
            IpAddr::V6(address) => match (address.to_ipv4_mapped(), length) {
                (Some(mapped), None) => AddressRange::v4(mapped, 32),
                (Some(mapped), Some(length)) if length >= 96 => AddressRange::v4(mapped, length - 96),
                _ => AddressRange::v6(address, length.unwrap_or(128)),
            },
        }
    }

    fn v4(address: Ipv4Addr, length: u32) -> Option<AddressRange> {
        let mask = u32::MAX.checked_shl(32_u32.checked_sub(length)?).unwrap_or(0);
        Some(AddressRange::V4 { base: address.to_bits() & mask, mask })
    }

    fn v6(address: Ipv6Addr, length: u32) -> Option<AddressRange> {
        let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?).unwrap_or(0);
        Some(AddressRange::V6 { base: address.to_bits() & mask, mask })
    }

    /// Whether an address lies in it; `address` is one of IPv4 where it can be.
    #[inline]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self, address) {
            (AddressRange::V4 { base, mask }, IpAddr::V4(address)) => address.to_bits() & mask == *base,
            (AddressRange::V6 { base, mask }, IpAddr::V6(address)) => address.to_bits() & mask == *base,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_nets_of_both_families() {
        for (net, address, held) in [
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.9/24", "192.0.3.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "192.0.2.7", false),
            ("::ffff:192.0.2.0/120", "192.0.2.77", true),
        ] {
            assert_eq!(AddressRange::parse(net).unwrap().holds(address.parse().unwrap()), held, "{net} {address}");
        }
        for wrong in ["192.0.2", "192.0.2.0/33", "::/129", "x", "192.0.2.0/", "192.0.2.0/-1"] {
            assert_eq!(AddressRange::parse(wrong), None, "{wrong}");
        }
    }
}
