//! What `status` gives: one document for programs, and for people its tables.
//!
//! ```text
//! {"schema":1,"verdict":"ok"|"wrong"|"missing","summary":"..","wrong":[..],"since":"..","missing":[..],"notes":[..],
//!  "store":{..},"writer":{..},"logs":[{..}],"carbons":[{..}]}
//! ```
//!
//! Times are ISO 8601 in UTC; null is what is not known, or does not apply.

use serde::Serialize;

use super::json::SCHEMA;
use super::number;
use super::rows::{Heading, ReportRow};

/// How all of it is; the last that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusVerdict {
    /// All is well.
    Ok,
    /// Something does not work now.
    Wrong,
    /// Something was lost, or cannot be read.
    Missing,
}

impl StatusVerdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            StatusVerdict::Ok => "ok",
            StatusVerdict::Wrong => "wrong",
            StatusVerdict::Missing => "missing",
        }
    }
}

/// Where the store is and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreStatus {
    /// Its folder.
    pub path: String,
    /// What its files take on the disk; null if that cannot be seen.
    pub bytes: Option<u64>,
    /// How many routes it knows.
    pub routes: usize,
    /// The first slot that it has of any.
    pub first_slot: Option<String>,
    /// The last one.
    pub last_slot: Option<String>,
    /// What lay before this is no longer whole ([retention]).
    pub expired_before: Option<String>,
}

/// Who writes to it, and how far that is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WriterStatus {
    /// Whether a process does; null if that cannot be told.
    pub running: Option<bool>,
    /// Which.
    pub pid: Option<u32>,
    /// When something was committed last.
    pub last_commit: Option<String>,
    /// Everything written to the logs before this was read; null before that was so for the first time.
    pub read_until: Option<String>,
    /// How long ago that is.
    pub lag_seconds: Option<f64>,
}

/// What is done with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FollowState {
    /// It is followed.
    #[default]
    Followed,
    /// It cannot be read at present.
    Unread,
    /// The configuration names it no more.
    Unconfigured,
}

/// A log that is not finished: one that is still written, as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FollowedLogRow {
    /// The file.
    pub path: String,
    /// The `path` of its `[[log]]`, or what nginx.conf names.
    pub log: String,
    /// What is done with it.
    pub state: FollowState,
    /// Why it is not read.
    pub why: Option<String>,
    /// Everything before this byte was read and is in the store.
    pub position_bytes: u64,
    /// How long the file is now; null if that cannot be seen, or it is another file by now.
    pub size_bytes: Option<u64>,
    /// What is still to be read of it.
    pub behind_bytes: Option<u64>,
    /// Lines that were read.
    pub lines: u64,
    /// Those of them that are no requests: not in the log's format, or over the length bound.
    pub rejected: u64,
    /// Lines that came after their slot's lateness.
    pub late: u64,
    /// Bytes that were never read: lost to truncation, or out of reach. Since it was begun, not in the window alone.
    pub lost_bytes: u64,
}

impl ReportRow for FollowedLogRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::text("log"),
            Heading::text("state").yielding(3),
            Heading::number("read"),
            Heading::number("behind"),
            Heading::number("lines").yielding(2),
            Heading::number("rejected").yielding(1),
            Heading::number("lost"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let state = match self.state {
            FollowState::Followed => "followed",
            FollowState::Unread => "not read",
            FollowState::Unconfigured => "not configured",
        };
        vec![
            self.path.clone(),
            state.to_owned(),
            number::bytes(self.position_bytes),
            self.behind_bytes.map_or_else(|| "-".to_owned(), number::bytes),
            number::count(self.lines),
            number::count(self.rejected),
            number::bytes(self.lost_bytes),
        ]
    }
}

/// What a carbon is owed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct OwedCarbonRow {
    /// Its address; with ` (past)` behind it, what `index --push` left.
    pub address: String,
    /// How many slots it is owed.
    pub owed_slots: usize,
    /// The beginning of the oldest of them.
    pub oldest_owed: Option<String>,
    /// All slots before this were sent, but for those that are owed.
    pub sent_until: Option<String>,
    /// Slots that were given up, over the limit of the spool.
    pub dropped_slots: u64,
}

impl ReportRow for OwedCarbonRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::text("carbon"),
            Heading::number("slots owed"),
            Heading::text("oldest owed"),
            Heading::text("sent until").yielding(1),
            Heading::number("given up"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let dash = || "-".to_owned();
        vec![
            self.address.clone(),
            number::count(self.owed_slots as u64),
            self.oldest_owed.clone().unwrap_or_else(dash),
            self.sent_until.clone().unwrap_or_else(dash),
            number::count(self.dropped_slots),
        ]
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusDocument {
    schema: u64,
    /// How all of it is.
    pub verdict: StatusVerdict,
    /// The same in one line.
    pub summary: String,
    /// What does not work now, one each.
    pub wrong: Vec<String>,
    /// From when on what is missing was looked for.
    pub since: Option<String>,
    /// What was lost since then, or cannot be read.
    pub missing: Vec<String>,
    /// What is no lack and yet worth knowing.
    pub notes: Vec<String>,
    /// The store.
    pub store: StoreStatus,
    /// Who writes to it.
    pub writer: WriterStatus,
    /// The logs that are not finished.
    pub logs: Vec<FollowedLogRow>,
    /// The carbons that it has an account of.
    pub carbons: Vec<OwedCarbonRow>,
}

impl StatusDocument {
    /// One without a verdict: [`judge`](StatusDocument::judge) gives it.
    pub fn new(store: StoreStatus, writer: WriterStatus) -> StatusDocument {
        StatusDocument {
            schema: SCHEMA,
            verdict: StatusVerdict::Ok,
            summary: String::new(),
            wrong: Vec::new(),
            since: None,
            missing: Vec::new(),
            notes: Vec::new(),
            store,
            writer,
            logs: Vec::new(),
            carbons: Vec::new(),
        }
    }

    /// What all that is known comes to: what is missing weighs more than what is wrong.
    #[must_use]
    pub fn judge(mut self, if_well: String) -> StatusDocument {
        let first = self.missing.first().or(self.wrong.first()).cloned();
        self.verdict = match (self.missing.is_empty(), self.wrong.is_empty()) {
            (false, _) => StatusVerdict::Missing,
            (true, false) => StatusVerdict::Wrong,
            (true, true) => StatusVerdict::Ok,
        };
        let more = (self.missing.len() + self.wrong.len()).saturating_sub(1);
        self.summary = match first {
            None => if_well,
            Some(first) if more == 0 => first,
            Some(first) => format!("{first} (and {more} more, below)"),
        };
        self
    }
}
