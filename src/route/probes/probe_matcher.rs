//! From a request to the probe that it is of.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use super::probe_rule::{ADDRESS, AGENT, ProbedRequest, Probes};
use crate::grammar::{Escape, Format};
use crate::record::unescape;
use crate::route::RouteId;
use crate::route::merit::RouteMerit;
use crate::route::query::without_query;
use crate::route::request::{Request, TargetForm};
use crate::route::routes::Routes;

/// The series that a request of monitoring is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSeries {
    /// Its number.
    pub id: RouteId,
    /// From how many milliseconds on a request is slow, if the probe says so.
    pub threshold_ms: Option<u64>,
    /// The probe, counted from 0.
    pub probe: u16,
}

/// Finds the probes of one worker's requests, in lines of one format. Nothing is allocated for a line, but for one of which the agent is
/// escaped.
#[derive(Debug)]
pub struct ProbeMatcher {
    probes: Arc<Probes>,
    routes: Arc<Routes>,
    /// The variables of agent and address, where a probe looks at them and the format has them.
    agent: Option<usize>,
    address: Option<usize>,
    escape: Escape,
    /// The numbers of the series, once a request was in them.
    numbers: Vec<Option<RouteId>>,
}

impl ProbeMatcher {
    /// For lines of a format; none without probes.
    pub fn new(probes: &Arc<Probes>, routes: &Arc<Routes>, format: &Format) -> Option<ProbeMatcher> {
        if probes.is_empty() {
            return None;
        }
        let (by_agent, by_address) = probes.look_at();
        Some(ProbeMatcher {
            agent: if by_agent { format.index_of(AGENT) } else { None },
            address: if by_address { format.index_of(ADDRESS) } else { None },
            escape: format.escape(),
            numbers: vec![None; probes.probes.len()],
            probes: Arc::clone(probes),
            routes: Arc::clone(routes),
        })
    }

    /// The variables that have to be read of a line: of the agent, and of the address.
    pub fn variables(&self) -> [Option<usize>; 2] {
        [self.agent, self.address]
    }

    /// The series of the request, if it is of a probe. `raw` are the values of [`variables`](Self::variables), as logged.
    pub fn find(&mut self, request: &Request<'_>, raw: [Option<&[u8]>; 2]) -> Option<ProbeSeries> {
        let [agent, address] = raw;
        let agent: Option<Cow<'_, [u8]>> = agent.map(|agent| unescape(agent, self.escape));
        let address = address.and_then(|address| std::str::from_utf8(address).ok()?.parse().ok());
        let path = match request.subject() {
            TargetForm::Path { path, .. } => Some(without_query(path)),
            TargetForm::Fixed(_) => None,
        };
        let probed =
            ProbedRequest { agent: agent.as_deref(), address: address.map(|known: IpAddr| known.to_canonical()), path };
        let at = self.probes.probes.iter().position(|probe| probe.catches(&probed))?;
        let (probe, number) = (self.probes.probes.get(at)?, self.numbers.get_mut(at)?);
        let id = match number {
            Some(known) => *known,
            // It always has a place: there are few.
            None => *number.insert(self.routes.number_in_series(&probe.series, &probe.series, RouteMerit::Costly).0),
        };
        Some(ProbeSeries { id, threshold_ms: probe.threshold_ms, probe: u16::try_from(at).ok()? })
    }
}
