//! Locations with the names of their routes, for people.

use super::locations::Locations;
use super::pcre;
use crate::grammar::conf::{Location, LocationMatch, NginxConf};

/// A location of a server that requests can enter.
#[derive(Debug, Clone, Copy)]
pub struct ListedLocation<'l> {
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
    pub fn listed<'l>(&'l self, nginx: &'l NginxConf) -> Vec<ListedLocation<'l>> {
        let mut listed = Vec::new();
        for (number, (server, compiled)) in nginx.servers.iter().zip(&self.inner.servers).enumerate() {
            listed.push(ListedLocation { server: number, location: None, route: &compiled.route, usable: true });
            if compiled.returns.is_some() {
                continue;
            }
            let mut locations = Vec::new();
            push_in_order(&server.locations, &mut locations);
            listed.extend(locations.into_iter().zip(compiled.routes()).map(|(location, route)| ListedLocation {
                server: number,
                location: Some(location),
                route,
                usable: is_usable(location),
            }));
        }
        listed
    }
}

/// As `CompiledServer::level` numbers them: all of a level, then what is inside each.
fn push_in_order<'l>(locations: &'l [Location], into: &mut Vec<&'l Location>) {
    let entered = || locations.iter().filter(|location| location.by != LocationMatch::Named);
    into.extend(entered());
    entered().for_each(|location| push_in_order(&location.locations, into));
}

/// Whether its text can be compiled; only a regular expression may not be.
fn is_usable(location: &Location) -> bool {
    match location.by {
        LocationMatch::Regex { caseless } => pcre::compile(&location.text, caseless).is_ok(),
        _ => true,
    }
}
