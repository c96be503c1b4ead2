//! Whether logs have the fields that `--where` names, and can have the values.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::explain::{PlacedWhere, RefusedValue, WantedValue, WhereCondition};
use crate::grammar::{Format, read_format};
use crate::route::{PROBE_NODE, SeriesTemplates};
use crate::store::View;

/// That these formats have what is asked for, and can have the value; where there are no formats, that is not known.
///
/// # Errors
/// None of them has a field, or no request of those that have it can have the value.
pub fn check_where(conditions: &[WhereCondition], formats: &[Arc<Format>]) -> Result<()> {
    if conditions.is_empty() {
        return Ok(());
    }
    let formats: Vec<Format> = formats.iter().flat_map(|format| format.chain()).collect();
    for condition in conditions {
        let placed = formats.iter().map(|format| PlacedWhere::of_format(condition, format));
        let there: Vec<PlacedWhere> = placed.filter(PlacedWhere::is_there).collect();
        if formats.is_empty() || !there.is_empty() {
            check_value(condition, &there)?;
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
            "it has {}; beside these there are route, and, as far as the log says them, method, status, host, target, path, query:KEY, net, agent_family, status_class",
            known.join(", ")
        )));
    }
    Ok(())
}

/// The error of a value that no request of any of these logs can have.
fn check_value(condition: &WhereCondition, there: &[PlacedWhere]) -> Result<()> {
    let field = &condition.field;
    let mut refused = None;
    for placed in there {
        let Some(refusal) = placed.refusal(field) else { return Ok(()) };
        refused = Some(refusal);
    }
    match refused {
        Some(RefusedValue { what, remedy }) => Err(Error::usage(format!("--where {field}: {what}")).remedy(remedy)),
        None => Ok(()),
    }
}

/// The same of the formats that a store holds of its logs.
///
/// # Errors
/// As [`check_where`].
pub fn check_where_of_store(conditions: &[WhereCondition], view: &View) -> Result<()> {
    check_where(conditions, &stored_formats(view))
}

/// The formats that a store holds of its logs, those before a change too.
pub fn stored_formats(view: &View) -> Vec<Arc<Format>> {
    let read = view.readings().iter().filter_map(|reading| read_format(&reading.format));
    read.flat_map(|format| format.chain()).map(Arc::new).collect()
}

/// The routes to ask for where conditions on the route name probes and nothing else says which routes are meant: without these, all means
/// none of a probe.
pub fn routes_of_conditions(conditions: &[WhereCondition]) -> Vec<String> {
    let names_probe = |condition: &&WhereCondition| first_node_asked(condition) == Some(PROBE_NODE);
    conditions.iter().find(names_probe).map(|_| format!("{PROBE_NODE}.*")).into_iter().collect()
}

/// That no condition on the route names members of series: no route is called so.
///
/// # Errors
/// One does.
pub fn check_where_of_routes(conditions: &[WhereCondition], series: &SeriesTemplates) -> Result<()> {
    for condition in conditions {
        let Some(node) = first_node_asked(condition) else { continue };
        if series.first_nodes().iter().any(|own| own == node) {
            let what = format!("--where route: `{node}` is a [[series]], and no route is called so");
            return Err(Error::usage(what).remedy(format!("--route '{node}.*' has its members")));
        }
    }
    Ok(())
}

/// The node that a name has to begin with, where a condition on the route says one.
fn first_node_asked(condition: &WhereCondition) -> Option<&str> {
    if condition.field != "route" || !condition.is_wanted {
        return None;
    }
    let (WantedValue::Is(name) | WantedValue::Literal(name) | WantedValue::Begins(name)) = &condition.value else {
        return None;
    };
    std::str::from_utf8(name).ok()?.split_once('.').map(|(node, _)| node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Escape;

    fn format(text: &str) -> Format {
        Format::compile_unnamed(text, Escape::Default).unwrap()
    }

    fn error(condition: &str, formats: &[Format]) -> Option<String> {
        let formats: Vec<Arc<Format>> = formats.iter().cloned().map(Arc::new).collect();
        let condition = WhereCondition::parse(condition).unwrap();
        check_where(&[condition], &formats).err().map(|error| error.to_string())
    }

    #[test]
    fn what_only_a_format_before_a_change_has_can_be_asked_for() {
        let (now, then) = (format("$msec $status"), format("$msec $status $http_x_id"));
        assert!(error("http_x_id=5", std::slice::from_ref(&now)).is_some());
        assert_eq!(error("http_x_id=5", &[now.following(&then, None)]), None);
    }

    #[test]
    fn a_value_is_refused_where_no_log_can_have_it() {
        let (number, other) = (format("$msec $bytes_sent"), format("$msec $status"));
        assert!(error("bytes_sent=x", &[number.clone(), other.clone()]).unwrap().contains("no number"));
        assert_eq!(error("bytes_sent=5", &[number, other]), None);
        assert_eq!(error("anything=5", &[]), None);
    }
}
