//! Where values stand in a line, how long a line may be, and where one stopped to fit.

use crate::grammar::line::RejectReason;

/// Where a value stands in its line: first byte, first byte after it.
pub(crate) type ValueSpan = (u32, u32);

/// The longest line that is parsed, in bytes.
pub const MAX_LINE: usize = 1 << 20;

/// Where cutting stopped: the step (the number of steps for the line's end), the byte, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutFailure {
    pub(crate) step: usize,
    pub(crate) at: usize,
    pub(crate) reason: RejectReason,
}

/// The line without its line end (LF, CRLF).
#[inline]
pub(crate) fn chomp(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
