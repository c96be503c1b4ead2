//! Data to stdout, words to stderr.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, Result};
use crate::report::{Style, terminal_safe};

/// A file smaller than this is read without a progress bar.
const PROGRESS_FROM: u64 = 64 << 20;

/// So much of what was said is kept for an answer that is sent to others.
const MOST_SAID: usize = 10_000;

/// What was said so far.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What was said so far, in order: an answer that is sent to others says it too.
pub(in crate::cli) fn said() -> Vec<String> {
    SAID.lock().map(|said| said.clone()).unwrap_or_default()
}

/// Say something to the person, on stderr. That nobody listens is no failure. What a terminal would obey is shown instead: names of
/// files are made by others.
pub(in crate::cli) fn say(message: &str) {
    let lines: Vec<Cow<'_, str>> = message.split('\n').map(|line| terminal_safe(line.as_bytes())).collect();
    drop(writeln!(io::stderr().lock(), "{}", lines.join("\n")));
    if let Ok(mut said) = SAID.lock()
        && said.len() < MOST_SAID
    {
        said.push(message.to_owned());
    }
}

/// Say several messages, a line each.
pub(in crate::cli) fn say_all(messages: &[String]) {
    for message in messages {
        say(message);
    }
}

/// Say an error with its place and what to do about it.
pub(in crate::cli) fn say_error(error: &Error) {
    say(&format!("spikeline: {error}"));
}

/// Buffered stdout.
pub(in crate::cli) fn stdout() -> Stdout {
    BufWriter::with_capacity(1 << 16, io::stdout())
}

/// Buffered stdout; not locked, so that a tally may hold it.
pub(in crate::cli) type Stdout = BufWriter<io::Stdout>;

/// Whether stdout is a terminal.
pub(in crate::cli) fn on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// What a failed write to stdout means; a reader that went away is no failure.
pub(in crate::cli) fn written<T>(result: io::Result<T>) -> Result<T> {
    result.map_err(|error| Error::io("write", "stdout", &error))
}

/// Who shows an answer on a terminal of its own says by this variable how wide that is.
pub(in crate::cli) const COLUMNS: &str = "SPIKELINE_COLUMNS";

/// How tables look here: colour only on a terminal and without `NO_COLOR`, as wide as the terminal.
pub(in crate::cli) fn style() -> Style {
    let terminal = on_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let width = terminal.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten().map(|size| size.ws_col);
    let width = width.or_else(|| std::env::var(COLUMNS).ok()?.parse().ok());
    Style { colour: terminal && !plain, width: width.filter(|width| *width > 0), terminal }
}

/// What turns while something of unknown length is done; on a terminal only.
pub(in crate::cli) fn spinner(words: &'static str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_message(words);
    bar
}

/// A bar that is full at `bytes`; hidden for what is read in a moment.
pub(in crate::cli) fn progress(bytes: u64) -> ProgressBar {
    // indicatif draws to stderr, and only if that is a terminal.
    if bytes < PROGRESS_FROM {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}
