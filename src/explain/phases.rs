//! Where a request's time went: connecting, waiting for the header, the body, the client's side, attempts before the last.
//!
//! nginx logs `$upstream_*_time` by attempt, each from the attempt's own beginning: the connection is made at the connect time,
//! the header is there at the header time, all of it at the response time. What `$request_time` has beyond its attempts
//! is the client's side: reading the request, sending the response. The phases of a request sum to its time.

/// How many phases there are.
pub const PHASES: usize = 5;

/// A stretch of a request's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Connecting to the upstream of the last attempt.
    Connect,
    /// From there until its header came; until the attempt's end where none came.
    Header,
    /// From the header to the end of its response.
    Body,
    /// What no attempt took: reading the request, sending the response; all of it where no upstream was asked.
    Client,
    /// Attempts before the last, and what was asked before an internal redirect.
    Retries,
}

impl Phase {
    /// All of them, in the order of [`PhaseTimes`].
    pub const ALL: [Phase; PHASES] = [Phase::Connect, Phase::Header, Phase::Body, Phase::Client, Phase::Retries];

    /// Its name in every form.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::Header => "header",
            Phase::Body => "body",
            Phase::Client => "client",
            Phase::Retries => "retries",
        }
    }
}

/// Milliseconds by phase, in the order of [`Phase::ALL`]; they sum to the request's time.
pub type PhaseTimes = [u32; PHASES];

/// What a log says of a request's attempts, in milliseconds, one member an attempt, in order. A list that the format lacks is None.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttemptTimes {
    /// `$upstream_response_time`.
    pub response: Option<Vec<Option<u64>>>,
    /// `$upstream_connect_time`.
    pub connect: Option<Vec<Option<u64>>>,
    /// `$upstream_header_time`.
    pub header: Option<Vec<Option<u64>>>,
}

/// What a log says of one attempt, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AttemptTime {
    pub(super) response: Option<u64>,
    /// Nothing where the format does not say it; none of an attempt that was never connected.
    pub(super) connect: Option<Option<u64>>,
    pub(super) header: Option<u64>,
}

/// The phases of a request that took `took_ms`.
pub fn phase_times(took_ms: u32, attempts: &AttemptTimes) -> PhaseTimes {
    let response = attempts.response.as_deref().unwrap_or_default();
    let Some((last, before)) = response.split_last() else { return [0, 0, 0, took_ms, 0] };
    let member = |list: &Option<Vec<Option<u64>>>| {
        let list = list.as_ref()?;
        Some(list.get(before.len()).copied().flatten())
    };
    let last =
        AttemptTime { response: *last, connect: member(&attempts.connect), header: member(&attempts.header).flatten() };
    let retries = u32::try_from(before.iter().flatten().sum::<u64>()).unwrap_or(u32::MAX).min(took_ms);
    let [connect, header, body, client, _] = phases_of_one(took_ms - retries, &last);
    [connect, header, body, client, retries]
}

/// The phases of a request with one attempt.
#[inline]
pub(super) fn phases_of_one(took_ms: u32, attempt: &AttemptTime) -> PhaseTimes {
    let mut left = took_ms;
    // The parts are rounded one by one, so that they may come to a little more than the whole.
    let mut take = |wanted: u64| {
        let taken = u32::try_from(wanted).unwrap_or(u32::MAX).min(left);
        left -= taken;
        taken
    };
    let whole = attempt.response.unwrap_or(0);
    let connect = match attempt.connect {
        Some(Some(time)) => time.min(whole),
        // The format would say it: the connection never came to be.
        Some(None) if attempt.header.is_none() => whole,
        _ => 0,
    };
    let header = attempt.header.map_or(whole, |time| time.min(whole)).saturating_sub(connect);
    let connect = take(connect);
    let header_taken = take(header);
    let body = take(whole.saturating_sub(u64::from(connect) + header));
    [connect, header_taken, body, left, 0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(times: &[Option<u64>]) -> Option<Vec<Option<u64>>> {
        Some(times.to_vec())
    }

    #[test]
    fn each_stretch_of_a_request_is_a_phase() {
        let one = AttemptTimes { response: list(&[Some(90)]), connect: list(&[Some(10)]), header: list(&[Some(60)]) };
        assert_eq!(phase_times(100, &one), [10, 50, 30, 10, 0]);
        let two = AttemptTimes {
            response: list(&[Some(1000), Some(90)]),
            connect: list(&[None, Some(10)]),
            header: list(&[None, Some(60)]),
        };
        assert_eq!(phase_times(1100, &two), [10, 50, 30, 10, 1000]);
        // It was never connected; it never answered; nobody was asked; only the response time is logged.
        let refused = AttemptTimes { response: list(&[Some(40)]), connect: list(&[None]), header: list(&[None]) };
        assert_eq!(phase_times(50, &refused), [40, 0, 0, 10, 0]);
        let silent = AttemptTimes { response: list(&[Some(40)]), connect: list(&[Some(5)]), header: list(&[None]) };
        assert_eq!(phase_times(50, &silent), [5, 35, 0, 10, 0]);
        assert_eq!(phase_times(50, &AttemptTimes::default()), [0, 0, 0, 50, 0]);
        let bare = AttemptTimes { response: list(&[Some(40)]), ..AttemptTimes::default() };
        assert_eq!(phase_times(50, &bare), [0, 40, 0, 10, 0]);
    }

    fn times() -> impl Strategy<Value = Option<Vec<Option<u64>>>> {
        proptest::option::of(proptest::collection::vec(proptest::option::of(0u64..5000), 0..4))
    }

    proptest! {
        #[test]
        fn phases_sum_to_the_request(took in 0u32..9000, response in times(), connect in times(), header in times()) {
            let phases = phase_times(took, &AttemptTimes { response, connect, header });
            prop_assert_eq!(phases.iter().sum::<u32>(), took);
        }
    }
}
