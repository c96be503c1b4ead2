//! What `address` of a `[[carbon]]` says: a host and a port, or a name under which DNS has some.
//!
//! ```text
//! carbon.example.org:2003          looked up by the system's resolver
//! srv:_graphite._tcp.example.net   SRV: hosts and ports, by priority and weight
//! txt:carbon.s.myapp.net           TXT: `host:port;host:port`, the first first
//! ```

/// Where a carbon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarbonAddress {
    /// `host:port`, `[v6]:port`.
    HostPort(String),
    /// The name of SRV records.
    Service(String),
    /// The name of a TXT record.
    Text(String),
}

impl CarbonAddress {
    /// Reads one. A port is from 1; an IPv6 address stands in brackets; the names of records are full ones.
    ///
    /// # Errors
    /// What it lacks.
    pub fn parse(text: &str) -> Result<CarbonAddress, &'static str> {
        if let Some(name) = text.strip_prefix("srv:") {
            return match is_name(name) && name.starts_with('_') {
                true => Ok(CarbonAddress::Service(name.to_owned())),
                false => Err("no name of a service behind `srv:` (as `_graphite._tcp.example.net`)"),
            };
        }
        if let Some(name) = text.strip_prefix("txt:") {
            return match is_name(name) {
                true => Ok(CarbonAddress::Text(name.to_owned())),
                false => Err("no name behind `txt:` (as `carbon.s.example.net`)"),
            };
        }
        split_host_port(text)?;
        Ok(CarbonAddress::HostPort(text.to_owned()))
    }
}

/// Host and port of `host:port`; the host without brackets.
pub(super) fn split_host_port(text: &str) -> Result<(&str, u16), &'static str> {
    let Some((host, port)) = text.rsplit_once(':') else { return Err("no port") };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if host.is_empty() || host.contains([' ', '/', ';']) || (host.contains(':') && bare.is_none()) {
        return Err("no host (an IPv6 address stands in brackets)");
    }
    match port.parse::<u16>() {
        Ok(port @ 1..) => Ok((bare.unwrap_or(host), port)),
        _ => Err("no port from 1 to 65535"),
    }
}

/// Labels with dots between, as a name of DNS is written.
fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_or_a_name_of_records() {
        let parse = |text: &str| CarbonAddress::parse(text).ok();
        assert_eq!(parse("a.example:2003"), Some(CarbonAddress::HostPort("a.example:2003".to_owned())));
        assert_eq!(
            parse("srv:_graphite._tcp.example.net"),
            Some(CarbonAddress::Service("_graphite._tcp.example.net".to_owned()))
        );
        assert_eq!(parse("txt:carbon.s.myapp.net."), Some(CarbonAddress::Text("carbon.s.myapp.net.".to_owned())));
        for wrong in [
            "srv:",
            "srv:example.net",
            "srv:_a._tcp.x:2003",
            "txt:",
            "txt:a..b",
            "txt:a b",
            "a",
            "a:0",
            "::1:2003",
            "a;b:1",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(split_host_port("[::1]:2003"), Ok(("::1", 2003)));
    }
}
