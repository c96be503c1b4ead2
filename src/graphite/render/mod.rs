//! `/render`: targets over the store as series, in JSON, CSV or Graphite's raw form.
//!
//! ```text
//! RenderRequest  the parameters, read as graphite-web reads them
//! source         series out of the store, one value a step
//! stored_values  their values, read in one go for all that an answer needs
//! evaluate       a target's tree to series, with functions/
//! drawn          several points as one where there are more than are asked for; the texts of the answer
//! ```

mod drawn;
mod evaluate;
mod request;
mod series;
mod source;
mod stored_values;

pub use drawn::{RenderedText, write_series};
pub use evaluate::{CallEvaluator, Evaluation};
pub use request::{RenderFormat, RenderRequest};
pub use series::{GATHERINGS, GraphSeries, SeriesOrigin};
pub use source::{FetchSpan, StoredSeries, is_exact_when_merged};
