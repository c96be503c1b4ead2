//! Scans a JSON object for its values: slices in, spans out. No allocation, linear, bounded depth.
//!
//! The grammar is that of RFC 8259, a little wider for what hand-written `log_format`s make of it: a value may be missing
//! (`"rt":,`), a bare `-`, a word or a list as nginx writes it (`60.000, 0.900`, `10.0.0.1:80`), and a backslash before any byte keeps that byte from ending the string (`\x22`).

use super::json_string::{decode, string};
use super::key_path::KeyPath;
use crate::grammar::line::{CutFailure, RejectReason, ValueSpan};

/// Objects and arrays nested deeper are refused.
const DEPTH: usize = 32;

/// What stands at a value's span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueForm {
    /// Nothing: `null`, an empty text, `-`.
    Absent,
    /// Text as it is.
    Plain,
    /// The inside of a JSON string with escapes.
    Escaped,
    /// A JSON array, brackets included.
    Array,
}

/// Gives every value of the object `line` that is no object itself, with its dotted path in lower case.
pub(crate) fn scan(line: &[u8], each: &mut dyn FnMut(&[u8], ValueSpan, ValueForm)) -> Result<(), CutFailure> {
    let mut scanner = JsonScanner { line, at: 0, path: KeyPath::default(), each };
    scanner.skip_blanks();
    scanner.scan_object(0)?;
    scanner.skip_blanks();
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(CutFailure { step: 0, at: scanner.at, reason: RejectReason::TrailingText }),
    }
}

struct JsonScanner<'l, 'e> {
    line: &'l [u8],
    at: usize,
    path: KeyPath,
    each: &'e mut dyn FnMut(&[u8], ValueSpan, ValueForm),
}

impl JsonScanner<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn failure(&self) -> CutFailure {
        CutFailure { step: 0, at: self.at.min(self.line.len()), reason: RejectReason::BadSyntax }
    }

    fn expect_byte(&mut self, byte: u8) -> Result<(), CutFailure> {
        if self.peek() != Some(byte) {
            return Err(self.failure());
        }
        self.at += 1;
        Ok(())
    }

    /// The string that begins here.
    fn scan_string(&mut self) -> Result<(ValueSpan, bool), CutFailure> {
        if self.peek() != Some(b'"') {
            return Err(self.failure());
        }
        let (span, escaped) = string(self.line, self.at).ok_or(CutFailure { at: self.line.len(), ..self.failure() })?;
        self.at = span.1 as usize + 1;
        Ok((span, escaped))
    }

    fn scan_object(&mut self, depth: usize) -> Result<(), CutFailure> {
        self.expect_byte(b'{')?;
        self.skip_blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_blanks();
            let ((from, until), escaped) = self.scan_string()?;
            let key = self.line.get(from as usize..until as usize).unwrap_or_default();
            let outer = self.path.push(key, escaped);
            self.skip_blanks();
            self.expect_byte(b':')?;
            self.skip_blanks();
            self.scan_value(depth)?;
            self.path.back_to(outer);
            self.skip_blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.failure()),
            }
        }
    }

    fn scan_value(&mut self, depth: usize) -> Result<(), CutFailure> {
        match self.peek() {
            Some(b'"') => {
                let (span, escaped) = self.scan_string()?;
                let form = match self.line.get(span.0 as usize..span.1 as usize) {
                    Some(b"" | b"-") => ValueForm::Absent,
                    _ if escaped => ValueForm::Escaped,
                    _ => ValueForm::Plain,
                };
                self.give_value(span, form);
            }
            Some(b'{') if depth < DEPTH => return self.scan_object(depth + 1),
            Some(b'[') if self.bare_length() == 0 => {
                let from = self.at;
                self.skip_array()?;
                self.give_value((from as u32, self.at as u32), ValueForm::Array);
            }
            Some(_) => self.scan_bare()?,
            None => return Err(self.failure()),
        }
        Ok(())
    }

    /// A number, a word, or nothing.
    fn scan_bare(&mut self) -> Result<(), CutFailure> {
        let rest = self.line.get(self.at..).unwrap_or_default();
        let length = self.bare_length();
        let form = match rest.get(..length).unwrap_or_default() {
            b"" | b"-" | b"null" => ValueForm::Absent,
            member if is_number(member) || is_word(member) => ValueForm::Plain,
            _ => return Err(self.failure()),
        };
        let from = self.at;
        self.at += length;
        // After a number only a key in quotes could follow: anything else goes on with the list.
        let form =
            if form == ValueForm::Absent && length == 0 || !self.pass_members() { form } else { ValueForm::Plain };
        self.give_value((from as u32, self.at as u32), form);
        Ok(())
    }

    /// How long the number, word or address is that stands here without quotes; 0 if none does.
    fn bare_length(&self) -> usize {
        member_length(self.line.get(self.at..).unwrap_or_default())
    }

    /// Passes over the further members of a list that nginx wrote without quotes, `60.000, 0.900 : 0.100` or
    /// `10.0.0.1:80, unix:/run/a.sock`; whether there are any.
    fn pass_members(&mut self) -> bool {
        let begin = self.at;
        loop {
            let rest = self.line.get(self.at..).unwrap_or_default();
            let separator = match rest {
                [b',', b' ', ..] => 2,
                [b' ', b':', b' ', ..] => 3,
                _ => break,
            };
            let length = member_length(rest.get(separator..).unwrap_or_default());
            if length == 0 {
                break;
            }
            self.at += separator + length;
        }
        self.at > begin
    }

    fn give_value(&mut self, span: ValueSpan, form: ValueForm) {
        if let Some(path) = self.path.bytes() {
            (self.each)(path, span, form);
        }
    }

    /// Passes over an array: its brackets must pair.
    fn skip_array(&mut self) -> Result<(), CutFailure> {
        // One bit an open bracket, 1 for a brace.
        let (mut open, mut depth) = (0_u64, 0);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.scan_string()?;
                    continue;
                }
                Some(bracket @ (b'[' | b'{')) if depth < DEPTH => {
                    open = open << 1 | u64::from(bracket == b'{');
                    depth += 1;
                }
                Some(bracket @ (b']' | b'}')) if open & 1 == u64::from(bracket == b'}') => {
                    open >>= 1;
                    depth -= 1;
                }
                Some(b'[' | b'{' | b']' | b'}') | None => return Err(self.failure()),
                Some(_) => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

