//! Cuts a line into the values of its format's variables: the hot loop. No allocation, no I/O.

use super::cut_rule::{CutRule, PlanStep, TimeGuard};
use super::literal::Literal;
use super::plan::Plan;
use crate::grammar::line::{
    CutFailure, MAX_LINE, RejectReason, ValueSpan, find_byte, number_length, time_iso_end, time_local_end,
};

/// How many other ends of values before soft literals are tried in a line, all in all.
const RETRIES: usize = 64;

impl Plan {
    /// Cuts `line` (without line end) and leaves the span of each step's value in `spans`, which has one per step.
    #[inline]
    pub(crate) fn cut(&self, line: &[u8], spans: &mut [ValueSpan]) -> Result<(), CutFailure> {
        // With escape=none a client's NUL may stand in a value; a hole at the start of a line never is one.
        let searched = if self.raw { line.get(..1).unwrap_or_default() } else { line };
        if let Some(nul) = memchr::memchr(0, searched) {
            return Err(CutFailure { step: 0, at: nul, reason: RejectReason::Torn });
        }
        self.cut_clean(line, spans)
    }

    /// [`Plan::cut`] for a line that is known to hold no NUL.
    #[inline]
    pub(crate) fn cut_clean(&self, line: &[u8], spans: &mut [ValueSpan]) -> Result<(), CutFailure> {
        if line.len() > MAX_LINE {
            return Err(CutFailure { step: 0, at: MAX_LINE, reason: RejectReason::LineTooLong });
        }
        let line = if self.trailing_spaces > 0 { self.without_trailing_spaces(line) } else { line };
        if !self.lead.stands_at(line, 0) {
            return Err(self.misfit(line, CutFailure { step: 0, at: 0, reason: RejectReason::LiteralMissing }));
        }
        let cut = self.cut_from(line, spans, 0, self.lead.len());
        if let Some(doubt) = &self.doubt {
            return self.cut_in_doubt(doubt, line, spans, cut);
        }
        match cut {
            Ok(()) if self.ends_in_text => {
                self.refuse_quotes(line)?;
                self.refuse_glued(line, spans)
            }
            Ok(()) => self.refuse_quotes(line),
            Err(failure) => self.retry_soft_ends(line, spans, failure),
        }
    }

    /// Cuts from step `first` on, which starts at byte `at`.
    #[inline]
    fn cut_from(&self, line: &[u8], spans: &mut [ValueSpan], first: usize, mut at: usize) -> Result<(), CutFailure> {
        let steps = self.steps.get(first..).unwrap_or_default();
        let targets = spans.get_mut(first..).unwrap_or_default();
        for (index, (step, span)) in steps.iter().zip(targets).enumerate() {
            let failed = |(at, reason)| CutFailure { step: first + index, at, reason };
            let end = step.value_end(line, at, (steps, index + 1)).map_err(failed)?;
            *span = (at as u32, end as u32);
            at = end + step.literal.len();
        }
        if at < line.len() {
            return Err(CutFailure { step: self.steps.len(), at, reason: RejectReason::TrailingText });
        }
        Ok(())
    }

