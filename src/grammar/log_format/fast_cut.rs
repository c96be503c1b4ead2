//! The way through a line of which it is known where its quotes stand: the hot loop of a block of lines.
//!
//! A format with `n` quotes in its literals, met by a line with `n` quotes, has them where the literals are, if all the
//! literals stand: so no value holds one, and the mark number `n` is where the literal with that quote is. A value before
//! a quote then ends where its mark says, without a search; and a line that holds another mark (a newline, since
//! something is torn) cannot have all the literals. What is wrong with a line that does not fit is for
//! [`Plan::cut`] to say.
//!
//! Values that nobody needs are passed over: no span is left for them, and where the front of the line is text up to a
//! time before a quote (`$remote_addr - $remote_user [$time_local] "`), it is cut from that quote backwards.

use super::cut::soft_end;
use super::cut_rule::{CutRule, PlanStep, TimeGuard};
use super::literal::Literal;
use super::plan::Plan;
use crate::grammar::line::{MAX_LINE, ValueSpan, are_address_bytes, number_length, time_local_at};

/// The bytes of `$time_local`.
const TIME_LOCAL: usize = 26;

/// The compiled way, for the values that are needed.
#[derive(Debug, Clone)]
pub(crate) struct FastCut {
    quotes: usize,
    front: Option<LineFront>,
    strides: Box<[FastStep]>,
}

/// The front of a line, cut backwards: texts that are not needed, then a time, then a literal with a quote.
#[derive(Debug, Clone)]
struct LineFront {
    /// What follows each text; the last of them is before the time.
    literals: Box<[Literal]>,
    /// Where the span of the time goes.
    span: usize,
    /// What follows the time, and where its quote stands in it.
    after: Literal,
    quote: usize,
}

/// One value and the literal after it.
#[derive(Debug, Clone)]
struct FastStep {
    way: FastRule,
    /// Where its span goes; beyond all spans if it is not needed.
    span: usize,
    /// The number of the next mark.
    mark: usize,
    literal: Literal,
    step: usize,
}

/// How the value's end is found.
#[derive(Debug, Clone, Copy)]
enum FastRule {
    /// So many bytes before the mark.
    Mark(usize),
    /// The same, unless a backslash escapes the quote.
    JsonMark(usize),
    /// Digits, with `.` if `dot`, or a single `-`; nothing at all if `empty`.
    Number {
        dot: bool,
        empty: bool,
    },
    /// A list of numbers, mostly one.
    Numbers {
        dot: bool,
    },
    TimeLocal,
    Bytes(usize),
    /// A list of addresses before the mark.
    Addresses,
    /// To the literal, and then what the guard asks for.
    Soft(TimeGuard),
    /// As [`PlanStep::end`] finds it.
    Other,
}

impl FastCut {
    /// The way of `plan`, on which the values of the steps that are `needed` are cut. None if lines of that format do not
    /// have a certain number of quotes.
    pub(crate) fn new(plan: &Plan, needed: impl Fn(usize) -> bool) -> Option<FastCut> {
        let quotes = plan.quotes?;
        let front = LineFront::of(plan, &needed);
        let passed = front.as_ref().map_or(0, |front| front.literals.len() + 1);
        let mut mark = plan.lead_quotes;
        let mut strides = Vec::with_capacity(plan.steps.len());
        for (index, step) in plan.steps.iter().enumerate() {
            if index >= passed {
                let span = if needed(index) { index } else { usize::MAX };
                strides.push(FastStep {
                    way: FastRule::of(step),
                    span,
                    mark,
                    literal: step.literal.clone(),
                    step: index,
                });
            }
            mark += step.quotes;
        }
        Some(FastCut { quotes, front, strides: strides.into() })
    }

    /// How many quotes a line holds that fits.
    pub(crate) fn quote_count(&self) -> usize {
        self.quotes
    }

    /// Cuts `line` (without line end, and without a NUL), whose quotes stand at `marks` less `base`. Whether it fits; if
    /// not, `spans` mean nothing.
    #[inline(always)]
    pub(crate) fn run(&self, plan: &Plan, line: &[u8], marks: &[u32], base: usize, spans: &mut [ValueSpan]) -> bool {
        if marks.len() != self.quotes || line.len() > MAX_LINE {
            return false;
        }
        // A missing mark is one before the line, which no end fits.
        let mark = |number: usize| marks.get(number).map_or(usize::MAX, |&mark| (mark as usize).wrapping_sub(base));
        let start = match &self.front {
            Some(front) => front.run(plan, line, mark(0), spans),
            None => plan.lead.stands_at(line, 0).then(|| plan.lead.len()),
        };
        let Some(mut at) = start else { return false };
        for stride in &self.strides {
            let end = match stride.way {
                FastRule::Mark(offset) => mark(stride.mark).wrapping_sub(offset),
                FastRule::Number { dot, empty } => match number_length(line.get(at..).unwrap_or_default(), dot) {
                    0 if line.get(at) == Some(&b'-') => at + 1,
                    0 if !empty => return false,
                    length => at + length,
                },
                FastRule::Numbers { dot } => {
                    let end = at + number_length(line.get(at..).unwrap_or_default(), dot);
                    // ` : ` would be the list's own.
                    let ends = stride.literal.stands_at(line, end) && line.get(end + 1) != Some(&b':');
                    if ends { end } else { stride.plan_end(plan, line, at) }
                }
                FastRule::TimeLocal if time_local_at(line, at) => at + TIME_LOCAL,
                FastRule::Bytes(count) => at + count,
                FastRule::Addresses => {
                    let end = mark(stride.mark);
                    let value = line.get(at..end).unwrap_or_default();
                    if are_address_bytes(value) || value == b"-" { end } else { stride.plan_end(plan, line, at) }
                }
                FastRule::TimeLocal => return false,
                FastRule::JsonMark(_) | FastRule::Soft(_) | FastRule::Other => {
                    stride.is_found(plan, line, at, mark(stride.mark))
                }
            };
            if end < at || !stride.literal.stands_at(line, end) {
                return false;
            }
            if let Some(span) = spans.get_mut(stride.span) {
                *span = (at as u32, end as u32);
            }
            at = end + stride.literal.len();
        }
        at == line.len()
    }
}

