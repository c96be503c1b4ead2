//! The requests of both sides in memory: what each took, phase by phase, and its features.
//!
//! What is counted ([`RouteSums`]) is of all requests. Features are kept of as many as there is room for: beyond that of every
//! second request, every fourth, and so on, chosen by where its line stands, so that the same log always gives the same answer. Those that
//! took long are chosen apart from the others, so that few of them are lost. Each stands for as many as it was chosen from (`weight`).

use std::collections::BTreeMap;

use super::change::RouteSums;
use super::feature::{FeatureId, Features};
use super::phases::PhaseTimes;
use crate::route::RouteId;
use crate::time::{Timestamp, Window};

/// On which side a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// It ended in the baseline.
    Baseline,
    /// It ended in the window.
    Window,
    /// It began before the window's end, and ended after it: it counts on neither side, but may have come first.
    Later,
}

/// Where a request's line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineOrigin {
    /// The number of its log.
    pub log: u32,
    /// Its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u32,
}

/// A request as it is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest<'r> {
    /// The side.
    pub side: Side,
    /// When it ended.
    pub end: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// The same by phase.
    pub phases: PhaseTimes,
    /// Its route.
    pub route: RouteId,
    /// Whether that reached the threshold of its route.
    pub slow: bool,
    /// Where it stands.
    pub origin: LineOrigin,
    /// Its line.
    pub line: &'r [u8],
    /// What was asked for, as the log has it.
    pub target: &'r [u8],
}

/// A request that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRequest {
    /// The side.
    pub side: Side,
    /// When it ended.
    pub end: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u32,
    /// The same by phase.
    pub phases: PhaseTimes,
    /// Its route.
    pub route: RouteId,
    /// Where it stands.
    pub origin: LineOrigin,
    /// Its line, of those of the window; none of a very long one.
    pub line: Option<Box<[u8]>>,
    /// What was asked for, of those of the window.
    pub target: Box<[u8]>,
    features: FeatureSpan,
}

impl KeptRequest {
    /// When it began.
    pub fn start(&self) -> Timestamp {
        self.end.plus_millis(-i64::from(self.took_ms))
    }
}

/// Where the features of a request are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FeatureSpan {
    from: u32,
    until: u32,
}

/// How many are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptAtMost {
    /// Of the window.
    pub window: usize,
    /// Of the baseline.
    pub baseline: usize,
}

impl Default for KeptAtMost {
    fn default() -> KeptAtMost {
        KeptAtMost { window: 120_000, baseline: 200_000 }
    }
}

/// A request that took this long is chosen apart from those that did not.
const LONG_MS: u32 = 1000;

/// Lines that are longer are not kept.
const LONGEST_LINE: usize = 4096;

/// Which part of the requests of a kind is kept: those whose hash has none of these bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sampling {
    mask: u64,
    kept: usize,
}

impl Sampling {
    fn keeps(&self, origin: &LineOrigin) -> bool {
        mix(origin) & self.mask == 0
    }

    fn weight(&self) -> u32 {
        u32::try_from(self.mask + 1).unwrap_or(u32::MAX)
    }
}

/// A number that looks like chance (splitmix64), the same for the same line.
fn mix(origin: &LineOrigin) -> u64 {
    let mut bits = origin.offset ^ (u64::from(origin.log) << 48);
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The four kinds of requests that are chosen from: of the window (and what came later) or the baseline, long or not.
const KINDS: usize = 4;

/// All requests of both sides.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    /// What their features are.
    pub features: Features,
    sums: BTreeMap<RouteId, RouteSums>,
    kept: Vec<KeptRequest>,
    held: Vec<FeatureId>,
    sampling: [Sampling; KINDS],
    at_most: KeptAtMost,
    first_end: Option<Timestamp>,
    last_end: Option<Timestamp>,
}

impl Requests {
    /// None yet.
    pub fn new(at_most: KeptAtMost) -> Requests {
        Requests { at_most, ..Requests::default() }
    }

    /// Notes that the logs hold a request that ended then, on whichever side or none: it tells from when to when they say something.
    pub fn note_end(&mut self, end: Timestamp) {
        self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        self.last_end = Some(self.last_end.map_or(end, |last| last.max(end)));
    }

    /// From the first to the last request of the logs; nothing if there was none.
    pub fn span(&self) -> Option<Window> {
        Some(Window { from: self.first_end?, until: self.last_end?.plus_millis(1) })
    }

    /// Counts a request. Whether it is kept: then [`Requests::keep`] is to follow.
    pub fn count(&mut self, request: &NewRequest<'_>) -> bool {
        if request.side != Side::Later {
            let sums = self.sums.entry(request.route).or_default();
            let side = if request.side == Side::Window { &mut sums.window } else { &mut sums.baseline };
            side.count += 1;
            side.total_ms += u64::from(request.took_ms);
            side.slow += u64::from(request.slow);
            for (sum, time) in side.phases_ms.iter_mut().zip(request.phases) {
                *sum += u64::from(time);
            }
        }
        self.sampling_of(request.side, request.took_ms).is_some_and(|sampling| sampling.keeps(&request.origin))
    }

