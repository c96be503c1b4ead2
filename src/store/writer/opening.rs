//! Opening a store to write: made anew, or taken up where the last process left it.

use super::damaged_journal::note_damage;
use super::leftovers::remove_leftovers;
use super::sealing::journal_head;
use crate::error::{Error, Result};
use crate::store::disk::damage::{FileOperation, operation_failed};
use crate::store::disk::layout;
use crate::store::disk::medium::{Medium, WritableFile, write_file};
use crate::store::disk::private_folder;
use crate::store::disk::private_folder::OpenedFolder;
use crate::store::journal::appender::JournalAppender;
use crate::store::journal::record;
use crate::store::journal::record::JournalReplay;
use crate::store::journal::state::StoreState;
use crate::store::manifest::in_force::ManifestInForce;
use crate::store::manifest::{Expired, Manifest, ManifestFailure};
use crate::store::query::view::{View, lost_manifest, replay_named};
use crate::store::settings::StoreSettings;
use crate::store::upkeep::maintenance::Maintenance;
use crate::store::writer::Writer;
use std::path::Path;
use std::sync::Arc;

/// What a failed call was to do.
const MAKING_FOLDER: &str = "make the store's folder";

impl Writer {
    /// Open the store in `dir`, or make one: take the lock, cut the torn tail, replay the journal, remove leftovers.
    ///
    /// # Errors
    /// Refused if another writer has it, it is of a newer version or another interval, or its manifest is lost;
    /// failed if the folder cannot be written or the store is damaged.
    pub fn open(dir: &Path, settings: StoreSettings) -> Result<Writer> {
        let OpenedFolder { medium, warnings } = private_folder::open_to_write(dir, &settings.access)?;
        let mut writer = Writer::open_on(Arc::new(medium), settings)?;
        writer.warnings = warnings;
        Ok(writer)
    }

    /// [`Writer::open`] on another medium, without a lock.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_on(medium: Arc<dyn Medium>, settings: StoreSettings) -> Result<Writer> {
        medium.make_folder(layout::SEGMENTS).or_failed(medium.as_ref(), MAKING_FOLDER, layout::SEGMENTS)?;
        // Only a cache lives there, and without the folder there is none.
        let _no_cache = medium.make_folder(layout::POINTS);
        match Manifest::load(medium.as_ref())? {
            None => Writer::create_store(medium, settings),
            Some(manifest) => Writer::reopen_store(medium, manifest, settings),
        }
    }

    /// Make a store where there is none: its first journal, then its manifest. A folder that holds segments or commits
    /// has lost its manifest, and is refused.
    fn create_store(medium: Arc<dyn Medium>, settings: StoreSettings) -> Result<Writer> {
        let segments = medium.list(layout::SEGMENTS);
        let segments = segments.or_failed(medium.as_ref(), "list the segments", layout::SEGMENTS)?;
        let mut has_content = segments.iter().any(|name| name.ends_with(".seg"));
        for name in medium.list("").or_failed(medium.as_ref(), "list the journals", "")? {
            has_content |= has_commits(medium.as_ref(), &name)?;
        }
        if has_content {
            return Err(lost_manifest(medium.as_ref()));
        }
        let expired = Expired::default();
        let manifest = Manifest { settings, journal: 1, next: 2, segments: Vec::new(), expired };
        let head = journal_head(medium.as_ref(), 1, 0, &StoreState::default(), &[])?;
        let name = layout::journal_file(1);
        write_file(medium.as_ref(), &name, &head).or_failed(medium.as_ref(), "write the journal", &name)?;
        medium.sync_folder("").or_failed(medium.as_ref(), "write the journal", &name)?;
        manifest.store(medium.as_ref()).map_err(ManifestFailure::into_error)?;
        Writer::reopen_store(medium, manifest.clone(), manifest.settings)
    }

    /// Take a store up. Nobody knows what failed for the process before, so its commits are copied into another
    /// journal.
    fn reopen_store(medium: Arc<dyn Medium>, mut manifest: Manifest, settings: StoreSettings) -> Result<Writer> {
        if manifest.settings.interval != settings.interval {
            return Err(Error::refused(format!(
                "this store was made with an interval of {:?}, not {:?}",
                manifest.settings.interval, settings.interval
            ))
            .at(medium.root())
            .remedy("set the interval back, or name another folder with --store to start anew"));
        }
        let name = layout::journal_file(manifest.journal);
        let bytes = medium.read(&name).or_failed(medium.as_ref(), "read the journal", &name)?;
        let mut replay = replay_named(medium.as_ref(), &bytes, manifest.journal)?;
        let damage = note_damage(medium.as_ref(), &name, &bytes, &mut replay)?;
        let cut = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_sub(replay.good);
        let good = bytes.get(..usize::try_from(replay.good).unwrap_or(usize::MAX)).unwrap_or_default();
        let good = [good, &damage].concat();
        replay.good += u64::try_from(damage.len()).unwrap_or(0);
        let mut obsolete = Vec::new();
        let can_be_copied = replay.can_be_copied();
        let file = open_journal(medium.as_ref(), &mut manifest, &good, &replay, &mut obsolete)?;
        let journal = JournalAppender::new(file, replay.head, replay.good, replay.sequence, replay.began.clone());
        manifest.settings = settings;
        let manifest = ManifestInForce::begin(Arc::clone(&medium), manifest, obsolete);
        let view = View::new(medium, manifest.manifest(), replay);
        if manifest.is_settled() {
            remove_leftovers(manifest.medium(), manifest.manifest(), view.generations());
        }
        let mut writer = Writer {
            manifest,
            view,
            journal,
            maintenance: Maintenance::default(),
            cut,
            warnings: Vec::new(),
            is_concluded: true,
        };
        if !can_be_copied {
            // If that fails, the next commit tries it again before anything else, and says why not.
            let _as_it_was = writer.seal();
        }
        Ok(writer)
    }
}

