//! nginx.conf while the daemon runs: what it says of the followed logs' formats when its files were changed.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::conf_files::{ConfFilesOnDisk, ConfStamp};
use super::nginx::NginxSetup;
use crate::cli::config::LogSection;
use crate::daemon::{FormatNews, FormatWatch, Log};
use crate::error::Result;

/// A configuration of nginx that is looked at again.
struct ConfWatch {
    path: PathBuf,
    named: bool,
    /// What our own configuration says of logs: those are not nginx's to tell.
    sections: Vec<LogSection>,
    /// The patterns that were followed.
    patterns: Vec<String>,
    stamps: Mutex<Vec<ConfStamp>>,
}

/// Looks at the files of `setup` again, whenever it is called.
pub(super) fn watch_formats(setup: &NginxSetup, sections: &[LogSection]) -> FormatWatch {
    let followed = setup.followed(sections).logs;
    let watch = ConfWatch {
        path: setup.path.clone(),
        named: setup.named,
        sections: sections.to_vec(),
        patterns: followed.into_iter().map(|log| log.pattern).collect(),
        stamps: Mutex::new(setup.stamps.clone()),
    };
    Arc::new(move || watch.look())
}

impl ConfWatch {
    /// What it says now; nothing if no file of it was changed.
    fn look(&self) -> Option<Result<FormatNews>> {
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if stamps.iter().all(ConfStamp::holds) {
            return None;
        }
        let files = ConfFilesOnDisk::default();
        let read = NginxSetup::read_by(&self.path, self.named, &files);
        // What cannot be read is said once, and read again when it was changed again.
        *stamps = files.stamps();
        Some(read.map(|setup| self.news(&setup)))
    }

    fn news(&self, setup: &NginxSetup) -> FormatNews {
        let mut formats = HashMap::new();
        for Log { pattern, format } in setup.followed(&self.sections).logs {
            if self.patterns.contains(&pattern) {
                formats.insert(pattern, format);
            }
        }
        let mut left = self.patterns.clone();
        left.retain(|pattern| !formats.contains_key(pattern));
        FormatNews { formats, left }
    }
}
