//! The view that those who ask at the same time share.
//!
//! Opening one reads manifest and journal. So it is opened at most once a second, by one while others wait for it, and not at all
//! while the store's files are as they were. When nobody has asked for a while it is dropped: it holds the journal in memory and
//! removed segments on disk.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::route_counts::RouteCounts;
use crate::error::{Error, Result};
use crate::http::settings::Site;
use crate::store::View;

/// A view that is younger than this is used as it is.
const FRESH: Duration = Duration::from_secs(1);

/// One that nobody asked for so long is dropped.
const UNUSED: Duration = Duration::from_secs(60);

/// A journal that ends in half a record is looked at again after this.
const JUST_WRITING: Duration = Duration::from_millis(100);

/// So often.
const LOOKS: usize = 5;

/// The store that a server serves.
pub(in crate::http) struct SharedStore {
    site: Site,
    pub(super) route_counts: RouteCounts,
    held: Mutex<Option<HeldView>>,
}

struct HeldView {
    view: Arc<View>,
    /// When it was known to be the newest.
    checked: Instant,
    used: Instant,
    files: u64,
}

impl SharedStore {
    pub(in crate::http) fn new(site: Site) -> SharedStore {
        SharedStore { site, route_counts: RouteCounts::default(), held: Mutex::new(None) }
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    /// The store as of a second ago at most.
    pub(super) fn view(&self) -> Result<Arc<View>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(held) = held.as_mut() {
            held.used = now;
            if now.duration_since(held.checked) < FRESH {
                return Ok(Arc::clone(&held.view));
            }
        }
        let files = hash_of_files(&self.site.store);
        if let Some(held) = held.as_mut()
            && held.files == files
            && files != 0
        {
            held.checked = now;
            return Ok(Arc::clone(&held.view));
        }
        let view = Arc::new(open_whole(&self.site)?);
        *held = Some(HeldView { view: Arc::clone(&view), checked: now, used: now, files });
        Ok(view)
    }

    /// Drop a view that nobody asked for lately.
    pub(in crate::http) fn forget_unused(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| held.used.elapsed() > UNUSED) {
            *held = None;
        }
    }
}

/// The store, to read; one whose journal's end is just being written is looked at again.
fn open_whole(site: &Site) -> Result<View> {
    let store = &site.store;
    if !store.exists() {
        return Err(Error::failed("there is no store here yet").at(store).remedy("`spikeline run` makes it"));
    }
    let mut view = View::open(store)?;
    for _ in 0..LOOKS {
        if view.torn_bytes() == 0 || view.has_writer() == Some(false) {
            break;
        }
        std::thread::sleep(JUST_WRITING);
        view = View::open(store)?;
    }
    // An answer that lacks a damaged block is better than none; it says so.
    view.skip_damaged(true);
    view.set_rotated(site.rotated.clone());
    if let Some(expected) = &site.expected {
        view.expect_logs(expected.clone());
    }
    Ok(view)
}

/// A hash of the names, sizes and times of the store's files; 0 if they cannot be listed. A folder of them is cheap to list beside
/// reading a journal.
fn hash_of_files(store: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(store) else { return 0 };
    let mut files: Vec<Vec<u8>> = Vec::new();
    for entry in entries.flatten() {
        let Ok(status) = entry.metadata() else { continue };
        let mut file = entry.file_name().into_encoded_bytes();
        for number in [status.ino(), status.size(), status.mtime().cast_unsigned(), status.mtime_nsec().cast_unsigned()]
        {
            file.extend_from_slice(&number.to_le_bytes());
        }
        files.push(file);
    }
    files.sort_unstable();
    xxhash_rust::xxh3::xxh3_64(&files.concat()) | 1
}
