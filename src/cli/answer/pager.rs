//! What is more than a screen goes through a pager, where a terminal shows it.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::SIGINT;

use super::output::{Stdout, on_terminal, stdout};

/// How many lines the terminal has; nothing where none shows the output.
pub(in crate::cli) fn screen_lines() -> Option<u64> {
    let size = on_terminal().then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten()?;
    (size.ws_row > 0).then_some(u64::from(size.ws_row))
}

/// Where an answer goes: to stdout, or through a pager.
pub(in crate::cli) enum PagedOutput {
    /// As it is.
    Plain(Stdout),
    /// What the person reads it with.
    Pager(Child),
}

impl PagedOutput {
    /// Through `PAGER`, else `less`; as it is where that cannot be started, or if `PAGER` is `cat` or empty.
    pub(in crate::cli) fn through_pager() -> PagedOutput {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        if matches!(pager.trim(), "" | "cat") {
            return PagedOutput::Plain(stdout());
        }
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("exec {pager}")).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            // Colours as they are, no paging of what is short after all, the screen left as it is.
            command.env("LESS", "FRX");
        }
        match command.spawn() {
            // Ctrl-C is for the pager, which has the terminal; without it this ends by itself.
            Ok(child) => {
                let is_heard = Arc::new(AtomicBool::new(false));
                drop(signal_hook::flag::register(SIGINT, is_heard));
                PagedOutput::Pager(child)
            }
            Err(_) => PagedOutput::Plain(stdout()),
        }
    }

    /// The end of the answer: what is read with a pager is read before anything else is said.
    ///
    /// # Errors
    /// Those of stdout. That the person left the pager early is none.
    pub(in crate::cli) fn end(self) -> io::Result<()> {
        match self {
            PagedOutput::Plain(mut out) => out.flush(),
            PagedOutput::Pager(mut child) => {
                drop(child.stdin.take());
                child.wait().map(drop)
            }
        }
    }
}

impl Write for PagedOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            PagedOutput::Plain(out) => out.write(bytes),
            PagedOutput::Pager(child) => match &mut child.stdin {
                // Who leaves early has seen enough.
                Some(stdin) => stdin.write(bytes).or_else(|error| match error.kind() {
                    io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                    _ => Err(error),
                }),
                None => Ok(bytes.len()),
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            PagedOutput::Plain(out) => out.flush(),
            PagedOutput::Pager(_) => Ok(()),
        }
    }
}
