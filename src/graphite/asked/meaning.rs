//! What a metric says of what its reader wants to see: of a percentile the slow ones first, of `status.5xx` those statuses.

use std::ops::RangeInclusive;

use super::{AskedOrder, Pasted};
use crate::carbon::{CellMetric, TimeStatistic};
use crate::histogram::Time;

/// Statuses and order, as far as the metrics say them and nothing said before does.
pub(super) fn apply(asked: &mut Pasted) {
    if asked.statuses.is_empty() {
        asked.statuses = statuses_of(&asked.metrics);
    }
    asked.order = order_of(&asked.metrics);
    if asked.metrics.contains(&CellMetric::BytesSent) && asked.metrics.len() == 1 {
        asked.notes.push("nothing is sorted by bytes".to_owned());
    }
    for time in [Time::UpstreamConnect, Time::UpstreamHeader] {
        let is_meant = |metric: &CellMetric| matches!(metric, CellMetric::OfTime(of, _) if *of == time);
        if asked.metrics.iter().any(is_meant) && asked.order == AskedOrder::Duration {
            asked.notes.push(format!("lines are not sorted by {}: the longest request_time comes first", time.name()));
        }
    }
}

/// The statuses of metrics that count some. Beside the count of all requests they are still what is looked at (a share of errors), beside
/// times they are not. All classes together are no choice.
fn statuses_of(metrics: &[CellMetric]) -> Vec<RangeInclusive<u16>> {
    let mut statuses = Vec::new();
    let mut classes = 0;
    for metric in metrics {
        match metric {
            CellMetric::StatusClass(class) => {
                classes += 1;
                let first = u16::from(*class) * 100;
                statuses.push(first..=first + 99);
            }
            CellMetric::GivenUp => statuses.push(499..=499),
            CellMetric::Requests => {}
            _ => return Vec::new(),
        }
    }
    if classes == 5 { Vec::new() } else { statuses }
}

fn order_of(metrics: &[CellMetric]) -> AskedOrder {
    let of_time = |wanted: Time| {
        metrics.iter().any(|metric| {
            matches!(metric, CellMetric::OfTime(time, statistic) if *time == wanted && *statistic != TimeStatistic::Count)
        })
    };
    let others = of_time(Time::UpstreamConnect) || of_time(Time::UpstreamHeader);
    if of_time(Time::Request) || metrics.contains(&CellMetric::Slow) {
        AskedOrder::Duration
    } else if of_time(Time::UpstreamResponse) {
        AskedOrder::Upstream
    } else if others {
        AskedOrder::Duration
    } else if metrics.iter().any(|metric| matches!(metric, CellMetric::Requests)) && metrics.len() == 1 {
        AskedOrder::Count
    } else {
        AskedOrder::Unsaid
    }
}
