//! How likely something is by chance.

/// The probability that a normal variable is at least `z` above its mean; 1/2 below 0.
pub(super) fn normal_tail(z: f64) -> f64 {
    if z <= 0.0 {
        return 0.5;
    }
    if z > 38.0 {
        return 0.0;
    }
    // Below 1 the fraction converges slowly; nothing there is worth telling apart.
    let z = z.max(0.1);
    let mut tail = z + 41.0;
    for step in (1..=40).rev() {
        tail = z + f64::from(step) / tail;
    }
    ((-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() / tail).min(0.5)
}

/// Fisher's method: the probability that `count` requests that are as others are have rarities that sum to at least `sum`. Each one's
/// is exponential then, so the sum is Erlang's.
pub(super) fn rarity_tail(sum: f64, count: f64) -> f64 {
    if count < 1.0 || sum <= 0.0 {
        return 1.0;
    }
    if count > 300.0 {
        // Wilson and Hilferty: the cube root is about normal.
        let ninth = 1.0 / (9.0 * count);
        return normal_tail(((sum / count).cbrt() - (1.0 - ninth)) / ninth.sqrt());
    }
    let (mut term, mut total) = (-sum, 0.0);
    let mut step = 0.0;
    while step < count {
        total += term.exp();
        step += 1.0;
        term += (sum / step).ln();
    }
    total.min(1.0)
}

/// Numbers that look like chance, the same each time (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `sides`.
    pub(super) fn below(&mut self, sides: usize) -> usize {
        let wide = u128::from(self.roll()) * sides as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (z, tail) in [(1.0, 0.158_655), (1.96, 0.024_998), (3.0, 0.001_349_9), (5.0, 2.866_5e-7), (8.0, 6.221e-16)]
        {
            assert!((normal_tail(z) / tail - 1.0).abs() < 1e-3, "{z}: {}", normal_tail(z));
        }
        // Chi-square with 2, 8 and 40 degrees of freedom at its upper 5 %, halved.
        for (sum, count) in [(2.995_7, 1.0), (7.753_7, 4.0), (27.879, 20.0)] {
            assert!((rarity_tail(sum, count) - 0.05).abs() < 1e-4, "{count}: {}", rarity_tail(sum, count));
        }
        assert!((rarity_tail(400.0 + 1.645 * 20.0, 400.0) - 0.05).abs() < 5e-3);
    }

    #[test]
    fn dice_are_fair_and_the_same_each_time() {
        let mut counts = [0; 6];
        let mut dice = Dice::new(7);
        for _ in 0..6000 {
            counts[dice.below(6)] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
        assert_eq!(Dice::new(7).below(1 << 30), Dice::new(7).below(1 << 30));
    }
}
