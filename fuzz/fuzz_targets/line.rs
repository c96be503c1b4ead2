//! Any lines against any format: the first line of the input is the log_format (behind one byte for the escaping), the
//! others are a block of its log. Read by the block's quotes and read one by one, they must come out the same, and
//! every value must lie in its line.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::{Escape, Format};
use spikeline::pipeline::{Interpreter, Interpreting};
use spikeline::record::{Needs, RecordParser, attempts, unescape, upstream_list};
use spikeline::route::{Router, Routes};

fuzz_target!(|input: &[u8]| {
    let Some((&escape, rest)) = input.split_first() else { return };
    let escape = [Escape::Default, Escape::Json, Escape::None][usize::from(escape) % 3];
    let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
    let (text, block) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Ok(format) = Format::compile("fuzz", text, escape) else { return };
    let Ok(mut parser) = RecordParser::new(&format, &Needs::all()) else { return };
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).expect("no rules are good rules")),
        routes: Arc::new(Routes::new(100)),
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    let mut interpreter = Interpreter::new(&format, Needs::all(), &with).expect("the parser took the format");
    let mut lines = block.split_inclusive(|&byte| byte == b'\n');
    interpreter.read_block(block, |_, line, seen, by_block| {
        let whole = lines.next().unwrap_or_default();
        assert_eq!(line, whole.strip_suffix(b"\n").unwrap_or(whole));
        let alone = parser.parse(line);
        assert_eq!(seen.map(|seen| seen.record), alone);
        match alone {
            Ok(record) => {
                assert!(record.start() <= record.end);
                for (index, variable) in format.variables().iter().enumerate() {
                    let value = parser.value(line, index);
                    assert_eq!(by_block.value(index), value);
                    let Some(value) = value else { continue };
                    let _ = unescape(value, escape);
                    if variable.kind.is_list() {
                        let listed: usize = upstream_list(value).iter().map(Vec::len).sum();
                        assert_eq!(listed, attempts(value).count());
                    }
                }
            }
            Err(reject) => assert!(reject.column as usize <= line.len() + 1),
        }
    });
    assert!(lines.next().is_none());
});
