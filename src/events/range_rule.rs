//! The rule by which a route leaves its usual range, minute by minute, on its own history.
//!
//! - A minute counts if it has at least [`FEWEST`] requests: of a handful nothing is said.
//! - **Usual** are the minutes that counted in the last six hours of the route's own traffic ([`HISTORY`] of them), without those of
//!   episodes; before there are [`LEARNT`] nothing is unusual.
//! - A minute is **slow** if its p95 is over twice the median of the usual p95s, and over their third quartile by three times the
//!   distance between the quartiles, and by 100 ms at least.
//! - A minute is **failing** if at least 5 % of its requests, and five of them, are 5xx, and three times as large a part as in three
//!   of four usual minutes.
//! - An **episode** begins with the first of two minutes in a row that are one or the other, and is told of when the second is over.
//!   It ends when five minutes in a row are neither, or have too few requests; after two hours what it brought is the usual.

use std::collections::VecDeque;

use crate::histogram::{Cell, Quantile, Time};
use crate::time::Timestamp;

/// A minute of fewer requests says nothing.
const FEWEST: u64 = 20;

/// Before so many minutes that counted nothing is unusual.
const LEARNT: usize = 30;

/// So many of them are remembered.
const HISTORY: usize = 360;

/// So many minutes in a row begin an episode, ..
const TO_BEGIN: usize = 2;

/// .. so many end it, ..
const TO_END: usize = 5;

/// .. and after so many it is the usual.
const LONGEST: usize = 120;

/// A p95 must be over the usual ones by so many milliseconds.
const LEAST_MORE_MS: u64 = 100;

/// A minute in milliseconds.
const MINUTE: i64 = 60_000;

/// What is looked at of a route's minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MinuteCounts {
    /// Its requests.
    pub requests: u64,
    /// Those that ended with a 5xx.
    pub failed: u64,
    /// p95 of their `$request_time`, in milliseconds; nothing if none has a time.
    pub p95_ms: Option<u64>,
}

impl MinuteCounts {
    /// Of the cell of a minute.
    pub fn of_cell(cell: &Cell) -> MinuteCounts {
        let [.., failed] = cell.status;
        let p95_ms = cell.time(Time::Request).quantile(Quantile::per_mille(950));
        MinuteCounts { requests: cell.requests, failed, p95_ms }
    }

    /// The part of them that failed, in thousandths.
    fn failed_per_mille(self) -> u64 {
        (self.failed * 1000).checked_div(self.requests).unwrap_or_default()
    }
}

/// In which way a route left its usual range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EpisodeCause {
    /// It was slow.
    Slow,
    /// It failed.
    Failing,
}

/// One time that a route was out of its usual range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// The start of its first minute.
    pub from: Timestamp,
    /// When it was told of: the end of its second minute.
    pub told: Timestamp,
    /// The end of its last minute, as far as is known.
    pub until: Timestamp,
    /// In which way.
    pub cause: EpisodeCause,
    /// The highest p95 (or part that failed, in thousandths) of its minutes.
    pub worst: u64,
    /// The median of the usual ones.
    pub usual: u64,
}

/// The minutes of one route, in their order.
#[derive(Debug, Default)]
pub struct RangeRule {
    usual: VecDeque<MinuteCounts>,
    /// The end of the last minute that was seen.
    seen_until: Option<Timestamp>,
    /// Unusual minutes in a row that are no episode yet.
    first_unusual: Vec<(Timestamp, MinuteCounts, EpisodeCause)>,
    episode: Option<OpenEpisode>,
}

#[derive(Debug)]
struct OpenEpisode {
    episode: Episode,
    /// Its minutes that counted.
    minutes: Vec<MinuteCounts>,
    quiet: usize,
}

impl RangeRule {
    /// The next minute that had requests. Gives the episode that begins with it, or that is over, as it stands now: the former's
    /// `told` is this minute's end.
    pub fn push(&mut self, start: Timestamp, counts: MinuteCounts) -> Option<Episode> {
        let skipped = match self.seen_until {
            Some(until) => usize::try_from((start.0 - until.0).max(0) / MINUTE).unwrap_or(usize::MAX),
            None => 0,
        };
        let mut over = if skipped > 0 { self.pass_quiet(skipped) } else { None };
        let end = Timestamp(start.0 + MINUTE);
        self.seen_until = Some(end);
        let cause = if counts.requests >= FEWEST { self.judge(counts) } else { None };
        if self.episode.is_some() {
            let ended = self.go_on(end, counts, cause);
            over = over.or(ended);
            return over;
        }
        match cause {
            Some(cause) => self.first_unusual.push((start, counts, cause)),
            None => {
                self.forget_first_unusual();
                if counts.requests >= FEWEST {
                    self.learn(counts);
                }
            }
        }
        if self.first_unusual.len() < TO_BEGIN {
            return over;
        }
        let begun = self.begin(end);
        begun.or(over)
    }

