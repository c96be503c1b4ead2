//! `log_format NAME [escape=..] 'piece' "piece" bare ..;` as it stands in a configuration file, and the comments of a
//! grammar file around it.
//!
//! The token rules are those of `ngx_conf_read_token` (ngx_conf_file.c): a token is quoted with `'` or `"` or bare; a
//! comment starts with `#` where a token could; after a quoted token a space, `;`, `{` or `)` must follow; in every token
//! a backslash takes the special meaning of the byte after it, and then `\"`, `\'` and `\\` are that byte, `\t`, `\n`
//! and `\r` control bytes, and any other pair stays as it is.

use std::ops::Range;

use nom::branch::alt;
use nom::bytes::complete::{escaped, is_not, tag, take};
use nom::character::complete::{char, multispace1, none_of, one_of};
use nom::combinator::{map, opt, recognize};
use nom::multi::many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::error::FormatError;
use super::escape::Escape;
use super::format::Format;
use super::text::is_name_byte;

/// One `log_format` directive and the sample lines that its file gives for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The format's name.
    pub name: String,
    /// Its `escape=`.
    pub escape: Escape,
    /// Its pieces put together, quotes and backslashes resolved.
    pub text: String,
    /// Where the directive stands in the source.
    pub span: Range<usize>,
    /// The lines of the `# sample: ` comments after it (and, for the first one, before it).
    pub samples: Vec<String>,
}

impl Directive {
    /// The compiled format.
    ///
    /// # Errors
    /// As [`Format::compile`].
    pub fn compile(&self) -> Result<Format, FormatError> {
        Format::compile(&self.name, &self.text, self.escape)
    }
}

/// What a configuration file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'s> {
    Word(String),
    Comment(&'s str),
    /// `;`, `{` or `}`.
    Mark(char),
}

/// All `log_format` directives of `source`, wherever they stand; other directives are passed over.
///
/// # Errors
/// A quote that is not closed, text glued to a closing quote, a directive without name or pieces, or an unknown
/// `escape=`; the span is one of `source`.
pub fn directives(source: &str) -> Result<Vec<Directive>, FormatError> {
    let mut directives: Vec<Directive> = Vec::new();
    let mut early_samples: Vec<String> = Vec::new();
    let mut words: Vec<(String, Range<usize>)> = Vec::new();
    let mut rest = source;
    loop {
        let before = rest.trim_start();
        if before.is_empty() {
            break;
        }
        let start = source.len() - before.len();
        let Ok((after, token)) = token(before) else { return Err(bad_token(source, start)) };
        let end = source.len() - after.len();
        match token {
            Token::Word(word) => words.push((word, start..end)),
            Token::Comment(comment) => {
                if let Some(sample) = comment.trim_start().strip_prefix("sample: ") {
                    let samples = directives.last_mut().map_or(&mut early_samples, |last| &mut last.samples);
                    samples.push(sample.strip_suffix('\r').unwrap_or(sample).to_owned());
                }
            }
            Token::Mark(mark) => {
                if mark == ';' && words.first().is_some_and(|(word, _)| word == "log_format") {
                    let mut directive = directive(source, &words, end)?;
                    directive.samples.append(&mut early_samples);
                    directives.push(directive);
                }
                words.clear();
            }
        }
        rest = after;
    }
    match words.first() {
        Some((word, span)) if word == "log_format" => {
            Err(FormatError::new(source, span.clone(), "this log_format does not end", "close it with `;`"))
        }
        _ => Ok(directives),
    }
}

