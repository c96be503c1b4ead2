//! Lines to records.

use crate::grammar::{
    Escape, FastCut, Format, FormatError, KeyedValues, Reject, RejectReason, Role, TimeNotation, ValueSpan, chomp,
};

use super::end_reader::EndReader;
use super::field_spans::{FieldSpans, TimesWritten};
use super::needs::Needs;
use super::{Record, number, request, upstream};

/// Parses the lines of one format. One per worker: it keeps the spans of the last line and the last time.
#[derive(Debug, Clone)]
pub struct RecordParser {
    format: Format,
    spans: Vec<ValueSpan>,
    /// What a keyed format keeps from line to line.
    keyed: Option<KeyedValues>,
    /// For each variable that is needed the step that cuts it.
    steps: Vec<usize>,
    /// How lines are cut whose quotes are known.
    course: Option<FastCut>,
    end: EndReader,
    fields: FieldSpans,
    malformed_matters: bool,
    /// The upstream's time stands for the request's.
    by_upstream: bool,
    /// Only what nginx itself writes is a time: the format was found, because the lines looked so.
    as_nginx: bool,
}

impl RecordParser {
    /// A parser for `format` that reads the fields in `needs`.
    ///
    /// A format without a request or times is fine: those fields are then empty.
    ///
    /// # Errors
    /// If the format says of no request when it ended, or a needed variable is not one of it.
    pub fn new(format: &Format, needs: &Needs) -> Result<RecordParser, FormatError> {
        let roles = format.roles();
        let whole = 0..format.text().len();
        let outer = format.wrapper().map(|_| (usize::MAX, TimeNotation::Wrapper));
        let Some((end, clock)) = roles.end.or(outer) else {
            let reason = "this format does not say when a request ended";
            return Err(FormatError::new(
                format.text(),
                whole,
                reason,
                "add $msec (best), $time_iso8601 or $time_local",
            ));
        };
        let known = format.variables().len();
        if let Some(unknown) = needs.variables.iter().find(|&&variable| variable >= known) {
            let reason = format!("this format has no variable number {unknown}, only {known}");
            return Err(FormatError::new(format.text(), whole, reason, "take it from Format::index_of"));
        }
        if format.is_keyed() {
            return Ok(RecordParser::of_keys(format, needs));
        }
        let fields = FieldSpans::of_plan(format, needs);
        let end = EndReader::new(format.step_of(end).unwrap_or(usize::MAX), clock);
        let wanted = |variable: usize| needs.all || needs.variables.contains(&variable);
        let steps: Vec<usize> = (0..known)
            .map(|variable| format.step_of(variable).filter(|_| wanted(variable)).unwrap_or(usize::MAX))
            .collect();
        let needed = |step: usize| step == end.step() || fields.steps().contains(&Some(step)) || steps.contains(&step);
        Ok(RecordParser {
            spans: format.new_spans(),
            keyed: None,
            course: FastCut::new(format.plan(), needed),
            steps,
            end,
            malformed_matters: fields.request.is_some(),
            by_upstream: needs.by_upstream && fields.request_time.is_none(),
            as_nginx: format.is_found(),
            fields,
            format: format.clone(),
        })
    }

    /// [`RecordParser::new`] for a keyed format: which variable plays a role is found anew for each line.
    fn of_keys(format: &Format, needs: &Needs) -> RecordParser {
        RecordParser {
            spans: format.new_spans(),
            keyed: Some(KeyedValues::default()),
            course: None,
            steps: (0..format.variables().len()).collect(),
            end: EndReader::of_keys(
                format.slot_of(Role::End, format.roles().end.map(|(end, _)| end)).unwrap_or(usize::MAX),
            ),
            malformed_matters: false,
            by_upstream: needs.by_upstream && !format.keys().is_some_and(|keyed| keyed.tells_request_time()),
            as_nginx: false,
            fields: FieldSpans::of_keys(format, needs),
            format: format.clone(),
        }
    }

    /// The format.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// How exactly the end is known, in milliseconds: 1 with `$msec`, else 1000. Of a keyed format the lines read so far say it.
    pub fn end_precision_ms(&self) -> u32 {
        self.end.precision_ms()
    }

