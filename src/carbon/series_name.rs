//! From a series' name back to what it is of: the inverse of [`Naming`].

use super::cell_metric::CellMetric;
use super::naming::Naming;
use super::points::is_dotted;

/// What a name says, as one naming reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesName {
    /// Whose it is.
    pub host: String,
    /// The route, as the store has it.
    pub route: String,
    /// What of the route.
    pub metric: CellMetric,
}

/// Why a naming cannot have made a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignName {
    /// It has another prefix, or tags where there are none, or none where there are some.
    Otherwise,
    /// It is one of the daemon's own metrics.
    Own,
    /// It does not end in the name of a metric.
    NoMetric,
}

impl Naming {
    /// What a name says that this naming, or that of another host, made.
    ///
    /// # Errors
    /// If none made it.
    pub fn read_series(&self, name: &str) -> Result<SeriesName, ForeignName> {
        if self.tagged { self.read_tagged(name) } else { self.read_plain(name) }
    }

    fn read_plain(&self, name: &str) -> Result<SeriesName, ForeignName> {
        if name.contains(';') || !is_dotted(name) {
            return Err(ForeignName::Otherwise);
        }
        let behind = below(name, &self.prefix).ok_or(ForeignName::Otherwise)?;
        // Another host's name has as many nodes as ours.
        let own = below(behind, &self.host);
        let split = own.is_none().then(|| split_nodes(behind, self.host.split('.').count())).flatten();
        let (host, behind) = match (own, split) {
            (Some(behind), _) => (self.host.as_str(), behind),
            (None, Some(parts)) => parts,
            (None, None) => return Err(ForeignName::NoMetric),
        };
        if below(behind, "spikeline").is_some() {
            return Err(ForeignName::Own);
        }
        let mut from_the_end = behind.rsplitn(3, '.');
        let (Some(what), Some(group), Some(route)) = (from_the_end.next(), from_the_end.next(), from_the_end.next())
        else {
            return Err(ForeignName::NoMetric);
        };
        let metric = CellMetric::parse(group, what).ok_or(ForeignName::NoMetric)?;
        Ok(SeriesName { host: host.to_owned(), route: own_route(route), metric })
    }

    fn read_tagged(&self, name: &str) -> Result<SeriesName, ForeignName> {
        let mut parts = name.split(';');
        let metric = parts.next().and_then(|metric| below(metric, &self.prefix)).ok_or(ForeignName::Otherwise)?;
        let (mut host, mut route) = (None, None);
        for tag in parts {
            match tag.split_once('=') {
                Some(("host", value)) => host = Some(value),
                Some(("route", value)) => route = Some(value),
                _ => return Err(ForeignName::Otherwise),
            }
        }
        if below(metric, "spikeline").is_some() {
            return Err(ForeignName::Own);
        }
        let (group, what) = metric.split_once('.').ok_or(ForeignName::NoMetric)?;
        let metric = CellMetric::parse(group, what).ok_or(ForeignName::NoMetric)?;
        match (host, route) {
            (Some(host), Some(route)) if is_dotted(route) => {
                Ok(SeriesName { host: host.to_owned(), route: route.to_owned(), metric })
            }
            _ => Err(ForeignName::Otherwise),
        }
    }
}

/// What stands behind `nodes` and a dot.
fn below<'n>(name: &'n str, nodes: &str) -> Option<&'n str> {
    name.strip_prefix(nodes)?.strip_prefix('.')
}

/// The first so many nodes, and what stands behind them.
fn split_nodes(name: &str, nodes: usize) -> Option<(&str, &str)> {
    let (at, _) = name.match_indices('.').nth(nodes.checked_sub(1)?)?;
    Some((name.get(..at)?, name.get(at + 1..)?))
}

/// A route whose first node is `spikeline` and underscores had one more of them put behind it.
fn own_route(route: &str) -> String {
    let (first, rest) = route.split_at(route.find('.').unwrap_or(route.len()));
    match first.strip_prefix("spikeline_") {
        Some(behind) if behind.bytes().all(|byte| byte == b'_') => format!("spikeline{behind}{rest}"),
        _ => route.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::{Points, series_of_route};
    use crate::time::Timestamp;
    use proptest::prelude::*;

    fn naming(tagged: bool) -> Naming {
        Naming::new("prod.nginx", "web1", tagged).unwrap()
    }

    proptest! {
        /// Whatever is sent leads back to its route.
        #[test]
        fn every_name_that_is_sent_leads_back(
            route in "(spikeline_{0,2}|a|requests|count|__id|app_2Ejs)(\\.(spikeline|requests|count|p99|a_)){0,3}",
            tagged: bool,
            reversed: bool,
        ) {
            let naming = if reversed { naming(tagged).with_host_reversed("web1.a_b.example.org") } else { naming(tagged) };
            for (path, what) in series_of_route(&naming, &route) {
                let read = naming.read_series(&path);
                let read = read.unwrap_or_else(|why| panic!("{path}: {why:?}"));
                prop_assert_eq!((&read.route, &read.host), (&route, &naming.host), "{}", path);
                prop_assert_eq!(read.metric.name(), what);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}", tagged: bool) {
            let _ = naming(tagged).read_series(&text);
        }
    }

    #[test]
    fn another_host_is_named_and_what_is_not_a_routes_is_refused() {
        let read = naming(false).read_series("prod.nginx.web2.webapp.git.status.5xx").unwrap();
        assert_eq!((read.host.as_str(), read.route.as_str()), ("web2", "webapp.git"));
        let refused = |name: &str| naming(false).read_series(name).unwrap_err();
        assert_eq!(refused("nginx.web1.a.requests.count"), ForeignName::Otherwise);
        assert_eq!(refused("prod.nginx.web1.a.requests"), ForeignName::NoMetric);
        assert_eq!(refused("prod.nginx.web1.a.request_time.p1x"), ForeignName::NoMetric);
        assert_eq!(refused("prod.nginx.web1"), ForeignName::NoMetric);
        let mut points = Points::new();
        for tagged in [false, true] {
            naming(tagged).append_own("lines.read", 1.0, Timestamp::from_secs(60), &mut points);
        }
        for (point, tagged) in points.iter().zip([false, true]) {
            assert_eq!(naming(tagged).read_series(point.path), Err(ForeignName::Own));
        }
    }
}
