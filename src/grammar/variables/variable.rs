//! nginx's variables: by which rule the value of each is cut out and read.

use super::ValueShape;

/// A variable of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name without `$`, in lower case (nginx does not tell the cases apart).
    pub name: String,
    /// The grammar of its values.
    pub kind: VariableKind,
}

/// What the values of a variable look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariableKind {
    /// `10/Oct/2000:13:55:36 -0700`: always 26 bytes.
    TimeLocal,
    /// `2000-10-10T13:55:36-07:00`.
    TimeIso8601,
    /// Seconds since the epoch with milliseconds, `1795381084.311`.
    Msec,
    /// A duration in seconds with milliseconds, `0.123`.
    Seconds,
    /// A list of durations by attempt (`, `) and redirect (` : `).
    UpstreamSeconds,
    /// A list of whole numbers, in the same shape.
    UpstreamInts,
    /// A list of addresses, in the same shape.
    UpstreamAddrs,
    /// The response's status, three digits.
    Status,
    /// A whole number.
    Integer,
    /// A TCP port; nothing where the peer is a unix socket.
    Port,
    /// A number with decimals, such as `$gzip_ratio`.
    Decimal,
    /// The request line: method, target, protocol.
    Request,
    /// One byte, `.` or `p`.
    Pipe,
    /// Text that nginx writes itself and that holds no space.
    Token,
    /// Anything, such as what a client sent.
    Text,
}

impl VariableKind {
    /// The kind of the variable of that name (in lower case), by its shape.
    pub fn of_name(name: &str) -> VariableKind {
        match ValueShape::of_name(name) {
            ValueShape::TimeLocal => VariableKind::TimeLocal,
            ValueShape::TimeIso8601 => VariableKind::TimeIso8601,
            ValueShape::Msec => VariableKind::Msec,
            ValueShape::Seconds => VariableKind::Seconds,
            ValueShape::SecondsList => VariableKind::UpstreamSeconds,
            ValueShape::StatusList | ValueShape::CountList => VariableKind::UpstreamInts,
            ValueShape::PeerList => VariableKind::UpstreamAddrs,
            ValueShape::Status => VariableKind::Status,
            ValueShape::Count => VariableKind::Integer,
            ValueShape::Port => VariableKind::Port,
            ValueShape::Ratio | ValueShape::Decimal => VariableKind::Decimal,
            ValueShape::Request => VariableKind::Request,
            ValueShape::Pipe => VariableKind::Pipe,
            ValueShape::Method
            | ValueShape::Protocol
            | ValueShape::Scheme
            | ValueShape::Completion
            | ValueShape::Switch
            | ValueShape::IsArgs
            | ValueShape::CacheStatus
            | ValueShape::RequestId
            | ValueShape::Word => VariableKind::Token,
            ValueShape::Address | ValueShape::Target | ValueShape::Host | ValueShape::Text | ValueShape::Unread => {
                VariableKind::Text
            }
        }
    }

    /// Whether the value is a list by attempt and redirect.
    pub fn is_list(self) -> bool {
        matches!(self, VariableKind::UpstreamSeconds | VariableKind::UpstreamInts | VariableKind::UpstreamAddrs)
    }
}

/// Whether `byte` may be part of a variable's name.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
