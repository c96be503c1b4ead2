//! What sets the slow requests apart: values of fields, alone or in pairs, that explain the most.
//!
//! 1. Of each value it is counted by how much its requests are slower than is usual of their routes, less what they were in the
//!    baseline: routes are held fixed, and a client that always was slow explains nothing.
//! 2. Values count of which that is no chance, with a correction for how many were tried, and beside which the others are not
//!    slower alike ([`Tally::stands_out`]).
//! 3. The one that divides the requests best is a cause: GET, which nearly all are, divides nothing; a client behind the slow upstream
//!    is slower than most, but the upstream divides better. A pair of values is named where it divides clearly better than each
//!    of the two, and where the requests of the one without the other are not slow.
//! 4. Its requests are set aside, and what still stands out among the others is the next cause. What no longer does is folded under it.

use super::feature::{FeatureId, Features, Field, FieldSide};
use super::tally::{Compared, FeatureTallies, Tally};

/// No more causes are told.
const MOST_CAUSES: usize = 5;

/// A cause has at least so many requests ..
const LEAST_REQUESTS: f64 = 4.0;

/// .. that are this much slower, as a logarithm: by a quarter.
const LEAST_LOG: f64 = 0.22;

/// Less likely than this by chance, all that was tried considered.
const LEAST_CHANCE: f64 = 0.001;

/// Others have less than this part of the excess of a cause, request by request.
const OTHERS_AT_MOST: f64 = 0.35;

/// Beside a pair those of one of the two have less than this part.
const HALF_PAIR_AT_MOST: f64 = 0.4;

/// A pair divides better than each of the two by this factor.
const PAIR_GAIN: f64 = 1.3;

/// So many values of a field are slow together at most, else it is the field ..
const MOST_TOGETHER: usize = 4;

/// .. and its others have this part of their requests at least.
const LEAST_SIBLINGS: f64 = 0.15;

/// For so many values each pair is tried.
const PAIRED: usize = 24;

/// Of pairs that divide nearly as well as the best, at least this part of it.
const AS_GOOD: f64 = 0.97;

/// Of two that divide the requests alike this part is the same requests.
const ALIKE: f64 = 0.85;

/// A cause as it was found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundCause {
    /// One feature, or two.
    pub(super) whose: Vec<FeatureId>,
    /// What its requests took beyond what is usual.
    pub(super) tally: Tally,
    /// Which of the compared requests those are: not those of a cause that was found before.
    pub(super) members: Vec<bool>,
    /// How likely that is by chance, for what was tried.
    pub(super) chance: f64,
    /// What stood out as well before it was set aside, and no longer did.
    pub(super) folded: Vec<FoldedFeature>,
}

/// A value of which the requests are those of a cause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct FoldedFeature {
    pub(super) feature: FeatureId,
    /// Which part of the cause's excess its requests have.
    pub(super) share: f64,
}

/// One value or a pair, while it is judged.
#[derive(Debug, Clone, PartialEq)]
struct Candidate {
    whose: Vec<FeatureId>,
    tally: Tally,
    /// How well it divides the requests.
    gain: f64,
}

/// All causes, and how many values and pairs were tried.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct FoundCauses {
    pub(super) causes: Vec<FoundCause>,
    pub(super) tried: u64,
}

/// What explains that requests are slower, by the excess.
pub(super) fn find_causes(compared: &mut Compared<'_>) -> FoundCauses {
    let mut found = FoundCauses::default();
    let mut window_ms = 0.0;
    for row in compared.rows().iter().filter(|row| row.is_in_window()) {
        window_ms += row.residual.weight * f64::from(row.request.took_ms);
    }
    while found.causes.len() < MOST_CAUSES {
        let tallies = compared.tally(None);
        let mut search = Search { compared, tallies: &tallies, tried: 0, least_ms: 0.003 * window_ms };
        let singles = search.singles();
        let best = search.best(&singles);
        found.tried = found.tried.max(search.tried);
        let Some(best) = best else { break };
        let chance = search.chance(&best.tally);
        let members = compared.unexplained(&best.whose);
        let folded = folded_under(compared.features(), &best, &compared.tally(Some(&members)), &singles);
        compared.set_explained(&members);
        found.causes.push(FoundCause { whose: best.whose, tally: best.tally, members, chance, folded });
    }
    found.causes.sort_by(|one, other| other.tally.excess_ms.total_cmp(&one.tally.excess_ms));
    found
}

