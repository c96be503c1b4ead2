//! A step of a plan: one variable, how its value ends, and the literal behind it.

use super::last_value::LastValue;
use super::literal::Literal;
use crate::grammar::variables::ByteTable;

/// How the value of one variable ends.
#[derive(Debug, Clone)]
pub(crate) enum CutRule {
    /// 26 bytes of `$time_local`.
    TimeLocal,
    /// The shape of `$time_iso8601`.
    TimeIso8601,
    /// Digits, with `.` if `dot`, or a single `-`; nothing at all if `empty`.
    Number { dot: bool, empty: bool },
    /// Digits, `.` and three digits more: self-delimiting.
    Thousandths,
    /// That many bytes.
    Bytes(usize),
    /// An upstream list whose members are made of the bytes of the table.
    List(ByteTable),
    /// To the next such byte, which stands `at` bytes into the literal and never in a value.
    Hard { byte: u8, at: usize },
    /// To the next `"` that no backslash escapes, which stands `at` bytes into the literal.
    JsonQuote { at: usize },
    /// To the leftmost literal from which the rest fits; a time of that shape follows it. Unless `quotes`, a `"` cannot
    /// be in the value: one shows that the line swallowed the rest of another. If `fixed`, no value holds the literal.
    Soft { guard: TimeGuard, quotes: bool, fixed: bool },
    /// To the first such byte, or else to where the next variable ends; there, an absent one left a `-` if `dash`.
    Before { byte: u8, dash: bool },
    /// `$is_args`: `?` or nothing.
    IsArgs,
    /// To the end of the line, or of what its values can be.
    Rest(LastValue),
}

/// What a soft literal must be followed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeGuard {
    Nothing,
    TimeLocal,
    TimeIso8601,
}

/// One variable and the literal after it.
#[derive(Debug, Clone)]
pub(crate) struct PlanStep {
    pub(crate) variable: usize,
    pub(crate) cut: CutRule,
    pub(crate) literal: Literal,
    /// How many `"` the literal holds.
    pub(crate) quotes: usize,
    /// Whether the cut is a list of addresses and the literal begins with a `"`.
    pub(crate) quoted: bool,
    /// Whether a `,` without a space may separate the members of a list: not if the literal begins with one.
    pub(crate) bare_commas: bool,
}

impl PlanStep {
    /// Whether the bytes of a list are those of its members, and of what separates them.
    pub(super) fn may_hold_members(&self, list: &[u8]) -> bool {
        let CutRule::List(members) = &self.cut else { return true };
        list.iter().all(|&byte| b", :".contains(&byte) || members.get(usize::from(byte)) == Some(&true))
    }
}
