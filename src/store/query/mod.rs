//! Answers: what the store holds, as of one commit, and what is known to be lacking.
//!
//! [`view`] is what other layers hold. It calls the journal, the segments and the manifest, and never writes but for the
//! cache of [`restart_points`].

pub(crate) mod cells;
pub(crate) mod completeness;
pub(crate) mod damaged;
pub(crate) mod rank;
pub(crate) mod restart_points;
pub(crate) mod sealed;
pub(crate) mod slow_entries;
pub(crate) mod view;