    /// The line without the spaces that the format's text ends in, or as many of them as are there.
    fn without_trailing_spaces<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        let spaces = line.iter().rev().take_while(|&&byte| byte == b' ').count().min(self.trailing_spaces);
        line.get(..line.len() - spaces).unwrap_or(line)
    }

    /// Tries the other ends of values before soft literals, the last such value first, as a backtracking regex would.
    #[cold]
    fn retry_soft_ends(&self, line: &[u8], spans: &mut [ValueSpan], first: CutFailure) -> Result<(), CutFailure> {
        let mut furthest = first;
        let mut failure = first;
        for _ in 0..RETRIES {
            let Some((step, end)) = self.next_end(line, spans, failure.step) else { break };
            let Some((span, literal)) = spans.get_mut(step).zip(self.steps.get(step).map(|step| &step.literal)) else {
                break;
            };
            span.1 = end as u32;
            match self.cut_from(line, spans, step + 1, end + literal.len()) {
                Ok(()) if self.times_in(line) > 1 => {
                    return Err(CutFailure { step, at: span_start(spans, step), reason: RejectReason::Torn });
                }
                Ok(()) => return Ok(()),
                Err(next) => failure = next,
            }
            if failure.at > furthest.at {
                furthest = failure;
            }
        }
        Err(self.misfit(line, furthest))
    }

    /// The last step before `before` whose value may end later, and where.
    fn next_end(&self, line: &[u8], spans: &[ValueSpan], before: usize) -> Option<(usize, usize)> {
        let candidates = self.steps.iter().zip(spans).enumerate().take(before).rev();
        for (index, (step, span)) in candidates {
            if let CutRule::Soft { guard, quotes, fixed: false } = step.cut
                && let after = self.steps.get(index + 1).map(|step| &step.literal)
                && let Some(end) = soft_end(&step.literal, line, span.1 as usize + 1, guard, after)
                && swallowed_quote(line, span.0 as usize, end, quotes).is_none()
            {
                return Some((index, end));
            }
        }
        None
    }

    /// Refuses a line that holds more `"` than its literals: nginx would have escaped one in a value.
    fn refuse_quotes(&self, line: &[u8]) -> Result<(), CutFailure> {
        let Some(expected) = self.literal_quotes else { return Ok(()) };
        let extra = memchr::memchr_iter(b'"', line).nth(expected);
        extra.map_or(Ok(()), |at| Err(CutFailure { step: self.steps.len(), at, reason: RejectReason::Torn }))
    }

    /// Refuses a line whose last value, text to the end of the line, holds the start of another line.
    pub(super) fn refuse_glued(&self, line: &[u8], spans: &[ValueSpan]) -> Result<(), CutFailure> {
        let step = self.steps.len().saturating_sub(1);
        let at = span_start(spans, step);
        // The time itself may be the last value but one, so its own mark is counted too.
        if self.times_in(line.get(at..).unwrap_or_default()) > 0 && self.times_in(line) > 1 {
            return Err(CutFailure { step, at, reason: RejectReason::Torn });
        }
        Ok(())
    }

    /// Says of a line that does not fit whether it is torn.
    #[cold]
    pub(super) fn misfit(&self, line: &[u8], failure: CutFailure) -> CutFailure {
        if line.is_empty() {
            return CutFailure { step: 0, at: 0, reason: RejectReason::EmptyLine };
        }
        let torn = self.times_in(line) > 1;
        CutFailure { reason: if torn { RejectReason::Torn } else { failure.reason }, ..failure }
    }

    /// How many times the line holds between the literals that stand around the format's own.
    pub(super) fn times_in(&self, line: &[u8]) -> usize {
        let Some(mark) = &self.mark else { return 0 };
        let (byte, offset) = if mark.iso { (b'T', 10) } else { (b'/', 2) };
        let is_mark = |at: usize| {
            let start = at.checked_sub(offset)?;
            let end = if mark.iso { time_iso_end(line, start)? } else { time_local_end(line, start)? };
            let around = line.get(..start)?.ends_with(&mark.before) && line.get(end..)?.starts_with(&mark.after);
            around.then_some(())
        };
        memchr::memchr_iter(byte, line).filter(|&at| is_mark(at).is_some()).count()
    }
}

fn span_start(spans: &[ValueSpan], step: usize) -> usize {
    spans.get(step).map_or(0, |span| span.0 as usize)
}

type StepMisfit = (usize, RejectReason);

