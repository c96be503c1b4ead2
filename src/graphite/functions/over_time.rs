//! Functions that look at several points in time: longer steps, windows that move along, another time.

use super::arguments::{CallArguments, short_number, signed_seconds};
use super::combine::statistic;
use super::row_statistics::RowStatistic;
use crate::error::{Error, Result};
use crate::graphite::render::{Evaluation, FetchSpan, GATHERINGS, GraphSeries};
use crate::graphite::target::Target;

/// `summarize(a, "1h", "max", false)`, `smartSummarize(a, "1h", "sum")`
pub(super) fn summarize(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let is_smart = arguments.call.function == "smartSummarize";
    if is_smart && arguments.has(3, "alignTo") {
        return Err(Error::usage("smartSummarize: alignTo is not supported"));
    }
    let length = arguments.text(1, "intervalString")?;
    let word = arguments.text_if_given(2, "func")?.unwrap_or("sum");
    let (interval, by) = (signed_seconds(length)?, statistic(word)?);
    check_reach(interval)?;
    if interval <= 0 {
        return Err(Error::usage(format!("{}: `{length}` is no length of time", arguments.call.function)));
    }
    let from_start = is_smart || arguments.is_true(3, "alignToFrom")?;
    let mut made = Vec::new();
    for series in arguments.series(evaluation, 0)? {
        let (start, mut end) = if from_start {
            (series.start, series.end)
        } else {
            let start = series.start - series.start.rem_euclid(interval);
            (start, series.end - series.end.rem_euclid(interval) + interval)
        };
        evaluation.store.spend(1, (end - start) / interval + 1)?;
        let mut values = Vec::new();
        let mut at = start;
        while at < end {
            let row = between(&series, at, at + interval);
            values.push(row.iter().any(Option::is_some).then(|| by.of(row)).flatten());
            at += interval;
        }
        if from_start {
            end = at;
        }
        let ending = if from_start && !is_smart { ", true" } else { "" };
        let name = format!("{}({}, \"{length}\", \"{word}\"{ending})", arguments.call.function, series.name);
        let function = arguments.call.function.as_str();
        let summarized =
            series.remade(name, values).tagged(function, length).tagged(&format!("{function}Function"), word);
        made.push(GraphSeries { start, end, step: interval, ..summarized });
    }
    Ok(made)
}

/// The values of a stretch of time.
fn between(series: &GraphSeries, from: i64, until: i64) -> &[Option<f64>] {
    let place = |time: i64| {
        let steps = (time - series.start + series.step - 1).div_euclid(series.step).max(0);
        usize::try_from(steps).unwrap_or(0).min(series.values.len())
    };
    series.values.get(place(from)..place(until)).unwrap_or_default()
}

/// `movingAverage(a, 5)`, `movingMax(a, "5min")`, `movingWindow(a, 5, "sum")`: of each point those before it.
pub(super) fn moving(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let word = match arguments.call.function.as_str() {
        "movingAverage" => "average",
        "movingMedian" => "median",
        "movingMin" => "min",
        "movingMax" => "max",
        "movingSum" => "sum",
        _ => arguments.text_if_given(2, "func")?.unwrap_or("average"),
    };
    let by = statistic(word)?;
    let target = arguments.target(0)?;
    let as_text = arguments.text_if_given(1, "windowSize").ok().flatten();
    let (length, points, size) = match as_text {
        Some(text) => (signed_seconds(text)?.abs(), None, text.to_owned()),
        None => {
            let points = arguments.number(1, "windowSize")?.trunc() as i64;
            let longest = evaluation.evaluate(target)?.iter().map(|it| it.step).max().unwrap_or(0);
            (longest.saturating_mul(points), Some(points), short_number(points as f64))
        }
    };
    check_reach(length)?;
    // What comes before the first point is needed for it.
    let earlier = FetchSpan { from: evaluation.span.from - length, ..evaluation.span };
    let tag = format!("moving{}", capitalized(word));
    let mut made = Vec::new();
    for series in evaluation.of_span(earlier).evaluate(target)? {
        let points = points.unwrap_or(length / series.step.max(1));
        let width = usize::try_from(points).unwrap_or(0);
        let values = moved_over(evaluation, &series.values, width, by)?;
        let name = match as_text {
            Some(text) => format!("{tag}({},\"{text}\")", series.name),
            None => format!("{tag}({},{size})", series.name),
        };
        let start = series.start + length;
        made.push(GraphSeries { start, ..series.remade(name, values).tagged(&tag, &size) });
    }
    Ok(made)
}

