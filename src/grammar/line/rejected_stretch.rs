//! When the rejected lines of a stretch of log are many: too many for torn writes and foreign lines, so that an answer without them is
//! only a part. The one rule, for files, the store, the daemon and the doctor.

use super::reject::RejectReason;

/// Fewer than this are always torn or foreign lines, unless the stretch has nothing else.
pub const FEW_REJECTS: u64 = 3;

/// So many that stand together are another format, also with requests behind them.
const MANY: u64 = 10;

/// Scattered over a stretch they are many if they are more than one line in so many.
const ONE_IN: u64 = 20;

/// What a stretch of log lacks, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectedStretch {
    /// Its lines that were read.
    pub requests: u64,
    /// Those that were not, and may have been requests ([`RejectedKinds::lacking`]).
    pub rejected: u64,
    /// How many lines there are from the first to the last of these; 0 where nobody knows.
    pub between: u64,
    /// No request stands behind the first of these.
    pub are_last: bool,
}

impl RejectedStretch {
    /// Whether they are many. If the stretch has no request, three are. If it has: if they are more than a line in 20; if ten
    /// or more stand together, with no more lines between them than they are; or three and more at its end.
    pub fn is_many(&self) -> bool {
        let stand_together = self.between > 0 && self.between <= 2 * self.rejected;
        self.rejected >= FEW_REJECTS
            && (self.requests == 0
                || self.rejected.saturating_mul(ONE_IN) > self.requests + self.rejected
                || (stand_together && (self.are_last || self.rejected >= MANY)))
    }

    /// The same of a stretch that is all that there is of a log: half of it is never few, be it one line.
    pub fn is_many_of_log(&self) -> bool {
        self.is_many() || (self.rejected > 0 && self.rejected >= self.requests)
    }
}

/// Rejected lines by what they may have been.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RejectedKinds {
    /// They may have been requests.
    pub requests: u64,
    /// They have keys, but none of a request: an application's messages mostly.
    pub keyless: u64,
    /// They never were requests: empty lines, a container's errors.
    pub never: u64,
}

impl RejectedKinds {
    /// Counts so many lines that were rejected for this reason; `None` is one that a later version knows.
    pub fn add(&mut self, reason: Option<RejectReason>, lines: u64) {
        match reason {
            Some(RejectReason::KeyMissing) => self.keyless += lines,
            Some(reason) if !reason.may_be_request() => self.never += lines,
            _ => self.requests += lines,
        }
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        self.requests + self.keyless + self.never
    }

    /// Adds those of another stretch.
    pub fn merge(&mut self, other: RejectedKinds) {
        self.requests += other.requests;
        self.keyless += other.keyless;
        self.never += other.never;
    }

    /// How many an answer lacks, of the `lines` that these are of: those without a request's keys only if they are half of it,
    /// since it is then the keys that are others.
    pub fn lacking(&self, lines: u64) -> u64 {
        let both = self.requests + self.keyless;
        if both.saturating_mul(2) >= lines { both } else { self.requests }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_lines_are_many_by_one_rule() {
        let is_many =
            |requests, rejected, between, are_last| RejectedStretch { requests, rejected, between, are_last }.is_many();
        // Torn and foreign lines.
        assert!(!is_many(5, 2, 2, true) && !is_many(100, 5, 90, false) && !is_many(1000, 9, 9, false));
        // Scattered.
        assert!(is_many(100, 6, 90, false) && is_many(8, 3, 0, false));
        // Together: in the middle, at the end, and nothing else.
        assert!(is_many(1000, 10, 20, false) && !is_many(1000, 10, 21, false));
        assert!(is_many(1000, 3, 3, true) && !is_many(1000, 3, 7, true));
        assert!(is_many(0, 3, 0, false) && !is_many(0, 2, 0, false));
        assert!(RejectedStretch { rejected: 1, ..RejectedStretch::default() }.is_many_of_log());
    }

    #[test]
    fn an_applications_messages_are_no_requests_unless_they_are_half_of_a_log() {
        let mut kinds = RejectedKinds::default();
        for (reason, lines) in [
            (Some(RejectReason::KeyMissing), 40),
            (Some(RejectReason::Torn), 2),
            (Some(RejectReason::EmptyLine), 9),
            (None, 1),
        ] {
            kinds.add(reason, lines);
        }
        assert_eq!(kinds, RejectedKinds { requests: 3, keyless: 40, never: 9 });
        assert_eq!((kinds.lacking(87), kinds.lacking(86)), (3, 43));
    }
}
