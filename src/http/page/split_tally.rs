//! What the requests of a box have in common that the rest has not, value by value, by how much of the difference in time each
//! accounts for.
//!
//! With what is usual of a route being the mean of the rest's requests of it, the *excess* of a value is what its requests in the box took
//! beyond the usual. A value that the rest has as often explains nothing, however many of the box's requests have it; so values are
//! ranked by their excess less the part of all excess that they would have if the box were as the rest is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::explain::{Feature, FeatureId, Features, Field, FieldSide, WhereCondition};
use crate::route::RouteId;
use crate::time::Timestamp;

/// So many requests of the box are looked at one by one.
pub(super) const MOST_INSIDE: usize = 100_000;

/// A value is shown if so many values of its field come before it at most.
const VALUES: usize = 6;

/// So many requests of a value are lit in the picture.
const CELLS: usize = 400;

/// A field says something if one of its values accounts for this part of the difference.
const LEAST_PART: f64 = 0.01;

/// Requests that share a number: which requests they are, whatever value they share.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// The requests of both sides.
#[derive(Default)]
pub(super) struct SplitTally {
    inside: Vec<InsideRequest>,
    /// The features of all of these, one behind the other.
    held: Vec<FeatureId>,
    rest: HashMap<FeatureId, u64>,
    rest_count: u64,
    /// Of each route of the rest how many requests there are, and how long they took.
    usual: BTreeMap<RouteId, UsualTime>,
    /// Requests of the box that were more than [`MOST_INSIDE`].
    pub(super) left_out: u64,
}

#[derive(Default, Clone, Copy)]
struct UsualTime {
    count: u64,
    total_ms: u64,
}

struct InsideRequest {
    end: Timestamp,
    took_ms: u64,
    route: RouteId,
    /// Where its features begin and end.
    from: usize,
    until: usize,
}

/// A field with its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SplitField {
    pub(super) field: String,
    /// The values that account for most, first.
    pub(super) values: Vec<SplitValue>,
    /// How many more there are in the box.
    pub(super) more: u64,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SplitValue {
    pub(super) value: String,
    /// The same as a condition of the page's address.
    pub(super) condition: String,
    /// Requests of the box and of the rest that have it.
    pub(super) inside: u64,
    pub(super) rest: u64,
    /// What its requests in the box took beyond what is usual.
    pub(super) excess_ms: i64,
    /// Other values that the very same requests have.
    pub(super) same: Vec<String>,
    /// When and how long its requests in the box were.
    pub(super) cells: Vec<(i64, u64)>,
    /// The part of the difference that it accounts for.
    accounts: f64,
    /// It follows from another value: of those of the same requests the other names them.
    is_implied: bool,
}

/// A field before its values are folded, each with the number of the requests that have it.
struct RankedField {
    /// Outcomes last; then by the part that its best value accounts for.
    rank: (bool, Reverse<u64>, bool, u8),
    name: String,
    values: Vec<(FeatureId, SplitValue, u64)>,
}

/// What was counted of a value in the box.
#[derive(Default, Clone, Copy)]
struct InsideSum {
    count: u64,
    excess_ms: f64,
    /// Which requests they are.
    set: u64,
}

impl SplitTally {
    /// A request of the box.
    pub(super) fn add_inside(&mut self, end: Timestamp, took_ms: u64, route: RouteId, features: &[FeatureId]) {
        if self.inside.len() >= MOST_INSIDE {
            self.left_out += 1;
            return;
        }
        let from = self.held.len();
        self.held.extend_from_slice(features);
        self.inside.push(InsideRequest { end, took_ms, route, from, until: self.held.len() });
    }

    /// A request of the rest, with all its features, also those that follow from others.
    pub(super) fn add_rest(&mut self, took_ms: u64, route: RouteId, features: &[FeatureId], all: &Features) {
        self.rest_count += 1;
        let usual = self.usual.entry(route).or_default();
        usual.count += 1;
        usual.total_ms = usual.total_ms.saturating_add(took_ms);
        for id in with_implied(features, all) {
            *self.rest.entry(id).or_default() += 1;
        }
    }

