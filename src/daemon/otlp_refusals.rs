//! What a collector refuses, in part or whole: said at once, and then from time to time.

use std::time::{Duration, Instant};

use super::otlp_notice::OtlpNotice;
use crate::time::Timestamp;

/// What is said of them is said no more often.
const SAID_EVERY: Duration = Duration::from_secs(3600);

/// Those of one collector that were not said yet.
#[derive(Debug, Default)]
pub(super) struct OtlpRefusals {
    /// Where the first of the refused slots begins, and where the last ends.
    slots: Option<(Timestamp, Timestamp)>,
    /// What was said to the last of them.
    slot_words: String,
    slots_said_at: Option<Instant>,
    /// Points that were not taken of requests that were; 0 where something was only said.
    points: Option<u64>,
    point_words: String,
    points_said_at: Option<Instant>,
}

impl OtlpRefusals {
    /// A slot is refused.
    pub(super) fn add_slot(&mut self, from: Timestamp, until: Timestamp, words: &str) {
        let (first, last) = self.slots.unwrap_or((from, until));
        self.slots = Some((first.min(from), last.max(until)));
        words.clone_into(&mut self.slot_words);
    }

    /// A request was taken but for so many points.
    pub(super) fn add_points(&mut self, points: u64, words: &str) {
        self.points = Some(self.points.unwrap_or_default() + points);
        words.clone_into(&mut self.point_words);
    }

    /// What is to be said of them, if it is time or `is_last`.
    pub(super) fn take_notices(&mut self, endpoint: &str, now: Instant, is_last: bool) -> Vec<OtlpNotice> {
        let is_due = |at: Option<Instant>| at.is_none_or(|at| now.saturating_duration_since(at) >= SAID_EVERY);
        let mut notices = Vec::new();
        let (slots_due, points_due) = (is_due(self.slots_said_at), is_due(self.points_said_at));
        if let Some((from, until)) = self.slots.take_if(|_| slots_due || is_last) {
            self.slots_said_at = Some(now);
            let (endpoint, words) = (endpoint.to_owned(), std::mem::take(&mut self.slot_words));
            notices.push(OtlpNotice::Refused { endpoint, from, until, words });
        }
        if let Some(points) = self.points.take_if(|_| points_due || is_last) {
            self.points_said_at = Some(now);
            let (endpoint, words) = (endpoint.to_owned(), std::mem::take(&mut self.point_words));
            notices.push(OtlpNotice::PartlyTaken { endpoint, points, words });
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_said_at_once_and_then_once_an_hour_and_at_the_end() {
        let (start, mut refusals) = (Instant::now(), OtlpRefusals::default());
        let said = |refusals: &mut OtlpRefusals, seconds, is_last| -> Vec<String> {
            let notices = refusals.take_notices("c", start + Duration::from_secs(seconds), is_last);
            notices.iter().map(ToString::to_string).collect()
        };
        let at = Timestamp::from_secs;
        assert!(said(&mut refusals, 0, true).is_empty());
        refusals.add_slot(at(100), at(110), "400 (a)");
        refusals.add_slot(at(90), at(100), "400 (b)");
        refusals.add_points(2, "too old");
        let first = said(&mut refusals, 0, false);
        assert!(
            first[0].contains("00:01:30.000Z to 1970-01-01T00:01:50.000Z") && first[0].contains("400 (b)"),
            "{first:?}"
        );
        assert!(
            first[1].ends_with("did not take 2 of the points that it was sent, which are not sent again: too old"),
            "{first:?}"
        );
        refusals.add_points(3, "");
        assert!(said(&mut refusals, 3599, false).is_empty());
        refusals.add_points(4, "");
        let later = said(&mut refusals, 3600, false);
        assert!(later.len() == 1 && later[0].contains("did not take 7 of"), "{later:?}");
        refusals.add_slot(at(200), at(210), "413");
        assert_eq!((said(&mut refusals, 3599, false).len(), said(&mut refusals, 3599, true).len()), (0, 1));
    }
}
