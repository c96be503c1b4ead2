//! Functions that leave some series out, or put them into another order.

use super::arguments::CallArguments;
use super::combine::statistic;
use super::names::regex_of;
use super::row_statistics::RowStatistic;
use crate::error::Result;
use crate::graphite::render::{Evaluation, GraphSeries};

/// The series of the first argument that are chosen.
pub(super) fn chosen(evaluation: &Evaluation<'_, '_>, arguments: &CallArguments<'_>) -> Result<Vec<GraphSeries>> {
    let mut series = arguments.series(evaluation, 0)?;
    match arguments.call.function.as_str() {
        "limit" => series.truncate(count(arguments.number(1, "n")?)),
        "grep" => {
            let regex = regex_of(arguments.text(1, "pattern")?)?;
            series.retain(|it| regex.is_match(&it.name));
        }
        "exclude" => {
            let regex = regex_of(arguments.text(1, "pattern")?)?;
            series.retain(|it| !regex.is_match(&it.name));
        }
        "removeEmptySeries" => series.retain(|it| it.values.iter().any(Option::is_some)),
        "sortByName" => {
            series.sort_by(|one, other| one.name.cmp(&other.name));
            if arguments.is_true(2, "reverse")? {
                series.reverse();
            }
        }
        "fallbackSeries" if series.is_empty() => return arguments.series(evaluation, 1),
        "fallbackSeries" => {}
        name if name.ends_with("Above") || name.ends_with("Below") => keep_beyond(&mut series, arguments)?,
        _ => order(&mut series, arguments)?,
    }
    Ok(series)
}

fn count(number: f64) -> usize {
    number.max(0.0) as usize
}

/// `maximumAbove(a, 5)` and its like.
fn keep_beyond(series: &mut Vec<GraphSeries>, arguments: &CallArguments<'_>) -> Result<()> {
    let function = arguments.call.function.as_str();
    let bound = arguments.number(1, "n")?;
    let by = match function.get(..3) {
        Some("max") => RowStatistic::Largest,
        Some("min") => RowStatistic::Least,
        Some("cur") => RowStatistic::Last,
        _ => RowStatistic::Average,
    };
    let above = function.ends_with("Above");
    // What has no value is below all, as Graphite has it.
    series.retain(|it| (by.of(&it.values).unwrap_or(f64::NEG_INFINITY) > bound) == above);
    Ok(())
}

/// Sorts by a statistic, and keeps the first so many where the function says so. What has none comes as if it were least.
fn order(series: &mut Vec<GraphSeries>, arguments: &CallArguments<'_>) -> Result<()> {
    let function = arguments.call.function.as_str();
    let (by, descending, most) = match function {
        "sortByMaxima" => (RowStatistic::Largest, true, None),
        "sortByMinima" => (RowStatistic::Least, false, None),
        "sortByTotal" => (RowStatistic::Sum, true, None),
        "sortBy" => {
            let by = statistic(arguments.text_if_given(1, "func")?.unwrap_or("average"))?;
            (by, arguments.is_true(2, "reverse")?, None)
        }
        _ => {
            let most = arguments.number_if_given(1, "n")?.unwrap_or(1.0);
            let by = match function.trim_start_matches("highest").trim_start_matches("lowest") {
                "Max" => RowStatistic::Largest,
                "Min" => RowStatistic::Least,
                "Current" => RowStatistic::Last,
                "Average" => RowStatistic::Average,
                _ => statistic(arguments.text_if_given(2, "func")?.unwrap_or("average"))?,
            };
            (by, function.starts_with("highest"), Some(count(most)))
        }
    };
    if function == "sortByMinima" {
        // Graphite leaves out what never is above 0.
        series.retain(|it| RowStatistic::Largest.of(&it.values).is_some_and(|largest| largest > 0.0));
    }
    let key = |it: &GraphSeries| by.of(&it.values).unwrap_or(f64::NEG_INFINITY);
    series.sort_by(|one, other| match descending {
        true => key(other).total_cmp(&key(one)),
        false => key(one).total_cmp(&key(other)),
    });
    if let Some(most) = most {
        series.truncate(most);
    }
    Ok(())
}
