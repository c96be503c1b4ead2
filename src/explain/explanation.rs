//! The whole answer: the verdict, what changed, the causes, who came first.

use super::answer::{BaselinePart, Cause, ExplainedSpans, Explanation, Folded, GrownValue, SideTimes, Verdict};
use super::change::Change;
use super::feature::{FeatureId, FieldSide, Holders};
use super::first::first_comers;
use super::interval::interval_of_excess;
use super::phases::{PHASES, Phase};
use super::requests::{KeptRequest, Requests, Side};
use super::rhythm::{BaselinePieces, PieceComparison, Slowness};
use super::search::{FoundCause, find_causes};
use super::tally::{Compared, Tally};
use crate::route::Routes;
use crate::time::{Timestamp, Window};

/// More requests: at least by this factor.
const MORE: f64 = 1.25;

/// Another mix: at least this part of the usual time.
const MIXED: f64 = 0.2;

/// Slower altogether: at least this part of the usual time, and by this logarithm.
const SLOWED: f64 = 0.15;
const SLOWED_LOG: f64 = 0.15;

/// Explains a window by what it is compared with.
pub fn explain<'r>(requests: &'r Requests, spans: &ExplainedSpans, names: &Routes) -> Explanation<'r> {
    let (window, baseline) = (spans.window, spans.baseline.as_slice());
    let baseline_ms = spans.counted_length(length_of(baseline));
    let change = Change::new(&requests.named_sums(names), length_of(&[window]), baseline_ms);
    let pieces = BaselinePieces::new(window, baseline);
    let mut compared = Compared::new(requests);
    let whole = compared.tally(None).all;
    let found = find_causes(&mut compared);
    let examined = Examined { compared: &compared, pieces: &pieces, whole: &whole, change: &change, part: spans.part };
    let (mut causes, mut no_news) = (Vec::new(), Vec::new());
    for cause in &found.causes {
        match examined.judge(cause) {
            Judged::Cause(cause) => causes.push(cause),
            Judged::NoNews(cause) => no_news.push(cause),
            Judged::Chance => {}
        }
    }
    let traffic = pieces.traffic(requests);
    let overall = pieces.compare_slowness(whole.slowness(), &compared, None);
    let is_slower = examined.is_slower(&causes, &overall);
    let mut parts = Vec::new();
    if is_slower {
        let of_causes: i64 = causes.iter().map(|cause| cause.excess_ms).sum();
        parts.push((change.parts.slower.max(of_causes), Verdict::Slower));
    }
    let usual_ms = change.parts.total.saturating_neg().saturating_add_unsigned(change.all.window.total_ms).max(1);
    // Of a part of the baseline its pieces have a part.
    let part = spans.part.read as f64 / spans.part.all.max(1) as f64;
    let count = change.all.window.count as f64;
    let usual_count = change.all.baseline.count as f64 * length_of(&[window]) as f64 / baseline_ms as f64;
    if count > 0.0 && count >= MORE * usual_count && !pieces.compare(count * part, &traffic.requests).is_usual() {
        parts.push((change.parts.volume, Verdict::More));
    }
    let mix = change.parts.mix as f64;
    if mix >= MIXED * usual_ms as f64 && !pieces.compare(mix * part, &traffic.mix).is_usual() {
        parts.push((change.parts.mix, Verdict::Mix));
    }
    let verdict = parts.into_iter().max_by_key(|(part, _)| *part).map_or(Verdict::Nothing, |(_, verdict)| verdict);
    let as_much = if verdict == Verdict::Nothing && overall.is_no_news() { overall.as_much } else { Vec::new() };
    Explainer { requests, compared: &compared, verdict, change, causes, no_news, tried: found.tried, as_much }.finish()
}

fn length_of(spans: &[Window]) -> u64 {
    spans.iter().map(|span| u64::try_from(span.until.0.saturating_sub(span.from.0)).unwrap_or(0)).sum()
}

impl Tally {
    fn slowness(&self) -> Slowness {
        Slowness { log: self.log, excess_ms: self.excess_ms }
    }
}

impl PieceComparison {
    /// Whether the baseline's own pieces have as much now and then.
    fn is_usual(&self) -> bool {
        self.is_chance() || self.is_no_news()
    }
}

struct Examined<'e, 'r> {
    compared: &'e Compared<'r>,
    pieces: &'e BaselinePieces,
    whole: &'e Tally,
    change: &'e Change,
    part: BaselinePart,
}

