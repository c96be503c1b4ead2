//! The command line: arguments and configuration become validated settings, one file a command.
//!
//! Its floors, each importing only from those before it: `config` (spikeline.toml), `args` (the command line as typed),
//! `answer` (window, output, completeness), `input` (files, formats, interpreters, nginx.conf), `commands`.

mod answer;
mod args;
mod commands;
pub mod config;
mod input;

use std::process::ExitCode;

use clap::Parser;

use answer::{Answer, output};
use args::Arguments;
use input::context::Context;

/// Parse, run, exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = Context::new(arguments.config, arguments.store);
    match commands::run(&context, arguments.command) {
        Ok(Answer::Found) => ExitCode::SUCCESS,
        Ok(Answer::Nothing) => ExitCode::from(1),
        Ok(Answer::Partial) => ExitCode::from(3),
        Err(error) => {
            if error.exit_code() != 0 {
                output::say_error(&error);
            }
            ExitCode::from(error.exit_code())
        }
    }
}
