//! A route of the store, as `routes` lists it.
//!
//! ```text
//! {"route":"api.v1.users.__id","name":"api.v1.users.{id}","kind":"route","metrics":["nginx.web1.api.v1.users.__id"],
//!  "since":"2011-11-30T14:00:00.000Z","last_seen":"2011-11-30T14:09:50.000Z","requests":941}
//! ```

use serde::Serialize;

use super::number;
use super::rows::{Heading, ReportRow};

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RouteRow {
    /// Its name as carbon, csv and json have it.
    pub route: String,
    /// Its name as people read it.
    pub name: String,
    /// `route`; `series` where it is a member of one, `probe` where its requests are of monitoring. Those of routes and probes add up to
    /// all, and are in series besides.
    pub kind: &'static str,
    /// The metric that its series lie under, for each carbon that is configured and gets it.
    pub metrics: Vec<String>,
    /// The beginning of the first slot with a request of it, in UTC; null if it has none.
    pub since: Option<String>,
    /// The beginning of the last slot with one.
    pub last_seen: Option<String>,
    /// How many requests it had in the window; null if the store cannot say.
    pub requests: Option<u64>,
}

impl ReportRow for RouteRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::text("route"),
            Heading::text("in Graphite").yielding(1),
            Heading::text("since").yielding(3),
            Heading::text("last seen").yielding(2),
            Heading::number("requests"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let metric = self.metrics.first().unwrap_or(&self.route);
        let metric = if self.route.is_empty() { "" } else { metric };
        vec![
            if self.kind == "probe" { format!("{} (monitoring)", self.name) } else { self.name.clone() },
            metric.to_owned(),
            self.since.clone().unwrap_or_default(),
            self.last_seen.clone().unwrap_or_default(),
            self.requests.map_or_else(|| "-".to_owned(), number::count),
        ]
    }
}
