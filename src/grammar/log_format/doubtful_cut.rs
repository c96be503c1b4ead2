//! Cuts a line of a format in doubt: one way to cut it must give each variable a value that it can have.
//!
//! Mostly the leftmost cut is such a one, and no doubtful value could have ended elsewhere: that is looked for in one pass.
//! Else all cuts are searched, depth first. A place from which the rest of the line was tried from a step on is not tried
//! again, and how many bytes may be looked at is bounded by the line's length: a line that would need more is ambiguous.

use super::cut::soft_end;
use super::cut_rule::{CutRule, PlanStep, TimeGuard};
use super::doubt::CutDoubt;
use super::plan::Plan;
use super::seen_places::SeenPlaces;
use crate::grammar::line::{CutFailure, RejectReason, ValueSpan};
use crate::grammar::variables::shape_fit::{is_absent, is_escaped, is_http_09};
use crate::grammar::variables::{Escape, ValueShape};

/// How many bytes may be looked at in a line: so many of its lengths, and some for short ones.
const LENGTHS_LOOKED_AT: usize = 32;
const ALWAYS_LOOKED_AT: usize = 1024 * 1024;

/// The statuses with which nginx answers what it could not read as a request line.
const STATUSES_OF_NO_REQUEST: [&[u8]; 4] = [b"400", b"408", b"414", b"505"];

/// What `$request` may be. Each is tried in a search of its own; only the first has headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestLooks {
    /// As its shape has it, to the protocol.
    Usual,
    /// `GET target`.
    OfHttp09,
    /// Any other text, which nginx answered as none.
    Unreadable,
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaysToCut {
    None,
    One,
    /// Several, or too many to try; they part in this step.
    Several(usize),
}

impl Plan {
    /// Goes on from the leftmost cut of `line`, which left its spans in `spans` if it is one.
    #[inline(never)]
    pub(super) fn cut_in_doubt(
        &self,
        doubt: &CutDoubt,
        line: &[u8],
        spans: &mut [ValueSpan],
        leftmost: Result<(), CutFailure>,
    ) -> Result<(), CutFailure> {
        let mut search = CutSearch::new(self, doubt, line);
        if leftmost.is_err() || !search.is_only_cut(spans) {
            let first = spans.to_vec();
            match search.all_ways(spans) {
                WaysToCut::One if leftmost.is_err() && self.times_in(line) > 1 => {
                    return Err(CutFailure { step: 0, at: 0, reason: RejectReason::Torn });
                }
                WaysToCut::One => {}
                WaysToCut::Several(step) => {
                    let at = spans.get(step).map_or(0, |span| span.0 as usize);
                    return Err(CutFailure { step, at, reason: RejectReason::Ambiguous });
                }
                WaysToCut::None => {
                    return Err(self.misfit(line, leftmost.map_or_else(|failure| failure, |()| search.misfit(&first))));
                }
            }
        }
        // A second way to read a line may hold spaces at a value's ends; the one that is taken may not.
        if let Some(step) = search.first_untrimmed(spans) {
            let at = spans.get(step).map_or(0, |span| span.0 as usize);
            return Err(CutFailure { step, at, reason: RejectReason::BadValue });
        }
        if self.ends_in_text { self.refuse_glued(line, spans) } else { Ok(()) }
    }
}

/// A search for cuts of one line.
struct CutSearch<'p> {
    plan: &'p Plan,
    doubt: &'p CutDoubt,
    line: &'p [u8],
    request: RequestLooks,
    /// How many bytes may still be looked at.
    left: usize,
    /// For each step from where to where its values were last found to reach.
    reaches: Vec<(usize, usize)>,
}

/// A value of the cut that is tried: where it begins, which end is tried next, and how far it can reach.
#[derive(Debug, Clone, Copy)]
struct TriedValue {
    at: usize,
    from: usize,
    reach: usize,
}

