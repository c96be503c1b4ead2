//! Answers: what the store holds, as of one commit, and what is known to be lacking.
//!
//! [`view`] is what other layers hold. It calls the journal, the segments and the manifest, and never writes but for the
//! cache of [`restart_points`].

pub(crate) mod completeness;
pub(crate) mod rank;
pub(crate) mod restart_points;
pub(crate) mod totals;
pub(crate) mod view;
