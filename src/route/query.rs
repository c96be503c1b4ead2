//! Where a path ends and its query string begins, and so what of a query enters a route's name: by itself nothing.
//!
//! Templates, rules' paths and nginx's locations all end a path here, at the first `?` or `#`. What of the query is to be in
//! the name comes in through a rule, as a capture of a log variable: `variables = { arg_format = "(?<format>json|xml)" }`
//! with `name = "export.{format}"`, or of `$args` (the whole query), where the `log_format` has it (see
//! [`rules::rule_name`](super::rules::rule_name)).

/// Whether a byte ends the path: `?` begins the query, `#` a fragment (which no client should send, and nginx cuts).
pub(super) const fn ends_path(byte: u8) -> bool {
    matches!(byte, b'?' | b'#')
}

/// The path without query and fragment.
pub(super) fn without_query(path: &[u8]) -> &[u8] {
    let end = memchr::memchr2(b'?', b'#', path).unwrap_or(path.len());
    path.get(..end).unwrap_or(path)
}
