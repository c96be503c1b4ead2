//! `map SOURCE $variable { .. }`, and what it makes of a value (`ngx_http_map_module.c`).

use regex::{Captures, Regex, RegexBuilder};

use super::tree::ConfDirective;
use crate::grammar::variables::is_name_byte;

/// One `map`.
#[derive(Debug, Clone)]
pub(super) struct ValueMap {
    /// What it looks at: a text with variables.
    pub(super) source: String,
    /// Keys that are compared as they are, in small letters.
    exact: Vec<(String, String)>,
    /// Regular expressions in their order; None for one that cannot be used here.
    regexes: Vec<(Option<Regex>, String)>,
    /// Where no key fits; empty without `default`.
    default: String,
}

/// What a map gives for a value.
pub(super) enum MapValue<'m, 'v> {
    /// This text with variables; the captures are those of the key that fits.
    Text(&'m str, Option<Captures<'v>>),
    /// It would have to ask a regular expression that cannot be used here.
    Unknown,
}

impl ValueMap {
    /// The map that a directive is; None if it lacks its source.
    pub(super) fn read(directive: &ConfDirective) -> Option<ValueMap> {
        let source = directive.arg(0)?.to_owned();
        let mut map = ValueMap { source, exact: Vec::new(), regexes: Vec::new(), default: String::new() };
        for entry in directive.children() {
            let Some(value) = entry.arg(0).map(str::to_owned) else { continue };
            let key = entry.name.text.as_str();
            match key.strip_prefix('~') {
                Some(pattern) => map.regexes.push((compile_key(pattern), value)),
                None if key == "default" => map.default = value,
                None => map.exact.push((key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase(), value)),
            }
        }
        Some(map)
    }

    /// The value for this one of the source.
    pub(super) fn look_up<'v>(&self, value: &'v str) -> MapValue<'_, 'v> {
        let small = value.to_ascii_lowercase();
        if let Some((_, found)) = self.exact.iter().find(|(key, _)| *key == small) {
            return MapValue::Text(found, None);
        }
        for (regex, found) in &self.regexes {
            let Some(regex) = regex else { return MapValue::Unknown };
            if let Some(captures) = regex.captures(value) {
                return MapValue::Text(found, Some(captures));
            }
        }
        MapValue::Text(&self.default, None)
    }

    /// Its source and all of its values.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let values = self.exact.iter().map(|(_, value)| value).chain(self.regexes.iter().map(|(_, value)| value));
        [&self.source, &self.default].into_iter().chain(values).map(String::as_str)
    }
}

/// A key behind its `~`; `*` before it means that small and capital letters are the same.
fn compile_key(pattern: &str) -> Option<Regex> {
    let (pattern, any_case) = match pattern.strip_prefix('*') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    RegexBuilder::new(pattern).case_insensitive(any_case).build().ok()
}

/// A text of nginx.conf, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextPart<'t> {
    /// As it is.
    Plain(&'t str),
    /// `$name`, `${name}`, `$1`, without its mark.
    Variable(&'t str),
}

/// The parts of a text with variables.
pub(super) fn text_parts(text: &str) -> Vec<TextPart<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (plain, marked) = rest.split_at_checked(at).unwrap_or((rest, ""));
        if !plain.is_empty() {
            parts.push(TextPart::Plain(plain));
        }
        let after = marked.get(1..).unwrap_or_default();
        let (name, behind) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(braced) => braced,
            None => {
                // A capture's number is one digit.
                let digit = after.as_bytes().first().is_some_and(u8::is_ascii_digit);
                let length = after.bytes().take_while(|byte| is_name_byte(*byte)).count();
                after.split_at_checked(if digit { 1 } else { length }).unwrap_or((after, ""))
            }
        };
        parts.push(if name.is_empty() { TextPart::Plain("$") } else { TextPart::Variable(name) });
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(TextPart::Plain(rest));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_apart_at_their_variables() {
        use TextPart::{Plain, Variable};
        assert_eq!(text_parts("${s}${ms}"), [Variable("s"), Variable("ms")]);
        assert_eq!(text_parts("$1password=***$2"), [Variable("1"), Plain("password=***"), Variable("2")]);
        assert_eq!(text_parts("$scheme://$host"), [Variable("scheme"), Plain("://"), Variable("host")]);
        assert_eq!(text_parts("5$"), [Plain("5"), Plain("$")]);
    }
}
