//! The command line: arguments and configuration become validated settings, one file a command.

mod args;
mod check;
mod complete;
pub mod config;
mod context;
mod examples;
mod files;
mod formats;
mod index;
mod lines;
mod nginx;
mod output;
mod readers;
mod records;
mod report;
mod run;
mod settings;
mod slow;
mod verify;
mod window;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use context::Context;

use crate::error::Result;

/// What a command found; it decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Something, or all is well: 0.
    Found,
    /// Nothing matched, or something is wrong: 1.
    Nothing,
    /// Only part of the answer: 3.
    Partial,
}

impl Answer {
    fn of(found: bool, missing: &[String]) -> Answer {
        match (found, missing) {
            (_, [_, ..]) => Answer::Partial,
            (true, []) => Answer::Found,
            (false, []) => Answer::Nothing,
        }
    }
}

/// Parse, run, exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = Context::new(arguments.config, arguments.store);
    match run(&context, arguments.command) {
        Ok(Answer::Found) => ExitCode::SUCCESS,
        Ok(Answer::Nothing) => ExitCode::from(1),
        Ok(Answer::Partial) => ExitCode::from(3),
        Err(error) => {
            if error.exit_code() != 0 {
                output::say(&format!("spikeline: {error}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(context: &Context, command: Command) -> Result<Answer> {
    match command {
        Command::Run(arguments) => run::run(context, &arguments),
        Command::Report(arguments) => report::report(context, &arguments),
        Command::Slow(arguments) => slow::slow(context, &arguments),
        Command::Lines(arguments) => lines::lines(context, &arguments),
        Command::Records(arguments) => records::records(context, &arguments),
        Command::Index(arguments) => index::index(context, &arguments),
        Command::Verify(arguments) => verify::verify(context, &arguments),
        Command::Check(arguments) => check::check(context, &arguments),
    }
}
