//! A line of a log with its fields underlined and named.

use std::borrow::Cow;

use super::findings::Findings;
use crate::error::Result;
use crate::grammar::{BareLine, Format, Variable, VariableKind, nginx_variables};
use crate::record::{Needs, Record, RecordParser, unescape, upstream_ms};
use crate::report::{count, millis, terminal_safe};

/// The marks of fields, in order; a mark takes one column, so that it fits under the shortest value.
const MARKS: &[u8] = b"123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A value or literal longer than this is shown without its middle.
const LONG: usize = 72;

/// What of it is shown at its beginning and its end.
const SHOWN: (usize, usize) = (52, 12);

/// A row may be this many columns shorter than it could be, so that a field is not broken.
const BACK: usize = 30;

/// What a wrapper's part of a line is marked with.
const WRAPPER: char = '=';

/// Longer names are cut.
const NAME: usize = 36;

/// Tell which field of `line` is which.
pub(super) fn tell_fields(format: &Format, line: &[u8], findings: &mut Findings) -> Result<()> {
    let Ok(BareLine { lead, text }) = format.bare_line(line) else { return Ok(()) };
    let Ok(fields) = format.fields(&text) else { return Ok(()) };
    let Ok(mut parser) = RecordParser::new(format, &Needs::all()) else { return Ok(()) };
    let mut buffer = Vec::new();
    let record = parser.parse_in(&text, &mut buffer).ok();
    let held = format.keys_of(&[text.as_ref()]);
    let mut page = Page::default();
    let mut rows = Vec::new();
    let wrapper = format.wrapper().filter(|_| matches!(text, Cow::Borrowed(_)));
    if let Some(wrapper) = wrapper {
        page.push(line.get(..lead).unwrap_or_default(), Some(WRAPPER));
        rows.push((WRAPPER, wrapper.to_string(), "around the line", String::new()));
    } else if let Some(wrapper) = format.wrapper() {
        findings.detail(&format!("(as nginx wrote it; {wrapper} holds it in parts, or escaped)"))?;
    }
    let (whole, line) = (line, text.as_ref());
    let mut at = 0;
    for (number, (variable, span)) in fields.iter().enumerate() {
        let mark = MARKS.get(number % MARKS.len()).map_or('?', |mark| char::from(*mark));
        page.push(line.get(at..span.start).unwrap_or_default(), None);
        let value = line.get(span.clone()).unwrap_or_default();
        page.push(value, Some(mark));
        at = span.end;
        if let Some(known) = format.variables().get(*variable) {
            let end = held.first().is_some_and(|(end, _)| *end == known.name);
            let read = record.as_ref().map_or_else(String::new, |(record, text)| {
                let value = if format.is_keyed() { parser.value(text, *variable).unwrap_or_default() } else { value };
                if end { record.end.to_string() } else { value_words(format, *variable, value, record) }
            });
            let name = match held.iter().find(|(name, _)| *name == known.name) {
                Some((name, key)) if name != key => cut_to(&format!("${name} = {key}"), NAME),
                _ => cut_to(&format!("${}", known.name), NAME),
            };
            rows.push((
                mark,
                terminal_safe(name.as_bytes()).into_owned(),
                if end && format.is_keyed() { "time" } else { kind_words(format, known) },
                read,
            ));
        }
    }
    page.push(line.get(at..).unwrap_or_default(), None);
    if wrapper.is_some() {
        page.push(without_newline(whole).get(lead + line.len()..).unwrap_or_default(), Some(WRAPPER));
    }
    for (text, marks) in page.rows(findings.width) {
        findings.detail(&text)?;
        findings.marks(&marks)?;
    }
    tell_legend(&rows, findings)
}