impl LineFront {
    fn of(plan: &Plan, needed: impl Fn(usize) -> bool) -> Option<LineFront> {
        let is_text = |step: &PlanStep| matches!(step.cut, CutRule::Soft { quotes: false, .. });
        let texts = plan.steps.iter().take_while(|step| is_text(step)).count();
        let time = plan.steps.get(texts).filter(|step| matches!(step.cut, CutRule::TimeLocal))?;
        let quote = time.literal.bytes().iter().position(|&byte| byte == b'"')?;
        if plan.lead_quotes > 0 || texts == 0 || (0..texts).any(needed) {
            return None;
        }
        let literals = plan.steps.iter().take(texts).map(|step| step.literal.clone()).collect();
        Some(LineFront { literals, span: texts, after: time.literal.clone(), quote })
    }

    /// Where the front ends, if it fits. Nobody needs to know where its texts part, only that they do.
    #[inline(always)]
    fn run(&self, plan: &Plan, line: &[u8], mark: usize, spans: &mut [ValueSpan]) -> Option<usize> {
        let end = mark.checked_sub(self.quote)?;
        let time = end.checked_sub(TIME_LOCAL)?;
        let fits = plan.lead.stands_at(line, 0) && time_local_at(line, time) && self.after.stands_at(line, end);
        if !fits || !self.texts_part(plan.lead.len(), line, time) {
            return None;
        }
        *spans.get_mut(self.span)? = (time as u32, end as u32);
        Some(end + self.after.len())
    }

    /// Whether `line` up to `time` is the texts with their literals.
    #[inline(always)]
    fn texts_part(&self, lead: usize, line: &[u8], time: usize) -> bool {
        let [first @ .., last] = &*self.literals else { return false };
        let Some(last_at) = time.checked_sub(last.len()) else { return false };
        if !last.stands_at(line, last_at) {
            return false;
        }
        match first {
            [] => last_at >= lead,
            // Mostly the last text is a `-`.
            [only] if last_at > lead + only.len() && only.stands_at(line, last_at - 1 - only.len()) => true,
            several => is_found(several, lead, line, last_at),
        }
    }
}

/// Whether `literals` stand in `line`, one after the other, from `from` on and before `until`.
#[inline(never)]
fn is_found(literals: &[Literal], from: usize, line: &[u8], until: usize) -> bool {
    let front = line.get(..until).unwrap_or_default();
    let end = literals.iter().try_fold(from, |at, literal| Some(literal.find(front, at)? + literal.len()));
    end.is_some_and(|end| end <= until)
}

impl FastStep {
    /// The end of a value that a mark or a length does not tell; the mark bounds it.
    #[inline(never)]
    fn is_found(&self, plan: &Plan, line: &[u8], at: usize, mark: usize) -> usize {
        match self.way {
            FastRule::JsonMark(offset) => {
                let escaped = mark > at && line.get(mark.wrapping_sub(1)) == Some(&b'\\');
                if escaped { NOWHERE } else { mark.wrapping_sub(offset) }
            }
            FastRule::Soft(guard) => {
                let after = plan.steps.get(self.step + 1).map(|step| &step.literal);
                soft_end(&self.literal, line, at, guard, after).filter(|&end| end <= mark).unwrap_or(NOWHERE)
            }
            _ => self.plan_end(plan, line, at),
        }
    }

    #[inline(never)]
    fn plan_end(&self, plan: &Plan, line: &[u8], at: usize) -> usize {
        let step = plan.steps.get(self.step);
        step.and_then(|step| step.value_end(line, at, (&plan.steps, self.step + 1)).ok()).unwrap_or(NOWHERE)
    }
}

/// Whether a list of numbers, whose members are made of the bytes in `table`, goes on with nothing that `literal` begins
/// with: then a number that the literal follows is all of it.
fn ends_a_number(table: &[bool; 256], literal: &[u8]) -> bool {
    let is_member = |byte: u8| table.get(usize::from(byte)) == Some(&true);
    !is_member(b'/') && literal.first().is_some_and(|&first| first != b',' && !is_member(first))
}

/// An end that no literal follows.
const NOWHERE: usize = usize::MAX;

impl FastRule {
    fn of(step: &PlanStep) -> FastRule {
        match &step.cut {
            CutRule::Hard { byte: b'"', at } => FastRule::Mark(*at),
            CutRule::JsonQuote { at } => FastRule::JsonMark(*at),
            CutRule::Number { dot, empty } => FastRule::Number { dot: *dot, empty: *empty },
            CutRule::List(_) if step.quoted => FastRule::Addresses,
            CutRule::List(table) if ends_a_number(table, step.literal.bytes()) => {
                FastRule::Numbers { dot: table.get(usize::from(b'.')) == Some(&true) }
            }
            CutRule::TimeLocal => FastRule::TimeLocal,
            CutRule::Bytes(count) => FastRule::Bytes(*count),
            CutRule::Soft { guard, .. } => FastRule::Soft(*guard),
            _ => FastRule::Other,
        }
    }
}
