//! Messages about files that are not what they should be.

use crate::error::{Error, Result};
use crate::store::disk::folder::is_no_file;
use crate::store::disk::layout::SEGMENTS;
use crate::store::disk::lock::is_lock_lost;
use crate::store::disk::medium::Medium;
use std::io;

/// What to do about a damaged segment.
const REBUILD: &str = "check the disk; stop the daemon, then `spikeline index --rebuild` restores it from the logs";

/// What to do about the files without which a store cannot be opened.
const ANEW: &str = "check the disk; put the file back from a copy, or move the store's folder away: the daemon then begins \
    anew with the present logs, and `spikeline index` takes in the rotated ones";

/// What to do about a disk that is mounted read-only.
pub(crate) const MOUNT_WRITABLE: &str = "mount it writable, or name another folder with --store";

/// What to do once the store is not the writer's any more.
const BEGIN_ANEW: &str = "restart spikeline, which begins anew with the present logs, or put the folder back before; \
    `spikeline index` takes in rotated ones";

/// What to do about what is in a file's place.
const REMOVE_LINK: &str = "see who put it there, and remove it; or name another folder with --store";

/// `name` is not what FORMAT.md says, at `offset`.
pub(crate) fn file_damaged(medium: &dyn Medium, name: &str, offset: u64, what: &str) -> Error {
    let is_segment = name.starts_with(SEGMENTS);
    Error::failed(format!("damaged at byte {offset}: {what}")).at(medium.root().join(name)).remedy(if is_segment {
        REBUILD
    } else {
        ANEW
    })
}

/// An operation on `name` failed.
pub(crate) fn operation_failed(medium: &dyn Medium, doing: &str, name: &str, error: &io::Error) -> Error {
    if is_lock_lost(error) {
        return Error::lost(format!("cannot write to the store: {error}")).at(medium.root()).remedy(BEGIN_ANEW);
    }
    let described = Error::io(doing, medium.root().join(name), error);
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => described.remedy(MOUNT_WRITABLE),
        _ if is_no_file(error) => described.remedy(REMOVE_LINK),
        _ => described,
    }
}

/// An operation of the disk that says, if it fails, what was being done to which file of the store.
pub(crate) trait FileOperation<T> {
    /// [`operation_failed`] of its error: `doing` is a verb and its object ("read the journal").
    fn or_failed(self, medium: &dyn Medium, doing: &str, name: &str) -> Result<T>;
}

impl<T> FileOperation<T> for io::Result<T> {
    fn or_failed(self, medium: &dyn Medium, doing: &str, name: &str) -> Result<T> {
        self.map_err(|error| operation_failed(medium, doing, name, &error))
    }
}

/// `name` was written by a newer program, which may have left its name and version.
pub(crate) fn newer_version(medium: &dyn Medium, name: &str, version: u32, known: u32, writer: Option<&str>) -> Error {
    let program = match writer.filter(|writer| is_program(writer)) {
        Some(writer) => format!("{writer}, which wrote it, or a newer one"),
        None => "the newer spikeline that wrote it".to_owned(),
    };
    Error::refused(format!("this is version {version} of the store's format; this program knows up to {known}"))
        .at(medium.root().join(name))
        .remedy(format!(
            "read it with {program} (this is spikeline {}), or name another folder with --store; nothing was changed",
            env!("CARGO_PKG_VERSION")
        ))
}

/// Whether a text of an unknown version looks like a program's name and version.
fn is_program(text: &str) -> bool {
    text.starts_with("spikeline ")
        && text.len() < 64
        && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// `name` was written before the format was released.
pub(crate) fn older_version(medium: &dyn Medium, name: &str, version: u32) -> Error {
    Error::refused(format!("this is version {version} of the store's format, from before it was released"))
        .at(medium.root().join(name))
        .remedy(
            "move the folder away, or name another with --store, and take the logs in anew with `spikeline index`; nothing was changed",
        )
}
