//! What counts lines, and the numbers by which Grafana asks whether anyone is there.

use std::time::Duration;

use super::ast::{Aggregation, LogqlQuery, MetricFunction, MetricQuery, Reduction};
use super::lexis::{LogqlResult, blank, duration, keyword, must_be, name, number, refuse, shown, sign};
use super::stages::{committed, log_selection, pipeline};

/// A query may nest so deep.
const DEEPEST: usize = 32;

/// A whole query.
pub(super) fn query(text: &str) -> LogqlResult<'_, LogqlQuery> {
    query_within(text, 0)
}

fn query_within(text: &str, depth: usize) -> LogqlResult<'_, LogqlQuery> {
    let next = blank(text);
    if depth > DEEPEST {
        return refuse(next, "this is nested too deep");
    }
    if next.is_empty() {
        return refuse(next, "the query is empty; for example {route=~\".+\"}");
    }
    if next.starts_with('{') {
        return log_selection(next).map(|(rest, selection)| (rest, LogqlQuery::Lines(selection)));
    }
    if next.starts_with(|letter: char| letter.is_ascii_digit()) || keyword("vector")(next).is_ok() {
        return constant(next).map(|(rest, number)| (rest, LogqlQuery::Constant(number)));
    }
    if let Ok((rest, _)) = sign("(")(next) {
        let (rest, inner) = query_within(rest, depth + 1)?;
        return must_be(")")(rest).map(|(rest, _)| (rest, inner));
    }
    let Ok((rest, word)) = name(next) else {
        return refuse(next, format!("syntax error: unexpected `{}`", shown(next)));
    };
    if let Some(function) = function_of(word) {
        return counted(rest, function).map(|(rest, query)| (rest, LogqlQuery::Counts(query)));
    }
    match reduction_of(word) {
        Some(reduction) => aggregated(rest, reduction).map(|(rest, query)| (rest, LogqlQuery::Counts(query))),
        None => refuse(next, format!("`{word}` is not supported here; supported are {}", supported())),
    }
}

/// What may stand outside.
fn supported() -> &'static str {
    "count_over_time, rate, bytes_over_time, bytes_rate, and sum, min, max, avg, count of them"
}

fn function_of(word: &str) -> Option<MetricFunction> {
    Some(match word {
        "count_over_time" => MetricFunction::CountOverTime,
        "rate" => MetricFunction::Rate,
        "bytes_over_time" => MetricFunction::BytesOverTime,
        "bytes_rate" => MetricFunction::BytesRate,
        _ => return None,
    })
}

fn reduction_of(word: &str) -> Option<Reduction> {
    Some(match word {
        "sum" => Reduction::Sum,
        "min" => Reduction::Min,
        "max" => Reduction::Max,
        "avg" => Reduction::Average,
        "count" => Reduction::Count,
        _ => return None,
    })
}

/// `by (level) (RATE)`, or `(RATE) by (level)`.
fn aggregated(text: &str, reduction: Reduction) -> LogqlResult<'_, MetricQuery> {
    let (rest, before) = grouping(text)?;
    let (rest, _) = must_be("(")(rest)?;
    let place = blank(rest);
    let Ok((behind, word)) = name(rest) else { return refuse(place, format!("expected one of {}", supported())) };
    let Some(function) = function_of(word) else {
        return refuse(
            place,
            format!("`{word}` within an aggregation is not supported here; supported are {}", supported()),
        );
    };
    let (rest, counted) = counted(behind, function)?;
    let (rest, _) = must_be(")")(rest)?;
    let (rest, grouped) = match before {
        Some(grouped) => (rest, Some(grouped)),
        None => grouping(rest)?,
    };
    let (without, labels) = grouped.unwrap_or((false, Vec::new()));
    Ok((rest, MetricQuery { aggregation: Some(Aggregation { reduction, labels, without }), ..counted }))
}

/// `by (a, b)` or `without (a, b)`.
fn grouping(text: &str) -> LogqlResult<'_, Option<(bool, Vec<String>)>> {
    let (without, rest) = match (keyword("by")(text), keyword("without")(text)) {
        (Ok((rest, _)), _) => (false, rest),
        (_, Ok((rest, _))) => (true, rest),
        _ => return Ok((text, None)),
    };
    let (mut rest, _) = must_be("(")(rest)?;
    let mut labels = Vec::new();
    while let Ok((behind, label)) = name(rest) {
        labels.push(label.to_owned());
        rest = match sign(",")(behind) {
            Ok((behind, _)) => behind,
            Err(_) => {
                rest = behind;
                break;
            }
        };
    }
    must_be(")")(rest).map(|(rest, _)| (rest, Some((without, labels))))
}

/// `(SELECTION [5m])`, or `(SELECTOR [5m] STAGES)`.
fn counted(text: &str, function: MetricFunction) -> LogqlResult<'_, MetricQuery> {
    let (rest, _) = must_be("(")(text)?;
    let (rest, mut selection) = match log_selection(rest) {
        Ok(parsed) => parsed,
        Err(nom::Err::Error(_)) => {
            return refuse(blank(rest), "syntax error: expected a log query such as {route=~\".+\"}");
        }
        Err(other) => return Err(other),
    };
    let (rest, _) = must_be("[")(rest)?;
    let place = blank(rest);
    let (rest, seconds) = committed(duration(rest))?;
    let (rest, _) = must_be("]")(rest)?;
    if keyword("offset")(rest).is_ok() {
        return refuse(blank(rest), "`offset` is not supported here");
    }
    // The range may stand before the stages as well: `{..}[5m] |= "x"`.
    let (rest, behind) = if selection.stages.is_empty() { pipeline(rest)? } else { (rest, Vec::new()) };
    selection.stages.extend(behind);
    let (rest, _) = must_be(")")(rest)?;
    let range = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    if range.as_millis() == 0 {
        return refuse(place, "the range must be a millisecond at least");
    }
    Ok((rest, MetricQuery { aggregation: None, function, selection, range }))
}

/// `vector(1)+vector(1)`, from left to right.
fn constant(text: &str) -> LogqlResult<'_, f64> {
    let (mut rest, mut sum) = one_constant(text)?;
    loop {
        let next = blank(rest);
        let Some(operator) = next.chars().next().filter(|letter| "+-*/".contains(*letter)) else {
            return Ok((rest, sum));
        };
        let (behind, other) = one_constant(next.get(1..).unwrap_or_default())?;
        sum = match operator {
            '+' => sum + other,
            '-' => sum - other,
            '*' => sum * other,
            _ => sum / other,
        };
        rest = behind;
    }
}

fn one_constant(text: &str) -> LogqlResult<'_, f64> {
    let Ok((rest, _)) = keyword("vector")(text) else { return committed(number(text)) };
    let (rest, _) = must_be("(")(rest)?;
    let (rest, number) = committed(number(rest))?;
    must_be(")")(rest).map(|(rest, _)| (rest, number))
}

/// The operator that stands here, between two queries.
pub(super) fn operator_name(text: &str) -> Option<&'static str> {
    let names = ["==", "!=", ">=", "<=", ">", "<", "+", "-", "*", "/", "%", "^", "and", "or", "unless", "offset"];
    names.into_iter().find(|name| text.starts_with(name))
}
