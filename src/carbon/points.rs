//! A batch of points, and the last guard before the wire: nothing that carbon would choke on gets into a batch.
//!
//! The bounds are those measured against carbon-cache: a timestamp above 2^32 makes whisper lose the metric's whole
//! batch, NaN is dropped, infinity cannot be rendered, a line over 16 KiB closes the connection, and a path is a file
//! name (a node over 251 bytes or a path over 4096 cannot be created).

use std::time::Duration;

use crate::time::Timestamp;

/// The longest node of a path, in bytes.
const NODE: usize = 200;

/// The longest path (with tags), in bytes.
const PATH: usize = 4000;

/// How far into the future a point may lie.
const AHEAD: Duration = Duration::from_secs(60);

/// One value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point<'a> {
    /// The metric path, plain or tagged; safe by construction.
    pub path: &'a str,
    /// Always finite.
    pub value: f64,
    /// Seconds since the epoch, never 0.
    pub at: u32,
}

/// A batch of points in one reusable buffer.
#[derive(Debug, Clone, Default)]
pub struct Points {
    /// All paths, one after the other.
    paths: String,
    entries: Vec<StoredPoint>,
    refused: u64,
}

#[derive(Debug, Clone, Copy)]
struct StoredPoint {
    /// Where this entry's path ends in `paths`; it begins where the one before ends.
    end: usize,
    value: f64,
    at: u32,
}

impl Points {
    /// An empty batch.
    pub fn new() -> Points {
        Points::default()
    }

    /// Add a point, unless carbon could not take it: then it is counted in [`Points::refused`] and `false` comes back.
    pub fn push(&mut self, path: &str, value: f64, at: Timestamp) -> bool {
        self.push_with(value, at, |paths| paths.push_str(path))
    }

    /// The same, with the path written straight into the buffer by `write`, which may only append; nothing
    /// appended means that there is no safe path.
    pub(super) fn push_with(&mut self, value: f64, at: Timestamp, write: impl FnOnce(&mut String)) -> bool {
        let begin = self.paths.len();
        write(&mut self.paths);
        let safe = self.paths.get(begin..).is_some_and(is_safe);
        match u32::try_from(at.secs()) {
            Ok(at) if safe && at > 0 && value.is_finite() => {
                self.entries.push(StoredPoint { end: self.paths.len(), value, at });
                true
            }
            _ => {
                self.paths.truncate(begin);
                self.refused += 1;
                false
            }
        }
    }

    /// The points, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = Point<'_>> {
        let mut begin = 0;
        self.entries.iter().map(move |entry| {
            let path = self.paths.get(begin..entry.end).unwrap_or_default();
            begin = entry.end;
            Point { path, value: entry.value, at: entry.at }
        })
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forget the points, keep the memory and the count of refusals.
    pub fn clear(&mut self) {
        self.paths.clear();
        self.entries.clear();
    }

    /// How many points were not added since this buffer was made, because of their path, time or value.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// Whether carbon can file a point of this slot at `now`: inside its retention, and not more than a minute ahead (a
/// stamp one retention ahead would overwrite today's slot in whisper's ring).
pub fn is_timely(slot: Timestamp, now: Timestamp, retention: Duration) -> bool {
    slot > now.minus(retention) && slot <= now.plus(AHEAD)
}

/// Whether a path is made of safe nodes, with safe tags behind it if any.
fn is_safe(path: &str) -> bool {
    let mut parts = path.split(';');
    path.len() <= PATH
        && parts.next().is_some_and(is_dotted)
        && parts.all(|tag| tag.split_once('=').is_some_and(|(key, value)| is_node(key) && is_dotted(value)))
}

/// Whether these are non-empty safe nodes with dots between, without tags.
pub(super) fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_node)
}

/// Whether this is one non-empty safe node.
fn is_node(text: &str) -> bool {
    (1..=NODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_322_661_900);

    #[test]
    fn a_batch_gives_back_what_was_put_in() {
        let mut points = Points::new();
        assert!(points.push("nginx.web1.a.request_time.p99", 12.5, AT));
        assert!(points.push("nginx.requests.count;host=web1;route=a.b", 3.0, AT.plus_millis(999)));
        let got: Vec<_> = points.iter().map(|p| (p.path.to_owned(), p.value, p.at)).collect();
        assert_eq!(
            got,
            [
                ("nginx.web1.a.request_time.p99".to_owned(), 12.5, 1_322_661_900),
                ("nginx.requests.count;host=web1;route=a.b".to_owned(), 3.0, 1_322_661_900)
            ]
        );
        points.clear();
        assert!(points.is_empty() && points.iter().next().is_none());
        assert!(points.push("a.b", 1.0, AT));
        assert_eq!(points.iter().next().map(|p| p.path.to_owned()), Some("a.b".to_owned()));
    }

    #[test]
    fn what_carbon_cannot_take_is_refused_and_counted() {
        let node = "n".repeat(NODE);
        let unsafe_paths = [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a b",
            "a\tb",
            "a\nb 1 2\nc",
            "a/b",
            "a*b",
            "a%2Fb",
            "ä",
            "a;b",
            "a;=b",
            "a;b=",
            "a;b=c;",
            "a;b=c=d",
            "a;b=~c",
            "a;b=c..d",
            "a\0",
            "a\u{7f}",
            "a{b,c}",
        ];
        let long = [format!("{node}n"), format!("a.{node}n"), vec![node.as_str(); 20].join(".")];
        let mut points = Points::new();
        for path in unsafe_paths.iter().copied().chain(long.iter().map(String::as_str)) {
            assert!(!points.push(path, 1.0, AT), "{path:?}");
        }
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!points.push("a", value, AT));
        }
        for at in [Timestamp(0), Timestamp(-1), Timestamp(AT.millis() * 1000), Timestamp(i64::MIN), Timestamp(i64::MAX)]
        {
            assert!(!points.push("a", 1.0, at));
        }
        assert!(points.is_empty());
        assert_eq!(points.refused(), 22 + 3 + 3 + 5);
        assert!(points.push(&vec![node.as_str(); 19].join("."), 1.0, AT), "long but allowed");
        assert_eq!((points.len(), points.refused()), (1, 33));
    }

    #[test]
    fn only_what_fits_the_ring_is_timely() {
        let day = Duration::from_secs(86_400);
        assert!(is_timely(AT, AT, day));
        assert!(is_timely(AT.plus_millis(60_000), AT, day));
        assert!(!is_timely(AT.plus_millis(60_001), AT, day));
        assert!(is_timely(AT.plus_millis(-86_399_999), AT, day));
        assert!(!is_timely(AT.plus_millis(-86_400_000), AT, day));
        assert!(is_timely(AT, AT, Duration::MAX));
    }

    proptest! {
        #[test]
        fn no_text_gets_a_separator_through(path in "(?s).{0,40}|[a-z.;= \n/*]{0,12}") {
            let mut points = Points::new();
            points.push("before", 1.0, AT);
            points.push(&path, 1.0, AT);
            points.push("after", 1.0, AT);
            prop_assert_eq!(points.len() as u64 + points.refused(), 3);
            for point in points.iter() {
                prop_assert!(point.path.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.;=".contains(&b)));
                prop_assert!(!point.path.contains(".."));
            }
        }
    }
}
