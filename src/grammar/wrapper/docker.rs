//! `{"log":"LINE\n","stream":"stdout","time":".."}`, keys in any order, others among them.

use super::WrappedPart;
use crate::grammar::keyed::{ValueForm, json_string, scan_json};
use crate::grammar::line::ValueSpan;

pub(super) fn read_part(line: &[u8]) -> Option<WrappedPart> {
    let DockerLine { log, escaped, stream, time } = in_order(line).or_else(|| in_any_order(line))?;
    let text = line.get(log.0 as usize..log.1 as usize)?;
    // A backslash before the `\n` would make it a backslash and an `n`.
    let ends = text.ends_with(b"\\n") && text.iter().rev().skip(1).take_while(|&&byte| byte == b'\\').count() % 2 == 1;
    let until = if ends { log.1 - 2 } else { log.1 };
    let inside = line.get(log.0 as usize..until as usize)?;
    let escaped = escaped && memchr::memchr(b'\\', inside).is_some();
    Some(WrappedPart { stream, partial: !ends, text: (log.0, until), escaped, time })
}

struct DockerLine {
    log: ValueSpan,
    /// Whether `log` has escapes.
    escaped: bool,
    stream: usize,
    time: ValueSpan,
}

/// As Docker writes it.
fn in_order(line: &[u8]) -> Option<DockerLine> {
    if !line.starts_with(b"{\"log\":\"") || !line.ends_with(b"}") {
        return None;
    }
    let (log, escaped) = json_string(line, 7)?;
    let rest = line.get(log.1 as usize..)?;
    let stream = match rest.get(..19)? {
        b"\",\"stream\":\"stdout\"" => 0,
        b"\",\"stream\":\"stderr\"" => 1,
        _ => return None,
    };
    let rest = rest.get(19..)?.strip_prefix(b",\"time\":")?;
    let (time, _) = json_string(line, line.len() - rest.len()).filter(|_| rest.starts_with(b"\""))?;
    Some(DockerLine { log, escaped, stream, time })
}

fn in_any_order(line: &[u8]) -> Option<DockerLine> {
    let (mut log, mut stream, mut time) = (None, None, None);
    let mut each = |path: &[u8], span: ValueSpan, form: ValueForm| match path {
        b"log" => log = (form != ValueForm::Array).then_some((span, form == ValueForm::Escaped)),
        b"stream" => {
            stream = match line.get(span.0 as usize..span.1 as usize) {
                Some(b"stdout") => Some(0),
                Some(b"stderr") => Some(1),
                _ => None,
            }
        }
        b"time" => time = Some(span),
        _ => {}
    };
    scan_json(line, &mut each).ok()?;
    let (log, escaped) = log?;
    Some(DockerLine { log, escaped, stream: stream?, time: time? })
}
