//! What is asked by what a person pastes: a metric, a target, a link.
//!
//! [`understand`] is the one way in, for the command line and for the page: texts in, [`Pasted`] out, or a mistake with its place in the
//! text. It does no I/O; what is known of routes, namings and archives comes in with [`AskContext`].

mod clicked_point;
mod link_times;
mod meaning;
mod mistake;
mod route_choice;
mod sources;
#[cfg(test)]
mod tests;
mod words;

use std::ops::RangeInclusive;
use std::time::Duration;

pub use clicked_point::{PointKnowledge, PointLength};
pub use mistake::AskMistake;
pub use words::{instant_words, window_words};

use super::catalog::SeriesCatalog;
use super::links::{LinkTime, PAGE_LINK, ReadLink, TimeGrammar, is_link, read_link};
use super::target::{Target, TemplateVariable, is_fillable, parse_target};
use crate::carbon::{Archive, CellMetric, Naming, TimeStatistic};
use crate::explain::WhereCondition;
use crate::histogram::Time;
use crate::record::parse_status_range;
use crate::route::{keeps_name, readable_name};
use crate::time::{NamedZone, Timestamp, Window, parse_duration};
use sources::FoundSeries;

/// What is known where something is asked.
pub struct AskContext<'a> {
    /// How each destination's series are called.
    pub namings: &'a [Naming],
    /// What a destination keeps of a series, by its number and the series' name; empty where that is not known.
    pub archives: &'a dyn Fn(usize, &str) -> Vec<Archive>,
    /// The routes that the store has; none where files are read, whose routes are not known before.
    pub routes: Option<Vec<&'a str>>,
    /// Whether the store's host is known for sure, so that another host's metric is a mistake.
    pub is_host_known: bool,
    /// The length of a slot.
    pub interval: Duration,
    /// The present.
    pub now: Timestamp,
    /// The zone of times that name none.
    pub zone: NamedZone,
    /// Whether a route is said elsewhere, which counts more.
    pub has_route: bool,
    /// Whether a window is said elsewhere.
    pub has_window: bool,
    /// The point of the graph that is said elsewhere to be meant.
    pub clicked: Option<Timestamp>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pasted {
    /// The routes, by name or as patterns, as `--route` has them; empty is all.
    pub routes: Vec<String>,
    /// What of them is looked at; empty if that is not said.
    pub metrics: Vec<CellMetric>,
    /// Which statuses; empty is all.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// What else requests have to be.
    pub conditions: Vec<WhereCondition>,
    /// The shortest duration, in milliseconds.
    pub min_ms: Option<u64>,
    /// Only what took less, in milliseconds.
    pub below_ms: Option<u64>,
    /// Requests count by their ends; and whether all of them do, also those that the index does not keep.
    pub all_by_end: Option<bool>,
    /// What comes first.
    pub order: AskedOrder,
    /// The window's beginning.
    pub from: Option<Timestamp>,
    /// The window's end.
    pub until: Option<Timestamp>,
    /// The point of a graph that was clicked.
    pub point: Option<AskedPoint>,
    /// The time that was clicked, before it is known how long its point is.
    pub clicked: Option<Timestamp>,
    /// How long a point of the graph is, where that is longer than a slot.
    pub step: Option<Duration>,
    /// How that is known.
    pub step_known_by: PointKnowledge,
    /// Of more points than this the graph draws several as one, if it says that.
    pub drawn_points: Option<u64>,
    /// The zone that the link is in.
    pub zone: Option<NamedZone>,
    /// What should be known about how it was read.
    pub notes: Vec<String>,
    /// Whose link it was, if it was one.
    pub kind: Option<&'static str>,
    /// One of the series that are meant.
    pub series: Option<AskedSeries>,
}

impl Pasted {
    /// Whether it is a view of the page, which has a window also where its address says none.
    pub fn is_view_of_page(&self) -> bool {
        self.kind == Some(PAGE_LINK)
    }
}

/// A series that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedSeries {
    /// Of which destination, by its number.
    pub destination: usize,
    /// Its name.
    pub path: String,
}

/// A point of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedPoint {
    /// The stretch of time that it stands for.
    pub span: Window,
    /// How long that is, and how it is known.
    pub how: PointLength,
}

