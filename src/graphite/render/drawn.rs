//! The answer's text, and several points as one where there are more than are asked for.
//!
//! Where a series is as the store has it, and a percentile, mean or maximum, the one point is that of all requests of its time, from
//! their histograms, beginning where its time says. What functions made is gathered as graphite-web does it: the average, or what
//! `consolidateBy` says, of the points from one step before its time on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::request::{RenderFormat, RenderRequest};
use super::series::GraphSeries;
use super::source::{StoredSeries, is_exact_when_merged};
use super::stored_values::{NeededValues, ReadSpan, StepValues, too_late};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// A text with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedText {
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The text.
    pub text: String,
}

/// The text of these series.
///
/// # Errors
/// If the store cannot be read.
pub fn write_series(
    request: &RenderRequest,
    series: Vec<GraphSeries>,
    store: &StoredSeries<'_>,
    is_late: &dyn Fn() -> bool,
) -> Result<RenderedText> {
    match request.format {
        RenderFormat::Json => {
            let text = listed(request, series, store, is_late)?;
            match &request.jsonp {
                Some(function) => {
                    Ok(RenderedText { content_type: "text/javascript", text: format!("{function}({text})") })
                }
                None => Ok(RenderedText { content_type: "application/json", text }),
            }
        }
        RenderFormat::Csv => {
            Ok(RenderedText { content_type: "text/csv; charset=utf-8", text: as_csv(request, &series)? })
        }
        RenderFormat::Raw => Ok(RenderedText { content_type: "text/plain; charset=utf-8", text: as_raw(&series)? }),
    }
}

/// A series of the answer.
#[derive(Serialize)]
struct DrawnSeries {
    target: String,
    tags: BTreeMap<String, String>,
    /// Value and time.
    datapoints: Vec<(Option<f64>, i64)>,
}

