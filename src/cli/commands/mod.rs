//! The way into the program, and one file or folder a command. No command calls another; what two of them need stands in a floor above.

mod check;
mod diff;
mod events;
mod grafana;
mod graphite_config;
mod index;
mod lines;
mod records;
mod report;
mod routes;
mod run;
mod serve;
mod slow;
mod status;
mod top;
mod verify;
mod why;

use std::process::ExitCode;

use clap::Parser;

use super::answer::{Answer, output};
use super::args::{Arguments, Command};
use super::input::context::Context;
use crate::error::Result;

/// Parse, run, exit code: 0 if the answer is something, 1 if it is nothing, 3 if it is incomplete, or the error's.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = Context::new(arguments.config, arguments.store);
    match run_command(&context, arguments.command) {
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

/// Runs the command that was typed.
fn run_command(context: &Context, command: Command) -> Result<Answer> {
    match command {
        Command::Run(arguments) => run::run(context, &arguments),
        Command::Events(arguments) => events::events(context, &arguments),
        Command::Grafana(arguments) => grafana::grafana(context, &arguments),
        Command::Serve(arguments) => serve::serve(context, &arguments),
        Command::Report(arguments) => report::report(context, arguments),
        Command::Slow(arguments) => slow::slow(context, arguments),
        Command::Lines(arguments) => lines::lines(context, arguments),
        Command::Diff(arguments) => diff::diff(context, &arguments),
        Command::Records(arguments) => records::records(context, &arguments),
        Command::Index(arguments) => index::index(context, &arguments),
        Command::Why(arguments) => why::why(context, arguments),
        Command::Top(arguments) => top::top(context, &arguments),
        Command::Verify(arguments) => verify::verify(context, &arguments),
        Command::GraphiteConfig => graphite_config::graphite_config(context),
        Command::Status(arguments) => status::status(context, &arguments),
        Command::Routes(arguments) => routes::routes(context, &arguments),
        Command::Check(arguments) => check::check(context, &arguments),
    }
}
