//! Why a window is slow: for programs one JSON document, for people the answer in the order in which it is asked.
//!
//! ```text
//! {"schema":1,"window":{"from":..,"until":..},"baseline":[{..}],"verdict":"slower","change_ms":{"volume":..,"mix":..,"slower":..,"total":..},
//!  "requests":{"window":{..},"baseline":{..}},"routes":[{"route":..,"change_ms":..,..}],"phases_ms":{"connect":..,..}|null,"phase":"header"|null,
//!  "causes":[{"where":{"upstream_addr":".."},"excess_ms":..,"share":..,"low_ms":..,"high_ms":..,"p":..,"phase":..,"window":{..},"baseline":{..},"folded":[..]}],
//!  "no_news":[..],"grown":[..],"first":[..],"samples":[..],"sampled":..,"tried":..,"command":"..","link":"..","complete":true,"missing":[]}
//! ```
//!
//! `phases_ms` is where `change_ms.slower` is, to the millisecond; null if the log tells no upstream times. `phase` is that of the
//! first cause, else of all.

mod why_text;
mod why_words;

pub use why_text::write_why;
pub(super) use why_words::{
    GLUE, cause_details, cause_title, first_words, grown_words, no_news_words, phase_words, rows_of, signed,
    usual_side, verdict_details, verdict_words,
};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::EpochSeconds;
use super::SCHEMA;
use crate::explain::{BaselinePart, ChangeParts, PHASES, Phase, SideTimes};
use crate::time::{Timestamp, Window};

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhyReport {
    /// The version of this shape.
    pub schema: u64,
    /// What was asked for.
    #[serde(serialize_with = "serialize_window")]
    pub window: Window,
    /// What it was compared with.
    #[serde(serialize_with = "serialize_windows")]
    pub baseline: Vec<Window>,
    /// `slower`, `mix`, `more` or `nothing`.
    pub verdict: &'static str,
    /// The change of the time that requests took, split.
    #[serde(serialize_with = "serialize_change")]
    pub change_ms: ChangeParts,
    /// How much of the baseline was read: of a long one a part.
    pub baseline_part: BaselinePart,
    /// Whether `requests` and `change_ms` are of all of the baseline nevertheless, as the store counted it; its phases are those of the part.
    pub baseline_counted: bool,
    /// How many requests there were; of the baseline those that were read, or all that were counted.
    pub requests: BothSides,
    /// What became of each route, that which changed most first.
    pub routes: Vec<RouteChangeRow>,
    /// Where `change_ms.slower` is.
    #[serde(serialize_with = "serialize_phases")]
    pub phases_ms: Option<[i64; PHASES]>,
    /// The phase that grew most.
    pub phase: Option<&'static str>,
    /// What sets the slow requests apart.
    pub causes: Vec<CauseRow>,
    /// What does as well, and did at other times.
    pub no_news: Vec<CauseRow>,
    /// Clients that asked for more.
    pub grown: Vec<GrownRow>,
    /// Who came first.
    pub first: Vec<FirstRow>,
    /// Lines typical of the first cause.
    pub samples: Vec<WhySample>,
    /// The causes were looked for among this part of the requests.
    pub sampled: f64,
    /// So many values and pairs of values were tried.
    pub tried: u64,
    /// What lists all lines.
    pub command: String,
    /// The page's view of them; null where the configuration names no page.
    pub link: Option<String>,
    /// Whether nothing is missing.
    pub complete: bool,
    /// What is missing.
    pub missing: Vec<String>,
    /// At these times the baseline had as much, if that is why nothing is the matter.
    #[serde(serialize_with = "serialize_times")]
    pub as_much: Vec<Timestamp>,
    /// What the window's requests took, phase by phase, and as many of their routes in the baseline.
    #[serde(skip)]
    pub phases: Option<[PhaseRow; PHASES]>,
}

/// What was counted of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SideCount {
    /// Requests with a time.
    pub count: u64,
    /// What they took.
    pub total_ms: u64,
    /// How many reached the threshold of their route.
    pub slow: u64,
}

/// Both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BothSides {
    /// The window.
    pub window: SideCount,
    /// The baseline, all of it.
    pub baseline: SideCount,
}

/// What became of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RouteChangeRow {
    /// Its name.
    pub route: String,
    /// What its requests took more than in as long a time of the baseline.
    pub change_ms: i64,
    /// What of that is that they were slower.
    pub slower_ms: i64,
    /// In the window.
    pub window: SideCount,
    /// In the baseline, all of it.
    pub baseline: SideCount,
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CauseRow {
    /// Fields and their values.
    #[serde(rename = "where", serialize_with = "serialize_where")]
    pub whose: Vec<FieldValue>,
    /// What its requests took beyond what is usual of their routes.
    pub excess_ms: i64,
    /// Its part of the excess of all.
    #[serde(serialize_with = "serialize_share")]
    pub share: f64,
    /// The excess is between these in 19 of 20 cases.
    pub low_ms: i64,
    /// See `low_ms`.
    pub high_ms: i64,
    /// How likely it is by chance.
    pub p: f64,
    /// The phase of most of the excess.
    pub phase: Option<&'static str>,
    /// Its requests in the window.
    #[serde(serialize_with = "serialize_side")]
    pub window: SideTimes,
    /// Those of them that are not another cause's, where some are.
    #[serde(serialize_with = "serialize_besides", skip_serializing_if = "Option::is_none")]
    pub besides: Option<SideTimes>,
    /// Its requests in the baseline.
    #[serde(serialize_with = "serialize_side")]
    pub baseline: SideTimes,
    /// Values that live in its requests.
    pub folded: Vec<FoldedRow>,
    /// When the baseline had as much.
    #[serde(serialize_with = "serialize_times")]
    pub as_much: Vec<Timestamp>,
    /// The command that lists its requests in the window.
    pub command: String,
}