struct Search<'s, 'r> {
    compared: &'s Compared<'r>,
    tallies: &'s FeatureTallies,
    tried: u64,
    least_ms: f64,
}

impl Search<'_, '_> {
    fn field(&self, id: FeatureId) -> Option<&Field> {
        self.compared.features().field_of(id)
    }

    /// How likely it is that requests are so much slower by chance, for all that was tried.
    fn chance(&self, tally: &Tally) -> f64 {
        (tally.chance(&(self.tallies.all - *tally)) * self.tried.max(1) as f64).min(1.0)
    }

    /// The values that are slower than the others, the best dividing first.
    fn singles(&mut self) -> Vec<Candidate> {
        let mut singles = Vec::new();
        for (id, _) in self.compared.features().all() {
            let tally = self.tallies.of(id);
            if tally.kept < LEAST_REQUESTS {
                continue;
            }
            self.tried += 1;
            let deviations = tally.deviations_from(&(self.tallies.all - tally));
            if deviations > 2.5 && tally.window_log > 0.0 && tally.excess_ms > 0.0 {
                singles.push(Candidate { whose: vec![id], tally, gain: deviations * deviations });
            }
        }
        singles.sort_by(|one, other| other.gain.total_cmp(&one.gain));
        singles
    }

    /// Whether it is so much slower that it may be named.
    fn is_slow(&self, tally: &Tally) -> bool {
        tally.kept >= LEAST_REQUESTS
            && tally.mean_log() >= LEAST_LOG
            && tally.window_log >= LEAST_LOG * tally.count
            && tally.excess_ms >= self.least_ms
    }

    /// Whether it may be named.
    fn is_sound(&self, tally: &Tally) -> bool {
        self.is_slow(tally)
            && tally.stands_out(&(self.tallies.all - *tally), OTHERS_AT_MOST)
            && self.chance(tally) <= LEAST_CHANCE
    }

    fn ranks(&self, candidate: &Candidate) -> u32 {
        candidate.whose.iter().filter_map(|id| self.field(*id)).map(|field| u32::from(field.rank)).sum()
    }

    fn is_outcome(&self, candidate: &Candidate) -> bool {
        candidate.whose.iter().any(|id| self.field(*id).is_some_and(|field| field.side == FieldSide::Outcome))
    }

    /// The best value or pair; an outcome only where there is no other.
    fn best(&mut self, singles: &[Candidate]) -> Option<Candidate> {
        let pairs = self.pairs(singles);
        let single = singles.iter().find(|single| !self.is_outcome(single) && self.is_sound(&single.tally));
        let least = PAIR_GAIN * single.map_or(0.0, |single| single.gain);
        let sound: Vec<&Candidate> =
            pairs.iter().filter(|pair| pair.gain > least && self.is_sound(&pair.tally)).take(PAIRED).collect();
        if let Some(best) = sound.first() {
            // Of those that are about as good the one that says it in the fields that say most.
            let as_good = sound.iter().filter(|pair| pair.gain >= AS_GOOD * best.gain);
            return as_good.min_by_key(|pair| self.ranks(pair)).map(|pair| (*pair).clone());
        }
        let single = single
            .or_else(|| self.one_of_several(singles))
            .or_else(|| singles.iter().find(|single| self.is_sound(&single.tally)))?;
        let wider = self.wider(single, singles);
        Some(self.of_those_alike(wider.unwrap_or(single), singles))
    }