    /// How many requests of the box, and of the rest, were read.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.inside.len() as u64, self.rest_count)
    }

    /// What the box's requests took beyond the usual.
    pub(super) fn excess_ms(&self) -> i64 {
        self.inside.iter().map(|request| self.excess_of(request)).sum::<f64>() as i64
    }

    /// The fields, that which accounts for most first.
    pub(super) fn fields(&self, features: &Features) -> Vec<SplitField> {
        let sums = self.inside_sums(features);
        let implied: HashSet<FeatureId> =
            features.all().flat_map(|(_, feature)| feature.implies.iter().copied()).collect();
        let whole: f64 = self.inside.iter().map(|request| self.excess_of(request)).sum();
        let mut by_field: BTreeMap<&str, Vec<(FeatureId, SplitValue, u64)>> = BTreeMap::new();
        for (id, sum) in &sums {
            let (Some(feature), Some(field)) = (features.get(*id), features.field_of(*id)) else { continue };
            let rest = self.rest.get(id).copied().unwrap_or(0);
            let part_of_rest = rest as f64 / self.rest_count.max(1) as f64;
            let accounts = (sum.excess_ms - part_of_rest * whole) * whole.signum();
            let value = SplitValue {
                value: String::from_utf8_lossy(&feature.text).into_owned(),
                condition: condition_of(field, feature),
                inside: sum.count,
                rest,
                excess_ms: sum.excess_ms as i64,
                same: Vec::new(),
                cells: Vec::new(),
                accounts,
                is_implied: implied.contains(id),
            };
            by_field.entry(&field.name).or_default().push((*id, value, sum.set));
        }
        let mut fields: Vec<RankedField> = Vec::new();
        for (name, mut values) in by_field {
            values.sort_by(|(_, one, _), (_, other, _)| {
                let by_part = other.accounts.total_cmp(&one.accounts);
                by_part.then_with(|| (one.is_implied, &one.value).cmp(&(other.is_implied, &other.value)))
            });
            let Some((id, best, _)) = values.first() else { continue };
            if best.accounts >= LEAST_PART * whole.abs() && best.accounts > 0.0 {
                let Some(field) = features.field_of(*id) else { continue };
                // What came of requests is where the slow ones are, and seldom why.
                let is_outcome = field.side == FieldSide::Outcome;
                let rank = (is_outcome, Reverse((best.accounts * 16.0) as u64), best.is_implied, field.rank);
                fields.push(RankedField { rank, name: name.to_owned(), values });
            }
        }
        fields.sort_by(|one, other| (&one.rank, &one.name).cmp(&(&other.rank, &other.name)));
        self.fold(fields, features)
    }

    /// Values that the very same requests have are one: the first names it, the others stand beside it.
    fn fold(&self, fields: Vec<RankedField>, features: &Features) -> Vec<SplitField> {
        let mut shown: Vec<SplitField> = Vec::new();
        let mut first_of: HashMap<(u64, u64, u64), (usize, usize)> = HashMap::new();
        for RankedField { name, values, .. } in fields {
            let mut field = SplitField { field: name, values: Vec::new(), more: 0 };
            for (id, mut value, set) in values {
                let requests = (set, value.inside, value.rest);
                if let Some((of, at)) = first_of.get(&requests).copied() {
                    let words = format!("{} = {}", field.field, value.value);
                    // The very same in the field at hand: a net with one address in it.
                    let held = if of == shown.len() { Some(&mut field) } else { shown.get_mut(of) };
                    if let Some(held) = held.and_then(|held| held.values.get_mut(at)) {
                        held.same.push(words);
                    }
                    continue;
                }
                if field.values.len() >= VALUES {
                    field.more += 1;
                    continue;
                }
                if value.inside > 1 {
                    first_of.insert(requests, (shown.len(), field.values.len()));
                }
                value.cells = self.cells_of(id, features);
                field.values.push(value);
            }
            if !field.values.is_empty() {
                shown.push(field);
            }
        }
        shown
    }

    fn inside_sums(&self, features: &Features) -> HashMap<FeatureId, InsideSum> {
        let mut sums: HashMap<FeatureId, InsideSum> = HashMap::new();
        for (number, request) in (1u64..).zip(&self.inside) {
            let excess = self.excess_of(request);
            for id in with_implied(self.features_of(request), features) {
                let sum = sums.entry(id).or_default();
                sum.count += 1;
                sum.excess_ms += excess;
                sum.set =
                    sum.set.wrapping_add((number.wrapping_mul(MIX) ^ (number << 7)).rotate_left(23).wrapping_mul(MIX));
            }
        }
        sums
    }

    /// What a request took beyond what is usual of its route; where the rest has none of it, of all.
    fn excess_of(&self, request: &InsideRequest) -> f64 {
        let usual = self.usual.get(&request.route).copied().unwrap_or_else(|| {
            self.usual.values().fold(UsualTime::default(), |sum, of| UsualTime {
                count: sum.count + of.count,
                total_ms: sum.total_ms.saturating_add(of.total_ms),
            })
        });
        request.took_ms as f64 - usual.total_ms as f64 / usual.count.max(1) as f64
    }

    fn features_of(&self, request: &InsideRequest) -> &[FeatureId] {
        self.held.get(request.from..request.until).unwrap_or_default()
    }

    fn cells_of(&self, id: FeatureId, features: &Features) -> Vec<(i64, u64)> {
        let holders = features.holders(id);
        let having = self.inside.iter().filter(|request| holders.hold(self.features_of(request)));
        having.take(CELLS).map(|request| (request.end.0, request.took_ms)).collect()
    }
}