/// No function reaches further than this: a thousand years.
const REACH: i64 = 1_000 * 366 * 86_400;

fn check_reach(seconds: i64) -> Result<()> {
    match seconds.unsigned_abs() <= REACH.unsigned_abs() {
        true => Ok(()),
        false => Err(Error::usage("a function reaches no further than a thousand years")),
    }
}

/// So many values are gone through before it is asked again whether there is time.
const ROWS: usize = 1 << 20;

fn moved_over(
    evaluation: &Evaluation<'_, '_>,
    values: &[Option<f64>],
    width: usize,
    by: RowStatistic,
) -> Result<Vec<Option<f64>>> {
    let (mut made, mut gone_through) = (Vec::new(), 0);
    for end in width.saturating_add(1)..=values.len() {
        gone_through += width;
        if gone_through >= ROWS {
            evaluation.check_time()?;
            gone_through = 0;
        }
        let known: Vec<Option<f64>> =
            values.get(end - width..end).unwrap_or_default().iter().filter(|it| it.is_some()).copied().collect();
        made.push(if known.is_empty() { None } else { by.of(&known) });
    }
    Ok(made)
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// `timeShift(a, "1d")`: what was then, drawn now.
pub(super) fn time_shift(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let text = arguments.text(1, "timeShift")?;
    let shift =
        if text.starts_with(|letter: char| letter.is_ascii_digit()) { format!("-{text}") } else { text.to_owned() };
    let seconds = signed_seconds(&shift)?;
    check_reach(seconds)?;
    let resets_end = !arguments.has(2, "resetEnd") || arguments.is_true(2, "resetEnd")?;
    let target = arguments.target(0)?;
    let Some(now) = evaluation.evaluate(target)?.into_iter().next() else { return Ok(Vec::new()) };
    let then = FetchSpan { from: evaluation.span.from + seconds, until: evaluation.span.until + seconds };
    let mut made = Vec::new();
    for series in evaluation.of_span(then).evaluate(target)? {
        let end = if resets_end { now.end } else { series.end - series.start + now.start };
        let name = format!("timeShift({}, \"{shift}\")", series.name);
        let path = series.path.clone();
        let shifted = series.remade(name, series.values.clone()).tagged("timeShift", &shift);
        made.push(GraphSeries { start: now.start, end, path, ..shifted });
    }
    Ok(made)
}

/// `consolidateBy(a, "max")`
pub(super) fn consolidate_by(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
) -> Result<Vec<GraphSeries>> {
    let word = arguments.text(1, "consolidationFunc")?;
    if !GATHERINGS.contains(&word) {
        return Err(
            Error::usage(format!("`{word}` is no consolidation")).remedy(format!("one of {}", GATHERINGS.join(", ")))
        );
    }
    let mut made = Vec::new();
    for series in arguments.series(evaluation, 0)? {
        let name = format!("consolidateBy({},\"{word}\")", series.name);
        let it = series.remade(name, series.values.clone()).tagged("consolidateBy", word);
        made.push(GraphSeries { gathering: word.to_owned(), ..it });
    }
    Ok(made)
}

/// `constantLine(100)`, `threshold(100, "limit")`
pub(super) fn constant_line(
    evaluation: &Evaluation<'_, '_>,
    arguments: &CallArguments<'_>,
) -> Result<Vec<GraphSeries>> {
    let value = match arguments.call.arguments.first() {
        Some(Target::Number(value)) => *value,
        _ => return Err(Error::usage(format!("{}: `value` must be a number", arguments.call.function))),
    };
    let FetchSpan { from, until } = evaluation.span;
    // As Python writes a float: `100.0`.
    let text = format!("{value:?}");
    let label = if arguments.call.function == "threshold" { arguments.text_if_given(1, "label")? } else { None };
    let mut tags = std::collections::BTreeMap::new();
    tags.insert("name".to_owned(), text.clone());
    Ok(vec![GraphSeries {
        name: label.map_or_else(|| text.clone(), str::to_owned),
        path: format!("constantLine({text})"),
        start: from,
        end: until,
        step: ((until - from) / 2).max(1),
        values: vec![Some(value); 3],
        gathering: "average".to_owned(),
        tags,
        origin: None,
    }])
}
