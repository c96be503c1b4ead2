//! Everything that is counted for one route in one interval (or over a whole report).

use super::latency::Latency;

/// The kinds of time that nginx logs and that have a histogram each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Time {
    /// `$request_time`.
    Request,
    /// `$upstream_response_time`, summed over attempts and redirects.
    UpstreamResponse,
    /// `$upstream_connect_time`, summed likewise.
    UpstreamConnect,
    /// `$upstream_header_time`, summed likewise.
    UpstreamHeader,
}

/// All kinds of time, in the order of their index.
pub const TIMES: [Time; 4] = [Time::Request, Time::UpstreamResponse, Time::UpstreamConnect, Time::UpstreamHeader];

impl Time {
    /// The name of nginx's variable, without `$`; also the name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Time::Request => "request_time",
            Time::UpstreamResponse => "upstream_response_time",
            Time::UpstreamConnect => "upstream_connect_time",
            Time::UpstreamHeader => "upstream_header_time",
        }
    }
}

/// What is counted for one route in one interval.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Requests, with or without a time.
    pub requests: u64,
    /// Requests slower than the route's threshold.
    pub slow: u64,
    /// Requests by class of status: `status[0]` is 1xx, `status[4]` 5xx.
    pub status: [u64; 5],
    /// Requests that the client gave up (499); also counted in 4xx.
    pub status_499: u64,
    /// Sum of `$bytes_sent` (or `$body_bytes_sent` where that is all there is).
    pub bytes_sent: u64,
    /// The histogram of each kind of time; empty where the format has none.
    times: [Latency; 4],
}

impl Cell {
    /// The histogram of one kind of time.
    pub fn time(&self, time: Time) -> &Latency {
        let [request, response, connect, header] = &self.times;
        match time {
            Time::Request => request,
            Time::UpstreamResponse => response,
            Time::UpstreamConnect => connect,
            Time::UpstreamHeader => header,
        }
    }

    /// The histogram of one kind of time, to record into.
    pub fn time_mut(&mut self, time: Time) -> &mut Latency {
        let [request, response, connect, header] = &mut self.times;
        match time {
            Time::Request => request,
            Time::UpstreamResponse => response,
            Time::UpstreamConnect => connect,
            Time::UpstreamHeader => header,
        }
    }

    /// Count a status.
    #[inline]
    pub fn count_status(&mut self, status: u16) {
        if let Some(class) = usize::from(status / 100).checked_sub(1).and_then(|i| self.status.get_mut(i)) {
            *class += 1;
        }
        self.status_499 += u64::from(status == 499);
    }

    /// Add another cell, without error.
    pub fn merge(&mut self, other: &Cell) {
        self.requests += other.requests;
        self.slow += other.slow;
        for (own, theirs) in self.status.iter_mut().zip(other.status) {
            *own += theirs;
        }
        self.status_499 += other.status_499;
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        for (own, theirs) in self.times.iter_mut().zip(&other.times) {
            own.merge(theirs);
        }
    }
}
