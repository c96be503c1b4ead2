//! Which fields of a record a caller wants; what is not needed is not read.

/// The fields wanted. The end of the request and its status are always read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// `$request_time` and the `$upstream_*_time`s: all of them, so that every reader rejects the same lines.
    pub times: bool,
    /// Method, target and protocol.
    pub target: bool,
    /// Bytes sent.
    pub bytes: bool,
    /// The host.
    pub host: bool,
    /// Further variables wanted raw, by index.
    pub variables: Vec<usize>,
    /// Everything.
    pub all: bool,
    /// Where the format has no `$request_time`, take `$upstream_response_time` for it: whoever asks so has to say it.
    pub by_upstream: bool,
}

impl Needs {
    /// Every field.
    pub fn all() -> Needs {
        Needs {
            times: true,
            target: true,
            bytes: true,
            host: true,
            variables: Vec::new(),
            all: true,
            by_upstream: false,
        }
    }

    /// What latency histograms by route are made of: times, target, bytes. Of a log that only has the upstream's time, that one
    /// says how long a request took.
    pub fn latency() -> Needs {
        Needs { times: true, target: true, bytes: true, by_upstream: true, ..Needs::default() }
    }
}
