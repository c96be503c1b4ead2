//! What an explanation says, and of which spans of time.

use serde::Serialize;

use super::change::Change;
use super::feature::FeatureId;
use super::first::FirstComer;
use super::phases::Phase;
use super::requests::KeptRequest;
use crate::time::{Timestamp, Window};

/// What is the matter with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The same requests take longer.
    Slower,
    /// Other requests than before, of routes that take longer.
    Mix,
    /// More requests of the same kinds.
    More,
    /// It is like the others.
    Nothing,
}

impl Verdict {
    /// Its name in every form.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Slower => "slower",
            Verdict::Mix => "mix",
            Verdict::More => "more",
            Verdict::Nothing => "nothing",
        }
    }
}

/// How many requests of one side, and how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideTimes {
    /// How many; of the baseline all of it.
    pub count: u64,
    /// The median; nothing of none.
    pub p50_ms: Option<u64>,
    /// 99 of 100 took no longer.
    pub p99_ms: Option<u64>,
}

/// A value that lives in a cause's requests.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// The value.
    pub feature: FeatureId,
    /// Which part of the cause's excess its requests have.
    pub share: f64,
}

/// What explains that requests are slower.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause<'r> {
    /// One value, or two that requests have together.
    pub whose: Vec<FeatureId>,
    /// What they took in the window beyond what as many requests of their routes took in the baseline.
    pub excess_ms: i64,
    /// Its part of the excess of all.
    pub share: f64,
    /// Between these the excess lies in 19 of 20 cases.
    pub low_ms: i64,
    /// See `low_ms`.
    pub high_ms: i64,
    /// How likely it is by chance, all that was tried considered.
    pub p: f64,
    /// The phase of most of the excess.
    pub phase: Option<Phase>,
    /// All its requests in the window.
    pub window: SideTimes,
    /// Those of them that another cause has not, if that one was found before it.
    pub besides: Option<SideTimes>,
    /// Its requests in the baseline.
    pub baseline: SideTimes,
    /// Values that live in its requests.
    pub folded: Vec<Folded>,
    /// When the baseline had as much.
    pub as_much: Vec<Timestamp>,
    /// Requests typical of it, the most typical first.
    pub typical: Vec<&'r KeptRequest>,
}

/// A value with more requests than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrownValue {
    /// The value.
    pub feature: FeatureId,
    /// What its requests took more.
    pub change_ms: i64,
    /// In the window.
    pub count: u64,
    /// In the baseline, scaled to the window.
    pub usual_count: u64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'r> {
    /// What is the matter.
    pub verdict: Verdict,
    /// What changed.
    pub change: Change,
    /// What grew most; nothing where the log does not tell phases, or none grew.
    pub phase: Option<Phase>,
    /// What sets the slow requests apart, by excess; empty where nothing does or the verdict is another.
    pub causes: Vec<Cause<'r>>,
    /// What would be causes, had the baseline not had as much.
    pub no_news: Vec<Cause<'r>>,
    /// Clients with more requests, where the verdict is mix or more.
    pub grown: Vec<GrownValue>,
    /// Who came first.
    pub first: Vec<FirstComer<'r>>,
    /// Requests typical of the answer.
    pub samples: Vec<&'r KeptRequest>,
    /// How many values and pairs were tried.
    pub tried: u64,
    /// The baseline had as much at these times, where that is why there is no verdict.
    pub as_much: Vec<Timestamp>,
}

/// The spans of time of both sides: how long they are and, cut into pieces, how much one part of the baseline is like the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedSpans {
    /// The window.
    pub window: Window,
    /// What it is compared with.
    pub baseline: Vec<Window>,
    /// How much of the baseline was taken in.
    pub part: BaselinePart,
    /// What was counted of the baseline is of all of it ([`Requests::set_baseline`](super::Requests::set_baseline)), not of that part.
    pub is_counted_whole: bool,
}

impl ExplainedSpans {
    /// How long what was counted of the baseline was, for the baseline's own length.
    pub fn counted_length(&self, length_ms: u64) -> u64 {
        if self.is_counted_whole { length_ms } else { self.part.of_length(length_ms) }
    }
}

/// How many of the baseline's requests were taken in, of how many: a part of a long one tells as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BaselinePart {
    /// Of these ..
    pub read: u64,
    /// .. of so many.
    pub all: u64,
}

impl BaselinePart {
    /// All of it.
    pub const WHOLE: BaselinePart = BaselinePart { read: 1, all: 1 };

    /// How many there are, if the part has so many.
    pub fn whole_of(self, count: u64) -> u64 {
        let whole = u128::from(count) * u128::from(self.all) / u128::from(self.read.max(1));
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    /// The length that the part stands for.
    pub fn of_length(self, length_ms: u64) -> u64 {
        let part = u128::from(length_ms) * u128::from(self.read) / u128::from(self.all.max(1));
        u64::try_from(part).unwrap_or(u64::MAX).max(1)
    }
}
