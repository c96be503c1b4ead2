//! The text of a log_format, `$remote_addr - "$request" ${status}`, taken apart into literals and variables.
//!
//! The rules are those of `ngx_http_log_compile_format` (ngx_http_log_module.c): a variable's name is made of letters,
//! digits and `_`; a `$` that no name follows is an error, there is no escape for it; all else is literal.

use std::ops::Range;

use crate::grammar::format_error::FormatError;
use crate::grammar::variables::is_name_byte;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till1, take_while1};
use nom::combinator::map;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

/// A piece of the text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormatPiece {
    pub(crate) what: PieceContent,
    pub(crate) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PieceContent {
    Literal(String),
    /// The name in lower case: nginx lowers it too (`ngx_http_get_variable_index`).
    Variable(String),
}

fn parse_name(input: &str) -> IResult<&str, &str> {
    take_while1(|c: char| c.is_ascii_alphanumeric() || c == '_').parse(input)
}

fn parse_variable(input: &str) -> IResult<&str, PieceContent> {
    map(alt((delimited(tag("${"), parse_name, tag("}")), preceded(tag("$"), parse_name))), |name: &str| {
        PieceContent::Variable(name.to_ascii_lowercase())
    })
    .parse(input)
}

fn parse_literal(input: &str) -> IResult<&str, PieceContent> {
    map(take_till1(|c| c == '$'), |text: &str| PieceContent::Literal(text.to_owned())).parse(input)
}

/// The pieces of `text`, in order; neighbouring literals do not occur.
pub(crate) fn split_pieces(text: &str) -> Result<Vec<FormatPiece>, FormatError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        match alt((parse_variable, parse_literal)).parse(rest) {
            Ok((after, what)) => {
                pieces.push(FormatPiece { what, span: start..text.len() - after.len() });
                rest = after;
            }
            Err(_) => return Err(bad_dollar(text, start, rest)),
        }
    }
    Ok(pieces)
}

/// Says what is wrong with the `$` that `rest` starts with.
fn bad_dollar(text: &str, start: usize, rest: &str) -> FormatError {
    match rest.strip_prefix("${") {
        Some(inner) => {
            let length = inner.bytes().take_while(|&byte| is_name_byte(byte)).count();
            FormatError::new(
                text,
                start..start + 2 + length,
                "the closing bracket of this variable is missing",
                "write `${name}`, the name of letters, digits and `_`",
            )
        }
        None => FormatError::new(
            text,
            start..start + 1,
            "a `$` that no variable's name follows",
            "name a variable; nginx has no way to write a lone `$` in a log_format",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        split_pieces(text)
            .unwrap()
            .into_iter()
            .map(|piece| match piece.what {
                PieceContent::Literal(text) => format!("'{text}'"),
                PieceContent::Variable(name) => name,
            })
            .collect()
    }

    #[test]
    fn braces_names_and_literals() {
        assert_eq!(shown("$a - ${b}c\"$D_1\""), ["a", "' - '", "b", "'c\"'", "d_1", "'\"'"]);
        assert_eq!(shown("a{b}c"), ["'a{b}c'"]);
        assert!(shown("").is_empty());
    }

    #[test]
    fn errors_carry_the_span() {
        let error = split_pieces("$a ${b c").unwrap_err();
        assert_eq!(error.span, 3..6);
        let error = split_pieces("cost: 5$ $status").unwrap_err();
        assert_eq!(error.span, 7..8);
        assert!(error.render().contains("\n         ^\n"), "{}", error.render());
    }
}
