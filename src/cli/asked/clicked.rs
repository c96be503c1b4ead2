//! The window around the point of a graph that was clicked.

use crate::cli::answer::names::wanted_routes;
use crate::cli::answer::output::say;
use crate::error::Result;
use crate::graphite::around::{around_in_store, length_of};
use crate::graphite::asked::{AskedPoint, Pasted};
use crate::pipeline::Filter;
use crate::store::View;
use crate::time::{SpelledDuration, Window};

/// The slots around the point that stand out, by what the store counted; of files the point with its neighbours.
pub(super) fn window_around(point: AskedPoint, asked: &Pasted, filter: &Filter, view: Option<&View>) -> Result<Window> {
    let step = SpelledDuration(length_of(point.span));
    let neighbours = Window {
        from: point.span.from.minus(length_of(point.span)),
        until: point.span.until.plus(length_of(point.span)),
    };
    let Some(view) = view else {
        say(&format!("note: of files, the window is the {step} of the point, and as much before and after it"));
        return Ok(neighbours);
    };
    let routes = (!filter.routes.is_empty()).then(|| wanted_routes(view, filter));
    let found = around_in_store(view, point.span, routes.as_deref(), asked.metrics.first().copied())?;
    if !found.stands_out {
        say(&format!(
            "note: nothing around the point is more than twice what is usual in points of {step} around it: the window is the point's, and one \
             before and after"
        ));
    }
    Ok(found.window)
}