/// Which lines, or rows, come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AskedOrder {
    /// As usual.
    #[default]
    Unsaid,
    /// The longest first.
    Duration,
    /// Those first for which the upstream took longest.
    Upstream,
    /// The most frequent first.
    Count,
}

/// What these texts ask for, all together.
///
/// # Errors
/// What is not understood, and where it stands.
pub fn understand(texts: &[String], context: &AskContext<'_>) -> Result<Pasted, AskMistake> {
    let mut reading = PastedReading {
        context,
        catalog: SeriesCatalog::new(context.namings, context.routes.iter().flatten().copied()),
        asked: Pasted::default(),
        found: Vec::new(),
    };
    for text in texts {
        reading.read(text)?;
    }
    reading.finish()
}

/// What was read so far.
struct PastedReading<'a> {
    context: &'a AskContext<'a>,
    catalog: SeriesCatalog<'a>,
    asked: Pasted,
    found: Vec<FoundSeries>,
}

impl PastedReading<'_> {
    fn read(&mut self, text: &str) -> Result<(), AskMistake> {
        let text = text.trim();
        if is_link(text) {
            let link = read_link(text).map_err(|mistake| AskMistake::of_link(text, mistake))?;
            return self.add_link(text, &link);
        }
        if text.starts_with("target=") || text.contains("&target=") {
            let link = read_link(&format!("/render?{text}")).map_err(|mistake| AskMistake::of_link(text, mistake))?;
            return self.add_link(text, &link);
        }
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !self.add_route(line) {
                self.add_target(line, &[])?;
            }
        }
        Ok(())
    }

    /// Takes a text as the name of a route, if it is one that is known.
    fn add_route(&mut self, text: &str) -> bool {
        let pattern = [text.to_owned()];
        let is_known = |route: &&&str| keeps_name(&pattern, &[route, &*readable_name(route)]);
        if text.starts_with('!') || self.catalog.routes().iter().find(is_known).is_none() {
            return false;
        }
        self.push_route(text);
        true
    }

    fn push_route(&mut self, route: &str) {
        if !self.asked.routes.iter().any(|held| held == route) {
            self.asked.routes.push(route.to_owned());
        }
    }

    fn add_target(&mut self, text: &str, templates: &[TemplateVariable]) -> Result<(), AskMistake> {
        let target = parse_target(text).map_err(|mistake| AskMistake::of_target(text, mistake))?;
        if !is_fillable(text, templates) {
            return Err(AskMistake::of_part(text, text, "has variables that stand for too much text"));
        }
        let target = target.filled(templates);
        for source in sources::of_target(&target).map_err(|mistake| AskMistake::of_target(text, mistake))? {
            let found = sources::find(&source, text, &self.catalog, self.context, &mut self.asked.notes)?;
            self.found.extend(found);
        }
        if moves_in_time(&target) {
            self.asked
                .notes
                .push(format!("`{text}` moves the graph in time: the lines are those of the window itself"));
        }
        Ok(())
    }

    fn add_link(&mut self, text: &str, link: &ReadLink) -> Result<(), AskMistake> {
        self.asked.kind = Some(link.kind);
        self.asked.notes.extend(link.notes.iter().cloned());
        self.asked.zone = self.zone_of(link);
        let before = (self.found.len(), self.asked.routes.len());
        if !self.context.has_route {
            for target in &link.targets {
                if !self.add_route(target) {
                    self.add_target(target, &link.templates)?;
                }
            }
            for route in &link.routes {
                self.push_route(route);
            }
            route_choice::add_expressions(self, text, link)?;
            route_choice::add_variables(self, text, link)?;
            let has_route = before != (self.found.len(), self.asked.routes.len());
            if let Some(lacks) = link.lacks.filter(|_| !has_route) {
                return Err(AskMistake::of_lack(text, link.kind, "a route", lacks, "say which with --route NAME"));
            }
        }
        for status in &link.statuses {
            match parse_status_range(status) {
                Some(range) => self.asked.statuses.push(range),
                None => return Err(AskMistake::of_part(text, status, "is no status such as 404, 5xx or 500-504")),
            }
        }
        self.asked.conditions.extend(link.conditions.iter().cloned());
        if let Some(min_time) = &link.min_time {
            let shortest = parse_duration(min_time)
                .map_err(|error| AskMistake::of_part(text, min_time, &format!("is no duration: {error}")))?;
            self.asked.min_ms = u64::try_from(shortest.as_millis()).ok();
        }
        self.asked.below_ms = link.below_ms.or(self.asked.below_ms);
        self.asked.all_by_end = link.all_by_end.or(self.asked.all_by_end);
        self.asked.drawn_points = link.drawn_points.or(self.asked.drawn_points);
        if let Some(step) = &link.step {
            self.asked.step = Some(step_of(step).ok_or_else(|| {
                AskMistake::of_part(text, step, "(step=) is no length of a point: 60000 (milliseconds), 60s or 1min")
            })?);
            self.asked.step_known_by = PointKnowledge::Link;
        }
        link_times::add(self.context, &mut self.asked, text, link)
    }

    /// A link that names a route has points as long as those that are sent of it.
    fn take_step_of_route(&mut self) {
        let is_name = |route: &&String| self.catalog.routes().contains(&route.as_str());
        if let (Some(route), Some(naming)) = (self.asked.routes.iter().find(is_name), self.context.namings.first()) {
            let path = naming.series_path(route, CellMetric::OfTime(Time::Request, TimeStatistic::Percentile(990)));
            clicked_point::take_step(self.context, &mut self.asked, 0, &path);
        }
    }

    fn zone_of(&mut self, link: &ReadLink) -> Option<NamedZone> {
        let name = link.zone.as_deref()?;
        let zone = NamedZone::parse(name);
        if zone.is_none() {
            self.asked.notes.push(format!(
                "the link's time zone `{name}` is none that is known: its times are read as those of other options"
            ));
        }
        zone
    }

    fn finish(mut self) -> Result<Pasted, AskMistake> {
        self.asked.clicked = self.context.clicked.or(self.asked.clicked);
        for found in std::mem::take(&mut self.found) {
            self.push_route(&found.route);
            if let Some(metric) = found.metric
                && !self.asked.metrics.contains(&metric)
            {
                self.asked.metrics.push(metric);
            }
            if self.asked.series.is_none() {
                self.asked.series = Some(AskedSeries { destination: found.destination, path: found.path.clone() });
            }
            clicked_point::take_step(self.context, &mut self.asked, found.destination, &found.path);
        }
        meaning::apply(&mut self.asked);
        if let Some(clicked) = self.asked.clicked {
            self.take_step_of_route();
            self.asked.click(clicked, self.context.interval);
        }
        link_times::widen(&mut self.asked);
        Ok(self.asked)
    }
}

