//! `why` asked while a screen goes on: another process of this program, which can be let be.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};

use crate::cli::answer::output::{COLUMNS, style};
use crate::error::{Error, Result};
use crate::report::shell_word;
use crate::time::Window;

/// Of an answer so much is shown.
const MOST_BYTES: u64 = 1 << 20;

/// An answer that is being worked on.
pub(super) struct AskedWhy {
    child: Child,
    /// What it says: a file, so that it never waits for a reader.
    out: File,
    /// What was asked, as it is typed.
    typed: String,
}

impl AskedWhy {
    /// Asks.
    pub(super) fn ask(options: &[OsString], window: Window, routes: &[String], zone: Option<&str>) -> Result<AskedWhy> {
        let fail = |error: std::io::Error| Error::failed(format!("ask why: {error}"));
        let out = tempfile::tempfile().map_err(fail)?;
        let mut words: Vec<OsString> = vec!["why".into()];
        words.extend([
            "--from".into(),
            window.from.to_string().into(),
            "--until".into(),
            window.until.to_string().into(),
        ]);
        words.extend(routes.iter().map(|route| OsString::from(format!("--route={route}"))));
        words.extend(zone.map(|zone| OsString::from(format!("--tz={zone}"))));
        words.extend(options.iter().cloned());
        let typed: Vec<String> = words.iter().map(|word| shell_word(&word.to_string_lossy())).collect();
        let width = style().width.unwrap_or(80).to_string();
        let child = Command::new(std::env::current_exe().map_err(fail)?)
            .args(&words)
            .env(COLUMNS, width)
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(fail)?)
            .stderr(out.try_clone().map_err(fail)?)
            .spawn()
            .map_err(fail)?;
        Ok(AskedWhy { child, out, typed: format!("spikeline {}", typed.join(" ")) })
    }

    /// What it said, once it is done.
    pub(super) fn answer(&mut self) -> Option<Vec<String>> {
        self.child.try_wait().ok()??;
        let mut bytes = Vec::new();
        let read = self.out.rewind().and_then(|()| (&mut self.out).take(MOST_BYTES).read_to_end(&mut bytes));
        let mut lines = vec![format!("$ {}", self.typed)];
        match read {
            Ok(_) => lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned)),
            Err(error) => lines.push(format!("its answer cannot be read: {error}")),
        }
        Some(lines)
    }
}

impl Drop for AskedWhy {
    /// Nobody waits for it any more.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
