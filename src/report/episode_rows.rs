//! An episode in which a route left its usual range.
//!
//! ```text
//! {"from":1322661900.0,"until":1322662020.0,"route":"webapp.backend.git","what":"..","worst":3327,"usual":44,"link":"..","command":".."}
//! ```

use serde::Serialize;

use super::number::{self, EpochSeconds};
use super::rows::{Heading, ReportRow};
use crate::route::readable_name;

/// One episode.
#[derive(Debug, Clone, Default, Serialize)]
pub struct EpisodeRow {
    /// The start of its first minute.
    pub from: EpochSeconds,
    /// The end of its last, as far as is known.
    pub until: EpochSeconds,
    /// The route, as in Graphite.
    pub route: String,
    /// `slow` or `failing`.
    pub cause: &'static str,
    /// The highest p95 of a minute in milliseconds, or the largest part that failed, in thousandths.
    pub worst: u64,
    /// The median of the usual ones.
    pub usual: u64,
    /// What a graph is told.
    pub what: String,
    /// The page's view of it; nothing where no page is served.
    pub link: Option<String>,
    /// The command that prints the lines behind it.
    pub command: String,
}

impl ReportRow for EpisodeRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::text("from"),
            Heading::text("until"),
            Heading::text("route"),
            Heading::text("cause"),
            Heading::number("worst"),
            Heading::number("usual"),
            Heading::text("command"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        let shown = |value: u64| match self.cause {
            "slow" => number::millis(value),
            _ => format!("{}.{} %", value / 10, value % 10),
        };
        vec![
            self.from.0.to_string(),
            self.until.0.to_string(),
            readable_name(&self.route).to_string(),
            self.cause.to_owned(),
            shown(self.worst),
            shown(self.usual),
            self.command.clone(),
        ]
    }
}
