//! The functions of targets that the read API evaluates, each with Graphite's own meaning (`graphite/render/functions.py`), and `mergeSeries`,
//! which only histograms can do.
//!
//! [`table`] lists them; a name that is not there is refused by name.

mod arguments;
mod choose;
mod combine;
mod names;
mod over_time;
mod row_statistics;
mod rows;
pub mod table;
#[cfg(test)]
mod tests;
mod values;

use arguments::CallArguments;

use super::render::{Evaluation, GraphSeries};
use super::target::TargetCall;
use crate::error::{Error, Result, meant};
use table::{FUNCTIONS, FunctionKind};

/// What a call gives.
///
/// # Errors
/// A function that is not supported, or arguments that it does not take.
pub fn apply(evaluation: &Evaluation<'_, '_>, call: &TargetCall) -> Result<Vec<GraphSeries>> {
    let arguments = CallArguments { call };
    let Some(function) = FUNCTIONS.iter().find(|known| known.name == call.function) else {
        return Err(unknown(&call.function));
    };
    match function.kind {
        FunctionKind::Names => names::renamed(evaluation, &arguments),
        FunctionKind::OfAll(word) => combine::of_all(evaluation, &arguments, word),
        FunctionKind::Aggregate => combine::aggregate(evaluation, &arguments),
        FunctionKind::Merge => combine::merge(evaluation, &arguments),
        FunctionKind::PercentileOfSeries => combine::percentile_of(evaluation, &arguments),
        FunctionKind::Divide => combine::divide(evaluation, &arguments),
        FunctionKind::AsPercent => combine::as_percent(evaluation, &arguments),
        FunctionKind::GroupByNodes => combine::group_by_nodes(evaluation, &arguments),
        FunctionKind::GroupByTags => combine::group_by_tags(evaluation, &arguments),
        FunctionKind::Wildcards => combine::with_wildcards(evaluation, &arguments),
        FunctionKind::Values => values::of_values(evaluation, &arguments),
        FunctionKind::Summarize => over_time::summarize(evaluation, &arguments),
        FunctionKind::Moving => over_time::moving(evaluation, &arguments),
        FunctionKind::TimeShift => over_time::time_shift(evaluation, &arguments),
        FunctionKind::ConsolidateBy => over_time::consolidate_by(evaluation, &arguments),
        FunctionKind::Constant => over_time::constant_line(evaluation, &arguments),
        FunctionKind::Choose => choose::chosen(evaluation, &arguments),
        FunctionKind::Group => arguments.all_series(evaluation),
        // How a series is drawn says nothing of its values.
        FunctionKind::Drawing => arguments.series(evaluation, 0),
    }
}

/// That a function is not there, and which may be meant.
fn unknown(name: &str) -> Error {
    let error = Error::usage(format!("the function `{name}` is not supported"));
    match meant(name, FUNCTIONS.iter().map(|known| known.name), 2) {
        Some(known) => error.remedy(format!("did you mean `{known}`?")),
        None => error.remedy("/functions lists those that are"),
    }
}
