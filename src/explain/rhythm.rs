//! Whether what the window shows is news: the baseline cut into windows of the same length.
//!
//! Traffic comes in bursts, and a job makes every fifth minute slow. What was as much in two other windows of the baseline, apart from
//! each other, is no news; and what is not clearly more than the baseline's windows differ among each other is chance. As much it was by the
//! logarithm of the times and by the milliseconds: half of a logarithm alone is far less than half of the time.

use super::requests::{Requests, Side};
use super::tally::Compared;
use crate::time::{Timestamp, Window};

/// The baseline in pieces of half a window: two that follow each other are as long as the window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BaselinePieces {
    from: Vec<Timestamp>,
    half_ms: i64,
}

/// How a number of the window compares with those of the pieces.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PieceComparison {
    /// By how many standard deviations of the pieces it is above their mean; nothing where there are too few.
    pub(super) deviations: Option<f64>,
    /// When the baseline had as much.
    pub(super) as_much: Vec<Timestamp>,
    /// All windows that had, also where they overlap.
    any_as_much: Vec<Timestamp>,
}

/// So many windows of the baseline are needed to say how much they differ.
const LEAST_PIECES: usize = 4;

/// This part of what the window has is as much ..
const AS_MUCH: f64 = 0.5;

/// .. if it is this part of its milliseconds, too: these differ more, since few that took very long make most of them.
const AS_MUCH_MS: f64 = 0.35;

/// How much slower than usual some requests were, of both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Slowness {
    /// The logarithms beyond what is usual.
    pub(super) log: f64,
    /// The milliseconds.
    pub(super) excess_ms: f64,
}

impl BaselinePieces {
    pub(super) fn new(window: Window, baseline: &[Window]) -> BaselinePieces {
        let half_ms = (window.until.0.saturating_sub(window.from.0) / 2).max(1);
        let mut from = Vec::new();
        for span in baseline {
            // From the end, so that what is just before the window is in a whole piece.
            let mut begin = span.until.plus_millis(-half_ms);
            while begin >= span.from && from.len() < 2000 {
                from.push(begin);
                begin = begin.plus_millis(-half_ms);
            }
        }
        from.sort_unstable();
        BaselinePieces { from, half_ms }
    }

    fn place(&self, end: Timestamp) -> Option<usize> {
        let at = self.from.partition_point(|from| *from <= end).checked_sub(1)?;
        let from = self.from.get(at)?;
        (end < from.plus_millis(self.half_ms)).then_some(at)
    }

    /// What the baseline's requests took beyond what is usual, by piece. A request of the baseline weighs as much as there are of its
    /// route in the window; scaled so that a piece weighs half a window.
    fn slowness(&self, compared: &Compared<'_>, members: Option<&[bool]>) -> Vec<Slowness> {
        let mut sums = vec![Slowness::default(); self.from.len()];
        for (at, row) in compared.rows().iter().enumerate() {
            if row.request.side != Side::Baseline || members.is_some_and(|of| !of.get(at).copied().unwrap_or(false)) {
                continue;
            }
            if let Some(sum) = self.place(row.request.end).and_then(|at| sums.get_mut(at)) {
                let weight = row.residual.weight * self.from.len() as f64 / 2.0;
                sum.log -= weight * row.residual.log;
                sum.excess_ms -= weight * row.residual.excess_ms;
            }
        }
        sums
    }

    /// Compares by how much some requests of the window are slower, or all of them, with the pieces.
    pub(super) fn compare_slowness(
        &self,
        of_window: Slowness,
        compared: &Compared<'_>,
        members: Option<&[bool]>,
    ) -> PieceComparison {
        let halves = self.slowness(compared, members);
        let by = |part: fn(&Slowness) -> f64| halves.iter().map(part).collect::<Vec<f64>>();
        let by_log = self.compare(of_window.log, &by(|half| half.log));
        let by_time = self.compare_part(of_window.excess_ms, &by(|half| half.excess_ms), AS_MUCH_MS);
        let is_in_both = |from: &&Timestamp| by_time.any_as_much.contains(from);
        let as_much = by_log.any_as_much.iter().filter(is_in_both).copied().collect::<Vec<Timestamp>>();
        PieceComparison { as_much: self.that_are_apart(&as_much), ..by_log }
    }

