//! From the spans that a scan found to the values of a record: the best key of each variable, units, epochs, roles.

use super::duration_unit::{split_unit, write_shifted};
use super::json::{self, ValueForm};
use super::json_string::decode;
use super::key_map::KeyTarget;
use super::usual_keys::{ROLES, Role};
use super::{Keyed, KeyedSyntax};
use crate::grammar::line::ValueSpan;
use crate::grammar::variables::DurationUnit;
use crate::grammar::variables::VariableKind;

/// What was found for each variable of a line; kept from line to line for its memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyedValues {
    held: Vec<HeldValue>,
}

#[derive(Debug, Clone, Copy)]
struct HeldValue {
    span: ValueSpan,
    form: ValueForm,
    rank: u8,
    unit: DurationUnit,
}

const NOTHING: HeldValue =
    HeldValue { span: (0, 0), form: ValueForm::Absent, rank: u8::MAX, unit: DurationUnit::Seconds };

impl KeyedValues {
    pub(super) fn begin_line(&mut self, variables: usize) {
        self.held.clear();
        self.held.resize(variables, NOTHING);
    }

    /// A better key wins; the same key again wins too; what is absent only undoes the same key.
    #[inline]
    pub(super) fn hold_value(&mut self, target: KeyTarget, span: ValueSpan, form: ValueForm) {
        let Some(held) = self.held.get_mut(usize::from(target.variable)) else { return };
        if form == ValueForm::Absent {
            if held.rank == target.rank {
                *held = NOTHING;
            }
        } else if target.rank <= held.rank {
            *held = HeldValue { span, form, rank: target.rank, unit: target.unit };
        }
    }

    /// The variables that the line has, and where their values stand in it.
    pub(super) fn logged_spans(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let there = self.held.iter().enumerate().filter(|(_, held)| held.form != ValueForm::Absent);
        there.map(|(variable, held)| (variable, held.span.0 as usize..held.span.1 as usize))
    }

    /// Where in its line the value stands that was put to `span` of the text.
    pub(crate) fn origin_in_line(&self, spans: &[ValueSpan], at: u32) -> Option<u32> {
        let value = spans.iter().position(|span| span.0 <= at && at < span.1)?;
        Some(self.held.get(value)?.span.0)
    }
}

/// The text that values stand in: the line, until the first value has to be written.
struct ValueText<'l, 't> {
    line: &'l [u8],
    copy: &'t mut Vec<u8>,
    copied: bool,
}

impl ValueText<'_, '_> {
    /// The span of what `write` appends; None if it says that it cannot.
    fn write_value(&mut self, write: impl FnOnce(&[u8], &mut Vec<u8>) -> bool) -> Option<ValueSpan> {
        if !self.copied {
            self.copy.clear();
            self.copy.extend_from_slice(self.line);
            self.copied = true;
        }
        let from = self.copy.len();
        if write(self.line, self.copy) {
            return Some((from as u32, self.copy.len() as u32));
        }
        self.copy.truncate(from);
        None
    }

    fn value_at(&self, span: ValueSpan) -> &[u8] {
        let text = if self.copied { self.copy.as_slice() } else { self.line };
        text.get(span.0 as usize..span.1 as usize).unwrap_or_default()
    }

    /// The number at `span`, its point moved.
    fn shift_number(&mut self, span: ValueSpan, places: i32) -> Option<ValueSpan> {
        // Copied to the stack, since writing may move the text.
        let mut number = [0; 48];
        let value = self.value_at(span);
        let length = value.len();
        number.get_mut(..length)?.copy_from_slice(value);
        self.write_value(|_, out| write_shifted(number.get(..length).unwrap_or_default(), -places, out))
    }
}

impl Keyed {
    /// Fills in `spans`; whether they are those of the copy.
    pub(super) fn settle_line(
        &self,
        line: &[u8],
        state: &KeyedValues,
        spans: &mut [ValueSpan],
        copy: &mut Vec<u8>,
    ) -> bool {
        let mut text = ValueText { line, copy, copied: false };
        for ((held, variable), span) in state.held.iter().zip(&self.variables).zip(spans.iter_mut()) {
            *span =
                if held.form == ValueForm::Absent { (0, 0) } else { self.settle_value(held, variable.kind, &mut text) };
        }
        self.mend_request(&text, spans);
        for (role, players) in self.roles.iter().enumerate() {
            let playing = players.iter().filter_map(|&player| spans.get(player)).copied();
            let mut present = playing.filter(|span| span.0 < span.1);
            let chosen = if role == Role::End as usize { find_end(&mut text, present) } else { present.next() };
            if let Some(span) = spans.get_mut(self.variables.len() + role) {
                *span = chosen.unwrap_or((0, 0));
            }
        }
        debug_assert!(spans.len() == self.variables.len() + ROLES.len());
        text.copied
    }

    /// logstash's `request` is the target alone, beside a `verb`. A request line that a stranger made look so has no method.
    fn mend_request(&self, text: &ValueText<'_, '_>, spans: &mut [ValueSpan]) {
        let player = |role: Role| self.roles.get(role as usize).and_then(|players| players.first()).copied();
        let (Some(request), Some(target)) = (player(Role::Request), player(Role::Target)) else { return };
        let present = |span: Option<&ValueSpan>| span.is_some_and(|span| span.0 < span.1);
        if !present(player(Role::Method).and_then(|method| spans.get(method))) || present(spans.get(target)) {
            return;
        }
        let value = spans.get(request).copied().unwrap_or((0, 0));
        if text.value_at(value).first() != Some(&b'/') || memchr::memchr(b' ', text.value_at(value)).is_some() {
            return;
        }
        if let Some(span) = spans.get_mut(target) {
            *span = value;
        }
        if let Some(span) = spans.get_mut(request) {
            *span = (0, 0);
        }
    }

