//! How long the requests of each route usually take, and by how much each request differs from it.
//!
//! Times are compared by their logarithm, in which a route's are about normal and one that took very long does not hide all others;
//! what is told is milliseconds. A request of the baseline counts `ratio` times, as often as its route was asked for in the window: so
//! the differences of all baseline requests of a route sum to 0, and what is left of a value's is what is new about it.

use std::collections::BTreeMap;

use super::change::RouteSums;
use super::requests::{KeptRequest, Requests, Side};
use crate::route::RouteId;

/// Milliseconds that are added before the logarithm is taken: below them differences do not matter.
const NEGLIGIBLE_MS: f64 = 4.0;

/// A route with fewer requests in the baseline says too little of what is usual.
const LEAST_USUAL: u64 = 4;

/// As many requests as the spread of all routes counts for in that of one.
const PRIOR: f64 = 6.0;

/// What is usual of a route.
#[derive(Debug, Clone, Default, PartialEq)]
struct Usual {
    /// The logarithms of the kept requests, ascending.
    sorted: Vec<f64>,
    mean_ms: f64,
    log_mean: f64,
    log_variance: f64,
    /// Requests in the window for each one in the baseline.
    ratio: f64,
}

/// A request beside what is usual of its route.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Residual {
    /// For how many requests of the window it stands; negative of the baseline.
    pub(super) weight: f64,
    /// The logarithm of its time less the usual one.
    pub(super) log: f64,
    /// The variance of that, with what is unsure about the usual.
    pub(super) variance: f64,
    /// Milliseconds beyond the usual.
    pub(super) excess_ms: f64,
    /// The usual milliseconds.
    pub(super) usual_ms: f64,
    /// How rare so long a time is in the baseline: minus the logarithm of the share of its route's requests that took as long.
    pub(super) rarity: f64,
}

/// The logarithm that times are compared by.
pub(super) fn log_of(took_ms: u32) -> f64 {
    (f64::from(took_ms) + NEGLIGIBLE_MS).ln()
}

#[derive(Debug, Clone, Copy, Default)]
struct LogSums {
    weight: f64,
    first: f64,
    second: f64,
}

/// For each kept request how it differs, in their order; nothing for what is not compared (of a route that is new, or is not asked
/// for in the window, or that came later).
pub(super) fn residuals(requests: &Requests) -> Vec<Option<Residual>> {
    let usual = usual_of_routes(requests);
    requests.kept().iter().map(|request| residual(request, f64::from(requests.weight(request)), &usual)).collect()
}

fn residual(request: &KeptRequest, weight: f64, usual: &BTreeMap<RouteId, Usual>) -> Option<Residual> {
    let usual = usual.get(&request.route)?;
    let sign = match request.side {
        Side::Window => 1.0,
        Side::Baseline => -usual.ratio,
        Side::Later => return None,
    };
    let own = if request.side == Side::Window { 1.0 + usual.ratio } else { 1.0 };
    let log = log_of(request.took_ms);
    // One more than there are, so that what was never seen is not impossible.
    let known = usual.sorted.len();
    let as_long = known - usual.sorted.partition_point(|usual| *usual < log);
    Some(Residual {
        weight: sign * weight,
        log: log - usual.log_mean,
        rarity: ((known as f64 + 1.0) / (as_long as f64 + 1.0)).ln(),
        variance: usual.log_variance * own,
        excess_ms: f64::from(request.took_ms) - usual.mean_ms,
        usual_ms: usual.mean_ms,
    })
}

fn usual_of_routes(requests: &Requests) -> BTreeMap<RouteId, Usual> {
    let mut logs: BTreeMap<RouteId, LogSums> = BTreeMap::new();
    let mut sorted: BTreeMap<RouteId, Vec<f64>> = BTreeMap::new();
    for request in requests.kept().iter().filter(|request| request.side == Side::Baseline) {
        let (weight, log) = (f64::from(requests.weight(request)), log_of(request.took_ms));
        let sums = logs.entry(request.route).or_default();
        sums.weight += weight;
        sums.first += weight * log;
        sums.second += weight * log * log;
        sorted.entry(request.route).or_default().push(log);
    }
    let (mut squares, mut weights) = (0.0, 0.0);
    for sums in logs.values() {
        squares += (sums.second - sums.first * sums.first / sums.weight).max(0.0);
        weights += (sums.weight - 1.0).max(0.0);
    }
    let pooled = squares / f64::max(weights, 1.0);
    let mut usual = BTreeMap::new();
    for (route, RouteSums { window, baseline }) in requests.sums() {
        let Some(sums) = logs.get(route).filter(|_| baseline.count >= LEAST_USUAL && window.count > 0) else {
            continue;
        };
        let own = (sums.second - sums.first * sums.first / sums.weight).max(0.0);
        usual.insert(
            *route,
            Usual {
                sorted: ascending(sorted.remove(route).unwrap_or_default()),
                mean_ms: baseline.total_ms as f64 / baseline.count as f64,
                log_mean: sums.first / sums.weight,
                // At least that of a tenth: times of few milliseconds are whole.
                log_variance: ((own + PRIOR * pooled) / (sums.weight - 1.0 + PRIOR)).max(0.01),
                // Those that are kept stand for all of them, also where only a part was read.
                ratio: window.count as f64 / sums.weight,
            },
        );
    }
    usual
}

fn ascending(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}
