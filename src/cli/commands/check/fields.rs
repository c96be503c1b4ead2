//! A line of a log with its fields underlined and named.

use std::borrow::Cow;

use super::findings::Findings;
use crate::error::Result;
use crate::grammar::{BareLine, DurationUnit, Format, Variable, VariableKind, nginx_variables};
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
    if let Some(wrapper) = format.wrapper() {
        parser.set_outer_time(wrapper.time_of(without_newline(line)));
    }
    let record = parser.parse_in(&text, &mut buffer).ok();
    let held = format.keys_of(&[text.as_ref()]);
    let mut page = Page::default();
    let mut rows = Vec::new();
    let outer_time = format.takes_outer_time(&[text.as_ref()]);
    // What nginx wrote stands in the line as it is, or had to be put together.
    let is_inside = format.wrapper().is_some() && matches!(text, Cow::Borrowed(_));
    match format.wrapper() {
        Some(wrapper) if is_inside => {
            page.push(line.get(..lead).unwrap_or_default(), Some(WRAPPER));
            rows.push(LegendRow {
                mark: WRAPPER,
                name: wrapper.to_string(),
                kind: "around the line",
                read: if outer_time {
                    record.as_ref().map_or_else(String::new, |(record, _)| record.end.to_string())
                } else {
                    String::new()
                },
            });
        }
        Some(wrapper) => findings.detail(&format!("(as nginx wrote it; {wrapper} holds it in parts, or escaped)"))?,
        None => {}
    }
    let (whole, line) = (line, text.as_ref());
    let mut at = 0;
    for (number, (variable, span)) in fields.iter().enumerate() {
        let mark = MARKS.get(number % MARKS.len()).copied().map_or('?', char::from);
        page.push(line.get(at..span.start).unwrap_or_default(), None);
        let value = line.get(span.clone()).unwrap_or_default();
        page.push(value, Some(mark));
        at = span.end;
        if let Some(known) = format.variables().get(*variable) {
            let end = !outer_time && matches!(held.first(), Some((end, _)) if *end == known.name);
            let read = match &record {
                Some((record, _)) if end => record.end.to_string(),
                Some((record, text)) if format.is_keyed() => {
                    value_words(format, *variable, parser.value(text, *variable).unwrap_or_default(), record)
                }
                Some((record, _)) => value_words(format, *variable, value, record),
                None => String::new(),
            };
            rows.push(LegendRow {
                mark,
                name: name_words(&known.name, &held),
                kind: if end && format.is_keyed() { "time" } else { kind_words(format, known) },
                read,
            });
        }
    }
    page.push(line.get(at..).unwrap_or_default(), None);
    if is_inside {
        page.push(without_newline(whole).get(lead + line.len()..).unwrap_or_default(), Some(WRAPPER));
    }
    for (text, marks) in page.rows(findings.width) {
        findings.detail(&text)?;
        findings.marks(&marks)?;
    }
    tell_legend(&rows, findings)
}

/// A variable, with the key that holds it if that is called otherwise.
fn name_words(name: &str, held: &[(String, String)]) -> String {
    let words = match held.iter().find(|(held, _)| held == name) {
        Some((_, key)) if name != key => format!("${name} = {key}"),
        _ => format!("${name}"),
    };
    terminal_safe(cut_to(&words, NAME).as_bytes()).into_owned()
}

/// What is said of one field below the line.
struct LegendRow {
    /// The mark under its first character.
    mark: char,
    /// The variable, `$name`; with its key, if the log calls it otherwise.
    name: String,
    /// What its values are.
    kind: &'static str,
    /// The value as it is read; empty if the line cannot be.
    read: String,
}

/// A row a field: its mark, name, kind and value, in columns; the value has what is left of the line's width.
fn tell_legend(rows: &[LegendRow], findings: &mut Findings) -> Result<()> {
    let (mut names, mut kinds) = (0, 0);
    for row in rows {
        names = names.max(row.name.chars().count());
        kinds = kinds.max(row.kind.chars().count());
    }
    for LegendRow { mark, name, kind, read } in rows {
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
            let at = if rest.len() <= width { rest.len() } else { place_to_break(rest, width) };
            let (row, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            rows.push(row.iter().copied().unzip());
            rest = after;
        }
        rows
    }
}

