//! Which series there are: those that the namings give of the routes that are known.

use super::tag_query::TagExpression;
use crate::carbon::{CellMetric, Naming, series_of_route};
use crate::histogram::Time;
use crate::route::NodeGlob;

/// The series of some routes, as every destination has them.
#[derive(Debug)]
pub struct SeriesCatalog<'a> {
    namings: &'a [Naming],
    /// What each naming has of a route.
    metrics: Vec<Vec<CellMetric>>,
    routes: Vec<&'a str>,
}

/// A series that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSeries<'a> {
    /// How it is called.
    pub naming: &'a Naming,
    /// Of which destination, by its place in the configuration.
    pub destination: usize,
    /// Of which route.
    pub route: &'a str,
    /// What of it.
    pub metric: CellMetric,
}

impl KnownSeries<'_> {
    /// Its name.
    pub fn path(&self) -> String {
        self.naming.series_path(self.route, self.metric)
    }
}

impl<'a> SeriesCatalog<'a> {
    /// Of these routes, where series are called so.
    pub fn new(namings: &'a [Naming], routes: impl IntoIterator<Item = &'a str>) -> SeriesCatalog<'a> {
        let metrics = namings.iter().map(metrics_of).collect();
        SeriesCatalog { namings, metrics, routes: routes.into_iter().collect() }
    }

    /// The same but for series of these times.
    #[must_use]
    pub fn without_times(mut self, times: &[Time]) -> SeriesCatalog<'a> {
        for metrics in &mut self.metrics {
            metrics.retain(|metric| !matches!(metric, CellMetric::OfTime(time, _) if times.contains(time)));
        }
        self
    }

    /// The routes, in the order of their numbers.
    pub fn routes(&self) -> &[&'a str] {
        &self.routes
    }

    /// The namings.
    pub fn namings(&self) -> &'a [Naming] {
        self.namings
    }

    /// All of them. What two destinations have alike comes once.
    pub fn all(&self) -> Vec<KnownSeries<'a>> {
        self.filtered(|_, _| true, |_, _| true)
    }

    /// Those with a name that the glob means.
    pub fn matching(&self, glob: &NodeGlob) -> Vec<KnownSeries<'a>> {
        self.filtered(
            |naming, route| naming.tagged || glob.matches_beginning(&naming.branch_of(route)),
            |series, path| !series.naming.tagged && glob.matches(path),
        )
    }

    /// The names of series without tags of which the glob may mean the beginning, or all.
    pub fn plain_paths(&self, glob: &NodeGlob) -> Vec<String> {
        let is_near = |path: &str| glob.matches_branch_of(path) || glob.matches(path);
        let mut paths = Vec::new();
        for series in self.filtered(|naming, _| !naming.tagged, |series, path| !series.naming.tagged && is_near(path)) {
            paths.push(series.path());
        }
        paths
    }

    /// The one of this name, with or without tags.
    pub fn named(&self, name: &str) -> Option<KnownSeries<'a>> {
        for (destination, naming) in self.namings.iter().enumerate() {
            let Ok(read) = naming.read_series(name) else { continue };
            if read.host != naming.host {
                continue;
            }
            if let Some(route) = self.routes.iter().find(|route| **route == read.route) {
                return Some(KnownSeries { naming, destination, route, metric: read.metric });
            }
        }
        None
    }

    /// Those with tags that meet all expressions. Series without tags have `name` alone.
    pub fn tagged_with(&self, expressions: &[TagExpression]) -> Vec<KnownSeries<'a>> {
        self.filtered(
            |_, _| true,
            |series, path| {
                series.naming.tagged
                    && expressions.iter().all(|expression| {
                        let value = match expression.tag.as_str() {
                            "name" => path.split(';').next().unwrap_or_default(),
                            "host" => series.naming.host.as_str(),
                            "route" => series.route,
                            _ => "",
                        };
                        expression.is_met_by(value)
                    })
            },
        )
    }

    fn filtered(
        &self,
        keeps_route: impl Fn(&Naming, &str) -> bool,
        keeps: impl Fn(&KnownSeries<'a>, &str) -> bool,
    ) -> Vec<KnownSeries<'a>> {
        let mut found = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (destination, (naming, metrics)) in self.namings.iter().zip(&self.metrics).enumerate() {
            for route in &self.routes {
                if !naming.choice.keeps_route(route) || !keeps_route(naming, route) {
                    continue;
                }
                for metric in metrics {
                    let series = KnownSeries { naming, destination, route, metric: *metric };
                    let path = series.path();
                    if keeps(&series, &path) && (self.namings.len() == 1 || seen.insert(path)) {
                        found.push(series);
                    }
                }
            }
        }
        found
    }

    /// The names of series that a mistyped one is nearest to, the nearest first.
    pub fn nearest(&self, name: &str, most: usize) -> Vec<String> {
        let plain = name.split(';').next().unwrap_or(name);
        let mut from_the_end = plain.rsplitn(3, '.');
        let (what, group) = (from_the_end.next().unwrap_or_default(), from_the_end.next().unwrap_or_default());
        let ending = format!("{group}.{what}");
        let mut ranked: Vec<(usize, String)> = Vec::new();
        for (naming, metrics) in self.namings.iter().zip(&self.metrics) {
            let Some(metric) = metrics.iter().min_by_key(|metric| distance(&metric.name(), &ending)) else { continue };
            for route in &self.routes {
                if !naming.choice.keeps_route(route) {
                    continue;
                }
                let path = naming.series_path(route, *metric);
                let away = distance(&path, name).min(distance(route, plain));
                ranked.push((away, path));
            }
        }
        ranked.sort();
        ranked.dedup();
        ranked.truncate(most);
        ranked.into_iter().map(|(_, path)| path).collect()
    }
}