    /// One of several values of a field that are slow alike, while another is not: two upstreams of three. Each of them does not stand out
    /// beside the others, but all of them together do.
    fn one_of_several<'c>(&self, singles: &'c [Candidate]) -> Option<&'c Candidate> {
        for best in singles.iter().filter(|single| !self.is_outcome(single)).take(PAIRED) {
            let Some(id) = best.whose.first() else { continue };
            let Some(of) = self.compared.features().get(*id).map(|feature| feature.field) else { continue };
            let is_sibling = |id: FeatureId| self.compared.features().get(id).is_some_and(|own| own.field == of);
            let mut together: Vec<&Candidate> = Vec::new();
            for single in singles {
                if single.whose.first().is_some_and(|id| is_sibling(*id)) && self.is_slow(&single.tally) {
                    together.push(single);
                }
            }
            if (2..=MOST_TOGETHER).contains(&together.len()) && self.stand_out_together(&together, is_sibling) {
                return Some(best);
            }
        }
        None
    }

    /// Whether the time lies with these values of a field, and not with its others, of which there are some.
    fn stand_out_together(&self, together: &[&Candidate], is_sibling: impl Fn(FeatureId) -> bool) -> bool {
        let mut members = vec![false; self.compared.rows().len()];
        for single in together {
            for (member, own) in members.iter_mut().zip(self.compared.members(&single.whose)) {
                *member |= own;
            }
        }
        let of_together = self.compared.tally(Some(&members)).all;
        for member in &mut members {
            *member = !*member;
        }
        let without = self.compared.tally(Some(&members));
        let mut siblings = Tally::default();
        for (id, _) in self.compared.features().all().filter(|(id, _)| is_sibling(*id)) {
            siblings += &without.of(id);
        }
        siblings.count >= LEAST_SIBLINGS * of_together.count
            && of_together.stands_out(&siblings, OTHERS_AT_MOST)
            && of_together.stands_out(&without.all, OTHERS_AT_MOST)
            && together.iter().all(|single| {
                let chance = single.tally.chance(&without.all) * self.tried.max(1) as f64;
                chance <= LEAST_CHANCE
            })
    }

    /// A value that explains what the best one does and more: the cache is off, and of the routes it is for this one is most asked for.
    ///
    /// Without the wider one the requests of the best one are not slow; without the best one those of the wider are, and about as much.
    fn wider<'c>(&self, best: &Candidate, singles: &'c [Candidate]) -> Option<&'c Candidate> {
        let within = self.compared.tally(Some(&self.compared.members(&best.whose)));
        let mut widest: Option<&Candidate> = None;
        for single in singles.iter().filter(|single| !self.is_outcome(single)) {
            let Some(id) = single.whose.first() else { continue };
            let both = within.of(*id);
            let (outside, without) = (single.tally - both, best.tally - both);
            let is_explained = both.excess_ms >= 0.7 * best.tally.excess_ms
                && (without.count < 1.0 || both.stands_out(&without, OTHERS_AT_MOST));
            let is_more = outside.excess_ms >= 0.1 * single.tally.excess_ms
                && outside.deviations() > 5.0
                && outside.mean_log() >= LEAST_LOG
                && !both.stands_out(&outside, OTHERS_AT_MOST);
            let is_widest = widest.is_none_or(|widest| single.tally.excess_ms > widest.tally.excess_ms);
            if is_explained && is_more && is_widest && self.is_sound(&single.tally) {
                widest = Some(single);
            }
        }
        widest
    }

    /// Of the values that divide the requests as this one does, the one to name.
    fn of_those_alike(&self, best: &Candidate, singles: &[Candidate]) -> Candidate {
        let members = self.compared.members(&best.whose);
        let within = self.compared.tally(Some(&members));
        let mut alike: Vec<(u32, &Candidate)> = Vec::new();
        for single in singles {
            let Some(id) = single.whose.first() else { continue };
            let Some(field) = self.field(*id) else { continue };
            let both = within.of(*id);
            let either = best.tally.count + single.tally.count - both.count;
            let same_time = both.excess_ms >= ALIKE * best.tally.excess_ms.max(single.tally.excess_ms);
            if both.count < ALIKE * either || !same_time || !self.is_sound(&single.tally) {
                continue;
            }
            // Of requests that came newly whoever asked is to be named, of those that were always there whoever answers.
            let is_new = best.tally.count > 2.0 * best.tally.usual_count.max(0.0);
            let expected = if is_new { FieldSide::Asked } else { FieldSide::Answered };
            let other_side = u32::from(field.side != expected) + 2 * u32::from(field.side == FieldSide::Outcome);
            alike.push((1000 * other_side + u32::from(rank(field, is_new)), single));
        }
        alike.sort_by(|one, other| one.0.cmp(&other.0).then(other.1.gain.total_cmp(&one.1.gain)));
        alike.first().map_or_else(|| best.clone(), |(_, chosen)| (*chosen).clone())
    }

    /// The pairs that divide better than each of the two, the best first.
    fn pairs(&mut self, singles: &[Candidate]) -> Vec<Candidate> {
        let mut pairs = Vec::new();
        let first = singles.iter().filter(|single| !self.is_outcome(single)).take(PAIRED).cloned().collect::<Vec<_>>();
        for single in &first {
            let Some(id) = single.whose.first() else { continue };
            let members = self.compared.members(&single.whose);
            let within = self.compared.tally(Some(&members));
            for (other, _) in self.compared.features().all() {
                let both = within.of(other);
                if both.kept < LEAST_REQUESTS || both.excess_ms <= 0.0 || !self.may_pair(*id, other) {
                    continue;
                }
                self.tried += 1;
                let pair = Candidate { whose: ordered(*id, other), tally: both, gain: self.gain(&both) };
                if pair.gain > PAIR_GAIN * single.gain && self.is_pair(&pair, &single.tally, &self.tallies.of(other)) {
                    pairs.push(pair);
                }
            }
        }
        pairs.sort_by(|one, other| other.gain.total_cmp(&one.gain).then_with(|| one.whose.cmp(&other.whose)));
        pairs.dedup_by(|one, other| one.whose == other.whose);
        pairs
    }

    fn gain(&self, tally: &Tally) -> f64 {
        let deviations = tally.deviations_from(&(self.tallies.all - *tally)).max(0.0);
        deviations * deviations
    }

    /// Whether two values say different things, neither of them what came of the request.
    fn may_pair(&self, one: FeatureId, other: FeatureId) -> bool {
        let (Some(first), Some(second)) = (self.field(one), self.field(other)) else { return false };
        let same = if first.family.is_empty() { first.name == second.name } else { first.family == second.family };
        !same && second.side != FieldSide::Outcome
    }

    /// Whether a pair says more than each of the two: without the other neither is as slow.
    fn is_pair(&self, pair: &Candidate, one: &Tally, other: &Tally) -> bool {
        let each = [one, other];
        each.iter().all(|single| {
            let without = **single - pair.tally;
            pair.gain > PAIR_GAIN * self.gain(single)
                && without.count >= 1.0
                && pair.tally.stands_out(&without, HALF_PAIR_AT_MOST)
                && pair.tally.deviations_from(&without) > 4.0
        })
    }
}

