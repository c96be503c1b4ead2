//! The answer to a render: its targets evaluated with all functions, as text.

use super::functions;
use super::render::{Evaluation, RenderRequest, RenderedText, StoredSeries, write_series};
use super::target::Target;
use crate::error::Result;

/// The answer to a render.
///
/// # Errors
/// A target that is not understood, a function that is not supported, or the store cannot be read.
pub fn rendered(request: &RenderRequest, store: &StoredSeries<'_>, is_late: &dyn Fn() -> bool) -> Result<RenderedText> {
    let RenderRequest { span, now, zone, .. } = *request;
    let evaluation = Evaluation { call: functions::apply, store, span, now, zone, is_late };
    let evaluate = || {
        let mut series = Vec::new();
        for target in &request.targets {
            series.extend(evaluation.evaluate(target)?);
        }
        Ok(series)
    };
    if request.targets.iter().map(metrics_in).sum::<usize>() > 1 {
        store.read_ahead(evaluate, is_late)?;
    }
    write_series(request, evaluate()?, store, is_late)
}

/// How many metrics or globs a target names, each of which would go through the store by itself.
fn metrics_in(target: &Target) -> usize {
    match target {
        Target::Path(_) => 1,
        Target::Call(call) if call.function == "seriesByTag" => 1,
        Target::Call(call) => call.arguments.iter().map(metrics_in).sum(),
        Target::Template(_) => metrics_in(&target.filled(&[])),
        _ => 0,
    }
}
