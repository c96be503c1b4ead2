//! What the tests of all floors stand on.

pub(crate) mod history;
pub(crate) mod memory_medium;
pub(crate) mod traffic;
