//! The command line; see `spikeline --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    spikeline::cli::main()
}
