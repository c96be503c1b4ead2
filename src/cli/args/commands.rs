//! The arguments of each command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::format::{AnswerFormat, FindingsFormat, LinesFormat, RecordsFormat, ReportFormat, StatusFormat, WhyFormat};
use super::shared::{
    FileArguments, FilterArguments, FormatArguments, PointArguments, ThreadArguments, WindowArguments,
};
use crate::report::slow::SlowOrder;

/// `run`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArguments {
    /// Say only what needs attention.
    #[arg(long, short)]
    pub quiet: bool,
    /// Where the page is served, ADDR:PORT; off: nowhere (default: `listen` of [http], else 127.0.0.1:8417).
    #[arg(long, value_name = "ADDR:PORT|off", env = "SPIKELINE_LISTEN")]
    pub listen: Option<String>,
    /// How messages are written to stderr.
    #[arg(long, value_name = "FORM", value_enum, default_value = "auto")]
    pub log: MessageForm,
}

/// `events`.
#[derive(Debug, Args)]
pub(in crate::cli) struct EventsArguments {
    /// Those that were told of from this time on.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "-1d")]
    pub since: String,
    /// Post nothing: only show what would be.
    #[arg(long)]
    pub dry_run: bool,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: AnswerFormat,
}

/// `grafana`.
#[derive(Debug, Args)]
pub(in crate::cli) struct GrafanaArguments {
    /// The folder to write to (default: this one).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where Grafana, and those who look at it, reach the page (default: `page` of [events], else where it listens).
    #[arg(long, value_name = "URL")]
    pub page: Option<String>,
    /// The graphite-web to read from (default: the page, which is a Graphite for its own metrics).
    #[arg(long, value_name = "URL")]
    pub graphite: Option<String>,
}

/// `serve`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ServeArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// Where the page is served (default: `listen` of [http], else 127.0.0.1:8417).
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
}

/// How the daemon's messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum MessageForm {
    /// For journald where stderr leads to it, else as text.
    Auto,
    /// A time, a level and the words.
    Text,
    /// One JSON object a line.
    Json,
    /// The words with journald's prefix of the level; it has the time itself.
    Journal,
}

/// `report`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ReportArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// The point that was clicked.
    #[command(flatten)]
    pub point: PointArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Group by these instead of the route: method, status, status_class, host, path, query:KEY, net,
    /// agent_family, or any variable of the format; several
    /// with commas between. Of upstream_addr and upstream_status each attempt counts by itself.
    #[arg(long, value_name = "FIELDS", default_value = "route")]
    pub by: String,
    /// Show these times instead of request_time: upstream_response_time, upstream_connect_time, upstream_header_time; several with
    /// commas between, or all.
    #[arg(long, value_name = "TIMES", default_value = "request_time")]
    pub times: String,
    /// Sort by sum, count, p99, max or name (default: what a metric says that is asked for, else sum).
    #[arg(long, value_name = "KEY")]
    pub sort: Option<String>,
    /// At most this many rows.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: ReportFormat,
}

/// The order of the rows of `diff`: the greatest first, names in their own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DiffOrder {
    /// By the time that being slower cost.
    Slower,
    /// By the change of all their time.
    Time,
    /// By how many requests there are, on the side with more.
    Count,
    /// By the change of p99.
    P99,
    /// By name.
    Name,
}

/// `diff`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArguments {
    /// What was: a window FROM..UNTIL of the store, or log files (patterns too), with commas between.
    #[arg(value_name = "BEFORE", allow_hyphen_values = true)]
    pub before: String,
    /// What is, in the same way.
    #[arg(value_name = "AFTER", allow_hyphen_values = true)]
    pub after: String,
    /// The format of files.
    #[command(flatten)]
    pub format_of_files: FormatArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Compare by these instead of the route, as in `report`; several with commas between.
    #[arg(long, value_name = "FIELDS", default_value = "route")]
    pub by: String,
    /// Fail (exit 1) if a row, or all of them, is beyond this: p99>+20%, all:5xx>1%, webapp.*:p95>500ms, count<-50%. May be given
    /// several times. METRIC: count, rate, sum, mean, p50, p75, p90, p95, p99, p99.9, max, 4xx, 5xx.
    #[arg(long, value_name = "CONDITION")]
    pub fail_if: Vec<String>,
    /// Rows of fewer requests on both sides break no condition.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub min_count: u64,
    /// The order of the rows.
    #[arg(long, value_enum, value_name = "KEY", default_value = "slower")]
    pub sort: DiffOrder,
    /// At most this many rows, and those that broke a condition.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: ReportFormat,
}

