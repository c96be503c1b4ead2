//! How long the requests of a box took, and how long all others of the view did, percentile by percentile.

use serde::Serialize;

use super::command_words::CommandWords;
use super::overview::routes_words;
use super::question::{ChosenBox, PageQuestion};
use super::route_list::timed;
use crate::error::Result;
use crate::histogram::Latency;
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::http::reply::Reply;
use crate::report::picture::{PercentilePlot, PictureTable, PlotFrame};
use crate::time::Window;

#[derive(Serialize)]
struct BoxCurves {
    svg: String,
    table: PictureTable,
    /// Requests of the box, with or without a time.
    requests: u64,
    command: Option<String>,
    notes: Vec<String>,
}

pub(super) fn answer(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let question = PageQuestion::read(asked, reader)?;
    let chosen = question.chosen_or_all();
    let size = |name, usual: f64| asked.value(name).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let frame = PlotFrame::within(size("width", 700.0), size("height", 300.0));
    let (mut inside, mut rest) = (BoxSide::default(), BoxSide::default());
    let routes = question.route_ids(reader)?;
    let view = reader.view()?;
    let mut requests = 0;
    for window in [
        Window { until: chosen.window.from, ..question.window },
        chosen.window,
        Window { from: chosen.window.until, ..question.window },
    ] {
        if window.from >= window.until {
            continue;
        }
        let is_inside = window == chosen.window;
        let of_window = view.totals(window, routes.as_deref())?;
        requests += if is_inside { of_window.iter().map(|(_, cell)| cell.requests).sum() } else { 0 };
        for (_, cell) in of_window {
            divide(timed(&cell), chosen, is_inside, &mut inside, &mut rest);
        }
    }
    let (inside, rest) = (inside.latency(), rest.latency());
    let title = format!("How long requests of {} took", routes_words(&question.routes));
    let (chosen_name, rest_name) = ("in the box".to_owned(), "the rest".to_owned());
    let plot = PercentilePlot { chosen: &inside, rest: &rest, title, chosen_name, rest_name };
    let command =
        CommandWords::new("report", reader.site()).window(chosen.window).routes(&question.routes).times(&chosen);
    let mut notes = Vec::new();
    if !question.conditions.is_empty() {
        notes.push("these are all requests of box and view: histograms know no values of fields".to_owned());
    }
    Reply::json(&BoxCurves {
        svg: plot.svg(&frame),
        table: plot.table(),
        requests: if chosen.from_ms == 0 && chosen.until_ms.is_none() { requests } else { inside.count() },
        command: Some(command.typed()),
        notes,
    })
}

/// Buckets of one side, while they are gathered.
#[derive(Default)]
struct BoxSide {
    buckets: std::collections::BTreeMap<u64, u64>,
    longest: u64,
}

impl BoxSide {
    fn add(&mut self, millis: u64, count: u64, longest: u64) {
        *self.buckets.entry(millis).or_default() += count;
        self.longest = self.longest.max(longest);
    }

    /// The sum is of the buckets: it is not shown.
    fn latency(&self) -> Latency {
        let buckets: Vec<(u64, u64)> = self.buckets.iter().map(|(millis, count)| (*millis, *count)).collect();
        let sum = buckets.iter().map(|(millis, count)| millis.saturating_mul(*count)).fold(0, u64::saturating_add);
        Latency::from_buckets(&buckets, sum, self.longest)
    }
}

/// The buckets of a cell to the side that they are on: no bucket lies across an edge of a row.
fn divide(latency: &Latency, chosen: ChosenBox, is_inside: bool, inside: &mut BoxSide, rest: &mut BoxSide) {
    let buckets = latency.buckets();
    let last = buckets.last().map(|(millis, _)| *millis);
    for (millis, count) in buckets {
        // The exact longest is in the last bucket; of the others what they stand for.
        let longest = if Some(millis) == last { latency.max_ms() } else { millis };
        let is_chosen = is_inside && millis >= chosen.from_ms && chosen.until_ms.is_none_or(|until| millis < until);
        if is_chosen { inside.add(millis, count, longest) } else { rest.add(millis, count, longest) }
    }
}
