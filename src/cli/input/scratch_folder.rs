//! A folder for the index of files that are named, which goes with this process: also where a signal ends it early.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tempfile::TempDir;

use crate::error::{Error, Result};

/// The signals that end a process.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// A folder that is written into while it is removed is tried so often, with a pause.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(5);

/// What was about to make the store in it when a signal came makes the folder again: it has to be gone for so many looks.
const GONE_AT_SIGNAL: u32 = 4;

/// Waits for the signal that ends this process. Until that is heeded elsewhere the first one removes the folder, and does
/// what it does by itself.
pub(in crate::cli) struct EndingSignal {
    held: Arc<HeldFolder>,
    waiting: Option<JoinHandle<()>>,
}

/// The folder, and what has become of the signals.
#[derive(Default)]
struct HeldFolder {
    folder: Mutex<Option<TempDir>>,
    is_heeded: AtomicBool,
    /// A signal came that is heeded elsewhere.
    came: Arc<AtomicBool>,
}

impl HeldFolder {
    /// Removes it, until it is gone at so many looks. Whoever comes second waits until the first is done.
    fn remove(&self, looks: u32) {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = folder.as_ref().map(|folder| folder.path().to_owned()) else { return };
        drop(folder.take());
        // Another thread may still write into it.
        let mut gone = 0;
        for _ in 0..TRIES {
            gone = if path.exists() { 0 } else { gone + 1 };
            if gone >= looks {
                return;
            }
            std::thread::sleep(PAUSE);
            drop(std::fs::remove_dir_all(&path));
        }
    }
}

impl EndingSignal {
    /// Waits from now on.
    ///
    /// # Errors
    /// Signals cannot be had.
    pub(in crate::cli) fn wait() -> Result<EndingSignal> {
        let mut signals = Signals::new(ENDING).map_err(|error| Error::failed(format!("signals: {error}")))?;
        let held = Arc::new(HeldFolder::default());
        let of_thread = Arc::clone(&held);
        let waiting = std::thread::spawn(move || {
            let Some(signal) = signals.forever().next() else { return };
            if of_thread.is_heeded.load(Ordering::SeqCst) {
                return of_thread.came.store(true, Ordering::SeqCst);
            }
            of_thread.remove(GONE_AT_SIGNAL);
            drop(emulate_default_handler(signal));
        });
        Ok(EndingSignal { held, waiting: Some(waiting) })
    }

    /// Makes the folder, to be removed at the end, in the folder for temporary files; where it is.
    ///
    /// # Errors
    /// It cannot be made.
    pub(in crate::cli) fn folder(&self, prefix: &str) -> Result<PathBuf> {
        // A signal that comes meanwhile removes it too.
        let mut held = self.held.folder.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::with_prefix(prefix)
            .map_err(|error| Error::io("make a folder for the index of the files", std::env::temp_dir(), &error))?;
        let path = folder.path().to_owned();
        *held = Some(folder);
        Ok(path)
    }

    /// From now on a signal ends nothing: it makes this true.
    pub(in crate::cli) fn heeded(&self) -> Arc<AtomicBool> {
        self.held.is_heeded.store(true, Ordering::SeqCst);
        Arc::clone(&self.held.came)
    }

    /// Returns when the signal comes.
    pub(in crate::cli) fn heed(mut self) {
        let _came = self.heeded();
        if let Some(waiting) = self.waiting.take() {
            let _joined = waiting.join();
        }
    }
}

impl Drop for EndingSignal {
    /// The waiting thread may go on.
    fn drop(&mut self) {
        self.held.remove(1);
    }
}
