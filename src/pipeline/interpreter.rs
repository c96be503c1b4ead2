//! A line becomes a record with its route.

use std::sync::Arc;

use super::lines::Lines;
use crate::grammar::{Format, FormatError, Marks, Reject};
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
    marks: Marks,
    archive: Option<usize>,
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
            marks: Marks::default(),
            archive: None,
        })
    }

    /// From now on a tally keeps the raw lines of what may be kept: the slow ones, and the `slowest` of each route and slot.
    pub fn archive_lines(&mut self, slowest: usize) {
        self.archive = Some(slowest);
    }

    /// Whether it does, and how many of the slowest.
    pub fn archives(&self) -> Option<usize> {
        self.archive
    }

    /// Understand every line of a block of whole lines. `each` gets the line's offset in the block, the line without its
    /// newline, what it says or why it was rejected, and the parser for the line's raw values.
    #[inline]
    pub fn block<'b>(
        &mut self,
        block: &'b [u8],
        mut each: impl FnMut(usize, &'b [u8], Result<Seen<'b>, Reject>, &Parser),
    ) {
        let Some(quotes) = self.parser.quotes().filter(|_| u32::try_from(block.len()).is_ok()) else {
            return self.block_by_lines(block, each);
        };
        self.marks.begin();
        let mut start = 0;
        while start < block.len() {
            let (line, cut) = self.cut_next(block, start, quotes);
            // One place reads, whichever way the line was cut: a record has too many fields to be handed around.
            let seen = match cut.and_then(|()| self.parser.read(line)) {
                Ok(record) => Ok(self.route(line, record)),
                Err(reject) => Err(reject),
            };
            each(start, line, seen, &self.parser);
            start += line.len() + 1;
        }
    }

    /// The line that begins at `start`, and whether it could be cut.
    #[inline(always)]
    fn cut_next<'b>(&mut self, block: &'b [u8], start: usize, quotes: usize) -> (&'b [u8], Result<(), Reject>) {
        if let Some((end, marks)) = self.marks.line(block, quotes)
            && let Some(line) = block.get(start..end)
            && self.parser.cut_marked(line, marks, start)
            && self.marks.clean()
        {
            self.marks.pass(quotes);
            return (line, Ok(()));
        }
        self.cut_odd(block, start)
    }

    /// [`Interpreter::cut_next`] for a line that does not fit, or not as most lines do.
    #[cold]
    #[inline(never)]
    fn cut_odd<'b>(&mut self, block: &'b [u8], start: usize) -> (&'b [u8], Result<(), Reject>) {
        let end = self.marks.pass_any(block);
        let line = block.get(start..end).unwrap_or_default();
        (line, self.parser.cut(line))
    }

    /// [`Interpreter::block`] line by line.
    fn block_by_lines<'b>(
        &mut self,
        block: &'b [u8],
        mut each: impl FnMut(usize, &'b [u8], Result<Seen<'b>, Reject>, &Parser),
    ) {
        // A NUL is a hole that a crash left; looking for one a block at a time costs less than in every line.
        let clean = memchr::memchr(0, block).is_none();
        for (at, line) in Lines::new(block) {
            let record = if clean { self.parser.parse_clean(line) } else { self.parser.parse(line) };
            let seen = record.map(|record| self.route(line, record));
            each(at, line, seen, &self.parser);
        }
    }

    #[inline(always)]
    fn route<'l>(&mut self, line: &'l [u8], record: Record<'l>) -> Seen<'l> {
        let matched = if self.wanted.is_empty() { self.find(&record, &[]) } else { self.find_by_values(line, &record) };
        let threshold = matched.threshold_ms.unwrap_or(self.threshold_ms);
        Seen { record, matched, slow: record.request_time_ms.is_some_and(|time| time >= threshold) }
    }

    fn find_by_values<'l>(&mut self, line: &'l [u8], record: &Record<'l>) -> Matched {
        let mut values = [None; ROUTE_VARIABLES];
        for (value, wanted) in values.iter_mut().zip(&self.wanted) {
            *value = wanted.and_then(|variable| self.parser.value(line, variable));
        }
        let count = self.wanted.len();
        self.find(record, values.get(..count).unwrap_or_default())
    }

    #[inline(always)]
    fn find(&mut self, record: &Record<'_>, variables: &[Option<&[u8]>]) -> Matched {
        self.matcher.route(&Request {
            method: record.method,
            target: record.target,
            host: record.host,
            status: record.status,
            malformed: record.malformed_request,
            variables,
        })
    }
}
