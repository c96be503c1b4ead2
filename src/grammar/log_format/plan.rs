//! A compiled log_format: how each variable of it is cut out of a line.
//!
//! The cutting rule. A variable runs to the literal that follows it, and each kind knows how it ends:
//!
//! - times have a fixed shape, numbers end at the first byte that is no digit (or `.`), upstream lists end by nginx's
//!   own list grammar (`ngx_http_upstream_*_variable`: `, ` between attempts, ` : ` between redirects). A format in which
//!   such a value may hold what stands after it is refused;
//! - the members of a list may be separated by a bare `,` too, as some who write logs anew do, unless the literal after
//!   the list begins with one;
//! - text ends at the literal's first *hard* byte, one that nginx escapes in values: `"`, control bytes and bytes from
//!   0x7F on with `escape=default`, an unescaped `"` and control bytes with `escape=json`. The rest of the literal must
//!   stand around it, or the line is rejected: nothing is guessed;
//! - text before a *soft* literal (no hard byte in it, as in `$remote_user [$time_local]`, or anything with
//!   `escape=none`) ends at the leftmost place from which the rest of the line fits. Where a time follows, its shape is
//!   asked at once; otherwise at most [`RETRIES`](super::cut) other places are tried, so that cutting stays linear. With
//!   `escape=default` such a value never holds a `"`; a line that would need one is torn;
//! - the last variable, if no literal follows, runs to the end of the line, as far as its bytes may stand in its values.
//!
//! Where a soft literal may stand in the very value that it ends (`$http_user_agent $request $status`), what is leftmost
//! says nothing: of such a format ([`CutDoubt`]) a line is only read if one way to cut it gives each variable a value that it
//! can have ([`ValueShape`](crate::grammar::variables::ValueShape)). None or several: the line is rejected.

use std::ops::Range;

use super::cut_rule::{CutRule, PlanStep, TimeGuard};
use super::doubt::CutDoubt;
use super::last_value::LastValue;
use super::literal::Literal;
use super::text::{FormatPiece, PieceContent};
use crate::grammar::format_error::{FormatError, show_control_bytes};
use crate::grammar::variables::{Escape, Variable, VariableKind, byte_table, bytes_of_values};

/// A compiled format.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The literal before the first variable.
    pub(crate) lead: Literal,
    /// How many `"` the lead holds.
    pub(crate) lead_quotes: usize,
    /// How many `"` a line holds whose values hold none; None where they may hold any, where the line's end is not the
    /// literal's, or where the format is in doubt.
    pub(crate) quotes: Option<usize>,
    /// How many `"` the literals hold, if no value can hold one and the end of some value does not show it.
    pub(crate) literal_quotes: Option<usize>,
    pub(crate) steps: Vec<PlanStep>,
    /// How many spaces the format's text ends in; a line may end in as many or fewer.
    pub(crate) trailing_spaces: usize,
    /// Whether values are written as they are, with `escape=none`.
    pub(crate) raw: bool,
    /// What only the start of another line looks like, if the format has a time.
    pub(crate) mark: Option<TimeMark>,
    /// Whether the last variable is text that runs to the end of the line.
    pub(crate) ends_in_text: bool,
    /// What there is to know of the values, if a line may seem to have several ways to be read.
    pub(crate) doubt: Option<CutDoubt>,
}

impl Plan {
    /// The plan of a format that is not cut by position.
    pub(crate) fn none() -> Plan {
        Plan {
            lead: Literal::new(b""),
            lead_quotes: 0,
            quotes: None,
            literal_quotes: None,
            steps: Vec::new(),
            trailing_spaces: 0,
            raw: false,
            mark: None,
            ends_in_text: false,
            doubt: None,
        }
    }
}

/// A time between the literals that the format has around it. A line that holds two is two lines glued together.
#[derive(Debug, Clone)]
pub(crate) struct TimeMark {
    pub(crate) iso: bool,
    pub(crate) before: Box<[u8]>,
    pub(crate) after: Box<[u8]>,
}

/// A variable of the text with what surrounds it.
struct VariablePlace<'t> {
    name: &'t str,
    span: Range<usize>,
    variable: usize,
    kind: VariableKind,
    literal: Vec<u8>,
}