    /// Whether one of the times read so far named no zone, so that the machine's (`TZ`) was taken.
    pub fn assumes_zone(&self) -> bool {
        self.end.assumes_zone()
    }

    /// What the wrapper of the next line says of when it was written: the end of a request that says none itself.
    pub(crate) fn set_outer_time(&mut self, time: &[u8]) {
        self.end.set_outer_time(time);
    }

    /// Reads `line`, with or without its line end (LF, CRLF), without the log's wrapper.
    ///
    /// # Errors
    /// A line that does not fit the format, or a needed number or time out of its range; a line of a keyed format of which
    /// a value does not stand in it as it is (escaped, or in another unit): [`RecordParser::parse_in`] reads that.
    #[inline]
    pub fn parse<'l>(&mut self, line: &'l [u8]) -> Result<Record<'l>, Reject> {
        self.cut(line)?;
        self.read(line)
    }

    /// Cuts `line`, with or without its line end, so that [`RecordParser::read`] can follow.
    ///
    /// # Errors
    /// A line that does not fit the format.
    pub(crate) fn cut(&mut self, line: &[u8]) -> Result<(), Reject> {
        if self.keyed.is_some() {
            let copied = self.cut_keyed(line, &mut Vec::new())?;
            return if copied { Err(Reject::at(0, RejectReason::BadSyntax)) } else { Ok(()) };
        }
        let cut = self.format.plan().cut(chomp(line), &mut self.spans);
        cut.map_err(|failure| Reject::at(failure.at, failure.reason))
    }

    /// [`RecordParser::parse`] for any format. The record, and the text in which [`RecordParser::value`] then finds its values: the
    /// line itself, or `text`, which is overwritten.
    ///
    /// # Errors
    /// As [`RecordParser::parse`], but for its last case.
    pub fn parse_in<'l>(&mut self, line: &'l [u8], text: &'l mut Vec<u8>) -> Result<(Record<'l>, &'l [u8]), Reject> {
        if self.keyed.is_none() {
            return Ok((self.parse(line)?, line));
        }
        let text = if self.cut_keyed(line, text)? { text.as_slice() } else { line };
        match self.read(text) {
            Ok(mut record) => {
                // nginx logs an empty request line where there was none to read; here the key may be missing as well.
                record.malformed_request |= record.target.is_empty() && self.fields.target.is_some();
                Ok((record, text))
            }
            Err(reject) => Err(self.in_line(line, reject)),
        }
    }

    /// Cut a line of a keyed format (JSON, logfmt). Whether its values stand in `text`, a copy of the line behind which decoded
    /// values follow, instead of in the line; false for formats that are not keyed.
    fn cut_keyed(&mut self, line: &[u8], text: &mut Vec<u8>) -> Result<bool, Reject> {
        let (Some(keyed), Some(state)) = (self.format.keys(), &mut self.keyed) else { return Ok(false) };
        let cut = keyed.cut(chomp(line), state, &mut self.spans, text);
        cut.map_err(|failure| Reject::at(failure.at, failure.reason))
    }

    /// The reject of a value behind the line's copy, at the place that the value had in the line.
    fn in_line(&self, line: &[u8], reject: Reject) -> Reject {
        let at = reject.column.saturating_sub(1);
        let origin = self.keyed.as_ref().filter(|_| at as usize >= line.len());
        match origin.and_then(|state| state.origin_in_line(&self.spans, at)) {
            Some(origin) => Reject { column: origin + 1, ..reject },
            None => reject,
        }
    }

    /// [`RecordParser::parse`] for a line that is known to hold no NUL: looking for one in a whole block of lines at once
    /// costs less.
    ///
    /// # Errors
    /// As [`RecordParser::parse`].
    #[inline]
    pub fn parse_clean<'l>(&mut self, line: &'l [u8]) -> Result<Record<'l>, Reject> {
        let line = chomp(line);
        let cut = self.format.plan().cut_clean(line, &mut self.spans);
        cut.map_err(|failure| Reject::at(failure.at, failure.reason))?;
        self.read(line)
    }

    /// How many quotes a line holds that [`RecordParser::cut_marked`] takes; None if it takes none.
    pub(crate) fn quotes(&self) -> Option<usize> {
        self.course.as_ref().map(FastCut::quote_count)
    }

    /// Cuts a line of which it is known where its quotes stand: `quotes` are their offsets plus `base`. Whether it
    /// fits, so that [`RecordParser::read`] can follow; if not, or not as such lines mostly do, [`RecordParser::parse`] tells more.
    #[inline(always)]
    pub(crate) fn cut_marked(&mut self, line: &[u8], quotes: &[u32], base: usize) -> bool {
        let Some(course) = &self.course else { return false };
        course.run(self.format.plan(), chomp(line), quotes, base, &mut self.spans)
    }

    /// The record of the line that was just cut.
    ///
    /// # Errors
    /// As [`RecordParser::parse`].
    #[inline(always)]
    pub(crate) fn read<'l>(&mut self, line: &'l [u8]) -> Result<Record<'l>, Reject> {
        let (value, from) = self.value_at(line, Some(self.end.step())).unwrap_or((b"", 0));
        let end = self.end.read(value, from as usize)?;
        let [response, connect, header] = self.fields.upstream;
        let (request_time_ms, upstream_ms) = match &self.fields.written {
            None => (
                self.read_duration(line, self.fields.request_time)?,
                [self.read_sum(line, response)?, self.read_sum(line, connect)?, self.read_sum(line, header)?],
            ),
            Some(written) => self.read_times_in(line, written)?,
        };
        let [upstream, ..] = upstream_ms;
        let mut record = Record {
            end,
            request_time_ms: if self.by_upstream { upstream } else { request_time_ms },
            by_upstream: self.by_upstream,
            upstream_ms,
            method: b"",
            target: b"",
            protocol: b"",
            malformed_request: false,
            status: self.read_status(line, self.fields.status)?,
            bytes_sent: self.read_integer(line, self.fields.bytes)?,
            host: self.read_text(line, self.fields.host),
        };
        self.read_request(line, &mut record);
        Ok(record)
    }

    /// The raw (still escaped) value of a variable of `line`, which must be the line parsed last. None if it is absent:
    /// `-` with `escape=default`, empty otherwise (or of another line), and if the variable is not one of the needed.
    pub fn value<'l>(&self, line: &'l [u8], variable: usize) -> Option<&'l [u8]> {
        self.read_text(line, self.steps.get(variable).copied())
    }

    /// Where a step's value stands in the line that was just cut; None if the format has no such step.
    #[inline(always)]
    fn span_at(&self, step: Option<usize>) -> Option<&ValueSpan> {
        self.spans.get(step?)
    }

    /// The value of a step with its offset in the line, also where it is `-` or empty.
    #[inline(always)]
    fn value_at<'l>(&self, line: &'l [u8], step: Option<usize>) -> Option<(&'l [u8], u32)> {
        let &(from, until) = self.span_at(step)?;
        Some((line.get(from as usize..until as usize)?, from))
    }

    /// The value of a step, None if it is absent.
    #[inline(always)]
    fn read_text<'l>(&self, line: &'l [u8], step: Option<usize>) -> Option<&'l [u8]> {
        let (value, _) = self.value_at(line, step)?;
        let absent = match self.format.escape() {
            Escape::Default => value == b"-" || value.is_empty() && self.keyed.is_some(),
            Escape::Json | Escape::None => value.is_empty(),
        };
        (!absent).then_some(value)
    }

    /// The number of a step, read by `read`; None if the line does not have it. What is no number rejects the line: counted as 0 it
    /// would make a route look fast.
    #[inline(always)]
    fn read_number<'l, T>(
        &self,
        line: &'l [u8],
        step: Option<usize>,
        read: impl Fn(&'l [u8]) -> Result<T, RejectReason>,
    ) -> Result<Option<T>, Reject> {
        let Some((value, from)) = self.value_at(line, step) else { return Ok(None) };
        match value {
            b"" | b"-" => Ok(None),
            value => read(value).map(Some).map_err(|reason| Reject::at(from as usize, reason)),
        }
    }

    /// [`read_status`] of a step. Three digits are read as one word; whatever else stands there takes the slow way.
    #[inline(always)]
    fn read_status(&self, line: &[u8], step: Option<usize>) -> Result<Option<u16>, Reject> {
        if let Some(&(from, until)) = self.span_at(step)
            && let Some(whole @ 0..=999) = number::integer_in(line, from as usize, until as usize)
        {
            return Ok(u16::try_from(whole).ok());
        }
        self.read_number(line, step, number::status)
    }

    /// A whole number, such as `$bytes_sent`.
    #[inline(always)]
    fn read_integer(&self, line: &[u8], step: Option<usize>) -> Result<Option<u64>, Reject> {
        if let Some(&(from, until)) = self.span_at(step)
            && let Some(whole) = number::integer_in(line, from as usize, until as usize)
        {
            return Ok(Some(whole));
        }
        self.read_number(line, step, number::integer)
    }

    /// A time in seconds as milliseconds. `0.123`, which nearly all are, is read as one word.
    #[inline(always)]
    fn read_duration(&self, line: &[u8], step: Option<usize>) -> Result<Option<u64>, Reject> {
        if let Some((value, _)) = self.value_at(line, step)
            && let Some(millis) = number::usual_thousandths(value)
        {
            return Ok(Some(millis));
        }
        if self.as_nginx {
            return self.read_number(line, step, number::nginx_duration_ms);
        }
        self.read_number(line, step, number::duration_ms)
    }

    /// The sum over all attempts of an `$upstream_*_time`; None if no attempt has it.
    #[inline(always)]
    fn read_sum(&self, line: &[u8], step: Option<usize>) -> Result<Option<u64>, Reject> {
        let Some((value, from)) = self.value_at(line, step) else { return Ok(None) };
        upstream::sum_ms(value, self.as_nginx).map_err(|reason| Reject::at(from as usize, reason))
    }

    /// The times of a format that has some in other units than nginx's.
    #[inline(never)]
    fn read_times_in(&self, line: &[u8], written: &TimesWritten) -> Result<(Option<u64>, [Option<u64>; 3]), Reject> {
        let [request, units @ ..] = written.units;
        let [no_request, absent @ ..] = &written.absent;
        let has_request =
            self.value_at(line, self.fields.request_time).is_some_and(|(value, _)| value != no_request.as_bytes());
        let request_time = self.fields.request_time.filter(|_| has_request);
        let request_time_ms = self.read_number(line, request_time, |value| number::duration_in(value, request))?;
        let mut upstream_ms = [None; 3];
        for (((sum, step), unit), absent) in upstream_ms.iter_mut().zip(self.fields.upstream).zip(units).zip(absent) {
            let Some((value, from)) = self.value_at(line, step) else { continue };
            if value == absent.as_bytes() {
                continue;
            }
            *sum = upstream::sum_in(value, unit).map_err(|reason| Reject::at(from as usize, reason))?;
        }
        Ok((request_time_ms, upstream_ms))
    }

    /// Method, target and protocol, from `$request` where the format has it, else from the variables that say them one by one.
    #[inline(always)]
    fn read_request<'l>(&self, line: &'l [u8], record: &mut Record<'l>) {
        if self.malformed_matters || self.keyed.is_some() && self.read_text(line, self.fields.request).is_some() {
            let (value, from) = self.value_at(line, self.fields.request).unwrap_or((b"", 0));
            match request::split_request(value, line.get(from as usize..).unwrap_or_default()) {
                Some(parts) => {
                    record.method = parts.method;
                    record.target = parts.target;
                    record.protocol = parts.protocol;
                }
                None => record.malformed_request = true,
            }
            return;
        }
        record.method = self.read_text(line, self.fields.method).unwrap_or_default();
        record.protocol = self.read_text(line, self.fields.protocol).unwrap_or_default();
        record.target = self.read_text(line, self.fields.target).unwrap_or_default();
        if let (Some(target), Some(args)) = (self.fields.target, self.fields.args)
            && let (Some(&(from, until)), Some(&(start, end))) = (self.spans.get(target), self.spans.get(args))
            && start > until
        {
            record.target = line.get(from as usize..end as usize).unwrap_or_default();
        }
    }
}
