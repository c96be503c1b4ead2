//! `--where FIELD=VALUE` as it is typed: a field, a mark and a value.
//!
//! What `why` names is typed here too, so that it is read as it was ([`WhereCondition::typed`]): a key or a value is bytes, and what would
//! be read as a mark, a net, a class or nothing stands escaped (`\xHH`).

use super::address::is_no_address;
use super::feature::{Feature, Field, MOST_BYTES, ValueForm};

/// A condition on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhereCondition {
    /// The field: nginx's variable, `route`, `path`, `query:KEY`, `agent_family`, `net`, ..; what is no text of it is `\xHH`.
    pub field: String,
    /// What its value has to be.
    pub value: WantedValue,
    /// Whether that is wanted, or what is not so.
    pub is_wanted: bool,
}

/// What a value has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedValue {
    /// Any.
    Any,
    /// This one; a net, a class of sizes or statuses, a time as they are written.
    Is(Vec<u8>),
    /// These bytes, and nothing that they may stand for: a value that was typed with an escape.
    Literal(Vec<u8>),
    /// One that begins so.
    Begins(Vec<u8>),
    /// A number from this one on, or above it: `>=4096`, `>1`, `>=50ms`.
    Above {
        /// The number as it is written.
        bound: String,
        /// Whether the number itself is none.
        is_strict: bool,
    },
}

impl WhereCondition {
    /// `status=502`, `http_referer!=shop.example.com`, `path^=/p/git/`, `query:depth=*`, `request_time=>=50ms`; `\xHH` stands for a byte,
    /// in the field too.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<WhereCondition, String> {
        let Some((field, value)) = text.split_once('=') else {
            return Err(misplaced_sign(text).unwrap_or_else(|| "there is no `=`".to_owned()));
        };
        if let Some(error) = misplaced_sign(text) {
            return Err(error);
        }
        let (field, mark) = match field.as_bytes().last().copied() {
            Some(mark @ (b'!' | b'^')) => (field.get(..field.len() - 1).unwrap_or_default(), Some(mark)),
            _ => (field, None),
        };
        // Not one that begins so.
        let (field, is_wanted) = match field.strip_suffix('!').filter(|_| mark == Some(b'^')) {
            Some(field) => (field, false),
            None => (field, mark != Some(b'!')),
        };
        let field = field_text(&read_bytes(variable_name(field.trim()))?);
        if field.is_empty() || field == "query:" {
            return Err("it names no field".to_owned());
        }
        if mark != Some(b'^')
            && let Some(bound) = value.strip_prefix('<')
        {
            return Err(no_less_than(&field, bound, mark == Some(b'!')));
        }
        let value = match (mark, value) {
            (Some(b'^'), begin) => WantedValue::Begins(read_bytes(begin)?),
            (_, "*") => WantedValue::Any,
            (_, value) if value.contains("\\x") => WantedValue::Literal(read_bytes(value)?),
            (_, value) => match value.strip_prefix('>') {
                Some(bound) => WantedValue::Above {
                    bound: bound.strip_prefix('=').unwrap_or(bound).trim().to_owned(),
                    is_strict: !bound.starts_with('='),
                },
                None => WantedValue::Is(value.as_bytes().to_vec()),
            },
        };
        Ok(WhereCondition { field, value, is_wanted })
    }

    /// The route that is asked for by its whole name, or left out.
    pub fn route_name(&self) -> Option<String> {
        match &self.value {
            WantedValue::Is(name) | WantedValue::Literal(name) if self.field == "route" => {
                String::from_utf8(name.clone()).ok()
            }
            _ => None,
        }
    }

    /// The condition that a request holds this feature of this field, as it is typed.
    pub fn typed(field: &Field, feature: &Feature) -> String {
        // Of a longer one no more is known.
        let mark = if feature.text.len() >= MOST_BYTES { "^" } else { "" };
        let mut typed = typed_field(&field.name) + mark + "=";
        let mut rest: &[u8] = &feature.text;
        let is_any = rest == b"*" && field.name.starts_with("query:");
        if !is_any
            && stands_for_more(field.form, feature)
            && let Some((first, others)) = rest.split_first()
        {
            push_bytes(&mut typed, &[*first]);
            rest = others;
        }
        push_text(&mut typed, rest);
        typed
    }
}

/// The name of what may be written as a variable: `$status`, `${status}`.
fn variable_name(field: &str) -> &str {
    let braced = field.strip_prefix("${").and_then(|field| field.strip_suffix('}'));
    braced.unwrap_or_else(|| field.trim_start_matches('$'))
}

/// What is wrong where `>` or `<` stands before the `=`, or without one: `request_time>=1`, `status<400`.
fn misplaced_sign(text: &str) -> Option<String> {
    let (before, number) = text.split_once('=').unwrap_or((text, ""));
    let (field, sign, bound) = match (before.strip_suffix('>'), before.strip_suffix('<')) {
        (Some(field), _) => (field, '>', format!("={number}")),
        (_, Some(field)) => (field, '<', format!("={number}")),
        _ if text.contains('=') => return None,
        _ => {
            let sign = if text.contains('>') { '>' } else { '<' };
            let (field, number) = text.split_once(sign)?;
            (field, sign, number.to_owned())
        }
    };
    Some(match sign {
        '>' => format!("`>` stands behind a `=`: {field}=>{bound}"),
        _ => no_less_than(field, &bound, false),
    })
}