/// The condition that a request has a value, as the address has it.
fn condition_of(field: &Field, feature: &Feature) -> String {
    let read = WhereCondition::parse(&WhereCondition::typed(field, feature)).ok();
    read.map(|read| read.clicked().1).unwrap_or_default()
}

/// Features and what follows from them, each once.
fn with_implied(held: &[FeatureId], features: &Features) -> Vec<FeatureId> {
    let mut all = held.to_vec();
    for id in held {
        for implied in features.get(*id).map_or(&[][..], |feature| &feature.implies) {
            if !all.contains(implied) {
                all.push(*implied);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::FieldId;

    fn field(features: &mut Features, name: &str) -> FieldId {
        features.field(name, FieldSide::Asked, 1, "").unwrap()
    }

    /// 20 slow requests: all of one upstream, which a third of the rest has; 18 of one client; all of one method, as is the rest.
    fn tally(features: &mut Features) -> SplitTally {
        let (client, upstream) = (field(features, "remote_addr"), field(features, "upstream_addr"));
        let method = field(features, "request_method");
        let mut id = |field, text: &str| features.feature(field, text.as_bytes()).unwrap().0;
        let (bad, net) = (id(client, "203.0.113.9"), id(client, "203.0.113.0/24"));
        let (get, slow_one) = (id(method, "GET"), id(upstream, "10.0.2.12"));
        let others: Vec<FeatureId> = (0..60).map(|n| id(client, &format!("198.51.100.{n}"))).collect();
        let upstreams = [slow_one, id(upstream, "10.0.2.11"), id(upstream, "10.0.2.13")];
        features.imply(bad, net);
        let mut tally = SplitTally::default();
        for (n, other) in (0..20).zip(&others) {
            let client = if n < 18 { bad } else { *other };
            tally.add_inside(Timestamp(n), 4_000, RouteId(1), &[client, slow_one, get]);
        }
        for n in 0..600 {
            tally.add_rest(40, RouteId(1), &[others[n % 60], upstreams[n % 3], get], features);
        }
        tally
    }

    #[test]
    fn what_the_rest_has_as_often_accounts_for_nothing() {
        let mut features = Features::default();
        let tally = tally(&mut features);
        let fields = tally.fields(&features);
        let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
        assert_eq!(names, ["remote_addr", "upstream_addr"]);
        let best = &fields[0].values[0];
        assert_eq!((best.value.as_str(), best.inside, best.rest, best.excess_ms), ("203.0.113.9", 18, 0, 18 * 3_960));
        assert_eq!(best.same, ["remote_addr = 203.0.113.0/24"]);
        assert_eq!(best.cells.len(), 18);
        let upstream = &fields[1].values[0];
        assert_eq!((upstream.inside, upstream.rest, upstream.excess_ms), (20, 200, 20 * 3_960));
        assert_eq!((tally.counts(), tally.excess_ms()), ((20, 600), 20 * 3_960));
    }

    #[test]
    fn a_box_of_everything_has_no_rest() {
        let mut features = Features::default();
        let status = field(&mut features, "status");
        let (id, _) = features.feature(status, b"502").unwrap();
        let mut tally = SplitTally::default();
        tally.add_inside(Timestamp(1), 70, RouteId(1), &[id]);
        let fields = tally.fields(&features);
        assert_eq!((fields[0].values[0].excess_ms, fields[0].values[0].rest), (70, 0));
    }
}
