//! The requests of both sides in memory: what each took, phase by phase, and its features.
//!
//! What is counted ([`RouteSums`]) is of all requests. Features are kept of as many as there is room for: beyond that of every
//! second request, every fourth, and so on, chosen by where its line stands, so that the same log always gives the same answer, on however
//! many threads it is read. Those that took long are chosen apart from the others, so that few of them are lost. Each stands for as many as
//! it was chosen from (`weight`).

use std::collections::BTreeMap;

use super::change::{RouteSums, SideSums};
use super::feature::{FeatureId, Features};
use super::merged_features::MergedFeatures;
use super::phases::PhaseTimes;
use super::sampling::{LineOrigin, Sampling};
use crate::route::{RouteId, Routes};
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

impl FeatureSpan {
    fn new(from: usize, until: usize) -> FeatureSpan {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        FeatureSpan { from: place(from), until: place(until) }
    }

    fn of(self, held: &[FeatureId]) -> &[FeatureId] {
        held.get(self.from as usize..self.until as usize).unwrap_or_default()
    }
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
        KeptAtMost { window: 80_000, baseline: 120_000 }
    }
}

/// A request that took this long is chosen apart from those that did not.
const LONG_MS: u32 = 1000;

/// Lines that are longer are not kept.
const LONGEST_LINE: usize = 4096;

/// The four kinds of requests that are chosen from: of the window (and what came later) or the baseline, long or not.
const KINDS: usize = 4;

/// All requests of both sides.
#[derive(Debug, Clone, Default)]
pub struct Requests {
    /// What their features are.
    pub features: Features,
    by_route: Vec<RouteSums>,
    sums: BTreeMap<RouteId, RouteSums>,
    kept: Vec<KeptRequest>,
    held: Vec<FeatureId>,
    sampling: [Sampling; KINDS],
    at_most: KeptAtMost,
    first_end: Option<Timestamp>,
    last_end: Option<Timestamp>,
}

impl Requests {
    /// None yet: those that one of several threads will read.
    pub fn new(at_most: KeptAtMost) -> Requests {
        Requests { at_most, features: Features::of_part(), ..Requests::default() }
    }

