//! Conditions as the page's address has them, `only=FIELD:VALUE` and `not=FIELD:VALUE`: those of `--where`, with `:` for `=`.
//!
//! `FIELD` may end in `!` or `^` as in front of the `=` of `--where`; a `:` or `=` within it is `\x3A`, `\x3D`.

use std::fmt;

use super::where_condition::{WhereCondition, typed_field, typed_value};

/// What may stand before a `:` that belongs to the field.
const QUERY: &str = "query:";

impl WhereCondition {
    /// From `status:5xx`, `query:page:2`, `path^:/p/`; what stands in `not=` is not wanted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_clicked(text: &str, is_wanted: bool) -> Result<WhereCondition, String> {
        let text = text.trim_start_matches('$');
        // `query:page:2` is the value 2 of the field `query:page`.
        let (before, rest) = match text.strip_prefix(QUERY) {
            Some(rest) => (QUERY, rest),
            None => ("", text),
        };
        let Some((name, value)) = rest.split_once(':') else {
            return Err("there is no `:`".to_owned());
        };
        if name.contains('=') {
            return Err("there is a `=` before its `:`".to_owned());
        }
        let read = WhereCondition::parse(&format!("{before}{name}={value}"))?;
        Ok(WhereCondition { is_wanted: read.is_wanted == is_wanted, ..read })
    }

    /// The same again: the parameter's name, `only` or `not`, and its value.
    pub fn clicked(&self) -> (&'static str, String) {
        let field = typed_field(&self.field);
        let (before, name) = match field.strip_prefix(QUERY) {
            Some(key) => (QUERY, key),
            None => ("", field.as_str()),
        };
        let (mark, value) = typed_value(&self.value);
        let name = name.replace(':', "\\x3A");
        (if self.is_wanted { "only" } else { "not" }, format!("{before}{name}{mark}:{value}"))
    }
}

/// As `--where` takes it.
impl fmt::Display for WhereCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, value) = typed_value(&self.value);
        write!(f, "{}{}{mark}={value}", typed_field(&self.field), if self.is_wanted { "" } else { "!" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::where_condition::WantedValue;
    use super::*;

    #[test]
    fn a_colon_is_an_equals_sign() {
        for (text, same) in [
            ("upstream_addr:10.0.0.1:80", "upstream_addr=10.0.0.1:80"),
            ("$method:GET", "method=GET"),
            ("query:page:2", "query:page=2"),
            ("query:page:*", "query:page=*"),
            ("path^:/p/", "path^=/p/"),
            ("status!:502", "status!=502"),
            ("path!^:/p/", "path!^=/p/"),
            ("net:2001:db8::/32", "net=2001:db8::/32"),
            ("a\\x3Ab:c\\x5Cd", "a:b=c\\x5Cd"),
            ("bytes_sent:>=4096", "bytes_sent=>=4096"),
            ("request_time:>50ms", "request_time=>50ms"),
        ] {
            let expected = WhereCondition::parse(same).unwrap();
            assert_eq!(WhereCondition::parse_clicked(text, true), Ok(expected.clone()), "{text}");
            let opposite = WhereCondition { is_wanted: !expected.is_wanted, ..expected };
            assert_eq!(WhereCondition::parse_clicked(text, false), Ok(opposite), "{text}");
        }
        for wrong in
            ["status", "query:page", ":x", "query::x", "x:\\xzz", "!:x", "method=GET", "upstream_addr=10.0.0.1:80"]
        {
            assert!(WhereCondition::parse_clicked(wrong, true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let above = |bound: &str, is_strict| WantedValue::Above { bound: bound.to_owned(), is_strict };
        let is = |text: &str| WantedValue::Is(text.as_bytes().to_vec());
        let literal = |bytes: &[u8]| WantedValue::Literal(bytes.to_vec());
        for value in [
            WantedValue::Any,
            is("a\\b=:c"),
            is("é"),
            is(""),
            is("-"),
            is("10.0.0.0/8"),
            literal(b"*"),
            literal(b"10.0.0.0/8"),
            literal("é".as_bytes()),
            literal(b"\xff\n"),
            literal(b">=5"),
            WantedValue::Begins(b"\xff\n\\x".to_vec()),
            WantedValue::Begins(Vec::new()),
            above("50ms", true),
            above("4096", false),
        ] {
            for field in ["x", "query:a:b", "http.k:e=y", "query:a!", "query:a^", "query:\\xFF", "query: "] {
                for is_wanted in [true, false] {
                    let condition = WhereCondition { field: field.to_owned(), value: value.clone(), is_wanted };
                    let (name, text) = condition.clicked();
                    let read = WhereCondition::parse_clicked(&text, name == "only");
                    assert_eq!(read, Ok(condition.clone()), "{name}={text}");
                    assert_eq!(WhereCondition::parse(&condition.to_string()), Ok(condition.clone()), "{condition}");
                }
            }
        }
        // What no line can be made to do to a terminal: a condition that is told has no control characters.
        let told = WhereCondition::parse("x=a\u{1b}[0m\\b").unwrap().to_string();
        assert_eq!(told, "x=a\\x1B[0m\\x5Cb");
    }
}
