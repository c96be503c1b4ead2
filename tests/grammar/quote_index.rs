//! Lines read by the quotes of their whole block against the same lines read one by one: every grammar of the library,
//! lines as they are and damaged. Rejects must agree to the column and the reason.

use proptest::prelude::*;
use spikeline::grammar::{Escape, Format, library};
use spikeline::record::{Needs, RecordParser};

use crate::blocks::agree;

/// Formats whose quotes stand where the library's do not.
const FORMATS: &[(&str, Escape)] = &[
    ("\"$msec\" \"$remote_user\" - $http_a \"$status\"\"$request\"", Escape::Default),
    ("$http_a - $remote_user [$time_local] $http_b x\"y $request_time", Escape::Default),
    ("{\"t\":\"$time_iso8601\",\"rq\":\"$request\",\"x\":$http_x \"z\",\"ua\":\"a$http_user_agent\"}", Escape::Json),
    ("$time_local $upstream_addr \"$uri$is_args$args\" $status", Escape::Default),
    ("$remote_user: $http_a - $http_b [$time_local] \"$request\" $upstream_response_time $status", Escape::Default),
    (
        "$remote_user $time_local \"$request\" $upstream_response_time $upstream_status \"$upstream_addr\"",
        Escape::Default,
    ),
];

fn formats() -> Vec<(Format, Vec<String>)> {
    let mut formats: Vec<_> = library().unwrap().into_iter().map(|grammar| (grammar.format, grammar.samples)).collect();
    let samples = [
        vec!["\"1795381084.311\" \"a b\" - x \"200\"\"GET / HTTP/1.1\""],
        vec!["a - b [ [10/Oct/2000:13:55:36 -0700] c x\"y 0.123"],
        vec!["{\"t\":\"2000-10-10T13:55:36-07:00\",\"rq\":\"GET /\\\"a\\\\\",\"x\":b \"z\",\"ua\":\"a\\\\\"}"],
        vec!["10/Oct/2000:13:55:36 -0700 1.2.3.4:80 \"/a?b\" 200"],
        vec![
            "a: b - c [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 0.123 200",
            "- - [: - - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 0.123, 0.456 : - 404",
        ],
        vec![
            "a b 10/Oct/2000:13:55:36 -0700 10/Oct/2000:13:55:36 -0700 \"GET /\" 0.123, 0.456 200 \"1.2.3.4:80, unix:/a\"",
            "- 10/Oct/2000:13:55:36 -0700 \"GET /\" 0.1 200 \"-\"",
        ],
    ];
    for (number, ((text, escape), samples)) in FORMATS.iter().zip(samples).enumerate() {
        let format = Format::compile(&format!("own{number}"), text, *escape).unwrap();
        formats.push((format, samples.into_iter().map(str::to_owned).collect()));
    }
    formats
}

/// What is done to one line.
#[derive(Debug, Clone)]
enum Damage {
    None,
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Cut(prop::sample::Index),
    DropFront(prop::sample::Index),
    Glue,
    CarriageReturn,
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = || prop_oneof![3 => Just(b'"'), 1 => Just(b' '), 1 => Just(b'\\'), 1 => Just(0), 1 => Just(b'\n'), 2 => any::<u8>()];
    let place = any::<prop::sample::Index>;
    prop_oneof![
        6 => Just(Damage::None),
        3 => (place(), byte()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        3 => (place(), proptest::collection::vec(byte(), 1..12)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        2 => place().prop_map(Damage::Cut),
        1 => place().prop_map(Damage::DropFront),
        1 => Just(Damage::Glue),
        1 => Just(Damage::CarriageReturn),
    ]
}

fn damaged(line: &str, damage: &Damage) -> Vec<u8> {
    let mut line = line.as_bytes().to_vec();
    let place = |index: &prop::sample::Index| index.index(line.len() + 1);
    match damage {
        Damage::None => {}
        Damage::Replace(at, byte) => {
            let at = at.index(line.len());
            line[at] = *byte;
        }
        Damage::Insert(at, bytes) => {
            let at = place(at);
            line.splice(at..at, bytes.iter().copied());
        }
        Damage::Cut(at) => line.truncate(at.index(line.len())),
        Damage::DropFront(at) => drop(line.drain(..place(at))),
        Damage::Glue => return line,
        Damage::CarriageReturn => line.push(b'\r'),
    }
    line.push(b'\n');
    line
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn by_block_is_line_by_line(
        format in any::<prop::sample::Index>(),
        lines in proptest::collection::vec((any::<prop::sample::Index>(), damage()), 1..20),
        last_newline in any::<bool>(),
    ) {
        let formats = formats();
        let (format, samples) = &formats[format.index(formats.len())];
        prop_assume!(!samples.is_empty() && RecordParser::new(format, &Needs::all()).is_ok());
        let mut block: Vec<u8> =
            lines.iter().flat_map(|(sample, damage)| damaged(&samples[sample.index(samples.len())], damage)).collect();
        if !last_newline {
            block.truncate(block.len() - 1);
        }
        agree(format, &block)?;
    }
}

#[test]
fn samples_of_every_grammar_fit_in_long_blocks() {
    for (format, samples) in formats() {
        if samples.is_empty() || RecordParser::new(&format, &Needs::all()).is_err() {
            continue;
        }
        // Longer than what is indexed at a time.
        let repeated: Vec<&str> = samples.iter().map(String::as_str).cycle().take(samples.len() * 200).collect();
        let block = repeated.join("\n");
        let fitted = agree(&format, block.as_bytes()).unwrap();
        assert_eq!(fitted, repeated.len(), "{}", format.name());
    }
}
