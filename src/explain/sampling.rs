//! Which of very many requests are kept: chosen by where their lines stand, so that the same log always gives the same ones.

/// Where a request's line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineOrigin {
    /// The number of its log.
    pub log: u32,
    /// Its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u32,
}

/// So many times the requests of a kind can be halved.
const LEVELS: usize = 40;

/// Which part of the requests of a kind is kept: those whose hash ends in at least `level` zeros. The level is the lowest at which there
/// is room, which does not depend on the order in which the requests came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampling {
    level: usize,
    /// How many came, by the number of zeros.
    came: [u64; LEVELS],
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { level: 0, came: [0; LEVELS] }
    }
}

impl Sampling {
    pub(super) fn keeps(&self, origin: &LineOrigin) -> bool {
        zeros(origin) >= self.level
    }

    /// Notes one that came. Whether it is kept.
    pub(super) fn note(&mut self, origin: &LineOrigin) -> bool {
        let zeros = zeros(origin);
        if let Some(came) = self.came.get_mut(zeros) {
            *came += 1;
        }
        zeros >= self.level
    }

    fn kept(&self) -> u64 {
        self.came.iter().skip(self.level).sum()
    }

    /// Whether there was too little room, so that fewer are kept from now on.
    pub(super) fn make_room(&mut self, most: usize) -> bool {
        let before = self.level;
        while self.kept() > most as u64 && self.level + 1 < LEVELS {
            self.level += 1;
        }
        self.level > before
    }

    /// Takes in what another of them noted, of other requests.
    pub(super) fn add(&mut self, other: &Sampling) {
        self.level = self.level.max(other.level);
        for (came, more) in self.came.iter_mut().zip(other.came) {
            *came += more;
        }
    }

    /// For how many requests one that is kept stands.
    pub(super) fn weight(&self) -> u32 {
        1 << self.level.min(31)
    }
}

/// How many zeros its hash ends in.
fn zeros(origin: &LineOrigin) -> usize {
    (mix(origin).trailing_zeros() as usize).min(LEVELS - 1)
}

/// A number that looks like chance (splitmix64), the same for the same line.
fn mix(origin: &LineOrigin) -> u64 {
    let mut bits = origin.offset ^ (u64::from(origin.log) << 48);
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
