//! Locations with the names of their routes, for people.

use super::{Locations, pcre};
use crate::grammar::conf::{Location, Match, Nginx};

/// A location of a server that requests can enter.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'l> {
    /// The server's number in the configuration.
    pub server: usize,
    /// The location; none for what no location of the server serves.
    pub location: Option<&'l Location>,
    /// The name of its route.
    pub route: &'l str,
    /// Whether spikeline can match it: not every expression of PCRE can be.
    pub usable: bool,
}

impl Locations {
    /// The servers and their locations, each before those inside it. `nginx` is what these were compiled from. A server
    /// that answers everything with one status has no locations that count.
    pub fn listed<'l>(&'l self, nginx: &'l Nginx) -> Vec<Listed<'l>> {
        let mut listed = Vec::new();
        for (number, (server, compiled)) in nginx.servers.iter().zip(&self.inner.servers).enumerate() {
            listed.push(Listed { server: number, location: None, route: &compiled.route, usable: true });
            if compiled.returns.is_some() {
                continue;
            }
            let mut locations = Vec::new();
            in_order(&server.locations, &mut locations);
            listed.extend(locations.into_iter().zip(compiled.routes()).map(|(location, route)| Listed {
                server: number,
                location: Some(location),
                route,
                usable: usable(location),
            }));
        }
        listed
    }
}

/// As `Compiled::level` numbers them: all of a level, then what is inside each.
fn in_order<'l>(locations: &'l [Location], into: &mut Vec<&'l Location>) {
    let entered = || locations.iter().filter(|location| location.by != Match::Named);
    into.extend(entered());
    entered().for_each(|location| in_order(&location.locations, into));
}

fn usable(location: &Location) -> bool {
    match location.by {
        Match::Regex { caseless } => pcre::compile(&location.text, caseless).is_ok(),
        _ => true,
    }
}
