//! The end of the journal that commits are appended to.
//!
//! A write that failed is cut off again; after a sync that failed the file is given up, since the kernel may show bytes that
//! no later sync brings to the disk.

use crate::source::generation::GenerationId;
use crate::store::disk::medium::{WritableFile, write_all};
use std::io;

/// The journal being written.
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
