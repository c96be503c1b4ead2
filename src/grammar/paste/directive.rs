//! `log_format NAME '..';` wherever it stands: in nginx.conf, or in a line that something else wrote.

use super::{PastedFormat, Text, has_variable};
use crate::grammar::conf::{LogFormatDirective, Token, TokenError, TokenKind, Tokens, assemble_log_format, directives};
use crate::grammar::format_error::FormatError;

/// The directive's name.
const NAME: &str = "log_format";

/// The log_format in `text`, if there is a directive.
///
/// # Errors
/// There are several, or one that does not end or has no text.
pub(super) fn find_directive(text: &str) -> Result<Option<PastedFormat>, FormatError> {
    if !text.contains(NAME) {
        return Ok(None);
    }
    let ended = with_end(text);
    let mut found: Vec<PastedFormat> = Vec::new();
    for directive in directives(&ended).unwrap_or_default() {
        // Once more word by word, for quotes that only look like some.
        read_words(ended.get(directive.span.clone()).unwrap_or_default())?;
        if directive.text.ends_with(' ') && directive.span.end > text.trim_end().len() {
            return Err(goes_on(text, directive.span.start));
        }
        found.push(pasted(directive));
    }
    let mut wrong = None;
    if found.is_empty() {
        for (at, _) in text.match_indices(NAME) {
            if !begins_directive(text, at) {
                continue;
            }
            match directive_at(text, at) {
                Ok(one) => found.push(one),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
    }
    found.dedup();
    match (found.pop(), found.is_empty(), wrong) {
        (Some(one), true, _) => Ok(Some(one)),
        (Some(last), false, _) => Err(several(text, &found, &last)),
        (None, _, Some(error)) => Err(error),
        (None, _, None) => Ok(None),
    }
}

fn pasted(directive: LogFormatDirective) -> PastedFormat {
    PastedFormat {
        name: Some(directive.name),
        escape: Some(directive.escape),
        text: directive.text,
        ..PastedFormat::default()
    }
}

/// The text with the `;` that a directive that is its last word may lack.
fn with_end(text: &str) -> Text<'_> {
    let trimmed = text.trim_end();
    if trimmed.ends_with([';', '}']) || trimmed.lines().last().is_some_and(|line| line.contains('#')) {
        return Text::Borrowed(text);
    }
    Text::Owned(format!("{trimmed};"))
}

/// Whether the word here is the directive's name: a word of its own with something behind it.
fn begins_directive(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    let after = text.get(at + NAME.len()..).unwrap_or_default();
    let rest = after.trim_start();
    before.is_none_or(|before| !before.is_alphanumeric() && !matches!(before, '_' | '$' | '-' | '.' | '/'))
        && after.starts_with([' ', '\t', '\r', '\n'])
        && !rest.starts_with(['=', ':'])
}

/// The directive that begins here, whatever stands before it in its line and, alike, in the lines that follow.
fn directive_at(text: &str, at: usize) -> Result<PastedFormat, FormatError> {
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let lead = before.rsplit('\n').next().unwrap_or_default();
    let mark = LineMark::of_lead(lead);
    let rest = match (outer_quote(lead, rest), mark) {
        (Some(inside), _) => inside,
        (None, Some(mark)) => mark.taken_off(rest),
        (None, None) => rest.to_owned(),
    };
    read_words(&rest)
}

/// What stands in the quote of YAML or a program that begins right before the directive.
fn outer_quote(lead: &str, rest: &str) -> Option<String> {
    let quote = lead.chars().next_back().filter(|last| matches!(last, '"' | '\''))?;
    super::quoted_value::read_quoted(quote, rest, '\'' == quote).map(|value| value.text)
}

/// The words from `log_format` to `;`, to the end, or to the next directive of that name.
fn read_words(source: &str) -> Result<PastedFormat, FormatError> {
    let bad = |TokenError { span, reason, remedy }| FormatError::new(source, span, reason, remedy);
    let mut tokens = Tokens::new(source.as_bytes());
    let mut words: Vec<String> = Vec::new();
    let (mut end, mut closed) = (source.len(), false);
    while let Some(Token { what, span }) = tokens.next().map_err(bad)? {
        match what {
            TokenKind::Word(word) => {
                let bare = source.get(span.clone()).unwrap_or_default();
                if bare == NAME && !words.is_empty() {
                    end = span.start;
                    break;
                }
                refuse_typographic(source, bare, span.start)?;
                words.push(String::from_utf8_lossy(&word).into_owned());
            }
            TokenKind::Comment => {}
            TokenKind::End | TokenKind::Open | TokenKind::Close => {
                (end, closed) = (span.end, true);
                break;
            }
        }
    }
    let whole = 0..end.min(source.find('\n').unwrap_or(end));
    let wrong = |reason: &str| {
        Err(FormatError::new(source, whole.clone(), reason, "paste all of it: `log_format NAME '..' '..';`"))
    };
    match assemble_log_format(words.iter().skip(1).map(String::as_str)) {
        Ok((_, _, text)) if !closed && text.ends_with(' ') => Err(goes_on(source, 0)),
        Ok((name, escape, text)) if has_variable(&text) => {
            let name = Some(name.to_owned());
            Ok(PastedFormat { name, escape: Some(escape), text, ..PastedFormat::default() })
        }
        Ok(_) => wrong("this log_format has no $variables"),
        Err(bad) => Err(FormatError::new(source, whole, bad.reason, bad.remedy)),
    }
}

/// Refuses a piece that begins with a quote that only looks like nginx's.
pub(super) fn refuse_typographic(source: &str, word: &str, at: usize) -> Result<(), FormatError> {
    let Some(quote) = word.chars().next().filter(|first| "‘’‚‛“”„‟«»‹›´`".contains(*first))
    else {
        return Ok(());
    };
    Err(FormatError::new(
        source,
        at..at + quote.len_utf8(),
        format!("`{quote}` is no quote of nginx's"),
        "type the quotes anew as plain ' and \": web pages and word processors change them",
    ))
}

/// A piece mostly ends with a space where another follows, and no `;` ends the directive.
fn goes_on(text: &str, start: usize) -> FormatError {
    let end = text.trim_end().len();
    FormatError::new(
        text,
        start.max(end.saturating_sub(1))..end,
        "this log_format goes on: no `;` ends it, and its last piece ends with a space",
        "paste it up to its `;`; where grep shows one line of it, grep -A9 shows more",
    )
}

fn several(text: &str, others: &[PastedFormat], last: &PastedFormat) -> FormatError {
    let named = others.iter().chain([last]).filter_map(|one| one.name.as_deref());
    let names = named.collect::<Vec<&str>>().join("`, `");
    let at = text.find(NAME).unwrap_or(0);
    FormatError::new(
        text,
        at..at + NAME.len(),
        format!("give one log_format, not several: `{names}`"),
        "paste the one that the log's `access_log PATH NAME;` names; if they are in a file, say nginx = \"/PATH/nginx.conf\" in the configuration",
    )
}

/// What a program puts before every line: `#` of a comment, `+` of a diff, grep's `file:21:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineMark {
    Sign(char),
    Numbered,
}