/// Compiles the pieces of `text`.
pub(crate) fn compile(
    text: &str,
    pieces: &[FormatPiece],
    escape: Escape,
) -> Result<(Plan, Vec<Variable>), FormatError> {
    let (mut lead, mut places, variables) = place_variables(text, pieces)?;
    let last = places.last_mut().map_or(&mut lead, |place| &mut place.literal);
    if last.last() == Some(&b'\r') {
        // It is taken for half of the line's end.
        last.pop();
    }
    let kept = last.len() - last.iter().rev().take_while(|&&byte| byte == b' ').count();
    let trailing_spaces = last.len() - kept;
    last.truncate(kept);
    let mut steps = Vec::with_capacity(places.len());
    for (index, place) in places.iter().enumerate() {
        let next = places.get(index + 1);
        ends_where_it_seems(text, places.get(index..).unwrap_or_default())?;
        let cut = match next {
            Some(next) if place.literal.is_empty() => cut_adjacent(text, place, next, escape)?,
            None if place.literal.is_empty() => last_cut(place, escape),
            _ => cut_before_literal(place, escape, next.map(|next| next.kind)),
        };
        let cut = if place.name == "is_args" { CutRule::IsArgs } else { cut };
        let literal = place.literal.as_slice();
        let quotes = quotes_in(literal);
        let quoted = place.kind == VariableKind::UpstreamAddrs && literal.starts_with(b"\"");
        let bare_commas = match (&cut, literal) {
            (CutRule::List(_), [b',']) => false,
            (CutRule::List(members), [b',', after, ..]) => members.get(usize::from(*after)) == Some(&false),
            _ => true,
        };
        steps.push(PlanStep {
            variable: place.variable,
            cut,
            literal: Literal::new(literal),
            quotes,
            quoted,
            bare_commas,
        });
    }
    let mark = time_mark(&lead, &places);
    let ends_in_text = places
        .last()
        .is_some_and(|last| last.literal.is_empty() && matches!(last.kind, VariableKind::Request | VariableKind::Text));
    let doubt = CutDoubt::of_steps(&steps, &variables, escape);
    let raw = escape == Escape::None;
    let lead_quotes = quotes_in(&lead);
    let all_quotes = lead_quotes + steps.iter().map(|step| step.quotes).sum::<usize>();
    let quotes = (!raw && !ends_in_text && trailing_spaces == 0 && doubt.is_none()).then_some(all_quotes);
    let literal_quotes = (escape == Escape::Default && steps.iter().any(may_run_over_quote)).then_some(all_quotes);
    let lead = Literal::new(&lead);
    Ok((
        Plan { lead, lead_quotes, quotes, literal_quotes, steps, trailing_spaces, raw, mark, ends_in_text, doubt },
        variables,
    ))
}

/// Whether a cut may take a `"` for a part of a value: where it looks for another byte. Most look for the quote itself.
fn may_run_over_quote(step: &PlanStep) -> bool {
    match step.cut {
        CutRule::Hard { byte, .. } => byte != b'"',
        CutRule::Before { .. } | CutRule::Rest(_) => true,
        _ => false,
    }
}

fn quotes_in(literal: &[u8]) -> usize {
    literal.iter().filter(|&&byte| byte == b'"').count()
}

fn time_mark(lead: &[u8], places: &[VariablePlace<'_>]) -> Option<TimeMark> {
    let index =
        places.iter().position(|place| matches!(place.kind, VariableKind::TimeLocal | VariableKind::TimeIso8601))?;
    let place = places.get(index)?;
    let before = index.checked_sub(1).and_then(|before| places.get(before)).map_or(lead, |before| &before.literal);
    if before.is_empty() && place.literal.is_empty() {
        return None;
    }
    let iso = place.kind == VariableKind::TimeIso8601;
    Some(TimeMark { iso, before: before.into(), after: place.literal.as_slice().into() })
}

type PlacedVariables<'t> = (Vec<u8>, Vec<VariablePlace<'t>>, Vec<Variable>);

