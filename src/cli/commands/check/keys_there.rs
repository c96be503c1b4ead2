//! What lines with keys lack that no usual key holds, and which keys they have.

use crate::grammar::{Format, Roles};
use crate::report::{count, terminal_safe};

/// So many keys are named.
const NAMED: usize = 24;

/// What the lines are, what they lack and which keys they have; nothing if they have no keys.
pub(super) fn keys_words(lines: &[&[u8]]) -> Option<String> {
    let line = lines.iter().map(|line| line.trim_ascii()).find(|line| !line.is_empty())?;
    let syntax = if line.starts_with(b"{") && line.ends_with(b"}") {
        "json"
    } else if is_labelled(line) {
        "ltsv"
    } else {
        return None;
    };
    let format = Format::keyed(syntax)?.ok()?.learnt_from(lines);
    let lacks = Lacks::of_lines(&format, lines);
    let keys: Vec<&str> = format.keys_in(lines);
    let more = keys.len().saturating_sub(NAMED);
    let named: Vec<String> = keys.iter().take(NAMED).map(|key| terminal_safe(key.as_bytes()).into_owned()).collect();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let (kind, what) = if syntax == "json" { ("JSON", "key") } else { ("LTSV", "label") };
    Some(format!(
        "they are {kind}, but {}, under any usual {what}; the {what}s there are: {}{more}. Name them, as in --log-format '{syntax} \
         request_time=took:ms status=http.code time=when'",
        lacks.words(lines.len()),
        named.join(", ")
    ))
}

/// Fields with a label each, and tabs between them.
fn is_labelled(line: &[u8]) -> bool {
    let labelled = |field: &[u8]| {
        let label = field.split(|byte| *byte == b':').next().unwrap_or_default();
        label.len() < field.len() && !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    memchr::memchr(b'\t', line).is_some() && line.split(|byte| *byte == b'\t').all(labelled)
}

/// In how many lines no key holds what a request must have.
#[derive(Default)]
struct Lacks {
    time: usize,
    request: usize,
}

impl Lacks {
    fn of_lines(format: &Format, lines: &[&[u8]]) -> Lacks {
        let mut lacks = Lacks::default();
        for line in lines {
            let Roles { end, request, target, status, .. } = format.roles_in(&[line]);
            lacks.time += usize::from(end.is_none());
            lacks.request += usize::from(request.is_none() && target.is_none() && status.is_none());
        }
        lacks
    }

    fn words(&self, lines: usize) -> String {
        let part = |lacking: usize| match lacking {
            all if all == lines => "all of them".to_owned(),
            some => format!("{} of {}", count(some as u64), count(lines as u64)),
        };
        match (self.time, self.request) {
            (0, 0) => "no line holds a time that can be read with a zone".to_owned(),
            (time, 0) => format!("{} lack the time when the request ended", part(time)),
            (0, request) => format!("{} lack request, target and status", part(request)),
            (time, request) => format!(
                "{} lack the time when the request ended, and {} lack request, target and status",
                part(time),
                part(request)
            ),
        }
    }
}
