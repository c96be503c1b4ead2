//! Which bytes may stand in a value of a shape at all: where a text beside another must have ended.

use super::{Escape, ValueShape};

/// A flag for each byte.
pub(crate) type ByteTable = Box<[bool; 256]>;

/// The bytes that may stand in values of the variable of that name (in lower case).
pub(crate) fn bytes_of_values(name: &str, escape: Escape) -> ByteTable {
    let shape = shape_of_value(name);
    // What ends such a value where nginx takes it from.
    let stop = match name {
        "remote_user" => Some(b':'),
        "args" | "query_string" => Some(b'#'),
        name if name.starts_with("cookie_") => Some(b';'),
        _ => None,
    };
    byte_table(|byte| may_hold(shape, escape, byte) && Some(byte) != stop)
}

/// The shape of the variable's values as nginx logs them. `$http_host` is what the client sent, also where nginx then
/// refuses the request for it.
pub(crate) fn shape_of_value(name: &str) -> ValueShape {
    if name == "http_host" { ValueShape::Text } else { ValueShape::of_name(name) }
}

/// Whether that variable is a header of the request: nginx takes spaces off both its ends, and there is none where it
/// could not read the request line, or where that is of HTTP/0.9.
pub(crate) fn is_request_header(name: &str) -> bool {
    name.starts_with("http_") || name.starts_with("cookie_")
}

/// Whether values of that variable are text that a client, or an upstream, may begin with whatever it likes.
pub(crate) fn is_sent_text(name: &str) -> bool {
    const FAMILIES: [&str; 5] = ["http_", "arg_", "cookie_", "sent_http_", "upstream_http_"];
    FAMILIES.iter().any(|family| name.starts_with(family))
        || matches!(name, "request" | "request_line" | "remote_user" | "args" | "query_string" | "request_body")
}

pub(crate) fn byte_table(is_in: impl Fn(u8) -> bool) -> ByteTable {
    let mut table = [false; 256];
    for (entry, byte) in table.iter_mut().zip(0_u8..=255) {
        *entry = is_in(byte);
    }
    Box::new(table)
}

/// Whether `byte` may stand in a value of that shape, or be the `-` of an absent one.
fn may_hold(shape: ValueShape, escape: Escape, byte: u8) -> bool {
    let text = match escape {
        Escape::Default => byte >= b' ' && byte != b'"' && byte != 0x7F,
        Escape::Json => byte >= b' ',
        Escape::None => byte != b'\n',
    };
    let digit = byte.is_ascii_digit();
    let of_shape = match shape {
        ValueShape::TimeLocal | ValueShape::TimeIso8601 => byte.is_ascii_alphanumeric() || b"/:+ .".contains(&byte),
        ValueShape::Msec | ValueShape::Seconds | ValueShape::Ratio | ValueShape::Decimal => digit || byte == b'.',
        ValueShape::SecondsList => digit || b"., :".contains(&byte),
        ValueShape::Status | ValueShape::Count | ValueShape::Port => digit,
        ValueShape::StatusList | ValueShape::CountList => digit || b", :".contains(&byte),
        ValueShape::Address => byte.is_ascii_alphanumeric() || b".:".contains(&byte),
        ValueShape::Method => byte.is_ascii_uppercase() || byte == b'_',
        ValueShape::Protocol => byte.is_ascii_uppercase() || digit || b"/.".contains(&byte),
        ValueShape::Host => text && !b" /".contains(&byte),
        ValueShape::Scheme | ValueShape::Switch => byte.is_ascii_lowercase(),
        ValueShape::IsArgs => byte == b'?',
        ValueShape::Pipe => b".p".contains(&byte),
        ValueShape::Completion | ValueShape::CacheStatus => byte.is_ascii_uppercase(),
        ValueShape::RequestId => byte.is_ascii_hexdigit(),
        ValueShape::Word => text && byte != b' ',
        ValueShape::PeerList | ValueShape::Request | ValueShape::Target | ValueShape::Text | ValueShape::Unread => text,
    };
    of_shape || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No byte of a value that fits is missing from the table.
    #[test]
    fn the_bytes_of_a_shape_are_those_of_its_values() {
        let values = [
            ("time_local", "26/Jan/2021:10:00:01 +0000"),
            ("time_iso8601", "2021-01-26T10:00:01-07:00"),
            ("msec", "1427761920.280"),
            ("request_time", "0.001"),
            ("upstream_response_time", "0.100, 0.149 : -"),
            ("status", "200"),
            ("upstream_status", "502, 200 : -"),
            ("upstream_response_length", "0, 200 : -"),
            ("server_port", "443"),
            ("gzip_ratio", "2.71"),
            ("remote_addr", "unix:"),
            ("remote_addr", "2001:db8::ffff:192.0.2.1"),
            ("upstream_addr", "unix:/run/a.sock, [::1]:80 : backend"),
            ("request", "GET /a b HTTP/1.1"),
            ("request_method", "M-SEARCH_"),
            ("server_protocol", "HTTP/1.1"),
            ("request_uri", "/a?b=c d"),
            ("host", "a.example:80"),
            ("scheme", "https"),
            ("pipe", "p"),
            ("request_completion", "OK"),
            ("https", "on"),
            ("upstream_cache_status", "REVALIDATED"),
            ("request_id", "0123456789abcdef0123456789ABCDEF"),
            ("ssl_cipher", "ECDHE-RSA-AES256-GCM-SHA384"),
            ("http_user_agent", "x \\x22 ~"),
        ];
        for (name, value) in values {
            for escape in [Escape::Default, Escape::Json, Escape::None] {
                let table = bytes_of_values(name, escape);
                assert!(
                    shape_of_value(name).fits(escape, value.as_bytes()) || value.contains('\\'),
                    "${name}: {value}"
                );
                assert!(value.bytes().all(|byte| table[usize::from(byte)]), "${name}: {value}");
            }
        }
    }
}
