//! Regular expressions of strangers.

use regex::{Regex, RegexBuilder};

/// What an expression is compiled to may have so many bytes: `(.{1000}){1000}` would take seconds and megabytes to be found too large.
const LARGEST: usize = 1 << 20;

/// The expression; nothing if it is none, or comes to too much.
pub(super) fn bounded_regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(LARGEST).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_too_much_is_none() {
        assert!(bounded_regex("^(?:webapp|static)[.][a-z]+$").is_some());
        for pattern in ["(", "(.{1000}){1000}", "((a{100}){100}){100}"] {
            assert!(bounded_regex(pattern).is_none(), "{pattern}");
        }
    }
}
