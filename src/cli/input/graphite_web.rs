//! What a graphite-web renders, by its HTTP API.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::events::plain_http::{Address, encoded};

/// Of each series the points by second; null where there is none.
pub(in crate::cli) type RenderedSeries = BTreeMap<String, BTreeMap<i64, Option<f64>>>;

/// A graphite-web to ask.
#[derive(Debug, Clone)]
pub(in crate::cli) struct GraphiteWeb {
    address: Address,
}

impl GraphiteWeb {
    /// At `http://host:port`.
    ///
    /// # Errors
    /// A usage error for anything else.
    pub(in crate::cli) fn new(url: &str) -> Result<GraphiteWeb> {
        Ok(GraphiteWeb { address: Address::parse(url)? })
    }

    /// The same, waiting no longer than this for each of its answers' parts.
    pub(in crate::cli) fn within(self, patience: Duration) -> GraphiteWeb {
        GraphiteWeb { address: self.address.within(patience) }
    }

    /// The series that a target means and that are there, points or not; of a time after `from`, up to and with `until`.
    ///
    /// # Errors
    /// It does not answer, or not with what it renders.
    pub(in crate::cli) fn render(&self, target: &str, from: i64, until: i64) -> Result<RenderedSeries> {
        let target = encoded(target);
        let body = self.address.get(&format!("/render?target={target}&from={from}&until={until}&format=json"))?;
        parse_rendered(&body).ok_or_else(|| {
            Error::failed("what Graphite rendered is not the JSON that it should be")
                .remedy("is it Graphite's address?")
        })
    }
}

/// The time from one point to the next, where there are two.
pub(in crate::cli) fn step_of_points(points: &BTreeMap<i64, Option<f64>>) -> Option<i64> {
    points.keys().zip(points.keys().skip(1)).map(|(one, next)| next - one).min()
}

/// The points of each series by second, of the JSON that `/render` gives: `[{"target": NAME, "datapoints":
/// [[VALUE or null, SECOND], ..]}, ..]`. None if it is anything else.
fn parse_rendered(body: &[u8]) -> Option<BTreeMap<String, BTreeMap<i64, Option<f64>>>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let mut all = BTreeMap::new();
    for series in answer.as_array()? {
        let mut points = BTreeMap::new();
        for point in series.get("datapoints")?.as_array()? {
            points.insert(point.get(1)?.as_i64()?, point.get(0).and_then(Value::as_f64));
        }
        all.insert(series.get("target")?.as_str()?.to_owned(), points);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_graphite_renders_is_points_by_second_or_nothing() {
        let body = br#"[{"target": "a.p99", "tags": {}, "datapoints": [[1.5, 60], [null, 120], [3, 180]]}, {"target": "b", "datapoints": []}]"#;
        let all = parse_rendered(body).unwrap();
        assert_eq!(all["a.p99"], BTreeMap::from([(60, Some(1.5)), (120, None), (180, Some(3.0))]));
        assert!(all["b"].is_empty());
        assert_eq!(parse_rendered(b"[]").unwrap(), BTreeMap::new(), "no series is an answer, too");
        let wrongs: [&[u8]; 6] = [
            b"",
            b"<html>",
            b"{}",
            br#"[{"datapoints": []}]"#,
            br#"[{"target": "a"}]"#,
            br#"[{"target": "a", "datapoints": [[1.0]]}]"#,
        ];
        for wrong in wrongs {
            assert_eq!(parse_rendered(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }
}