    /// Notes that the logs hold a request that ended then, on whichever side or none: it tells from when to when they say something.
    #[inline]
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
            let at = request.route.0 as usize;
            if self.by_route.len() <= at {
                self.by_route.resize(at + 1, RouteSums::default());
            }
            if let Some(sums) = self.by_route.get_mut(at) {
                let side = if request.side == Side::Window { &mut sums.window } else { &mut sums.baseline };
                side.count += 1;
                side.total_ms += u64::from(request.took_ms);
                side.slow += u64::from(request.slow);
                for (sum, time) in side.phases_ms.iter_mut().zip(request.phases) {
                    *sum += u64::from(time);
                }
            }
        }
        let kind = kind_of(request.side, request.took_ms);
        self.sampling.get_mut(kind).is_some_and(|sampling| sampling.note(&request.origin))
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
            features: FeatureSpan::new(from, self.held.len()),
        });
        let (kind, most) = (kind_of(request.side, request.took_ms), self.most_of(request.side));
        if self.sampling.get_mut(kind).is_some_and(|sampling| sampling.make_room(most)) {
            self.thin_out();
        }
    }

    /// Each kind of a side may have half of its room.
    fn most_of(&self, side: Side) -> usize {
        (if side == Side::Baseline { self.at_most.baseline } else { self.at_most.window } / 2).max(16)
    }

    /// All requests that some threads read, in the order of their lines; as one thread would have them.
    pub fn merged(parts: Vec<Requests>) -> Requests {
        let at_most = parts.first().map(|part| part.at_most).unwrap_or_default();
        let mut all = Requests { at_most, ..Requests::default() };
        for part in &parts {
            all.add_sums(part);
        }
        for (kind, side) in [Side::Window, Side::Window, Side::Baseline, Side::Baseline].into_iter().enumerate() {
            let most = all.most_of(side);
            if let Some(sampling) = all.sampling.get_mut(kind) {
                sampling.make_room(most);
            }
        }
        let mut kept = Vec::new();
        let mut features = Vec::new();
        for (number, mut part) in parts.into_iter().enumerate() {
            part.kept.retain(|request| keeps(&all.sampling, request));
            kept.extend(std::mem::take(&mut part.kept).into_iter().map(|request| (number, request)));
            features.push((part.features, part.held));
        }
        kept.sort_by_key(|(_, request)| request.origin);
        let mut merged = MergedFeatures::new(features.len());
        all.kept.reserve_exact(kept.len());
        for (number, mut request) in kept {
            let Some((of_part, held)) = features.get(number) else { continue };
            let from = all.held.len();
            for id in request.features.of(held) {
                all.held.extend(merged.of(number, of_part, *id));
            }
            request.features = FeatureSpan::new(from, all.held.len());
            all.kept.push(request);
        }
        all.features = merged.into_features();
        for (route, sums) in (0..).map(RouteId).zip(&all.by_route) {
            if sums.window.count + sums.baseline.count > 0 {
                all.sums.insert(route, *sums);
            }
        }
        all
    }

    fn add_sums(&mut self, part: &Requests) {
        for end in [part.first_end, part.last_end].into_iter().flatten() {
            self.note_end(end);
        }
        if self.by_route.len() < part.by_route.len() {
            self.by_route.resize(part.by_route.len(), RouteSums::default());
        }
        for (own, theirs) in self.by_route.iter_mut().zip(&part.by_route) {
            own.window.add(&theirs.window);
            own.baseline.add(&theirs.baseline);
        }
        for (own, theirs) in self.sampling.iter_mut().zip(&part.sampling) {
            own.add(theirs);
        }
    }

    /// What the baseline's requests come to, where only some of them were read: `exact` has how many there are, what they took and how many
    /// were slow, and no phases. Those are what they are in the part that was read.
    pub fn set_baseline(&mut self, exact: &BTreeMap<RouteId, SideSums>) {
        let mut read = SideSums::default();
        for sums in self.sums.values() {
            read.add(&sums.baseline);
        }
        for route in exact.keys() {
            self.sums.entry(*route).or_default();
        }
        for (route, sums) in &mut self.sums {
            let of_route = if sums.baseline.total_ms > 0 { sums.baseline } else { read };
            sums.baseline = exact.get(route).map(|side| side.with_phases_of(&of_route)).unwrap_or_default();
        }
    }

    /// What was counted, in the order of the routes' names: their numbers are given as lines arrive.
    pub(super) fn named_sums(&self, names: &Routes) -> Vec<(RouteId, RouteSums)> {
        let mut sums: Vec<(RouteId, RouteSums)> = self.sums.iter().map(|(&route, &sums)| (route, sums)).collect();
        sums.sort_by_cached_key(|&(route, _)| names.name(route));
        sums
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
        request.features.of(&self.held)
    }

    /// For how many requests one that is kept stands.
    pub fn weight(&self, request: &KeptRequest) -> u32 {
        self.sampling.get(kind_of(request.side, request.took_ms)).map_or(1, Sampling::weight)
    }

    /// Lets go of what is kept no more.
    fn thin_out(&mut self) {
        let (held, sampling) = (std::mem::take(&mut self.held), self.sampling);
        let features = std::mem::take(&mut self.features);
        let mut merged = MergedFeatures::within(&features);
        self.kept.retain_mut(|request| {
            if !keeps(&sampling, request) {
                return false;
            }
            let begins = self.held.len();
            for id in request.features.of(&held) {
                self.held.extend(merged.of(0, &features, *id));
            }
            request.features = FeatureSpan::new(begins, self.held.len());
            true
        });
        self.features = merged.into_features();
    }
}

fn keeps(sampling: &[Sampling; KINDS], request: &KeptRequest) -> bool {
    sampling.get(kind_of(request.side, request.took_ms)).is_none_or(|sampling| sampling.keeps(&request.origin))
}