fn ordered(one: FeatureId, other: FeatureId) -> Vec<FeatureId> {
    if one < other { vec![one, other] } else { vec![other, one] }
}

/// The place of a field among those of its side. Of requests that came newly the client goes first.
fn rank(field: &Field, is_new: bool) -> u8 {
    if is_new && field.family == "client" { 0 } else { field.rank }
}

/// The values that stood out beside the cause and live in its requests: most of its excess is theirs too. What says the same less finely, such as
/// an address's net, says nothing more.
fn folded_under(
    features: &Features,
    cause: &Candidate,
    within: &FeatureTallies,
    singles: &[Candidate],
) -> Vec<FoldedFeature> {
    let mut families = Vec::new();
    for field in cause.whose.iter().filter_map(|id| features.field_of(*id)) {
        families.push(if field.family.is_empty() { field.name.as_str() } else { field.family });
    }
    let mut folded: Vec<FoldedFeature> = Vec::new();
    for single in singles.iter().filter(|single| single.gain > 16.0) {
        let Some(id) = single.whose.first() else { continue };
        let Some(field) = features.field_of(*id) else { continue };
        let family = if field.family.is_empty() { field.name.as_str() } else { field.family };
        let share = within.of(*id).excess_ms / cause.tally.excess_ms.max(1.0);
        if share < 0.5 || families.contains(&family) {
            continue;
        }
        families.push(family);
        folded.push(FoldedFeature { feature: *id, share: share.min(1.0) });
    }
    folded
}
