//! `log_format NAME [escape=..] 'piece' "piece" bare ..;` as it stands in a configuration file, and the comments of a
//! grammar file around it. The tokens are those of nginx.conf (see [`token`](super::token)).

use std::ops::Range;

use super::token::{Token, TokenError, TokenKind, Tokens};
use crate::grammar::format::Format;
use crate::grammar::format_error::FormatError;
use crate::grammar::variables::{Escape, is_name_byte};

/// One `log_format` directive and the sample lines that its file gives for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFormatDirective {
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

impl LogFormatDirective {
    /// The compiled format.
    ///
    /// # Errors
    /// As [`Format::compile`].
    pub fn compile(&self) -> Result<Format, FormatError> {
        Format::compile(&self.name, &self.text, self.escape)
    }
}

/// A word and where it stands.
type SpannedWord = (String, Range<usize>);

/// All `log_format` directives of `source`, wherever they stand; other directives are passed over.
///
/// # Errors
/// A quote that is not closed, text glued to a closing quote, a directive without name or pieces, or an unknown
/// `escape=`; the span is one of `source`.
pub fn directives(source: &str) -> Result<Vec<LogFormatDirective>, FormatError> {
    let mut directives: Vec<LogFormatDirective> = Vec::new();
    let mut early_samples: Vec<String> = Vec::new();
    let mut words: Vec<SpannedWord> = Vec::new();
    let mut tokens = Tokens::new(source.as_bytes());
    let bad = |TokenError { span, reason, remedy }| FormatError::new(source, span, reason, remedy);
    while let Some(Token { what, span }) = tokens.next().map_err(bad)? {
        match what {
            TokenKind::Word(word) => words.push((String::from_utf8_lossy(&word).into_owned(), span)),
            TokenKind::Comment => {
                let comment = source.get(span.start + 1..span.end).unwrap_or_default();
                if let Some(sample) = comment.trim_start().strip_prefix("sample: ") {
                    let samples = directives.last_mut().map_or(&mut early_samples, |last| &mut last.samples);
                    samples.push(sample.strip_suffix('\r').unwrap_or(sample).to_owned());
                }
            }
            TokenKind::End | TokenKind::Open | TokenKind::Close => {
                let is_format = words.first().is_some_and(|(word, _)| word == "log_format");
                if is_format && what == TokenKind::End {
                    let mut directive = read_directive(source, &words, span.end)?;
                    directive.samples.append(&mut early_samples);
                    directives.push(directive);
                }
                if what == TokenKind::Open
                    && words.first().is_some_and(|(word, _)| word.ends_with("_by_lua_block"))
                    && !tokens.pass_lua()
                {
                    let reason = "this block of Lua code is not closed";
                    return Err(FormatError::new(source, span, reason, "close it with `}`"));
                }
                words.clear();
            }
        }
    }
    match words.first() {
        Some((word, span)) if word == "log_format" => {
            Err(FormatError::new(source, span.clone(), "this log_format does not end", "close it with `;`"))
        }
        _ => Ok(directives),
    }
}

fn read_directive(source: &str, words: &[SpannedWord], end: usize) -> Result<LogFormatDirective, FormatError> {
    let start = words.first().map_or(0, |(_, span)| span.start);
    let (name, escape, text) =
        assemble_log_format(words.iter().skip(1).map(|(word, _)| word.as_str())).map_err(|wrong| {
            let word = if wrong.whole { None } else { words.get(wrong.word + 1) };
            let span = word.map_or(start..end, |(_, span)| span.clone());
            FormatError::new(source, span, wrong.reason, wrong.remedy)
        })?;
    Ok(LogFormatDirective { name: name.to_owned(), escape, text, span: start..end, samples: Vec::new() })
}

/// What is wrong with the arguments of a log_format.
#[derive(Debug)]
pub(crate) struct BadArguments {
    /// The argument that it is about, from 0 ..
    pub(crate) word: usize,
    /// .. unless it is all of them.
    pub(crate) whole: bool,
    pub(crate) reason: String,
    pub(crate) remedy: &'static str,
}

/// Name, escape and text from the arguments of a log_format.
pub(crate) fn assemble_log_format<'w>(
    words: impl Iterator<Item = &'w str>,
) -> Result<(&'w str, Escape, String), BadArguments> {
    let words: Vec<&str> = words.collect();
    let (name, rest) = match words.as_slice() {
        [name, rest @ ..] if !rest.is_empty() => (*name, rest),
        _ => {
            let reason = "log_format needs a name and a text".to_owned();
            return Err(BadArguments { word: 0, whole: true, reason, remedy: "write `log_format NAME '..';`" });
        }
    };
    let (escape, pieces) = match rest {
        [first, pieces @ ..] if first.starts_with("escape=") => {
            let value = first.strip_prefix("escape=").unwrap_or_default();
            let remedy = "write escape=default, escape=json or escape=none";
            (value.parse().map_err(|reason| BadArguments { word: 1, whole: false, reason, remedy })?, pieces)
        }
        pieces => (Escape::Default, pieces),
    };
    let mut text = String::new();
    for piece in pieces {
        append_piece(&mut text, piece);
    }
    Ok((name, escape, text))
}

/// Appends `piece`. nginx compiles each piece by itself, so a variable's name ends with its piece; where the next piece
/// goes on with a name's byte, the variable is put into braces.
fn append_piece(text: &mut String, piece: &str) {
    let name = text.bytes().rev().take_while(|&byte| is_name_byte(byte)).count();
    let dollar = text.len() - name;
    let bare = name > 0 && text.get(..dollar).is_some_and(|head| head.ends_with('$'));
    if bare && piece.bytes().next().is_some_and(is_name_byte) {
        text.insert(dollar, '{');
        text.push('}');
    }
    text.push_str(piece);
}