/// The order of the classes of `slow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ClassOrder {
    /// By the time of all their requests.
    Total,
    /// By the time of their slow requests.
    Slow,
    /// By how many requests they have.
    Count,
    /// By p99.
    P99,
    /// By the slowest request.
    Max,
    /// By variance to mean.
    Spread,
}

impl From<ClassOrder> for SlowOrder {
    fn from(order: ClassOrder) -> SlowOrder {
        match order {
            ClassOrder::Total => SlowOrder::Total,
            ClassOrder::Slow => SlowOrder::Slow,
            ClassOrder::Count => SlowOrder::Count,
            ClassOrder::P99 => SlowOrder::P99,
            ClassOrder::Max => SlowOrder::Max,
            ClassOrder::Spread => SlowOrder::Spread,
        }
    }
}

/// `slow`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SlowArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// The point that was clicked.
    #[command(flatten)]
    pub point: PointArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Slow means at least this, in every route (default: the threshold of the route's rule, else of [slow], else 1s).
    #[arg(long, value_name = "DURATION")]
    pub threshold: Option<String>,
    /// What makes a class: fields as in `report`, several with commas between.
    #[arg(long, value_name = "FIELDS", default_value = "route,status")]
    pub by: String,
    /// The order of the classes, the greatest first: the time of all their requests, that of their slow ones, how many they have,
    /// p99, the slowest, variance to mean.
    #[arg(long, value_name = "KEY", value_enum, default_value = "total")]
    pub sort: ClassOrder,
    /// The slowest lines of each class that are shown, beside a typical one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub samples: usize,
    /// At most this many classes.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: ReportFormat,
}

/// `why`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WhyArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// The point that was clicked.
    #[command(flatten)]
    pub point: PointArguments,
    /// Only this route (* stands for any text), or all but this one: '!websocket'. May be given several times. A metric of
    /// Graphite, a target or a URL of a graph says it, too.
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// What to compare with: before, yesterday, last-week, rest, or FROM..UNTIL (default: what was before, up to ten
    /// times the window, and the same hour of the last seven days).
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub baseline: Option<String>,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: WhyFormat,
}

/// The order of the routes of `top`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TopSort {
    /// By the time that their requests took.
    Time,
    /// By requests a second.
    Rate,
    /// By p50.
    P50,
    /// By p99.
    P99,
    /// By 5xx.
    Errors,
    /// By name.
    Name,
}

/// `top`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TopArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How long the window is that ends where the logs were read to.
    #[arg(long, value_name = "DURATION", default_value = "5min")]
    pub last: String,
    /// How often it is read anew.
    #[arg(long, value_name = "DURATION", default_value = "2s")]
    pub every: String,
    /// Only this route (* stands for any text), or all but this one: '!websocket'. May be given several times.
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// The order of the routes.
    #[arg(long, value_name = "KEY", value_enum, default_value = "time")]
    pub sort: TopSort,
    /// The zone of the clocks, such as Europe/Berlin or UTC (default: TZ, else the machine's).
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Print the rows once, also on a terminal.
    #[arg(long)]
    pub once: bool,
    /// At most this many rows are printed.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print them: then they are printed once (default: the screen on a terminal, else a table).
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<AnswerFormat>,
}

/// What ties a request to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TiedBy {
    /// In flight at some time inside it.
    Overlap,
    /// Ended inside it: exactly what the graph's slots counted.
    End,
}

/// The order of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LineOrder {
    /// By the time the request ended.
    Time,
    /// Longest first.
    Duration,
    /// Those first for which $upstream_response_time is longest.
    Upstream,
}

/// `lines`.
#[derive(Debug, Args)]
pub(in crate::cli) struct LinesArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// How many threads read them.
    #[command(flatten)]
    pub threads: ThreadArguments,
    /// The window.
    #[command(flatten)]
    pub window: WindowArguments,
    /// The point that was clicked.
    #[command(flatten)]
    pub point: PointArguments,
    /// Which requests.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// What ties a request to the window.
    #[arg(long, value_enum, default_value = "overlap")]
    pub by: TiedBy,
    /// All lines of the window and route, not only those kept as slow.
    #[arg(long)]
    pub all: bool,
    /// The order of lines (default: what a metric says that is asked for, else time).
    #[arg(long, value_enum)]
    pub sort: Option<LineOrder>,
    /// Use no pager on a terminal (PAGER says which one; none with PAGER=cat).
    #[arg(long)]
    pub no_pager: bool,
    /// At most this many lines: the first, or with --sort duration the longest.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: LinesFormat,
}

