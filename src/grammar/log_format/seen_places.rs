//! Which cuts of a line were tried, a bit for each step and place of it.

/// From which steps and places the rest of the line was tried.
pub(super) struct SeenPlaces {
    bits: Vec<u64>,
    places: usize,
}

impl SeenPlaces {
    pub(super) fn new(steps: usize, places: usize) -> SeenPlaces {
        SeenPlaces { bits: vec![0; (steps * places).div_ceil(64)], places }
    }

    /// Whether the place was not seen before; now it is.
    pub(super) fn is_new(&mut self, step: usize, at: usize) -> bool {
        let number = step * self.places + at;
        let Some(word) = self.bits.get_mut(number / 64) else { return false };
        let bit = 1 << (number % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}
