//! The logs that are not finished, with how far each was read.

use std::os::unix::fs::MetadataExt;

use crate::report::{FollowState, FollowedLogRow};
use crate::source::{Generation, UnreadSpan};
use crate::store::View;

/// Those that the store knows and those that cannot be read, by path. `configured`: the patterns of the configuration, if known.
pub(super) fn rows(view: &View, configured: Option<&[String]>) -> Vec<FollowedLogRow> {
    let lasting: Vec<&UnreadSpan> = view.unread_spans().filter(|span| span.is_lasting()).collect();
    let mut rows = Vec::new();
    for generation in view.generations() {
        // Lines that were read again are in another log's file.
        if generation.finished || view.again_of(generation.id).is_some() {
            continue;
        }
        let span = lasting.iter().find(|span| span.generation == Some(generation.id) || span.path == generation.path);
        let mut row = row_of(view, generation);
        row.why = span.map(|span| span.why.clone());
        row.state = match (span.is_some(), configured) {
            (_, Some(patterns)) if !patterns.contains(&generation.log) => FollowState::Unconfigured,
            (true, _) => FollowState::Unread,
            (false, _) => FollowState::Followed,
        };
        rows.push(row);
    }
    for span in lasting {
        if rows.iter().all(|row: &FollowedLogRow| row.path != span.path.display().to_string()) {
            rows.push(row_of_unread(span));
        }
    }
    rows.sort_by(|one, other| one.path.cmp(&other.path));
    rows
}

fn row_of(view: &View, generation: &Generation) -> FollowedLogRow {
    let ledger = view.ledger(generation.id).cloned().unwrap_or_default();
    let size = size_of(generation);
    FollowedLogRow {
        path: generation.path.display().to_string(),
        log: generation.log.clone(),
        state: FollowState::Followed,
        why: None,
        position_bytes: generation.position,
        size_bytes: size,
        behind_bytes: size.and_then(|size| size.checked_sub(generation.position)),
        lines: ledger.lines,
        rejected: ledger.rejected.values().sum::<u64>() + ledger.too_long,
        late: ledger.late,
        lost_bytes: ledger.unread + ledger.lost_to_truncation,
    }
}

/// How long its file is; nothing where that cannot be seen, or where the path leads to another file by now.
fn size_of(generation: &Generation) -> Option<u64> {
    let status = std::fs::metadata(&generation.path).ok()?;
    let is_same = status.dev() == generation.device_inode.device && status.ino() == generation.device_inode.inode;
    is_same.then_some(status.len())
}

fn row_of_unread(span: &UnreadSpan) -> FollowedLogRow {
    FollowedLogRow {
        path: span.path.display().to_string(),
        log: span.log.clone(),
        state: FollowState::Unread,
        why: Some(span.why.clone()),
        ..FollowedLogRow::default()
    }
}