/// The text of all series, each written as soon as it is drawn: of three million points the text alone is large enough.
fn listed(
    request: &RenderRequest,
    series: Vec<GraphSeries>,
    store: &StoredSeries<'_>,
    is_late: &dyn Fn() -> bool,
) -> Result<String> {
    let start = series.iter().map(|it| it.start).min().unwrap_or(0);
    let end = series.iter().map(|it| it.end).max().unwrap_or(0);
    let mut text = Vec::from(b"[");
    // One that has no time at all, as where a moving window had too little before it, is none.
    let kept: Vec<GraphSeries> = series.into_iter().filter(|it| !it.values.is_empty()).collect();
    let mut merged = merged_values(&kept, request.most_points, end - start, store, is_late)?.into_iter();
    for it in kept {
        if is_late() {
            return Err(too_late());
        }
        let drawn = match request.most_points {
            Some(most) => fewer(it, most, end - start, &mut merged),
            None => it,
        };
        let mut datapoints = Vec::with_capacity(drawn.values.len());
        for (at, value) in (0_i64..).zip(&drawn.values) {
            let value = value.filter(|value| !value.is_nan());
            if drawn.start + at * drawn.step > drawn.end {
                break;
            }
            if value.is_some() || !request.without_nulls {
                datapoints.push((value.map(json_number), drawn.start + at * drawn.step));
            }
        }
        if request.without_nulls && datapoints.is_empty() {
            continue;
        }
        if text.len() > 1 {
            text.push(b',');
        }
        let drawn = DrawnSeries { target: drawn.name, tags: drawn.tags, datapoints };
        serde_json::to_writer(&mut text, &drawn)
            .map_err(|error| Error::failed(format!("cannot write JSON: {error}")))?;
        check_length(text.len())?;
    }
    text.push(b']');
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// An answer may be so long; a name that is a line of every point makes it so sooner than its values.
const LONGEST: usize = 64 << 20;

fn check_length(length: usize) -> Result<()> {
    match length <= LONGEST {
        true => Ok(()),
        false => Err(Error::usage("that answer would be too long").remedy("ask for fewer series or a shorter time")),
    }
}

/// Infinity is what graphite-web writes for it: a number that is too large for JSON's readers. Whole numbers have a point, as there.
fn json_number(value: f64) -> f64 {
    match value.is_finite() {
        true => value,
        false if value > 0.0 => f64::MAX,
        false => f64::MIN,
    }
}

/// Of which time the points are that a series is drawn with instead of its own, at most so many of a range of `range` seconds; none where
/// they are few enough, or where they are no more than others put together.
fn merged_span(series: &GraphSeries, most: i64, range: i64) -> Option<ReadSpan> {
    let step = series.step.max(1);
    let is_exact = series.origin.as_ref().is_some_and(|origin| is_exact_when_merged(origin.metric));
    if !is_exact || series.gathering != "average" {
        return None;
    }
    if most == 1 {
        return Some(ReadSpan { start: series.start, end: series.end, step: None });
    }
    let longer = longer_step(step, most, range)?;
    Some(ReadSpan { start: series.start + nudge(series, longer), end: series.end, step: Some(longer) })
}

/// The step of at most so many points, if it is not the series' own: range / step points, as a fraction, over `most`, rounded up.
fn longer_step(step: i64, most: i64, range: i64) -> Option<i64> {
    let enough = most.saturating_mul(step);
    (enough < range).then(|| (range + enough - 1) / enough * step)
}

/// How much later longer points begin.
fn nudge(series: &GraphSeries, longer: i64) -> i64 {
    longer + series.start.rem_euclid(series.step.max(1)) - series.start.rem_euclid(longer)
}

/// The values of all series that are drawn from their requests' histograms, in this order.
fn merged_values(
    series: &[GraphSeries],
    most: Option<i64>,
    range: i64,
    store: &StoredSeries<'_>,
    is_late: &dyn Fn() -> bool,
) -> Result<Vec<StepValues>> {
    let mut needed = Vec::new();
    for it in series {
        let span = most.and_then(|most| merged_span(it, most, range));
        if let (Some(span), Some(origin)) = (span, &it.origin) {
            needed.push(NeededValues { origin: origin.clone(), span });
        }
    }
    store.values(&needed, is_late)
}

/// At most so many points of a range of `range` seconds; `merged` are the values of the series of which they are from histograms.
fn fewer(series: GraphSeries, most: i64, range: i64, merged: &mut impl Iterator<Item = StepValues>) -> GraphSeries {
    let step = series.step.max(1);
    let exact = merged_span(&series, most, range).map(|span| (span, merged.next().unwrap_or_default()));
    if most == 1 {
        let together = i64::try_from(series.values.len()).unwrap_or(1);
        let values = match exact {
            Some((_, values)) => values,
            None => series.gathered(together),
        };
        return GraphSeries { step: step.saturating_mul(together), values, ..series };
    }
    let Some(longer) = longer_step(step, most, range) else { return series };
    if let Some((span, values)) = exact {
        return GraphSeries { start: span.start, step: longer, values, ..series };
    }
    // Graphite takes one point less off than it moves the beginning.
    let nudge = nudge(&series, longer);
    let off = usize::try_from(nudge / step - 1).unwrap_or(0).min(series.values.len());
    let mut shorter = GraphSeries { start: series.start + nudge, ..series };
    shorter.values.drain(..off);
    shorter.values = shorter.gathered(longer / step);
    shorter.step = longer;
    shorter
}

fn as_csv(request: &RenderRequest, series: &[GraphSeries]) -> Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let failed = |error: csv::Error| Error::failed(format!("cannot write CSV: {error}"));
    let mut length = 0;
    for it in series {
        for (at, value) in (0_i64..).zip(&it.values) {
            let time = request.zone.wall_clock(Timestamp::from_secs(it.start + at * it.step));
            let value = value.map_or(String::new(), python_number);
            // A spreadsheet takes what begins so for a formula.
            let name =
                if it.name.starts_with(['=', '+', '-', '@']) { format!("'{}", it.name) } else { it.name.clone() };
            length += name.len() + time.len() + value.len() + 3;
            check_length(length)?;
            writer.write_record([name, time, value]).map_err(failed)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| Error::failed(format!("cannot write CSV: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn as_raw(series: &[GraphSeries]) -> Result<String> {
    let mut text = String::new();
    for it in series {
        let values: Vec<String> =
            it.values.iter().map(|value| value.map_or("None".to_owned(), python_number)).collect();
        text.push_str(&format!("{},{},{},{}|{}\n", it.name, it.start, it.end, it.step, values.join(",")));
        check_length(text.len())?;
    }
    Ok(text)
}

/// A float as Python writes it: `2.0`.
fn python_number(value: f64) -> String {
    format!("{value:?}")
}
