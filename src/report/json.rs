//! Reports as JSON: one object with an envelope, or one object a row.
//!
//! ```text
//! {"schema":1,"from":"2011-11-30T14:05:00.000Z"|null,"until":..|null,"complete":true,"missing":[..],"rows":[
//! {..},
//! {..}
//! ]}
//! ```
//!
//! On a terminal every text is made harmless where serde_json writes it, so no field can be forgotten.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use super::rows::Report;
use super::terminal_safe::terminal_safe;
use crate::time::Timestamp;

/// The version of every JSON report's shape: it grows when a field changes its meaning or goes, not when one is added.
pub const SCHEMA: u64 = 1;

/// What stands before the rows.
#[derive(Debug, Serialize)]
struct Envelope<'r> {
    schema: u64,
    /// The window, as ISO 8601 in UTC; null where it has no such bound.
    #[serde(serialize_with = "serialize_bound")]
    from: Option<Timestamp>,
    #[serde(serialize_with = "serialize_bound")]
    until: Option<Timestamp>,
    /// Whether nothing is missing.
    complete: bool,
    /// What is missing, and why.
    missing: &'r [String],
}

fn serialize_bound<S: Serializer>(bound: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match bound {
        None | Some(Timestamp(i64::MIN | i64::MAX)) => serializer.serialize_none(),
        Some(time) => serializer.collect_str(time),
    }
}

pub(super) fn write<R: Serialize>(report: &Report<R>, terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    let envelope = Envelope {
        schema: SCHEMA,
        from: report.window.map(|window| window.from),
        until: report.window.map(|window| window.until),
        complete: report.missing.is_empty(),
        missing: &report.missing,
    };
    let mut head = Vec::new();
    write_json(&envelope, terminal, &mut head)?;
    // The rows are its last field: its brace is closed behind them.
    head.pop();
    out.write_all(&head)?;
    out.write_all(b",\"rows\":[")?;
    let mut before: &[u8] = b"\n";
    for row in &report.rows {
        out.write_all(before)?;
        write_json(row, terminal, &mut *out)?;
        before = b",\n";
    }
    out.write_all(b"\n]}\n")
}

pub(super) fn write_lines<R: Serialize>(rows: &[R], terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        write_json(row, terminal, &mut *out)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes a value as JSON without line breaks; with all of its text made harmless if a `terminal` shows it.
///
/// # Errors
/// Those of `out`.
pub fn write_json<T: Serialize + ?Sized>(value: &T, terminal: bool, out: impl Write) -> io::Result<()> {
    let written = if terminal {
        value.serialize(&mut serde_json::Serializer::with_formatter(out, TerminalFormatter))
    } else {
        serde_json::to_writer(out, value)
    };
    written.map_err(io::Error::from)
}

/// JSON as serde_json writes it, but for what [`terminal_safe`] shows as `\xHH`: that is text, so in JSON it is `\\xHH`.
struct TerminalFormatter;

impl Formatter for TerminalFormatter {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        // serde_json has cut out backslashes: those that stand here now are of `\xHH`.
        let safe = terminal_safe(fragment.as_bytes());
        let mut rest = safe.split('\\');
        out.write_all(rest.next().unwrap_or_default().as_bytes())?;
        for part in rest {
            out.write_all(b"\\\\")?;
            out.write_all(part.as_bytes())?;
        }
        Ok(())
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        let control = match escape {
            CharEscape::Quote | CharEscape::ReverseSolidus | CharEscape::Solidus => {
                return CompactFormatter.write_char_escape(out, escape);
            }
            CharEscape::Backspace => 0x08,
            CharEscape::Tab => b'\t',
            CharEscape::LineFeed => b'\n',
            CharEscape::FormFeed => 0x0c,
            CharEscape::CarriageReturn => b'\r',
            CharEscape::AsciiControl(byte) => byte,
        };
        write!(out, "\\\\x{control:02X}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// What a program reads back from a terminal's JSON is the text as a terminal is shown it.
        #[test]
        fn on_a_terminal_json_holds_the_harmless_text(text in "\\PC{0,8}[\\x00-\\x1f\\x7f\"\\\\/a-c\u{9b}\u{202e}é]{0,16}") {
            let mut written = Vec::new();
            write_json(&text, true, &mut written).unwrap();
            let read: String = serde_json::from_slice(&written).unwrap();
            prop_assert_eq!(read, terminal_safe(text.as_bytes()));
            let mut plain = Vec::new();
            write_json(&text, false, &mut plain).unwrap();
            prop_assert_eq!(serde_json::from_slice::<String>(&plain).unwrap(), text);
        }
    }

    #[test]
    fn a_window_without_bounds_has_none() {
        let report =
            Report { rows: vec![1], blank: 0, totals: None, window: Some(crate::time::Window::ALL), missing: vec![] };
        let mut written = Vec::new();
        write(&report, false, &mut written).unwrap();
        let expected =
            "{\"schema\":1,\"from\":null,\"until\":null,\"complete\":true,\"missing\":[],\"rows\":[\n1\n]}\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
