//! Any text as a configuration file with `log_format` directives: spans lie in it, and what is read compiles or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::directives;

fuzz_target!(|source: &str| {
    match directives(source) {
        Ok(found) => {
            for directive in found {
                assert!(source.get(directive.span.clone()).is_some());
                if let Err(error) = directive.compile() {
                    assert!(error.span.end <= error.text.len());
                    let _ = error.render();
                }
            }
        }
        Err(error) => {
            assert!(error.span.end <= source.len());
            let _ = (error.render(), error.to_string());
        }
    }
});
