//! A log_format that another file holds as a value: `log-format-upstream: '..'` of ingress-nginx's YAML, a JSON object, TOML, a
//! program's or a shell's variable. The value goes into nginx.conf between quotes, so that its backslashes are resolved twice.

use super::quoted_value::{QuotedValue, read_quoted};
use super::{PastedFormat, has_variable, pieces, resolved};
use crate::grammar::format_error::FormatError;
use crate::grammar::variables::Escape;

/// One `key: value` that may be a format.
struct Held {
    key: String,
    value: String,
    /// Where its line begins.
    at: usize,
}

/// A line's key, and what follows its `:` or `=`.
struct KeyLine<'t> {
    key: String,
    /// Columns before the key.
    indent: usize,
    value: &'t str,
}

/// The format that `text` holds as a value, if it does.
///
/// # Errors
/// Several values that may be it, or one with line breaks.
pub(super) fn find_held(text: &str) -> Result<Option<PastedFormat>, FormatError> {
    let held = held_values(text);
    let escape = stated_escape(text);
    let Some(one) = choose_held(&held) else {
        return match held.first() {
            None => Ok(None),
            Some(first) => Err(several(text, &held, first)),
        };
    };
    let value = one.value.trim_end_matches(['\r', '\n']);
    if value.contains('\n') {
        let line = text.get(one.at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| one.at + length);
        let reason = format!("the value of `{}` has line breaks, which no line of a log has", one.key);
        return Err(FormatError::new(text, one.at..line, reason, "join its lines to one"));
    }
    if let Some(pieces) = pieces::read_pieces(value).ok().flatten()
        && value.trim_start().starts_with(['\'', '"'])
    {
        return Ok(Some(PastedFormat { escape: pieces.escape.or(escape), ..pieces }));
    }
    Ok(Some(PastedFormat { escape, text: resolved(value), ..PastedFormat::default() }))
}

/// The one value that is the format of requests.
fn choose_held(held: &[Held]) -> Option<&Held> {
    match held {
        [one] => Some(one),
        [first, rest @ ..] if rest.iter().all(|other| other.value == first.value) => Some(first),
        // What ingress-nginx logs of TCP and UDP is another log.
        _ => {
            let mut of_requests = held.iter().filter(|one| !one.key.ends_with("-stream"));
            of_requests.next().filter(|_| of_requests.next().is_none())
        }
    }
}

fn several(text: &str, held: &[Held], first: &Held) -> FormatError {
    let keys = held.iter().map(|one| one.key.as_str()).collect::<Vec<&str>>().join("`, `");
    let end = text.get(first.at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| first.at + length);
    FormatError::new(
        text,
        first.at..end,
        format!("give one log_format, not several: `{keys}`"),
        "paste one of them alone",
    )
}

/// ingress-nginx's `log-format-escape-json: "true"`.
fn stated_escape(text: &str) -> Option<Escape> {
    let truth = |key: &str| {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix(':'));
        lines.map(|value| value.trim().trim_matches(['"', '\''])).any(|value| value == "true")
    };
    match (truth("log-format-escape-json"), truth("log-format-escape-none")) {
        (true, _) => Some(Escape::Json),
        (false, true) => Some(Escape::None),
        (false, false) => None,
    }
}

/// All values that a key about formats has, or a key below one.
fn held_values(text: &str) -> Vec<Held> {
    let mut held = Vec::new();
    // The columns of a key about formats whose value is what its lines below hold.
    let mut open: Option<usize> = None;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        let (begin, line) = (at, rest.get(..length).unwrap_or_default());
        at += length;
        let indent = line.len() - line.trim_start().len();
        let ends = !line.trim_start().starts_with(['-', '}', ']', ')']) && !line.trim().is_empty();
        if open.is_some_and(|columns| ends && indent <= columns) {
            open = None;
        }
        let Some(KeyLine { key, indent, value }) = key_line(line) else {
            continue;
        };
        if !is_about_formats(&key) && open.is_none() {
            continue;
        }
        let begins = begin + (line.len() - value.len()).min(line.len());
        match value_at(text.get(begins..).unwrap_or_default(), indent) {
            Some((value, taken)) if has_variable(&value) => {
                held.push(Held { key: key.to_ascii_lowercase(), value, at: begin });
                at = at.max(begins + taken);
            }
            _ => {
                if matches!(value.trim(), "" | "{" | "[" | "[{" | "(") {
                    open = Some(indent);
                }
            }
        }
    }
    held
}

