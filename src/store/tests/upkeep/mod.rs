//! A store that grows old, or is repaired, answers as before.

mod maintenance;
pub(crate) mod repair;
