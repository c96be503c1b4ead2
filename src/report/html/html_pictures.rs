//! The pictures of an answer, drawn twice: for a screen and for a phone, whose letters would else be dust. The one that does not fit is
//! not shown. Each has its numbers under it.

use super::HtmlDocument;
use crate::histogram::Latency;
use crate::report::number;
use crate::report::picture::{
    Heatmap, Icicle, PercentilePlot, PictureTable, PicturedRequests, PlotFrame, zone_table, zone_ticks,
};
use crate::time::{NamedZone, Window};

/// A picture for a screen, in its own pixels ..
const WIDE: f64 = 1_100.0;

/// .. and for a phone.
const NARROW: f64 = 380.0;

/// A column of a heatmap is so many pixels wide at least.
const COLUMN: f64 = 4.0;

/// Names of times are so far apart.
const TICK: f64 = 84.0;

/// The pictures of what was counted.
#[derive(Debug)]
pub struct HtmlPictures<'p> {
    /// What was counted.
    pub pictured: &'p PicturedRequests,
    /// The zone of the clocks.
    pub zone: NamedZone,
    /// Of what, in words.
    pub of: String,
}

impl HtmlPictures<'_> {
    /// Time by latency, with a part of the window marked.
    pub fn heatmap(&self, document: &mut HtmlDocument, marked: Option<Window>) {
        let title = format!("When they took how long: {}", self.of);
        let (mut svgs, mut table, mut by_upstream) = (Vec::new(), PictureTable::default(), false);
        for (width, height) in [(WIDE, 380.0), (NARROW, 320.0)] {
            let frame = PlotFrame::within(width, height);
            let plot = frame.right - frame.left;
            let Some(grid) = self.pictured.grid((plot / COLUMN) as usize) else {
                return document.words("There is no request to draw.");
            };
            let ticks = zone_ticks(self.zone, grid.window, (plot / TICK) as usize);
            let threshold_ms = self.pictured.threshold_ms;
            let heatmap = Heatmap { grid: &grid, threshold_ms, ticks, title: title.clone() };
            svgs.push(heatmap.svg_with(&frame, marked));
            if table.rows.is_empty() {
                table = zone_table(self.zone, &heatmap);
                by_upstream = grid.by_upstream;
            }
        }
        let mut words = "Time to the right, latency upwards by logarithm, requests by the root of their count; dashes are p50, the line is p99".to_owned();
        if marked.is_some() {
            words.push_str("; the window is framed");
        }
        if by_upstream {
            words.push_str("; where a log has no $request_time, these are $upstream_response_time");
        }
        figure(document, &(words + "."), &svgs, &table);
    }

    /// Two latencies by percentile.
    pub fn percentiles(&self, document: &mut HtmlDocument, chosen: (&str, &Latency), rest: (&str, &Latency)) {
        let (chosen_name, chosen) = chosen;
        let (rest_name, rest) = rest;
        if chosen.is_empty() && rest.is_empty() {
            return;
        }
        let title = format!("How many took how long: {}", self.of);
        let plot = PercentilePlot {
            chosen,
            rest,
            title: title.clone(),
            chosen_name: chosen_name.to_owned(),
            rest_name: rest_name.to_owned(),
        };
        let svgs = [(WIDE, 320.0), (NARROW, 280.0)].map(|(width, height)| plot.svg(&PlotFrame::within(width, height)));
        let words = "Every decade of requests that are faster has as much room: 90 %, 99 %, 99.9 %.";
        figure(document, words, &svgs, &plot.table());
    }

    /// The costliest route beside all others.
    pub fn costliest(&self, document: &mut HtmlDocument) {
        if let Some((name, chosen, rest)) = self.pictured.costliest() {
            let name = crate::route::readable_name(&name).into_owned();
            self.percentiles(document, (&name, &chosen), ("all others", &rest));
        }
    }

    /// Where the time went, by the nodes of routes' names.
    pub fn icicle(&self, document: &mut HtmlDocument) {
        let title = format!("Where the time went: {}", self.of);
        let icicle = Icicle::new(title.clone(), &self.pictured.routes);
        let svgs = [WIDE, NARROW].map(|width| icicle.svg(width));
        let words = "As wide as the time that requests took together, coloured by their p99.";
        figure(document, words, &svgs, &icicle.table());
    }

    /// What the pictures lack of the requests that a table counts, if anything: they are of whole slots, or finer counts expired.
    pub fn differing(&self, counted: u64) -> Option<String> {
        let pictured = self.pictured.requests();
        (pictured != counted).then(|| differing_words(pictured, counted))
    }
}

/// A picture of the store is of whole slots, and of what is still kept in them; an answer counts lines where a window cuts slots.
pub(super) fn differing_words(drawn: u64, counted: u64) -> String {
    let (drawn, counted) = (number::count(drawn), number::count(counted));
    format!(
        "The pictures are of {drawn} requests, in the store's whole slots as they are kept; the tables are of {counted}."
    )
}

fn figure(document: &mut HtmlDocument, words: &str, svgs: &[String], table: &PictureTable) {
    let title = super::safe_text(&table.caption, super::TEXT_CHARACTERS);
    let words = super::safe_text(words, super::LINE_CHARACTERS);
    document.markup(format_args!(
        "<figure class=\"picture\"><figcaption><strong>{title}</strong> <span>{words}</span></figcaption>\n"
    ));
    for (class, svg) in ["wide", "narrow"].iter().zip(svgs) {
        document.markup(format_args!("<div class=\"{class}\">{svg}</div>\n"));
    }
    document.markup(format_args!(
        "<details><summary>its numbers</summary><div class=\"table\">{}</div></details></figure>\n",
        table.html()
    ));
}
