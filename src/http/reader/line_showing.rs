//! A raw line as whoever asks may see it, and what its fields are called.

use std::sync::Arc;

use super::found::{LineField, LineFound};
use crate::http::redaction::Redaction;
use crate::pipeline::{LineReaders, NeedsOfFormat, RoutedRecord};
use crate::record::{Needs, RecordValues, unescape};
use crate::store::View;

/// How the lines of one answer are shown.
pub(super) struct LineShowing<'r> {
    pub(super) redaction: &'r Redaction,
    /// The fields are wanted as well.
    pub(super) fields: bool,
}

impl LineShowing<'_> {
    /// Whether a line has to be read for that.
    pub(super) fn reads_lines(&self) -> bool {
        self.fields || !self.redaction.is_empty()
    }

    /// What of a line has to be read for that.
    pub(super) fn needs(&self) -> NeedsOfFormat {
        let all = self.reads_lines();
        Arc::new(move |_| if all { Needs { all, by_upstream: true, ..Needs::all() } } else { Needs::latency() })
    }

    /// The line as it is shown, `raw` being what stands in the log.
    pub(super) fn show(&self, found: &mut LineFound, raw: &[u8], seen: &RoutedRecord<'_>, values: RecordValues<'_>) {
        if self.fields {
            let secrets = self.redaction.secrets(&seen.record, values);
            let escape = values.format().escape();
            for (variable, held) in values.format().variables().iter().enumerate() {
                let Some(value) = values.value(variable) else { continue };
                // Many variables of a keyed format are keys that this line has not.
                if value.is_empty() && values.format().is_keyed() {
                    continue;
                }
                let shown = self.redaction.shown_value(&held.name, value, &secrets);
                let value = if values.format().is_keyed() { shown } else { unescape(&shown, escape).into_owned() };
                found.fields.push(LineField { name: held.name.clone(), value });
            }
        }
        found.line = Some(match self.redaction.is_empty() {
            true => raw.to_vec(),
            false => self.redaction.shown_line(raw, &seen.record, values),
        });
    }

    /// The same of a line that came from the index: it is read by the format that the store holds of it.
    pub(super) fn show_again(&self, found: &mut LineFound, raw: &[u8], view: &View, readers: &mut LineReaders) {
        found.line = None;
        let locator = found.entry.locator;
        if let Some(generation) = view.generations().iter().find(|known| known.id == locator.generation)
            && let Some(interpreter) = readers.reader_at(view, generation, locator.offset).interpreter
        {
            interpreter.read_block(raw, |at, _, seen, values| {
                if let (0, Ok(seen)) = (at, seen) {
                    self.show(found, raw, seen, values);
                }
            });
        }
        if found.line.is_none() {
            found.line = Some(if self.redaction.is_empty() { raw.to_vec() } else { self.redaction.unexplained() });
        }
    }
}
