//! The conditions of `--fail-if`: `p99>+20%`, `all:5xx>1%`, `webapp.*:p95>500ms`.
//!
//! ```text
//! [SCOPE:]METRIC(>|<)[+|-]NUMBER[%|UNIT]
//! ```
//!
//! With a sign the number is a change: `+20%` of what it was, `+100ms` on it. Without one it is what the side after is held against;
//! of `4xx` and `5xx` in per cent of the requests. A scope is `all`, for all rows together, or a pattern of row names; without one
//! every row is looked at, and all together.

use std::fmt;

use crate::cli::config::whole_millis;
use crate::error::{Error, Result};
use crate::report::ComparedSide;
use crate::route::{keeps_name, readable_name};
use crate::time::parse_duration;

/// What is held against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Count,
    Rate,
    Sum,
    Mean,
    P50,
    P75,
    P90,
    P95,
    P99,
    P999,
    Max,
    Status4xx,
    Status5xx,
}

const METRICS: [(&str, Metric); 14] = [
    ("count", Metric::Count),
    ("rate", Metric::Rate),
    ("sum", Metric::Sum),
    ("mean", Metric::Mean),
    ("p50", Metric::P50),
    ("p75", Metric::P75),
    ("p90", Metric::P90),
    ("p95", Metric::P95),
    ("p99", Metric::P99),
    ("p99.9", Metric::P999),
    ("p999", Metric::P999),
    ("max", Metric::Max),
    ("4xx", Metric::Status4xx),
    ("5xx", Metric::Status5xx),
];

/// The limit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    /// A change in per cent of what it was.
    ChangeShare(f64),
    /// A change, in milliseconds or requests.
    Change(f64),
    /// A share of the requests, in per cent.
    Share(f64),
    /// What it is, in milliseconds or requests.
    Value(f64),
}

/// Which rows are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    Every,
    All,
    Rows(String),
}

/// A condition under which `diff` fails.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FailCondition {
    text: String,
    scope: Scope,
    metric: Metric,
    /// Fails above the limit, else below it.
    above: bool,
    limit: Limit,
}

impl fmt::Display for FailCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FailCondition {
    /// Read one as typed.
    pub(super) fn parse(text: &str) -> Result<FailCondition> {
        let wrong = |what: &str| {
            Error::usage(format!("--fail-if `{text}`: {what}"))
                .remedy("write METRIC>LIMIT, such as p99>+20%, all:5xx>1%, webapp.*:p95>500ms or count<-50%")
        };
        // A row may be called by any text; a limit has no such sign.
        let at = text.rfind(['>', '<']).ok_or_else(|| wrong("there is neither > nor <"))?;
        let (left, right) = text.split_at(at);
        let above = right.starts_with('>');
        let right = right.get(1..).unwrap_or_default().trim();
        if right.starts_with('=') {
            return Err(wrong("a limit is held by what equals it: write > or <"));
        }
        let (scope, name) = match left.rsplit_once(':') {
            None => (Scope::Every, left.trim()),
            Some((rows, _)) if rows.trim().is_empty() => return Err(wrong("before the colon no row is named")),
            Some(("all", name)) => (Scope::All, name.trim()),
            Some((rows, name)) => (Scope::Rows(rows.trim().to_owned()), name.trim()),
        };
        let metric = METRICS.iter().find(|(known, _)| *known == name).map(|(_, metric)| *metric);
        let names: Vec<&str> = METRICS.iter().map(|(name, _)| *name).collect();
        let metric = metric.ok_or_else(|| wrong(&format!("`{name}` is none of {}", names.join(", "))))?;
        let limit = read_limit(right, metric).map_err(|what| wrong(&what))?;
        Ok(FailCondition { text: text.to_owned(), scope, metric, above, limit })
    }

    /// Whether the rows together are looked at.
    pub(super) fn is_of_all(&self) -> bool {
        matches!(self.scope, Scope::Every | Scope::All)
    }

    /// Whether a row of that name is looked at.
    pub(super) fn is_of_row(&self, name: &str) -> bool {
        match &self.scope {
            Scope::Every => true,
            Scope::All => false,
            Scope::Rows(pattern) => keeps_name(std::slice::from_ref(pattern), &[name, &*readable_name(name)]),
        }
    }

    /// Whether it is about certain rows.
    pub(super) fn names_rows(&self) -> bool {
        matches!(self.scope, Scope::Rows(_))
    }

