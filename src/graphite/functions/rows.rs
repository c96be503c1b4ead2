//! Series side by side: at one step, from the first beginning to the last end.

use std::collections::BTreeMap;

use super::row_statistics::RowStatistic;
use crate::graphite::render::GraphSeries;

/// Some series at one step.
pub(super) struct AlignedSeries {
    pub(super) columns: Vec<Vec<Option<f64>>>,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) step: i64,
}

/// As Graphite aligns them: each is gathered to the least common step; they stand side by side from their own first values on.
pub(super) fn aligned(series: &[GraphSeries]) -> Option<AlignedSeries> {
    let step = series.iter().map(|it| it.step.max(1)).reduce(least_common)?;
    let start = series.iter().map(|it| it.start).min()?;
    let end = series.iter().map(|it| it.end).max()?;
    let columns = series.iter().map(|it| it.gathered(step / it.step.max(1))).collect();
    Some(AlignedSeries { columns, start, end: end - (end - start).rem_euclid(step), step })
}

impl AlignedSeries {
    /// Row by row; a column that has ended has nothing.
    pub(super) fn rows(&self) -> impl Iterator<Item = Vec<Option<f64>>> {
        let length = self.columns.iter().map(Vec::len).max().unwrap_or(0);
        (0..length).map(|at| self.columns.iter().map(|column| column.get(at).copied().flatten()).collect())
    }

    /// A new series of as many rows.
    pub(super) fn series(&self, name: String, values: Vec<Option<f64>>) -> GraphSeries {
        let mut tags = BTreeMap::new();
        tags.insert("name".to_owned(), name.clone());
        GraphSeries {
            path: name.clone(),
            name,
            start: self.start,
            end: self.end,
            step: self.step,
            values,
            gathering: "average".to_owned(),
            tags,
            origin: None,
        }
    }
}

fn least_common(one: i64, other: i64) -> i64 {
    let (mut a, mut b) = (one, other);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (one / a.max(1)).saturating_mul(other)
}

/// What several series are called together.
pub(super) fn paths_of(series: &[GraphSeries]) -> String {
    let mut paths: Vec<&str> = Vec::new();
    for it in series {
        if !paths.contains(&it.path.as_str()) {
            paths.push(&it.path);
        }
    }
    paths.join(",")
}

/// `sumSeries(a,b)` and its like.
pub(super) fn aggregated(series: &[GraphSeries], statistic: RowStatistic, word: &str) -> Option<GraphSeries> {
    let rows = aligned(series)?;
    let values = rows.rows().map(|row| row.iter().any(Option::is_some).then(|| statistic.of(&row)).flatten()).collect();
    let word = word.strip_suffix("Series").unwrap_or(word);
    let name = format!("{word}Series({})", paths_of(series));
    let mut made = rows.series(name.clone(), values);
    let mut tags = series.first()?.tags.clone();
    tags.retain(|tag, value| series.iter().all(|it| it.tags.get(tag) == Some(value)));
    tags.entry("name".to_owned()).or_insert(name);
    tags.insert("aggregatedBy".to_owned(), word.to_owned());
    made.tags = tags;
    Some(made)
}
