//! `[[probe]]`: requests of monitoring, which are kept out of the routes.

use std::time::Duration;

use super::position::Placed;
use super::section::Section;

/// What may stand in the section.
pub(super) const KEYS: [&str; 5] = ["name", "agent", "address", "path", "threshold"];

/// The name of a probe's series, without one.
const UNNAMED: &str = "monitoring";

/// One `[[probe]]` section: a request that meets all of its conditions, of a list any, is a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSection {
    /// Behind `probe.`: the name of its series.
    pub name: Placed<String>,
    /// Patterns of `$http_user_agent`.
    pub agents: Vec<Placed<String>>,
    /// Addresses and nets of `$remote_addr`.
    pub addresses: Vec<Placed<String>>,
    /// Templates of the path.
    pub paths: Vec<Placed<String>>,
    /// From this duration on one is slow; else `[slow]`'s.
    pub threshold: Option<Placed<Duration>>,
    /// Where the section begins.
    pub place: Placed<()>,
}

/// The section. What its values may be is said by `route::Probes`.
pub(super) fn read_probe(section: &mut Section<'_>) -> ProbeSection {
    let place = section.place();
    ProbeSection {
        name: section.text("name", "uptime").unwrap_or_else(|| place.clone().map(|()| UNNAMED.to_owned())),
        agents: section.texts("agent", "kube-probe/*"),
        addresses: section.texts("address", "192.0.2.0/24"),
        paths: section.texts("path", "/healthz"),
        threshold: section.duration("threshold", "200ms", Duration::from_millis(1)),
        place,
    }
}
