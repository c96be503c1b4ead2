//! A finding of the doctor (`check`) as programs get it.
//!
//! ```text
//! {"level":"wrong","what":"..","remedy":".."|null,"detail":["..",..]}
//! ```
//!
//! `--format json` puts them into one object, `{"schema":1,"findings":[..]}`; jsonl is one object a line. Whatever a log or a
//! configuration says in them is made harmless for a terminal already when the finding is made.

use serde::Serialize;

use super::json::SCHEMA;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it is fine.
    pub level: FindingLevel,
    /// What was found, on one line.
    pub what: String,
    /// What to do about it; null if nothing needs to be done, or nobody can say.
    pub remedy: Option<String>,
    /// Lines that belong to it: the places, samples, counts.
    pub detail: Vec<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingLevel {
    /// All is well.
    Ok,
    /// Worth knowing.
    Note,
    /// Something does not work, or will not.
    Wrong,
}

/// All findings as one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingsDocument {
    schema: u64,
    findings: Vec<Finding>,
}

impl FindingsDocument {
    /// The document that holds these.
    pub fn new(findings: Vec<Finding>) -> FindingsDocument {
        FindingsDocument { schema: SCHEMA, findings }
    }
}