/// How many letters two names differ in; long ones are compared in part, since this is done for every route.
fn distance(one: &str, other: &str) -> usize {
    let clip = |text: &str| text.chars().take(120).collect::<String>();
    strsim::damerau_levenshtein(&clip(one), &clip(other))
}

/// What a naming has of a route.
fn metrics_of(naming: &Naming) -> Vec<CellMetric> {
    let mut anyhow = naming.clone();
    anyhow.choice.routes.clear();
    let mut metrics = Vec::new();
    for (_, what) in series_of_route(&anyhow, "a") {
        if let Some((group, what)) = what.split_once('.') {
            metrics.extend(CellMetric::parse(group, what));
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namings() -> [Naming; 2] {
        [Naming::new("nginx", "web1", false).unwrap(), Naming::new("nginx", "web1", true).unwrap()]
    }

    #[test]
    fn series_are_found_by_globs_tags_and_names() {
        let namings = namings();
        let catalog = SeriesCatalog::new(&namings, ["webapp.backend.git", "webapp.backend.wiki", "static"]);
        assert_eq!(catalog.all().len(), 2 * 3 * 49);
        let matching = |glob| catalog.matching(&NodeGlob::parse(glob).unwrap());
        let found = matching("nginx.*.webapp.backend.{git,wiki}.request_time.p9[59]");
        let paths: Vec<String> = found.iter().map(KnownSeries::path).collect();
        assert_eq!(paths.len(), 4);
        assert_eq!(paths[0], "nginx.web1.webapp.backend.git.request_time.p95");
        assert_eq!(matching("nginx.web1.*.status.*").len(), 6);
        let tags = TagExpression::parse_all(["name=nginx.status.5xx", "route=~webapp"]).unwrap();
        let found = catalog.tagged_with(&tags);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].path(), "nginx.status.5xx;host=web1;route=webapp.backend.git");
        let named = catalog.named("nginx.request_time.p42;host=web1;route=static").unwrap();
        assert_eq!((named.destination, named.route), (1, "static"));
        assert!(catalog.named("nginx.web2.static.requests.count").is_none());
    }

    #[test]
    fn the_nearest_names_are_told() {
        let namings = namings();
        let catalog = SeriesCatalog::new(&namings[..1], ["webapp.backend.git", "webapp.backend.wiki", "static"]);
        let nearest = catalog.nearest("nginx.web1.webapp.backend.gti.request_time.p99", 2);
        assert_eq!(nearest[0], "nginx.web1.webapp.backend.git.request_time.p99");
        assert_eq!(catalog.nearest("ngin.web1.static.request_tme.p99", 1), ["nginx.web1.static.request_time.p99"]);
    }
}
