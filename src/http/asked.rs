//! What was asked, apart from how it came.

use std::time::Instant;

use crate::time::{Clock, SystemClock, Timestamp};

/// One request: its path, its parameters, and until when it must be answered.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The path, as sent.
    pub path: String,
    /// What stands for the `{..}` of the endpoint's path, decoded.
    pub path_value: String,
    /// The parameters in their order, decoded: of the query, then of the form. Names may repeat.
    pub parameters: Vec<(String, String)>,
    /// The `Host` it was sent to, for links.
    pub host: String,
    /// The forms of answers that were asked for, as `Accept` has them.
    pub accept: String,
    /// Now, once for the whole answer.
    pub now: Timestamp,
    /// By then there must be an answer, if a partial one.
    pub deadline: Instant,
}

impl Asked {
    /// For `path` with these parameters, as of now.
    pub(super) fn new(path: &str, deadline: Instant) -> Asked {
        let (path_value, parameters) = (String::new(), Vec::new());
        let (host, accept) = (String::new(), String::new());
        Asked { path: path.to_owned(), path_value, parameters, host, accept, now: SystemClock.now(), deadline }
    }

    /// Adds the parameters of a query or form, `a=b&c=d`.
    pub(super) fn add_form(&mut self, form: &[u8]) {
        for (name, value) in form_urlencoded::parse(form) {
            self.parameters.push((name.into_owned(), value.into_owned()));
        }
    }

    /// The first value of a parameter, if that is not empty.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut held = self.parameters.iter().filter(|(held, value)| held == name && !value.is_empty());
        held.next().map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parameters.iter().filter(move |(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// Whether the time is up.
    pub fn is_late(&self) -> bool {
        Instant::now() >= self.deadline
    }
}
