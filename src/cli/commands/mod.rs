//! One file or folder a command. No command calls another; what two of them need stands in a floor above.

mod check;
mod index;
mod lines;
mod records;
mod report;
mod run;
mod slow;
mod verify;

use super::answer::Answer;
use super::args::Command;
use super::input::context::Context;
use crate::error::Result;

/// Runs the command that was typed.
pub(super) fn run(context: &Context, command: Command) -> Result<Answer> {
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
