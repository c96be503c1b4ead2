//! Links as they are pasted: graphite-web's, Grafana's, and those of our own page.
//!
//! A link is read here into what stands in it, [`ReadLink`]: targets, variables, times as texts, each with whose grammar it is in. What they
//! mean, [`asked`](super::asked) finds out.

mod grafana;
mod grafana_explore;
mod graphite_url;
mod page;
mod query_selectors;

pub(super) use self::page::PAGE_LINK;
use super::target::TemplateVariable;
use crate::explain::WhereCondition;
use crate::time::WindowSpec;

/// What stands in a link.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReadLink {
    /// Whose it is, in words: `a render URL of Graphite`.
    pub kind: &'static str,
    /// Targets, as Graphite's grammar has them.
    pub targets: Vec<String>,
    /// What the variables of templates in them stand for.
    pub templates: Vec<TemplateVariable>,
    /// Dashboard's variables, by name; of several values several.
    pub variables: Vec<LinkVariable>,
    /// Routes by their names, or patterns of them.
    pub routes: Vec<String>,
    /// Regular expressions that fit the whole of a route's name.
    pub route_regexes: Vec<String>,
    /// Regular expressions that are found somewhere in a route's name.
    pub route_searches: Vec<String>,
    /// Statuses, as `--status` takes them.
    pub statuses: Vec<String>,
    /// What else requests have to be.
    pub conditions: Vec<WhereCondition>,
    /// The shortest duration, as `--min-time` takes it.
    pub min_time: Option<String>,
    /// From how many milliseconds on requests no longer are what is looked at.
    pub below_ms: Option<u64>,
    /// Requests count by their ends, as the graph's slots do, and all of them do, not only those that the index keeps.
    pub all_by_end: Option<bool>,
    /// Where the window begins.
    pub from: Option<LinkTime>,
    /// Where it ends.
    pub until: Option<LinkTime>,
    /// The window as the page's address has it in other words: `since`, `at`, `window`, with `from` and `until` beside them. Empty where
    /// these two alone say it.
    pub window: WindowSpec,
    /// The point that was clicked.
    pub point: Option<LinkTime>,
    /// How long a point of its graph is, where it says that.
    pub step: Option<String>,
    /// Of more points than this its graph draws several as one.
    pub drawn_points: Option<u64>,
    /// What `now` was.
    pub now: Option<LinkTime>,
    /// The zone of times that name none.
    pub zone: Option<String>,
    /// What the link cannot say by its nature: the query of a panel, for example.
    pub lacks: Option<&'static str>,
    /// What was passed over.
    pub notes: Vec<String>,
}

/// A variable of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkVariable {
    /// Without `var-`.
    pub name: String,
    /// One of its values.
    pub value: String,
}

/// A time in a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTime {
    /// As it stands there, percent-decoded.
    pub text: String,
    /// Whose grammar it is in.
    pub grammar: TimeGrammar,
}

/// Whose grammar a time is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeGrammar {
    /// graphite-web's, read as that reads it.
    Graphite,
    /// Grafana's.
    Grafana,
    /// Ours: all that `--from` takes.
    Own,
}

/// One parameter of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LinkParameter {
    key: String,
    value: String,
}

/// Why a link cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMistake {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// A link, taken apart.
struct LinkParts {
    /// Between the host and `?`.
    path: String,
    parameters: Vec<LinkParameter>,
}

impl LinkParts {
    fn values<'p>(&'p self, key: &'p str) -> impl Iterator<Item = &'p str> {
        self.parameters.iter().filter(move |it| it.key == key).map(|it| it.value.as_str())
    }

    /// The last value of that name that is not empty.
    fn value(&self, key: &str) -> Option<&str> {
        let mut filled = self.parameters.iter().filter(|it| it.key == key && !it.value.trim().is_empty());
        filled.next_back().map(|it| it.value.as_str())
    }

    fn time(&self, key: &str, grammar: TimeGrammar) -> Option<LinkTime> {
        // A variable that nobody filled in.
        let text = self.value(key).filter(|text| !text.contains("${"))?;
        Some(LinkTime { text: text.to_owned(), grammar })
    }

    fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }
}

/// Whether a text is a link: it has a scheme, or is a path of our own page.
pub fn is_link(text: &str) -> bool {
    let text = text.trim();
    let has_scheme = ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme)));
    has_scheme || text.starts_with("/at?") || text.starts_with("/?")
}

/// What stands in a link.
///
/// # Errors
/// If it is none of those that are known.
pub fn read_link(text: &str) -> Result<ReadLink, LinkMistake> {
    let parts = take_apart(text.trim());
    if let Some(read) = grafana::read(&parts)? {
        return Ok(read);
    }
    if let Some(read) = graphite_url::read(&parts)? {
        return Ok(read);
    }
    if let Some(read) = page::read(&parts)? {
        return Ok(read);
    }
    Err(LinkMistake {
        what: "this is no URL of graphite-web, of Grafana, or of spikeline's page".to_owned(),
        help: "paste the URL of a render, a composer, a dashboard, a panel or Explore, or the metric itself".to_owned(),
    })
}

/// Scheme and host do not matter: one Graphite is reached by many names.
fn take_apart(text: &str) -> LinkParts {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let before = text.split_once('#').map_or(text, |(before, _)| before);
    let (place, query) = before.split_once('?').unwrap_or((before, ""));
    let path = place.find('/').and_then(|at| place.get(at..)).unwrap_or_default();
    LinkParts { path: path.to_owned(), parameters: parameters(query) }
}

/// The parameters of a query or of a form, decoded: `+` is a space, what is no valid escape stays.
fn parameters(query: &str) -> Vec<LinkParameter> {
    form_urlencoded::parse(query.as_bytes())
        // Out of the source of a page, `&` is written `&amp;`.
        .map(|(key, value)| LinkParameter {
            key: key.strip_prefix("amp;").unwrap_or(&key).to_owned(),
            value: value.into_owned(),
        })
        .collect()
}
