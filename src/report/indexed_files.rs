//! A file that `index FILE` was given, and what came of it.
//!
//! ```text
//! {"file":"access.log.2.gz","result":"taken in","lines":120000,"rejected":3,"bytes":23456789}
//! ```

use serde::Serialize;

use super::number;
use super::rows::{Heading, ReportRow};

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct IndexedFileRow {
    /// The file as it was named.
    pub file: String,
    /// What came of it, in words: `taken in`, `known`, ..
    pub result: String,
    /// Lines that were read of it now.
    pub lines: u64,
    /// Those of them that are no requests.
    pub rejected: u64,
    /// Bytes that were read of it now, uncompressed.
    pub bytes: u64,
}

impl ReportRow for IndexedFileRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::text("file"),
            Heading::text("result"),
            Heading::number("lines"),
            Heading::number("rejected"),
            Heading::number("bytes"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.file.clone(),
            self.result.clone(),
            number::count(self.lines),
            number::count(self.rejected),
            number::bytes(self.bytes),
        ]
    }
}
