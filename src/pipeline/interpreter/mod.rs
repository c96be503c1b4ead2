//! A line becomes a record with its route. Where a log's format was changed, `changed_lines` says which one a line is in.

mod changed_lines;

use std::sync::Arc;

use multiversion::multiversion;

use changed_lines::EarlierReader;

use super::asked_where::AskedWhere;
use super::interpreting::Interpreting;
use super::lines::Lines;
use super::routed_record::RoutedRecord;
use super::series_members::SeriesMembers;
use crate::grammar::{Format, FormatError, QuoteIndex, Reject, RejectReason, WrappedRecords, Wrapper, write_format};
use crate::record::{Needs, Record, RecordParser, RecordValues};
use crate::route::{Matched, Matcher, ProbeMatcher, ProbeSeries, Request};
use crate::store::LogReading;

pub use changed_lines::ChangeEvidence;

/// Rules look at no more log variables than this, so that a line's values fit on the stack.
const ROUTE_VARIABLES: usize = 16;

/// Gets a line's offset in the block, the line without its newline, what it says or why it was rejected, and its raw values.
type LineTaker<'e> = dyn FnMut(usize, &[u8], Result<&RoutedRecord<'_>, Reject>, RecordValues<'_>) + 'e;

/// Parses lines of one format and finds their routes. One per worker and format.
pub struct Interpreter {
    parser: RecordParser,
    matcher: Matcher,
    with: Interpreting,
    /// What it was asked to read.
    needs: Needs,
    /// For each variable that rules look at: its index in the format, if the format has it.
    wanted: Vec<Option<usize>>,
    marks: QuoteIndex,
    /// Where a record is put together that does not stand in its log as it is, and where its values are.
    unwrapped: Vec<u8>,
    text: Vec<u8>,
    archive: Option<usize>,
    /// What its requests are in beside their routes; lent to whoever counts them.
    series: Option<SeriesMembers>,
    /// Which of its requests are in no route, where there are any.
    probes: Option<ProbeMatcher>,
    /// What is asked of them, if anything is.
    asked: Option<AskedWhere>,
    /// What reads the lines of the format that its own followed.
    earlier: Option<Box<EarlierReader>>,
    /// Variables of the line read last that it may not have as they were cut.
    doubtful: Vec<usize>,
    /// [`text`](Self::text) for each format that a line may be in.
    texts: Vec<Vec<u8>>,
    evidence: ChangeEvidence,
}

impl Interpreter {
    /// An interpreter of `format` that reads what `needs` and the rules name.
    ///
    /// # Errors
    /// The format has no time of the request's end.
    pub fn new(format: &Format, mut needs: Needs, with: &Interpreting) -> Result<Interpreter, FormatError> {
        let asked = needs.clone();
        let mut earlier = None;
        if let Some(of) = format.earlier() {
            earlier = Some(Box::new(EarlierReader::new(of, format, &needs, with)?));
            // By all of them lines are told apart.
            needs.all = true;
        }
        let wanted: Vec<Option<usize>> =
            with.router.variables().iter().take(ROUTE_VARIABLES).map(|name| format.index_of(name)).collect();
        needs.variables.extend(wanted.iter().flatten());
        needs.host |= with.router.needs_host();
        let series = SeriesMembers::new(&with.router, &with.routes, format, with.threshold_ms);
        if let Some(series) = &series {
            series.add_needs(&mut needs);
        }
        let conditions = AskedWhere::new(&with.conditions, format, &with.routes);
        if let Some(conditions) = &conditions {
            conditions.add_needs(&mut needs);
        }
        let probes = ProbeMatcher::new(with.router.probes(), &with.routes, format);
        needs.variables.extend(probes.iter().flat_map(ProbeMatcher::variables).flatten());
        let of_earlier = earlier.as_mut().and_then(|earlier| earlier.interpreter_mut().lend_series());
        let series = SeriesMembers::joined(series, of_earlier);
        Ok(Interpreter {
            parser: RecordParser::new(format, &needs)?,
            matcher: Matcher::new(Arc::clone(&with.router), Arc::clone(&with.routes)).of_format(format),
            with: with.clone(),
            needs: asked,
            wanted,
            marks: QuoteIndex::default(),
            unwrapped: Vec::new(),
            text: Vec::new(),
            archive: None,
            series,
            probes,
            asked: conditions,
            earlier,
            doubtful: Vec::new(),
            texts: Vec::new(),
            evidence: ChangeEvidence::default(),
        })
    }

