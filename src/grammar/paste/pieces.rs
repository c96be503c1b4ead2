//! What stands after `log_format` alone: `[NAME] [escape=..] '..' '..' [;]`, on one line or several, with comments.
//!
//! Single quotes are nginx's: no log begins and ends with them. Double quotes may be the log's own, as in `"$request" "$host"`;
//! they are nginx's if they hold `\"`, if a `;` ends them, or if they stand on several lines. `"$status $request_time"` can be both,
//! which is asked.

use super::directive::refuse_typographic;
use super::{PastedFormat, count_variables};
use crate::grammar::conf::{Token, TokenKind, Tokens, assemble_log_format};
use crate::grammar::format_error::FormatError;

/// A word and where it stands.
struct Word {
    text: String,
    from: usize,
    until: usize,
    /// The quote around it.
    quote: Option<char>,
}

/// The pieces, and what else was there.
struct Pieces {
    words: Vec<Word>,
    /// Whether a `;` ends them.
    ended: bool,
}

/// The format, if `text` is pieces in quotes.
///
/// # Errors
/// A quote that is not closed, nothing in the quotes, or double quotes that may be the log's own.
pub(super) fn read_pieces(text: &str) -> Result<Option<PastedFormat>, FormatError> {
    let quoted = text.trim_start().starts_with(['\'', '"']);
    let Pieces { words, ended } = match split_words(text) {
        Ok(Some(pieces)) => pieces,
        Ok(None) => return Ok(None),
        // What begins with a quote, or has what only nginx's quotes follow, and does not close it, is torn.
        Err(error) if quoted && !closes_one(text) || has_parameter(text) => return Err(error),
        Err(_) => return Ok(None),
    };
    let mut words_after = words.iter().skip_while(|word| !word.text.starts_with("escape=")).skip(1);
    if has_parameter(text) && words_after.next().is_none_or(|word| word.quote.is_none()) {
        return Err(without_quotes(text));
    }
    let Some(first) = words.iter().position(|word| word.quote.is_some()) else { return Ok(None) };
    let (lead, pieces) = words.split_at_checked(first).unwrap_or((&words, &[]));
    let escape = lead.last().filter(|word| word.text.starts_with("escape="));
    let named = match (lead, escape) {
        ([], None) | ([_], Some(_)) => None,
        ([name], None) | ([name, _], Some(_)) if is_name(&name.text) => Some(name),
        _ => return Ok(None),
    };
    if pieces.iter().any(|piece| piece.quote.is_none()) {
        return if escape.is_some() { Err(without_quotes(text)) } else { Ok(None) };
    }
    if escape.is_none() && !ended && are_of_log(text, pieces)? {
        return Ok(None);
    }
    let name = named.map_or("given", |word| &word.text);
    let arguments = std::iter::once(name).chain(escape.into_iter().chain(pieces).map(|word| word.text.as_str()));
    let (_, stated, format) = assemble_log_format(arguments).map_err(|wrong| {
        let whole = words.first().map_or(0, |word| word.from)..words.last().map_or(text.len(), |word| word.until);
        FormatError::new(text, whole, wrong.reason, wrong.remedy)
    })?;
    if !format.contains('$') {
        let span = pieces.first().map_or(0..text.len(), |word| word.from..word.until);
        let remedy = "put the log_format's text between them; in a shell, put single quotes around it";
        return Err(FormatError::new(text, span, "no $variables stand between these quotes", remedy));
    }
    let name = named.map(|word| word.text.clone());
    Ok(Some(PastedFormat { name, escape: escape.map(|_| stated), text: format, ..PastedFormat::default() }))
}

