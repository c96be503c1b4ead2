//! Whether a carbon is there, and is spoken to in its language.

use std::io::Read;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::findings::Findings;
use crate::carbon::{CarbonAddress, CarbonHost, Destination, Protocol, look_up_hosts};
use crate::daemon::DestinationSettings;
use crate::error::Result;

/// How long a carbon is waited for.
const CONNECT: Duration = Duration::from_secs(2);

/// How long DNS is waited for.
const LOOK_UP: Duration = Duration::from_secs(3);

/// One destination: each of its hosts, where DNS names several.
pub(super) fn check(outlet: &DestinationSettings, findings: &mut Findings) -> Result<()> {
    let Destination { address, protocol, resolver, .. } = &outlet.destination;
    let hosts = match CarbonAddress::parse(address) {
        Ok(CarbonAddress::HostPort(_)) if resolver.is_none() => {
            let addresses = address.to_socket_addrs().map(Iterator::collect);
            addresses.map(|addresses| vec![CarbonHost { name: address.clone(), addresses }])
        }
        Ok(parsed) => look_up_hosts(&parsed, *resolver, LOOK_UP, &mut 0).map(|found| found.hosts),
        Err(what) => Err(std::io::Error::other(what)),
    };
    match hosts {
        Ok(hosts) => {
            if hosts.first().is_some_and(|host| host.name != *address) {
                let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
                findings.note(&format!("carbon {address}: DNS names {}", names.join(", ")))?;
            }
            for host in &hosts {
                check_host(host, *protocol, findings)?;
            }
            Ok(())
        }
        Err(error) => findings.wrong_with_help(
            &format!("carbon {address}: {error}"),
            "is the name right, and who answers for it? `resolver` of [[carbon]] names another than this host's",
        ),
    }
}

/// One host.
fn check_host(host: &CarbonHost, protocol: Protocol, findings: &mut Findings) -> Result<()> {
    let name = &host.name;
    match try_to_reach(&host.addresses, protocol) {
        Ok(()) if protocol == Protocol::Udp => {
            findings.note(&format!("carbon {name}: UDP tells nobody whether it is there"))?;
        }
        Ok(()) => {
            findings.fine(&format!("carbon {name}: accepts connections"))?;
            findings.note(
                "carbon creates 50 new metrics a minute unless MAX_CREATES_PER_MINUTE in carbon.conf is raised; \
                 points of metrics not created yet are lost",
            )?;
        }
        Err(error) => findings.wrong_with_help(
            &format!("carbon {name}: {error}"),
            "is carbon-cache running, and is this its LINE_RECEIVER_PORT?",
        )?,
    }
    match port_mismatch(name, protocol) {
        Some(hint) => findings.note(&format!("carbon {name}: {hint}")),
        None => Ok(()),
    }
}

/// A connection to any of its addresses that then stays silent; of UDP only that the name has an address.
fn try_to_reach(addresses: &[SocketAddr], protocol: Protocol) -> std::io::Result<()> {
    let mut last = std::io::Error::other("the name has no address");
    for socket in addresses {
        if protocol == Protocol::Udp {
            return Ok(());
        }
        match TcpStream::connect_timeout(socket, CONNECT) {
            Ok(stream) => return check_silence(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A carbon says nothing and waits. Whatever closes the connection at once or speaks first is none.
fn check_silence(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    match stream.read(&mut [0; 64]) {
        Ok(0) => Err(std::io::Error::other("it closes the connection at once")),
        Ok(_) => Err(std::io::Error::other("it speaks first, as no carbon does")),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
    }
}

/// What the port's usual meaning says against the protocol: carbon takes what it cannot read without a word.
fn port_mismatch(address: &str, protocol: Protocol) -> Option<&'static str> {
    let port = address.rsplit_once(':')?.1;
    match (port, protocol) {
        ("2004" | "2014" | "2104", Protocol::Plaintext | Protocol::Udp) => {
            Some("this is commonly a pickle port, which drops plain lines: protocol = \"pickle\", or port 2003?")
        }
        ("2003" | "2013" | "2103", Protocol::Pickle) => {
            Some("this is commonly a plaintext port, which drops pickles: protocol = \"plaintext\", or port 2004?")
        }
        ("7002" | "7102", _) => Some("this is commonly the cache's query port, which takes no points: port 2003?"),
        ("80" | "443" | "8080", _) => Some("this is commonly an HTTP port, which takes no points: port 2003?"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_ports_tell_their_protocol() {
        let cases = [
            ("c:2003", Protocol::Plaintext, None),
            ("c:2003", Protocol::Udp, None),
            ("c:2004", Protocol::Pickle, None),
            ("[::1]:2004", Protocol::Plaintext, Some("pickle port")),
            ("c:2003", Protocol::Pickle, Some("plaintext port")),
            ("c:7002", Protocol::Pickle, Some("query port")),
            ("c:12003", Protocol::Pickle, None),
        ];
        for (address, protocol, hint) in cases {
            let said = port_mismatch(address, protocol);
            assert_eq!(said.is_some(), hint.is_some(), "{address} {protocol}: {said:?}");
            assert!(said.unwrap_or_default().contains(hint.unwrap_or_default()), "{said:?}");
        }
    }
}
