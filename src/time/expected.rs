//! The parse error of the small grammars of time: what was expected, and where the text went wrong.

use std::str::FromStr;

use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Parser};

/// What a parser expected, and the text that it found instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected<'a> {
    /// The text from the place of the mistake to the end.
    pub(super) rest: &'a str,
    /// What should have stood there; empty until [`expecting`] names it.
    pub(super) what: &'static str,
}

/// What the parsers of this module return.
pub(super) type Parsed<'a, O> = IResult<&'a str, O, Expected<'a>>;

impl<'a> ParseError<&'a str> for Expected<'a> {
    fn from_error_kind(rest: &'a str, _: ErrorKind) -> Expected<'a> {
        Expected { rest, what: "" }
    }

    fn append(_: &'a str, _: ErrorKind, other: Expected<'a>) -> Expected<'a> {
        other
    }

    /// Of two alternatives that failed, the one that got further explains the mistake better.
    fn or(self, other: Expected<'a>) -> Expected<'a> {
        if other.rest.len() < self.rest.len() { other } else { self }
    }
}

/// `parser`, whose failures say that `what` was expected, unless a part of it already said something more exact.
pub(super) fn expecting<'a, O>(
    what: &'static str,
    mut parser: impl Parser<&'a str, Output = O, Error = Expected<'a>>,
) -> impl Parser<&'a str, Output = O, Error = Expected<'a>> {
    move |input: &'a str| match parser.parse(input) {
        Err(error) => Err(name_expected(error, what)),
        parsed => parsed,
    }
}

/// The error, with `what` where nothing was named yet. Whether other alternatives may still be tried stays as it is.
fn name_expected<'a>(error: nom::Err<Expected<'a>>, what: &'static str) -> nom::Err<Expected<'a>> {
    match error {
        nom::Err::Error(unnamed) if unnamed.what.is_empty() => nom::Err::Error(Expected { what, ..unnamed }),
        nom::Err::Failure(unnamed) if unnamed.what.is_empty() => nom::Err::Failure(Expected { what, ..unnamed }),
        named => named,
    }
}

/// The end of a parser whose text has the right shape: what the text means, or a mistake at `input` if it means nothing
/// (a date that does not exist). Other alternatives are then tried; [`expecting`] names the mistake.
pub(super) fn existing<'a, O>(input: &'a str, rest: &'a str, meant: Option<O>) -> Parsed<'a, O> {
    match meant {
        Some(meant) => Ok((rest, meant)),
        None => Err(nom::Err::Error(Expected { rest: input, what: "" })),
    }
}

/// Digits as a number; None if it does not fit.
pub(super) fn parse_whole<N: FromStr>(digits: &str) -> Option<N> {
    digits.parse().ok()
}

/// A mistake at `rest` that no alternative can mend.
pub(super) fn wrong<'a, O>(rest: &'a str, what: &'static str) -> Parsed<'a, O> {
    Err(nom::Err::Failure(Expected { rest, what }))
}

/// What failed, and how many bytes before the end of the text.
pub(super) fn failure(error: nom::Err<Expected<'_>>) -> (usize, &'static str) {
    match error {
        nom::Err::Error(e) | nom::Err::Failure(e) => (e.rest.len(), e.what),
        nom::Err::Incomplete(_) => (0, "more"),
    }
}
