//! What the requests of each feature took beyond what is usual, counted feature by feature.

use std::collections::HashMap;
use std::ops::{AddAssign, Sub};

use super::chance::{normal_tail, rarity_tail};
use super::feature::{FeatureId, Features, Holders};
use super::model::{Residual, residuals};
use super::requests::{KeptRequest, Requests, Side};

/// What was counted of some requests, of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    /// Requests of the window that are kept.
    pub(super) kept: f64,
    /// Requests of the window that these stand for.
    pub(super) count: f64,
    /// The same number of the baseline, scaled to the window.
    pub(super) usual_count: f64,
    /// The logarithms beyond what is usual: in the window, and that less the baseline's.
    pub(super) window_log: f64,
    pub(super) log: f64,
    variance: f64,
    /// Milliseconds beyond what is usual, less the baseline's.
    pub(super) excess_ms: f64,
    /// The usual milliseconds of as many.
    usual_ms: f64,
    rarity: f64,
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.kept += other.kept;
        self.count += other.count;
        self.usual_count += other.usual_count;
        self.window_log += other.window_log;
        self.log += other.log;
        self.variance += other.variance;
        self.excess_ms += other.excess_ms;
        self.usual_ms += other.usual_ms;
        self.rarity += other.rarity;
    }
}

impl Sub for Tally {
    type Output = Tally;

    fn sub(self, other: Tally) -> Tally {
        Tally {
            kept: self.kept - other.kept,
            count: self.count - other.count,
            usual_count: self.usual_count - other.usual_count,
            window_log: self.window_log - other.window_log,
            log: self.log - other.log,
            variance: (self.variance - other.variance).max(0.0),
            excess_ms: self.excess_ms - other.excess_ms,
            usual_ms: self.usual_ms - other.usual_ms,
            rarity: self.rarity - other.rarity,
        }
    }
}

impl Tally {
    /// That of one request.
    fn of(residual: &Residual) -> Tally {
        let Residual { weight, log, variance, excess_ms, usual_ms, rarity } = *residual;
        let of_both = Tally {
            log: weight * log,
            variance: weight * weight * variance,
            excess_ms: weight * excess_ms,
            ..Tally::default()
        };
        if weight <= 0.0 {
            return Tally { usual_count: -weight, ..of_both };
        }
        Tally { kept: 1.0, count: weight, window_log: weight * log, usual_ms: weight * usual_ms, rarity, ..of_both }
    }

    /// By how much its requests are slower than usual, as a logarithm.
    pub(super) fn mean_log(&self) -> f64 {
        if self.count > 0.0 { self.log / self.count } else { 0.0 }
    }

    /// How many standard deviations what is slower about it is from nothing.
    pub(super) fn deviations(&self) -> f64 {
        if self.variance > 0.0 { self.log / self.variance.sqrt() } else { 0.0 }
    }

    /// By how many standard deviations its requests are slower than the others, each beside what is usual of its route.
    pub(super) fn deviations_from(&self, others: &Tally) -> f64 {
        if self.count <= 0.0 || others.count <= 0.0 {
            return 0.0;
        }
        let variance = self.variance / self.count.powi(2) + others.variance / others.count.powi(2);
        if variance > 0.0 { (self.mean_log() - others.mean_log()) / variance.sqrt() } else { 0.0 }
    }

    /// The probability of this by chance: that its requests are so much slower than the others, and that they took so long at all.
    pub(super) fn chance(&self, others: &Tally) -> f64 {
        normal_tail(self.deviations_from(others)).max(rarity_tail(self.rarity, self.kept))
    }

    /// Whether the time lies with these requests and not with the others: those have less than `part` of the excess of these, both
    /// by request and by usual time. Were all slower alike, by so many milliseconds or so many times, one of them would be the same.
    pub(super) fn stands_out(&self, others: &Tally, part: f64) -> bool {
        if others.count < 1.0 {
            return false;
        }
        let by_request = others.excess_ms / others.count <= part * self.excess_ms / self.count.max(1.0);
        let by_time = others.excess_ms / others.usual_ms.max(1.0) <= part * self.excess_ms / self.usual_ms.max(1.0);
        by_request && by_time
    }
}

/// A value is gone, or came in its place, if so many requests had it ..
const LEAST_REPLACED: f64 = 20.0;

/// .. and this part of all.
const REPLACED_PART: f64 = 0.03;

/// The requests that are compared.
pub(super) struct Compared<'r> {
    pub(super) requests: &'r Requests,
    rows: Vec<ComparedRow<'r>>,
    holding: RowsOfFeatures,
    /// Values that are gone, each with the value of its field that came in its place: what was a hit is a miss. What is faster about those
    /// that are gone is then what is slower about those that came.
    replaced: HashMap<FeatureId, FeatureId>,
}

/// One of them.
pub(super) struct ComparedRow<'r> {
    pub(super) request: &'r KeptRequest,
    pub(super) residual: Residual,
    /// Its time is explained: it is not looked at any more.
    pub(super) is_explained: bool,
}