/// A field and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValue {
    /// nginx's variable, or `route`, `path`, `query:KEY`, `agent_family`.
    pub field: String,
    /// The value, an address with its net, a size with `>=`.
    pub value: String,
    /// The condition of `--where` that means it.
    pub condition: String,
}

/// A value that lives in a cause's requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldedRow {
    /// The field and its value.
    #[serde(rename = "where", serialize_with = "serialize_where")]
    pub whose: Vec<FieldValue>,
    /// The part of the cause's excess that its requests have.
    #[serde(serialize_with = "serialize_share")]
    pub share: f64,
}

/// A client that asked for more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrownRow {
    /// The field and its value.
    #[serde(rename = "where", serialize_with = "serialize_where")]
    pub whose: Vec<FieldValue>,
    /// What its requests took more.
    pub change_ms: i64,
    /// Its requests in the window.
    pub count: u64,
    /// In as long a time of the baseline.
    pub usual_count: u64,
}

/// A request that came first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstRow {
    /// Its log.
    pub file: String,
    /// Where it begins there, in uncompressed bytes.
    pub offset: u64,
    /// When it began.
    pub start: EpochSeconds,
    /// When it ended.
    pub end: EpochSeconds,
    /// What was asked for.
    pub target: String,
    /// Who asked.
    pub remote_addr: Option<String>,
    /// How many slow requests began while it ran.
    pub waited: u64,
    /// Whether they waited for it, as far as times tell; else it is the first of those that were slow.
    pub held: bool,
}

/// A real line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WhySample {
    /// Its log.
    pub file: String,
    /// Where it begins there.
    pub offset: u64,
    /// It.
    pub line: String,
}

/// What a phase took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseRow {
    /// In the window.
    pub window_ms: u64,
    /// What as many requests of the same routes took in the baseline.
    pub usual_ms: u64,
}

impl WhyReport {
    /// The version of the shape.
    pub const SCHEMA: u64 = SCHEMA;
}

fn serialize_window<S: Serializer>(window: &Window, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    for (name, bound) in [("from", window.from), ("until", window.until)] {
        let shown = (bound != Window::ALL.from && bound != Window::ALL.until).then(|| bound.to_string());
        map.serialize_entry(name, &shown)?;
    }
    map.end()
}

/// A window as [`serialize_window`] has it.
#[derive(Serialize)]
struct Span(#[serde(serialize_with = "serialize_window")] Window);

fn serialize_windows<S: Serializer>(windows: &[Window], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(windows.iter().map(|window| Span(*window)))
}

fn serialize_times<S: Serializer>(times: &[Timestamp], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(times.iter().map(ToString::to_string))
}

fn serialize_change<S: Serializer>(change: &ChangeParts, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(4))?;
    let parts = [("volume", change.volume), ("mix", change.mix), ("slower", change.slower), ("total", change.total)];
    for (name, part) in parts {
        map.serialize_entry(name, &part)?;
    }
    map.end()
}

fn serialize_phases<S: Serializer>(phases: &Option<[i64; PHASES]>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(phases) = phases else { return serializer.serialize_none() };
    let mut map = serializer.serialize_map(Some(PHASES))?;
    for (phase, millis) in Phase::ALL.iter().zip(phases) {
        map.serialize_entry(phase.name(), millis)?;
    }
    map.end()
}

fn serialize_where<S: Serializer>(whose: &[FieldValue], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(whose.len()))?;
    for FieldValue { field, value, .. } in whose {
        map.serialize_entry(field, value)?;
    }
    map.end()
}

/// To four decimals, so that the same data always gives the same text.
fn serialize_share<S: Serializer>(share: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((share * 10_000.0).round() / 10_000.0)
}

fn serialize_besides<S: Serializer>(side: &Option<SideTimes>, serializer: S) -> Result<S::Ok, S::Error> {
    serialize_side(&side.unwrap_or_default(), serializer)
}

fn serialize_side<S: Serializer>(side: &SideTimes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(3))?;
    map.serialize_entry("count", &side.count)?;
    map.serialize_entry("p50_ms", &side.p50_ms)?;
    map.serialize_entry("p99_ms", &side.p99_ms)?;
    map.end()
}
