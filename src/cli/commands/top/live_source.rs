//! Where `top` reads from: the store, or files, which are taken into a store of their own and followed as they grow.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::say_error;
use crate::cli::args::TopArguments;
use crate::cli::input::context::{Context, NamedFiles};
use crate::cli::input::past_files::PastFiles;
use crate::cli::input::past_reading::{store_to_write, take_in};
use crate::cli::input::scratch_folder::EndingSignal;
use crate::cli::input::settings::interpreting;
use crate::daemon::{DaemonSettings, Log, Notice, Say, Severity, Stepwise};
use crate::error::{Error, Result};
use crate::source::BLOCK_LIMIT;
use crate::store::{Commit, Retention, StoreAccess, View};
use crate::time::{Clock, SystemClock};

/// Following gives way to keys after this.
const AT_ONCE: Duration = Duration::from_millis(200);

/// So many complaints of following are kept.
const MOST_COMPLAINTS: usize = 20;

/// What is read.
pub(super) struct LiveSource {
    /// That of the command, or of the folder that files were taken into.
    pub(super) context: Context,
    /// What of the files could not be read.
    missing: Vec<String>,
    followed: Option<FollowedFiles>,
}

/// Files that are followed into a store that goes with this process.
struct FollowedFiles {
    daemon: Stepwise,
    complaints: Arc<Mutex<Vec<String>>>,
    /// Removes their folder, at the end or when the signal comes.
    ending: EndingSignal,
}

impl LiveSource {
    /// The store, or the files that are named.
    pub(super) fn open(context: &Context, arguments: &TopArguments) -> Result<LiveSource> {
        if arguments.files.files.is_empty() {
            let own = context.named().again();
            // That there is none is said now, and not on a screen.
            drop(own.view()?);
            return Ok(LiveSource { context: own, missing: Vec::new(), followed: None });
        }
        let ending = EndingSignal::wait()?;
        let store = ending.folder("spikeline-top-")?.join("store");
        let own = Context::new(context.config_path().map(Path::to_owned), Some(store.clone()));
        let past = PastFiles::open(&own, &arguments.files.files, &arguments.files.format)?;
        let mut missing: Vec<String> = past.failed.iter().map(missing_for).collect();
        past.failed.iter().for_each(say_error);
        if past.files.is_empty() {
            return Err(Error::failed("none of the files can be read").remedy("`spikeline check FILE` says why"));
        }
        let logs = logs_that_grow(&past);
        let begun = SystemClock.now();
        let mut writer = store_to_write(&own)?;
        let taken = take_in(&own, past, &mut writer, &mut [])?;
        for failed in taken.files.iter().filter_map(|outcome| outcome.failed.as_ref()) {
            say_error(failed);
            missing.push(missing_for(failed));
        }
        // Up to then all was read, so that what stands beside the files is none of theirs.
        writer.commit(&mut Commit { at: begun, read_until: Some(begun), ..Commit::default() })?;
        drop(writer);
        let complaints: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&complaints);
        // On a screen nobody reads stderr.
        let say: Say = Arc::new(move |notice: &Notice| {
            if notice.severity() == Severity::Error
                && let Ok(mut heard) = heard.lock()
                && heard.len() < MOST_COMPLAINTS
            {
                heard.push(notice.to_string());
            }
        });
        let daemon = Stepwise::open(settings_of(&own, store, logs)?, Arc::new(SystemClock), &say, BLOCK_LIMIT)?;
        let followed = FollowedFiles { daemon, complaints, ending };
        Ok(LiveSource { context: own, missing, followed: Some(followed) })
    }

    /// From now on a signal ends nothing: it makes this true, if it is heard here.
    pub(super) fn heeded(&self) -> Arc<AtomicBool> {
        self.followed.as_ref().map(|followed| followed.ending.heeded()).unwrap_or_default()
    }

    /// The store as of now.
    pub(super) fn view(&self) -> Result<View> {
        self.context.view()
    }

    /// What names the configuration and the store.
    pub(super) fn named(&self) -> NamedFiles {
        self.context.named()
    }

    /// What could not be read of files.
    pub(super) fn missing(&self) -> Vec<String> {
        let mut missing = self.missing.clone();
        if let Some(followed) = &self.followed
            && let Ok(complaints) = followed.complaints.lock()
        {
            missing.extend(complaints.iter().cloned());
        }
        missing
    }

    /// Reads what the files grew by, for a moment.
    pub(super) fn follow(&mut self) {
        let Some(FollowedFiles { daemon, .. }) = &mut self.followed else { return };
        let begun = Instant::now();
        loop {
            let is_all = daemon.look(|_| {});
            daemon.count(usize::MAX);
            daemon.hand_on();
            daemon.keep(usize::MAX);
            daemon.attend();
            if is_all || begun.elapsed() > AT_ONCE {
                return;
            }
        }
    }

    /// The options with which a command reads the same.
    pub(super) fn options(&self) -> Vec<OsString> {
        let named = [("--config", self.context.config_path()), ("--store", self.context.store_path())];
        let mut words = Vec::new();
        for (option, path) in named {
            if let Some(path) = path {
                words.extend([OsString::from(option), path.as_os_str().to_owned()]);
            }
        }
        words
    }
}

/// The logs that are files as they are written, not packed: what may grow. A key that is no path names one of two formats of a log.
fn logs_that_grow(past: &PastFiles) -> Vec<Log> {
    let mut logs: Vec<Log> = Vec::new();
    for file in &past.files {
        if let Some(format) = past.formats.get(&file.key)
            && Path::new(&file.key).is_file()
            && logs.iter().all(|log| log.pattern != file.key)
        {
            logs.push(Log { pattern: file.key.clone(), format: (**format).clone() });
        }
    }
    logs
}

fn settings_of(context: &Context, store: PathBuf, logs: Vec<Log>) -> Result<DaemonSettings> {
    let config = context.config()?;
    Ok(DaemonSettings {
        formats: None,
        receiving: Default::default(),
        store,
        interval: config.interval,
        lateness: config.lateness,
        poll: config.poll,
        max_line: config.max_line,
        routes_max: config.routes_max as usize,
        threshold_ms: config.slow.threshold_ms(),
        slowest: config.slow.slowest,
        server_errors: config.slow.server_errors,
        archived: Vec::new(),
        rotated: HashMap::new(),
        retention: Retention::default(),
        access: StoreAccess::default(),
        router: interpreting(context)?.router,
        own_totals: Arc::default(),
        destinations: Vec::new(),
        #[cfg(feature = "otlp")]
        otlp: Vec::new(),
        logs,
    })
}
