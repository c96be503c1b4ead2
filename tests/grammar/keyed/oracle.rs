//! An obviously right reader against the scanner: JSON by `serde_json` with its values flattened, LTSV by `split`.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::format;
use spikeline::record::{Needs, RecordParser};

/// JSON to be written: a value's text, or an object in which no key stands twice.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(String),
    Object(Vec<(String, Tree)>),
}

fn leaf() -> impl Strategy<Value = String> {
    let quoted = |text: String| serde_json::to_string(&text).unwrap();
    let escaped = |text: String| {
        let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{units}\"")
    };
    prop_oneof![
        4 => "[ -~]{0,12}".prop_map(quoted),
        2 => "[a-z\\\\\"/é\u{1f600}\t\n]{0,8}".prop_map(quoted),
        1 => "[a-zé\u{1f600}\"]{0,5}".prop_map(escaped),
        2 => (0_u32..100_000).prop_map(|number| number.to_string()),
        2 => (0_u32..100_000).prop_map(|number| format!("-{}.{:03}e-2", number / 1000, number % 1000)),
        2 => prop_oneof![
            Just("null"), Just("true"), Just("false"), Just("[]"), Just("\"-\""), Just("[1, {\"a\": \"]\\\"\"}, [null]]")
        ].prop_map(str::to_owned),
    ]
}

fn object() -> impl Strategy<Value = Tree> {
    let key = prop_oneof!["a|b|c|dd|E|f_g|h\\.i|é|q\"", "[a-d]{1,3}"];
    leaf().prop_map(Tree::Leaf).prop_recursive(4, 32, 6, move |inner| {
        proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|fields| {
            let mut seen = BTreeSet::new();
            Tree::Object(fields.into_iter().filter(|(key, _)| seen.insert(key.to_lowercase())).collect())
        })
    })
}

/// The tree as text, with blanks where JSON allows them.
fn write(tree: &Tree, blanks: &mut impl Iterator<Item = &'static str>, out: &mut String) {
    match tree {
        Tree::Leaf(text) => out.push_str(text),
        Tree::Object(fields) => {
            out.push('{');
            for (at, (key, value)) in fields.iter().enumerate() {
                let (a, b, c, d) = (blanks.next(), blanks.next(), blanks.next(), blanks.next());
                out.push_str(if at > 0 { "," } else { "" });
                out.push_str(a.unwrap());
                out.push_str(&serde_json::to_string(key).unwrap());
                out.push_str(b.unwrap());
                out.push(':');
                out.push_str(c.unwrap());
                write(value, blanks, out);
                out.push_str(d.unwrap());
            }
            out.push('}');
        }
    }
}