    /// Keeps a request with its features.
    pub fn keep(&mut self, request: &NewRequest<'_>, features: &[FeatureId]) {
        let from = self.held.len();
        self.held.extend_from_slice(features);
        let line = (request.side != Side::Baseline && request.line.len() <= LONGEST_LINE).then(|| request.line.into());
        self.kept.push(KeptRequest {
            side: request.side,
            end: request.end,
            took_ms: request.took_ms,
            phases: request.phases,
            route: request.route,
            origin: request.origin,
            line,
            target: if request.side == Side::Baseline { Box::default() } else { request.target.into() },
            features: FeatureSpan {
                from: u32::try_from(from).unwrap_or(u32::MAX),
                until: u32::try_from(self.held.len()).unwrap_or(u32::MAX),
            },
        });
        let kind = kind_of(request.side, request.took_ms);
        // Each kind of a side may have half of its room.
        let most = if request.side == Side::Baseline { self.at_most.baseline } else { self.at_most.window } / 2;
        if let Some(sampling) = self.sampling.get_mut(kind) {
            sampling.kept += 1;
            if sampling.kept > most.max(16) {
                self.thin_out(kind);
            }
        }
    }

    /// What was counted, by route.
    pub fn sums(&self) -> &BTreeMap<RouteId, RouteSums> {
        &self.sums
    }

    /// The requests that are kept.
    pub fn kept(&self) -> &[KeptRequest] {
        &self.kept
    }

    /// The features of a request.
    pub fn features_of(&self, request: &KeptRequest) -> &[FeatureId] {
        let FeatureSpan { from, until } = request.features;
        self.held.get(from as usize..until as usize).unwrap_or_default()
    }

    /// For how many requests one that is kept stands.
    pub fn weight(&self, request: &KeptRequest) -> u32 {
        self.sampling_of(request.side, request.took_ms).map_or(1, Sampling::weight)
    }

    fn sampling_of(&self, side: Side, took_ms: u32) -> Option<&Sampling> {
        self.sampling.get(kind_of(side, took_ms))
    }

    /// Keeps half of the requests of a kind.
    fn thin_out(&mut self, kind: usize) {
        let Some(sampling) = self.sampling.get_mut(kind) else { return };
        sampling.mask = (sampling.mask << 1) | 1;
        let chosen = *sampling;
        let held = std::mem::take(&mut self.held);
        let (mut left, mut kept_of_kind) = (Vec::with_capacity(held.len()), 0);
        self.kept.retain_mut(|request| {
            if kind_of(request.side, request.took_ms) == kind {
                if !chosen.keeps(&request.origin) {
                    return false;
                }
                kept_of_kind += 1;
            }
            let FeatureSpan { from, until } = request.features;
            let begins = left.len();
            left.extend_from_slice(held.get(from as usize..until as usize).unwrap_or_default());
            request.features = FeatureSpan {
                from: u32::try_from(begins).unwrap_or(u32::MAX),
                until: u32::try_from(left.len()).unwrap_or(u32::MAX),
            };
            true
        });
        self.held = left;
        if let Some(sampling) = self.sampling.get_mut(kind) {
            sampling.kept = kept_of_kind;
        }
    }
}

fn kind_of(side: Side, took_ms: u32) -> usize {
    2 * usize::from(side == Side::Baseline) + usize::from(took_ms >= LONG_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many there are, no more are kept than there is room for; each stands for those that are not, and the sums are of all.
    #[test]
    fn what_is_kept_stands_for_all() {
        let mut requests = Requests::new(KeptAtMost { window: 400, baseline: 400 });
        let mut expected = 0;
        for number in 0..20_000_u32 {
            let took_ms = if number % 1000 == 0 { 5000 } else { number % 90 };
            expected += u64::from(took_ms);
            let origin = LineOrigin { log: 0, offset: u64::from(number) * 211, length: 210 };
            let request = NewRequest {
                side: Side::Window,
                end: Timestamp(i64::from(number)),
                took_ms,
                phases: [0, took_ms, 0, 0, 0],
                route: RouteId(3),
                slow: false,
                origin,
                line: b"a line",
                target: b"/",
            };
            if requests.count(&request) {
                requests.keep(&request, &[FeatureId(number % 7), FeatureId(9)]);
            }
        }
        let window = requests.sums()[&RouteId(3)].window;
        assert_eq!((window.count, window.total_ms), (20_000, expected));
        assert!(requests.kept().len() <= 400, "{}", requests.kept().len());
        let stands_for: u64 = requests.kept().iter().map(|request| u64::from(requests.weight(request))).sum();
        assert!((16_000..24_000).contains(&stands_for), "{stands_for}");
        for request in requests.kept() {
            let number = u32::try_from(request.origin.offset / 211).unwrap();
            assert_eq!(requests.features_of(request), [FeatureId(number % 7), FeatureId(9)]);
        }
        // Those that took long are all there.
        assert_eq!(requests.kept().iter().filter(|request| request.took_ms == 5000).count(), 20);
    }
}
