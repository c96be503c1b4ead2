//! `/render`: targets over the store as series, in JSON, CSV or Graphite's raw form.
//!
//! ```text
//! RenderRequest  the parameters, read as graphite-web reads them
//! source         series out of the store, one value a step
//! evaluate       a target's tree to series, with functions/
//! drawn          several points as one where there are more than are asked for; the texts of the answer
//! ```

mod drawn;
mod evaluate;
mod request;
mod series;
mod source;

pub use drawn::RenderedText;
pub use evaluate::Evaluation;
pub use request::{RenderFormat, RenderRequest};
pub use series::{GATHERINGS, GraphSeries, SeriesOrigin};
pub use source::{FetchSpan, StoredSeries, is_exact_when_merged};

use crate::error::Result;

/// The answer to a render.
///
/// # Errors
/// A target that is not understood, a function that is not supported, or the store cannot be read.
pub fn render(request: &RenderRequest, store: &StoredSeries<'_>, is_late: &dyn Fn() -> bool) -> Result<RenderedText> {
    let evaluation = Evaluation { store, span: request.span, now: request.now, zone: request.zone, is_late };
    let mut series = Vec::new();
    for target in &request.targets {
        series.extend(evaluation.evaluate(target)?);
    }
    drawn::write(request, series, store)
}
