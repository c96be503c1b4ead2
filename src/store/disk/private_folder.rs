//! A store's folder as a writer opens it: who could tamper with it, and who may read it.
//!
//! A store holds what the logs hold, lines and addresses, so it is as private as they are: 0640 in folders of 0750, unless the
//! configuration opens it. One that was made when that was otherwise is brought to it, which is said.

use crate::error::{Error, Result};
use crate::store::disk::access::StoreAccess;
use crate::store::disk::damage::MOUNT_WRITABLE;
use crate::store::disk::disk_medium::{DiskMedium, make_all};
use crate::store::disk::folder::{Folder, Ownership, give};
use crate::store::disk::layout::{self, LOCK, MANIFEST, MANIFEST_TEMPORARY, POINTS, SEGMENTS};
use crate::store::disk::lock::StoreLock;
use rustix::fs::OFlags;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The bit that lets all users write.
const ALL_WRITE: u32 = 0o002;

/// The bit that lets nobody remove what belongs to others.
const STICKY: u32 = 0o1000;

/// A store's folder as a writer has it: it exists, it is nobody else's, and the lock is held.
pub(crate) struct OpenedFolder {
    pub(crate) medium: DiskMedium,
    /// What its owner should know of it.
    pub(crate) warnings: Vec<Error>,
}

/// Make the store's folder, or look at the one there is; take the lock, and bring files and folders to `access`.
///
/// # Errors
/// Refused if others may write in it, if it is another user's who may have put it there, or if another writer has it.
pub(crate) fn open_to_write(dir: &Path, access: &StoreAccess) -> Result<OpenedFolder> {
    let failed = |error: io::Error| Error::io("make the store's folder", dir, &error);
    let is_new = !dir.is_dir();
    make_all(dir).map_err(|error| match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => failed(error).remedy(MOUNT_WRITABLE),
        _ => failed(error),
    })?;
    let mut warnings = strangers_above(dir)?;
    let folder = Folder::open(dir).map_err(failed)?;
    let held = folder.handle().metadata().map_err(failed)?;
    let is_own = is_new || holds_nothing_else(&folder);
    if held.mode() & ALL_WRITE != 0 && (held.mode() & STICKY != 0 || !is_own) {
        return Err(Error::refused("all users may make files in the store's folder, and remove or replace its own")
            .at(dir)
            .remedy("make a folder of its own in it, and name that (`store`, or --store); or chmod 0750 it, if it is for the store alone"));
    }
    let group = access.group.unwrap_or(held.gid());
    let files = Ownership { user: held.uid(), group, mode: access.file_mode() };
    let folders = Ownership { mode: access.folder_mode(), ..files };
    let lock_file = Ownership { mode: access.file_mode() & 0o660, ..files };
    let lock = StoreLock::acquire(dir, &folder, lock_file)?;
    if let Some(warning) = bring_to(dir, &folder, &held, is_own, &StoreOwnership { files, folders }) {
        warnings.extend(Some(warning).filter(|_| !is_new));
    }
    Ok(OpenedFolder { medium: DiskMedium::with_lock(dir, folder, lock, files, folders), warnings })
}

/// The folders above a store in which all users may make files. In one that is not sticky anyone could put another store in
/// the place of this one, which is said. In one that is, anyone could have before this one was made.
///
/// # Errors
/// Refused if what is there is neither this user's nor root's.
fn strangers_above(dir: &Path) -> Result<Vec<Error>> {
    let mut warnings: Vec<Error> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    let whole = [std::path::absolute(dir), std::fs::canonicalize(dir)];
    for part in whole.iter().flatten().flat_map(|path| path.ancestors()) {
        let Some(above) = part.parent().filter(|_| !seen.iter().any(|known| known == part)) else { continue };
        seen.push(part.to_owned());
        let (Ok(holds), Ok(held)) = (std::fs::metadata(above), std::fs::symlink_metadata(part)) else { continue };
        if holds.mode() & ALL_WRITE == 0 {
            continue;
        }
        if ![0, rustix::process::geteuid().as_raw()].contains(&held.uid()) {
            return Err(stranger(part, above, &held));
        }
        if holds.mode() & STICKY == 0 {
            warnings.push(
                Error::failed(format!(
                    "all users may write in {}: anyone can remove the store, or put another in its place",
                    above.display()
                ))
                .at(dir)
                .remedy(format!("chmod o-w {}, or name another folder (`store`, or --store)", above.display())),
            );
        }
    }
    Ok(warnings)
}

fn stranger(part: &Path, above: &Path, held: &Metadata) -> Error {
    Error::refused(format!(
        "it belongs to another user (number {}), and all users may make files in {}: anyone could have put it there",
        held.uid(),
        above.display()
    ))
    .at(part)
    .remedy("name a folder in which only this user may make files (`store`, or --store)")
}

/// Whether a folder has nothing in it but a store's files: then it is the store's, and its mode too.
fn holds_nothing_else(folder: &Folder) -> bool {
    let is_known = |name: &String| {
        [LOCK, MANIFEST, MANIFEST_TEMPORARY, SEGMENTS, POINTS, "lost+found"].contains(&name.as_str())
            || name.starts_with(layout::JOURNAL)
    };
    folder.list().is_ok_and(|names| names.iter().all(is_known))
}

/// To whom a store's files and folders are to belong.
struct StoreOwnership {
    files: Ownership,
    folders: Ownership,
}

/// Give the store's folder (if it is the store's alone), its files and subfolders to whom they are to belong. What is to be said of it.
fn bring_to(dir: &Path, folder: &Folder, held: &Metadata, is_own: bool, own: &StoreOwnership) -> Option<Error> {
    let StoreOwnership { files, folders } = *own;
    let mut before = 0;
    if is_own && Ownership::from(held) != folders && give(folder.handle(), folders).is_ok() {
        before |= held.mode() & 0o066;
    }
    let files_of = |name: &str| name == MANIFEST || name.starts_with(layout::JOURNAL);
    before |= bring_files(folder, files, files_of);
    for name in [SEGMENTS, POINTS] {
        let Ok(subfolder) = folder.subfolder(name) else { continue };
        before |= bring_one(subfolder.handle(), folders);
        before |= bring_files(&subfolder, files, |_| true);
    }
    let opened = before & 0o066 & !(files.mode & 0o066);
    (opened != 0).then(|| {
        Error::failed(format!(
            "it was open to more users; its files are {:04o} from now on, its folders {:04o}",
            files.mode, folders.mode
        ))
        .at(dir)
        .remedy("`mode` and `group` of [store] open it to whom you like")
    })
}

/// The same for the files of a folder: which bits of their modes they had before.
fn bring_files(folder: &Folder, own: Ownership, is_file_of_store: impl Fn(&str) -> bool) -> u32 {
    let mut before = 0;
    for name in folder.list().unwrap_or_default() {
        if is_file_of_store(&name)
            && let Ok(file) = folder.file(&name, OFlags::RDONLY)
        {
            before |= bring_one(&file, own);
        }
    }
    before
}

/// The same for one file: the bits of the mode that it had, if it was changed.
fn bring_one(file: &File, own: Ownership) -> u32 {
    let Ok(held) = file.metadata() else { return 0 };
    if Ownership::from(&held) != own && give(file, own).is_ok() { held.mode() & 0o066 } else { 0 }
}
