//! The text of a log_format without anything around it.

use super::directive::refuse_typographic;
use super::resolved;
use crate::grammar::conf::{Token, TokenKind, Tokens};
use crate::grammar::format_error::FormatError;

/// Directives that people paste in place of a log_format.
const OTHER_DIRECTIVES: &[&str] = &[
    "access_log",
    "error_log",
    "events",
    "http",
    "include",
    "load_module",
    "location",
    "map",
    "open_log_file_cache",
    "server",
    "stream",
    "upstream",
    "user",
    "worker_processes",
];

/// Refuses a part of nginx.conf that has no log_format.
pub(super) fn refuse_other_directives(text: &str) -> Result<(), FormatError> {
    let mut tokens = Tokens::new(text.as_bytes());
    let mut first = None;
    let mut ended = false;
    while let Ok(Some(Token { what, span })) = tokens.next() {
        match what {
            TokenKind::Word(word) => {
                if first.is_none() {
                    first = Some((String::from_utf8_lossy(&word).into_owned(), span));
                }
            }
            TokenKind::Comment => {}
            TokenKind::End | TokenKind::Open | TokenKind::Close => {
                ended = true;
                break;
            }
        }
    }
    let Some((name, span)) = first else { return Ok(()) };
    if !OTHER_DIRECTIVES.contains(&name.as_str()) || !(ended || name == "access_log") {
        return Ok(());
    }
    let reason = match name.as_str() {
        "access_log" => "this only names a log and its format".to_owned(),
        _ => "there is no log_format in this part of nginx.conf".to_owned(),
    };
    let remedy = "paste the directive `log_format NAME '..';` that access_log names, or say nginx = \"/PATH/nginx.conf\" in the \
                  configuration";
    Err(FormatError::new(text, span, reason, remedy))
}

/// The text, backslashes resolved as nginx does; spaces at its ends belong to it, line ends do not.
///
/// # Errors
/// Parts of a paste that can only be wrong.
pub(super) fn read_bare(pasted: &str) -> Result<String, FormatError> {
    let text = pasted.trim_start_matches(['\r', '\n']).trim_end_matches(['\r', '\n', '\t']);
    let text = if pasted.trim_end_matches(' ').ends_with('\n') { text.trim_end_matches(' ') } else { text };
    let whole = "paste the whole directive, `log_format NAME '..' '..';`, or its text in single quotes, or the text alone on one line";
    if let Some(at) = text.find('\n') {
        let reason = "the text has a line break, which no line of a log has";
        return Err(FormatError::new(text, at.saturating_sub(1)..at, reason, whole));
    }
    if text.starts_with(['‘', '’', '´', '`'])
        || text.starts_with(['“', '”', '„']) && text.ends_with('”') && is_one_quote(text)
    {
        refuse_typographic(text, text, 0)?;
    }
    if let Some(at) = torn_quote(text) {
        let reason = "a quote of nginx.conf's, without the one that it belongs to";
        return Err(FormatError::new(text, at..at + 1, reason, whole));
    }
    if text.trim_end().ends_with(';') && text.matches(';').count() == 1 {
        let at = text.trim_end().len() - 1;
        let remedy = "leave the `;` out if it is the end of the directive; if each line of the log ends with it, put single quotes \
                      around the text: '..;'";
        return Err(FormatError::new(text, at..at + 1, "this `;` may be nginx.conf's, or stand in the log", remedy));
    }
    Ok(resolved(text))
}

/// Whether only the ends are typographic double quotes.
fn is_one_quote(text: &str) -> bool {
    text.chars().filter(|character| matches!(character, '“' | '”' | '„')).count() == 2
}

/// Where a single quote ends a piece that did not begin, or begins one between two: `..$a ' '$b..`, `..$b';`.
fn torn_quote(text: &str) -> Option<usize> {
    let trimmed = text.trim_end_matches([' ', ';']);
    let quotes: Vec<usize> = text.match_indices('\'').map(|(at, _)| at).collect();
    if !quotes.len().is_multiple_of(2) && (trimmed.ends_with('\'') || text.starts_with('\'')) {
        return quotes.last().copied();
    }
    let blank = |pair: &[usize]| match pair {
        [from, until] => {
            text.get(from + 1..*until).is_some_and(|inside| !inside.is_empty() && inside.trim().is_empty())
        }
        _ => false,
    };
    // Opened and closed around nothing but spaces: it is the other way round.
    quotes.chunks(2).find(|pair| blank(pair)).and_then(|pair| pair.first().copied())
}