    /// Whether it can be said of a row at all: what it is about is known, or there is nothing on that side.
    pub(super) fn is_known(&self, before: &ComparedSide, after: &ComparedSide) -> bool {
        let is_known = |side: &ComparedSide| side.count == 0 || self.metric.value(side).is_some();
        is_known(after) && (!self.is_of_change() || is_known(before))
    }

    /// Whether it is about what changed.
    pub(super) fn is_of_change(&self) -> bool {
        matches!(self.limit, Limit::Change(_) | Limit::ChangeShare(_))
    }

    /// Whether sides that are not as long have other values of what changed, with as many requests a second.
    pub(super) fn grows_with_length(&self) -> bool {
        let is_sum = matches!(self.metric, Metric::Count | Metric::Sum);
        self.is_of_change() && (is_sum || self.metric.is_of_statuses() && matches!(self.limit, Limit::Change(_)))
    }

    /// Whether a row breaks it; what is not known breaks nothing, and what is new has no change.
    pub(super) fn is_broken(&self, before: &ComparedSide, after: &ComparedSide) -> bool {
        let Some(now) = self.metric.value(after) else { return false };
        let then = self.metric.value(before).filter(|_| before.count > 0);
        let limit = match (self.limit, then) {
            (Limit::Value(limit), _) => limit,
            (Limit::Share(share), _) => {
                #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
                let requests = after.count as f64;
                requests * share / 100.0
            }
            (_, None) => return false,
            (Limit::Change(change), Some(then)) => then + change,
            (Limit::ChangeShare(share), Some(then)) => {
                let then = if self.metric.is_of_statuses() { then * ratio(after.count, before.count) } else { then };
                then * (1.0 + share / 100.0)
            }
        };
        // 100 and 15 per cent are 114.99999999999999 in floating point.
        let beyond = if self.above { now - limit } else { limit - now };
        beyond > limit.abs().max(1.0) * 1e-9
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn ratio(number: u64, of: u64) -> f64 {
    number as f64 / of.max(1) as f64
}

impl Metric {
    fn is_of_statuses(self) -> bool {
        matches!(self, Metric::Status4xx | Metric::Status5xx)
    }

    fn is_time(self) -> bool {
        !matches!(self, Metric::Count | Metric::Rate) && !self.is_of_statuses()
    }

    /// In milliseconds or requests.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds and counts are far below 2^53")]
    fn value(self, side: &ComparedSide) -> Option<f64> {
        let time = match self {
            Metric::Count => return Some(side.count as f64),
            Metric::Rate => return side.per_second,
            Metric::Status4xx => return Some(side.status_4xx as f64),
            Metric::Status5xx => return Some(side.status_5xx as f64),
            Metric::Mean => return Some(side.sum_ms? as f64 / side.timed.max(1) as f64),
            Metric::Sum if side.count == 0 => Some(0),
            Metric::Sum => side.sum_ms,
            Metric::P50 => side.p50_ms,
            Metric::P75 => side.p75_ms,
            Metric::P90 => side.p90_ms,
            Metric::P95 => side.p95_ms,
            Metric::P99 => side.p99_ms,
            Metric::P999 => side.p999_ms,
            Metric::Max => side.max_ms,
        };
        time.map(|millis| millis as f64)
    }
}

/// What stands behind `>` or `<`.
fn read_limit(text: &str, metric: Metric) -> std::result::Result<Limit, String> {
    let is_change = text.starts_with(['+', '-']);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let number = text.strip_prefix(['+', '-']).unwrap_or(text).trim();
    if let Some(share) = number.strip_suffix('%') {
        let share = read_number(share)?;
        return match is_change {
            true => Ok(Limit::ChangeShare(sign * share)),
            false if metric.is_of_statuses() => Ok(Limit::Share(share)),
            false => Err("per cent of what it was needs a sign: +20% or -20%".to_owned()),
        };
    }
    let value = if metric.is_time() {
        let duration = parse_duration(number).map_err(|error| format!("`{number}`: {error}"))?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds are far below 2^53")]
        let millis = whole_millis(duration) as f64;
        millis
    } else {
        read_number(number)?
    };
    Ok(if is_change { Limit::Change(sign * value) } else { Limit::Value(value) })
}

fn read_number(text: &str) -> std::result::Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
        _ => Err(format!("`{text}` is no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(count: u64, p99: u64, status_5xx: u64) -> ComparedSide {
        ComparedSide { count, p99_ms: Some(p99), status_5xx, per_second: Some(2.0), ..ComparedSide::default() }
    }

    #[track_caller]
    fn broken(condition: &str, before: (u64, u64, u64), after: (u64, u64, u64)) -> bool {
        let of = |(count, p99, errors)| side(count, p99, errors);
        FailCondition::parse(condition).unwrap().is_broken(&of(before), &of(after))
    }

    #[test]
    fn changes_are_held_against_what_was() {
        assert!(broken("p99>+20%", (100, 100, 0), (100, 121, 0)));
        assert!(!broken("p99>+20%", (100, 100, 0), (100, 120, 0)));
        assert!(broken("p99>+100ms", (100, 100, 0), (100, 201, 0)));
        assert!(broken("p99<-20%", (100, 100, 0), (100, 79, 0)));
        assert!(broken("count<-50%", (100, 1, 0), (49, 1, 0)));
        assert!(!broken("p99>+20%", (0, 0, 0), (100, 999, 0)), "new");
        // As many of twice as many are half the share.
        assert!(!broken("5xx>+20%", (100, 1, 5), (200, 1, 10)));
        assert!(broken("5xx>+20%", (100, 1, 5), (100, 1, 7)));
        assert!(broken("5xx>+20%", (100, 1, 0), (100, 1, 1)));
    }

    #[test]
    fn limits_are_held_against_what_is() {
        assert!(broken("p99>500ms", (0, 0, 0), (1, 501, 0)));
        assert!(!broken("p99>0.5s", (0, 0, 0), (1, 500, 0)));
        assert!(broken("5xx>1%", (100, 1, 50), (100, 1, 2)));
        assert!(!broken("5xx>2%", (100, 1, 50), (100, 1, 2)));
        assert!(broken("5xx>0", (0, 0, 0), (100, 1, 1)));
        assert!(broken("rate<10", (1, 1, 1), (1, 1, 1)));
        // What equals the limit breaks it in neither direction.
        for share in 1..100 {
            let of = (100, 100 + share, 0);
            assert!(!broken(&format!("p99>+{share}%"), (100, 100, 0), of), "{share}");
            assert!(!broken(&format!("p99<+{share}%"), (100, 100, 0), of), "{share}");
            assert!(broken(&format!("p99>+{share}%"), (100, 100, 0), (100, 101 + share, 0)), "{share}");
        }
        // What is gone has no requests and took no time.
        assert!(broken("sum<1s", (9, 9, 0), (0, 0, 0)) && broken("count<1", (9, 9, 0), (0, 0, 0)));
    }

    #[test]
    fn scopes_say_which_rows() {
        let of = |text: &str| FailCondition::parse(text).unwrap();
        assert!(of("p99>+1%").is_of_row("a") && of("p99>+1%").is_of_all());
        assert!(!of("all:p99>+1%").is_of_row("a") && of("all:p99>+1%").is_of_all());
        assert!(of("web.*:p99>+1%").is_of_row("web.a") && !of("web.*:p99>+1%").is_of_row("api"));
        assert!(!of("web.*:p99>+1%").is_of_all());
        assert!(of("users.{id}:p99>+1%").is_of_row("users.__id"), "as people read it");
        assert!(of("10.0.0.1:80:p99>+1%").is_of_row("10.0.0.1:80"));
        assert!(of("a>b:p99>+1%").is_of_row("a>b"));
    }

    #[test]
    fn what_is_no_condition_is_said() {
        for (text, what) in [
            ("p99", "neither > nor <"),
            ("p98>+20%", "`p98` is none of count"),
            ("p99>20%", "needs a sign"),
            ("p99>20", "expected a unit"),
            ("count>x", "no number"),
            ("5xx>+x%", "no number"),
            ("5xx>+-1%", "no number"),
            ("count>nan", "no number"),
            ("count>", "no number"),
            ("p99>>20ms", "`p99>` is none of"),
            ("p99>=+20%", "write > or <"),
            (":p99>+20%", "no row is named"),
            (">+20%", "`` is none of"),
        ] {
            let error = FailCondition::parse(text).unwrap_err().to_string();
            assert!(error.contains(what), "{text}: {error}");
        }
    }
}