/// A length of points, as Grafana fills it in: milliseconds, or with a unit.
fn step_of(text: &str) -> Option<Duration> {
    let step = match text.parse() {
        Ok(millis) => Duration::from_millis(millis),
        // Grafana's minutes are `m`, which in Graphite's grammar is nothing.
        Err(_) => match text.strip_suffix('m').and_then(|minutes| minutes.parse::<u64>().ok()) {
            Some(minutes) => Duration::from_secs(minutes.checked_mul(60)?),
            None => parse_duration(text).ok()?,
        },
    };
    (!step.is_zero()).then_some(step)
}

/// Whether a target shows another time than that of the graph.
fn moves_in_time(target: &Target) -> bool {
    match target {
        Target::Call(call) => {
            matches!(call.function.as_str(), "timeShift" | "timeStack" | "delay")
                || call.arguments.iter().any(moves_in_time)
        }
        _ => false,
    }
}

/// A time of a link.
fn read_link_time(
    time: &LinkTime,
    now: Timestamp,
    zone: NamedZone,
    is_end: bool,
) -> Result<crate::time::ReadTime, crate::time::TimeError> {
    match time.grammar {
        TimeGrammar::Graphite => zone.read_graphite_time(&time.text, now),
        TimeGrammar::Grafana => zone.read_grafana_time(&time.text, now, is_end),
        TimeGrammar::Own => zone.read_time(&time.text, now),
    }
}
