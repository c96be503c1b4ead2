//! Lists of several attempts, by which a format is known that is none of a log's: only what is of an upstream has a member by attempt
//! (`ngx_http_upstream.c`), so a format that fits a line but for a list takes a single value for what is none.

use std::borrow::Cow;

use super::columns::{Columns, LineFit};

/// Whether a line that does not fit would, if each of its lists of numbers had but one member.
pub(super) fn is_apart_by_a_list(line: &[u8], columns: &Columns<'_>) -> bool {
    let Cow::Owned(single) = first_attempts(line) else { return false };
    let mut spans = columns.format.new_spans();
    matches!(columns.read(&single, &mut spans), LineFit::Fits(_))
}

/// The line with the first member of each list of numbers alone.
fn first_attempts(line: &[u8]) -> Cow<'_, [u8]> {
    let is_member = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-');
    let mut single = Vec::new();
    let (mut rest, mut is_changed) = (line, false);
    while let Some((&byte, behind)) = rest.split_first() {
        let next = [b", ".as_slice(), b" : "].iter().find_map(|separator| rest.strip_prefix(*separator));
        match next.filter(|next| is_member(single.last()) && is_member(next.first())) {
            Some(next) => {
                let length =
                    next.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')).count();
                rest = next.get(length..).unwrap_or_default();
                is_changed = true;
            }
            None => {
                single.push(byte);
                rest = behind;
            }
        }
    }
    if is_changed { Cow::Owned(single) } else { Cow::Borrowed(line) }
}

#[cfg(test)]
mod tests {
    use super::super::detect::{DetectionOutcome, detect};
    use super::*;
    use crate::grammar::{Escape, Format};

    #[test]
    fn lists_become_their_first_members() {
        let first = |line: &str| String::from_utf8(first_attempts(line.as_bytes()).into_owned()).unwrap();
        assert_eq!(first("201 502, 201 : - GET"), "201 502 GET");
        assert_eq!(first("0.100, -, 0.002 : 1.000\" x"), "0.100\" x");
        assert_eq!(first("(KHTML, like Gecko) 7, seven"), "(KHTML, like Gecko) 7, seven");
    }

    /// Of these the ones that were tried again would be rejected, and all others read with the two statuses changed about.
    #[test]
    fn a_format_with_a_status_where_a_list_stands_is_none_of_theirs() {
        let format =
            Format::compile("npm", "$time_iso8601 $upstream_status $status \"$uri\"", Escape::Default).unwrap();
        let line = |statuses: &str| format!("2025-05-05T15:37:11+00:00 {statuses} \"/a\"");
        let mut lines: Vec<String> = (0..28).map(|n| line(["200 200", "502 502"][n % 2])).collect();
        let outcome = |lines: &[String]| {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            detect(&lines, std::slice::from_ref(&format)).outcome
        };
        assert!(matches!(outcome(&lines), DetectionOutcome::Found { .. }), "{:?}", outcome(&lines));
        lines.push(line("502, 201 201"));
        assert!(matches!(outcome(&lines), DetectionOutcome::Found { .. }), "{:?}", outcome(&lines));
        lines.push(line("201 502, 201"));
        assert_eq!(outcome(&lines), DetectionOutcome::None);
    }
}