    /// The way in which it reads lines, for the store; `server_errors`: whether every 5xx is kept.
    pub fn reading(&self, server_errors: bool) -> LogReading {
        let (rules, kept_ms) = (self.with.rules(), self.with.threshold_ms);
        let mut reading = LogReading {
            format: write_format(self.parser.format()),
            rules,
            series: self.with.series(),
            kept_ms,
            thresholds: Vec::new(),
            server_errors,
            again: None,
        };
        for (name, threshold) in self.with.router.thresholds() {
            match name {
                Some(name) if threshold > kept_ms => reading.thresholds.push((name, threshold)),
                Some(_) => {}
                None => reading.kept_ms = reading.kept_ms.max(threshold),
            }
        }
        reading
    }

    /// What is around the lines of its format.
    pub fn wrapper(&self) -> Option<Wrapper> {
        self.parser.format().wrapper()
    }

    /// How exactly the ends of requests are known, in milliseconds.
    pub fn end_precision_ms(&self) -> u32 {
        let of_earlier = self.earlier.as_ref().map_or(0, |earlier| earlier.interpreter().end_precision_ms());
        self.parser.end_precision_ms().max(of_earlier)
    }

    /// Whether a time was read that names no zone.
    pub fn assumes_zone(&self) -> bool {
        self.parser.assumes_zone() || self.earlier.as_ref().is_some_and(|earlier| earlier.interpreter().assumes_zone())
    }

    /// What the wrapper of the next line says of when it was written.
    fn set_outer_time(&mut self, time: &[u8]) {
        self.parser.set_outer_time(time);
        if let Some(earlier) = &mut self.earlier {
            earlier.interpreter_mut().set_outer_time(time);
        }
    }

    /// From now on a tally keeps the raw lines of what may be kept: the slow ones, and the `slowest` of each route and slot.
    pub fn archive_lines(&mut self, slowest: usize) {
        self.archive = Some(slowest);
    }

    /// Whether it does, and how many of the slowest.
    pub fn archived_slowest(&self) -> Option<usize> {
        self.archive
    }

    /// What finds the members of series that its requests are in; until it is given back, it has none. Nothing without series.
    pub(super) fn lend_series(&mut self) -> Option<SeriesMembers> {
        self.series.take()
    }

    /// Have it back.
    pub(super) fn take_series_back(&mut self, series: Option<SeriesMembers>) {
        self.series = series;
    }

    /// Understand every line of a block of whole lines. `each` gets the line's offset in the block, the line without its
    /// newline, what it says or why it was rejected, and the line's raw values.
    ///
    /// In a wrapped log a line is a record: from the start of its first line to the end of its last.
    pub fn read_block(
        &mut self,
        block: &[u8],
        mut each: impl FnMut(usize, &[u8], Result<&RoutedRecord<'_>, Reject>, RecordValues<'_>),
    ) {
        self.read_block_through(block, &mut each);
    }

    /// [`Interpreter::read_block`] without a call for each line: for where whole logs go through, since each such place makes the hot loop,
    /// 40 KB, once more.
    #[inline]
    pub fn read_block_inlined(
        &mut self,
        block: &[u8],
        mut each: impl FnMut(usize, &[u8], Result<&RoutedRecord<'_>, Reject>, RecordValues<'_>),
    ) {
        match self.quotes_of_lines(block) {
            Some(quotes) => read_by_quotes(self, block, quotes, each),
            None => self.read_block_through(block, &mut each),
        }
    }

    /// How many quotes a line has, if that is known and the block is to be cut by them.
    fn quotes_of_lines(&self, block: &[u8]) -> Option<usize> {
        let format = self.parser.format();
        if format.is_keyed() || format.wrapper().is_some() || self.is_changing() {
            return None;
        }
        self.parser.quotes().filter(|_| u32::try_from(block.len()).is_ok())
    }

    /// [`Interpreter::read_block`] for any `each`, compiled once.
    fn read_block_through(&mut self, block: &[u8], each: &mut LineTaker<'_>) {
        if let Some(quotes) = self.quotes_of_lines(block) {
            return read_by_quotes(self, block, quotes, each);
        }
        let format = self.parser.format();
        if format.is_keyed() || format.wrapper().is_some() || self.is_changing() {
            return self.read_records(block, each);
        }
        self.read_lines(block, each);
    }

