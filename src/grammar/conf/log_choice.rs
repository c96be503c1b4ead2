//! Contexts: which logs the same requests are written to, and which of those to follow so that each request counts once.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use super::access_log::LogTarget;
use super::error::ConfPlace;
use crate::grammar::{Format, TimeNotation};

/// One `access_log` of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogWriting {
    /// The log: an index into [`NginxConf::logs`](super::NginxConf::logs).
    pub log: usize,
    /// Its `if=` here, as written.
    pub condition: Option<String>,
}

/// A block with `access_log`s of its own. Every request that ends in it, or in a block that inherits them, is written to
/// all of them, but for their conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogContext {
    /// What block it is, as in "requests of ..".
    pub level: String,
    /// Where it stands.
    pub place: ConfPlace,
    /// Its logs, in their order.
    pub writings: Vec<LogWriting>,
}

impl LogContext {
    /// Those of `followed` that have the requests of one of this context's writings, and their times if that one has them.
    fn covering_logs<'a>(
        &'a self,
        writing: &'a LogWriting,
        followed: &'a BTreeSet<usize>,
        says: &'a [Option<LogDetail>],
    ) -> impl Iterator<Item = usize> + 'a {
        let times = says_of(says, writing.log).told_times();
        let all = |other: &&LogWriting| other.condition.is_none() || other.condition == writing.condition;
        let others = self.writings.iter().filter(all).map(|other| other.log);
        others.filter(move |log| {
            *log != writing.log && followed.contains(log) && says_of(says, *log).told_times() >= times
        })
    }
}

/// How much the lines of a log say about a request: what says more is greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogDetail {
    /// Somebody decided that this log is followed.
    decided: bool,
    request_time: bool,
    /// How many of the upstream's times.
    upstream_times: usize,
    msec: bool,
    /// How many of status and request.
    request: usize,
    /// It is one file; that of a path with variables is found by a pattern, which may mean others, too.
    file: bool,
}

impl LogDetail {
    /// What the lines of a log in `format` say.
    pub fn of(format: &Format, target: &LogTarget) -> LogDetail {
        let roles = format.roles();
        let path = roles.request.is_some() || roles.target.is_some();
        LogDetail {
            decided: false,
            request_time: roles.request_time.is_some(),
            upstream_times: roles.upstream.iter().flatten().count(),
            msec: matches!(roles.end, Some((_, TimeNotation::Msec))),
            request: usize::from(path) + usize::from(roles.status.is_some()),
            file: matches!(target, LogTarget::File(_)),
        }
    }

    /// Of a log that is followed whatever it says.
    pub fn decided() -> LogDetail {
        LogDetail { decided: true, ..LogDetail::default() }
    }

    /// Whether it is followed whatever it says.
    pub fn is_decided(self) -> bool {
        self.decided
    }

    /// Compares the lines alone.
    pub fn compare_lines(self, other: LogDetail) -> Ordering {
        LogDetail { file: false, ..self }.cmp(&LogDetail { file: false, ..other })
    }

    /// What must not be lost for requests to be counted once: how long they took.
    fn told_times(self) -> (bool, bool, bool) {
        (self.decided, self.request_time, self.upstream_times > 0)
    }
}

/// Which logs are followed, of those that can be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogChoice {
    /// The logs that are left out, each with the followed ones that have its requests.
    pub left_out: BTreeMap<usize, BTreeSet<usize>>,
    /// The contexts, by index, of which several logs are followed although that counts requests more than once; with
    /// those logs.
    pub several: Vec<(usize, Vec<usize>)>,
}

impl LogChoice {
    /// Chooses among the logs that `says` has something for: first one that says least is left out if, wherever it is
    /// written, another has the same requests and at least as much about their times; then the next. So the one that
    /// says most stays, or, of equals, the first; and one that is somewhere alone always does.
    pub fn of(contexts: &[LogContext], says: &[Option<LogDetail>]) -> LogChoice {
        let mut written: BTreeMap<usize, Vec<(&LogContext, &LogWriting, usize)>> = BTreeMap::new();
        for context in contexts {
            for (at, writing) in context.writings.iter().enumerate() {
                if says.get(writing.log).is_some_and(Option::is_some) {
                    written.entry(writing.log).or_default().push((context, writing, at));
                }
            }
        }
        let mut followed: BTreeSet<usize> = written.keys().copied().collect();
        let mut order: Vec<_> = written.iter().filter(|(log, _)| !says_of(says, **log).decided).collect();
        order.sort_by_key(|(log, written)| {
            let last = written.iter().map(|(.., at)| *at).max();
            (says_of(says, **log), Reverse(last), Reverse(**log))
        });
        for (log, written) in &order {
            let covered = |(context, writing, _): &(&LogContext, &LogWriting, usize)| {
                context.covering_logs(writing, &followed, says).next().is_some()
            };
            if written.iter().all(covered) {
                followed.remove(log);
            }
        }
        let left_out = order.iter().filter(|(log, _)| !followed.contains(log)).map(|(log, written)| {
            let covering =
                written.iter().flat_map(|(context, writing, _)| context.covering_logs(writing, &followed, says));
            (**log, covering.collect())
        });
        LogChoice { left_out: left_out.collect(), several: contexts_with_several(contexts, &followed, says) }
    }
}

/// The contexts of which several logs are followed; not those where somebody decided so.
fn contexts_with_several(
    contexts: &[LogContext],
    followed: &BTreeSet<usize>,
    says: &[Option<LogDetail>],
) -> Vec<(usize, Vec<usize>)> {
    let of = |context: &LogContext| {
        let logs = context.writings.iter().map(|writing| writing.log).filter(|log| followed.contains(log));
        logs.collect::<BTreeSet<usize>>().into_iter().collect::<Vec<usize>>()
    };
    let all = contexts.iter().map(of).enumerate();
    all.filter(|(_, logs)| logs.len() > 1 && !logs.iter().all(|log| says_of(says, *log).decided)).collect()
}

fn says_of(says: &[Option<LogDetail>], log: usize) -> LogDetail {
    says.get(log).copied().flatten().unwrap_or_default()
}
