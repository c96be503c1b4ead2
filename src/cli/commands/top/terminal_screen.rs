//! The terminal as `top` has it: its own screen, keys one by one. It is given back as it was, however this ends.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::error::{Error, Result};
use crate::screen::TopKey;

/// A terminal in use.
pub(super) struct TerminalScreen {
    pub(super) terminal: DefaultTerminal,
    /// A signal that ends this came.
    ended: Arc<AtomicBool>,
}

/// What a terminal says.
pub(super) enum TerminalWord {
    /// A key.
    Key(TopKey),
    /// Esc and a letter, which come as one where they come at once.
    BackAnd(TopKey),
    /// It is another size.
    Resized,
    /// Stop for now (Ctrl-Z).
    Suspend,
    /// The end: Ctrl-C, a signal, or a terminal that went away.
    End,
    /// Nothing for so long.
    Nothing,
}

impl TerminalScreen {
    /// Takes the terminal. A panic gives it back before it says anything (`ratatui::try_init`).
    /// `ended` is true where a signal came already.
    pub(super) fn open(ended: Arc<AtomicBool>) -> Result<TerminalScreen> {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&ended))
                .map_err(|error| Error::failed(format!("signals: {error}")))?;
        }
        Ok(TerminalScreen { terminal: take_terminal()?, ended })
    }

    /// What is said next, within so long.
    pub(super) fn listen(&self, patience: Duration) -> TerminalWord {
        if !is_there_within(patience) {
            return TerminalWord::End;
        }
        match event::poll(Duration::ZERO) {
            _ if self.ended.load(Ordering::SeqCst) => TerminalWord::End,
            Ok(false) => TerminalWord::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => TerminalWord::Nothing,
            Err(_) => TerminalWord::End,
            Ok(true) => match event::read() {
                Ok(Event::Key(key)) => word_of(key),
                Ok(Event::Resize(..)) => TerminalWord::Resized,
                Ok(_) => TerminalWord::Nothing,
                Err(_) => TerminalWord::End,
            },
        }
    }

    /// Gives the terminal back, stops, and takes it again when this goes on.
    pub(super) fn suspend(&mut self) -> Result<()> {
        ratatui::restore();
        kill_process(getpid(), Signal::TSTP).map_err(|error| Error::failed(format!("stop: {error}")))?;
        self.terminal = take_terminal()?;
        Ok(())
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Waits for a key, a signal or so long; whether the terminal is there still. crossterm would read from one that went away for ever.
fn is_there_within(patience: Duration) -> bool {
    if !io::stdin().is_terminal() {
        return event::poll(patience).is_ok();
    }
    // Keys that came together wait within crossterm.
    is_there_for(Duration::ZERO) && (event::poll(Duration::ZERO).unwrap_or(true) || is_there_for(patience))
}

/// The same of the terminal itself.
fn is_there_for(patience: Duration) -> bool {
    let input = io::stdin();
    let mut input = [PollFd::new(&input, PollFlags::IN)];
    let patience = Timespec::try_from(patience).ok();
    match poll(&mut input, patience.as_ref()) {
        Ok(_) => input.iter().all(|input| !input.revents().intersects(PollFlags::HUP | PollFlags::ERR)),
        Err(error) => error == Errno::INTR,
    }
}

fn take_terminal() -> Result<DefaultTerminal> {
    ratatui::try_init().map_err(|error| {
        Error::io("take the terminal", "stdout", &error).remedy("`spikeline top | cat` prints the same as rows")
    })
}

fn word_of(key: KeyEvent) -> TerminalWord {
    if key.kind == KeyEventKind::Release {
        return TerminalWord::Nothing;
    }
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    TerminalWord::Key(match key.code {
        KeyCode::Char('c') if with_control => return TerminalWord::End,
        KeyCode::Char('z') if with_control => return TerminalWord::Suspend,
        KeyCode::Char('d') if with_control => TopKey::PageDown,
        KeyCode::Char('u') if with_control => TopKey::PageUp,
        KeyCode::Char(_) if with_control => return TerminalWord::Nothing,
        KeyCode::Char(letter) if key.modifiers.contains(KeyModifiers::ALT) => {
            return TerminalWord::BackAnd(TopKey::Letter(letter));
        }
        KeyCode::Char(letter) => TopKey::Letter(letter),
        KeyCode::Up => TopKey::Up,
        KeyCode::Down => TopKey::Down,
        KeyCode::PageUp => TopKey::PageUp,
        KeyCode::PageDown => TopKey::PageDown,
        KeyCode::Home => TopKey::Home,
        KeyCode::End => TopKey::End,
        KeyCode::Enter | KeyCode::Right => TopKey::Enter,
        KeyCode::Esc | KeyCode::Left => TopKey::Back,
        KeyCode::Backspace => TopKey::Erase,
        _ => return TerminalWord::Nothing,
    })
}
