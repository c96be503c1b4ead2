//! The columns of the list of routes, as many as a terminal is wide.

use super::top_state::LiveOrder;
use crate::report::{LiveRow, count, millis, rate_words};

/// A column beside the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TopColumn {
    Rate,
    P50,
    P99,
    Max,
    Share,
    Slow,
    Refused,
    Errors,
}

/// A terminal that is so wide has all columns up to here.
const SETS: [(u16, &[TopColumn]); 5] = [
    (
        118,
        &[
            TopColumn::Rate,
            TopColumn::P50,
            TopColumn::P99,
            TopColumn::Max,
            TopColumn::Slow,
            TopColumn::Refused,
            TopColumn::Errors,
            TopColumn::Share,
        ],
    ),
    (70, &[TopColumn::Rate, TopColumn::P50, TopColumn::P99, TopColumn::Errors, TopColumn::Share]),
    (56, &[TopColumn::Rate, TopColumn::P50, TopColumn::P99, TopColumn::Errors]),
    (34, &[TopColumn::Rate, TopColumn::P99]),
    (20, &[TopColumn::P99]),
];

/// The course has so much room at most, and none if there is not so much.
const COURSE: std::ops::RangeInclusive<u16> = 8..=40;

/// The name has so much room at least before the course has any.
const NAME: u16 = 22;

/// What stands where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TopLayout {
    /// How much room names have.
    pub(super) name: u16,
    /// The columns behind it.
    pub(super) columns: &'static [TopColumn],
    /// How much room the course has; 0 if it is not shown.
    pub(super) course: u16,
}

impl TopLayout {
    /// Of a terminal that is so wide.
    pub(super) fn of_width(width: u16) -> TopLayout {
        let fitting = SETS.iter().find(|(least, _)| width >= *least);
        let columns = fitting.map_or(&[][..], |(_, columns)| columns);
        let taken: u16 = columns.iter().map(|column| column.width()).sum();
        let left = width.saturating_sub(taken);
        let room = left.saturating_sub(NAME + 1).min(*COURSE.end());
        let course = if room < *COURSE.start() { 0 } else { room };
        let gap = u16::from(course > 0);
        TopLayout { name: left.saturating_sub(course + gap), columns, course }
    }
}

impl TopColumn {
    /// With the gap before it.
    pub(super) fn width(self) -> u16 {
        match self {
            TopColumn::Rate => 8,
            TopColumn::P50 | TopColumn::P99 | TopColumn::Max => 10,
            TopColumn::Share | TopColumn::Slow | TopColumn::Refused | TopColumn::Errors => 7,
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            TopColumn::Rate => "per s",
            TopColumn::P50 => "p50",
            TopColumn::P99 => "p99",
            TopColumn::Max => "max",
            TopColumn::Share => "time",
            TopColumn::Slow => "slow",
            TopColumn::Refused => "4xx",
            TopColumn::Errors => "5xx",
        }
    }

    /// Whether the rows are sorted by it.
    pub(super) fn is_sorted(self, order: LiveOrder) -> bool {
        matches!(
            (self, order),
            (TopColumn::Rate, LiveOrder::Rate)
                | (TopColumn::P50, LiveOrder::P50)
                | (TopColumn::P99, LiveOrder::P99)
                | (TopColumn::Share, LiveOrder::Time)
                | (TopColumn::Errors, LiveOrder::Errors)
        )
    }

    pub(super) fn cell(self, row: &LiveRow) -> String {
        let time = |time_ms: Option<u64>| time_ms.map_or("-".to_owned(), millis);
        match self {
            TopColumn::Rate => rate_words(row.per_second),
            TopColumn::P50 => time(row.p50_ms),
            TopColumn::P99 => time(row.p99_ms),
            TopColumn::Max => time(row.max_ms),
            TopColumn::Share => format!("{:.1}%", row.share * 100.0),
            TopColumn::Slow => count(row.slow),
            TopColumn::Refused => count(row.status_4xx),
            TopColumn::Errors => count(row.status_5xx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_filled_and_none_is_passed() {
        for width in 0..400 {
            let layout = TopLayout::of_width(width);
            let columns: u16 = layout.columns.iter().map(|column| column.width()).sum();
            let all = layout.name + columns + layout.course + u16::from(layout.course > 0);
            assert_eq!(all, width, "{layout:?}");
        }
        assert_eq!(TopLayout::of_width(80).course, 15);
        assert!(TopLayout::of_width(80).name >= NAME);
    }
}
