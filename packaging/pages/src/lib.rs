//! Man pages and completions.

use std::fs;
use std::io;
use std::path::Path;

use clap_complete::{Shell, generate_to};

/// Writes `man/spikeline.1` and a page for each command beside it, and `completions/` for bash, zsh and fish, into `folder`.
///
/// # Errors
/// The folder cannot be written.
pub fn write_pages(folder: &Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    // `help COMMAND` says what the page of the command says.
    clap_mangen::generate_to(spikeline::cli::command().disable_help_subcommand(true), &man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut spikeline::cli::command(), "spikeline", &completions)?;
    }
    Ok(())
}