    /// The episode that goes on.
    pub fn open_episode(&self) -> Option<&Episode> {
        self.episode.as_ref().map(|open| &open.episode)
    }

    /// Minutes without a request.
    fn pass_quiet(&mut self, minutes: usize) -> Option<Episode> {
        self.forget_first_unusual();
        let open = self.episode.as_mut()?;
        open.quiet += minutes.min(TO_END);
        if open.quiet < TO_END {
            return None;
        }
        self.episode.take().map(|open| open.episode)
    }

    /// A single unusual minute is part of what is usual.
    fn forget_first_unusual(&mut self) {
        for (_, counts, _) in std::mem::take(&mut self.first_unusual) {
            self.learn(counts);
        }
    }

    fn learn(&mut self, counts: MinuteCounts) {
        self.usual.push_back(counts);
        while self.usual.len() > HISTORY {
            self.usual.pop_front();
        }
    }

    fn begin(&mut self, told: Timestamp) -> Option<Episode> {
        let minutes = std::mem::take(&mut self.first_unusual);
        let &(from, _, cause) = minutes.first()?;
        let counts: Vec<MinuteCounts> = minutes.into_iter().map(|(_, counts, _)| counts).collect();
        let worst = counts.iter().map(|counts| measured(*counts, cause)).max().unwrap_or_default();
        let usual = self.quartiles(cause).map_or(0, |[_, median, _]| median);
        let episode = Episode { from, told, until: told, cause, worst, usual };
        self.episode = Some(OpenEpisode { episode: episode.clone(), minutes: counts, quiet: 0 });
        Some(episode)
    }

    /// A minute of an open episode; the episode if it is over.
    fn go_on(&mut self, end: Timestamp, counts: MinuteCounts, cause: Option<EpisodeCause>) -> Option<Episode> {
        let open = self.episode.as_mut()?;
        if counts.requests >= FEWEST {
            open.minutes.push(counts);
        }
        if cause.is_some() {
            open.quiet = 0;
            open.episode.until = end;
            open.episode.worst = open.episode.worst.max(measured(counts, open.episode.cause));
        } else {
            open.quiet += 1;
        }
        let is_usual = open.minutes.len() >= LONGEST;
        if open.quiet < TO_END && !is_usual {
            return None;
        }
        let OpenEpisode { episode, minutes, .. } = self.episode.take()?;
        let learnt = if is_usual { minutes.as_slice() } else { minutes.get(minutes.len().saturating_sub(TO_END)..)? };
        if is_usual {
            self.usual.clear();
        }
        for &counts in learnt {
            self.learn(counts);
        }
        Some(episode)
    }

    /// In which way a minute is unusual.
    fn judge(&self, counts: MinuteCounts) -> Option<EpisodeCause> {
        if self.usual.len() < LEARNT {
            return None;
        }
        let [_, _, upper_failed] = self.quartiles(EpisodeCause::Failing)?;
        let failed = counts.failed_per_mille();
        if failed >= 50 && counts.failed >= 5 && failed > 3 * upper_failed {
            return Some(EpisodeCause::Failing);
        }
        let [lower, median, upper] = self.quartiles(EpisodeCause::Slow)?;
        let limit = (2 * median).max(upper + 3 * (upper - lower)).max(upper + LEAST_MORE_MS);
        (counts.p95_ms? > limit).then_some(EpisodeCause::Slow)
    }

    /// First quartile, median and third quartile of the usual minutes.
    fn quartiles(&self, cause: EpisodeCause) -> Option<[u64; 3]> {
        let mut values: Vec<u64> = Vec::with_capacity(self.usual.len());
        for counts in &self.usual {
            match cause {
                EpisodeCause::Slow => values.extend(counts.p95_ms),
                EpisodeCause::Failing => values.push(counts.failed_per_mille()),
            }
        }
        values.sort_unstable();
        let at = |quarter: usize| values.get(values.len().saturating_sub(1) * quarter / 4).copied();
        Some([at(1)?, at(2)?, at(3)?])
    }
}