/// What to write instead of `<5`, here without its sign.
fn no_less_than(field: &str, bound: &str, is_not: bool) -> String {
    let (mark, or_none) = if is_not { ("=", "") } else { ("!=", ", or has no value") };
    let (sign, number) = bound.strip_prefix('=').map_or((">=", bound), |number| (">", number));
    let what = if is_not { "not less" } else { "less" };
    format!("there is no `<`; what is {what}{or_none} is {field}{mark}{sign}{number}, and the sign itself \\x3C")
}

/// Whether a value would be read as something else if it stood as it is.
fn stands_for_more(form: ValueForm, feature: &Feature) -> bool {
    let text = &*feature.text;
    match form {
        ValueForm::Class => false,
        _ if matches!(text, b"*" | b"-") || text.starts_with(b">") || text.starts_with(b"<") => true,
        ValueForm::Text => false,
        ValueForm::Number => !text.iter().all(u8::is_ascii_digit),
        // What a client says of itself may be written as a net.
        ValueForm::Address => feature.is_held && text.contains(&b'/') || is_no_address(text),
    }
}

/// A field as it is named: control characters, backslashes and what is no text as `\xHH`.
pub(super) fn field_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    push_text(&mut text, bytes);
    text
}

/// The bytes of a field that is named so.
pub(super) fn field_bytes(text: &str) -> Vec<u8> {
    read_bytes(text).unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// A field as it is typed: what is a mark at its end, or would be cut off, is escaped.
pub(super) fn typed_field(name: &str) -> String {
    let last = name.chars().next_back().filter(|last| matches!(last, '!' | '^' | '>' | '<') || last.is_whitespace());
    let begin = last.map_or(name, |last| name.strip_suffix(last).unwrap_or(name));
    let mut typed = begin.replace('=', "\\x3D");
    if let Some(last) = last {
        push_bytes(&mut typed, last.encode_utf8(&mut [0; 4]).as_bytes());
    }
    typed
}

/// A value as it is typed: the mark before its `=`, and what stands behind that.
pub(super) fn typed_value(value: &WantedValue) -> (&'static str, String) {
    let mut typed = String::new();
    match value {
        WantedValue::Any => typed.push('*'),
        WantedValue::Above { bound, is_strict } => {
            typed = format!("{}{bound}", if *is_strict { ">" } else { ">=" });
        }
        WantedValue::Is(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains(char::is_control) => typed.push_str(text),
            _ => push_text(&mut typed, bytes),
        },
        WantedValue::Begins(bytes) => {
            push_text(&mut typed, bytes);
            return ("^", typed);
        }
        WantedValue::Literal(bytes) => {
            push_text(&mut typed, bytes);
            if !typed.contains("\\x")
                && let Some((first, rest)) = bytes.split_first()
            {
                typed.clear();
                push_bytes(&mut typed, &[*first]);
                push_text(&mut typed, rest);
            }
        }
    }
    ("", typed)
}

/// Append bytes as a person can read and type them.
fn push_text(typed: &mut String, bytes: &[u8]) {
    let is_odd = |c: char| c.is_control() || c == '\\';
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().contains(is_odd) {
            typed.push_str(chunk.valid());
            push_bytes(typed, chunk.invalid());
            continue;
        }
        for c in chunk.valid().chars() {
            if is_odd(c) {
                push_bytes(typed, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                typed.push(c);
            }
        }
        push_bytes(typed, chunk.invalid());
    }
}

fn push_bytes(typed: &mut String, bytes: &[u8]) {
    for byte in bytes {
        typed.push_str(&format!("\\x{byte:02X}"));
    }
}

/// The bytes of what was typed.
fn read_bytes(text: &str) -> Result<Vec<u8>, String> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
            return Err("two hexadecimal digits belong behind `\\x`; a backslash is \\x5C".to_owned());
        };
        bytes.push(byte);
        rest = after.get(2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::feature::{Features, FieldSide};

    #[test]
    fn a_condition_is_a_field_a_mark_and_a_value() {
        let above = |bound: &str, is_strict| WantedValue::Above { bound: bound.to_owned(), is_strict };
        for (text, field, value, is_wanted) in [
            ("status=502", "status", WantedValue::Is(b"502".to_vec()), true),
            ("${host}!=a.b", "host", WantedValue::Is(b"a.b".to_vec()), false),
            ("$host!=a.b", "host", WantedValue::Is(b"a.b".to_vec()), false),
            ("path^=/p/=x", "path", WantedValue::Begins(b"/p/=x".to_vec()), true),
            ("query:depth=*", "query:depth", WantedValue::Any, true),
            ("path!^=/p/", "path", WantedValue::Begins(b"/p/".to_vec()), false),
            ("x=a\\x5C\\xffb", "x", WantedValue::Literal(b"a\\\xffb".to_vec()), true),
            ("x=", "x", WantedValue::Is(Vec::new()), true),
            ("x=>=5ms", "x", above("5ms", false), true),
            ("x!=>5", "x", above("5", true), false),
            ("x=\\x3E5", "x", WantedValue::Literal(b">5".to_vec()), true),
            ("query:a\\x21=5", "query:a!", WantedValue::Is(b"5".to_vec()), true),
            ("query:a\\x5E^=5", "query:a^", WantedValue::Begins(b"5".to_vec()), true),
            ("query:a\\xff\\x0a\\b=5", "query:a\\xFF\\x0A\\x5Cb", WantedValue::Is(b"5".to_vec()), true),
        ] {
            let expected = WhereCondition { field: field.to_owned(), value, is_wanted };
            assert_eq!(WhereCondition::parse(text), Ok(expected), "{text}");
        }
        for wrong in ["status", "=x", "query:=x", "x=\\x5", "x=\\xzz", "!=x", "a\\x=5"] {
            assert!(WhereCondition::parse(wrong).is_err(), "{wrong}");
        }
    }

    /// What is typed for a value of a field.
    fn typed(field: &[u8], form: ValueForm, value: &[u8]) -> String {
        let mut features = Features::default();
        let field = features.field(&field_text(field), FieldSide::Asked, 1, "").unwrap();
        features.set_form(field, form);
        let (id, _) = features.held_feature(field, value).unwrap();
        WhereCondition::typed(features.field_of(id).unwrap(), features.get(id).unwrap())
    }

    /// The bytes that are asked for, and whether as they stand.
    fn read(typed: &str) -> WantedValue {
        match WhereCondition::parse(typed).unwrap().value {
            WantedValue::Literal(bytes) => WantedValue::Is(bytes),
            other => other,
        }
    }

    #[test]
    fn a_sign_that_stands_elsewhere_is_said_with_what_to_write() {
        for (text, said) in [
            ("request_time>=1", "request_time=>=1"),
            ("status>499", "status=>499"),
            ("status<400", "status!=>=400,"),
            ("status<=400", "status!=>400,"),
            ("bytes_sent=<1024", "bytes_sent!=>=1024,"),
            ("bytes_sent=<=1024", "bytes_sent!=>1024,"),
            ("bytes_sent!=<1024", "bytes_sent=>=1024,"),
        ] {
            let error = WhereCondition::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_typed_is_read_as_it_was() {
        assert_eq!(read(&typed(b"query:x", ValueForm::Text, b"*")), WantedValue::Any);
        let values = [
            &b"*"[..],
            b"-",
            b"a b",
            b"\\x41",
            b"\xff\xfe",
            b"=*'\n",
            "schön".as_bytes(),
            b">=9",
            b"<9",
            b">",
            b"",
            b"=",
            b"5xx",
            "\u{a0}".as_bytes(),
        ];
        for form in [ValueForm::Text, ValueForm::Address, ValueForm::Number] {
            for value in values {
                let typed = typed(b"x", form, value);
                assert_eq!(read(&typed), WantedValue::Is(value.to_vec()), "{typed}");
            }
        }
        let long = vec![b'a'; MOST_BYTES];
        assert_eq!(read(&typed(b"x", ValueForm::Text, &long)), WantedValue::Begins(long));
        assert_eq!(typed(b"bytes_sent", ValueForm::Class, b">=4096"), "bytes_sent=>=4096");
        assert_eq!(
            typed(b"http_x_forwarded_for", ValueForm::Address, b"10.0.0.0/8"),
            "http_x_forwarded_for=\\x310.0.0.0/8"
        );
        assert_eq!(typed(b"remote_addr", ValueForm::Address, b"10.0.0.1"), "remote_addr=10.0.0.1");
    }

    #[test]
    fn the_field_that_is_typed_is_the_one_that_was_read() {
        for key in [
            &b"price!"[..],
            b"a^",
            b"!",
            b"^",
            b"a!!",
            b"!a",
            b"\xff",
            b"a\xff!",
            b"a\nb\x00",
            b"a\\b",
            b"\\x41",
            b"a ",
            b" ",
            "a\u{a0}".as_bytes(),
            "sch\u{f6}n".as_bytes(),
            "\u{85}".as_bytes(),
            b"$a",
            b"*",
            b"a!a!",
            b"a>",
            b"a<",
            b"a<b",
        ] {
            let field = [b"query:", key].concat();
            let typed = typed(&field, ValueForm::Text, b"5");
            assert!(!typed.chars().any(char::is_control), "{typed:?}");
            let read = WhereCondition::parse(&typed).unwrap();
            assert_eq!(read.value, WantedValue::Is(b"5".to_vec()), "{typed}");
            assert!(read.is_wanted, "{typed}");
            assert_eq!(field_bytes(&read.field), field, "{typed}");
        }
        assert_eq!(typed(b"query:price!", ValueForm::Text, b"5"), "query:price\\x21=5");
    }
}
