//! Writes the corpora that the targets start from, out of the grammars that come with spikeline: `seeds CORPUS_FOLDER`.

use std::path::Path;
use std::{env, fs, io};

use spikeline::grammar::{Escape, library, library::FILES};

fn main() -> io::Result<()> {
    let corpus = env::args_os().nth(1).ok_or_else(|| io::Error::other("usage: seeds CORPUS_FOLDER"))?;
    let corpus = Path::new(&corpus);
    let write = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus.join(target))?;
        fs::write(corpus.join(target).join(format!("seed-{name}")), bytes)
    };
    for (name, text) in FILES {
        write("directives", name, text.as_bytes())?;
    }
    for grammar in library().map_err(|error| io::Error::other(error.render()))? {
        let (name, text) = (grammar.format.name(), grammar.format.text());
        let escape = match grammar.format.escape() {
            Escape::Default => 0,
            Escape::Json => 1,
            Escape::None => 2,
        };
        write("log_format", name, &[text.as_bytes(), &[escape]].concat())?;
        let lines: String = grammar.samples.iter().map(|line| format!("{line}\n")).collect();
        write("line", name, &[&[escape], text.as_bytes(), b"\n", lines.as_bytes()].concat())?;
    }
    Ok(())
}
