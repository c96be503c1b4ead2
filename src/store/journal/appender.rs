//! The end of the journal that commits are appended to.
//!
//! A write that failed is cut off again; after a sync that failed the file is given up, since the kernel may show bytes that
//! no later sync brings to the disk.

use crate::source::generation::GenerationId;
use crate::store::disk::medium::{WritableFile, write_all};
use std::io;

/// The journal being written.
///
/// Invariant: while `file` is there, it is `good` bytes long and they are whole records, up to number `sequence`.
pub(crate) struct JournalAppender {
    /// `None` if it must not be written to any more.
    file: Option<Box<dyn WritableFile>>,
    /// Bytes of the journal's checkpoint, and with its good records.
    head: u64,
    good: u64,
    /// Of the last good record.
    sequence: u64,
    /// How far the logs were read when the journal began.
    began: Vec<(GenerationId, u64)>,
}

impl JournalAppender {
    /// A journal whose checkpoint ends at `head` and whose last good record, number `sequence`, ends at `good`.
    pub(crate) fn new(
        file: Option<Box<dyn WritableFile>>,
        head: u64,
        good: u64,
        sequence: u64,
        began: Vec<(GenerationId, u64)>,
    ) -> JournalAppender {
        JournalAppender { file, head, good, sequence, began }
    }

    /// Whether it may still be written to.
    pub(crate) fn is_usable(&self) -> bool {
        self.file.is_some()
    }

    /// Write to it no more.
    pub(crate) fn abandon(&mut self) {
        self.file = None;
    }

    /// The number of the last good record.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How far the logs were read when the journal began.
    pub(crate) fn began(&self) -> &[(GenerationId, u64)] {
        &self.began
    }

    /// Bytes of the commits in it.
    pub(crate) fn committed_bytes(&self) -> u64 {
        self.good.saturating_sub(self.head)
    }

    /// Write the record of the next sequence behind the good ones, and sync it. What a failure leaves is cut off, or the
    /// journal is given up.
    ///
    /// # Errors
    /// If it cannot be written, synced, or was given up before.
    pub(crate) fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let Some(mut file) = self.file.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        let written = write_all(file.as_mut(), record);
        let synced = if written.is_ok() { file.sync() } else { Ok(()) };
        let failed = written.is_err() || synced.is_err();
        // After a failed sync cutting only spares readers what will not count; the file is given up all the same.
        let cut = !failed || file.truncate(self.good).is_ok();
        self.file = Some(file).filter(|_| cut && synced.is_ok());
        written.and(synced)?;
        self.good += u64::try_from(record.len()).unwrap_or(0);
        self.sequence = self.sequence.wrapping_add(1);
        Ok(())
    }

    /// Go on in another journal, of which `head` bytes are its checkpoint; the logs are read up to `began`.
    pub(crate) fn continue_in(&mut self, file: Box<dyn WritableFile>, head: u64, began: Vec<(GenerationId, u64)>) {
        (self.file, self.head, self.good, self.began) = (Some(file), head, head, began);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A file in memory of which a write or a sync fails on demand; a failing write leaves half of its bytes.
    #[derive(Debug, Clone, Default)]
    struct FailingFile {
        bytes: Arc<Mutex<Vec<u8>>>,
        fails_to_write: bool,
        fails_to_sync: bool,
        fails_to_truncate: bool,
    }

    impl WritableFile for FailingFile {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut held = self.bytes.lock().unwrap();
            if self.fails_to_write && held.len() % 2 == 1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let some = if self.fails_to_write { 1 } else { bytes.len() };
            held.extend_from_slice(&bytes[..some]);
            Ok(some)
        }

        fn sync(&mut self) -> io::Result<()> {
            if self.fails_to_sync { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
        }

        fn truncate(&mut self, length: u64) -> io::Result<()> {
            if self.fails_to_truncate {
                return Err(io::ErrorKind::Other.into());
            }
            self.bytes.lock().unwrap().truncate(usize::try_from(length).unwrap());
            Ok(())
        }
    }

    fn journal_on(file: &FailingFile) -> JournalAppender {
        file.bytes.lock().unwrap().extend_from_slice(b"head");
        JournalAppender::new(Some(Box::new(file.clone())), 4, 4, 7, Vec::new())
    }

    #[test]
    fn a_record_that_was_written_counts() {
        let file = FailingFile::default();
        let mut journal = journal_on(&file);
        journal.append(b"one").unwrap();
        assert_eq!((journal.committed_bytes(), journal.sequence(), journal.is_usable()), (3, 8, true));
        assert_eq!(*file.bytes.lock().unwrap(), b"headone");
    }

    #[test]
    fn half_a_record_is_cut_off_and_the_journal_goes_on() {
        let file = FailingFile { fails_to_write: true, ..FailingFile::default() };
        let mut journal = journal_on(&file);
        journal.append(b"one").unwrap_err();
        assert_eq!((journal.committed_bytes(), journal.sequence(), journal.is_usable()), (0, 7, true));
        assert_eq!(*file.bytes.lock().unwrap(), b"head");
    }

    #[test]
    fn after_a_failed_sync_or_cut_nothing_is_written_any_more() {
        for file in [
            FailingFile { fails_to_sync: true, ..FailingFile::default() },
            FailingFile { fails_to_write: true, fails_to_truncate: true, ..FailingFile::default() },
        ] {
            let mut journal = journal_on(&file);
            journal.append(b"one").unwrap_err();
            assert_eq!((journal.committed_bytes(), journal.sequence(), journal.is_usable()), (0, 7, false));
            assert_eq!(journal.append(b"two").unwrap_err().kind(), io::ErrorKind::NotConnected);
        }
    }
}
