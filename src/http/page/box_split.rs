//! What the requests of a box are, beside the rest of the view: by upstream, status, client and net, path, query key and all else that
//! their lines say.

use std::cell::RefCell;

use serde::Serialize;

use super::command_words::CommandWords;
use super::line_fields::LineFields;
use super::question::{ChosenBox, PageQuestion};
use super::split_tally::{SplitField, SplitTally};
use crate::error::Result;
use crate::http::asked::Asked;
use crate::http::reader::{LineFound, LineOrdering, LinesWanted, Reader};
use crate::http::reply::Reply;
use crate::pipeline::{Filter, WindowLacks};
use crate::report::{count, millis};
use crate::store::KeepReasons;
use crate::time::{Timestamp, Window};

/// About so many requests of the rest are read, those around the box.
const MOST_REST: u64 = 150_000;

#[derive(Serialize)]
struct BoxSplit {
    /// What is compared with what.
    words: String,
    fields: Vec<FieldShown>,
    command: Option<String>,
    missing: Vec<String>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct FieldShown {
    field: String,
    values: Vec<ValueShown>,
    more: u64,
}

#[derive(Serialize)]
struct ValueShown {
    value: String,
    /// As a condition of the page's address.
    condition: String,
    r#box: u64,
    box_share: f64,
    rest: u64,
    rest_share: f64,
    excess_ms: i64,
    same: Vec<String>,
    cells: Vec<(i64, u64)>,
}

pub(super) fn answer(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let question = PageQuestion::read(asked, reader)?;
    let chosen = question.chosen_or_all();
    let around = rest_around(&question, chosen, reader)?;
    let reading = SplitReading {
        reader,
        chosen,
        fields: RefCell::new(LineFields::new(reader, &question.conditions)?),
        tally: RefCell::new(SplitTally::default()),
    };
    let mut lacks = reading.read(chosen.filter(&question.routes), chosen.from_ms == 0, true)?;
    let rest = Filter { window: around, ..question.filter() };
    add_new(&mut lacks, reading.read(rest, true, false)?);
    let (fields, tally) = (reading.fields.into_inner(), reading.tally.into_inner());
    lacks.missing.extend(fields.missing());
    lacks.notes.extend(fields.note().map(str::to_owned));
    if tally.left_out > 0 {
        lacks.notes.push(format!("of the box's requests {} more were not looked at", count(tally.left_out)));
    }
    let (inside, outside) = tally.counts();
    let fields = tally.fields(&fields.features);
    // `why` takes no conditions on fields.
    let command = question
        .conditions
        .is_empty()
        .then(|| CommandWords::new("why", reader.site()).window(chosen.window).routes(&question.routes).typed());
    Reply::json(&BoxSplit {
        words: words(&question, around, &tally),
        fields: fields.into_iter().map(|field| shown(field, inside, outside)).collect(),
        command,
        missing: lacks.missing,
        notes: lacks.notes,
    })
}

/// The lines of both sides, while they are read.
struct SplitReading<'r> {
    reader: &'r Reader<'r>,
    chosen: ChosenBox,
    fields: RefCell<LineFields<'r>>,
    tally: RefCell<SplitTally>,
}

impl SplitReading<'_> {
    /// Reads those of the lines that `filter` lets through that are on this side.
    fn read(&self, filter: Filter, all: bool, inside: bool) -> Result<WindowLacks> {
        let add = |line: &LineFound| {
            self.add(line, inside);
            false
        };
        let order = LineOrdering::Oldest;
        let wanted = LinesWanted { all, order, limit: 1, accepts: &add, ..LinesWanted::of(filter) };
        Ok(self.reader.lines(&wanted)?.lacks)
    }

    fn add(&self, line: &LineFound, inside: bool) {
        let entry = &line.entry;
        let took = if entry.kept.contains(KeepReasons::UNTIMED) { 0 } else { entry.duration_ms };
        let is_timed = !entry.kept.contains(KeepReasons::UNTIMED) || self.chosen.from_ms == 0;
        if inside != (is_timed && self.chosen.holds(entry.end, took)) {
            return;
        }
        let mut fields = self.fields.borrow_mut();
        if !fields.fits(line) {
            return;
        }
        let Some(held) = fields.features_of(line) else { return };
        let held = held.to_vec();
        let mut tally = self.tally.borrow_mut();
        match inside {
            true => tally.add_inside(entry.end, took, entry.route, &held),
            false => tally.add_rest(took, entry.route, &held, &fields.features),
        }
    }
}

/// As much of the view around the box as can be read while someone waits.
fn rest_around(question: &PageQuestion, chosen: ChosenBox, reader: &Reader<'_>) -> Result<Window> {
    let window = question.window;
    let routes = question.route_ids(reader)?;
    let requests: u64 = reader.view()?.totals(window, routes.as_deref())?.iter().map(|(_, cell)| cell.requests).sum();
    if requests <= MOST_REST {
        return Ok(window);
    }
    let length = |window: Window| window.until.0.saturating_sub(window.from.0);
    let wanted = i128::from(length(window)) * i128::from(MOST_REST) / i128::from(requests);
    let side = i64::try_from(wanted / 2).unwrap_or(i64::MAX).max(length(chosen.window) / 2);
    Ok(Window {
        from: Timestamp(chosen.window.from.0.saturating_sub(side)).max(window.from),
        until: Timestamp(chosen.window.until.0.saturating_add(side)).min(window.until),
    })
}

fn words(question: &PageQuestion, around: Window, tally: &SplitTally) -> String {
    let (inside, rest) = tally.counts();
    let excess = tally.excess_ms();
    let (sign, size) = (if excess < 0 { "less" } else { "more" }, millis(excess.unsigned_abs()));
    let (from, until) = (question.zone.told_clock(around.from), question.zone.told_clock(around.until));
    format!(
        "{} requests of the box beside {} others from {from} to {until}; the box's took {size} {sign} than is usual of their routes",
        count(inside),
        count(rest)
    )
}

fn shown(field: SplitField, inside: u64, outside: u64) -> FieldShown {
    let share = |part: u64, whole: u64| (part as f64 / whole.max(1) as f64 * 10_000.0).round() / 10_000.0;
    let mut values = Vec::new();
    for value in field.values {
        values.push(ValueShown {
            box_share: share(value.inside, inside),
            rest_share: share(value.rest, outside),
            r#box: value.inside,
            rest: value.rest,
            excess_ms: value.excess_ms,
            condition: value.condition,
            value: value.value,
            same: value.same,
            cells: value.cells,
        });
    }
    FieldShown { field: field.field, values, more: field.more }
}

/// What the second reading lacks beyond the first.
fn add_new(held: &mut WindowLacks, more: WindowLacks) {
    for message in more.missing {
        if !held.missing.contains(&message) {
            held.missing.push(message);
        }
    }
    for note in more.notes {
        if !held.notes.contains(&note) {
            held.notes.push(note);
        }
    }
}
