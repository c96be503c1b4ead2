//! Rules of the configuration (`[[route]]`): what they ask of a request, and what they call its route.
//!
//! [`rule`] is what was written, [`condition`] and [`path_pattern`] what a request has to meet, [`rule_name`] the name with
//! its captures. [`Router`](super::Router) compiles rules and finds the first that a request meets. `rule` imports none of the
//! others; `rule_name` imports `condition`, and that `path_pattern`.

pub(super) mod condition;
pub(super) mod path_pattern;
pub(super) mod rule;
pub(super) mod rule_name;
