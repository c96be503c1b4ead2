//! One value of several: what `aggregate`, `summarize`, `groupByNode`, `highest` and their like name by a word.

/// A statistic of some values, of which some are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowStatistic {
    Average,
    AverageZero,
    Median,
    Sum,
    Least,
    Largest,
    Difference,
    Deviation,
    Count,
    Range,
    Product,
    Last,
}

/// All of them with their names, those that are not the first of their kind behind.
const NAMES: [(&str, RowStatistic); 16] = [
    ("average", RowStatistic::Average),
    ("avg_zero", RowStatistic::AverageZero),
    ("median", RowStatistic::Median),
    ("sum", RowStatistic::Sum),
    ("min", RowStatistic::Least),
    ("max", RowStatistic::Largest),
    ("diff", RowStatistic::Difference),
    ("stddev", RowStatistic::Deviation),
    ("count", RowStatistic::Count),
    ("range", RowStatistic::Range),
    ("multiply", RowStatistic::Product),
    ("last", RowStatistic::Last),
    ("rangeOf", RowStatistic::Range),
    ("avg", RowStatistic::Average),
    ("total", RowStatistic::Sum),
    ("current", RowStatistic::Last),
];

impl RowStatistic {
    /// By its name, which may end in `Series`.
    pub(super) fn named(name: &str) -> Option<RowStatistic> {
        let name = name.strip_suffix("Series").unwrap_or(name);
        NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, statistic)| statistic)
    }

    /// All names.
    pub(super) fn names() -> Vec<&'static str> {
        NAMES.iter().map(|(name, _)| *name).collect()
    }

    /// Of these values; none of none.
    pub(super) fn of(self, row: &[Option<f64>]) -> Option<f64> {
        let known: Vec<f64> = row.iter().flatten().copied().collect();
        let count = known.len() as f64;
        let sum: f64 = known.iter().sum();
        match self {
            RowStatistic::Count => return Some(count),
            RowStatistic::AverageZero if !row.is_empty() => return Some(sum / row.len() as f64),
            // Of a product no factor may be absent.
            RowStatistic::Product if known.len() < row.len() => return None,
            _ => {}
        }
        let first = known.first().copied()?;
        let least = || known.iter().copied().reduce(f64::min);
        let largest = || known.iter().copied().reduce(f64::max);
        match self {
            RowStatistic::Average | RowStatistic::AverageZero => Some(sum / count),
            RowStatistic::Median => median(known),
            RowStatistic::Sum | RowStatistic::Count => Some(sum),
            RowStatistic::Least => least(),
            RowStatistic::Largest => largest(),
            RowStatistic::Difference => Some(known.iter().skip(1).fold(first, |left, value| left - value)),
            RowStatistic::Deviation => {
                let mean = sum / count;
                let squares: f64 = known.iter().map(|value| (value - mean) * (value - mean)).sum();
                Some((squares / count).sqrt())
            }
            RowStatistic::Range => Some(largest()? - least()?),
            RowStatistic::Product => Some(known.iter().product()),
            RowStatistic::Last => known.last().copied(),
        }
    }
}

fn median(mut known: Vec<f64>) -> Option<f64> {
    known.sort_by(f64::total_cmp);
    let middle = known.len() / 2;
    let upper = known.get(middle).copied()?;
    if known.len().is_multiple_of(2) { Some((known.get(middle.checked_sub(1)?)? + upper) / 2.0) } else { Some(upper) }
}

/// The percentile by NIST's rank, `n/100 * (count + 1)`, as Graphite takes it.
pub(super) fn percentile(row: &[Option<f64>], n: f64, interpolate: bool) -> Option<f64> {
    let mut known: Vec<f64> = row.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let exact = n / 100.0 * (known.len() as f64 + 1.0);
    let (whole, fraction) = (exact.floor(), exact.fract());
    let rank = if interpolate { whole } else { exact.ceil() };
    let rank = (rank.max(0.0) as usize).min(known.len());
    let value = known.get(rank.saturating_sub(1)).copied()?;
    match known.get(rank) {
        Some(next) if interpolate && rank > 0 => Some(value + fraction * (next - value)),
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_a_row() {
        let row = [Some(1.0), None, Some(4.0), Some(3.0)];
        let of = |name: &str| RowStatistic::named(name).unwrap().of(&row);
        assert_eq!((of("sum"), of("avg"), of("avg_zero")), (Some(8.0), Some(8.0 / 3.0), Some(2.0)));
        assert_eq!(
            (of("median"), of("min"), of("maxSeries"), of("range")),
            (Some(3.0), Some(1.0), Some(4.0), Some(3.0))
        );
        assert_eq!((of("diff"), of("count"), of("last"), of("multiply")), (Some(-6.0), Some(3.0), Some(3.0), None));
        assert_eq!(RowStatistic::Sum.of(&[None]), None);
        assert!(RowStatistic::named("mode").is_none());
        assert_eq!(percentile(&row, 50.0, false), Some(3.0));
        assert_eq!(percentile(&row, 90.0, false), Some(4.0));
        assert_eq!(percentile(&row, 30.0, true), Some(1.4));
    }
}
