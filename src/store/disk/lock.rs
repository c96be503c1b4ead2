//! One writer per store: the file `LOCK`, held with flock(2) for as long as the writer lives.
//!
//! The kernel lets go of the lock when the process ends, however it ends; the pid in the file is only for messages.
//!
//! flock(2) and not a pid file: a pid can belong to another process by the time it is read, and a crash leaves it
//! behind. Readers take no lock; they only look, by asking for a shared one.
//!
//! Whoever may open the file may lock it, and so keep a writer from starting: nobody but the store's user and group may.
//!
//! A lock says who writes *this* file, not who writes at its path. If the folder is moved away or removed, another writer
//! finds no lock there and makes a store anew. So a writer looks before each write whether the file that it holds is still the one
//! at the path ([`StoreLock::require`]).

use crate::error::{Error, Result};
use crate::store::disk::folder::{Folder, Ownership, give, is_no_file, is_same_file};
use crate::store::disk::layout::LOCK;
use rustix::fs::OFlags;
use std::fmt;
use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

/// So often a writer tries again: for some 30 ms.
const TRIES: usize = 100_000;

/// Whether a writer holds the lock of the store in `dir`; None if that cannot be told. It is taken, shared, for an instant.
pub(crate) fn is_held(dir: &Path) -> Option<bool> {
    match Folder::open(dir).ok()?.file(LOCK, OFlags::RDONLY).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// The process that holds the lock of the store in `dir`, as it wrote down itself; None if that cannot be read.
pub(crate) fn holder(dir: &Path) -> Option<u32> {
    read_pid(&mut Folder::open(dir).ok()?.file(LOCK, OFlags::RDONLY).ok()?)
}

/// The number in the lock's file.
fn read_pid(file: &mut File) -> Option<u32> {
    let mut pid = String::new();
    let _unreadable = file.read_to_string(&mut pid);
    pid.trim().parse().ok()
}

/// The writer's lock is not the one at the store's path any more: it must never write there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LockLost;

impl fmt::Display for LockLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it was removed while it was in use, or moved, or replaced")
    }
}

impl std::error::Error for LockLost {}

/// Whether an operation was refused because the lock is lost.
pub(crate) fn is_lock_lost(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<LockLost>())
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreLock {
    /// Locked for as long as it is open.
    held: File,
    /// What `held` is.
    identity: Metadata,
    path: PathBuf,
}

impl StoreLock {
    /// Take the lock of the store in `dir`, which is open as `folder`; its file is given to `own`.
    ///
    /// # Errors
    /// Refused, with the holder's pid, if another writer has it.
    pub(crate) fn acquire(dir: &Path, folder: &Folder, own: Ownership) -> Result<StoreLock> {
        let path = dir.join(LOCK);
        let failed = |error: &io::Error| lock_failed(&path, error);
        let mut file = open_lock(folder, own).map_err(|error| failed(&error))?;
        let mut tries = 0..TRIES;
        let locked = loop {
            match file.try_lock() {
                // Perhaps only a reader, see `is_held`: it is done in some microseconds.
                Err(TryLockError::WouldBlock) if tries.next().is_some() => std::hint::spin_loop(),
                locked => break locked,
            }
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held_by_another(dir, file)),
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // A full disk must not keep a writer from starting: the pid serves messages only.
        let _written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        let identity = file.metadata().map_err(|error| failed(&error))?;
        let lock = StoreLock { held: file, identity, path };
        // Another may have removed the store between opening and locking.
        lock.require().map_err(|error| lock_failed(&lock.path, &error))?;
        Ok(lock)
    }

    /// Succeeds while the lock that is held is the one at the store's path.
    ///
    /// # Errors
    /// [`LockLost`] if it is not; or what kept this from being seen.
    pub(crate) fn require(&self) -> io::Result<()> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) if is_same_file(&found, &self.identity) => Ok(()),
            Ok(_) => Err(io::Error::other(LockLost)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(io::Error::other(LockLost))
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for StoreLock {
    /// Said in so many words, since closing the file would do if no child process had inherited it.
    fn drop(&mut self) {
        let _closed_anyway = self.held.unlock();
    }
}

/// The file of the lock, which is made if there is none.
fn open_lock(folder: &Folder, own: Ownership) -> io::Result<File> {
    let opened = match folder.file(LOCK, OFlags::RDWR) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match folder.create_file(LOCK) {
            Ok(_) => folder.file(LOCK, OFlags::RDWR),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder.file(LOCK, OFlags::RDWR),
            Err(error) => Err(error),
        },
        opened => opened,
    }?;
    let _left_as_it_is = give(&opened, own);
    Ok(opened)
}

fn lock_failed(path: &Path, error: &io::Error) -> Error {
    let described = Error::io("lock the store", path, error);
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => described.remedy("mount it writable, or name another folder with --store"),
        _ if is_no_file(error) => {
            described.remedy("see who put it there, and remove it; or name another folder with --store")
        }
        _ => described,
    }
}

fn held_by_another(dir: &Path, mut file: File) -> Error {
    let pid = read_pid(&mut file).map_or("unknown".to_owned(), |pid| pid.to_string());
    Error::held(format!("another spikeline (pid {pid}) is writing to this store"))
        .at(dir)
        .remedy("stop it first, or give this one a store of its own; readers need no lock")
}
