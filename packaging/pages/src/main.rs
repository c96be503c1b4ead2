//! `spikeline-pages FOLDER`: writes man pages and completions there.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: spikeline-pages FOLDER");
        return ExitCode::from(2);
    };
    match spikeline_pages::write_pages(folder.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", folder.display());
            ExitCode::from(3)
        }
    }
}