    /// [`read_block`](Self::read_block), each line also as each member of a series that it is in, if those are wanted.
    pub fn read_block_as(&mut self, block: &[u8], members: bool, mut each: impl FnMut(SeenLine<'_>)) {
        let mut series = if members { self.lend_series() } else { None };
        self.read_block(block, |at, line, seen, values| {
            each(SeenLine { at, line, seen, values, is_member: false });
            if let (Ok(seen), Some(series)) = (seen, series.as_mut()) {
                series.each_member(seen, &values, |member, _| {
                    each(SeenLine { at, line, seen: Ok(member), values, is_member: true });
                });
            }
        });
        self.series = self.series.take().or(series);
    }

    /// The line that begins at `start`, and whether it could be cut.
    #[inline(always)]
    fn cut_next<'b>(&mut self, block: &'b [u8], start: usize, quotes: usize) -> (&'b [u8], Result<(), Reject>) {
        if let Some((end, marks)) = self.marks.next_line(block, quotes)
            && let Some(line) = block.get(start..end)
            && self.parser.cut_marked(line, marks, start)
            && self.marks.is_clean()
        {
            self.marks.pass_line(quotes);
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

    /// [`Interpreter::read_block`] line by line.
    fn read_lines(&mut self, block: &[u8], each: &mut LineTaker<'_>) {
        // A NUL is a hole that a crash left; looking for one a block at a time costs less than in every line.
        let clean = memchr::memchr(0, block).is_none();
        for (at, line) in Lines::new(block) {
            match if clean { self.parser.parse_clean(line) } else { self.parser.parse(line) } {
                Ok(record) => each(at, line, Ok(&self.route(line, record)), RecordValues::new(&self.parser, line)),
                Err(reject) => each(at, line, Err(reject), RecordValues::new(&self.parser, line)),
            }
        }
    }

    /// [`Interpreter::read_block`] for formats whose lines are not cut as they stand in the log.
    #[inline(never)]
    fn read_records(&mut self, block: &[u8], each: &mut LineTaker<'_>) {
        let (mut unwrapped, mut text) = (std::mem::take(&mut self.unwrapped), std::mem::take(&mut self.text));
        match self.parser.format().wrapper() {
            None => {
                for (at, line) in Lines::new(block) {
                    let record = PlacedRecord { at, raw: line, lead: 0, text: Ok(line), otherwise: None };
                    self.read_record(record, &mut text, each);
                }
            }
            Some(wrapper) => {
                let mut records = WrappedRecords::new(wrapper, block);
                while let Some(record) = records.next(&mut unwrapped) {
                    self.set_outer_time(record.time);
                    let raw = block.get(record.start..record.end).unwrap_or_default();
                    // Where nginx logs its errors; a line there that is no request never was one.
                    let otherwise = record.of_errors.then_some(RejectReason::OtherOutput);
                    let record =
                        PlacedRecord { at: record.start, raw, lead: record.lead, text: record.text, otherwise };
                    self.read_record(record, &mut text, each);
                }
            }
        }
        (self.unwrapped, self.text) = (unwrapped, text);
    }

    /// Read one record and hand it on; `text` is overwritten if its values do not stand in it as they are.
    fn read_record(&mut self, record: PlacedRecord<'_>, text: &mut Vec<u8>, each: &mut LineTaker<'_>) {
        if self.is_changing() {
            return self.read_changed(record, each);
        }
        let PlacedRecord { at, raw, lead, text: unwrapped, otherwise } = record;
        match unwrapped.and_then(|line| self.parser.parse_in(line, text)) {
            Ok((record, text)) => {
                let seen = self.route(text, record);
                each(at, raw, Ok(&seen), RecordValues::new(&self.parser, text));
            }
            Err(reject) => {
                let column = reject.column.saturating_add(u32::try_from(lead).unwrap_or(0));
                each(
                    at,
                    raw,
                    Err(Reject { column, reason: otherwise.unwrap_or(reject.reason) }),
                    RecordValues::new(&self.parser, b""),
                );
            }
        }
    }

    /// What the line's request is to whoever counts it: its record, its route, and whether it was slow by the threshold of its
    /// rule or the general one.
    #[inline(always)]
    fn route<'l>(&mut self, line: &'l [u8], record: Record<'l>) -> RoutedRecord<'l> {
        let probed = if self.probes.is_none() { None } else { self.find_probe(line, &record) };
        let matched = match probed {
            Some(matched) => matched,
            None if self.wanted.is_empty() => self.find(&record, &[]),
            None => self.find_by_values(line, &record),
        };
        let threshold = matched.threshold_ms.unwrap_or(self.with.threshold_ms);
        let wanted = self.asked.is_none() || self.meets_conditions(line, &record, matched);
        RoutedRecord { record, matched, slow: record.request_time_ms.is_some_and(|time| time >= threshold), wanted }
    }

    /// Whether the request is what is asked for.
    #[inline(never)]
    fn meets_conditions(&mut self, line: &[u8], record: &Record<'_>, matched: Matched) -> bool {
        let values = RecordValues::new(&self.parser, line).without(&self.doubtful);
        self.asked.as_mut().is_none_or(|asked| asked.are_met(record, &values, matched.id))
    }

    /// The series of the probe that the request is of, if it is of one.
    #[inline(never)]
    fn find_probe(&mut self, line: &[u8], record: &Record<'_>) -> Option<Matched> {
        let probes = self.probes.as_mut()?;
        let known = |variable: &usize| !self.doubtful.contains(variable);
        let raw = probes.variables().map(|variable| self.parser.value(line, variable.filter(known)?));
        let ProbeSeries { id, threshold_ms, probe } = probes.find(&request_of(record, &[]), raw)?;
        Some(Matched { id, threshold_ms, rule: None, probe: Some(probe) })
    }

    /// [`Interpreter::find`] where rules or locations look at further variables of the line.
    fn find_by_values<'l>(&mut self, line: &'l [u8], record: &Record<'l>) -> Matched {
        let mut values = [None; ROUTE_VARIABLES];
        for (value, wanted) in values.iter_mut().zip(&self.wanted) {
            let known = wanted.filter(|variable| !self.doubtful.contains(variable));
            *value = known.and_then(|variable| self.parser.value(line, variable));
        }
        let count = self.wanted.len();
        self.find(record, values.get(..count).unwrap_or_default())
    }

    /// The route of a record.
    #[inline(always)]
    fn find(&mut self, record: &Record<'_>, variables: &[Option<&[u8]>]) -> Matched {
        self.matcher.route(&request_of(record, variables))
    }
}

/// What routing looks at of a record.
#[inline(always)]
fn request_of<'r>(record: &Record<'r>, variables: &'r [Option<&'r [u8]>]) -> Request<'r> {
    Request {
        method: record.method,
        target: record.target,
        host: record.host,
        status: record.status,
        took_ms: record.request_time_ms,
        malformed: record.malformed_request,
        variables,
    }
}

