//! The command line as typed.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::examples;

/// From the spike on the Graphite graph to the nginx log lines behind it.
#[derive(Debug, Parser)]
#[command(name = "spikeline", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 found or fine, 1 nothing matched, 2 usage or configuration, \
                        3 I/O or a partial answer.\nTimes are what Graphite takes (14:05_20111130, -10min, \
                        'noon yesterday', epoch seconds), ISO 8601, or as nginx logs them, in the local time zone (TZ) \
                        unless they say otherwise.\nDurations have units: 500ms, 1s, 2min, 1h30min, 90d.")]
pub(super) struct Arguments {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "SPIKELINE_CONFIG")]
    pub config: Option<PathBuf>,
    /// The store's folder (overrides the configuration).
    #[arg(long, global = true, value_name = "DIR", env = "SPIKELINE_STORE")]
    pub store: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands. Where several share arguments, the help says here what they mean for the one.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The daemon: follow the logs, keep histograms and index, push to carbon.
    #[command(after_help = examples::RUN)]
    Run(RunArguments),
    /// Latency per route over files, stdin (-), or the store's window.
    #[command(after_help = examples::REPORT)]
    #[command(mut_arg("min_time", |it| it.help("Only requests of at least this duration; only of FILEs")))]
    #[command(mut_arg("status", |it| it.help("Only these statuses: 404, 5xx, 500-504; only of FILEs")))]
    Report(ReportArguments),
    /// Ranked slow requests: classes by the time they cost, with real sample lines.
    #[command(after_help = examples::SLOW)]
    Slow(SlowArguments),
    /// The raw lines of a window and route, from the store, or of files given.
    #[command(after_help = examples::LINES)]
    Lines(LinesArguments),
    /// The parsed requests as JSON lines or CSV.
    #[command(after_help = examples::RECORDS)]
    #[command(mut_arg("files", |it| it.help("Log files, plain, gz or zst; - is stdin. At least one: the store is not asked")))]
    Records(RecordsArguments),
    /// Take in logs of the past (rotated, gz, zst); send their points to carbon; rebuild what a disk damaged.
    #[command(after_help = examples::INDEX)]
    Index(super::index::IndexArguments),
    /// Hold the store against the raw lines, and Graphite against the store.
    #[command(after_help = examples::VERIFY)]
    Verify(super::verify::VerifyArguments),
    /// The doctor: configuration, formats against real lines, carbon, permissions.
    #[command(after_help = examples::CHECK)]
    #[command(mut_arg("files", |it| it.help("Log files, plain, gz or zst; - is stdin. Without any, all that the configuration (or nginx.conf) names")))]
    Check(CheckArguments),
}

/// `run`.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Say only what needs attention.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The files and how to read them.
#[derive(Debug, Args)]
pub(super) struct FileArguments {
    /// Log files, plain, gz or zst; - is stdin. Without any, the store is asked.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// In which format.
    #[command(flatten)]
    pub format: FormatArguments,
}

/// The format of log files.
#[derive(Debug, Args)]
pub(super) struct FormatArguments {
    /// The name of a grammar, or the text of a log_format; json or ltsv (and variable=key:unit) for values found by
    /// their keys; cri:, docker: or syslog: before any of them. Found by itself if not given.
    #[arg(long, value_name = "NAME|TEXT")]
    pub log_format: Option<String>,
    /// The escape= parameter of a log_format given as text.
    #[arg(long, value_name = "default|json|none", requires = "log_format")]
    pub escape: Option<String>,
}