/// The journal to go on with: the one that the manifest names while it has no commits, else a copy of its good records, which
/// it then names. None if the copy cannot be written just now: the next commit then seals all of it, and that is tried until
/// it succeeds. What is left behind is added to `obsolete`.
fn open_journal(
    medium: &dyn Medium,
    manifest: &mut Manifest,
    good: &[u8],
    replay: &JournalReplay,
    obsolete: &mut Vec<String>,
) -> Result<Option<Box<dyn WritableFile>>> {
    let name = layout::journal_file(manifest.journal);
    if replay.good == replay.head && replay.is_of_today() {
        // The head was synced before the manifest named it.
        return medium.append(&name, replay.good).map(Some).or_failed(medium, "open the journal", &name);
    }
    if !replay.can_be_copied() {
        // It goes into a segment.
        return Ok(None);
    }
    let number = manifest.next;
    manifest.next += 1;
    match copy_journal(medium, good, number) {
        Ok(journal) => {
            manifest.journal = number;
            obsolete.push(name);
            Ok(Some(journal))
        }
        Err(error) if cannot_write(&error) => Err(operation_failed(medium, "copy the journal", &name, &error)),
        Err(_) => {
            obsolete.push(layout::journal_file(number));
            Ok(None)
        }
    }
}

/// The good records of a journal, in a journal of another number: durable, and its name too.
fn copy_journal(medium: &dyn Medium, good: &[u8], number: u64) -> std::io::Result<Box<dyn WritableFile>> {
    let sink = write_file(medium, &layout::journal_file(number), &record::copy_with_number(good, number))?;
    medium.sync_folder("")?;
    Ok(sink)
}

/// Whether a file is a journal with commits in it. A crash while the store was made leaves its first journal, without any;
/// one of a later number was begun by a store that had a manifest.
fn has_commits(medium: &dyn Medium, name: &str) -> Result<bool> {
    let Some(number) = layout::journal_number(name) else { return Ok(false) };
    let bytes = medium.read(name).or_failed(medium, "read the journal", name)?;
    let replay = record::replay_journal(&bytes, number);
    Ok(number > 1 || matches!(replay, Ok(replay) if replay.good > replay.head))
}

/// Whether trying again is of no use before somebody does something about it.
fn cannot_write(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied)
}
