//! What is wrong with an nginx.conf, where, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;

/// Where a word stands. Lines and columns count from 1, columns in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfPlace {
    /// The file, as nginx.conf or its includes name it.
    pub path: Arc<Path>,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl ConfPlace {
    /// A mistake here.
    pub(crate) fn wrong(&self, reason: impl Into<String>, remedy: impl Into<String>) -> ConfError {
        ConfError {
            path: self.path.to_path_buf(),
            line: self.line,
            column: self.column,
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for ConfPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// A configuration that nginx would not take, or that cannot be understood without guessing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in bytes.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}; {}", self.path.display(), self.line, self.column, self.reason, self.remedy)
    }
}

impl std::error::Error for ConfError {}

impl From<ConfError> for Error {
    fn from(error: ConfError) -> Error {
        Error::usage(error.reason).at_line(error.path, error.line, error.column).remedy(error.remedy)
    }
}
