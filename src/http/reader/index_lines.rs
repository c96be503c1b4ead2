//! Lines that the index keeps: it says which there are, and no more raw lines are read than are shown.

use std::collections::HashMap;
use std::sync::Arc;

use super::Reader;
use super::found::{LineFound, LinesFound, LinesWanted};
use super::line_showing::LineShowing;
use crate::error::Result;
use crate::pipeline::{Filter, WindowLacks, file_names, retrieve, route_names, wanted_routes};
use crate::route::RouteId;
use crate::source::GenerationId;
use crate::store::{Entry, EntryQuery, Locator, View};

/// So many raw lines are read at a time.
const AT_A_TIME: usize = 500;

/// Names that many lines have.
pub(super) struct LineNames {
    routes: HashMap<RouteId, Arc<str>>,
    files: HashMap<GenerationId, Arc<str>>,
}

impl LineNames {
    pub(super) fn of(view: &View) -> LineNames {
        let routes = route_names(view).into_iter().map(|(id, name)| (id, Arc::from(name))).collect();
        let files = file_names(view).into_iter().map(|(id, name)| (id, Arc::from(name))).collect();
        LineNames { routes, files }
    }

    pub(super) fn route(&self, id: RouteId) -> Arc<str> {
        self.routes.get(&id).cloned().unwrap_or_default()
    }

    pub(super) fn file(&self, id: GenerationId) -> Arc<str> {
        self.files.get(&id).cloned().unwrap_or_default()
    }
}

impl Reader<'_> {
    /// What the index keeps of the window.
    pub(super) fn lines_of_index(&self, wanted: &LinesWanted<'_>) -> Result<LinesFound> {
        let mut entries = self.kept_entries(&wanted.filter)?;
        entries.sort_unstable_by_key(|entry| wanted.order.rank(entry));
        let mut found = LinesFound { is_counted: true, ..LinesFound::default() };
        let most = wanted.most();
        let mut lines = Vec::new();
        for some in entries.chunks(AT_A_TIME.min(most.max(1))) {
            if lines.len() >= most {
                found.is_counted = false;
                break;
            }
            if self.is_late() {
                found.is_counted = false;
                found.lacks.missing.push(late_words());
                break;
            }
            let mut raw = self.raw_lines(some, wanted.fields, &mut found.lacks)?;
            raw.retain(|line| (wanted.accepts)(line));
            lines.extend(raw);
        }
        found.count = lines.len() as u64;
        lines.truncate(most);
        found.lines = lines.split_off(wanted.skip.min(lines.len()));
        Ok(found)
    }

    /// The requests that the index holds.
    pub(super) fn kept_entries(&self, filter: &Filter) -> Result<Vec<Entry>> {
        let view = self.view()?;
        let query = EntryQuery {
            // All are asked for without a list.
            routes: (!filter.routes.is_empty()).then(|| wanted_routes(view, filter)),
            min_duration_ms: filter.min_ms,
            ..EntryQuery::new(filter.window, filter.by)
        };
        let mut entries = view.entries(&query)?;
        entries.retain(|entry| filter.keeps_entry(entry));
        Ok(entries)
    }

    /// Their raw lines, from the logs or the archive.
    pub(super) fn raw_lines(&self, entries: &[Entry], fields: bool, lacks: &mut WindowLacks) -> Result<Vec<LineFound>> {
        let view = self.view()?;
        let names = LineNames::of(view);
        let locators: Vec<Locator> = entries.iter().map(|entry| entry.locator).collect();
        let mut found = Vec::with_capacity(entries.len());
        for entry in entries {
            let (route, file) = (names.route(entry.route), names.file(entry.locator.generation));
            found.push(LineFound { entry: *entry, route, file, line: None, fields: Vec::new(), is_there: false });
        }
        let showing = LineShowing { redaction: self.redaction(), fields };
        let mut readers = match showing.reads_lines() {
            true => Some(self.line_readers(&self.interpreting()?, showing.needs())?),
            false => None,
        };
        let missing = retrieve::lines(view, &locators, |index, line| {
            let (Some(found), Some(line)) = (found.get_mut(index), line) else { return };
            match &mut readers {
                Some(readers) => showing.show_again(found, line, view, readers),
                None => found.line = Some(line.to_vec()),
            }
        });
        let (mut gone, mut denied) = (0, 0);
        for found in found.iter_mut().filter(|found| found.line.is_none()) {
            found.is_there = missing.unreadable.contains(&found.entry.locator.generation);
            *(if found.is_there { &mut denied } else { &mut gone }) += 1;
        }
        for (count, what) in [(gone, "are gone"), (denied, "are there, and cannot be read")] {
            if count > 0 {
                lacks.missing.push(format!("{count} raw lines {what}; what the index holds of them is shown"));
            }
        }
        add_new(&mut lacks.missing, missing.messages());
        lacks.notes.extend(missing.note());
        Ok(found)
    }
}

/// What an answer lacks that had to be given before all was read.
pub(super) fn late_words() -> String {
    "there was no time to read all of it: ask for a shorter window or for less".to_owned()
}

/// Adds what does not stand there yet.
pub(super) fn add_new(held: &mut Vec<String>, more: Vec<String>) {
    for message in more {
        if !held.contains(&message) {
            held.push(message);
        }
    }
}
