//! What the counting thread knows of logs that were not read, and what of that the next commit is to say.

use std::collections::{BTreeMap, BTreeSet};

use super::generation_book::GenerationBook;
use crate::pipeline::RowCollector;
use crate::source::UnreadSpan;
use crate::source::home_of;
use crate::time::Timestamp;

/// A line may be written this much after its request ended (nginx's `flush=`), in milliseconds: what could not be read may have begun
/// as much before.
const WRITTEN_LATE: i64 = 60_000;

/// As much it is in any case, in milliseconds: nginx takes the time before it writes, and its workers write out of order.
const WRITTEN_SOON: i64 = 1_000;

/// The spans, by their numbers.
#[derive(Default)]
pub(super) struct UnreadBook {
    held: BTreeMap<u32, UnreadSpan>,
    /// Not handed on yet as they are now.
    changed: BTreeSet<u32>,
    /// Those that begin behind the last line that was read of their generation, however far that is.
    following: BTreeSet<u32>,
}

impl UnreadBook {
    /// Goes on with those that a store knows.
    pub(super) fn new<'s>(known: impl Iterator<Item = &'s UnreadSpan>) -> UnreadBook {
        UnreadBook { held: known.map(|span| (span.number, span.clone())).collect(), ..UnreadBook::default() }
    }

    /// A span began, changed, or was withdrawn. Gives what is held of it as it was before.
    pub(super) fn note(
        &mut self,
        mut span: UnreadSpan,
        logs: &GenerationBook,
        rows: &RowCollector,
    ) -> Option<UnreadSpan> {
        let number = span.number;
        self.changed.insert(number);
        let before = self.held.remove(&number);
        if span.generation.is_some() && span.from == Timestamp(i64::MIN) {
            self.following.insert(number);
        }
        match &before {
            Some(before) => span.from = span.from.min(before.from),
            None if span.from != Timestamp(i64::MIN) => span.from = first_written(&span, logs, rows),
            None => {}
        }
        if span.is_withdrawn {
            self.following.remove(&number);
        }
        self.held.insert(number, span);
        before
    }

    /// Those that changed since the last time, as they are now.
    pub(super) fn take_changed(&mut self, logs: &GenerationBook, rows: &RowCollector) -> Vec<UnreadSpan> {
        for number in &self.following {
            let Some(span) = self.held.get_mut(number) else { continue };
            let Some(id) = span.generation else { continue };
            let latest = rows.latest_end_of(id);
            if latest != span.from {
                span.from = latest;
                // Its file is older than its lines: that says nothing.
                span.until = span.until.filter(|until| *until >= latest);
                self.changed.insert(*number);
            }
        }
        let mut taken = Vec::new();
        for number in std::mem::take(&mut self.changed) {
            let Some(span) = self.held.get(&number) else { continue };
            // The number of a generation that is not handed on may become that of another.
            if span.generation.is_some_and(|id| logs.is_held_back(id)) {
                self.changed.insert(number);
                continue;
            }
            taken.push(span.clone());
            if span.is_withdrawn {
                self.held.remove(&number);
            }
        }
        taken
    }
}

/// When what is missing may have begun: lines are written some time after their requests ended, but not before those that were read.
fn first_written(span: &UnreadSpan, logs: &GenerationBook, rows: &RowCollector) -> Timestamp {
    let mut latest = Timestamp(i64::MIN);
    for generation in logs.of_log(&span.log, &home_of(&span.path, &span.log)) {
        latest = latest.max(rows.latest_end_of(generation.id));
    }
    let earliest = if latest == Timestamp(i64::MIN) { span.from } else { latest };
    span.from.min(earliest.max(span.from.plus_millis(-WRITTEN_LATE))).plus_millis(-WRITTEN_SOON)
}
