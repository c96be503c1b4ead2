//! LogQL, as much of it as is answered: text to [`LogqlQuery`], by nom. No I/O.
//!
//! A function a noun of the grammar; what Loki knows and is not answered here is refused by its name, with its place, since a query
//! that is half understood is answered wrongly. `lexis` has the words, `selector` and `stages` the log query, `metric` what counts it.

mod ast;
mod lexis;
mod metric;
mod selector;
mod stages;

pub(super) use ast::{
    Aggregation, ComparedValue, FieldComparison, FieldFilter, LabelMatcher, LogSelection, LogqlQuery, MatchOperator,
    MetricFunction, MetricQuery, QueryStage, Reduction,
};

use lexis::{Fault, blank};

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogqlError {
    /// What, and where it stands: as Loki says it.
    pub(super) message: String,
}

impl LogqlError {
    /// At the byte `at` of `text`.
    fn at(text: &str, at: usize, what: &str) -> LogqlError {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        LogqlError { message: format!("parse error at line {line}, col {column}: {what}") }
    }
}

/// Parse a query.
///
/// # Errors
/// It is not LogQL, or LogQL that is not answered.
pub(super) fn parse(text: &str) -> Result<LogqlQuery, LogqlError> {
    let fail = |fault: Fault<'_>| LogqlError::at(text, text.len() - fault.rest.len(), &fault.what);
    let (rest, query) = match metric::query(text) {
        Ok(parsed) => parsed,
        Err(nom::Err::Error(fault) | nom::Err::Failure(fault)) => return Err(fail(fault)),
        Err(nom::Err::Incomplete(_)) => return Err(LogqlError::at(text, text.len(), "unexpected end")),
    };
    let rest = blank(rest);
    if rest.is_empty() {
        return Ok(query);
    }
    let what = match metric::operator_name(rest) {
        Some(name) => format!("`{name}`: operations on two queries are not supported here"),
        None => format!("syntax error: unexpected `{}`", lexis::shown(rest)),
    };
    Err(fail(Fault { rest, what }))
}

#[cfg(test)]
mod tests;
