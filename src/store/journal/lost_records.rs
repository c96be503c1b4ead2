//! What a damaged journal says of the records that do not count: those behind the first damaged one.
//!
//! A journal that a crash tore ends in one record that is not whole, which nobody was told was committed. If a whole record of a later
//! sequence follows, the one before it was committed, and what it held is lost: that is damage, and must not be forgotten
//! when the journal is cut there. What the later records say of the logs tells which of them are to be read again.

use crate::source::generation::{Generation, GenerationId};
use crate::store::commit::{Commit, CommitPayload};
use crate::store::journal::record::{JournalReplay, next_commit};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What is known of commits that a damaged journal held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRecords {
    /// When the last of them that can be read was made.
    pub until: Timestamp,
    /// The logs that were read on in them, each as far as it was read.
    pub logs: Vec<Generation>,
    /// Whether no other log can have been in them: behind all damage stands a record that names all logs.
    pub is_all: bool,
}

/// The records behind `replay`, which is of `bytes`; `None` if nothing that was committed is lost.
pub(crate) fn find_lost(bytes: &[u8], replay: &JournalReplay) -> Option<LostRecords> {
    let mut at = usize::try_from(replay.good).ok()?;
    let mut logs: BTreeMap<GenerationId, Generation> = BTreeMap::new();
    let (mut until, mut is_all, mut is_whole) = (None, false, false);
    // The first record behind the good ones is the broken one: what was committed stands behind it.
    let mut least = replay.sequence.wrapping_add(2);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match next_commit(rest, replay.version, least) {
            Some((sequence, (commit, payload), length)) => {
                is_all = (is_all && is_whole) || names_all_logs(&commit, &payload);
                until = until.max(Some(commit.at));
                logs.extend(commit.generations.into_iter().map(|generation| (generation.id, generation)));
                (at, least, is_whole) = (at + length, sequence.wrapping_add(1), true);
            }
            None => (at, is_all, is_whole) = (at + 1, false, false),
        }
    }
    let read_on = |own: &Generation| {
        let known = replay.state.generations.iter().find(|known| known.id == own.id);
        known.is_none_or(|known| known.fingerprint != own.fingerprint || known.position < own.position)
    };
    Some(LostRecords { until: until?, logs: logs.into_values().filter(read_on).collect(), is_all })
}

/// Whether a record is one that a writer ends with: nothing but all logs there are.
fn names_all_logs(commit: &Commit, payload: &CommitPayload) -> bool {
    let numbers = (0..).zip(&commit.generations);
    payload.cells.cells.is_empty()
        && commit.entries.is_empty()
        && commit.ledgers.is_empty()
        && numbers.into_iter().all(|(number, generation)| generation.id == GenerationId(number))
        && !commit.generations.is_empty()
}
