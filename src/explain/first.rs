//! Who came first: the requests that were there before the others slowed, apart from those that waited for them.
//!
//! Concurrency is rebuilt from the start and end of each request. One *held* what the others waited for if most of the slow ones began while it ran, and
//! few of those that began then were not slow: a lock, a dump, a rebuild. Where none did, those are told that were slow first.

use super::requests::{KeptRequest, Side};
use super::tally::Compared;
use crate::time::Timestamp;

/// One that came first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstComer<'r> {
    /// The request.
    pub request: &'r KeptRequest,
    /// How many slow requests began while it ran.
    pub waited: u64,
    /// Whether they waited for it, as far as times tell.
    pub held: bool,
}

/// By this factor, as a logarithm, a request is slow here: twice.
const SLOW_LOG: f64 = 0.7;

/// So many are told.
const MOST: usize = 3;

/// The part of the slow that began while one ran, and the part of those that began then that were slow, if it held them up.
const HELD: f64 = 0.5;

/// The starts of the cause's requests, ascending.
struct Starts {
    slow: Vec<Timestamp>,
    others: Vec<Timestamp>,
}

fn between(starts: &[Timestamp], from: Timestamp, until: Timestamp) -> usize {
    let begin = starts.partition_point(|start| *start < from);
    starts.partition_point(|start| *start < until).saturating_sub(begin)
}

/// Those that came first of a cause's requests, or of any that ran while those waited.
pub(super) fn first_comers<'r>(compared: &Compared<'r>, members: &[bool]) -> Vec<FirstComer<'r>> {
    let mut starts = Starts { slow: Vec::new(), others: Vec::new() };
    let mut slow: Vec<&KeptRequest> = Vec::new();
    for (row, is_member) in compared.rows().iter().zip(members) {
        if !is_member || !row.is_in_window() {
            continue;
        }
        if row.residual.log >= SLOW_LOG.max(2.0 * row.residual.variance.sqrt()) {
            starts.slow.push(row.request.start());
            slow.push(row.request);
        } else {
            starts.others.push(row.request.start());
        }
    }
    if slow.is_empty() {
        return Vec::new();
    }
    starts.slow.sort_unstable();
    starts.others.sort_unstable();
    slow.sort_by_key(|request| (request.start(), request.origin));
    if let Some(holder) = holder(compared, &starts) {
        return vec![holder];
    }
    let first = slow.into_iter().take(MOST);
    first.map(|request| FirstComer { request, waited: waited(request, &starts), held: false }).collect()
}

/// How many slow ones began while it ran, itself not counted.
fn waited(request: &KeptRequest, starts: &Starts) -> u64 {
    let while_it_ran = between(&starts.slow, request.start().plus_millis(1), request.end);
    while_it_ran as u64
}

/// The request that held up the others, if one did.
fn holder<'r>(compared: &Compared<'r>, starts: &Starts) -> Option<FirstComer<'r>> {
    let mut best: Option<(f64, FirstComer<'r>)> = None;
    let mut judge = |request: &'r KeptRequest| {
        let waited = waited(request, starts);
        let others = between(&starts.others, request.start().plus_millis(1), request.end);
        if waited < 3 {
            return;
        }
        let of_slow = waited as f64 / starts.slow.len() as f64;
        let of_those = waited as f64 / (waited as f64 + others as f64);
        let outside = starts.others.len() - others;
        let slow_outside = starts.slow.len() as f64 - waited as f64;
        let usual = slow_outside / (slow_outside + outside as f64).max(1.0);
        if of_slow < HELD || of_those < HELD || of_those < usual {
            return;
        }
        let score = 2.0 * of_slow * of_those / (of_slow + of_those);
        let is_better = best.as_ref().is_none_or(|(known, first)| {
            score > known + 1e-9 || (score > known - 1e-9 && request.start() < first.request.start())
        });
        if is_better {
            best = Some((score, FirstComer { request, waited, held: true }));
        }
    };
    for row in compared.rows() {
        // One that always runs for minutes held up nobody.
        if row.is_in_window() && row.residual.log >= SLOW_LOG {
            judge(row.request);
        }
    }
    let compared_of: std::collections::BTreeSet<_> = compared.rows().iter().map(|row| row.request.origin).collect();
    for request in compared.requests.kept().iter().filter(|request| request.side != Side::Baseline) {
        if !compared_of.contains(&request.origin) {
            judge(request);
        }
    }
    best.map(|(_, first)| first)
}
