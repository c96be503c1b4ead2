//! What a writer wrote: a document is what one file held between its creation, or a truncation, and the next. All that
//! is expected of the store is reckoned from documents, by a reader of lines of its own.

use spikeline::time::{Timestamp, Window};

/// The format that the lines are in.
pub(crate) const FORMAT: &str = "$remote_addr \"$request\" $msec $request_time $status $body_bytes_sent";

/// The longest line that is to be read.
pub(crate) const MAX_LINE: usize = 4096;

/// Routes: the first segment of the path, the route's name, and from when on a request of it is slow.
pub(crate) const ROUTES: [(&str, &str, u64); 4] =
    [("a", "shop.a", 1000), ("b", "shop.b", 1000), ("c", "shop.c", 300), ("d", "api.d", 1000)];

/// A request as its line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) end: i64,
    pub(crate) millis: u64,
    /// Index in [`ROUTES`].
    pub(crate) route: usize,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
}

impl Request {
    /// Its line, without a newline. `number` makes it unlike any other.
    pub(crate) fn line(&self, number: usize) -> String {
        let Request { end, millis, route, status, bytes } = self;
        let path = ROUTES[*route].0;
        format!(
            "10.0.{}.{} \"GET /{path}/{number:07} HTTP/1.1\" {}.{:03} {}.{:03} {status} {bytes}",
            number % 3,
            number % 200,
            end / 1000,
            end % 1000,
            millis / 1000,
            millis % 1000
        )
    }

    pub(crate) fn slow(&self) -> bool {
        self.millis >= ROUTES[self.route].2
    }

    /// The request of a line, if it is one.
    fn read(line: &str) -> Option<Request> {
        let (address, rest) = line.split_once(' ')?;
        let (request, rest) = rest.strip_prefix('"')?.split_once("\" ")?;
        (!request.contains('"')).then_some(())?;
        let path = request.strip_prefix("GET /")?.strip_suffix(" HTTP/1.1")?;
        let (first, _) = path.split_once('/')?;
        let route = ROUTES.iter().position(|(segment, ..)| *segment == first)?;
        let words: Vec<&str> = rest.split(' ').collect();
        let [end, time, status, bytes] = words.as_slice() else { return None };
        (!address.is_empty()).then_some(())?;
        let millis = |text: &str| -> Option<u64> {
            let (seconds, thousandths) = text.split_once('.')?;
            (thousandths.len() == 3).then_some(())?;
            Some(seconds.parse::<u64>().ok()? * 1000 + thousandths.parse::<u64>().ok()?)
        };
        let end = i64::try_from(millis(end)?).ok()?;
        Some(Request { end, millis: millis(time)?, route, status: status.parse().ok()?, bytes: bytes.parse().ok()? })
    }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Request(Request),
    Rejected,
    TooLong,
}

/// A line of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) offset: usize,
    /// Without its newline.
    pub(crate) length: usize,
    pub(crate) what: What,
}

impl Line {
    fn of(bytes: &[u8], offset: usize) -> Line {
        let what = match std::str::from_utf8(bytes).ok().and_then(Request::read) {
            _ if bytes.len() > MAX_LINE => What::TooLong,
            Some(request) => What::Request(request),
            None => What::Rejected,
        };
        Line { offset, length: bytes.len(), what }
    }
}

/// What one file held from its beginning to its end.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// Index of the inode that it was written to.
    pub(crate) inode: usize,
    /// A copy took the place of its file: then nobody may know that what is there now is that copy's file.
    pub(crate) is_copied: bool,
    /// It stood in a file that nobody may read.
    pub(crate) was_denied: bool,
    /// It was copied after that, and left its own file.
    pub(crate) is_copied_unread: bool,
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: Vec<Line>,
    /// Where the last line begins, if it has no newline.
    pub(crate) whole: usize,
    /// When it was written to, and where its last line began then.
    pub(crate) written: Vec<(i64, usize)>,
}

impl Document {
    pub(crate) fn append(&mut self, text: &[u8], now: i64) {
        self.bytes.extend_from_slice(text);
        while let Some(length) = self.bytes[self.whole..].iter().position(|byte| *byte == b'\n') {
            self.lines.push(Line::of(&self.bytes[self.whole..self.whole + length], self.whole));
            self.whole += length + 1;
        }
        self.written.push((now, self.whole));
    }

    /// Where the last line began at that time, or began without a newline.
    pub(crate) fn whole_before(&self, time: i64) -> usize {
        self.written.iter().rev().find(|(at, _)| *at < time).map_or(0, |(_, whole)| *whole)
    }

    /// When the line at this offset was written to its end.
    pub(crate) fn written_at(&self, offset: usize) -> i64 {
        self.written.iter().find(|(_, whole)| *whole > offset).map_or(i64::MAX, |(at, _)| *at)
    }

    /// Whether lines behind this offset were written between these times.
    pub(crate) fn is_written_within(&self, from: usize, window: Window) -> bool {
        self.lines(from, self.whole).any(|line| window.contains(Timestamp(self.written_at(line.offset))))
    }

    /// Where the last whole line of its first bytes ends.
    pub(crate) fn whole_within(&self, length: usize) -> usize {
        self.bytes[..length].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1)
    }

    /// The lines that begin in a range of it; the last may lack its newline.
    pub(crate) fn lines(&self, from: usize, until: usize) -> impl Iterator<Item = Line> + '_ {
        let torn = (self.whole < self.bytes.len()).then(|| Line::of(&self.bytes[self.whole..], self.whole));
        self.lines.iter().copied().chain(torn).filter(move |line| line.offset >= from && line.offset < until)
    }
}
