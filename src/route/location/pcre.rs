//! PCRE's regular expressions, as nginx uses them to say yes or no, in the terms of the `regex` crate.
//!
//! What the two read differently is rewritten; what the crate cannot do (lookaround, backreferences, atomic groups and
//! possessive quantifiers, most `(*VERBS)`) is refused by name, never approximated.

use std::fmt::Write;

use regex::bytes::{Regex, RegexBuilder};

/// `$`: at the end, or before a newline there. Only whether there is a match matters, so eating the newline is harmless.
const DOLLAR: &str = r"(?:\n?\z)";

/// Compiles a pattern.
///
/// # Errors
/// What in it is not supported.
pub(super) fn compile(pattern: &str, caseless: bool) -> Result<Regex, String> {
    let translated = PcreTranslation { rest: pattern.as_bytes(), out: String::new(), repeats: false }.translate()?;
    RegexBuilder::new(&translated).unicode(false).case_insensitive(caseless).build().map_err(|error| {
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

/// A pattern on its way, read from the left.
struct PcreTranslation<'p> {
    rest: &'p [u8],
    out: String,
    /// Whether what stands before is a quantifier.
    repeats: bool,
}

impl PcreTranslation<'_> {
    /// Goes over `prefix` if it is what comes next.
    fn skip_prefix(&mut self, prefix: &[u8]) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// The next byte, which counts as read.
    fn next_byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    /// The whole pattern in the terms of the `regex` crate.
    fn translate(mut self) -> Result<String, String> {
        while let Some(byte) = self.next_byte() {
            let repeats = std::mem::take(&mut self.repeats);
            match byte {
                b'\\' => self.translate_escape()?,
                b'[' => self.translate_class()?,
                b'$' => self.out.push_str(DOLLAR),
                b'(' => self.translate_group()?,
                b'+' if repeats => return Err("possessive quantifiers are not supported".to_owned()),
                b'*' | b'+' | b'?' => {
                    // A `?` after a quantifier makes it lazy, and ends it.
                    self.repeats = !(repeats && byte == b'?');
                    self.out.push(char::from(byte));
                }
                b'{' => match repetition_length(self.rest) {
                    Some(length) => {
                        self.out.push('{');
                        self.copy_literals(length);
                        self.repeats = true;
                    }
                    None => self.out.push_str(r"\{"),
                },
                _ => self.push_literal(byte),
            }
        }
        Ok(self.out)
    }

    /// Copies the next bytes as they are.
    fn copy_literals(&mut self, length: usize) {
        for _ in 0..length {
            if let Some(byte) = self.next_byte() {
                self.push_literal(byte);
            }
        }
    }

    /// A byte as it is; nginx's patterns are bytes, not characters.
    fn push_literal(&mut self, byte: u8) {
        if byte.is_ascii() {
            self.out.push(char::from(byte));
        } else {
            self.push_byte(byte);
        }
    }

    /// Appends a byte as `\xHH`, which is never syntax.
    fn push_byte(&mut self, byte: u8) {
        // Writing to a String cannot fail.
        let _written = write!(self.out, r"\x{byte:02X}");
    }

    /// After a `(`: what may follow `?`. The closing parenthesis is copied when it comes.
    fn translate_group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.first() == Some(&b'*') {
            return Err("verbs such as (*UTF8) are not supported".to_owned());
        }
        if !self.skip_prefix(b"?") {
            return Ok(());
        }
        self.out.push('?');
        if self.skip_prefix(b"<=") || self.skip_prefix(b"<!") || self.skip_prefix(b"=") || self.skip_prefix(b"!") {
            return Err("lookaround is not supported".to_owned());
        }
        match self.rest.first() {
            Some(b'>') => Err("atomic groups are not supported".to_owned()),
            Some(b'<' | b'P') => Ok(()),
            _ => {
                // Flags, up to `:` or `)`.
                let flags = self.rest.iter().take_while(|byte| !matches!(byte, b':' | b')')).copied();
                match flags.into_iter().find(|flag| !matches!(flag, b'i' | b's' | b'U' | b'-')) {
                    Some(flag) => Err(format!("`(?{}` is not supported", char::from(flag))),
                    None => Ok(()),
                }
            }
        }
    }

    /// After a backslash, outside of `[..]` and inside.
    fn translate_escape(&mut self) -> Result<(), String> {
        let Some(byte) = self.next_byte() else { return Err("it ends with a backslash".to_owned()) };
        match byte {
            b'Z' => self.out.push_str(DOLLAR),
            b'h' => self.out.push_str(r"[\t \xA0]"),
            b'H' => self.out.push_str(r"[^\t \xA0]"),
            b'e' => self.push_byte(0x1b),
            b'1'..=b'9' | b'g' | b'k' => return Err("backreferences are not supported".to_owned()),
            b'd' | b'D' | b'w' | b'W' | b's' | b'S' | b'b' | b'B' | b'A' | b'z' | b'n' | b'r' | b't' | b'f' | b'a' => {
                self.out.push('\\');
                self.out.push(char::from(byte));
            }
            b'x' => self.translate_hex()?,
            _ if byte.is_ascii_alphanumeric() => return Err(format!(r"`\{}` is not supported", char::from(byte))),
            _ => self.push_byte(byte),
        }
        Ok(())
    }

    /// `\xHH`, `\xH` or `\x{H..}`.
    fn translate_hex(&mut self) -> Result<(), String> {
        let braces = self.skip_prefix(b"{");
        let (mut value, mut digits) = (0_u32, 0);
        while let Some(digit) = self.rest.first().and_then(|byte| char::from(*byte).to_digit(16)) {
            if !braces && digits == 2 {
                break;
            }
            value = value.saturating_mul(16).saturating_add(digit);
            digits += 1;
            self.next_byte();
        }
        match u8::try_from(value) {
            Ok(byte) if !braces || self.skip_prefix(b"}") => {
                self.push_byte(byte);
                Ok(())
            }
            _ => Err(r"this `\x` is not supported".to_owned()),
        }
    }

    /// After a `[`: up to the `]` that closes it. Inside PCRE takes most bytes as they are, the crate does not.
    fn translate_class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.skip_prefix(b"^") {
            self.out.push('^');
        }
        let mut first = true;
        // Whether what stands before is a set, after which `-` begins no range.
        let mut after_set = false;
        loop {
            let Some(byte) = self.next_byte() else { return Err("a `[` is not closed".to_owned()) };
            let set = match byte {
                b']' if !first => break,
                b'[' if self.rest.first() == Some(&b':') && posix_class_length(self.rest).is_some() => {
                    self.out.push('[');
                    self.copy_literals(posix_class_length(self.rest).unwrap_or_default());
                    true
                }
                b'\\' => {
                    let set = matches!(self.rest.first(), Some(b'd' | b'D' | b'w' | b'W' | b's' | b'S'));
                    match self.rest.first() {
                        Some(b'b') => {
                            self.next_byte();
                            self.push_byte(8);
                        }
                        Some(b'B' | b'A' | b'z' | b'Z' | b'h' | b'H') => {
                            return Err("an escape inside `[..]` is not supported".to_owned());
                        }
                        _ => self.translate_escape()?,
                    }
                    set
                }
                b'-' if !first && !after_set && self.rest.first() != Some(&b']') => {
                    self.out.push('-');
                    // A range up to a set is none.
                    if matches!(self.rest, [b'\\', b'd' | b'D' | b'w' | b'W' | b's' | b'S', ..] | [b'[', b':', ..]) {
                        return Err("a range up to a set is not supported".to_owned());
                    }
                    false
                }
                _ => {
                    if byte.is_ascii_alphanumeric() {
                        self.out.push(char::from(byte));
                    } else {
                        self.push_byte(byte);
                    }
                    false
                }
            };
            first = false;
            after_set = set;
        }
        self.out.push(']');
        Ok(())
    }
}