/// Every value that is no object, by its path in lower case.
fn flat(value: &Value, path: &str, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.to_ascii_lowercase();
                flat(value, &if path.is_empty() { key } else { format!("{path}.{key}") }, out);
            }
        }
        leaf => drop(out.insert(path.to_owned(), leaf.clone())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_json_value_is_what_serde_json_reads(
        tree in object(),
        seed in any::<u64>(),
        place in any::<prop::sample::Index>(),
    ) {
        let mut fields = match tree { Tree::Object(fields) => fields, leaf => vec![("a".to_owned(), leaf)] };
        for (key, text) in [("time", "\"1612322553\""), ("STATUS", "200")] {
            fields.insert(place.index(fields.len() + 1), (key.to_owned(), Tree::Leaf(text.to_owned())));
        }
        let mut state = seed;
        let mut blanks = std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ["", "", " ", "\t", "  "][(state >> 60) as usize % 5]
        });
        let mut line = String::new();
        write(&Tree::Object(fields), &mut blanks, &mut line);
        let mut wanted = BTreeMap::new();
        flat(&serde_json::from_str(&line).unwrap(), "", &mut wanted);

        let format = format("json").learnt_from(&[line.as_bytes()]);
        let mut parser = RecordParser::new(&format, &Needs::all()).unwrap();
        let mut room = Vec::new();
        let (record, text) = parser.parse_in(line.as_bytes(), &mut room).map_err(|reject| TestCaseError::fail(format!("{reject}: {line}")))?;
        prop_assert_eq!((record.end.millis(), record.status), (1_612_322_553_000, Some(200)));
        let text = text.to_vec();
        for (path, wanted) in &wanted {
            let variable = format.index_of(path).ok_or_else(|| TestCaseError::fail(format!("no {path}: {line}")))?;
            let found = parser.value(&text, variable).map(|value| String::from_utf8(value.to_vec()).unwrap());
            match wanted {
                Value::Null => prop_assert_eq!(found, None, "{}", path),
                Value::String(text) if text.is_empty() || text == "-" => prop_assert_eq!(found, None, "{}", path),
                Value::String(text) => prop_assert_eq!(found.as_ref(), Some(text), "{}", path),
                other => {
                    let found: Value = serde_json::from_str(&found.unwrap()).unwrap();
                    prop_assert_eq!(&found, other, "{}", path);
                }
            }
        }
    }

    #[test]
    fn every_ltsv_value_is_what_split_reads(
        fields in proptest::collection::vec(("[a-zA-Z_.]{1,6}", "[ -9;-~:\"\\\\é]{0,12}"), 0..12),
        place in any::<prop::sample::Index>(),
    ) {
        let mut fields = fields;
        for (label, value) in [("time", "2021-02-03T03:22:33Z"), ("status", "200")] {
            fields.retain(|(known, _)| !known.eq_ignore_ascii_case(label));
            fields.insert(place.index(fields.len() + 1), (label.to_owned(), value.to_owned()));
        }
        let line = fields.iter().map(|(label, value)| format!("xz{label}:{value}")).collect::<Vec<_>>().join("\t");
        let line = line.replace("xztime:", "time:").replace("xzstatus:", "status:");
        // The last of the same label.
        let wanted: BTreeMap<String, &str> = line
            .split('\t')
            .map(|field| field.split_once(':').unwrap())
            .map(|(label, value)| (label.to_lowercase(), value))
            .collect();
        let format = format("ltsv").learnt_from(&[line.as_bytes()]);
        let mut parser = RecordParser::new(&format, &Needs::all()).unwrap();
        let mut room = Vec::new();
        let (_, text) = parser.parse_in(line.as_bytes(), &mut room).map_err(|reject| TestCaseError::fail(format!("{reject}: {line}")))?;
        let text = text.to_vec();
        for (label, wanted) in &wanted {
            // A label that never had a value is none of the format's.
            let found = format.index_of(label).and_then(|index| parser.value(&text, index));
            let found = found.map(|value| String::from_utf8(value.to_vec()).unwrap());
            prop_assert_eq!(found.as_deref(), Some(*wanted).filter(|value| !value.is_empty() && *value != "-"), "{}", label);
        }
    }

    /// Whatever the bytes are: no panic, and a reject lies in the line.
    #[test]
    fn any_bytes_are_fine(
        garbage in proptest::collection::vec(prop_oneof![
            3 => proptest::sample::select(b"{}[]\",:\\ \tu0-e.n".to_vec()),
            1 => any::<u8>(),
        ], 0..60),
        at in any::<prop::sample::Index>(),
    ) {
        let whole = br#"{"time":1612322553,"status":2e2,"duration_ms":"15","urt":["1",null],"request":"GET \/a HTTP\/1.1"}"#;
        let mut line = whole.to_vec();
        let from = at.index(line.len());
        let until = (from + garbage.len() / 2).min(line.len());
        line.splice(from..until, garbage.iter().copied());
        for line in [line.as_slice(), garbage.as_slice(), &whole[..from]] {
            for text in ["json", "ltsv", "json upstream_response_time=urt:us status=duration_ms"] {
                let format = format(text).learnt_from(&[line]);
                let mut parser = RecordParser::new(&format, &Needs::all()).unwrap();
                if let Err(reject) = parser.parse_in(line, &mut Vec::new()) {
                    prop_assert!(reject.column as usize <= line.len() + 1, "{reject}");
                }
                let _ = (format.check(line), format.explain(line), format.keys_of(&[line]));
            }
        }
    }
}
