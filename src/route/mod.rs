//! From a request to the name of its route.

/// A route's number in one store (or one batch run). Numbers are given in order of first sight and never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(pub u32);
