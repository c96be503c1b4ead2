//! From a request to the name of its route.
//!
//! ```text
//! Request -- request.rs, query.rs --> method, host, path (without its query), status, variables
//!    1. the first rule that it meets names it       router.rs, rules/
//!    2. else the nginx location that it entered      location/      (if nginx's configuration is known)
//!    3. else its path, folded to a template          template.rs, segment.rs
//! name: Graphite-safe, and for 2 and 3 reversible    graphite_name.rs
//! number: RouteId, at most routes_max of them        routes.rs, cap.rs
//! and beside its route the members of series         series/
//! or instead of it the series of a probe             probes/
//! ```
//!
//! [`Matcher`] is one worker's fast way there: it asks its `cache` first. `matcher` imports all of the others, `router` the
//! `rules` and [`location`]s, both of these what is beside them; nothing imports `matcher`. Pure: no I/O, no threads.

mod byte_class;
mod cache;
pub mod cap;
pub mod graphite_name;
pub mod location;
mod matcher;
mod merit;
mod name_patterns;
mod node_glob;
mod path_scan;
mod probes;
mod query;
mod readable_name;
mod request;
mod router;
mod routes;
mod rules;
mod rules_by_front;
pub mod segment;
mod series;
mod series_name;
pub mod template;
#[cfg(test)]
mod tests;

pub use cap::DEFAULT_ROUTES_MAX;
pub use graphite_name::{decode, encode_node, encode_path, is_safe};
pub use location::{ListedLocation, Locations};
pub use matcher::{Matched, Matcher};
pub use name_patterns::{keeps_name, matches_any};
pub use node_glob::{GLOB_MARK, NodeGlob};
pub use probes::probe_matcher::{ProbeMatcher, ProbeSeries};
pub use probes::probe_rule::{PROBE_NODE, ProbeMistake, ProbeRule, Probes};
pub use readable_name::readable_name;
pub use request::Request;
pub use router::Router;
pub use routes::Routes;
pub use rules::rule::{Rule, RuleError};
pub use series::series_matcher::SeriesMatcher;
pub use series::series_template::{SeriesMistake, SeriesTemplates};
pub use series_name::{begins_with_node, marked_name, series_of};

/// A route's number in one store (or one batch run). Numbers are given in order of first sight and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);