fn directive(source: &str, words: &[(String, Range<usize>)], end: usize) -> Result<Directive, FormatError> {
    let start = words.first().map_or(0, |(_, span)| span.start);
    let (name, rest) = match words {
        [_, (name, _), rest @ ..] if !rest.is_empty() => (name, rest),
        _ => {
            let reason = "log_format needs a name and a text";
            return Err(FormatError::new(source, start..end, reason, "write `log_format NAME '..';`"));
        }
    };
    let (escape, pieces) = match rest {
        [(first, span), pieces @ ..] if first.starts_with("escape=") => {
            let value = first.strip_prefix("escape=").unwrap_or_default();
            let remedy = "write escape=default, escape=json or escape=none";
            (value.parse().map_err(|reason| FormatError::new(source, span.clone(), reason, remedy))?, pieces)
        }
        pieces => (Escape::Default, pieces),
    };
    let mut text = String::new();
    for (piece, _) in pieces {
        join(&mut text, piece);
    }
    Ok(Directive { name: name.clone(), escape, text, span: start..end, samples: Vec::new() })
}

/// Appends `piece`. nginx compiles each piece by itself, so a variable's name ends with its piece; where the next piece
/// goes on with a name's byte, the variable is put into braces.
fn join(text: &mut String, piece: &str) {
    let name = text.bytes().rev().take_while(|&byte| is_name_byte(byte)).count();
    let dollar = text.len() - name;
    let bare = name > 0 && text.get(..dollar).is_some_and(|head| head.ends_with('$'));
    if bare && piece.bytes().next().is_some_and(is_name_byte) {
        text.insert(dollar, '{');
        text.push('}');
    }
    text.push_str(piece);
}

fn token(input: &str) -> IResult<&str, Token<'_>> {
    alt((
        map(preceded(char('#'), opt(is_not("\n"))), |text: Option<&str>| Token::Comment(text.unwrap_or_default())),
        map(one_of(";{}"), Token::Mark),
        map(quoted, |text| Token::Word(unescape(text))),
        map(bare, |text| Token::Word(unescape(text))),
    ))
    .parse(input)
}

fn quoted(input: &str) -> IResult<&str, &str> {
    let single = delimited(char('\''), opt(escaped(is_not("\\'"), '\\', take(1_usize))), char('\''));
    let double = delimited(char('"'), opt(escaped(is_not("\\\""), '\\', take(1_usize))), char('"'));
    let (rest, text) = alt((single, double)).parse(input)?;
    // What may follow a closing quote.
    if !rest.is_empty() {
        nom::combinator::peek(alt((recognize(one_of(";{)")), multispace1))).parse(rest)?;
    }
    Ok((rest, text.unwrap_or_default()))
}

/// A word without quotes: up to a space, `;` or `{`, but `${` belongs to it.
fn bare(input: &str) -> IResult<&str, &str> {
    let first = alt((recognize((char('\\'), take(1_usize))), tag("${"), recognize(none_of(" \t\r\n;{}\"'"))));
    let more = alt((recognize((char('\\'), take(1_usize))), tag("${"), recognize(none_of(" \t\r\n;{"))));
    recognize((first, many0(more))).parse(input)
}

/// Resolves the backslashes of a token.
fn unescape(token: &str) -> String {
    let mut out = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some(same @ ('"' | '\'' | '\\')) => out.push(same),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('n') => out.push('\n'),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

fn bad_token(source: &str, start: usize) -> FormatError {
    let rest = source.get(start..).unwrap_or_default();
    let quote = rest.chars().next().unwrap_or('\'');
    if !matches!(quote, '"' | '\'') {
        let reason = "a word that nginx cannot read";
        return FormatError::new(source, start..source.len(), reason, "quote it");
    }
    let mut previous = '\0';
    let mut characters = rest.char_indices().skip(1);
    let closing = characters.find(|&(_, character)| {
        let closes = character == quote && previous != '\\';
        previous = if previous == '\\' { '\0' } else { character };
        closes
    });
    match closing {
        Some((at, _)) => FormatError::new(
            source,
            start + at..start + at + 2,
            "text glued to a closing quote",
            "put a space between the pieces, or a backslash before a quote that belongs to the text",
        ),
        None => FormatError::new(source, start..start + 1, "this quote is not closed", "close it"),
    }
}