/// The rows that hold each feature itself, by number, one feature's behind the other's.
struct RowsOfFeatures {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl RowsOfFeatures {
    fn new(requests: &Requests, rows: &[ComparedRow<'_>]) -> RowsOfFeatures {
        let mut ends = vec![0; requests.features.len() + 1];
        for row in rows {
            for id in requests.features_of(row.request) {
                if let Some(count) = ends.get_mut(id.0 as usize + 1) {
                    *count += 1;
                }
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        // Each end is the beginning of the next one's; those are moved on while they are filled.
        let mut of_features = vec![0; sum];
        for (row, number) in rows.iter().zip(0..) {
            for id in requests.features_of(row.request) {
                if let Some(place) = ends.get_mut(id.0 as usize)
                    && let Some(own) = of_features.get_mut(*place)
                {
                    *own = number;
                    *place += 1;
                }
            }
        }
        RowsOfFeatures { rows: of_features, ends }
    }

    fn rows(&self, id: FeatureId) -> &[u32] {
        let at = id.0 as usize;
        let from = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let until = self.ends.get(at).copied().unwrap_or(0);
        self.rows.get(from..until).unwrap_or_default()
    }
}

/// What was counted of each feature, by number, and of all together.
pub(super) struct FeatureTallies {
    pub(super) by_feature: Vec<Tally>,
    pub(super) all: Tally,
}

impl FeatureTallies {
    pub(super) fn of(&self, id: FeatureId) -> Tally {
        self.by_feature.get(id.0 as usize).copied().unwrap_or_default()
    }
}

impl<'r> Compared<'r> {
    pub(super) fn new(requests: &'r Requests) -> Compared<'r> {
        let mut rows = Vec::new();
        for (request, residual) in requests.kept().iter().zip(residuals(requests)) {
            if let Some(residual) = residual {
                rows.push(ComparedRow { request, residual, is_explained: false });
            }
        }
        let holding = RowsOfFeatures::new(requests, &rows);
        let mut compared = Compared { requests, rows, holding, replaced: HashMap::new() };
        compared.replaced = compared.find_replaced();
        compared
    }

    fn find_replaced(&self) -> HashMap<FeatureId, FeatureId> {
        let tallies = self.tally(None);
        let (mut gone, mut came) = (Vec::new(), HashMap::new());
        for (id, feature) in self.features().all() {
            let Tally { count, usual_count, .. } = tallies.of(id);
            let much = LEAST_REPLACED.max(tallies.all.count * REPLACED_PART);
            if usual_count >= much && count <= 0.2 * usual_count {
                gone.push((id, feature.field, usual_count));
            }
            let growth = count - usual_count;
            if growth >= much && count >= 2.0 * usual_count {
                let most = came.entry(feature.field).or_insert((id, growth));
                if growth > most.1 {
                    *most = (id, growth);
                }
            }
        }
        let mut replaced = HashMap::new();
        for (id, field, usual_count) in gone {
            if let Some((by, growth)) = came.get(&field)
                && *growth >= 0.5 * usual_count
            {
                replaced.insert(id, *by);
            }
        }
        replaced
    }

    pub(super) fn features(&self) -> &'r Features {
        &self.requests.features
    }

    pub(super) fn rows(&self) -> &[ComparedRow<'r>] {
        &self.rows
    }

    /// Whether each row is of these requests, or of those in whose place they came.
    pub(super) fn members(&self, whose: &[FeatureId]) -> Vec<bool> {
        let mut holders: Vec<_> = whose.iter().map(|id| self.features().holders(*id)).collect();
        for (gone, by) in &self.replaced {
            for (holders, _) in holders.iter_mut().zip(whose).filter(|(_, id)| *id == by) {
                holders.add(*gone);
            }
        }
        self.rows_that_hold(&holders)
    }

    /// Whether each row is of these requests themselves.
    pub(super) fn own_members(&self, whose: &[FeatureId]) -> Vec<bool> {
        self.rows_that_hold(&whose.iter().map(|id| self.features().holders(*id)).collect::<Vec<_>>())
    }

    fn rows_that_hold(&self, holders: &[Holders]) -> Vec<bool> {
        let mut held = vec![0_u8; self.rows.len()];
        for (times, holders) in (0..).zip(holders) {
            for id in holders.ids() {
                for row in self.holding.rows(id) {
                    if let Some(held) = held.get_mut(*row as usize)
                        && *held == times
                    {
                        *held += 1;
                    }
                }
            }
        }
        held.iter().map(|times| usize::from(*times) == holders.len()).collect()
    }

    /// The same of those that are not explained.
    pub(super) fn unexplained(&self, whose: &[FeatureId]) -> Vec<bool> {
        let mut members = self.members(whose);
        for (is_member, row) in members.iter_mut().zip(&self.rows) {
            *is_member &= !row.is_explained;
        }
        members
    }

    /// From now on these requests are not looked at.
    pub(super) fn set_explained(&mut self, members: &[bool]) {
        for (row, is_member) in self.rows.iter_mut().zip(members) {
            row.is_explained |= is_member;
        }
    }

    /// Counts what is not explained, of all requests or of some.
    pub(super) fn tally(&self, of: Option<&[bool]>) -> FeatureTallies {
        let mut held = vec![Tally::default(); self.features().len()];
        let mut all = Tally::default();
        for (at, row) in self.rows.iter().enumerate() {
            if row.is_explained || of.is_some_and(|of| !of.get(at).copied().unwrap_or(false)) {
                continue;
            }
            let own = Tally::of(&row.residual);
            all += &own;
            for id in self.requests.features_of(row.request) {
                if let Some(tally) = held.get_mut(id.0 as usize) {
                    *tally += &own;
                }
            }
        }
        let mut by_feature = held.clone();
        for (own, (id, feature)) in held.iter().zip(self.features().all()) {
            for implied in feature.implies.iter().chain(self.replaced.get(&id)) {
                if let Some(tally) = by_feature.get_mut(implied.0 as usize) {
                    *tally += own;
                }
            }
        }
        FeatureTallies { by_feature, all }
    }
}

impl ComparedRow<'_> {
    pub(super) fn is_in_window(&self) -> bool {
        self.request.side == Side::Window
    }
}
