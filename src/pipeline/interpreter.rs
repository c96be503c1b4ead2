//! A line becomes a record with its route.

use std::sync::Arc;

use crate::grammar::{Format, FormatError, Reject};
use crate::record::{Needs, Parser, Record};
use crate::route::{Matched, Matcher, Request, Router, Routes};

/// Rules look at no more log variables than this, so that a line's values fit on the stack.
const ROUTE_VARIABLES: usize = 16;

/// What an [`Interpreter`] is made from; shared by the workers.
#[derive(Clone)]
pub struct Interpreting {
    /// The rules.
    pub router: Arc<Router>,
    /// The names given so far.
    pub routes: Arc<Routes>,
    /// A request at or above this many milliseconds is slow, unless its rule says otherwise.
    pub threshold_ms: u64,
}

/// One line, understood.
#[derive(Clone, Copy)]
pub struct Seen<'l> {
    /// Its fields.
    pub record: Record<'l>,
    /// Its route.
    pub matched: Matched,
    /// Whether its `$request_time` reached the threshold of its route.
    pub slow: bool,
}

/// Parses lines of one format and finds their routes. One per worker and format.
pub struct Interpreter {
    parser: Parser,
    matcher: Matcher,
    threshold_ms: u64,
    /// For each variable that rules look at: its index in the format, if the format has it.
    wanted: Vec<Option<usize>>,
}

impl Interpreter {
    /// An interpreter of `format` that reads what `needs` and the rules name.
    ///
    /// # Errors
    /// The format has no time of the request's end.
    pub fn new(format: &Format, mut needs: Needs, with: &Interpreting) -> Result<Interpreter, FormatError> {
        let wanted: Vec<Option<usize>> =
            with.router.variables().iter().take(ROUTE_VARIABLES).map(|name| format.index_of(name)).collect();
        needs.variables.extend(wanted.iter().flatten());
        needs.host |= with.router.needs_host();
        Ok(Interpreter {
            parser: Parser::new(format, &needs)?,
            matcher: Matcher::new(Arc::clone(&with.router), Arc::clone(&with.routes)),
            threshold_ms: with.threshold_ms,
            wanted,
        })
    }

    /// Understand one line (without its newline).
    ///
    /// # Errors
    /// The line is not of the format; says where and why.
    #[inline]
    pub fn read<'l>(&mut self, line: &'l [u8]) -> Result<Seen<'l>, Reject> {
        let record = self.parser.parse(line)?;
        let mut values = [None; ROUTE_VARIABLES];
        for (value, wanted) in values.iter_mut().zip(&self.wanted) {
            *value = wanted.and_then(|variable| self.parser.value(line, variable));
        }
        let matched = self.matcher.route(&Request {
            method: record.method,
            target: record.target,
            host: record.host,
            status: record.status,
            malformed: record.malformed_request,
            variables: values.get(..self.wanted.len()).unwrap_or_default(),
        });
        let threshold = matched.threshold_ms.unwrap_or(self.threshold_ms);
        Ok(Seen { record, matched, slow: record.request_time_ms.is_some_and(|time| time >= threshold) })
    }

    /// The parser, for the raw values of the line read last.
    pub fn parser(&self) -> &Parser {
        &self.parser
    }
}