/// The words up to a `;`; nothing if there are braces, or more after the `;`.
fn split_words(text: &str) -> Result<Option<Pieces>, FormatError> {
    let mut tokens = Tokens::new(text.as_bytes());
    let mut pieces = Pieces { words: Vec::new(), ended: false };
    let bad = |error: crate::grammar::conf::TokenError| FormatError::new(text, error.span, error.reason, error.remedy);
    while let Some(Token { what, span }) = tokens.next().map_err(bad)? {
        match what {
            TokenKind::Word(word) if !pieces.ended => {
                let source = text.get(span.clone()).unwrap_or_default();
                if has_parameter(text) {
                    refuse_typographic(text, source, span.start)?;
                }
                let quote = source.chars().next().filter(|first| matches!(first, '\'' | '"'));
                let text = String::from_utf8_lossy(&word).into_owned();
                pieces.words.push(Word { text, from: span.start, until: span.end, quote });
            }
            TokenKind::Comment => {}
            TokenKind::End if !pieces.ended => pieces.ended = true,
            TokenKind::Word(_) | TokenKind::End | TokenKind::Open | TokenKind::Close => return Ok(None),
        }
    }
    Ok(Some(pieces))
}

/// Whether `escape=..` is the first or second word.
fn has_parameter(text: &str) -> bool {
    text.split_ascii_whitespace().take(2).any(|word| word.starts_with("escape="))
}

/// Whether the first word's quote is closed: then the text goes on behind it, as in `"$request"$status`.
fn closes_one(text: &str) -> bool {
    let text = text.trim_start();
    text.chars().next().is_some_and(|quote| text.chars().skip(1).any(|other| other == quote))
        && !text.trim_end().ends_with(';')
        && text.matches('\'').count().is_multiple_of(2)
}

fn is_name(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Whether the quotes are text of the log.
fn are_of_log(text: &str, pieces: &[Word]) -> Result<bool, FormatError> {
    let between = |pair: &[Word]| match pair {
        [before, after] => text.get(before.until..after.from).unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    if pieces.windows(2).any(|pair| between(pair).contains('\n')) {
        return Ok(false);
    }
    if pieces.iter().all(|piece| is_sole_variable(&piece.text)) && !pieces.is_empty() {
        // One variable in quotes is none of nginx's pieces: the next would be glued to it.
        return Ok(pieces.len() > 1 || pieces.iter().all(|piece| piece.quote == Some('"')));
    }
    let glued = |pair: &[Word]| match pair {
        [before, after] => ends_with_variable(&before.text) && after.text.starts_with('$'),
        _ => false,
    };
    if pieces.len() > 1 && pieces.windows(2).all(glued) {
        return Ok(true);
    }
    if pieces.iter().all(|piece| piece.quote == Some('\'')) {
        return Ok(false);
    }
    let escaped = pieces.iter().any(|piece| {
        piece.quote == Some('"') && text.get(piece.from..piece.until).is_some_and(|source| source.contains("\\\""))
    });
    let separated = pieces.len() > 1 && !pieces.windows(2).any(glued);
    if escaped || separated {
        return Ok(false);
    }
    let span =
        pieces.first().map_or(0..text.len(), |first| first.from..pieces.last().map_or(first.until, |last| last.until));
    Err(FormatError::new(
        text,
        span,
        "these double quotes may be nginx.conf's, or stand in the log",
        "if no line of the log has them, leave them out; if each line has, put single quotes around: '\"..\"'",
    ))
}

fn is_sole_variable(piece: &str) -> bool {
    count_variables(piece) == 1 && piece.starts_with('$') && ends_with_variable(piece)
}

fn ends_with_variable(piece: &str) -> bool {
    let name = piece.trim_end_matches('}').trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    name.len() < piece.len() && (name.ends_with('$') || name.ends_with("${"))
}

fn without_quotes(text: &str) -> FormatError {
    let at = text.find("escape=").unwrap_or(0);
    let end = text.get(at..).and_then(|rest| rest.find(char::is_whitespace)).map_or(text.len(), |length| at + length);
    FormatError::new(
        text,
        at..end,
        "after escape= the text stands in nginx's quotes, which are missing",
        "put single quotes around the text after it, or leave it out and say --escape",
    )
}
