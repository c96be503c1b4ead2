//! Why a line was rejected, and where in it.

use std::fmt;

/// A line that does not fit its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject {
    /// The byte where it stopped to fit, counted from 1.
    pub column: u32,
    /// Why.
    pub reason: RejectReason,
}

impl Reject {
    pub(crate) fn at(offset: usize, reason: RejectReason) -> Reject {
        Reject { column: u32::try_from(offset).unwrap_or(u32::MAX).saturating_add(1), reason }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.column, self.reason)
    }
}

/// The class of a reject. The codes are stored on disk: they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RejectReason {
    /// The literal text between two variables is not where it must be.
    LiteralMissing = 1,
    /// A time that is not one, such as month `Foo` or hour 25.
    BadTime = 2,
    /// A value that must be a number and is not.
    BadNumber = 3,
    /// A number that cannot be true, such as a request of more than 366 days.
    AbsurdNumber = 4,
    /// The line goes on after the format's end.
    TrailingText = 5,
    /// Nothing in it.
    EmptyLine = 6,
    /// Longer than [`MAX_LINE`](crate::grammar::MAX_LINE).
    LineTooLong = 7,
    /// NUL bytes, two lines glued together, or a `"` in a value that nginx would have escaped: a write that nginx could
    /// not finish.
    Torn = 8,
    /// Not a JSON object, or not LTSV.
    BadSyntax = 9,
    /// No key says when the request ended, or none tells of a request.
    KeyMissing = 10,
    /// Not what the log's wrapper (container, syslog) puts around each line.
    NotWrapped = 11,
    /// No request, and from the container's other output (standard error), where nginx writes its error log.
    OtherOutput = 12,
    /// Texts stand side by side, and it can be read in several ways, or in too many to try.
    Ambiguous = 13,
    /// However it is cut, some value is none that its variable can have.
    BadValue = 14,
}

impl RejectReason {
    /// All reasons, in the order of their codes.
    pub const ALL: [RejectReason; 14] = [
        RejectReason::LiteralMissing,
        RejectReason::BadTime,
        RejectReason::BadNumber,
        RejectReason::AbsurdNumber,
        RejectReason::TrailingText,
        RejectReason::EmptyLine,
        RejectReason::LineTooLong,
        RejectReason::Torn,
        RejectReason::BadSyntax,
        RejectReason::KeyMissing,
        RejectReason::NotWrapped,
        RejectReason::OtherOutput,
        RejectReason::Ambiguous,
        RejectReason::BadValue,
    ];

    /// Whether such a line may have been a request, so that an answer without it lacks something.
    pub fn may_be_request(self) -> bool {
        !matches!(self, RejectReason::EmptyLine | RejectReason::OtherOutput)
    }

    /// The stable number of the reason, from 1.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The reason with that code.
    pub fn from_code(code: u8) -> Option<RejectReason> {
        RejectReason::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// A short name, fit for a metric or a JSON key.
    pub fn name(self) -> &'static str {
        match self {
            RejectReason::LiteralMissing => "literal_missing",
            RejectReason::BadTime => "bad_time",
            RejectReason::BadNumber => "bad_number",
            RejectReason::AbsurdNumber => "absurd_number",
            RejectReason::TrailingText => "trailing_text",
            RejectReason::EmptyLine => "empty_line",
            RejectReason::LineTooLong => "line_too_long",
            RejectReason::Torn => "torn",
            RejectReason::BadSyntax => "bad_syntax",
            RejectReason::KeyMissing => "key_missing",
            RejectReason::NotWrapped => "not_wrapped",
            RejectReason::OtherOutput => "other_output",
            RejectReason::Ambiguous => "ambiguous",
            RejectReason::BadValue => "bad_value",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RejectReason::LiteralMissing => "the format's next literal text is missing",
            RejectReason::BadTime => "not a time",
            RejectReason::BadNumber => "not a number",
            RejectReason::AbsurdNumber => "a number that cannot be true",
            RejectReason::TrailingText => "the line goes on after the format's end",
            RejectReason::EmptyLine => "empty line",
            RejectReason::LineTooLong => "line too long",
            RejectReason::Torn => "torn line: NUL bytes, a stray quote, or two lines glued together",
            RejectReason::BadSyntax => "not a whole JSON object, or not LTSV",
            RejectReason::KeyMissing => "no key says when a request ended, or none tells of a request",
            RejectReason::NotWrapped => "not as the container or syslog writes lines",
            RejectReason::OtherOutput => "no request, but a line of the container's standard error",
            RejectReason::Ambiguous => "two ways to read it: a text holds what stands after it in the format",
            RejectReason::BadValue => "not a value that its variable can have",
        })
    }
}
