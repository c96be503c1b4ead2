//! The daemon's messages on stderr: with time and level, for journald, or as JSON; not more of one kind than anybody would read.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::rate_limit::RateLimit;
use crate::cli::args::MessageForm;
use crate::daemon::{Notice, Severity};
use crate::report::terminal_safe;
use crate::time::{Clock, SystemClock, Timestamp};

/// One message as JSON.
#[derive(Serialize)]
struct MessageObject<'m> {
    time: String,
    level: &'static str,
    kind: &'static str,
    message: &'m str,
}

/// Where they go.
pub(super) struct MessageLog {
    form: MessageForm,
    quiet: bool,
    limit: Mutex<RateLimit>,
}

impl MessageLog {
    /// `quiet`: only what needs attention.
    pub(super) fn new(form: MessageForm, quiet: bool) -> MessageLog {
        let form = match form {
            MessageForm::Auto if is_journal(std::env::var("JOURNAL_STREAM").ok().as_deref()) => MessageForm::Journal,
            MessageForm::Auto => MessageForm::Text,
            form => form,
        };
        MessageLog { form, quiet, limit: Mutex::default() }
    }

    /// Writes a message, unless there were too many of its kind.
    pub(super) fn write(&self, notice: &Notice) {
        if self.quiet && notice.severity() == Severity::Info {
            return;
        }
        if matches!(notice, Notice::Stopped(_)) {
            self.say_held_back(true);
        }
        if self.limit.lock().unwrap_or_else(PoisonError::into_inner).admit(notice.kind(), Instant::now()) {
            self.print(notice);
        }
    }

    /// Says how many were held back in the minutes that are over.
    pub(super) fn flush(&self) {
        self.say_held_back(false);
    }

    fn say_held_back(&self, is_last: bool) {
        let held = self.limit.lock().unwrap_or_else(PoisonError::into_inner).take_held_back(Instant::now(), is_last);
        for held in held {
            self.print(&Notice::HeldBack { kind: held.kind, count: held.count });
        }
    }

    /// That nobody listens is no failure.
    fn print(&self, notice: &Notice) {
        let text = render(self.form, notice, SystemClock.now());
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}

/// A message with its newline. What a terminal would obey is shown instead: names of files are made by others.
fn render(form: MessageForm, notice: &Notice, now: Timestamp) -> String {
    let (severity, words) = (notice.severity(), notice.to_string());
    if form == MessageForm::Json {
        let object =
            MessageObject { time: now.to_string(), level: severity.name(), kind: notice.kind(), message: &words };
        // Texts alone: nothing that could not be written.
        return serde_json::to_string(&object).unwrap_or_default() + "\n";
    }
    let mut text = String::new();
    for (number, line) in words.split('\n').enumerate() {
        let line: Cow<'_, str> = terminal_safe(line.as_bytes());
        let _infallible = match (form, number) {
            // Each line is an entry of its own there.
            (MessageForm::Journal, _) => writeln!(text, "<{}>{line}", severity.number()),
            (_, 0) => writeln!(text, "{now} {}: {line}", severity.name()),
            _ => writeln!(text, "{line}"),
        };
    }
    text
}

/// Whether stderr leads to journald: `JOURNAL_STREAM` is its device and inode, `DEVICE:INODE`.
fn is_journal(stream: Option<&str>) -> bool {
    let Some((device, inode)) = stream.and_then(|stream| stream.split_once(':')) else { return false };
    let Ok(status) = std::fs::metadata("/proc/self/fd/2") else { return false };
    device.parse() == Ok(status.dev()) && inode.parse() == Ok(status.ino())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn every_form_has_the_level_and_shows_what_a_terminal_would_obey() {
        let now = Timestamp::from_secs(1_322_661_900);
        let error = Error::failed("cannot open it").remedy("look");
        let notice = Notice::LogFailed { path: "/l/a\u{1b}[2J.log".into(), error };
        assert_eq!(
            render(MessageForm::Text, &notice, now),
            "2011-11-30T14:05:00.000Z warning: log /l/a\\x1B[2J.log: cannot open it\n  help: look\n"
        );
        assert_eq!(
            render(MessageForm::Journal, &notice, now),
            "<4>log /l/a\\x1B[2J.log: cannot open it\n<4>  help: look\n"
        );
        let json: serde_json::Value = serde_json::from_str(&render(MessageForm::Json, &notice, now)).unwrap();
        assert_eq!((json["level"].as_str(), json["kind"].as_str()), (Some("warning"), Some("log-failed")));
        assert_eq!(json["message"].as_str(), Some("log /l/a\u{1b}[2J.log: cannot open it\n  help: look"));
    }

    #[test]
    fn a_stream_of_another_device_or_a_torn_one_is_not_the_journal() {
        let status = std::fs::metadata("/proc/self/fd/2").unwrap();
        assert!(is_journal(Some(&format!("{}:{}", status.dev(), status.ino()))));
        for other in [None, Some(""), Some("7"), Some("8:x"), Some(&*format!("{}:{}", status.dev(), status.ino() + 1))]
        {
            assert!(!is_journal(other), "{other:?}");
        }
    }
}
