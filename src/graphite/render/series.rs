//! A series while it is computed, and what becomes of several of its points that are drawn as one.

use std::collections::BTreeMap;

use crate::carbon::{CellMetric, TimeUnit};
use crate::route::RouteId;

/// Values at a fixed step.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphSeries {
    /// What the legend shows.
    pub name: String,
    /// What it is made of, which names what is made of it in turn.
    pub path: String,
    /// The time of the first value, in seconds since the epoch.
    pub start: i64,
    /// Behind the last value.
    pub end: i64,
    /// Seconds from one value to the next.
    pub step: i64,
    /// The values.
    pub values: Vec<Option<f64>>,
    /// What makes one value of several.
    pub gathering: String,
    /// Its tags, `name` among them.
    pub tags: BTreeMap<String, String>,
    /// What it is in the store, while it is just as it stands there.
    pub origin: Option<SeriesOrigin>,
}

/// What a series is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesOrigin {
    /// The routes whose requests are counted together.
    pub routes: Vec<RouteId>,
    /// What of them.
    pub metric: CellMetric,
    /// In which unit times are.
    pub unit: TimeUnit,
}

impl GraphSeries {
    /// The same with other values, under another name that says how they came about.
    #[must_use]
    pub fn remade(&self, name: String, values: Vec<Option<f64>>) -> GraphSeries {
        GraphSeries { path: name.clone(), name, values, origin: None, ..self.clone() }
    }

    /// The same with a tag.
    #[must_use]
    pub fn tagged(mut self, tag: &str, value: impl ToString) -> GraphSeries {
        self.tags.insert(tag.to_owned(), value.to_string());
        self
    }

    /// One value of each so many.
    pub fn gathered(&self, together: i64) -> Vec<Option<f64>> {
        let together = usize::try_from(together).unwrap_or(1).max(1);
        if together == 1 {
            return self.values.clone();
        }
        self.values.chunks(together).map(|values| gather(&self.gathering, values)).collect()
    }
}

/// One value of several by a consolidation function's name; average where there is no such one.
fn gather(by: &str, values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let (first, last) = (known.first().copied()?, known.last().copied()?);
    match by {
        "sum" => Some(known.iter().sum()),
        "max" => known.iter().copied().reduce(f64::max),
        "min" => known.iter().copied().reduce(f64::min),
        "first" => Some(first),
        "last" => Some(last),
        "avg_zero" => Some(known.iter().sum::<f64>() / values.len() as f64),
        _ => Some(known.iter().sum::<f64>() / known.len() as f64),
    }
}

/// Names of consolidation functions.
pub const GATHERINGS: [&str; 8] = ["sum", "average", "avg", "avg_zero", "max", "min", "first", "last"];
