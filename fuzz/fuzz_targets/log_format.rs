//! Any text as a log_format: it compiles, or is refused with a span that lies in it. The first byte chooses the escaping.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::{Escape, Format};
use spikeline::record::{Needs, RecordParser};

fuzz_target!(|input: (u8, &str)| {
    let (escape, text) = input;
    let escape = [Escape::Default, Escape::Json, Escape::None][usize::from(escape) % 3];
    match Format::compile("fuzz", text, escape) {
        Ok(format) => {
            for (index, variable) in format.variables().iter().enumerate() {
                assert_eq!(format.index_of(&variable.name), Some(index));
            }
            if let Err(reject) = format.check(text.as_bytes()) {
                assert!(reject.column as usize <= text.len() + 1);
                assert!(format.explain(text.as_bytes()).is_some());
            }
            let _ = RecordParser::new(&format, &Needs::all());
        }
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some() || text.as_bytes().get(error.span.clone()).is_some());
            let _ = (error.render(), error.to_string());
        }
    }
});
