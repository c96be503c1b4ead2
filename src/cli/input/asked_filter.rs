//! The filter that a command's options mean: what they say, and what that names besides.

use super::context::Context;
use super::routing::routing;
use crate::cli::answer::output::say;
use crate::cli::answer::window;
use crate::cli::args::FilterArguments;
use crate::error::Result;
use crate::explain::{WantedValue, WhereCondition};
use crate::pipeline::{Filter, check_where_of_routes, routes_of_conditions};
use crate::store::WindowMatch;
use crate::time::Window;

/// The filter that the arguments mean, over `window`.
///
/// # Errors
/// Something cannot be read, or asks for what no request has.
pub(in crate::cli) fn asked_filter(
    context: &Context,
    arguments: &FilterArguments,
    window: Window,
    by: WindowMatch,
) -> Result<Filter> {
    let mut filter = window::filter(arguments, window, by)?;
    name_what_is_asked(context, &mut filter)?;
    Ok(filter)
}

/// Name the probes that conditions on the route name, where no route is named.
///
/// # Errors
/// A condition asks for members of a series, which no route is.
pub(in crate::cli) fn name_what_is_asked(context: &Context, filter: &mut Filter) -> Result<()> {
    if filter.conditions.is_empty() {
        return Ok(());
    }
    filter.conditions.iter().for_each(say_wildcard);
    check_where_of_routes(&filter.conditions, routing(context)?.series())?;
    if filter.routes.is_empty() {
        filter.routes = routes_of_conditions(&filter.conditions);
    }
    Ok(())
}

/// Say of a value with a `*` at an end, but for routes, that it is looked for as it stands.
fn say_wildcard(condition: &WhereCondition) {
    let WhereCondition { field, value: WantedValue::Is(value), .. } = condition else { return };
    if field != "route" && (value.starts_with(b"*") || value.ends_with(b"*")) && value.iter().any(|byte| *byte != b'*')
    {
        say(&format!("note: --where {field}: a `*` in a value stands for itself; what begins so is {field}^="));
    }
}
