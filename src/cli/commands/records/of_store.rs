//! `records` over the store: the lines of a window from its logs, only the blocks that may hold any, each by the format it was counted in.

use std::sync::Arc;

use super::RecordSink;
use crate::cli::answer::names::file_names;
use crate::cli::answer::output::{say, say_all, written};
use crate::cli::answer::{Answer, completeness};
use crate::cli::args::RecordsArguments;
use crate::cli::counted::MadeOfFormats;
use crate::cli::input::context::Context;
use crate::cli::input::record_columns::{RecordColumns, needs_of_all, variable_names};
use crate::cli::input::stored_lines::StoredLines;
use crate::error::{Error, Result};
use crate::grammar::Format;
use crate::pipeline::retrieve::ScannedLine;
use crate::pipeline::{Filter, stored_formats};
use crate::report::RequestRecord;
use crate::store::{Locator, View};

/// The records of the window, in the order in which their logs have them.
pub(super) fn records_of_store(context: &Context, arguments: &RecordsArguments, filter: &Filter) -> Result<Answer> {
    let view = context.view()?;
    let mut lines =
        StoredLines::new(context, &view, &arguments.files.format)?.asking(filter)?.reading(Arc::new(needs_of_all));
    let blocks = lines.blocks(filter)?;
    if let Some(too_much) = StoredLines::too_much(&blocks) {
        return Err(Error::failed(too_much));
    }
    let names = variable_names(&stored_formats(&view));
    let mut columns: MadeOfFormats<RecordColumns> = MadeOfFormats::default();
    let blank = read_formats_columns(&view, &names);
    let mut sink = RecordSink::new(arguments.format.into(), blank.as_ref())?;
    let files = file_names(&view);
    let routes = Arc::clone(&lines.with.routes);
    let (mut written_count, mut failed, mut last) = (0_u64, None, None::<Locator>);
    let limit = arguments.limit.map_or(u64::MAX, |limit| limit as u64);
    let mut missing = lines.scan(&blocks, filter, |&ScannedLine { seen, values, locator, line }| {
        // One that is in several series comes as each of them.
        if written_count >= limit || failed.is_some() || last == Some(locator) {
            return;
        }
        last = Some(locator);
        let Some(columns) = columns.of(values.format(), |format| RecordColumns::new(format, &names)) else { return };
        let route = routes.name(seen.matched.id);
        let record = RequestRecord {
            file: files.get(&locator.generation).map(String::as_str),
            offset: locator.offset,
            length: line.len(),
            route: route.as_deref(),
            ..RequestRecord::new(&seen.record, columns.of_line(Some(values)))
        };
        written_count += 1;
        if let Err(error) = written(sink.write(&record)) {
            failed = Some(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    written(sink.end())?;
    lines.say_unknown(filter)?;
    let lacks = completeness::missing(&view, filter.window, view.expired_before(filter.window), context.now)?;
    say_all(&lacks);
    missing.extend(lacks);
    say_unnamed(&columns, &names);
    completeness::conclude(&view, &missing);
    Ok(Answer::from_found(written_count > 0, &missing))
}

/// The columns of any format, for a header.
fn read_formats_columns(view: &View, names: &[String]) -> Option<RecordColumns> {
    stored_formats(view).first().map(|format| RecordColumns::new(format, names))
}

/// Say which variables have no column, since the store did not know of their format.
fn say_unnamed(columns: &MadeOfFormats<RecordColumns>, names: &[String]) {
    let met: Vec<Arc<Format>> = columns.formats().cloned().map(Arc::new).collect();
    let mut unnamed = variable_names(&met);
    unnamed.retain(|name| !names.contains(name));
    if !unnamed.is_empty() {
        say(&format!("note: without a column, since the store does not hold their format: {}", unnamed.join(", ")));
    }
}