/// A line of a block, as a request or as what that is to a member of a series.
pub struct SeenLine<'l> {
    /// Its offset in the block.
    pub at: usize,
    /// Its bytes, without the newline.
    pub line: &'l [u8],
    /// What it says, or why it was rejected.
    pub seen: Result<&'l RoutedRecord<'l>, Reject>,
    /// Its raw values.
    pub values: RecordValues<'l>,
    /// Whether it was handed on before, as a request.
    pub is_member: bool,
}

/// A record as it stands in a block, before it is read.
struct PlacedRecord<'b> {
    /// Its offset in the block.
    at: usize,
    /// Its bytes in the log, with what is wrapped around it.
    raw: &'b [u8],
    /// How many bytes of `raw` come before the text, so that a reject's column is that of the log.
    lead: usize,
    /// What the server wrote, or why the wrapper is not what it should be.
    text: Result<&'b [u8], Reject>,
    /// Why it is no request if it does not fit; else what the parser says.
    otherwise: Option<RejectReason>,
}

/// [`Interpreter::read_block`] for a format of which the number of quotes in a line is known: the hot loop. It is compiled twice,
/// the second time for the processors of the last ten years; which of them runs is decided once a block.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
fn read_by_quotes<E: FnMut(usize, &[u8], Result<&RoutedRecord<'_>, Reject>, RecordValues<'_>)>(
    interpreter: &mut Interpreter,
    block: &[u8],
    quotes: usize,
    mut each: E,
) {
    interpreter.marks.begin_block();
    let mut start = 0;
    while start < block.len() {
        let (line, cut) = interpreter.cut_next(block, start, quotes);
        // One place reads, whichever way the line was cut, and one hands on, a reference: a record has too many fields to be
        // moved around, and what is called in one place is inlined there.
        let understood = cut.and_then(|()| interpreter.parser.read(line)).map(|record| interpreter.route(line, record));
        each(start, line, understood.as_ref().map_err(|reject| *reject), RecordValues::new(&interpreter.parser, line));
        start += line.len() + 1;
    }
}