    /// How many requests the baseline had, by piece, and by how much their routes' usual times are more than the usual time of all.
    pub(super) fn traffic(&self, requests: &Requests) -> Traffic {
        let (mut count, mut total) = (0, 0);
        for sums in requests.sums().values() {
            count += sums.baseline.count;
            total += sums.baseline.total_ms;
        }
        let usual = total as f64 / count.max(1) as f64;
        let none = vec![0.0; self.from.len()];
        let mut traffic = Traffic { requests: none.clone(), mix: none };
        for request in requests.kept().iter().filter(|request| request.side == Side::Baseline) {
            let Some(at) = self.place(request.end) else { continue };
            let Some(own) = requests.sums().get(&request.route) else { continue };
            let weight = f64::from(requests.weight(request));
            let usual_of_route = own.baseline.total_ms as f64 / own.baseline.count.max(1) as f64;
            if let (Some(requests), Some(mix)) = (traffic.requests.get_mut(at), traffic.mix.get_mut(at)) {
                *requests += weight;
                *mix += weight * (usual_of_route - usual);
            }
        }
        traffic
    }

    /// Compares the window's number with those of the pieces.
    pub(super) fn compare(&self, of_window: f64, halves: &[f64]) -> PieceComparison {
        self.compare_part(of_window, halves, AS_MUCH)
    }

    /// The same; this part of the window's is as much.
    fn compare_part(&self, of_window: f64, halves: &[f64], part: f64) -> PieceComparison {
        let mut wholes: Vec<f64> = Vec::new();
        let mut starts: Vec<Timestamp> = Vec::new();
        for (pair, from) in halves.windows(2).zip(self.from.windows(2)) {
            if let ([one, other], [first, second]) = (pair, from)
                && second.0 - first.0 == self.half_ms
            {
                wholes.push(one + other);
                starts.push(*first);
            }
        }
        if wholes.len() < 2 * LEAST_PIECES {
            return PieceComparison::default();
        }
        let mean = wholes.iter().sum::<f64>() / wholes.len() as f64;
        let variance = wholes.iter().map(|whole| (whole - mean).powi(2)).sum::<f64>() / wholes.len() as f64;
        let mut any_as_much = Vec::new();
        for (whole, from) in wholes.iter().zip(&starts) {
            if *whole - mean >= part * (of_window - mean) {
                any_as_much.push(*from);
            }
        }
        let as_much = self.that_are_apart(&any_as_much);
        PieceComparison { deviations: Some((of_window - mean) / variance.sqrt().max(1e-9)), as_much, any_as_much }
    }

    /// Of windows that overlap or follow each other the first.
    fn that_are_apart(&self, starts: &[Timestamp]) -> Vec<Timestamp> {
        let (mut apart, mut last) = (Vec::new(), None);
        for from in starts {
            let is_apart = last.is_none_or(|last: Timestamp| from.0 - last.0 > 2 * self.half_ms);
            if is_apart {
                apart.push(*from);
            }
            last = Some(*from);
        }
        apart
    }
}

/// What was asked of the server, by piece.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Traffic {
    pub(super) requests: Vec<f64>,
    pub(super) mix: Vec<f64>,
}

impl PieceComparison {
    /// Whether the baseline had as much at least twice.
    pub(super) fn is_no_news(&self) -> bool {
        self.as_much.len() >= 2
    }

    /// Whether it is within what the pieces differ.
    pub(super) fn is_chance(&self) -> bool {
        self.deviations.is_some_and(|deviations| deviations < 3.5)
    }
}
