//! The command line; see `spikeline --help`.
fn main() {}
