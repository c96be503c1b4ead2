//! Lines of a log whose log_format was changed: which of the two formats each of them is in.
//!
//! At a reload nginx's new workers write the new format from their first request on, while the old ones end what they have begun and write
//! that in the old one. So the two are mixed for a while, and where one ends and the other begins is not said anywhere. What decides is the
//! line alone, so that whoever reads it again decides alike:
//!
//! - A line that only one of the formats fits is in that one. A line that lacks `$request_time`, which nginx always knows, does not fit.
//! - A line that both fit and that reads the same in both is counted, whichever it is. A variable that it does not have alike in both is
//!   absent then.
//! - Of the others, one that began after the change was in force is in the new format: an old worker takes no new requests. When it was
//!   in force is known from the first line that only the new format fits.
//! - What is left is rejected as ambiguous, not guessed.

use super::{Interpreter, Interpreting, LineTaker, PlacedRecord};
use crate::grammar::{EarlierFormat, Format, FormatError, Reject, RejectReason};
use crate::record::{Needs, Record, RecordValues};
use crate::time::Timestamp;

/// Requests whose format does not say how long they took end this long after the change, at the latest.
const UNTIMED_MS: i64 = 24 * 60 * 60 * 1000;

/// What reads lines of the format before.
pub(super) struct EarlierReader {
    interpreter: Interpreter,
    /// No request that began after this is in it.
    until: Option<Timestamp>,
}

/// What lines told of the change by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChangeEvidence {
    /// When the earliest request began whose line only the new format fits: the change was in force by then.
    pub first_after: Option<Timestamp>,
    /// When the latest request began whose line only the old one fits: it was not.
    pub last_before: Option<Timestamp>,
    /// How many lines both fit, with different values, so that they were rejected.
    pub undecided: u64,
}

/// A line by the format that it is in.
pub(super) struct ChosenLine<'l> {
    record: Record<'l>,
    text: &'l [u8],
    /// How many formats back.
    depth: usize,
}

impl ChosenLine<'_> {
    /// When the request began, by what its own line says; its end if it does not say that.
    fn start(&self) -> Timestamp {
        comparable(&self.record).start()
    }

    /// Whether it began after `until`.
    fn is_after(&self, until: Option<Timestamp>) -> bool {
        let allowance = if comparable(&self.record).request_time_ms.is_none() { UNTIMED_MS } else { 0 };
        until.is_some_and(|until| self.start() > until.plus_millis(allowance))
    }
}

/// A record as every reader of the line has it, whether it takes the upstream's time for the request's or not.
fn comparable<'l>(record: &Record<'l>) -> Record<'l> {
    let request_time_ms = record.request_time_ms.filter(|_| !record.by_upstream);
    Record { request_time_ms, by_upstream: false, ..*record }
}

/// What is needed of the lines of `other`, by the names of what is needed of `format`'s; and all of their variables, by which lines are
/// told apart.
fn needs_in(other: &Format, format: &Format, needs: &Needs) -> Needs {
    let mut variables = Vec::new();
    for at in &needs.variables {
        let name = format.variables().get(*at).map(|variable| variable.name.as_str());
        variables.extend(name.and_then(|name| other.index_of(name)));
    }
    Needs { variables, all: true, ..needs.clone() }
}

impl EarlierReader {
    /// For what `format` followed.
    pub(super) fn new(
        of: &EarlierFormat,
        format: &Format,
        needs: &Needs,
        with: &Interpreting,
    ) -> Result<EarlierReader, FormatError> {
        let interpreter = Interpreter::new(&of.format, needs_in(&of.format, format, needs), with)?;
        Ok(EarlierReader { interpreter, until: of.until })
    }

    pub(super) fn interpreter_mut(&mut self) -> &mut Interpreter {
        &mut self.interpreter
    }

    pub(super) fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }
}

impl Interpreter {
    /// What reads the same of lines of another format of its log.
    ///
    /// # Errors
    /// As [`Interpreter::new`].
    pub fn of_format(&self, format: &Format) -> Result<Interpreter, FormatError> {
        let mut needs = needs_in(format, self.parser.format(), &self.needs);
        needs.all = self.needs.all;
        let mut other = Interpreter::new(format, needs, &self.with)?;
        other.archive = self.archive;
        Ok(other)
    }

    /// The format of its lines, with those that it followed.
    pub fn format(&self) -> &Format {
        self.parser.format()
    }

    /// What its lines told of a change of their format since the last time.
    pub fn take_evidence(&mut self) -> ChangeEvidence {
        std::mem::take(&mut self.evidence)
    }

    /// Whether the format of its lines was changed, so that some may be in another.
    pub(super) fn is_changing(&self) -> bool {
        self.earlier.is_some()
    }