enum Judged<'r> {
    Cause(Cause<'r>),
    NoNews(Cause<'r>),
    Chance,
}

impl<'r> Examined<'_, 'r> {
    /// Whether the window is slower than its baseline: something is, or all of it.
    fn is_slower(&self, causes: &[Cause<'_>], overall: &PieceComparison) -> bool {
        if !causes.is_empty() {
            return true;
        }
        let usual_ms = self.change.all.window.total_ms as f64 - self.change.parts.slower as f64;
        self.whole.deviations() > 6.0
            && self.whole.mean_log() > SLOWED_LOG
            && self.change.parts.slower as f64 > SLOWED * usual_ms
            && !overall.is_usual()
    }

    fn judge(&self, found: &FoundCause) -> Judged<'r> {
        let (members, tally) = (&found.members, &found.tally);
        let pieces = self.pieces.compare_slowness(tally.slowness(), self.compared, Some(members));
        if pieces.is_chance() {
            return Judged::Chance;
        }
        let is_news = !pieces.is_no_news();
        let interval = interval_of_excess(self.compared, members);
        let all = self.whole.excess_ms.max(tally.excess_ms).max(1.0);
        let cause = Cause {
            whose: found.whose.clone(),
            excess_ms: tally.excess_ms.round() as i64,
            share: tally.excess_ms / all,
            low_ms: interval.low.round() as i64,
            high_ms: interval.high.round() as i64,
            p: found.chance,
            phase: self.phase_of(members),
            window: self.side_times(&found.whose, Side::Window),
            besides: self.besides(found),
            baseline: self.side_times(&found.whose, Side::Baseline),
            folded: found.folded.iter().map(|folded| Folded { feature: folded.feature, share: folded.share }).collect(),
            as_much: pieces.as_much,
            typical: self.typical(members),
        };
        if is_news { Judged::Cause(cause) } else { Judged::NoNews(cause) }
    }

    /// Where the excess of these requests is.
    fn phase_of(&self, members: &[bool]) -> Option<Phase> {
        let mut excess = [0.0; PHASES];
        let routes = self.compared.requests.sums();
        for (row, is_member) in self.compared.rows().iter().zip(members) {
            let Some(sums) = routes.get(&row.request.route).filter(|_| *is_member) else { continue };
            for ((sum, time), usual) in excess.iter_mut().zip(row.request.phases).zip(sums.baseline.phases_ms) {
                *sum += row.residual.weight * (f64::from(time) - usual as f64 / sums.baseline.count.max(1) as f64);
            }
        }
        most_of(&excess)
    }

    /// All requests of these values, also those that another cause has, or of a route that is new.
    fn side_times(&self, whose: &[FeatureId], side: Side) -> SideTimes {
        let requests = self.compared.requests;
        let holders: Vec<Holders> = whose.iter().map(|id| requests.features.holders(*id)).collect();
        let holds = |request: &&KeptRequest| {
            request.side == side && holders.iter().all(|holders| holders.hold(requests.features_of(request)))
        };
        let times = self.times_of(requests.kept().iter().filter(holds));
        // Of a part of the baseline as many as all of it has.
        let count = if side == Side::Baseline { self.part.whole_of(times.count) } else { times.count };
        SideTimes { count, ..times }
    }

    /// Those of the window that no cause before it has; nothing where that is all of them.
    fn besides(&self, found: &FoundCause) -> Option<SideTimes> {
        let own = self.compared.own_members(&found.whose);
        let in_window = |members: &[bool]| {
            let rows =
                self.compared.rows().iter().zip(members).filter(|(row, is_member)| **is_member && row.is_in_window());
            self.times_of(rows.map(|(row, _)| row.request))
        };
        let (all, left) = (in_window(&own), in_window(&found.members));
        (left.count < all.count).then_some(left)
    }

    fn times_of<'k>(&self, requests: impl Iterator<Item = &'k KeptRequest>) -> SideTimes {
        let mut times = Vec::new();
        for request in requests {
            times.push((request.took_ms, u64::from(self.compared.requests.weight(request))));
        }
        times.sort_unstable();
        let count: u64 = times.iter().map(|(_, weight)| weight).sum();
        let quantile = |per_hundred: u64| {
            let rank = (count * per_hundred).div_ceil(100).max(1);
            let mut passed = 0;
            times.iter().find(|(_, weight)| {
                passed += weight;
                passed >= rank
            })
        };
        let millis = |per_hundred| quantile(per_hundred).map(|(took, _)| u64::from(*took));
        SideTimes { count, p50_ms: millis(50), p99_ms: millis(99) }
    }

    /// Of the cause's requests in the window, by how long they took beyond what is usual: one in the middle, one near the top, one between.
    fn typical(&self, members: &[bool]) -> Vec<&'r KeptRequest> {
        let mut slow = Vec::new();
        for (row, is_member) in self.compared.rows().iter().zip(members) {
            if *is_member && row.is_in_window() && row.request.line.is_some() {
                slow.push((row.residual.excess_ms, row.request));
            }
        }
        slow.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.origin.cmp(&other.1.origin)));
        let mut typical: Vec<&KeptRequest> = Vec::new();
        for per_hundred in [50, 75, 95] {
            if let Some((_, request)) = slow.get(slow.len() * per_hundred / 100)
                && !typical.iter().any(|known| known.origin == request.origin)
            {
                typical.push(request);
            }
        }
        typical
    }
}

