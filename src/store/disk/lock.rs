//! One writer per store: the file `LOCK`, held with flock(2) for as long as the writer lives.
//!
//! The kernel lets go of the lock when the process ends, however it ends; the pid in the file is only for messages.
//!
//! flock(2) and not a pid file: a pid can belong to another process by the time it is read, and a crash leaves it
//! behind. Readers take no lock; they only look, by asking for a shared one.

use crate::error::{Error, Result};
use crate::store::disk::layout::LOCK;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// So often a writer tries again: for some 30 ms.
const TRIES: usize = 100_000;

/// Whether a writer holds the lock of the store in `dir`; None if that cannot be told. It is taken, shared, for an instant.
pub(crate) fn is_held(dir: &Path) -> Option<bool> {
    match File::open(dir.join(LOCK)).ok()?.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _held: File,
}

impl StoreLock {
    /// Take the lock of the store in `dir`, which exists.
    ///
    /// # Errors
    /// Refused, with the holder's pid, if another writer has it.
    pub(crate) fn acquire(dir: &Path) -> Result<StoreLock> {
        let path = dir.join(LOCK);
        let failed = |error: &std::io::Error| {
            let described = Error::io("lock the store", &path, error);
            match error.kind() {
                std::io::ErrorKind::ReadOnlyFilesystem => {
                    described.remedy("mount it writable, or name another folder with --store")
                }
                _ => described,
            }
        };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| failed(&error))?;
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
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let _unreadable = file.read_to_string(&mut pid);
                let pid = pid.trim().parse::<u32>().map_or("unknown".to_owned(), |pid| pid.to_string());
                return Err(Error::held(format!("another spikeline (pid {pid}) is writing to this store"))
                    .at(dir)
                    .remedy("stop it first, or give this one a store of its own; readers need no lock"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        // A full disk must not keep a writer from starting: the pid serves messages only.
        let _written =
            file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(StoreLock { _held: file })
    }
}
