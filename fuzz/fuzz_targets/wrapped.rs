//! Any lines as those of a container runtime or syslog. The first byte chooses the wrapper, the second how many lines come
//! at a time. Records must lie in their block in the order in which they begin, and be the same wherever a reader cut the
//! log, as long as its blocks end where the wrapper says.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use spikeline::grammar::{Format, Wrapper, recognise, texts, wrapper_of};
use spikeline::pipeline::{Interpreter, Interpreting};
use spikeline::record::{Needs, Record};
use spikeline::route::{Router, Routes};

type Found = (usize, usize, Result<String, spikeline::grammar::Reject>);

fuzz_target!(|input: &[u8]| {
    let [wrapper, at_a_time, log @ ..] = input else { return };
    let wrapper = Wrapper::ALL[usize::from(*wrapper) % Wrapper::ALL.len()];
    let format = Format::keyed("json").expect("a keyed format").expect("that compiles").in_wrapper(wrapper);
    let at_once = records(&format, log, 0);
    let mut before = 0;
    for (number, (start, end, _)) in at_once.iter().enumerate() {
        assert!(start <= end && *end <= log.len());
        assert!(number == 0 || before < *start);
        before = *start;
    }

    // As a reader does it: so many lines come, and what is not finished waits.
    let at_a_time = usize::from(*at_a_time).max(1);
    let (mut pieces, mut held, mut base) = (Vec::new(), Vec::new(), 0);
    for (number, line) in log.split_inclusive(|&byte| byte == b'\n').enumerate() {
        held.extend_from_slice(line);
        if (number + 1) % at_a_time == 0 && line.ends_with(b"\n") {
            let whole = wrapper.whole_records(&held);
            assert!(whole <= held.len());
            pieces.extend(records(&format, &held[..whole], base));
            held.drain(..whole);
            base += whole;
        }
    }
    pieces.extend(records(&format, &held, base));
    assert_eq!(at_once, pieces);

    let _ = texts(wrapper_of(log, 400), log, 400);
    let _ = recognise(log, 20, std::slice::from_ref(&Format::combined()));
    for line in log.split(|&byte| byte == b'\n').take(20) {
        if format.check(line).is_err() {
            let _ = format.explain(line);
        }
        if let Ok(fields) = format.fields(line) {
            assert!(fields.iter().all(|(_, span)| line.get(span.clone()).is_some()));
        }
    }
});

/// The records of a block that begins at `base`: from where to where, and what each says.
fn records(format: &Format, block: &[u8], base: usize) -> Vec<Found> {
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).expect("no rules are good rules")),
        routes: Arc::new(Routes::new(100)),
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    let mut interpreter = Interpreter::new(format, Needs::latency(), &with).expect("keys say when a request ended");
    let mut found = Vec::new();
    interpreter.read_block(block, |at, line, seen, _| {
        let said = |record: &Record<'_>| format!("{record:?}");
        found.push((base + at, base + at + line.len(), seen.map(|seen| said(&seen.record))));
    });
    found
}
