//! Regular expressions of strangers.

use regex::{Error, Regex, RegexBuilder};

/// So many are few enough that each may come to [`LARGEST_OF_FEW`].
pub(super) const FEW: usize = 4;

/// What one of many may be compiled to, in bytes: `(.{1000}){1000}` would take seconds and megabytes to be found too large.
const LARGEST: usize = 1 << 20;

/// .. and one of a few: as in most programs.
const LARGEST_OF_FEW: usize = 10 << 20;

/// The expression, one of so many that are held at a time.
///
/// # Errors
/// It is none, or comes to too much; in words.
pub(super) fn bounded_regex(pattern: &str, of_many: usize) -> Result<Regex, String> {
    let largest = if of_many <= FEW { LARGEST_OF_FEW } else { LARGEST };
    RegexBuilder::new(pattern).size_limit(largest).build().map_err(|error| match error {
        Error::CompiledTooBig(_) => format!(
            "the regular expression `{pattern}` comes to too much: repeat less, or `[a-z0-9_]` for `\\w`, which is every letter there is"
        ),
        _ => format!("the regular expression `{pattern}` is not understood"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_too_much_is_said_to_and_the_usual_does_not() {
        for pattern in ["^(?:webapp|static)[.][a-z]+$", r"^nginx\.\w{1,63}\.", r"\w{1,60}", r"^(?:\w{1,60})"] {
            assert!(bounded_regex(pattern, 1).is_ok(), "{pattern}");
        }
        for (pattern, of_many) in [("(.{1000}){1000}", 1), ("((a{100}){100}){100}", 1), (r"\w{1,60}", FEW + 1)] {
            assert!(bounded_regex(pattern, of_many).unwrap_err().contains("comes to too much"), "{pattern}");
        }
        assert!(bounded_regex("(", 1).unwrap_err().ends_with("`(` is not understood"));
    }
}
