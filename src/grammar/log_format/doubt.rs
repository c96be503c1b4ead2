//! Which values of a format may end in several places: decided once, when the format is compiled.
//!
//! A value's end is certain if its own grammar tells it, or if its literal has a byte that no such value holds (a method
//! before a space, any text before a quote with `escape=default`). One text may be uncertain if only times stand behind it
//! up to such a byte (`$remote_user [$time_local] "`): the cut then finds the only place there is. A format with any other text is in doubt, and its lines are cut by [`super::doubtful_cut`].

use super::cut_rule::{CutRule, PlanStep};
use crate::grammar::variables::{
    ByteTable, Escape, ValueShape, Variable, bytes_of_values, is_request_header, is_sent_text, shape_of_value,
};

/// What is known of the values of a format in doubt.
#[derive(Debug, Clone)]
pub(crate) struct CutDoubt {
    pub(super) escape: Escape,
    /// One of each step.
    pub(super) values: Vec<ValueLooks>,
}

/// What the values of a step look like.
#[derive(Debug, Clone)]
pub(super) struct ValueLooks {
    pub(super) shape: ValueShape,
    /// The bytes that may stand in them.
    pub(super) bytes: ByteTable,
    /// Whether they are what a client sends, and may begin with anything.
    sent: bool,
    /// Whether there always is one, whatever its shape says.
    pub(super) always: bool,
    /// Whether they are headers of the request.
    pub(super) header: bool,
    /// Whether such a value ends in one place only.
    pub(super) certain: bool,
}

impl ValueLooks {
    fn may_hold(&self, byte: u8) -> bool {
        self.bytes.get(usize::from(byte)) == Some(&true)
    }
}

impl CutDoubt {
    /// What is known of the values of `steps`, if any of them is in doubt.
    pub(super) fn of_steps(steps: &[PlanStep], variables: &[Variable], escape: Escape) -> Option<CutDoubt> {
        let name = |step: &PlanStep| variables.get(step.variable).map_or("", |variable| variable.name.as_str());
        let looks = |step: &PlanStep| ValueLooks {
            shape: shape_of_value(name(step)),
            bytes: bytes_of_values(name(step), escape),
            sent: is_sent_text(name(step)),
            always: matches!(name(step), "server_port" | "remote_port"),
            header: is_request_header(name(step)),
            certain: false,
        };
        let mut values: Vec<ValueLooks> = steps.iter().map(looks).collect();
        for index in 0..steps.len() {
            let certain = ends_for_certain(steps, &values, index, escape);
            if let Some(value) = values.get_mut(index) {
                value.certain = certain;
            }
        }
        values.iter().any(|value| !value.certain).then_some(CutDoubt { escape, values })
    }
}

/// Whether the value of step `index` ends in one place only, which the cut finds.
fn ends_for_certain(steps: &[PlanStep], values: &[ValueLooks], index: usize, escape: Escape) -> bool {
    let Some(step) = steps.get(index) else { return true };
    let literal = step.literal.bytes();
    match &step.cut {
        CutRule::Soft { fixed, .. } => *fixed || begins_for_certain(steps.get(index..).unwrap_or_default(), escape),
        CutRule::List(members) => list_ends(members, literal, values.get(index + 1)),
        // The next literal bounds both values, where it cannot be in either.
        CutRule::Before { .. } => {
            let following = steps.get(index + 1..).unwrap_or_default();
            let bound = following.iter().map(|step| step.literal.bytes()).find(|literal| !literal.is_empty());
            bound.is_none_or(|literal| literal.iter().any(|&byte| never_in_text(escape, byte)))
        }
        _ => true,
    }
}

/// Whether only times stand behind the first of `steps`, up to a byte that no value holds: they tell where they begin.
fn begins_for_certain(steps: &[PlanStep], escape: Escape) -> bool {
    for next in steps.iter().skip(1) {
        if !matches!(next.cut, CutRule::TimeLocal | CutRule::TimeIso8601) {
            return false;
        }
        if next.literal.bytes().iter().any(|&byte| never_in_text(escape, byte)) {
            return true;
        }
    }
    false
}

/// Whether no text holds such a byte, however it begins. A quote of JSON may be an escaped one.
fn never_in_text(escape: Escape, byte: u8) -> bool {
    match escape {
        Escape::Default => byte == b'"' || byte < b' ',
        Escape::Json => byte < b' ',
        Escape::None => false,
    }
}

/// Whether a list ends before `literal` only where its own grammar ends it: its separators are `, ` and ` : `. What begins
/// as these go on is only looked for in what a client sends.
fn list_ends(members: &[bool; 256], literal: &[u8], next: Option<&ValueLooks>) -> bool {
    let may_begin = |next: &ValueLooks, byte: u8| next.sent && next.may_hold(byte);
    match literal {
        // `: ` would have to follow.
        [b' '] => next.is_none_or(|next| !may_begin(next, b':')),
        [b',', b' ', third, ..] => members.get(usize::from(*third)) == Some(&false),
        [b' ', b':', ..] | [b',', b' '] => false,
        [b','] => next.is_none_or(|next| !may_begin(next, b' ')),
        [b',', second, ..] => members.get(usize::from(*second)) == Some(&false),
        [first, ..] => {
            let in_numbers = first.is_ascii_digit() || b".-".contains(first);
            let in_peers = first.is_ascii_alphanumeric() || b":].-/_".contains(first);
            let of_peers =
                members.get(usize::from(b'/')) == Some(&true) || members.get(usize::from(b'a')) == Some(&true);
            !if of_peers { in_peers } else { in_numbers }
        }
        [] => true,
    }
}
