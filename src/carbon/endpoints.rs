//! The hosts that an address stands for now, and when to ask again.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::address::CarbonAddress;
use super::destination::Destination;
use super::dns::{CarbonHost, look_up_hosts};

/// At most so many addresses are tried for one connection.
const ADDRESSES: usize = 8;

/// A look-up that takes longer has failed.
const LOOK_UP: Duration = Duration::from_secs(3);

/// No answer is asked for again sooner, whatever its TTL says ..
const LEAST: Duration = Duration::from_secs(1);

/// .. and while nobody answers, not sooner than this: what is connected goes on.
const UNANSWERED: Duration = Duration::from_secs(30);

/// Looks up one destination's address.
#[derive(Debug)]
pub(super) struct Endpoints {
    address: CarbonAddress,
    random: u64,
    /// When the last answer is to be asked for again; none for what the system's resolver looks up, which tells no TTL.
    due: Option<Instant>,
}

impl Endpoints {
    /// Of an address that was not looked up yet. `seed` spreads the choice by weight.
    pub(super) fn new(destination: &Destination, seed: u64) -> Endpoints {
        // What cannot be parsed was refused when it was configured.
        let text = destination.address.clone();
        let address = CarbonAddress::parse(&text).unwrap_or(CarbonAddress::HostPort(text));
        Endpoints { address, random: seed, due: None }
    }

    /// Whether the answer that a connection was made by is over by now.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.due.is_some_and(|due| now >= due)
    }

    /// The addresses to try, in their order.
    ///
    /// # Errors
    /// The name cannot be looked up.
    pub(super) fn look_up(&mut self, destination: &Destination) -> io::Result<Vec<SocketAddr>> {
        if let (CarbonAddress::HostPort(name), None) = (&self.address, destination.resolver) {
            return Ok(name.to_socket_addrs()?.take(ADDRESSES).collect());
        }
        let hosts = self.ask(destination)?;
        Ok(hosts.into_iter().flat_map(|host| host.addresses).take(ADDRESSES).collect())
    }

    /// Whether an address is surely none of those that are named now: all that are named were found, and it is not among them.
    pub(super) fn is_left(&mut self, peer: SocketAddr, destination: &Destination) -> bool {
        if let (CarbonAddress::HostPort(_), None) = (&self.address, destination.resolver) {
            return self.look_up(destination).is_ok_and(|found| !found.contains(&peer));
        }
        let Ok(hosts) = self.ask(destination) else { return false };
        hosts.iter().all(|host| !host.addresses.is_empty() && !host.addresses.contains(&peer))
    }

    fn ask(&mut self, destination: &Destination) -> io::Result<Vec<CarbonHost>> {
        let now = Instant::now();
        match look_up_hosts(&self.address, destination.resolver, LOOK_UP, &mut self.random) {
            Ok(found) => {
                self.due = Some(found.valid_until.max(now + LEAST));
                Ok(found.hosts)
            }
            Err(error) => {
                self.due = Some(now + UNANSWERED);
                Err(error)
            }
        }
    }
}
