//! The configuration file: TOML, validated once into plain values; nothing below sees the file.
//!
//! `samples/spikeline.toml` has every key. Every mistake in a file is found in one go, each with line and
//! column. Defaults that depend on the user or the machine come from [`Surroundings`]; flags and environment variables
//! have precedence over the file and are laid over it by the caller.

mod carbon;
mod carbon_choice;
mod environment;
mod events;
mod host_name;
mod http;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
mod position;
mod probe;
mod report;
mod retention;
mod route;
mod section;
mod series;
mod size;
mod slow;
mod store;

pub use crate::carbon::Protocol;
pub use crate::grammar::Escape;
pub use carbon::CarbonSection;
pub use environment::{SYSTEM_STORE, Surroundings};
pub use events::EventsSection;
pub use host_name::HostName;
pub use http::{DEFAULT_LISTEN, HttpSection, NO_LISTEN, TokenSection, listen_address};
pub use log::{LogFormat, LogSection, ReceivedSection};
#[cfg(feature = "otlp")]
pub use otlp::OtlpSection;
pub use position::Placed;
pub use probe::ProbeSection;
pub use report::ReportSection;
pub use route::{RouteSection, StatusCondition};
pub use series::SeriesSection;
pub use slow::SlowSection;
pub use store::StoreSection;

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Result};
use crate::grammar::MAX_LINE;
use crate::source::read_whole;
use crate::store::{Retention, StoreSettings};
use position::{LineEnds, Source};
pub(in crate::cli) use section::whole_millis;
use section::{Section, type_name};

/// What may stand before the first section, and the sections themselves.
const KEYS: [&str; 23] = [
    "store",
    "interval",
    "lateness",
    "host",
    "routes_max",
    "max_line",
    "poll",
    "grammars",
    "nginx",
    "logrotate",
    "routes",
    "archive",
    "retention",
    "log",
    "route",
    "series",
    "probe",
    "slow",
    "report",
    "http",
    "events",
    "carbon",
    "otlp",
];

/// Milliseconds.
const MINUTE: u128 = 60_000;
const DAY: u128 = 1440 * MINUTE;

/// Where nginx's configuration is looked for if no log is named.
pub const DEFAULT_NGINX: &str = "/etc/nginx/nginx.conf";
/// The value of `nginx` that says not to look for nginx's configuration.
pub const NO_NGINX: &str = "off";

/// What names the routes of requests that no rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoutesBy {
    /// The location of nginx's configuration, where it is known; else the path's template.
    #[default]
    Location,
    /// The path's template.
    Template,
}

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the store is and who may read it; without a folder, [`Surroundings::store`].
    pub store: StoreSection,
    /// The length of a slot: whole seconds that divide a minute, or whole minutes that divide a day.
    pub interval: Duration,
    /// How long after its end a slot may still get lines before it is final.
    pub lateness: Duration,
    /// The name in metrics; if absent, [`Surroundings::host`].
    pub host: Option<Placed<String>>,
    /// The most routes that are learnt; what comes after is `other`.
    pub routes_max: u32,
    /// The longest line in bytes.
    pub max_line: u64,
    /// How often logs are looked at when nothing else tells of new lines.
    pub poll: Duration,
    /// A folder with the user's own grammars.
    pub grammars: Option<Placed<PathBuf>>,
    /// nginx's main configuration file or an `nginx -T` dump, or [`NO_NGINX`]; if absent and no log is named,
    /// [`DEFAULT_NGINX`].
    pub nginx: Option<Placed<String>>,
    /// logrotate's main configuration file, if it is not the usual one.
    pub logrotate: Option<Placed<String>>,
    /// What names the routes of requests that no rule names.
    pub routes_by: RoutesBy,
    /// Whether slow lines are kept in the store; a `[[log]]` may say otherwise.
    pub archive: bool,
    /// How much of the past the store keeps.
    pub retention: Retention,
    /// The logs to follow.
    pub logs: Vec<LogSection>,
    /// The rules that name routes, in their order.
    pub routes: Vec<RouteSection>,
    /// What is counted beside the routes.
    pub series: Vec<SeriesSection>,
    /// What is counted instead of in a route.
    pub probes: Vec<ProbeSection>,
    /// Which requests the index keeps one by one.
    pub slow: SlowSection,
    /// Of which routes `report` tells.
    pub report: ReportSection,
    /// Where the page is served, and to whom.
    pub http: HttpSection,
    /// Who is told when a route leaves its usual range.
    pub events: EventsSection,
    /// Where points are sent.
    pub carbons: Vec<CarbonSection>,
    /// Where slots are sent as OTLP.
    #[cfg(feature = "otlp")]
    pub collectors: Vec<OtlpSection>,
}

