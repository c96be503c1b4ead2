//! What a container runtime or syslog puts around each line that nginx wrote, and how the line is got back.
//!
//! - `cri`: Kubernetes' container logs (`kubernetes/design-proposals-archive, node/kubelet-cri-logging.md`):
//!   `2020-05-10T12:00:00.000000000Z stdout F LINE`; a long line is split into parts tagged `P` and a last one tagged `F`.
//! - `docker`: the json-file log driver: `{"log":"LINE\n","stream":"stdout","time":".."}`; a part of a long line (16 KiB)
//!   has no `\n` at its end.
//! - `syslog`: nginx's own `access_log syslog:` (RFC 3164, `ngx_syslog_add_header`), RFC 5424, and the two shapes in which
//!   rsyslog writes files.
//!
//! A record's parts are the lines of one stream from its first to its last part. The other stream's lines may stand between
//! them, but no more than [`BETWEEN`]: else a part that was never finished would hold up its stream for ever. A record whose
//! end is missing is handed on as it is. All this depends on the lines alone, not on how they were cut into blocks, as long
//! as a block ends where [`Wrapper::whole_records`] says.

mod cri;
mod docker;
mod records;
mod syslog;

use crate::grammar::line::ValueSpan;
use std::fmt;
use std::str::FromStr;

pub(crate) use records::WrappedRecords;

/// So many lines may stand between two parts of one record.
const BETWEEN: usize = 16;

/// Parts are held back for the next block up to this many bytes; a record that is longer is not waited for.
const HELD: usize = 2 << 20;

/// What is around each line of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrapper {
    /// Kubernetes: time, stream, `P` or `F`, line.
    Cri,
    /// Docker's json-file.
    Docker,
    /// A syslog header.
    Syslog,
}

/// One line of a wrapped log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct WrappedPart {
    /// 0 for stdout, 1 for stderr.
    stream: usize,
    /// Whether the record goes on in the stream's next line.
    partial: bool,
    /// Where nginx's line, or a part of it, stands.
    text: ValueSpan,
    /// Whether that is the inside of a JSON string with escapes.
    escaped: bool,
    /// Where the wrapper says when it was written; empty where it does not.
    time: ValueSpan,
}

impl Wrapper {
    /// All of them.
    pub const ALL: [Wrapper; 3] = [Wrapper::Cri, Wrapper::Docker, Wrapper::Syslog];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Wrapper::Cri => "cri",
            Wrapper::Docker => "docker",
            Wrapper::Syslog => "syslog",
        }
    }

    /// Whether `line` (without its newline) is one that this wrapper writes.
    pub fn fits(self, line: &[u8]) -> bool {
        self.read_part(line).is_some()
    }

    /// Whether `line` (without its newline) is one that this wrapper writes, and the last one of its record.
    pub fn ends_record(self, line: &[u8]) -> bool {
        self.read_part(line).is_some_and(|part| !part.partial)
    }

    /// What the wrapper of `line` says of when it was written, as it is spelt there; nothing where it does not.
    pub fn time_of(self, line: &[u8]) -> &[u8] {
        let span = self.read_part(line).map_or((0, 0), |part| part.time);
        line.get(span.0 as usize..span.1 as usize).unwrap_or_default()
    }

    #[inline]
    fn read_part(self, line: &[u8]) -> Option<WrappedPart> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self {
            Wrapper::Cri => cri::read_part(line),
            Wrapper::Docker => docker::read_part(line),
            Wrapper::Syslog => syslog::read_part(line),
        }
    }

    /// How many bytes of `lines`, which are whole lines, can be read without what follows them: up to the first part of a
    /// record that is not finished in them.
    pub fn whole_records(self, lines: &[u8]) -> usize {
        if self == Wrapper::Syslog {
            return lines.len();
        }
        // A record that is open here begins inside another stream's record perhaps: then it is cut before that one.
        let mut end = lines.len();
        loop {
            let open = self.open_before(lines, end);
            if lines.len() - open > HELD {
                return lines.len();
            }
            if open == end {
                return end;
            }
            end = open;
        }
    }

    /// Where the first record begins that is not finished before `end`; `end` if all are.
    fn open_before(self, lines: &[u8], until: usize) -> usize {
        let mut streams = [OpenStream::default(), OpenStream::default()];
        let mut end = until;
        while end > 0 && streams.iter().any(|stream| !stream.settled) {
            let text_end = if lines.get(end - 1) == Some(&b'\n') { end - 1 } else { end };
            let start =
                memchr::memrchr(b'\n', lines.get(..text_end).unwrap_or_default()).map_or(0, |newline| newline + 1);
            let part = self.read_part(lines.get(start..text_end).unwrap_or_default());
            for (number, stream) in streams.iter_mut().enumerate() {
                stream.meet_line_before(part.filter(|part| part.stream == number), start);
            }
            end = start;
        }
        streams.iter().filter_map(|stream| stream.open).min().unwrap_or(until)
    }
}

/// What is known of the record that one stream may have open, going back from the end.
#[derive(Debug, Default)]
struct OpenStream {
    /// Where its first part known so far starts.
    open: Option<usize>,
    between: usize,
    settled: bool,
}

impl OpenStream {
    /// The line that starts at `start`: a part of this stream, or another's.
    fn meet_line_before(&mut self, part: Option<WrappedPart>, start: usize) {
        match part {
            _ if self.settled => {}
            Some(part) if part.partial => {
                self.open = Some(start);
                self.between = 0;
            }
            Some(_) => self.settled = true,
            None => {
                self.between += 1;
                self.settled = self.between > BETWEEN;
            }
        }
    }
}

impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Wrapper {
    type Err = String;

    fn from_str(text: &str) -> Result<Wrapper, String> {
        let known = Wrapper::ALL.into_iter().find(|wrapper| wrapper.name() == text);
        known.ok_or_else(|| format!("unknown wrapper `{text}`: there are cri, docker and syslog"))
    }
}

#[cfg(test)]
mod tests;