fn is_about_formats(key: &str) -> bool {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    plain.contains("format") && !plain.contains("escape")
}

/// `  - "key": value`, `key = value`, `'key' => value`, `export KEY=value`, `{"key": value`.
fn key_line(line: &str) -> Option<KeyLine<'_>> {
    let mut rest = line.trim_start();
    while let Some(after) = ["- ", "{", "[", "--", "export ", "set ", "const ", "let ", "var ", "ENV ", "local "]
        .iter()
        .find_map(|lead| rest.strip_prefix(lead))
    {
        rest = after.trim_start();
    }
    let indent = line.len() - rest.len();
    let (key, after) = match rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        Some(quote) => rest.get(1..)?.split_once(quote)?,
        None => {
            rest.split_at_checked(rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))?)?
        }
    };
    let spaced = after.trim_start();
    let value = match ["=>", ":=", "=", ":"].iter().find_map(|sign| Some((*sign, spaced.strip_prefix(sign)?)))? {
        // YAML's colon has a space behind it, and `time:$time_local` is a log's own text.
        (":", value) if !value.starts_with([' ', '\t', '\r', '\n', '"', '\'']) => return None,
        ("=", value) if after.len() == spaced.len() && !value.starts_with(['"', '\'']) => return None,
        (_, value) => value,
    };
    let named =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    named.then_some(KeyLine { key: key.to_owned(), indent, value })
}

/// The value that begins here, and how many bytes it takes; nothing if it has no end.
fn value_at(text: &str, indent: usize) -> Option<(String, usize)> {
    let value = text.trim_start_matches([' ', '\t']);
    let first = value.chars().next()?;
    let line_end = value.find('\n').unwrap_or(value.len());
    let line = value.get(..line_end)?.trim_end();
    let passed = text.len() - value.len();
    if matches!(first, '|' | '>') && line.trim_matches(['|', '>', '-', '+', '1', '2', '4', '8']).is_empty() {
        return block_scalar(value.get(line_end..)?.strip_prefix('\n')?, first, indent)
            .map(|(block, taken)| (block, passed + line_end + 1 + taken));
    }
    if matches!(first, '"' | '\'') {
        let QuotedValue { text: inside, rest } = read_quoted(first, value.get(1..)?, true)?;
        let behind = rest.lines().next().unwrap_or_default().trim();
        if behind.is_empty() || behind.starts_with([',', ';', '}', ']', ')', '#']) {
            return Some((folded_lines(&inside), text.len() - rest.len()));
        }
        // Several of nginx's pieces side by side.
        return Some((line.trim_end_matches(',').to_owned(), passed + line_end));
    }
    if line.is_empty() || matches!(first, '{' | '[' | '(') && line.len() == 1 {
        return None;
    }
    Some((line.to_owned(), passed + line_end))
}

/// The lines below that are indented deeper than their key: joined by a space (`>`) or kept (`|`).
fn block_scalar(below: &str, style: char, indent: usize) -> Option<(String, usize)> {
    let (mut lines, mut taken) = (Vec::new(), 0);
    for line in below.split_inclusive('\n') {
        let columns = line.len() - line.trim_start().len();
        if !line.trim().is_empty() && columns <= indent.min(columns.saturating_sub(1)) && columns == 0 && indent > 0 {
            break;
        }
        if !line.trim().is_empty() && columns <= indent && !(indent == 0 && columns > 0) {
            break;
        }
        taken += line.len();
        if !line.trim().is_empty() {
            lines.push(line.trim_start().trim_end_matches(['\r', '\n']));
        }
    }
    (!lines.is_empty()).then(|| (lines.join(if style == '>' { " " } else { "\n" }), taken))
}

/// A quoted value that YAML folds: a line break in it, and the spaces around that, are one space.
fn folded_lines(value: &str) -> String {
    if !value.contains('\n') {
        return value.to_owned();
    }
    value.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<&str>>().join(" ")
}
