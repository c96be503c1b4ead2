//! What interpreters are made from: the rules, and what is asked for.

use std::sync::Arc;

use super::filter::Filter;
use super::kept::AskedRules;
use crate::explain::WhereCondition;
use crate::route::{Router, Routes};

/// What an [`Interpreter`](super::Interpreter) is made from; shared by the workers.
#[derive(Clone)]
pub struct Interpreting {
    /// The rules.
    pub router: Arc<Router>,
    /// The names given so far.
    pub routes: Arc<Routes>,
    /// A request at or above this many milliseconds is slow, unless its rule says otherwise.
    pub threshold_ms: u64,
    /// What requests have to meet to be [wanted](super::RoutedRecord::wanted).
    pub conditions: Arc<[WhereCondition]>,
}

impl Interpreting {
    /// The same, which tells requests that the filter's conditions mean.
    #[must_use]
    pub fn asking(self, filter: &Filter) -> Interpreting {
        Interpreting { conditions: Arc::clone(&filter.conditions), ..self }
    }

    /// What lines that are read with this have as [`LogReading::rules`](crate::store::LogReading::rules).
    pub fn rules(&self) -> u64 {
        rules_of(&self.router, self.threshold_ms)
    }

    /// The rules that can make a difference to what is asked for.
    pub fn asked_rules(&self, filter: &Filter) -> AskedRules {
        AskedRules { rules: self.rules(), series: self.asks_for_series(filter).then(|| self.series()) }
    }

    /// Whether members of the series of now are asked for by the first node of their names.
    pub fn names_series(&self, filter: &Filter) -> bool {
        self.router.series().first_nodes().iter().any(|node| filter.names_node(node))
    }

    /// Whether members of the series of now may be asked for, or routes that gave way to them.
    pub fn asks_for_series(&self, filter: &Filter) -> bool {
        self.router.series().first_nodes().iter().any(|node| filter.concerns_series(node))
    }

    /// What lines that are read with this have as [`LogReading::series`](crate::store::LogReading::series).
    pub fn series(&self) -> u64 {
        self.router.series().fingerprint()
    }

    /// The same for the lines of one log, given by its path or pattern: nginx's locations depend on it.
    #[must_use]
    pub fn for_log(&self, log: &str) -> Interpreting {
        Interpreting { router: self.router.of_log(log), ..self.clone() }
    }
}

/// A hash of what names routes and says when their requests are slow, as [`LogReading::rules`](crate::store::LogReading::rules) has it.
fn rules_of(router: &Router, threshold_ms: u64) -> u64 {
    router.fingerprint().rotate_left(17) ^ threshold_ms
}
