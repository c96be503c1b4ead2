//! What a store lacks that nobody but `index` fills: files of its logs that were not taken in, or not to their ends.

use super::span_words::between_words;
use crate::error::Result;
use crate::grammar::{Format, read_format};
use crate::record::{Needs, RecordParser};
use crate::source::{Generation, UnreadSpan, UntakenFile, find_untaken};
use crate::store::View;
use crate::time::{Timestamp, Window};

/// So many files are named.
const MOST_NAMED: usize = 8;

/// The files that hold lines of the window, as far as their times tell. A window without an end, or a beginning, is that of the store there.
pub(super) fn untaken_words(view: &View, window: Window) -> Result<Vec<String>> {
    let Some(named) = view.expected_logs() else { return Ok(Vec::new()) };
    let mut untaken = find_untaken(view.generations(), named, |log| view.rotated_of(log));
    // What the store itself says of a file is more.
    untaken.retain(|file| !view.unread_spans().any(|span| is_of_file(view, span, file)));
    if untaken.is_empty() {
        return Ok(Vec::new());
    }
    let asked = within_store(view, window)?;
    let mut words = Vec::new();
    untaken.sort_by_key(|file| file.until);
    for file in &untaken {
        let read_to = read_until(view, file)?;
        let mut from = first_unread(view, file).or(read_to).unwrap_or(Window::ALL.from);
        // Lines are not in the order of their ends, quite; without an end the window ends with what was read.
        if window.until == Window::ALL.until {
            from = from.max(read_to.unwrap_or(from));
        }
        let span = Window { from, until: file.until };
        if span.until > asked.from && span.from < asked.until {
            let what = if file.begun.is_some() { "was written on since it was taken in" } else { "was not taken in" };
            let when = between_words(span);
            words.push(format!(
                "{} {what} (`spikeline index`): what was written {when} is missing",
                file.path.display()
            ));
        }
    }
    if words.len() > MOST_NAMED {
        let more = words.len() - MOST_NAMED;
        words.truncate(MOST_NAMED);
        words.push(format!("{more} more files of these logs were not taken in (`spikeline index`)"));
    }
    Ok(words)
}

/// Whether a span is about this file, as far as it was written.
fn is_of_file(view: &View, span: &UnreadSpan, file: &UntakenFile) -> bool {
    let generation = view.generations().iter().find(|known| Some(known.id) == span.generation);
    let inode = span.device_inode.or(generation.map(|known| known.device_inode));
    inode == Some(file.device_inode) && span.end() >= file.until
}

/// When the first lines of a file were written that were not taken in, as far as that can be told.
fn first_unread(view: &View, file: &UntakenFile) -> Option<Timestamp> {
    let is_of_log = |known: &&Generation| match file.begun {
        Some(begun) => known.id == begun,
        None => known.log == file.log,
    };
    view.generations().iter().filter(is_of_log).find_map(|known| {
        let format = read_format(&view.last_reading(known.id)?.format)?;
        earliest_end(&format, &file.first)
    })
}

/// Up to when a file was read, if it was begun.
fn read_until(view: &View, file: &UntakenFile) -> Result<Option<Timestamp>> {
    let Some(begun) = file.begun else { return Ok(None) };
    Ok(view.blocks_of(begun)?.iter().map(|block| block.max_end).max())
}

/// When the first of these lines ended; they are in no order if nginx buffers.
fn earliest_end(format: &Format, lines: &[u8]) -> Option<Timestamp> {
    let mut parser = RecordParser::new(format, &Needs::default()).ok()?;
    let mut text = Vec::new();
    let mut earliest = None;
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        // What the bytes end in the middle of is no line.
        let Some(line) = line.strip_suffix(b"\n") else { break };
        if let Ok((record, _)) = parser.parse_in(line, &mut text) {
            earliest = Some(earliest.map_or(record.end, |known: Timestamp| known.min(record.end)));
        }
    }
    earliest
}

/// The window, from the first to the last line of the store where it has no end.
fn within_store(view: &View, window: Window) -> Result<Window> {
    if window.from != Window::ALL.from && window.until != Window::ALL.until {
        return Ok(window);
    }
    let (mut from, mut until) = (Window::ALL.until, Window::ALL.from);
    for generation in view.generations() {
        for block in view.blocks_of(generation.id)? {
            (from, until) = (from.min(block.min_end), until.max(block.max_end));
        }
    }
    let has_begin = window.from != Window::ALL.from;
    let has_end = window.until != Window::ALL.until;
    Ok(Window { from: if has_begin { window.from } else { from }, until: if has_end { window.until } else { until } })
}
