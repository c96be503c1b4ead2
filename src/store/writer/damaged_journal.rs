//! A journal that lost commits: what is left of it is kept, what it held is missing, and both are one with the journal that goes on.
//!
//! The damaged journal is copied aside before the next one is named by a manifest, so that no crash leaves neither. The next one has
//! a record that says what is missing, so that no answer is complete until it was read again ([`Writer::withdraw_restored`]).

use crate::error::{Error, Result};
use crate::source::generation::Generation;
use crate::source::{UnreadCause, UnreadSpan};
use crate::store::commit::Commit;
use crate::store::disk::damage::FileOperation;
use crate::store::disk::layout::{self, DAMAGED};
use crate::store::disk::medium::{Medium, write_file};
use crate::store::journal::lost_records::{LostRecords, find_lost};
use crate::store::journal::record;
use crate::store::journal::record::JournalReplay;
use crate::store::query::view::View;
use crate::store::writer::Writer;
use crate::time::Timestamp;

/// What a failed call was to do.
const KEEPING: &str = "keep the damaged journal";

/// What to do about it.
const WHY: &str = "`spikeline index --rebuild`, with the daemon stopped, reads again the logs that it was made of";

/// If committed records of a journal are lost, keep its bytes aside and note in `replay` what is missing: the record that
/// does so in the journal that goes on. Empty if nothing is lost.
///
/// # Errors
/// If the bytes cannot be kept: then the store stays as it is.
pub(super) fn note_damage(
    medium: &dyn Medium,
    name: &str,
    bytes: &[u8],
    replay: &mut JournalReplay,
) -> Result<Vec<u8>> {
    let Some(lost) = find_lost(bytes, replay) else { return Ok(Vec::new()) };
    let aside = format!("{name}{DAMAGED}");
    write_file(medium, &aside, bytes).or_failed(medium, KEEPING, &aside)?;
    medium.sync_folder("").or_failed(medium, KEEPING, &aside)?;
    let number = replay.state.spans_unread.keys().next_back().map_or(0, |last| last.saturating_add(1));
    let span = UnreadSpan {
        number,
        log: String::new(),
        path: medium.root().join(&aside),
        device_inode: None,
        generation: None,
        from: Timestamp(i64::MIN),
        until: Some(lost.until.plus_millis(1)),
        cause: UnreadCause::Damaged,
        why: WHY.to_owned(),
        is_withdrawn: false,
    };
    let at = replay.state.last_commit.unwrap_or(lost.until);
    let commit = Commit { at, spans: vec![span], ..Commit::default() };
    let sequence = replay.sequence.wrapping_add(1);
    let Some((bytes, payload)) = record::commit_record(sequence, &commit) else {
        return Err(Error::failed("a commit of more than 1 GiB").at(medium.root()));
    };
    replay.state.apply_commit(&commit, &payload.cells);
    replay.memtable.apply_commit(commit, payload);
    replay.sequence = sequence;
    Ok(bytes)
}

impl Writer {
    /// What was lost with damaged journals, by the number of the span that says so. None if what is left of one cannot be read.
    pub fn lost_records(&self) -> Vec<(u32, Option<LostRecords>)> {
        let mut lost = Vec::new();
        for span in self.view.unread_spans().filter(|span| span.cause == UnreadCause::Damaged) {
            lost.push((span.number, read_aside(self.manifest.medium(), span)));
        }
        lost
    }

    /// Withdraw what is said to be missing of damaged journals whose logs were all read again as far as they were.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn withdraw_restored(&mut self) -> Result<()> {
        let mut spans = Vec::new();
        for (number, lost) in self.lost_records() {
            let Some(lost) = lost.filter(|lost| lost.is_all) else { continue };
            if lost.logs.iter().all(|log| is_read_again(&self.view, log)) {
                let span = self.view.unread_spans().find(|span| span.number == number);
                spans.extend(span.map(|span| UnreadSpan { is_withdrawn: true, ..span.clone() }));
            }
        }
        if spans.is_empty() {
            return Ok(());
        }
        let at = self.view.last_commit().unwrap_or_default();
        self.commit(&mut Commit { at, spans, ..Commit::default() })
    }
}

/// Whether a log that was read to a position is read to there, under whatever number.
pub(super) fn is_read_again(view: &View, lost: &Generation) -> bool {
    let is_it = |known: &&Generation| known.fingerprint == lost.fingerprint || known.path == lost.path;
    view.generations().iter().filter(is_it).any(|known| known.position >= lost.position)
}

/// What a damaged journal that was kept says of what is lost.
fn read_aside(medium: &dyn Medium, span: &UnreadSpan) -> Option<LostRecords> {
    let name = span.path.file_name()?.to_str()?;
    let number = layout::journal_number(name.strip_suffix(DAMAGED)?)?;
    let bytes = medium.read(name).ok()?;
    find_lost(&bytes, &record::replay_journal(&bytes, number).ok()?)
}