/// Pairs each variable with the literal after it.
fn place_variables<'t>(text: &str, pieces: &'t [FormatPiece]) -> Result<PlacedVariables<'t>, FormatError> {
    let mut lead = Vec::new();
    let mut places: Vec<VariablePlace<'t>> = Vec::new();
    let mut variables: Vec<Variable> = Vec::new();
    for piece in pieces {
        match &piece.what {
            PieceContent::Literal(literal) => {
                if let Some(at) = literal.find(['\n', '\0']) {
                    let (reason, remedy) = match literal.as_bytes().get(at) {
                        Some(0) => ("a NUL byte, which marks torn lines", "leave it out"),
                        _ => (
                            "a record of this format spans several lines",
                            "log one line a request: replace the newline, for example by a tab",
                        ),
                    };
                    let at = piece.span.start + at;
                    return Err(FormatError::new(text, at..at + 1, reason, remedy));
                }
                places.last_mut().map_or(&mut lead, |place| &mut place.literal).extend_from_slice(literal.as_bytes());
            }
            PieceContent::Variable(name) => {
                let kind = VariableKind::of_name(name);
                let variable = variables.iter().position(|known| known.name == *name).unwrap_or_else(|| {
                    variables.push(Variable { name: name.clone(), kind });
                    variables.len() - 1
                });
                places.push(VariablePlace { name, span: piece.span.clone(), variable, kind, literal: Vec::new() });
            }
        }
    }
    if places.is_empty() {
        return Err(FormatError::new(text, 0..text.len(), "a format without variables", "name the variables to log"));
    }
    Ok((lead, places, variables))
}