/// What an episode of this cause is measured by.
fn measured(counts: MinuteCounts, cause: EpisodeCause) -> u64 {
    match cause {
        EpisodeCause::Slow => counts.p95_ms.unwrap_or_default(),
        EpisodeCause::Failing => counts.failed_per_mille(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: MinuteCounts = MinuteCounts { requests: 100, failed: 0, p95_ms: Some(80) };
    const SLOW: MinuteCounts = MinuteCounts { requests: 100, failed: 0, p95_ms: Some(3000) };

    /// Pushes the minutes from minute 0 on; the episodes as they were told, and as they ended.
    fn told(minutes: &[MinuteCounts]) -> (Vec<Episode>, Vec<Episode>) {
        let (mut rule, mut begun, mut over) = (RangeRule::default(), Vec::new(), Vec::new());
        for (number, counts) in (0i64..).zip(minutes) {
            let start = Timestamp(number * MINUTE);
            if counts.requests == 0 {
                continue;
            }
            if let Some(episode) = rule.push(start, *counts) {
                let is_new = episode.told == Timestamp(start.0 + MINUTE);
                (if is_new { &mut begun } else { &mut over }).push(episode);
            }
        }
        (begun, over)
    }

    fn minutes(parts: &[(MinuteCounts, usize)]) -> Vec<MinuteCounts> {
        parts.iter().flat_map(|(counts, times)| std::iter::repeat_n(*counts, *times)).collect()
    }

    #[test]
    fn an_episode_is_told_of_once_from_its_first_minute_on() {
        let (begun, over) = told(&minutes(&[(CALM, 40), (SLOW, 4), (CALM, 2), (SLOW, 3), (CALM, 10)]));
        assert_eq!(begun.len(), 1, "{begun:?}");
        assert_eq!((begun[0].from.0, begun[0].told.0), (40 * MINUTE, 42 * MINUTE));
        assert_eq!((begun[0].cause, begun[0].worst, begun[0].usual), (EpisodeCause::Slow, 3000, 80));
        assert_eq!((over.len(), over[0].until.0), (1, 49 * MINUTE));
    }

    #[test]
    fn two_episodes_are_two() {
        assert_eq!(told(&minutes(&[(CALM, 40), (SLOW, 3), (CALM, 6), (SLOW, 3), (CALM, 9)])).0.len(), 2);
        let quiet = MinuteCounts::default();
        assert_eq!(told(&minutes(&[(CALM, 40), (SLOW, 3), (quiet, 30), (SLOW, 3)])).0.len(), 2);
    }

    #[test]
    fn nothing_is_said_of_a_handful_of_a_single_minute_or_before_anything_is_known() {
        let few = MinuteCounts { requests: FEWEST - 1, ..SLOW };
        for calm in [
            minutes(&[(CALM, 60), (few, 30), (CALM, 9)]),
            minutes(&[(CALM, 60), (SLOW, 1), (CALM, 9), (SLOW, 1), (CALM, 9)]),
            minutes(&[(CALM, LEARNT - 2), (SLOW, 2), (CALM, 9)]),
            minutes(&[(SLOW, 100)]),
        ] {
            assert_eq!(told(&calm).0, []);
        }
    }

    #[test]
    fn a_route_that_varies_varies_usually() {
        let mut varying = Vec::new();
        for number in 0..300u64 {
            varying.push(MinuteCounts { p95_ms: Some(100 + number * 37 % 900), ..CALM });
        }
        assert_eq!(told(&varying).0, []);
    }

    #[test]
    fn failures_are_told_of_and_a_few_are_not() {
        let failing = MinuteCounts { failed: 20, ..CALM };
        let (begun, _) = told(&minutes(&[(CALM, 40), (failing, 3)]));
        assert_eq!((begun[0].cause, begun[0].worst), (EpisodeCause::Failing, 200));
        let few = MinuteCounts { requests: 40, failed: 4, p95_ms: Some(80) };
        assert_eq!(told(&minutes(&[(CALM, 40), (few, 3)])).0, []);
        assert_eq!(told(&minutes(&[(failing, 80)])).0, []);
    }

    #[test]
    fn what_stays_is_the_usual_after_two_hours() {
        let (begun, over) = told(&minutes(&[(CALM, 40), (SLOW, 500)]));
        assert_eq!((begun.len(), over.len()), (1, 1));
    }
}