impl LineMark {
    fn of_lead(lead: &str) -> Option<LineMark> {
        let mut shown = lead.trim().chars();
        match (shown.next(), shown.next()) {
            (Some(sign @ ('#' | '+' | '-' | '>' | '|' | '*')), None) => Some(LineMark::Sign(sign)),
            _ => number_end(lead).map(|_| LineMark::Numbered),
        }
    }

    /// The lines without their marks; those that have none stay as they are.
    fn taken_off(self, lines: &str) -> String {
        let without = |line: &str| match self {
            LineMark::Sign(sign) => line.trim_start().strip_prefix(sign).unwrap_or(line).to_owned(),
            LineMark::Numbered => number_end(line).and_then(|end| line.get(end..)).unwrap_or(line).to_owned(),
        };
        let mut lines = lines.split('\n');
        let first = lines.next().unwrap_or_default().to_owned();
        std::iter::once(first).chain(lines.map(without)).collect::<Vec<String>>().join("\n")
    }
}

/// Where grep's `file:21:`, `file-21-`, `21:` ends.
fn number_end(line: &str) -> Option<usize> {
    let mut at = 0;
    for part in line.split_inclusive([':', '-']) {
        at += part.len();
        let (digits, mark) = part.split_at_checked(part.len().saturating_sub(1))?;
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) && matches!(mark, ":" | "-") {
            return Some(at);
        }
        if digits.contains([' ', '\'', '"', '$']) {
            return None;
        }
    }
    None
}