impl<'p> CutSearch<'p> {
    fn new(plan: &'p Plan, doubt: &'p CutDoubt, line: &'p [u8]) -> CutSearch<'p> {
        let left = line.len() * LENGTHS_LOOKED_AT + ALWAYS_LOOKED_AT;
        CutSearch { plan, doubt, line, request: RequestLooks::Usual, left, reaches: Vec::new() }
    }

    /// Whether the leftmost cut, which is `spans`, is one that all shapes allow, and no doubtful value of it could end
    /// elsewhere: another cut would first differ from it in such a value.
    fn is_only_cut(&mut self, spans: &[ValueSpan]) -> bool {
        for (step, &(at, end)) in spans.iter().enumerate() {
            if !self.fits(step, at as usize, end as usize, spans) {
                return false;
            }
        }
        for (step, (&(at, end), looks)) in spans.iter().zip(&self.doubt.values).enumerate() {
            if looks.certain {
                continue;
            }
            let mut value = self.value_at(step, at as usize);
            while let Some(other) = self.next_end(step, &mut value) {
                if other != end as usize && self.goes_on(step, other) {
                    return false;
                }
            }
        }
        self.left > 0
    }

    /// The first value that has a space at an end, which its variable's values have not.
    fn first_untrimmed(&self, spans: &[ValueSpan]) -> Option<usize> {
        spans.iter().zip(&self.doubt.values).position(|(&(at, end), looks)| {
            let value = self.line.get(at as usize..end as usize).unwrap_or_default();
            looks.header && (value.first() == Some(&b' ') || value.last() == Some(&b' '))
        })
    }

    /// Whether the next value could stand behind a value of `step` that ends at `end`.
    fn goes_on(&mut self, step: usize, end: usize) -> bool {
        let Some(place) = self.plan.steps.get(step) else { return false };
        if step + 1 == self.plan.steps.len() {
            return true;
        }
        let mut next = self.value_at(step + 1, end + place.literal.len());
        self.next_end(step + 1, &mut next).is_some()
    }

    /// All cuts of the line that the shapes allow. If there are any, `spans` are one of them.
    fn all_ways(&mut self, spans: &mut [ValueSpan]) -> WaysToCut {
        let mut all = WaysToCut::None;
        let mut others = spans.to_vec();
        for request in [RequestLooks::Usual, RequestLooks::OfHttp09, RequestLooks::Unreadable] {
            if !self.may_have_been(request) {
                continue;
            }
            self.request = request;
            let found = self.ways_to_cut(&mut others);
            match (all, found) {
                (_, WaysToCut::None) => {}
                (WaysToCut::None, found) => {
                    spans.copy_from_slice(&others);
                    all = found;
                }
                (_, _) => {
                    let part = spans.iter().zip(&others).position(|(one, other)| one != other);
                    all = WaysToCut::Several(part.unwrap_or(0));
                }
            }
            if matches!(all, WaysToCut::Several(_)) {
                break;
            }
        }
        all
    }

    /// Whether the line can be one of such a request, as far as that is told without cutting it.
    fn may_have_been(&self, request: RequestLooks) -> bool {
        let has = |shape: ValueShape| self.doubt.values.iter().any(|looks| looks.shape == shape);
        let holds = |text: &[u8]| memchr::memmem::find(self.line, text).is_some();
        match request {
            RequestLooks::Usual => true,
            RequestLooks::OfHttp09 => has(ValueShape::Request) && holds(b"GET "),
            RequestLooks::Unreadable => {
                has(ValueShape::Request)
                    && has(ValueShape::Status)
                    && STATUSES_OF_NO_REQUEST.iter().any(|status| holds(status))
            }
        }
    }

    /// Searches all cuts, until there are two.
    fn ways_to_cut(&mut self, spans: &mut [ValueSpan]) -> WaysToCut {
        let places = self.line.len() + 1;
        let mut seen = SeenPlaces::new(self.plan.steps.len(), places);
        let mut tried: Vec<TriedValue> = Vec::with_capacity(self.plan.steps.len());
        let mut now: Vec<ValueSpan> = vec![(0, 0); spans.len()];
        let mut found = false;
        self.reaches = vec![(1, 0); spans.len()];
        tried.push(self.value_at(0, self.plan.lead.len()));
        while let Some(step) = tried.len().checked_sub(1) {
            let (Some(value), Some(place)) = (tried.last_mut(), self.plan.steps.get(step)) else { break };
            let at = value.at;
            let end = self.next_end(step, value);
            if self.left == 0 {
                return WaysToCut::Several(if found { first_difference(spans, &now, step) } else { step });
            }
            let Some(end) = end else {
                tried.pop();
                continue;
            };
            if !self.fits(step, at, end, &now) {
                continue;
            }
            if let Some(span) = now.get_mut(step) {
                *span = (at as u32, end as u32);
            }
            let follows = end + place.literal.len();
            let last = step + 1 == self.plan.steps.len();
            let known_to_fit = found && !last && spans.get(step + 1).is_some_and(|span| span.0 as usize == follows);
            if found && last || known_to_fit {
                return WaysToCut::Several(first_difference(spans, &now, step));
            }
            if last {
                found = true;
                spans.copy_from_slice(&now);
            } else if seen.is_new(step + 1, follows) {
                let next = self.value_at(step + 1, follows);
                tried.push(next);
            }
        }
        if found { WaysToCut::One } else { WaysToCut::None }
    }

    /// The value of `step` that begins at `at`, before an end of it was tried.
    fn value_at(&mut self, step: usize, at: usize) -> TriedValue {
        self.left = self.left.saturating_sub(1);
        if let Some(&(from, reach)) = self.reaches.get(step)
            && from <= at
            && at <= reach
        {
            return TriedValue { at, from: at, reach };
        }
        let rest = self.line.get(at..).unwrap_or_default();
        let table = self.doubt.values.get(step).map(|looks| &looks.bytes);
        let stops = |&byte: &u8| table.is_none_or(|table| table.get(usize::from(byte)) != Some(&true));
        let length = rest.iter().position(stops).unwrap_or(rest.len());
        self.left = self.left.saturating_sub(length);
        // Only where cuts are searched there is room.
        if let Some(known) = self.reaches.get_mut(step) {
            *known = (at, at + length);
        }
        TriedValue { at, from: at, reach: at + length }
    }

    /// The next place where a value of `step` may end: the literal stands there, or what its kind asks for.
    fn next_end(&mut self, step: usize, value: &mut TriedValue) -> Option<usize> {
        let place = self.plan.steps.get(step)?;
        let end = self.end_from(step, place, value)?;
        self.left = self.left.saturating_sub(end.saturating_sub(value.from) + 1);
        value.from = end + 1;
        Some(end)
    }

    fn is_certain(&self, step: usize) -> bool {
        self.doubt.values.get(step).is_some_and(|looks| looks.certain)
    }

    fn end_from(&self, step: usize, place: &PlanStep, value: &TriedValue) -> Option<usize> {
        let line = self.line;
        let ends = |end: usize| end >= value.from && end <= value.reach && place.literal.stands_at(line, end);
        match &place.cut {
            CutRule::Soft { .. } | CutRule::List(_) | CutRule::Rest(_) if step + 1 == self.plan.steps.len() => {
                line.len().checked_sub(place.literal.len()).filter(|&end| ends(end))
            }
            CutRule::Soft { guard, .. } => self.soft_end_from(place, value, *guard),
            CutRule::List(_) if !self.is_certain(step) => self.soft_end_from(place, value, TimeGuard::Nothing),
            CutRule::Before { byte, dash } => self.end_before_next(step, value, *byte, *dash),
            _ => {
                let end = place.value_end(line, value.at, (&self.plan.steps, step + 1)).ok();
                // The last value may be all that is left, but not less.
                let last = step + 1 == self.plan.steps.len();
                end.filter(|&end| end >= value.from && (!last || end + place.literal.len() == line.len()))
            }
        }
    }

    /// A place where the literal stands, followed by what the guard asks for.
    fn soft_end_from(&self, place: &PlanStep, value: &TriedValue, guard: TimeGuard) -> Option<usize> {
        // A time that is asked for is looked at beyond the value's reach.
        let until = value.reach + place.literal.len() + if guard == TimeGuard::Nothing { 0 } else { 40 };
        let line = self.line.get(..until).unwrap_or(self.line);
        soft_end(&place.literal, line, value.from, guard, None).filter(|&end| end <= value.reach)
    }

    /// An end of a value that another follows directly, at the first `byte`; or the other is absent, or `*`.
    fn end_before_next(&self, step: usize, value: &TriedValue, byte: u8, dash: bool) -> Option<usize> {
        let following = self.plan.steps.get(step + 1..)?;
        let after = following.iter().map(|step| &step.literal).find(|literal| !literal.is_empty());
        let stands = |at: usize| after.map_or(at == self.line.len(), |after| after.stands_at(self.line, at));
        let first =
            memchr::memchr(byte, self.line.get(value.at..)?).map_or(self.line.len(), |length| value.at + length);
        (value.from..=value.reach.min(first)).find(|&end| {
            let next = self.line.get(end).copied();
            next == Some(byte)
                || (dash && next == Some(b'-') && stands(end + 1))
                || (byte == b'/' && next == Some(b'*') && stands(end + 1))
                || (!dash && stands(end))
        })
    }

    /// Whether `line[at..end]` is a value that the variable of `step` can have. `before` are the values before it.
    fn fits(&mut self, step: usize, at: usize, end: usize, before: &[ValueSpan]) -> bool {
        let (Some(looks), Some(place)) = (self.doubt.values.get(step), self.plan.steps.get(step)) else { return false };
        let Some(value) = self.line.get(at..end) else { return false };
        self.left = self.left.saturating_sub(value.len() + 1);
        let escape = self.doubt.escape;
        if matches!(place.cut, CutRule::IsArgs) {
            return true;
        }
        // Without a `?` there are no arguments.
        let is_nothing = |step: usize| before.get(step).is_some_and(|(from, until)| from == until);
        let after_args =
            |step: &usize| self.plan.steps.get(*step).is_some_and(|step| matches!(step.cut, CutRule::IsArgs));
        if step.checked_sub(1).filter(after_args).is_some_and(is_nothing) {
            return is_absent(escape, value);
        }
        if looks.header && self.request != RequestLooks::Usual {
            return is_absent(escape, value);
        }
        match (looks.shape, self.request) {
            (ValueShape::Request, RequestLooks::Usual) => looks.shape.fits(escape, value) && !is_http_09(escape, value),
            (ValueShape::Request, RequestLooks::OfHttp09) => is_http_09(escape, value),
            (ValueShape::Request, RequestLooks::Unreadable) => {
                !looks.shape.fits(escape, value) && is_escaped(escape, value)
            }
            (ValueShape::Status, RequestLooks::Unreadable) => STATUSES_OF_NO_REQUEST.contains(&value),
            // A byte that some other variable of this shape may have.
            (ValueShape::Text, _) if value.iter().any(|byte| looks.bytes.get(usize::from(*byte)) != Some(&true)) => {
                false
            }
            (ValueShape::Port, _) => {
                value.len() <= 5 && value.iter().all(u8::is_ascii_digit) || !looks.always && is_absent(escape, value)
            }
            (ValueShape::Host, _) => is_host(escape, value) || is_absent(escape, value),
            (ValueShape::Target, _) => is_target(escape, value),
            (ValueShape::Protocol, _) if is_absent(escape, value) => self.has_no_request(step, before),
            // nginx writes it behind the last member where a redirect reached no upstream.
            (shape, _) if shape.is_list() => {
                let members = value.strip_suffix(b" : ").filter(|members| !members.is_empty());
                let commas = place.bare_commas || !has_bare_comma(value);
                commas && place.may_hold_members(value) && shape.fits(escape, members.unwrap_or(value))
            }
            (shape, _) => shape.fits(escape, value),
        }
    }

    /// Whether the method or target before `step`, whose values are `before`, is absent too: then there was no request.
    fn has_no_request(&self, step: usize, before: &[ValueSpan]) -> bool {
        before.iter().zip(&self.doubt.values).take(step).any(|(&(at, end), looks)| {
            let value = self.line.get(at as usize..end as usize).unwrap_or_default();
            matches!(looks.shape, ValueShape::Method | ValueShape::Target) && is_absent(self.doubt.escape, value)
        })
    }

    /// Why the leftmost cut, whose values fit their kinds, is none: its first value that does not fit its variable.
    fn misfit(&mut self, spans: &[ValueSpan]) -> CutFailure {
        self.request = RequestLooks::Usual;
        let steps = spans.iter().enumerate();
        for (step, &(at, end)) in steps {
            if !self.fits(step, at as usize, end as usize, spans) {
                return CutFailure { step, at: at as usize, reason: RejectReason::BadValue };
            }
        }
        CutFailure { step: 0, at: 0, reason: RejectReason::BadValue }
    }
}

/// Whether a comma in the list has no space behind it.
fn has_bare_comma(list: &[u8]) -> bool {
    memchr::memchr_iter(b',', list).any(|at| list.get(at + 1) != Some(&b' '))
}

/// Whether a host stands there: without a space and without a `/`; before a port stands a name.
fn is_host(escape: Escape, value: &[u8]) -> bool {
    let of_host = |byte: &u8| *byte > b' ' && !matches!(byte, b'/' | 0x7F);
    !value.is_empty() && value.first() != Some(&b':') && value.iter().all(of_host) && is_escaped(escape, value)
}

/// Whether a target stands there, as a client can send it.
fn is_target(escape: Escape, value: &[u8]) -> bool {
    let begins = [&b"/"[..], b"http://", b"https://"].iter().any(|begin| value.starts_with(begin));
    begins && is_escaped(escape, value) || value == b"*" || is_absent(escape, value)
}

/// The first step whose values differ in two cuts; `step` if they do not up to it.
fn first_difference(one: &[ValueSpan], other: &[ValueSpan], step: usize) -> usize {
    one.iter().zip(other).take(step).position(|(one, other)| one != other).unwrap_or(step)
}
