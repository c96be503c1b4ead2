//! A syslog header before each line:
//!
//! ```text
//! <190>Nov 22 12:00:00 host nginx: LINE           nginx (RFC 3164); <190> is not in rsyslog's files, the host may be missing
//! 2026-11-22T12:00:00.123456+00:00 host nginx: LINE         rsyslog's own file format
//! <190>1 2026-11-22T12:00:00Z host nginx 123 - - LINE       RFC 5424
//! ```

use super::WrappedPart;
use crate::grammar::line::{ValueSpan, find_byte, time_iso_end};

pub(super) fn read_part(line: &[u8]) -> Option<WrappedPart> {
    let (from, time) = text_start(line)?;
    Some(WrappedPart { stream: 0, partial: false, text: (from as u32, line.len() as u32), escaped: false, time })
}

/// Where the text begins, and where a time stands that has a year: that of RFC 3164 has none.
fn text_start(line: &[u8]) -> Option<(usize, ValueSpan)> {
    let at = priority_end(line)?;
    if at > 0 && line.get(at..)?.starts_with(b"1 ") {
        let end = time_iso_end(line, at + 2).unwrap_or(at + 2);
        return Some((text_after_structured_data(line, at + 2)?, ((at + 2) as u32, end as u32)));
    }
    if let Some(end) = bsd_time_end(line, at) {
        return Some((text_after_tag(line, end, true)?, (0, 0)));
    }
    let end = time_iso_end(line, at)?;
    Some((text_after_tag(line, end, false)?, (at as u32, end as u32)))
}

/// After `<0>` to `<191>`; 0 if there is none.
fn priority_end(line: &[u8]) -> Option<usize> {
    let Some(rest) = line.strip_prefix(b"<") else { return Some(0) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    ((1..=3).contains(&digits) && rest.get(digits) == Some(&b'>')).then_some(digits + 2)
}

/// The end of `Nov 22 12:00:00`; the day may have one digit and a space before it.
fn bsd_time_end(line: &[u8], at: usize) -> Option<usize> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let time = line.get(at..)?.first_chunk::<15>()?;
    let [m1, m2, m3, b' ', d1, d2, b' ', h1, h2, b':', i1, i2, b':', s1, s2] = time else { return None };
    let digits = [d2, h1, h2, i1, i2, s1, s2].into_iter().all(u8::is_ascii_digit);
    let day = *d1 == b' ' || d1.is_ascii_digit();
    (MONTHS.contains(&&[*m1, *m2, *m3]) && digits && day).then_some(at + 15)
}

/// After ` host tag: `, or ` tag: ` where the host may be missing. A tag is a program's name, perhaps with `[pid]`.
fn text_after_tag(line: &[u8], at: usize, hostless: bool) -> Option<usize> {
    let host = word_end(line, at)?;
    if hostless && let Some(end) = tag_end(line, at + 1, host) {
        return Some(end);
    }
    let tag = word_end(line, host)?;
    tag_end(line, host + 1, tag)
}

/// The end of the word behind the space at `at`; a space must follow it.
fn word_end(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?.strip_prefix(b" ")?;
    let length = find_byte(b' ', rest).filter(|&length| length > 0)?;
    Some(at + 1 + length)
}

/// Behind the space after a tag, if `from..end` is one.
fn tag_end(line: &[u8], from: usize, end: usize) -> Option<usize> {
    let tag = line.get(from..end)?.strip_suffix(b":")?;
    let name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./[]".contains(byte);
    (!tag.is_empty() && tag.len() <= 64 && tag.iter().all(name_byte)).then_some(end + 1)
}

/// RFC 5424 behind the version: time, host, program, process, message, then structured data and the text.
fn text_after_structured_data(line: &[u8], at: usize) -> Option<usize> {
    let time = line.get(at..)?;
    let mut at = if time.starts_with(b"- ") { at + 1 } else { time_iso_end(line, at)? };
    for _ in 0..4 {
        at = word_end(line, at)?;
    }
    at += 1;
    match line.get(at)? {
        b'-' => at += 1,
        b'[' => {
            while line.get(at) == Some(&b'[') {
                at = element_end(line, at)?;
            }
        }
        _ => return None,
    }
    if line.get(at)? != &b' ' {
        return None;
    }
    at += 1;
    Some(if line.get(at..)?.starts_with(b"\xEF\xBB\xBF") { at + 3 } else { at })
}

/// The end of `[id name="value" ..]`; in a value `"`, `\` and `]` are escaped by a backslash.
fn element_end(line: &[u8], at: usize) -> Option<usize> {
    let mut quoted = false;
    let mut bytes = line.iter().enumerate().skip(at + 1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => drop(bytes.next()),
            b']' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}
