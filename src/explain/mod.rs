//! Why a window is slow: two sets of requests compared. Pure: no I/O, no clock, no chance that falls otherwise the next time.
//!
//! ```text
//! feature · phases      values of fields, numbered; where a request's time went
//! address · route_patterns · field_place · facets    a line's fields as features
//! change                what was counted
//! merged_features · sampling · requests    the requests of both sides in memory, as several threads read them
//! model · tally         what is usual of each route, and what each feature has beyond it
//! search                what sets the slow ones apart
//! rhythm · interval · first     whether it is news, how sure it is, who came first
//! answer · explanation  all of that, and the verdict
//! where_condition · where_value · where_place · placed_where    what is asked of fields: as typed, which values there can be, in lines of a format
//! ```
//!
//! Any two sets will do: a window and what was before it, a box of a heatmap and the rest. The one that is to be explained is
//! [`Side::Window`], what it is compared with [`Side::Baseline`].

mod address;
mod answer;
mod chance;
mod change;
mod clicked_condition;
mod explanation;
mod facets;
mod feature;
mod field_place;
mod first;
mod interval;
mod merged_features;
mod model;
mod phases;
mod placed_where;
mod requests;
mod rhythm;
mod route_patterns;
mod sampling;
mod search;
mod tally;
mod where_condition;
mod where_place;
mod where_value;

pub use answer::{BaselinePart, Cause, ExplainedSpans, Explanation, Folded, GrownValue, SideTimes, Verdict};
pub use change::{Change, ChangeParts, RouteChange, RouteSums, SideSums};
pub use explanation::explain;
pub use facets::FacetReader;
pub use feature::{Feature, FeatureId, Features, Field, FieldId, FieldSide, Holders};
pub use first::FirstComer;
pub use phases::{AttemptTimes, PHASES, Phase, PhaseTimes, phase_times};
pub use placed_where::PlacedWhere;
pub use requests::{KeptAtMost, KeptRequest, NewRequest, Requests, Side};
pub use sampling::LineOrigin;
pub use where_condition::{WantedValue, WhereCondition};
pub use where_value::RefusedValue;