/// Where a row of at most `width` columns ends: after the last space outside of a field that is near its end, else
/// before the last field that begins there, else in the midst of one.
fn place_to_break(columns: &[(char, char)], width: usize) -> usize {
    let mut outside = None;
    for at in (width - BACK..=width).rev() {
        match columns.get(at) {
            None | Some((_, '~')) => {}
            Some(_) if matches!(columns.get(at - 1), Some((' ', _))) => return at,
            Some(_) => outside = outside.or(Some(at)),
        }
    }
    outside.unwrap_or(width)
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
        VariableKind::Text if !is_own(format, variable) => made_words(format, variable),
        VariableKind::Text => "text",
    }
}

/// Whether a variable is nginx's own, or a key.
fn is_own(format: &Format, variable: &Variable) -> bool {
    format.is_keyed() || nginx_variables::is_known(&variable.name)
}

/// What the values of a variable are that a `map`, Lua or a module makes, as far as that is known.
fn made_words(format: &Format, variable: &Variable) -> &'static str {
    let roles = format.roles();
    let plays = |role: Option<usize>| role.and_then(|at| format.variables().get(at)) == Some(variable);
    let played = [
        (roles.request, "request line"),
        (roles.target, "target"),
        (roles.end.map(|(end, _)| end), "time"),
        (roles.host, "host"),
        (roles.method, "method"),
        (roles.protocol, "protocol"),
        (roles.status, "status"),
        (roles.bytes, "number"),
    ];
    played.into_iter().find(|(role, _)| plays(*role)).map_or("text; not nginx's own", |(_, words)| words)
}

/// A value as spikeline reads it.
fn value_words(format: &Format, variable: usize, value: &[u8], record: &Record<'_>) -> String {
    if value.is_empty() || value == b"-" {
        return "absent".to_owned();
    }
    let roles = format.roles();
    let raw = terminal_safe(value);
    if format.is_keyed() && roles.request == Some(variable) && value.first() != Some(&b'/') {
        return request_words(record);
    }
    if matches!(roles.end, Some((end, _)) if end == variable) {
        return record.end.to_string();
    }
    if roles.request_time == Some(variable) {
        return millis_or_absent(record.request_time_ms);
    }
    if roles.request == Some(variable) {
        return request_words(record);
    }
    // In another unit than nginx's, or of a map.
    let units = roles.units.iter().skip(1).zip(roles.absent.iter().skip(1));
    let times = roles.upstream.iter().zip(record.upstream_ms).zip(units);
    for ((role, time), (unit, absent)) in times {
        if *role == Some(variable) && (*unit != DurationUnit::Seconds || !absent.is_empty()) {
            return time.map_or_else(|| "absent".to_owned(), millis);
        }
    }
    let Some(Variable { kind, .. }) = format.variables().get(variable) else { return raw.into_owned() };
    match kind {
        VariableKind::UpstreamSeconds => match upstream_ms(value) {
            Ok(redirects) => attempts_words(&redirects),
            Err(_) => raw.into_owned(),
        },
        VariableKind::Integer => match raw.parse() {
            Ok(number) => count(number),
            Err(_) => raw.into_owned(),
        },
        VariableKind::Text => terminal_safe(&unescape(value, format.escape())).into_owned(),
        _ => raw.into_owned(),
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
    let mut words = Vec::new();
    for servers in redirects {
        let times: Vec<String> = servers.iter().copied().map(millis_or_absent).collect();
        words.push(times.join(", "));
    }
    words.join(" : ")
}

/// nginx's `-` for a server that was not asked.
fn millis_or_absent(time: Option<u64>) -> String {
    match time {
        Some(time) => millis(time),
        None => "-".to_owned(),
    }
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
