//! Between which bounds an excess lies: requests drawn again at random (bootstrap), with dice that always fall the same.

use super::chance::Dice;
use super::tally::Compared;

/// An interval that holds the value in 19 of 20 cases.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// So often the requests are drawn again.
const DRAWS: usize = 400;

/// Of more requests the sum is normal, and its bounds come from the variance.
const MOST_DRAWN: usize = 4000;

/// The interval of the milliseconds that some requests took beyond what is usual, which is taken as known.
pub(super) fn interval_of_excess(compared: &Compared<'_>, members: &[bool]) -> Interval {
    let mut parts = Vec::new();
    for (row, _) in compared.rows().iter().zip(members).filter(|(_, is_member)| **is_member) {
        parts.push(row.residual.weight * row.residual.excess_ms);
    }
    let sum: f64 = parts.iter().sum();
    if parts.len() > MOST_DRAWN {
        let spread = 1.96 * parts.iter().map(|part| part * part).sum::<f64>().sqrt();
        return Interval { low: sum - spread, high: sum + spread };
    }
    let mut dice = Dice::new(parts.len() as u64);
    let mut sums = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        let mut drawn = 0.0;
        for _ in 0..parts.len() {
            drawn += parts.get(dice.below(parts.len())).copied().unwrap_or(0.0);
        }
        sums.push(drawn);
    }
    sums.sort_by(f64::total_cmp);
    let at = |place: usize| sums.get(place).copied().unwrap_or(sum);
    Interval { low: at(DRAWS / 40).min(sum), high: at(DRAWS - 1 - DRAWS / 40).max(sum) }
}