/// A row a field: its mark, name, kind and value, in columns; the value has what is left of the line's width.
fn tell_legend(rows: &[(char, String, &'static str, String)], findings: &mut Findings) -> Result<()> {
    let names = rows.iter().map(|row| row.1.chars().count()).max().unwrap_or(0);
    let kinds = rows.iter().map(|row| row.2.chars().count()).max().unwrap_or(0);
    for (mark, name, kind, read) in rows {
        let before = format!("{mark} {name:names$}  {kind:kinds$}  ");
        let room = findings.width.saturating_sub(before.chars().count()).max(16);
        findings.detail(&format!("{before}{}", cut_to(read, room)))?;
    }
    Ok(())
}

/// Without `\n` or `\r\n`.
fn without_newline(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The text, or its beginning and an ellipsis.
fn cut_to(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    text.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

/// A line and the marks under it, a character a column.
#[derive(Default)]
struct Page {
    columns: Vec<(char, char)>,
}

impl Page {
    /// Append a part of the line, underlined if it is a field.
    fn push(&mut self, part: &[u8], mark: Option<char>) {
        let text = without_middle(&terminal_safe(part));
        for (at, character) in text.chars().enumerate() {
            let under = match mark {
                None => ' ',
                Some(mark) if at == 0 => mark,
                Some(_) => '~',
            };
            self.columns.push((character, under));
        }
    }

    /// Broken into rows, before a field rather than in it where that is near.
    fn rows(&self, width: usize) -> Vec<(String, String)> {
        let width = width.max(BACK + 1);
        let mut rows = Vec::new();
        let mut rest = self.columns.as_slice();
        while !rest.is_empty() {
            let whole = rest.len() <= width;
            let outside = |at: &usize| rest.get(*at).is_some_and(|(_, under)| *under != '~');
            let after_space = |at: &usize| rest.get(at - 1).is_some_and(|(text, _)| *text == ' ');
            let mut window = (width - BACK..=width).rev().filter(outside);
            let near = window.clone().find(after_space).or_else(|| window.next());
            let at = if whole { rest.len() } else { near.unwrap_or(width) };
            let (row, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            rows.push(row.iter().copied().unzip());
            rest = after;
        }
        rows
    }
}

/// Without its middle, if it is long.
fn without_middle(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONG {
        return text.to_owned();
    }
    let tail = text.chars().skip(length - SHOWN.1);
    text.chars().take(SHOWN.0).chain(['…']).chain(tail).collect()
}

/// What the values of a variable are.
fn kind_words(format: &Format, variable: &Variable) -> &'static str {
    match variable.kind {
        VariableKind::TimeLocal | VariableKind::TimeIso8601 => "time, whole seconds",
        VariableKind::Msec => "time, milliseconds",
        VariableKind::Seconds => "seconds",
        VariableKind::UpstreamSeconds => "seconds by attempt",
        VariableKind::UpstreamInts => "numbers by attempt",
        VariableKind::UpstreamAddrs => "addresses by attempt",
        VariableKind::Status => "status",
        VariableKind::Integer | VariableKind::Port | VariableKind::Decimal => "number",
        VariableKind::Request => "request line",
        VariableKind::Pipe => "`.` or `p`",
        VariableKind::Token => "word",
        VariableKind::Text if format.is_keyed() || nginx_variables::is_known(&variable.name) => "text",
        VariableKind::Text => "text; not nginx's own",
    }
}

/// A value as spikeline reads it.
fn value_words(format: &Format, variable: usize, value: &[u8], record: &Record<'_>) -> String {
    if value.is_empty() || value == b"-" {
        return "absent".to_owned();
    }
    let roles = format.roles();
    let raw = || terminal_safe(value).into_owned();
    if format.is_keyed() && roles.request == Some(variable) && value.first() != Some(&b'/') {
        return request_words(record);
    }
    if roles.end.is_some_and(|(end, _)| end == variable) {
        return record.end.to_string();
    }
    if roles.request_time == Some(variable) {
        return millis_or_absent(record.request_time_ms);
    }
    if roles.request == Some(variable) {
        return request_words(record);
    }
    match format.variables().get(variable).map(|variable| variable.kind) {
        Some(VariableKind::UpstreamSeconds) => {
            upstream_ms(value).map_or_else(|_| raw(), |redirects| attempts_words(&redirects))
        }
        Some(VariableKind::Integer) => {
            let number = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            number.map_or_else(raw, count)
        }
        Some(VariableKind::Text) => terminal_safe(&unescape(value, format.escape())).into_owned(),
        _ => raw(),
    }
}

/// The three parts of the request line as they were told apart.
fn request_words(record: &Record<'_>) -> String {
    if record.malformed_request {
        return "not `METHOD target PROTOCOL`".to_owned();
    }
    let [method, target, protocol] = [record.method, record.target, record.protocol].map(terminal_safe);
    format!("{method}  {target}  {protocol}").trim_end().to_owned()
}

/// `1 ms, 2 ms : 5 ms`: as nginx separates servers tried and redirects.
fn attempts_words(redirects: &[Vec<Option<u64>>]) -> String {
    let servers =
        |servers: &Vec<Option<u64>>| servers.iter().map(|time| millis_or_absent(*time)).collect::<Vec<_>>().join(", ");
    redirects.iter().map(servers).collect::<Vec<_>>().join(" : ")
}

/// nginx's `-` for a server that was not asked.
fn millis_or_absent(time: Option<u64>) -> String {
    time.map_or_else(|| "-".to_owned(), millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_break_before_a_field_where_one_is_near() {
        let mut page = Page::default();
        page.push(b"[", None);
        page.push(&[b'a'; 50], Some('1'));
        page.push(b"] ", None);
        page.push(&[b'b'; 20], Some('2'));
        let rows = page.rows(60);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0], (format!("[{}] ", "a".repeat(50)), format!(" 1{}  ", "~".repeat(49))));
        assert_eq!(rows[1], ("b".repeat(20), format!("2{}", "~".repeat(19))));
        // One that is longer than a row is broken anyway.
        let mut page = Page::default();
        page.push(&[b'c'; 70], Some('3'));
        assert_eq!(page.rows(40).iter().map(|row| row.0.len()).collect::<Vec<_>>(), [40, 30]);
    }

    #[test]
    fn a_long_value_loses_its_middle_and_an_escape_its_power() {
        let mut page = Page::default();
        page.push(&[b'x'; 5000], Some('1'));
        page.push(b"\x1b[2J", Some('2'));
        let text: String = page.rows(1000).into_iter().map(|row| row.0).collect();
        assert_eq!(text, format!("{}…{}\\x1B[2J", "x".repeat(SHOWN.0), "x".repeat(SHOWN.1)));
    }
}
