//! A block of lines read by its quotes against the same lines read one by one.

use std::sync::Arc;

use proptest::prelude::*;
use spikeline::grammar::{Format, Reject};
use spikeline::pipeline::{Interpreter, Interpreting};
use spikeline::record::{Needs, Record, RecordParser, RecordValues};
use spikeline::route::{Router, Routes};

fn interpreter(format: &Format, needs: Needs) -> Interpreter {
    let with = Interpreting {
        router: Arc::new(Router::new(Vec::new()).unwrap()),
        routes: Arc::new(Routes::new(100)),
        threshold_ms: 1000,
        conditions: Arc::default(),
    };
    Interpreter::new(format, needs, &with).unwrap()
}

/// Reads the block both ways, whatever is needed of it; gives back how many lines fitted.
pub(crate) fn agree(format: &Format, block: &[u8]) -> Result<usize, TestCaseError> {
    let some = (0..format.variables().len()).filter(|variable| variable % 3 == 1).collect();
    let some = Needs { target: true, variables: some, ..Needs::default() };
    for needs in [Needs::latency(), Needs::default(), some] {
        agree_on(format, block, needs)?;
    }
    agree_on(format, block, Needs::all())
}

fn agree_on(format: &Format, block: &[u8], needs: Needs) -> Result<usize, TestCaseError> {
    let mut parser = RecordParser::new(format, &needs).unwrap();
    let mut interpreter = interpreter(format, needs);
    let mut lines = block.split_inclusive(|&byte| byte == b'\n');
    let mut expected_at = 0;
    let mut fitted = 0;
    let mut result = Ok(());
    let mut check = |at: usize, line: &[u8], got: Result<Record<'_>, Reject>, by_block: RecordValues<'_>| {
        let whole = lines.next().unwrap_or_default();
        let shown = format!("{} {}", format.name(), String::from_utf8_lossy(line));
        prop_assert_eq!(at, expected_at);
        prop_assert_eq!(line, whole.strip_suffix(b"\n").unwrap_or(whole));
        expected_at += whole.len();
        prop_assert_eq!(got, parser.parse(line), "{}", shown);
        if got.is_ok() {
            fitted += 1;
            for variable in 0..format.variables().len() {
                prop_assert_eq!(by_block.value(variable), parser.value(line, variable), "{}", shown);
            }
        }
        Ok(())
    };
    interpreter.read_block(block, |at, line, seen, by_block| {
        if result.is_ok() {
            result = check(at, line, seen.map(|seen| seen.record), by_block);
        }
    });
    result?;
    prop_assert_eq!(expected_at, block.len());
    Ok(fitted)
}
