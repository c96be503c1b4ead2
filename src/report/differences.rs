//! A difference that `verify` found: a number of the store that is not what the logs or Graphite say.
//!
//! ```text
//! {"slot":"2011-11-30T14:05:00.000Z","route":"api.__id","what":"requests","stored":12.0,"against":"logs","found":13.0}
//! ```

use serde::Serialize;

use super::number;
use super::rows::{Heading, ReportRow};
use crate::route::readable_name;

/// One number that is not the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct DifferenceRow {
    /// The beginning of the slot, in UTC.
    pub slot: String,
    /// The route's name.
    pub route: String,
    /// Which number: `requests`, or a metric as carbon has it.
    pub what: String,
    /// What the store says; null if it has none.
    pub stored: Option<f64>,
    /// What the store is held against.
    pub against: Against,
    /// What that says; null if it has none.
    pub found: Option<f64>,
}

/// What the store is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// The raw lines.
    #[default]
    Logs,
    /// What Graphite renders.
    Graphite,
}

impl Against {
    fn name(self) -> &'static str {
        match self {
            Against::Logs => "logs",
            Against::Graphite => "graphite",
        }
    }
}

impl ReportRow for DifferenceRow {
    fn headings(&self) -> Vec<Heading> {
        vec![
            Heading::text("slot"),
            Heading::text("route"),
            Heading::text("what"),
            Heading::number("stored"),
            Heading::text("against"),
            Heading::number("found"),
        ]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.slot.clone(),
            readable_name(&self.route).into_owned(),
            self.what.clone(),
            number::decimal_or_dash(self.stored),
            self.against.name().to_owned(),
            number::decimal_or_dash(self.found),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Against;

    #[test]
    fn people_and_programs_get_the_same_word() {
        for against in [Against::Logs, Against::Graphite] {
            assert_eq!(serde_json::to_value(against).unwrap(), against.name());
        }
    }
}