impl Default for Config {
    /// The configuration of an empty file.
    fn default() -> Config {
        Config {
            store: StoreSection::default(),
            interval: StoreSettings::default().interval,
            lateness: Duration::from_secs(60),
            host: None,
            routes_max: 2000,
            max_line: MAX_LINE as u64,
            poll: Duration::from_millis(250),
            grammars: None,
            nginx: None,
            logrotate: None,
            routes_by: RoutesBy::default(),
            archive: false,
            retention: retention::default(),
            logs: Vec::new(),
            routes: Vec::new(),
            series: Vec::new(),
            probes: Vec::new(),
            slow: SlowSection::default(),
            report: ReportSection::default(),
            http: HttpSection::default(),
            events: EventsSection::default(),
            carbons: Vec::new(),
            #[cfg(feature = "otlp")]
            collectors: Vec::new(),
        }
    }
}

impl Config {
    /// The store's folder, given or by default.
    pub fn store_in(&self, surroundings: &Surroundings) -> PathBuf {
        self.store.path.clone().unwrap_or_else(|| surroundings.store())
    }

    /// The host's name in metrics, given or by default.
    pub fn host_in(&self, surroundings: &Surroundings) -> String {
        self.host.as_ref().map_or_else(|| surroundings.host(), |host| host.value.clone())
    }

    /// The longest line that is read, in bytes of memory.
    pub(in crate::cli) fn longest_line(&self) -> usize {
        usize::try_from(self.max_line).unwrap_or(usize::MAX)
    }

    /// Read and validate a file.
    ///
    /// # Errors
    /// The file cannot be read or is not UTF-8, or what [`Config::parse`] says.
    pub fn load(path: &Path) -> Result<Config> {
        let bytes = read_whole(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::usage("there is no such configuration")
                .at(path)
                .remedy("name it with --config; samples/spikeline.toml shows all that can stand in one"),
            _ => Error::io("read the configuration", path, &error),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default()).into_owned();
            let line_ends = &LineEnds::of(&text);
            Source { path, text: &text, line_ends }.mistake(valid, "not UTF-8").remedy("save the file as UTF-8")
        })?;
        Config::parse(&text, path)
    }

    /// Validate a text; `path` is only named in errors.
    ///
    /// # Errors
    /// A usage error with line, column and remedy; if there are several, one that lists them all.
    pub fn parse(text: &str, path: &Path) -> Result<Config> {
        Config::check(text, path).map_err(|mut mistakes| match mistakes.pop() {
            Some(only) if mistakes.is_empty() => only,
            last => {
                mistakes.extend(last);
                let all: String = mistakes.iter().map(|mistake| format!("\n{mistake}")).collect();
                Error::usage(format!("{} mistakes:{all}", mistakes.len())).at(path)
            }
        })
    }

    /// Validate a text and return every mistake, in the order of the file. A mistake of TOML's own grammar hides the
    /// rest.
    ///
    /// # Errors
    /// At least one usage error, each with line, column and remedy.
    pub fn check(text: &str, path: &Path) -> std::result::Result<Config, Vec<Error>> {
        let line_ends = &LineEnds::of(text);
        let source = Source { path, text, line_ends };
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let remedy = "see https://toml.io: texts stand in quotes, sections as [slow] or [[log]]";
            vec![source.mistake(at, format!("not TOML: {}", error.message())).remedy(remedy)]
        })?;
        let mut mistakes = Vec::new();
        let config = read_document(document.get_ref(), source, &mut mistakes);
        if mistakes.is_empty() {
            return Ok(config);
        }
        mistakes.sort_by_key(|mistake| mistake.place().and_then(|place| place.line_column));
        Err(mistakes)
    }
}

