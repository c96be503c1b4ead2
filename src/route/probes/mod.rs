//! Requests of monitoring: kept out of the routes, and counted in series of their own, `probe.NAME`.
//!
//! ```text
//! probe_rule     agent, address, path as configured -> compiled; which requests it means
//! probe_matcher  a request -> the series' number; one for each worker
//! ```
//!
//! A probe is asked for before any rule: what it catches is in one series `probe.NAME` instead of in a route, and in no other series, so
//! that routes have the requests of people alone. Such a series is kept as a member of a series is, with the mark before its name;
//! whatever means "all" means routes. Without probes a line costs one branch.

pub(super) mod probe_matcher;
pub(super) mod probe_rule;