impl PlanStep {
    /// Where the value that starts at `at` ends; its literal is known to stand there. `following` is a place among all
    /// steps: those from it on come after this one.
    #[inline(always)]
    pub(crate) fn value_end(
        &self,
        line: &[u8],
        at: usize,
        following: (&[PlanStep], usize),
    ) -> Result<usize, StepMisfit> {
        let end = match &self.cut {
            CutRule::Hard { byte, at: offset } => return self.hard_end(line, at, *byte, *offset),
            CutRule::Soft { guard, quotes, .. } => {
                let (steps, next) = following;
                let after = steps.get(next).map(|step| &step.literal);
                let end = soft_end(&self.literal, line, at, *guard, after)
                    // Without what follows the time: that it is missing is for the time's own step to say.
                    .or_else(|| soft_end(&self.literal, line, at, *guard, None))
                    .ok_or_else(|| soft_miss(&self.literal, line, at))?;
                return match swallowed_quote(line, at, end, *quotes) {
                    Some(quote) => Err((quote, RejectReason::Torn)),
                    None => Ok(end),
                };
            }
            CutRule::Number { dot, empty } => return self.number_end(line, at, *dot, *empty),
            CutRule::TimeLocal => time_local_end(line, at).ok_or((at, RejectReason::BadTime))?,
            CutRule::TimeIso8601 => time_iso_end(line, at).ok_or((at, RejectReason::BadTime))?,
            CutRule::List(table) => self.list_end(line, at, table),
            CutRule::Bytes(count) => at + count,
            CutRule::JsonQuote { at: offset } => return self.json_quote(line, at, *offset),
            CutRule::Before { byte, dash } => {
                let (steps, next) = following;
                return Ok(end_before(line, at, *byte, *dash, steps.get(next..).unwrap_or_default()));
            }
            CutRule::IsArgs => at + usize::from(line.get(at) == Some(&b'?')),
            CutRule::Thousandths => thousandths_end(line, at).ok_or((at, RejectReason::BadNumber))?,
            CutRule::Rest(last) => return Ok(last.end_in(line, at)),
        };
        if end <= line.len() && self.literal.stands_at(line, end) {
            Ok(end)
        } else {
            Err((end.min(line.len()), RejectReason::LiteralMissing))
        }
    }

    #[inline(always)]
    fn hard_end(&self, line: &[u8], at: usize, byte: u8, offset: usize) -> Result<usize, StepMisfit> {
        let rest = line.get(at..).unwrap_or_default();
        let Some(found) = find_byte(byte, rest) else { return Err((at, RejectReason::LiteralMissing)) };
        match (at + found).checked_sub(offset) {
            Some(end) if end >= at && self.literal.stands_at(line, end) => Ok(end),
            _ => Err((at + found, RejectReason::LiteralMissing)),
        }
    }

    #[inline(always)]
    fn number_end(&self, line: &[u8], at: usize, dot: bool, empty: bool) -> Result<usize, StepMisfit> {
        let rest = line.get(at..).unwrap_or_default();
        let mut length = number_length(rest, dot);
        if length == 0 {
            if rest.first() == Some(&b'-') && (!empty || self.literal.stands_at(line, at + 1)) {
                length = 1;
            } else if !empty {
                return Err((at, RejectReason::BadNumber));
            }
        }
        let end = at + length;
        if self.literal.stands_at(line, end) {
            return Ok(end);
        }
        let word = line.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(byte));
        Err((end, if word { RejectReason::BadNumber } else { RejectReason::LiteralMissing }))
    }

    /// The end of a list: members, `, ` (or `,`) between attempts, ` : ` between redirects; a trailing ` : ` is the
    /// list's (nginx writes it when a redirect reached no upstream).
    #[inline(always)]
    fn list_end(&self, line: &[u8], at: usize, table: &[bool; 256]) -> usize {
        let member = |at: usize| line.get(at).is_some_and(|&byte| table.get(usize::from(byte)) == Some(&true));
        let mut start = at;
        // Mostly the list is one number.
        let dot = table.get(usize::from(b'.')) == Some(&true);
        let mut end = at + number_length(line.get(at..).unwrap_or_default(), dot);
        loop {
            while member(end) {
                end += 1;
            }
            let separator = match line.get(end) {
                Some(b',') if line.get(end + 1) == Some(&b' ') && member(end + 2) => 2,
                Some(b',') if self.bare_commas && member(end + 1) => 1,
                Some(b' ') if line.get(end..end + 3) == Some(b" : ") => 3,
                _ => break,
            };
            end += separator;
            start = end;
        }
        if self.literal.stands_at(line, end) { end } else { self.list_back(line, at, start, end) }
    }

    /// Members that took the literal too. As in `$upstream_addr:$status`: back to the literal's last place in the member.
    /// As in `$upstream_addr, to=$host`, where the literal looks like one more member: back to its first place.
    #[cold]
    fn list_back(&self, line: &[u8], at: usize, start: usize, end: usize) -> usize {
        let until = (end + self.literal.len()).min(line.len());
        let literal = self.literal.bytes();
        if literal.starts_with(b", ") || literal.starts_with(b" :") {
            let list = line.get(at..until).unwrap_or_default();
            return memchr::memmem::find(list, literal).map_or(end, |found| at + found);
        }
        // A ` : ` that no member follows may be the literal's space and the next value's `: `.
        if start == end && self.literal.stands_at(line, end.saturating_sub(3).max(at)) {
            return end.saturating_sub(3).max(at);
        }
        let member = line.get(start..until).unwrap_or_default();
        match memchr::memmem::rfind(member, literal) {
            // A comma has a member after it.
            Some(0) if start > at && !line.get(..start).is_some_and(|list| list.ends_with(b": ")) => end,
            Some(found) => start + found,
            // The next value began like one more member; no member holds a space.
            None if literal.contains(&b' ') && !literal.starts_with(b" ") => {
                let list = line.get(at..until).unwrap_or_default();
                let found = memchr::memmem::rfind(list, literal);
                let after_member = |&found: &usize| !list.get(..found).is_some_and(|list| list.ends_with(b" "));
                found.filter(after_member).map_or(end, |found| at + found)
            }
            None => end,
        }
    }

    #[inline(always)]
    fn json_quote(&self, line: &[u8], at: usize, offset: usize) -> Result<usize, StepMisfit> {
        let mut from = at;
        loop {
            let rest = line.get(from..).unwrap_or_default();
            let Some(found) = find_byte(b'"', rest) else { return Err((at, RejectReason::LiteralMissing)) };
            let quote = from + found;
            let value = line.get(at..quote).unwrap_or_default();
            let backslashes = value.iter().rev().take_while(|&&byte| byte == b'\\').count();
            if backslashes % 2 == 0 {
                return match quote.checked_sub(offset) {
                    Some(end) if end >= at && self.literal.stands_at(line, end) => Ok(end),
                    _ => Err((quote, RejectReason::LiteralMissing)),
                };
            }
            from = quote + 1;
        }
    }
}