/// The keys of each section, by its name without brackets; those before the first section have none.
pub fn known_keys() -> &'static [(&'static str, &'static [&'static str])] {
    &[
        ("", &KEYS),
        ("store", &store::KEYS),
        ("log", &log::KEYS),
        ("route", &route::KEYS),
        ("series", &series::KEYS),
        ("probe", &probe::KEYS),
        ("carbon", &carbon::KEYS),
        #[cfg(feature = "otlp")]
        ("otlp", &otlp::KEYS),
        ("slow", &slow::KEYS),
        ("report", &report::KEYS),
        ("http", &http::KEYS),
        ("events", &events::KEYS),
        ("http.token", &http::TOKEN_KEYS),
        ("retention", &retention::KEYS),
    ]
}

/// All sections, in any order. A section that cannot be read is left out, and its mistakes stand with the others.
fn read_document(document: &DeTable<'_>, source: Source<'_>, mistakes: &mut Vec<Error>) -> Config {
    let mut config = read_top(document, source, mistakes);
    let each = |key, name, keys: &[&str], mistakes: &mut Vec<Error>, read: &mut dyn FnMut(&mut Section<'_>)| {
        for table in tables_of_array(document, key, source, mistakes) {
            let (start, Some(table)) = (table.span().start, table.get_ref().as_table()) else { continue };
            read(&mut Section::new(name, table, start, source, keys, mistakes));
        }
    };
    each("log", "[[log]]", &log::KEYS, mistakes, &mut |section| config.logs.extend(log::read_log(section)));
    each("route", "[[route]]", &route::KEYS, mistakes, &mut |section| config.routes.extend(route::read_route(section)));
    each("series", "[[series]]", &series::KEYS, mistakes, &mut |section| {
        config.series.extend(series::read_series(section));
    });
    each("probe", "[[probe]]", &probe::KEYS, mistakes, &mut |section| config.probes.push(probe::read_probe(section)));
    each("carbon", "[[carbon]]", &carbon::KEYS, mistakes, &mut |section| {
        config.carbons.extend(carbon::read_carbon(section))
    });
    #[cfg(feature = "otlp")]
    each("otlp", "[[otlp]]", &otlp::KEYS, mistakes, &mut |section| config.collectors.extend(otlp::read_otlp(section)));
    #[cfg(not(feature = "otlp"))]
    mistakes.extend(document.get("otlp").map(|found| without_otlp(source, found)));
    for carbon in &config.carbons {
        mistakes.extend(carbon::mistaken_archives(carbon, config.interval));
    }
    let mut one = |key, name, keys: &[&str], read: &mut dyn FnMut(&mut Section<'_>)| {
        let Some(found) = document.get(key) else { return };
        match found.get_ref().as_table() {
            Some(table) => read(&mut Section::new(name, table, found.span().start, source, keys, mistakes)),
            // Its short form, which was read with the keys before the sections.
            None if key == "store" => {}
            None => mistakes.push(wrong_section(key, name, found, source)),
        }
    };
    one("store", "[store]", &store::KEYS, &mut |section| config.store = store::read_store(section));
    one("slow", "[slow]", &slow::KEYS, &mut |section| config.slow = slow::read_slow(section));
    one("report", "[report]", &report::KEYS, &mut |section| config.report = report::read_report(section));
    one("events", "[events]", &events::KEYS, &mut |section| config.events = events::read_events(section));
    one("http", "[http]", &http::KEYS_AND_TOKEN, &mut |section| config.http = http::read_http(section));
    one("retention", "[retention]", &retention::KEYS, &mut |section| {
        config.retention = retention::read_retention(section)
    });
    config
}

