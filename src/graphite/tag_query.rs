//! What `seriesByTag` asks for: `name=nginx.request_time.p99`, `route=~^webapp`, `host!=web2`.
//!
//! As graphite-web has it (`graphite/tags/base.py`): a tag that a series lacks is empty, a regular expression begins where the value
//! does, and one expression at least must not be met by what is empty.

use super::bounded_regex::bounded_regex;
use regex::Regex;

/// So many expressions are read of one question.
const MOST: usize = 64;

/// One expression.
#[derive(Debug, Clone)]
pub struct TagExpression {
    /// The tag.
    pub tag: String,
    condition: TagCondition,
}

/// What a tag's value must be.
#[derive(Debug, Clone)]
enum TagCondition {
    Is(String),
    IsNot(String),
    Matches(Regex),
    MatchesNot(Regex),
}

impl TagExpression {
    /// From its text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<TagExpression, String> {
        TagExpression::parse_one_of(text, 1)
    }

    /// The same, one of so many with regular expressions.
    fn parse_one_of(text: &str, of_many: usize) -> Result<TagExpression, String> {
        let wrong = || format!("`{text}` is no expression of tags such as 'route=webapp.git' or 'route=~^webapp'");
        let end = text.find(['=', '!', ';']).ok_or_else(wrong)?;
        let (tag, rest) = text.split_at_checked(end).ok_or_else(wrong)?;
        if tag.is_empty() || rest.contains(';') {
            return Err(wrong());
        }
        let regex = |pattern: &str| bounded_regex(&format!("^(?:{pattern})"), of_many);
        let condition = if let Some(pattern) = rest.strip_prefix("!=~") {
            TagCondition::MatchesNot(regex(pattern)?)
        } else if let Some(value) = rest.strip_prefix("!=") {
            TagCondition::IsNot(value.to_owned())
        } else if let Some(pattern) = rest.strip_prefix("=~") {
            TagCondition::Matches(regex(pattern)?)
        } else if let Some(value) = rest.strip_prefix('=') {
            TagCondition::Is(value.to_owned())
        } else {
            return Err(wrong());
        };
        Ok(TagExpression { tag: tag.to_owned(), condition })
    }

    /// All of a call's, of which one at least must ask for something.
    ///
    /// # Errors
    /// What is wrong with one of them, or that they mean everything.
    pub fn parse_all<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Vec<TagExpression>, String> {
        let mut expressions = Vec::new();
        let texts: Vec<&str> = texts.into_iter().collect();
        let of_many = texts.iter().filter(|text| text.contains("=~")).count();
        for text in texts {
            if expressions.len() >= MOST {
                return Err(format!("more than {MOST} expressions of tags are not read"));
            }
            expressions.push(TagExpression::parse_one_of(text, of_many)?);
        }
        if expressions.iter().all(|expression| expression.is_met_by("")) {
            return Err("one expression at least must ask for a value, such as 'route=~.+'".to_owned());
        }
        Ok(expressions)
    }

    /// Whether a tag of this value is meant; one that is not there is empty.
    pub fn is_met_by(&self, value: &str) -> bool {
        match &self.condition {
            TagCondition::Is(wanted) => value == wanted,
            TagCondition::IsNot(unwanted) => value != unwanted,
            TagCondition::Matches(regex) => regex.is_match(value),
            TagCondition::MatchesNot(regex) => !regex.is_match(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_a_tag() {
        let meets = |text: &str, value: &str| TagExpression::parse(text).unwrap().is_met_by(value);
        assert!(meets("a=b", "b") && !meets("a=b", "bc"));
        assert!(meets("a!=b", "") && !meets("a!=b", "b"));
        assert!(meets("a=~b|c", "cx") && !meets("a=~b|c", "xb"));
        assert!(!meets("a!=~b", "bx") && meets("a!=~b", "xb"));
        assert!(meets("a=", "") && meets("a=~.*", ""));
        for wrong in ["", "a", "=b", "a;b=c", "a!b", "a=~(", "a=b;c"] {
            assert!(TagExpression::parse(wrong).is_err(), "{wrong}");
        }
        assert!(TagExpression::parse_all(["a!=b", "c=~.*"]).is_err());
        assert!(TagExpression::parse_all(["a!=b", "c=~.+"]).is_ok());
    }
}
