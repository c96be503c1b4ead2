//! The manifest in force: how another takes its place, and the files that no manifest names any more.
//!
//! Replacing a manifest may fail so that nobody knows which of the two a crash would leave (the rename was made, its folder
//! not synced). Then it is *unsettled*: files of both stay, and nothing is committed until one is known to be in force.

use crate::error::{Error, Result};
use crate::store::disk::medium::Medium;
use crate::store::manifest::{Manifest, ManifestFailure};
use std::sync::Arc;

/// A store's manifest, and what became of the files that it and those before it named.
///
/// While `unsettled`, the one in memory was renamed into place and its folder not synced: a crash may bring back the
/// one before. Files of both are kept then, and the writer commits nothing, for a commit to the new journal would be
/// lost.
pub(crate) struct ManifestInForce {
    medium: Arc<dyn Medium>,
    manifest: Manifest,
    /// The manifest in memory may not be the one that a crash leaves.
    unsettled: bool,
    /// Files to remove once the manifest is settled.
    obsolete: Vec<String>,
}

impl ManifestInForce {
    /// Store the manifest of a writer that begins. The last process may have died knowing that a crash could bring back the
    /// manifest before this one: if it cannot be written now, that is tried again before anything is committed.
    pub(crate) fn begin(medium: Arc<dyn Medium>, manifest: Manifest, obsolete: Vec<String>) -> ManifestInForce {
        let unsettled = manifest.store(medium.as_ref()).is_err();
        let mut in_force = ManifestInForce { medium, manifest, unsettled, obsolete };
        if !unsettled {
            in_force.remove_obsolete();
        }
        in_force
    }

    /// The manifest.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where its files are.
    pub(crate) fn medium(&self) -> &dyn Medium {
        self.medium.as_ref()
    }

    /// Whether it is known which manifest a crash would leave.
    pub(crate) fn is_settled(&self) -> bool {
        !self.unsettled
    }

    /// A number for a new file. None is given twice, even if writing the file fails: what the failed attempt left must not
    /// be mistaken for another's.
    pub(crate) fn new_number(&mut self) -> u64 {
        let number = self.manifest.next;
        self.manifest.next += 1;
        number
    }

    /// Put the manifest in force again if it is unknown whether it is.
    ///
    /// # Errors
    /// If it cannot be written; then it is as unknown as before.
    pub(crate) fn settle(&mut self) -> Result<()> {
        if self.unsettled {
            self.manifest.store(self.medium.as_ref()).map_err(ManifestFailure::into_error)?;
            self.unsettled = false;
            self.remove_obsolete();
        }
        Ok(())
    }

    /// Put `next` in force. What it no longer names is `obsolete`; if it cannot be, that is the error, and what was written
    /// for it is `leftovers`. If it is not known whether it is, it counts as in force, and the error comes back as a value,
    /// for [`ManifestInForce::finish`].
    pub(crate) fn replace(
        &mut self,
        next: Manifest,
        mut obsolete: Vec<String>,
        leftovers: Vec<String>,
    ) -> Result<Option<Error>> {
        let stored = next.store(self.medium.as_ref());
        if let Err(ManifestFailure::Before(error)) = stored {
            self.give_up(leftovers);
            return Err(error);
        }
        self.obsolete.append(&mut obsolete);
        self.manifest = next;
        Ok(match stored {
            Err(ManifestFailure::Unknown(error)) => Some(error),
            _ => None,
        })
    }

    /// What follows [`ManifestInForce::replace`] once memory is as the manifest says.
    pub(crate) fn finish(&mut self, stored: Option<Error>) -> Result<()> {
        if let Some(error) = stored {
            self.unsettled = true;
            return Err(error);
        }
        self.remove_obsolete();
        Ok(())
    }

    /// Put `next` in force, or keep the one there is. If it is not known which of them is, the old one stays in memory and is
    /// put in force again before anything else.
    pub(crate) fn replace_or_keep(&mut self, next: Manifest, leftovers: Vec<String>) -> Result<()> {
        match next.store(self.medium.as_ref()) {
            Err(ManifestFailure::Before(error)) => {
                self.give_up(leftovers);
                Err(error)
            }
            Err(ManifestFailure::Unknown(error)) => {
                self.unsettled = true;
                Err(error)
            }
            Ok(()) => {
                self.manifest = next;
                Ok(())
            }
        }
    }

    /// Remove what was written for a manifest that will not be.
    pub(crate) fn give_up(&mut self, mut leftovers: Vec<String>) {
        self.obsolete.append(&mut leftovers);
        self.remove_obsolete();
    }

    /// A file that cannot be removed is no harm: the next writer that opens the store removes it.
    fn remove_obsolete(&mut self) {
        for name in std::mem::take(&mut self.obsolete) {
            let _left_behind = self.medium.remove(&name);
        }
    }
}