/// The mistake of `[[otlp]]` where nothing of it was built in.
#[cfg(not(feature = "otlp"))]
fn without_otlp(source: Source<'_>, found: &Spanned<DeValue<'_>>) -> Error {
    let first = found.get_ref().as_array().and_then(|sections| sections.iter().next());
    let start = first.map_or(found.span().start, |section| section.span().start);
    source
        .mistake(start, "this spikeline was built without `otlp`")
        .remedy("`cargo install spikeline --features otlp` makes one that has it")
}

/// The keys before the first section.
fn read_top(document: &DeTable<'_>, source: Source<'_>, mistakes: &mut Vec<Error>) -> Config {
    let default = Config::default();
    let mut section = Section::new("the configuration", document, 0, source, &KEYS, mistakes);
    let is_section = document.get("store").is_some_and(|store| store.get_ref().is_table());
    let path = if is_section { None } else { section.text("store", store::EXAMPLE) };
    let store = StoreSection { path: path.map(|path| PathBuf::from(path.value)), ..StoreSection::default() };
    let interval = section.duration("interval", "10s", Duration::from_secs(1));
    if let Some(interval) = interval.as_ref().filter(|interval| !is_interval(interval.value)) {
        let what = "`interval` must be whole seconds that divide a minute, or whole minutes that divide a day";
        section.mistake_at(interval, what, "for example `interval = \"10s\"`; carbon's retention must have the same");
    }
    let least = Duration::from_millis(10);
    Config {
        store,
        interval: interval.map_or(default.interval, Placed::into_value),
        lateness: section.duration("lateness", "60s", Duration::ZERO).map_or(default.lateness, Placed::into_value),
        host: section.text("host", "web1"),
        routes_max: section
            .count("routes_max", 1, 1_000_000, u64::from(default.routes_max))
            .and_then(|count| u32::try_from(count.value).ok())
            .unwrap_or(default.routes_max),
        max_line: section.size("max_line", "1MiB").map_or(default.max_line, Placed::into_value),
        poll: section.duration("poll", "250ms", least).map_or(default.poll, Placed::into_value),
        grammars: section.text("grammars", "/etc/spikeline/grammars").map(|folder| folder.map(PathBuf::from)),
        nginx: section.text("nginx", DEFAULT_NGINX),
        logrotate: section.text("logrotate", "/etc/logrotate.conf"),
        routes_by: section
            .choice("routes", &[("location", RoutesBy::Location), ("template", RoutesBy::Template)])
            .map_or(default.routes_by, Placed::into_value),
        archive: section.boolean("archive").unwrap_or(default.archive),
        ..default
    }
}

/// Slots must meet minutes and days, so that coarser retentions of carbon are made of whole slots.
fn is_interval(interval: Duration) -> bool {
    let millis = interval.as_millis();
    let divides = |whole: u128| whole.checked_rem(millis) == Some(0);
    millis.is_multiple_of(1000) && (divides(MINUTE) || (millis.is_multiple_of(MINUTE) && divides(DAY)))
}

/// The tables of an array of tables.
fn tables_of_array<'a>(
    document: &'a DeTable<'a>,
    key: &str,
    source: Source<'_>,
    mistakes: &mut Vec<Error>,
) -> Vec<&'a Spanned<DeValue<'a>>> {
    let Some(found) = document.get(key) else { return Vec::new() };
    let header = format!("[[{key}]]");
    match found.get_ref().as_array() {
        None => {
            mistakes.push(wrong_section(key, &header, found, source));
            Vec::new()
        }
        Some(array) => {
            let (tables, others): (Vec<_>, Vec<_>) = array.iter().partition(|element| element.get_ref().is_table());
            mistakes.extend(others.into_iter().map(|other| wrong_section(key, &header, other, source)));
            tables
        }
    }
}

/// The mistake of a section that is written as a value, such as `log = "access.log"`.
fn wrong_section(key: &str, header: &str, found: &Spanned<DeValue<'_>>, source: Source<'_>) -> Error {
    let what = format!("`{key}` must be a section {header}, not {}", type_name(found.get_ref()));
    source
        .mistake(found.span().start, what)
        .remedy(format!("write `{header}` on a line of its own, and its keys below"))
}
