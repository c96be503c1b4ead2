//! Whether what the window shows is news: the baseline cut into windows of the same length.
//!
//! Traffic comes in bursts, and a job makes every fifth minute slow. What was as much in two other windows of the baseline, apart from
//! each other, is no news; and what is not clearly more than the baseline's windows differ among each other is chance.

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
}

/// So many windows of the baseline are needed to say how much they differ.
const LEAST_PIECES: usize = 4;

/// This part of what the window has is as much.
const AS_MUCH: f64 = 0.5;

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

    /// The logarithms beyond what is usual of the baseline's requests, by piece. A request of the baseline weighs as much as there are of its
    /// route in the window; scaled so that a piece weighs half a window.
    pub(super) fn slowness(&self, compared: &Compared<'_>, members: Option<&[bool]>) -> Vec<f64> {
        let mut sums = vec![0.0; self.from.len()];
        for (at, row) in compared.rows().iter().enumerate() {
            if row.request.side != Side::Baseline || members.is_some_and(|of| !of.get(at).copied().unwrap_or(false)) {
                continue;
            }
            if let Some(sum) = self.place(row.request.end).and_then(|at| sums.get_mut(at)) {
                *sum -= row.residual.weight * row.residual.log * self.from.len() as f64 / 2.0;
            }
        }
        sums
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
        let (mut as_much, mut last) = (Vec::new(), None);
        for (whole, from) in wholes.iter().zip(&starts) {
            if *whole - mean < AS_MUCH * (of_window - mean) {
                continue;
            }
            let is_apart = last.is_none_or(|last: Timestamp| from.0 - last.0 > 2 * self.half_ms);
            if is_apart {
                as_much.push(*from);
            }
            last = Some(*from);
        }
        PieceComparison { deviations: Some((of_window - mean) / variance.sqrt().max(1e-9)), as_much }
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
