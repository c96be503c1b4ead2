//! The answer to a render: its targets evaluated with all functions, as text.

use super::functions;
use super::render::{Evaluation, RenderRequest, RenderedText, StoredSeries, write_series};
use crate::error::Result;

/// The answer to a render.
///
/// # Errors
/// A target that is not understood, a function that is not supported, or the store cannot be read.
pub fn rendered(request: &RenderRequest, store: &StoredSeries<'_>, is_late: &dyn Fn() -> bool) -> Result<RenderedText> {
    let RenderRequest { span, now, zone, .. } = *request;
    let evaluation = Evaluation { call: functions::apply, store, span, now, zone, is_late };
    let mut series = Vec::new();
    for target in &request.targets {
        series.extend(evaluation.evaluate(target)?);
    }
    write_series(request, series, store, is_late)
}