/// How many threads.
#[derive(Debug, Args)]
pub(super) struct ThreadArguments {
    /// At most this many threads.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// A window of time.
#[derive(Debug, Clone, Args)]
pub(super) struct WindowArguments {
    /// From this time on (inclusive).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Until this time (exclusive).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// From this time until now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["from", "until", "at"])]
    pub since: Option<String>,
    /// From this time on, for --window.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["from", "until"])]
    pub at: Option<String>,
    /// How long the window of --at is (default: 1min).
    #[arg(long, value_name = "DURATION", requires = "at")]
    pub window: Option<String>,
}

/// Which requests.
#[derive(Debug, Args)]
pub(super) struct FilterArguments {
    /// Only this route (a name as in Graphite; * stands for any text). May be given several times.
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// Only requests of at least this duration.
    #[arg(long, value_name = "DURATION")]
    pub min_time: Option<String>,
    /// Only these statuses: 404, 5xx, 500-504.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// CSV with a header.
    Csv,
}

/// A format by its name, and what it is.
type NamedFormat = (Format, &'static str, &'static str);

const TABLE: NamedFormat = (Format::Table, "table", "For people");
const JSON: NamedFormat = (Format::Json, "json", "One JSON document");
const JSONL: NamedFormat = (Format::Jsonl, "jsonl", "One JSON object a line");
const CSV: NamedFormat = (Format::Csv, "csv", "CSV with a header");

/// What most commands print.
const ANSWERS: &[NamedFormat] = &[TABLE, JSON, JSONL, CSV];
/// What `lines` prints.
const LINES: &[NamedFormat] = &[(Format::Table, "table", "The raw lines as they were logged"), JSON, JSONL, CSV];
/// What `records` prints.
const RECORDS: &[NamedFormat] = &[JSONL, JSON, CSV];
/// What `check` prints.
const FINDINGS: &[NamedFormat] = &[TABLE, JSON, JSONL];

/// The formats of most commands.
pub(super) fn answers() -> impl TypedValueParser<Value = Format> {
    one_of(ANSWERS)
}

/// One of these formats, and no other.
fn one_of(formats: &'static [NamedFormat]) -> impl TypedValueParser<Value = Format> {
    let values = formats.iter().map(|(_, name, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(values).try_map(|given| {
        let found = formats.iter().find(|(_, name, _)| *name == given);
        found.map(|(format, ..)| *format).ok_or("no such format")
    })
}

/// `report`.
#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Group by this instead of the route: method, status, host, or any variable of the format.
    #[arg(long, value_name = "FIELD", default_value = "route")]
    pub by: String,
    /// Sort by sum, count, p99, max or name.
    #[arg(long, value_name = "KEY", default_value = "sum")]
    pub sort: String,
    /// At most this many rows.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_parser = answers(), default_value = "table")]
    pub format: Format,
}

/// `slow`.
#[derive(Debug, Args)]
pub(super) struct SlowArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Slow means at least this (default: the configuration's, else 1s).
    #[arg(long, value_name = "DURATION")]
    pub threshold: Option<String>,
    /// Sample lines a class.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub samples: usize,
    /// At most this many classes.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_parser = answers(), default_value = "table")]
    pub format: Format,
}

/// What ties a request to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// In flight at some time inside it.
    Overlap,
    /// Ended inside it: exactly what the graph's slots counted.
    End,
}

/// The order of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LineOrder {
    /// By the time the request ended.
    Time,
    /// Longest first.
    Duration,
}

/// `lines`.
#[derive(Debug, Args)]
pub(super) struct LinesArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// What ties a request to the window.
    #[arg(long, value_enum, default_value = "overlap")]
    pub by: By,
    /// All lines of the window and route, not only those kept as slow.
    #[arg(long)]
    pub all: bool,
    /// The order of lines.
    #[arg(long, value_enum, default_value = "time")]
    pub sort: LineOrder,
    /// At most this many lines: the first, or with --sort duration the longest.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_parser = one_of(LINES), default_value = "table")]
    pub format: Format,
}

/// `records`.
#[derive(Debug, Args)]
pub(super) struct RecordsArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// At most this many records.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_parser = one_of(RECORDS), default_value = "jsonl")]
    pub format: Format,
}

/// `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// Read every line of a large log, not a sample of them.
    #[arg(long)]
    pub all: bool,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_parser = one_of(FINDINGS), default_value = "table")]
    pub format: Format,
}

impl ThreadArguments {
    /// How many threads to use: as asked for, else one a core.
    pub(super) fn count(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.map_or_else(cores, usize::from)
    }
}