fn kind_of(side: Side, took_ms: u32) -> usize {
    2 * usize::from(side == Side::Baseline) + usize::from(took_ms >= LONG_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::FieldSide;

    fn request(number: u32) -> NewRequest<'static> {
        let took_ms = if number.is_multiple_of(1000) { 5000 } else { number % 90 };
        NewRequest {
            side: if number % 3 < 2 { Side::Window } else { Side::Baseline },
            end: Timestamp(i64::from(number)),
            took_ms,
            phases: [0, took_ms, 0, 0, 0],
            route: RouteId(3 + number % 2),
            slow: false,
            origin: LineOrigin { log: 0, offset: u64::from(number) * 211, length: 210 },
            line: b"a line",
            target: b"/",
        }
    }

    /// Of each value of two fields that a number has, the second following from the first.
    fn texts(number: u32) -> [String; 2] {
        [format!("a{}", number % 700), format!("net{}", number % 7)]
    }

    fn take(requests: &mut Requests, number: u32) {
        let request = request(number);
        if requests.count(&request) {
            let field = requests.features.field("client", FieldSide::Asked, 1, "client").unwrap();
            let [own, net] = texts(number);
            let (id, is_new) = requests.features.feature(field, own.as_bytes()).unwrap();
            if is_new {
                let (net, _) = requests.features.feature(field, net.as_bytes()).unwrap();
                requests.features.imply(id, net);
            }
            requests.keep(&request, &[id]);
        }
    }

    fn text_of(requests: &Requests, id: FeatureId) -> String {
        String::from_utf8(requests.features.get(id).unwrap().text.to_vec()).unwrap()
    }

    /// However many there are, no more are kept than there is room for; each stands for those that are not, and the sums are of all.
    #[test]
    fn what_is_kept_stands_for_all() {
        let mut part = Requests::new(KeptAtMost { window: 400, baseline: 400 });
        for number in 0..30_000 {
            take(&mut part, number);
        }
        let requests = Requests::merged(vec![part]);
        let expected: u64 = (0..30_000).map(request).map(|request| u64::from(request.took_ms)).sum();
        let (mut count, mut total_ms) = (0, 0);
        for sums in requests.sums().values() {
            count += sums.window.count + sums.baseline.count;
            total_ms += sums.window.total_ms + sums.baseline.total_ms;
        }
        assert_eq!((count, total_ms), (30_000, expected));
        assert!(requests.kept().len() <= 800, "{}", requests.kept().len());
        let stands_for: u64 = requests.kept().iter().map(|request| u64::from(requests.weight(request))).sum();
        assert!((25_000..35_000).contains(&stands_for), "{stands_for}");
        for request in requests.kept() {
            let [own, net] = texts(u32::try_from(request.origin.offset / 211).unwrap());
            let [held] = requests.features_of(request) else { panic!("{request:?}") };
            assert_eq!(text_of(&requests, *held), own);
            let [implied] = requests.features.get(*held).unwrap().implies[..] else { panic!("{own}") };
            assert_eq!(text_of(&requests, implied), net);
        }
        // Those that took long are all there.
        assert_eq!(requests.kept().iter().filter(|request| request.took_ms == 5000).count(), 30);
    }

    /// On however many threads the lines are read, and in whatever order: the same requests are kept, in the same order, with features of
    /// the same numbers.
    #[test]
    fn several_threads_keep_what_one_keeps() {
        let of_threads = |threads: u32, step: u32| {
            let mut parts = Vec::new();
            for _ in 0..threads {
                parts.push(Requests::new(KeptAtMost { window: 400, baseline: 300 }));
            }
            for turn in 0..20_000 {
                let number = turn * step % 20_000;
                let part = (number / 50 * 7 % 11 % threads) as usize;
                take(&mut parts[part], number);
            }
            Requests::merged(parts)
        };
        let one = of_threads(1, 1);
        for (threads, step) in [(2, 1), (5, 1), (3, 7919)] {
            let several = of_threads(threads, step);
            assert_eq!(several.kept(), one.kept());
            assert_eq!(several.held, one.held);
            assert_eq!(several.features, one.features);
            assert_eq!(several.sums(), one.sums());
            assert_eq!(several.span(), one.span());
        }
    }

    /// What is known of all of the baseline stands for what was read of it; the phases are those that were read, and sum to the whole.
    #[test]
    fn a_baseline_that_is_known_whole_is_told_whole() {
        let mut part = Requests::new(KeptAtMost::default());
        for number in 0..3000 {
            take(&mut part, number);
        }
        let mut requests = Requests::merged(vec![part]);
        let exact = SideSums { count: 50_001, total_ms: 1_000_003, slow: 7, ..SideSums::default() };
        requests.set_baseline(&BTreeMap::from([(RouteId(3), exact), (RouteId(99), exact)]));
        for route in [RouteId(3), RouteId(99)] {
            let baseline = requests.sums()[&route].baseline;
            assert_eq!((baseline.count, baseline.total_ms, baseline.slow), (50_001, 1_000_003, 7));
            assert_eq!(baseline.phases_ms, [0, 1_000_003, 0, 0, 0]);
        }
        assert_eq!(requests.sums()[&RouteId(4)].baseline, SideSums::default());
        assert!(requests.sums()[&RouteId(4)].window.count > 0);
    }
}