    /// The value of one variable, unescaped and in nginx's own writing.
    fn settle_value(&self, held: &HeldValue, kind: VariableKind, text: &mut ValueText<'_, '_>) -> ValueSpan {
        let raw = (held.span.0 as usize, held.span.1 as usize);
        let listed = held.form == ValueForm::Array && kind != VariableKind::Text;
        let span = match held.form {
            ValueForm::Escaped => text.write_value(|line, out| {
                decode(line.get(raw.0..raw.1).unwrap_or_default(), out);
                true
            }),
            ValueForm::Array if listed => text.write_value(|line, out| {
                json::write_list(line.get(raw.0..raw.1).unwrap_or_default(), out);
                true
            }),
            _ => None,
        };
        let span = span.unwrap_or(held.span);
        let value = text.value_at(span);
        // Only JSON writes numbers so.
        let exponent = self.syntax == KeyedSyntax::Json && value.iter().any(|byte| b"eE".contains(byte));
        let named = matches!(value.last(), Some(b's' | b'c'));
        match kind {
            VariableKind::Seconds if named => match split_unit(value) {
                Some((number, unit)) => {
                    let span = (span.0, span.0 + number.len() as u32);
                    text.shift_number(span, unit.decimal_places()).unwrap_or(span)
                }
                None => mark_unreadable(text, span),
            },
            VariableKind::UpstreamSeconds if held.unit != DurationUnit::Seconds || exponent || named => {
                shift_members(text, span, held.unit).unwrap_or(span)
            }
            VariableKind::Seconds if held.unit != DurationUnit::Seconds => {
                // What is no number stays to be rejected, but never as seconds.
                text.shift_number(span, held.unit.decimal_places()).unwrap_or_else(|| mark_unreadable(text, span))
            }
            VariableKind::Status | VariableKind::Integer if value.contains(&b'.') => {
                text.shift_number(span, 0).unwrap_or(span)
            }
            VariableKind::Seconds
            | VariableKind::Msec
            | VariableKind::Status
            | VariableKind::Integer
            | VariableKind::Decimal
                if exponent =>
            {
                text.shift_number(span, 0).unwrap_or(span)
            }
            _ => span,
        }
    }

    /// How this format's values are escaped beyond the syntax: LTSV is nginx's own writing.
    pub(crate) fn escape(&self) -> crate::grammar::Escape {
        match self.syntax {
            KeyedSyntax::Json => crate::grammar::Escape::None,
            KeyedSyntax::Ltsv => crate::grammar::Escape::Default,
        }
    }
}

/// A value in another unit that is no number: with a mark before it that no number has.
fn mark_unreadable(text: &mut ValueText<'_, '_>, span: ValueSpan) -> ValueSpan {
    let value = text.value_at(span).to_vec();
    let written = text.write_value(|_, out| {
        out.push(b'?');
        out.extend_from_slice(&value);
        true
    });
    written.unwrap_or(span)
}

fn is_of_member(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".+-\xc2\xb5\xce\xbc".contains(&byte)
}

/// How long the first member of a list is, with a unit that a space parts from its number.
fn member_length(list: &[u8]) -> usize {
    let word = |from: usize| list.iter().skip(from).take_while(|byte| is_of_member(**byte)).count();
    let number = word(0);
    match list.get(number..number + 2) {
        Some([b' ', unit]) if unit.is_ascii_alphabetic() || *unit >= 0x80 => number + 1 + word(number + 1),
        _ => number,
    }
}

/// Every member of a list of durations in seconds.
fn shift_members(text: &mut ValueText<'_, '_>, span: ValueSpan, unit: DurationUnit) -> Option<ValueSpan> {
    let list = text.value_at(span).to_vec();
    text.write_value(|_, out| {
        let mut rest = list.as_slice();
        while let Some(&first) = rest.first() {
            if !is_of_member(first) {
                out.push(first);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let length = member_length(rest);
            let (number, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            let (number, unit) = split_unit(number).unwrap_or((number, unit));
            if !write_shifted(number, -unit.decimal_places(), out) {
                out.extend_from_slice(if number == b"-" { b"-" } else { b"?" });
            }
            rest = after;
        }
        true
    })
}

/// The best of the values that looks like a time, else the first of them. An epoch in milliseconds, microseconds or
/// nanoseconds, which its size tells, becomes seconds.
fn find_end(text: &mut ValueText<'_, '_>, present: impl Iterator<Item = ValueSpan>) -> Option<ValueSpan> {
    let mut first = None;
    for span in present {
        // ltsv.org writes `[10/Oct/2000:13:55:36 -0700]`.
        let bracketed = matches!(text.value_at(span), [b'[', .., b']']);
        let span = if bracketed { (span.0 + 1, span.1 - 1) } else { span };
        first.get_or_insert(span);
        let value = text.value_at(span);
        let whole = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (whole, value.get(whole)) {
            // `2026-..T`, `2026/..` and `22/Nov/..`.
            (4, Some(b'-' | b'/')) | (2, Some(b'/')) => return Some(span),
            (9..=10, None | Some(b'.')) => return Some(span),
            (12..=13, None | Some(b'.')) => return text.shift_number(span, 3),
            (15..=16, None | Some(b'.')) => return text.shift_number(span, 6),
            (18..=19, None | Some(b'.')) => return text.shift_number(span, 9),
            _ => {}
        }
    }
    first
}
