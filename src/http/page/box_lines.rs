//! The raw lines behind a box, the worst first, a page of them at a time.

use std::cell::RefCell;

use serde::Serialize;
use serde_json::Value;

use super::command_words::CommandWords;
use super::line_fields::LineFields;
use super::question::PageQuestion;
use super::shown_time::moment;
use crate::error::Result;
use crate::http::asked::Asked;
use crate::http::reader::{LineFound, LineOrdering, LinesWanted, Reader};
use crate::http::reply::Reply;
use crate::route::readable_name;
use crate::store::KeepReasons;

/// So many lines are sent at once ..
const LIMIT: usize = 50;

/// .. and at most, of any answer. Who wants more takes the command.
const MOST: usize = 5_000;

/// A page of lines.
#[derive(Serialize)]
struct BoxLines {
    offset: usize,
    lines: Vec<LineShown>,
    /// How many there are, as far as they were counted.
    count: u64,
    is_counted: bool,
    command: Option<String>,
    missing: Vec<String>,
    notes: Vec<String>,
}

/// A line.
#[derive(Serialize)]
struct LineShown {
    /// When it ended, as the viewer's clock shows it.
    time: String,
    end: i64,
    /// Nothing where the log does not say.
    request_time_ms: Option<u64>,
    upstream_ms: Option<u64>,
    status: Option<u16>,
    route: String,
    route_name: String,
    file: String,
    offset: u64,
    /// Nothing if it is gone, or cannot be read.
    line: Option<String>,
    /// Why there is no line.
    gone: Option<&'static str>,
    /// All its fields by name.
    fields: Option<Value>,
}

pub(super) fn answer(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let question = PageQuestion::read(asked, reader)?;
    let chosen = question.chosen_or_all();
    let filter = chosen.filter(&question.routes);
    let whole = |name, usual| asked.value(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let offset: usize = whole("offset", 0).min(MOST);
    let limit: usize = whole("limit", LIMIT).min(MOST - offset);
    // A box from the ground up means all of its requests, not only those that the index keeps.
    let all = chosen.from_ms == 0;
    let fields = RefCell::new(LineFields::new(reader, &question.conditions)?);
    let fits = |line: &LineFound| fields.borrow_mut().fits(line);
    let wanted = LinesWanted {
        all,
        order: LineOrdering::Longest,
        skip: offset,
        limit,
        accepts: &fits,
        ..LinesWanted::of(filter)
    };
    let mut found = reader.lines(&wanted)?;
    found.lacks.missing.extend(fields.borrow().missing());
    found.lacks.notes.extend(fields.borrow().note().map(str::to_owned));
    let mut command = CommandWords::new("lines", reader.site())
        .window(chosen.window)
        .flag("--by end")
        .routes(&question.routes)
        .times(&chosen)
        .conditions(&question.conditions);
    if all {
        command = command.flag("--all");
    }
    let mut lines = Vec::with_capacity(found.lines.len());
    for line in &found.lines {
        let record = fields.borrow_mut().record(line);
        lines.push(shown_line(line, record, &question));
    }
    Reply::json(&BoxLines {
        offset,
        lines,
        count: found.count,
        is_counted: found.is_counted,
        command: Some(command.flag("--sort duration").typed()),
        missing: found.lacks.missing,
        notes: found.lacks.notes,
    })
}

fn shown_line(line: &LineFound, fields: Option<Value>, question: &PageQuestion) -> LineShown {
    let entry = &line.entry;
    let gone = match (&line.line, line.is_there) {
        (Some(_), _) => None,
        (None, true) => Some("the log that this line is in cannot be read"),
        (None, false) => Some("this line's log is gone"),
    };
    LineShown {
        time: moment(question.zone, entry.end),
        end: entry.end.0,
        request_time_ms: (!entry.kept.contains(KeepReasons::UNTIMED)).then_some(entry.duration_ms),
        upstream_ms: entry.upstream_ms,
        status: (entry.status != 0).then_some(entry.status),
        route: line.route.to_string(),
        route_name: readable_name(&line.route).into_owned(),
        file: line.file.to_string(),
        offset: entry.locator.offset,
        line: line.line.as_deref().map(|raw| String::from_utf8_lossy(raw).into_owned()),
        gone,
        fields,
    }
}
