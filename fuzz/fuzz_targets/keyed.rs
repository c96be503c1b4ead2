//! Any lines by their keys: the first line of the input is a keyed format's text (`json`, `ltsv request_time=took:ms`), the
//! others are its log. Every value must lie in the text it is said to lie in, a reject in its line, a line alone must read
//! as in a block, and what is learnt from lines must still read them.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::Format;
use spikeline::pipeline::{Interpreter, Interpreting};
use spikeline::record::{Needs, RecordParser, attempts, unescape, upstream_list};
use spikeline::route::{Router, Routes};

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let (text, block) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    let format = match Format::keyed(text) {
        None => return,
        Some(Ok(format)) => format,
        Some(Err(error)) => {
            assert!(text.get(error.span.clone()).is_some());
            let _ = (error.render(), error.to_string());
            return;
        }
    };
    let lines: Vec<&[u8]> = block.split(|&byte| byte == b'\n').collect();
    read(&format, block);
    let learnt = format.learnt_from(&lines).with_keys_of(&["server_port".to_owned()]);
    for (variable, key) in learnt.keys_of(&lines) {
        assert!(learnt.index_of(&variable).is_some() && !key.is_empty());
    }
    read(&learnt, block);
});

fn read(format: &Format, block: &[u8]) {
    let mut parser = RecordParser::new(format, &Needs::all()).expect("keys always say when a request ended");
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).expect("no rules are good rules")),
        routes: Arc::new(Routes::new(100)),
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    let mut interpreter = Interpreter::new(format, Needs::all(), &with).expect("the parser took the format");
    let (mut at, mut text) = (0, Vec::new());
    interpreter.read_block(block, |start, line, seen, by_block| {
        assert_eq!(start, at);
        assert_eq!(block.get(start..start + line.len()), Some(line));
        at += line.len() + 1;
        let alone = parser.parse_in(line, &mut text);
        assert_eq!(seen.map(|seen| seen.record), alone.map(|(record, _)| record));
        match alone {
            Ok((record, text)) => {
                assert!(record.start() <= record.end);
                assert!(format.check(line).is_ok());
                for (index, variable) in format.variables().iter().enumerate() {
                    let value = parser.value(text, index);
                    assert_eq!(by_block.value(index), value);
                    let Some(value) = value else { continue };
                    let _ = unescape(value, format.escape());
                    if variable.kind.is_list() {
                        let listed: usize = upstream_list(value).iter().map(Vec::len).sum();
                        assert_eq!(listed, attempts(value).count());
                    }
                }
            }
            Err(reject) => {
                assert!(reject.column as usize <= line.len() + 1);
                let _ = format.explain(line);
            }
        }
        let _ = format.fields(line).map(|fields| fields.iter().all(|(_, span)| line.get(span.clone()).is_some()));
    });
    assert!(at >= block.len());
}