/// Refuses the first of `places` if its value may hold what the format has after it, such as a number before a digit.
fn ends_where_it_seems(text: &str, places: &[VariablePlace<'_>]) -> Result<(), FormatError> {
    let [place, following @ ..] = places else { return Ok(()) };
    let next = following.first();
    let literal = place.literal.as_slice();
    let Some(&first) = literal.first() else { return Ok(()) };
    let numeric = |byte: &u8| byte.is_ascii_digit() || b".-".contains(byte);
    let told = match place.kind {
        VariableKind::Integer | VariableKind::Port => !first.is_ascii_digit(),
        VariableKind::Decimal => !first.is_ascii_digit() && first != b'.',
        VariableKind::UpstreamSeconds | VariableKind::UpstreamInts | VariableKind::UpstreamAddrs => {
            let member = |byte: &u8| match place.kind {
                VariableKind::UpstreamAddrs => byte.is_ascii_alphanumeric() || b":].-/_".contains(byte),
                _ => numeric(byte),
            };
            let separator = next.is_some() && matches!(literal, b", " | b" : " | b" :");
            // A count before something else holds no such literal: the list ends at the last one.
            let counted = match following {
                [] => true,
                [next, after @ ..] => {
                    let goes_on = |byte| member(byte) || *byte == b',' || next.literal.starts_with(b" :");
                    let apart = next.literal.first().map_or(after.is_empty(), |byte| !goes_on(byte));
                    let count = matches!(next.kind, VariableKind::Status | VariableKind::Integer);
                    count && apart && !literal.iter().all(numeric)
                }
            };
            !separator && (counted || !literal.iter().all(member))
        }
        _ => true,
    };
    if told {
        return Ok(());
    }
    let shown = show_control_bytes(literal);
    let end = next.map_or(place.span.end + literal.len(), |next| next.span.start);
    Err(FormatError::new(
        text,
        place.span.start..end,
        format!("nothing tells where ${} ends: `{shown}` may stand in its own value", place.name),
        "put a quote, a tab or a single space after it",
    ))
}

/// The cut of a variable that another follows directly.
fn cut_adjacent(
    text: &str,
    place: &VariablePlace<'_>,
    next: &VariablePlace<'_>,
    escape: Escape,
) -> Result<CutRule, FormatError> {
    const HOSTS: [&str; 7] =
        ["host", "http_host", "server_name", "proxy_host", "upstream_host", "server_addr", "server_port"];
    const PATHS: [&str; 4] = ["request_uri", "uri", "document_uri", "upstream_uri"];
    Ok(match place.kind {
        VariableKind::TimeLocal => CutRule::TimeLocal,
        VariableKind::TimeIso8601 => CutRule::TimeIso8601,
        VariableKind::Status => CutRule::Bytes(3),
        VariableKind::Pipe => CutRule::Bytes(1),
        VariableKind::Seconds | VariableKind::Msec => CutRule::Thousandths,
        // A host holds no `/`, and a path starts with one.
        _ if HOSTS.contains(&place.name) && PATHS.contains(&next.name) => {
            CutRule::Before { byte: b'/', dash: escape == Escape::Default }
        }
        // `$uri$is_args$args` (absent arguments are `-` by default): the leftmost `?` starts the arguments, though a decoded path may hold one too.
        _ if next.name == "is_args" => CutRule::Before { byte: b'?', dash: escape == Escape::Default },
        _ if place.name == "is_args" => CutRule::IsArgs,
        _ => {
            return Err(FormatError::new(
                text,
                place.span.start..next.span.end,
                format!("nothing tells where ${} ends and ${} begins", place.name, next.name),
                "put a literal between them, such as a space or a quote",
            ));
        }
    })
}

/// The cut of the last variable, where the format ends with it.
fn last_cut(place: &VariablePlace<'_>, escape: Escape) -> CutRule {
    let by_kind = match place.kind {
        VariableKind::Request | VariableKind::Text | VariableKind::Pipe | VariableKind::Token => None,
        kind => cut_by_kind(kind, &[], escape),
    };
    by_kind.unwrap_or_else(|| CutRule::Rest(LastValue::of_variable(place.name, escape)))
}

/// The cut of a variable that `literal` follows.
fn cut_before_literal(place: &VariablePlace<'_>, escape: Escape, next: Option<VariableKind>) -> CutRule {
    let literal = place.literal.as_slice();
    if let Some(cut) = cut_by_kind(place.kind, literal, escape) {
        return cut;
    }
    let hard = match escape {
        Escape::Default => literal.iter().position(|&byte| byte == b'"' || !(0x20..0x7F).contains(&byte)),
        Escape::Json => literal.iter().position(|&byte| byte == b'"' || byte < 0x20),
        Escape::None => None,
    };
    match hard.and_then(|at| literal.get(at).map(|&byte| (at, byte))) {
        Some((at, b'"')) if escape == Escape::Json => CutRule::JsonQuote { at },
        Some((at, byte)) => CutRule::Hard { byte, at },
        None => {
            let guard = match next {
                Some(VariableKind::TimeLocal) => TimeGuard::TimeLocal,
                Some(VariableKind::TimeIso8601) => TimeGuard::TimeIso8601,
                _ => TimeGuard::Nothing,
            };
            let table = bytes_of_values(place.name, escape);
            let fixed = literal.iter().any(|&byte| table.get(usize::from(byte)) == Some(&false));
            CutRule::Soft { guard, quotes: escape != Escape::Default, fixed }
        }
    }
}

/// The cut of a kind that ends by its own grammar.
fn cut_by_kind(kind: VariableKind, literal: &[u8], escape: Escape) -> Option<CutRule> {
    let empty = escape != Escape::Default;
    Some(match kind {
        VariableKind::TimeLocal => CutRule::TimeLocal,
        VariableKind::TimeIso8601 => CutRule::TimeIso8601,
        // Without their fixed shape they would take the literal for more of themselves.
        VariableKind::Msec | VariableKind::Seconds
            if literal.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') =>
        {
            CutRule::Thousandths
        }
        VariableKind::Status if literal.first().is_some_and(u8::is_ascii_digit) => CutRule::Bytes(3),
        VariableKind::Msec | VariableKind::Seconds | VariableKind::Decimal => CutRule::Number { dot: true, empty },
        VariableKind::Status | VariableKind::Integer => CutRule::Number { dot: false, empty },
        // A client on a unix socket has none.
        VariableKind::Port => CutRule::Number { dot: false, empty: true },
        VariableKind::UpstreamSeconds => {
            CutRule::List(byte_table(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-'))
        }
        VariableKind::UpstreamInts => CutRule::List(byte_table(|byte| byte.is_ascii_digit() || byte == b'-')),
        VariableKind::UpstreamAddrs => {
            // Bytes that addresses use (`[::1]:80`, `unix:/run/a.sock`) stay members although the literal starts with
            // one; where that takes too much, the cutter goes back to the literal.
            let stop =
                literal.first().copied().filter(|byte| !byte.is_ascii_alphanumeric() && !b":].-/_".contains(byte));
            CutRule::List(byte_table(|byte| byte > b' ' && !b",\"".contains(&byte) && Some(byte) != stop))
        }
        VariableKind::Pipe if !literal.is_empty() => CutRule::Bytes(1),
        _ => return None,
    })
}
