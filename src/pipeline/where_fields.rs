//! Whether logs have the fields that `--where` names.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::explain::{PlacedWhere, WhereCondition};
use crate::grammar::{Format, read_format};
use crate::store::View;

/// That these formats have what is asked for; where there are no formats, that is not known.
///
/// # Errors
/// None of them has a field.
pub fn check_where(conditions: &[WhereCondition], formats: &[Arc<Format>]) -> Result<()> {
    for condition in conditions {
        let is_there = |format: &Arc<Format>| PlacedWhere::of_format(condition, format).is_there();
        if formats.is_empty() || formats.iter().any(is_there) {
            continue;
        }
        let mut known: Vec<&str> = Vec::new();
        for variable in formats.iter().flat_map(|format| format.variables()) {
            if !known.contains(&variable.name.as_str()) {
                known.push(&variable.name);
            }
        }
        let field = &condition.field;
        return Err(Error::usage(format!("--where {field}: the log has no ${field}")).remedy(format!(
            "it has {}; beside these there are route, method, status, host, target, path, query:KEY, net, agent_family, status_class",
            known.join(", ")
        )));
    }
    Ok(())
}

/// The same of the formats that a store holds of its logs.
///
/// # Errors
/// As [`check_where`].
pub fn check_where_of_store(conditions: &[WhereCondition], view: &View) -> Result<()> {
    if conditions.is_empty() {
        return Ok(());
    }
    let readings = view.readings().iter();
    let formats: Vec<Arc<Format>> = readings.filter_map(|reading| read_format(&reading.format)).map(Arc::new).collect();
    check_where(conditions, &formats)
}
