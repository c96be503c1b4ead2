//! From a request to the name of its route.
//!
//! The first matching [`Rule`] names it; without one, the nginx location that it entered (see [`location`]), if nginx's
//! configuration is known; else its path folded to a template does (see [`fold`]). Names are
//! Graphite-safe and reversible (see [`name`]). [`Routes`] numbers them, up to a cap; a [`Matcher`] is one worker's
//! fast way there. Pure: no I/O, no threads.

mod cache;
mod condition;
pub mod fold;
mod glance;
mod interner;
pub mod location;
mod matcher;
pub mod name;
mod pattern;
mod request;
mod router;
mod rule;
mod rule_name;
#[cfg(test)]
mod tests;

pub use interner::{DEFAULT_CAP, Routes};
pub use location::{Listed, Locations};
pub use matcher::{Matched, Matcher};
pub use name::{decode, encode_node, encode_path, is_safe};
pub use request::Request;
pub use router::Router;
pub use rule::{Rule, RuleError};

/// A route's number in one store (or one batch run). Numbers are given in order of first sight and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);
