//! Whatever bytes a stranger makes nginx write: no panic, spans inside the line, time linear in the line.

use std::sync::LazyLock;

use proptest::prelude::*;
use spikeline::grammar::{Escape, Format, Grammar, directives, library};
use spikeline::record::{Needs, RecordParser, attempts, unescape, upstream_list};

static LIBRARY: LazyLock<Vec<Grammar>> = LazyLock::new(|| library().unwrap());

fn look(grammar: &Grammar, line: &[u8]) {
    let format = &grammar.format;
    let mut parser = RecordParser::new(format, &Needs::all()).unwrap();
    match parser.parse(line) {
        Ok(record) => {
            assert!(record.start() <= record.end);
            for (index, variable) in format.variables().iter().enumerate() {
                let Some(value) = parser.value(line, index) else { continue };
                assert!(value.len() <= line.len());
                let _ = unescape(value, format.escape());
                if variable.kind.is_list() {
                    let count: usize = upstream_list(value).iter().map(Vec::len).sum();
                    assert!(count >= attempts(value).count());
                }
            }
        }
        Err(reject) => {
            assert!(reject.column as usize <= line.len() + 1, "{reject}");
            let _ = format.explain(line);
        }
    }
}

/// Bytes that the formats' literals are made of, and any others.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => prop::sample::select(b" \"[]-|:,.\t\\{}/0123456789T+-=?".to_vec()),
        1 => any::<u8>(),
    ];
    proptest::collection::vec(byte, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_in_any_grammar(line in hostile()) {
        for grammar in LIBRARY.iter() {
            look(grammar, &line);
        }
    }

    #[test]
    fn damaged_samples_in_any_grammar(at in any::<prop::sample::Index>(), with in hostile(), cut in 0_usize..40) {
        for grammar in LIBRARY.iter() {
            let mut line = at.get(&grammar.samples).clone().into_bytes();
            let from = at.index(line.len());
            let until = (from + cut).min(line.len());
            line.splice(from..until, with.iter().copied());
            look(grammar, &line);
        }
    }

    #[test]
    fn any_text_as_a_format(text in "[ -~$]{0,40}", names in proptest::collection::vec("(\\$[a-z_]{1,8}|\\$msec|\\$uri|[ \"|])", 0..8)) {
        for text in [text, names.concat()] {
            for escape in [Escape::Default, Escape::Json, Escape::None] {
                match Format::compile("t", &text, escape) {
                    Ok(format) => { let _ = format.check(text.as_bytes()); }
                    Err(error) => { prop_assert!(error.span.end <= text.len()); let _ = error.render(); }
                }
            }
            let source = format!("log_format a {text};");
            if let Err(error) = directives(&source) {
                prop_assert!(error.span.end <= source.len());
                let _ = error.render();
            }
        }
    }
}

/// A line of nothing but what looks like the end of a field: bounded work, whatever the format.
#[test]
fn lines_of_delimiters_take_linear_work() {
    for unit in
        [" [", "\" ", " - ", "] [", "\\\"", " : ", ", ", "10/Oct/2000:13:55:36 -0700", "2000-10-10T13:55:36Z", "|"]
    {
        let line = unit.repeat((64 << 10) / unit.len());
        for grammar in LIBRARY.iter() {
            assert!(grammar.format.check(line.as_bytes()).is_err(), "{}", grammar.format.name());
            let prefix = grammar.samples[0].clone() + &line;
            look(grammar, prefix.as_bytes());
        }
    }
}