impl LinesArguments {
    /// The order of lines.
    pub(in crate::cli) fn order(&self) -> LineOrder {
        self.sort.unwrap_or(LineOrder::Time)
    }
}

/// `records`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecordsArguments {
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
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "jsonl")]
    pub format: RecordsFormat,
}

/// `index`.
#[derive(Debug, Args)]
pub(in crate::cli) struct IndexArguments {
    /// Log files of any age, plain, gz, zst, xz or bz2, in any order; patterns are expanded.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// In which format; the configuration's, or found by itself, if not given.
    #[command(flatten)]
    pub given: FormatArguments,
    /// Send the slots that got lines to the configured carbons, whole, oldest first; and what an earlier push left.
    #[arg(long)]
    pub push: bool,
    /// At most this many points a second: what a carbon takes beside its usual ones.
    #[arg(long, value_name = "POINTS", value_parser = clap::value_parser!(u32).range(1..), requires = "push", default_value_t = 5000)]
    pub rate: u32,
    /// Send no slot older than this: what carbon's retention is (default: `retention` of each [[carbon]], else all).
    #[arg(long, value_name = "DURATION", requires = "push")]
    pub max_age: Option<String>,
    /// Make so many series a minute that are new to carbon, its MAX_CREATES_PER_MINUTE; 0 for no limit (default: as its carbon.conf on this host
    /// says).
    #[arg(long, value_name = "PER_MINUTE", requires = "push")]
    pub creates: Option<u32>,
    /// With --push: also send all slots of this window that the store has.
    #[command(flatten)]
    pub window: WindowArguments,
    /// Also read again what was rejected of these logs before their format's change was told; what fits now is taken in, once.
    #[arg(long, requires = "files")]
    pub again: bool,
    /// Look for damaged segments, set them aside, and restore what they held from the logs.
    #[arg(long, conflicts_with_all = ["files", "push"])]
    pub rebuild: bool,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: AnswerFormat,
}

/// `verify`.
#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArguments {
    /// The window, in whole slots; without one, all that the store holds.
    #[command(flatten)]
    pub window: WindowArguments,
    /// Also compare with what this Graphite renders: its address, such as http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    pub graphite: Option<String>,
    /// Send carbon what Graphite has otherwise, again until nothing differs; also while the daemon runs. Without --graphite, as `graphite` of
    /// [[carbon]] says.
    #[arg(long)]
    pub resend: bool,
    /// With --resend: at most this many points a second.
    #[arg(long, value_name = "POINTS", value_parser = clap::value_parser!(u32).range(1..), requires = "resend", default_value_t = 5000)]
    pub rate: u32,
    /// For logs that the configuration does not name.
    #[command(flatten)]
    pub given: FormatArguments,
    /// At most this many differences are printed.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: AnswerFormat,
}

/// The order of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum RouteOrder {
    /// By name.
    Name,
    /// Most requests first.
    Requests,
    /// Those that are new first.
    New,
    /// Those seen last first.
    Seen,
}

/// `status`.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArguments {
    /// Say what was lost from this time on.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, default_value = "-1d")]
    pub since: String,
    /// It is wrong if the logs were not read for longer than this.
    #[arg(long, value_name = "DURATION", default_value = "1min")]
    pub max_lag: String,
    /// It is wrong if a carbon is owed slots that are older than this.
    #[arg(long, value_name = "DURATION", default_value = "10min")]
    pub max_owed: String,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: StatusFormat,
}

/// `routes`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RoutesArguments {
    /// Only this route (* stands for any text), or all but this one: '!websocket'. May be given several times.
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// Count the requests of this window, and leave routes out that have none in it.
    #[command(flatten)]
    pub window: WindowArguments,
    /// The order of routes.
    #[arg(long, value_name = "KEY", value_enum, default_value = "name")]
    pub sort: RouteOrder,
    /// At most this many routes.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: AnswerFormat,
}

/// `check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArguments {
    /// The files and how to read them.
    #[command(flatten)]
    pub files: FileArguments,
    /// Read every line of a large log, not a sample of them.
    #[arg(long)]
    pub all: bool,
    /// How to print.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: FindingsFormat,
}