/// The first place from `from` on where `literal` stands, followed by what the guard asks for, and `after` behind that.
#[inline(always)]
pub(crate) fn soft_end(
    literal: &Literal,
    line: &[u8],
    from: usize,
    guard: TimeGuard,
    after: Option<&Literal>,
) -> Option<usize> {
    let mut at = from;
    loop {
        let end = literal.find(line, at)?;
        let follows = end + literal.len();
        let time_end = match guard {
            TimeGuard::Nothing => return Some(end),
            TimeGuard::TimeLocal => time_local_end(line, follows),
            TimeGuard::TimeIso8601 => time_iso_end(line, follows),
        };
        if time_end.is_some_and(|time_end| after.is_none_or(|after| after.stands_at(line, time_end))) {
            return Some(end);
        }
        at = end + 1;
    }
}

/// The first `"` in a value that cannot hold one.
#[inline(always)]
fn swallowed_quote(line: &[u8], at: usize, end: usize, quotes: bool) -> Option<usize> {
    if quotes {
        return None;
    }
    find_byte(b'"', line.get(at..end)?).map(|found| at + found)
}

/// What is missing where a soft value does not end: its literal, or the time after it.
#[cold]
fn soft_miss(literal: &Literal, line: &[u8], at: usize) -> StepMisfit {
    match literal.find(line, at) {
        Some(end) => (end + literal.len(), RejectReason::BadTime),
        None => (at, RejectReason::LiteralMissing),
    }
}

/// To the first `byte`, or else to the next literal (or the line's end), less the `-` of an absent value if `dash`, and
/// less the `*` that is the only target without a `/`.
fn end_before(line: &[u8], at: usize, byte: u8, dash: bool, following: &[PlanStep]) -> usize {
    let literal = following.iter().map(|step| &step.literal).find(|literal| !literal.is_empty());
    let end = literal.and_then(|literal| literal.find(line, at)).unwrap_or(line.len());
    let value = line.get(at..end).unwrap_or_default();
    match memchr::memchr(byte, value) {
        Some(found) => at + found,
        None => end - usize::from(dash && value.ends_with(b"-") || byte == b'/' && value.ends_with(b"*")),
    }
}

fn thousandths_end(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let whole = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = rest.get(whole..whole + 4)?;
    let fits = whole > 0 && matches!(fraction, [b'.', digits @ ..] if digits.iter().all(u8::is_ascii_digit));
    fits.then_some(at + whole + 4)
}
