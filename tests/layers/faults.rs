//! Every fault that spikeline says it withstands has a test that is named after it: `fault_NN_` and what is expected.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

use crate::rust_files;

/// The faults by their numbers: what becomes of a log's file and name (1 to 14), of the ways to learn of it (15), of its lines
/// (16 to 25), of the store and its disk (26 to 34), and a raw log that is gone (35).
const FAULTS: RangeInclusive<u32> = 1..=35;

/// The numbers of the tests in a file: functions `fault_NN_..` right below a `#[test]`.
fn tested(text: &str) -> Vec<u32> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.iter().zip(lines.iter().skip(1));
    let names = pairs.filter(|(above, _)| **above == "#[test]").filter_map(|(_, line)| line.strip_prefix("fn fault_"));
    names.filter_map(|name| name.split('_').next()?.parse().ok()).collect()
}

#[test]
fn every_fault_has_a_test_that_is_named_after_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        rust_files(&root.join(folder), &mut files);
    }
    let found: BTreeSet<u32> = files.iter().flat_map(|file| tested(&fs::read_to_string(file).unwrap())).collect();
    let missing: Vec<u32> = FAULTS.filter(|fault| !found.contains(fault)).collect();
    assert!(missing.is_empty(), "no test fault_NN_.. for {missing:?}");
}