fn most_of(excess: &[f64; PHASES]) -> Option<Phase> {
    let most = Phase::ALL.iter().zip(excess).max_by(|one, other| one.1.total_cmp(other.1))?;
    (*most.1 > 0.0).then_some(*most.0)
}

/// What is known before the last step.
struct Explainer<'e, 'r> {
    requests: &'r Requests,
    compared: &'e Compared<'r>,
    verdict: Verdict,
    change: Change,
    causes: Vec<Cause<'r>>,
    no_news: Vec<Cause<'r>>,
    tried: u64,
    as_much: Vec<Timestamp>,
}

impl<'r> Explainer<'_, 'r> {
    fn finish(mut self) -> Explanation<'r> {
        if self.verdict != Verdict::Slower {
            self.causes.clear();
        }
        let grew = self.change.phases_ms.map(|more| more as f64);
        let phase = self.causes.first().map_or_else(|| most_of(&grew), |cause| cause.phase);
        let first = match self.causes.first() {
            Some(cause) => first_comers(self.compared, &self.compared.members(&cause.whose)),
            None if self.verdict == Verdict::Slower => {
                first_comers(self.compared, &vec![true; self.compared.rows().len()])
            }
            None => Vec::new(),
        };
        let grown = match self.verdict {
            Verdict::Mix | Verdict::More => self.grown(),
            Verdict::Slower | Verdict::Nothing => Vec::new(),
        };
        let samples = match self.causes.first() {
            Some(cause) => cause.typical.clone(),
            None => self.longest(),
        };
        Explanation {
            verdict: self.verdict,
            phase,
            change: self.change,
            causes: self.causes,
            no_news: self.no_news,
            grown,
            first,
            samples,
            tried: self.tried,
            as_much: self.as_much,
        }
    }

    /// Without a cause: requests of the route that changed most, where the window is not like the others.
    fn longest(&self) -> Vec<&'r KeptRequest> {
        if self.verdict == Verdict::Nothing {
            return Vec::new();
        }
        let Some(route) = self.change.routes.first().map(|change| change.route) else { return Vec::new() };
        let of_window = |request: &&KeptRequest| request.side == Side::Window && request.route == route;
        let mut longest: Vec<&KeptRequest> = self.requests.kept().iter().filter(of_window).collect();
        longest.sort_by_key(|request| (std::cmp::Reverse(request.took_ms), request.origin));
        longest.truncate(3);
        longest
    }

    /// The clients whose requests took most more than before.
    fn grown(&self) -> Vec<GrownValue> {
        let features = &self.requests.features;
        let mut counts = vec![[0.0; 4]; features.len()];
        let scale = self.scale();
        for request in self.requests.kept() {
            let weight = f64::from(self.requests.weight(request));
            for id in self.requests.features_of(request) {
                let Some([window_ms, window, usual_ms, usual]) = counts.get_mut(id.0 as usize) else { continue };
                match request.side {
                    Side::Window => {
                        *window_ms += weight * f64::from(request.took_ms);
                        *window += weight;
                    }
                    Side::Baseline => {
                        *usual_ms += weight * scale * f64::from(request.took_ms);
                        *usual += weight * scale;
                    }
                    Side::Later => {}
                }
            }
        }
        let mut grown = Vec::new();
        for ((feature, _), [window_ms, window, usual_ms, usual]) in features.all().zip(counts) {
            let is_client = features
                .field_of(feature)
                .is_some_and(|field| field.family == "client" && field.side == FieldSide::Asked);
            let change_ms = (window_ms - usual_ms).round() as i64;
            // A client counts as grown if it alone is a twentieth of the change.
            if is_client && window > 2.0 * usual && change_ms * 20 > self.change.parts.total && change_ms > 0 {
                let (count, usual_count) = (window.round() as u64, usual.round() as u64);
                grown.push(GrownValue { feature, change_ms, count, usual_count });
            }
        }
        grown.sort_by_key(|value| (std::cmp::Reverse(value.change_ms), value.feature));
        grown.truncate(5);
        grown
    }

    /// What each kept request of the baseline stands for in a window: with it they took what was usual.
    fn scale(&self) -> f64 {
        let usual = self.change.all.window.total_ms as f64 - self.change.parts.total as f64;
        let mut kept = 0.0;
        for request in self.requests.kept().iter().filter(|request| request.side == Side::Baseline) {
            kept += f64::from(self.requests.weight(request)) * f64::from(request.took_ms);
        }
        usual / f64::max(kept, 1.0)
    }
}