/// How long a member of a list without quotes is. An address of IPv6 stands in brackets, which also begin an array: only with
/// a port behind them is it one.
fn member_length(text: &[u8]) -> usize {
    let bracketed = match text.strip_prefix(b"[") {
        Some(inside) => {
            let length = inside.iter().take_while(|byte| byte.is_ascii_hexdigit() || b":.".contains(byte)).count();
            match inside.get(length..) {
                Some([b']', b':', digit, ..]) if digit.is_ascii_digit() && length > 1 => length + 2,
                _ => return 0,
            }
        }
        None => 0,
    };
    let rest = text.get(bracketed..).unwrap_or_default();
    bracketed + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-._:/".contains(byte)).count()
}

/// Whether a member is a word (`HIT`, an upstream's name) or an address: `10.0.0.1:80`, `[::1]:80`, `unix:/run/a.sock`.
fn is_word(text: &[u8]) -> bool {
    match text.first() {
        Some(b'[') => true,
        Some(first) if first.is_ascii_digit() => {
            let host = text.split(|byte| *byte == b':').next().unwrap_or_default();
            text.contains(&b':') && host.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        }
        Some(first) => first.is_ascii_alphabetic() || *first == b'_',
        None => false,
    }
}

fn is_number(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    unsigned.first().is_some_and(u8::is_ascii_digit)
        && unsigned.iter().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte))
}

/// The members of a JSON array as nginx writes a list of `$upstream_*`: `, ` between them, ` : ` between inner arrays.
pub(super) fn write_list(array: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    // What separates the next member from the one before.
    let mut before: &[u8] = b"";
    while let Some(&byte) = array.get(at) {
        match byte {
            b']' => {
                before = b" : ";
                at += 1;
            }
            b'"' => {
                let Some((span, _)) = string(array, at) else { return };
                out.extend_from_slice(before);
                decode(array.get(span.0 as usize..span.1 as usize).unwrap_or_default(), out);
                (before, at) = (b", ", span.1 as usize + 1);
            }
            b'[' | b',' | b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            _ => {
                let rest = array.get(at..).unwrap_or_default();
                let length = rest.iter().position(|byte| b",] \t\r\n".contains(byte)).unwrap_or(rest.len());
                out.extend_from_slice(before);
                match rest.get(..length).unwrap_or_default() {
                    b"null" => out.push(b'-'),
                    member => out.extend_from_slice(member),
                }
                (before, at) = (b", ", at + length.max(1));
            }
        }
    }
}