/// The length of `n}`, `n,}` or `n,m}`, if that is what follows a `{`.
fn repetition_length(rest: &[u8]) -> Option<usize> {
    // More digits than that are too many for either.
    let end = memchr::memchr(b'}', rest.get(..rest.len().min(16))?)?;
    let text = std::str::from_utf8(rest.get(..end)?).ok()?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match text.split_once(',') {
        None => digits(text),
        Some((least, most)) => digits(least) && (most.is_empty() || digits(most)),
    };
    fits.then_some(end + 1)
}

/// The length of `:name:]`, if that is what follows a `[`.
fn posix_class_length(rest: &[u8]) -> Option<usize> {
    let name = rest.strip_prefix(b":")?;
    let length = name.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b'^').count();
    name.get(length..)?.starts_with(b":]").then_some(length + 3)
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn what_both_know_and_what_is_rewritten() {
        for (pattern, yes, no) in [
            (r"\.php$", "/a.php", "/a.php5"),
            (r"\.php$", "/a.php\n", "/a.php\nx"),
            (r"^/a{b}", "/a{b}", "/ab"),
            (r"^/a{2,3}$", "/aa", "/a"),
            (r"^/[\w-.]+$", "/a-b.c", "/a/b"),
            (r"^/[[]x[&&]$", "/[x&", "/x"),
            (r"^/[]x]+$", "/]x", "/["),
            (r"^/\<a\>\_\/$", "/<a>_/", "/a"),
            (r"^/(?<user>[[:alpha:]]+)/(?i)x\Z", "/bob/X", "/b1b/x"),
            (r"^/[^/~a-c]+$", "/d-", "/a"),
            (r"^/a+?b??$", "/aab", "/b"),
            ("^/é+$", "/é\u{a9}", "/e"),
        ] {
            let regex = compile(pattern, false).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert!(regex.is_match(yes.as_bytes()) || pattern.contains('é'), "{pattern} {yes}");
            assert!(!regex.is_match(no.as_bytes()), "{pattern} {no}");
        }
        // PCRE repeats the last byte only.
        assert!(compile("^/é+$", false).unwrap().is_match(b"/\xc3\xa9\xa9"));
        assert!(compile("\\.JPG$", true).unwrap().is_match(b"/a.jpg"));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for pattern in [
            "(?!a)",
            "(?<=a)b",
            "(?>a)",
            "a++",
            "a{1,2}+",
            r"(a)\1",
            r"(?<x>a)\k<x>",
            "(*UTF8)a",
            "(?x)a",
            r"\Qa\E",
            "(",
            "[a",
        ] {
            assert!(compile(pattern, false).is_err(), "{pattern}");
        }
        assert!(compile("a+?", false).is_ok());
    }
}
