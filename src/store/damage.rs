//! Messages about files that are not what they should be.

use super::medium::Medium;
use crate::error::Error;
use std::io;

/// `name` is not what FORMAT.md says, at `offset`.
pub(crate) fn damaged(medium: &dyn Medium, name: &str, offset: u64, what: &str) -> Error {
    Error::failed(format!("damaged at byte {offset}: {what}"))
        .at(medium.root().join(name))
        .remedy("check the disk; move the file away and take its logs in again with `spikeline index`")
}

/// An operation on `name` failed.
pub(crate) fn failed(medium: &dyn Medium, doing: &str, name: &str, error: &io::Error) -> Error {
    let described = Error::io(doing, medium.root().join(name), error);
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => described.remedy("mount it writable, or name another folder with --store"),
        _ => described,
    }
}

/// `name` was written by a newer program.
pub(crate) fn newer(medium: &dyn Medium, name: &str, version: u32, known: u32) -> Error {
    Error::refused(format!("this is version {version} of the store's format; this program knows up to {known}"))
        .at(medium.root().join(name))
        .remedy("use the newer spikeline that wrote it, or name another folder with --store; nothing was changed")
}

/// `name` was written before the format was released.
pub(crate) fn older(medium: &dyn Medium, name: &str, version: u32) -> Error {
    Error::refused(format!("this is version {version} of the store's format, from before it was released"))
        .at(medium.root().join(name))
        .remedy("move the folder away, or name another with --store, and take the logs in anew; nothing was changed")
}
