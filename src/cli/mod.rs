//! The command line: arguments and configuration become validated settings, one file a command.
//!
//! Its floors, each importing only from those before it: `config` (spikeline.toml), `args` (the command line as typed),
//! `answer` (window, output, completeness), `input` (files, formats, interpreters, nginx.conf), `counted` (rows of what was counted, over files
//! or the store), `asked` (what is asked for, also by a pasted metric or link), `commands`.

mod answer;
mod args;
mod asked;
mod commands;
pub mod config;
mod counted;
mod input;

pub use commands::main;

/// The command line as clap has it: what man pages and completions are made of.
pub fn command() -> clap::Command {
    <args::Arguments as clap::CommandFactory>::command()
}