    /// Read one record of a log whose format was changed, and hand it on.
    pub(super) fn read_changed(&mut self, record: PlacedRecord<'_>, each: &mut LineTaker<'_>) {
        let PlacedRecord { at, raw, lead, text: unwrapped, otherwise } = record;
        let mut texts = std::mem::take(&mut self.texts);
        texts.resize_with(self.depth(), Vec::new);
        match unwrapped.and_then(|line| self.choose(line, &mut texts)) {
            Ok(ChosenLine { record, text, depth }) => {
                let reader = self.reader_mut(depth);
                let seen = reader.route(text, record);
                let doubtful = std::mem::take(&mut reader.doubtful);
                each(at, raw, Ok(&seen), RecordValues::new(&reader.parser, text).without(&doubtful));
                reader.doubtful = doubtful;
            }
            Err(reject) => {
                let column = reject.column.saturating_add(u32::try_from(lead).unwrap_or(0));
                let reject = Reject { column, reason: otherwise.unwrap_or(reject.reason) };
                each(at, raw, Err(reject), RecordValues::new(&self.parser, b""));
            }
        }
        self.texts = texts;
    }

    /// How many formats its lines may be in.
    fn depth(&self) -> usize {
        1 + self.earlier.as_ref().map_or(0, |earlier| earlier.interpreter.depth())
    }

    /// What reads the lines of the format so many back.
    fn reader_mut(&mut self, depth: usize) -> &mut Interpreter {
        if depth == 0 {
            return self;
        }
        match self.earlier {
            Some(ref mut earlier) => earlier.interpreter.reader_mut(depth - 1),
            None => self,
        }
    }

    fn reader(&self, depth: usize) -> &Interpreter {
        match &self.earlier {
            Some(earlier) if depth > 0 => earlier.interpreter.reader(depth - 1),
            _ => self,
        }
    }

    /// The line by the format that it is in; `texts` has a place for each.
    fn choose<'l>(&mut self, line: &'l [u8], texts: &'l mut [Vec<u8>]) -> Result<ChosenLine<'l>, Reject> {
        self.doubtful.clear();
        let Some((own, others)) = texts.split_first_mut() else {
            return Err(Reject { column: 1, reason: RejectReason::BadSyntax });
        };
        let now = self.parse_own(line, own);
        let Some(earlier) = &mut self.earlier else { return now };
        let (before, until) = (earlier.interpreter.choose(line, others), earlier.until);
        match (now, before) {
            (Err(reject), Err(other)) => Err(if other.reason == RejectReason::Ambiguous { other } else { reject }),
            (Err(_), Ok(before)) => {
                self.evidence.last_before = self.evidence.last_before.max(Some(before.start()));
                Ok(ChosenLine { depth: before.depth + 1, ..before })
            }
            // When it began is told by the formats before, and they do not agree.
            (Ok(_), Err(reject)) if reject.reason == RejectReason::Ambiguous => Err(self.reject_undecided()),
            (Ok(now), Err(_)) => {
                let start = now.start();
                self.evidence.first_after = Some(self.evidence.first_after.map_or(start, |first| first.min(start)));
                Ok(now)
            }
            (Ok(now), Ok(before)) if before.is_after(until) => Ok(now),
            (Ok(now), Ok(before)) if comparable(&now.record) == comparable(&before.record) => {
                self.note_doubtful(&now, &before);
                Ok(now)
            }
            (Ok(_), Ok(_)) => Err(self.reject_undecided()),
        }
    }

    fn reject_undecided(&mut self) -> Reject {
        self.evidence.undecided += 1;
        Reject { column: 1, reason: RejectReason::Ambiguous }
    }

    /// The line by its own format alone.
    fn parse_own<'l>(&mut self, line: &'l [u8], text: &'l mut Vec<u8>) -> Result<ChosenLine<'l>, Reject> {
        let (record, text) = self.parser.parse_in(line, text)?;
        if record.request_time_ms.is_none() && self.parser.format().always_times() {
            return Err(Reject { column: 1, reason: RejectReason::BadValue });
        }
        Ok(ChosenLine { record, text, depth: 0 })
    }

    /// Note which variables the line does not have alike in both formats.
    fn note_doubtful(&mut self, now: &ChosenLine<'_>, before: &ChosenLine<'_>) {
        let mut doubtful = std::mem::take(&mut self.doubtful);
        let Some(earlier) = &self.earlier else { return };
        let reader = earlier.interpreter.reader(before.depth);
        for (at, variable) in self.parser.format().variables().iter().enumerate() {
            let other = reader.parser.format().index_of(&variable.name);
            let is_alike = other.is_some_and(|other| {
                !reader.doubtful.contains(&other)
                    && reader.parser.value(before.text, other) == self.parser.value(now.text, at)
            });
            if !is_alike {
                doubtful.push(at);
            }
        }
        self.doubtful = doubtful;
    }
}

#[cfg(test)]
mod tests;
