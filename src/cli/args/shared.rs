//! The arguments that several commands have: which files, how to read them, which window, which requests.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::grammar::Escape;

/// The files and how to read them.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct FileArguments {
    /// Log files, plain, gz, zst, xz or bz2; - is stdin. Without any, the store is asked.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// In which format.
    #[command(flatten)]
    pub format: FormatArguments,
}

/// The format of log files.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct FormatArguments {
    /// The name of a grammar, or the text of a log_format; json or ltsv (and variable=key:unit) for values found by
    /// their keys; cri:, docker: or syslog: before any of them. Found by itself if not given.
    #[arg(long, value_name = "NAME|TEXT")]
    pub log_format: Option<String>,
    /// The escape= parameter of a log_format given as text.
    #[arg(long, value_enum, value_name = "default|json|none", hide_possible_values = true, requires = "log_format")]
    pub escape: Option<EscapeName>,
    /// What variables of a log_format given as text stand for that are not nginx's own, with their unit: took=request_time:ms
    #[arg(long, value_name = "VARIABLE=MEANING", value_delimiter = ',', requires = "log_format")]
    pub fields: Vec<String>,
}

/// nginx's `escape=` as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EscapeName {
    Default,
    Json,
    None,
}

impl From<EscapeName> for Escape {
    fn from(name: EscapeName) -> Escape {
        match name {
            EscapeName::Default => Escape::Default,
            EscapeName::Json => Escape::Json,
            EscapeName::None => Escape::None,
        }
    }
}

/// How many threads.
#[derive(Debug, Args)]
pub(in crate::cli) struct ThreadArguments {
    /// At most this many threads.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

/// A window of time.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct WindowArguments {
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
    /// The zone of times that name none, such as Europe/Berlin or UTC (default: TZ, else the machine's).
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
}

/// A point of a graph.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct PointArguments {
    /// The point of a graph that stands out: the window is the slots around it that do.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, conflicts_with_all = ["from", "until", "since", "at"])]
    pub around: Option<String>,
}

/// Which requests.
#[derive(Debug, Default, Args)]
pub(in crate::cli) struct FilterArguments {
    /// Only this route (* stands for any text), or all but this one: '!websocket'. May be given several times. A metric of
    /// Graphite, a target or a URL of a graph says it, too.
    #[arg(long, value_name = "ROUTE")]
    pub route: Vec<String>,
    /// Only requests of at least this duration.
    #[arg(long, value_name = "DURATION")]
    pub min_time: Option<String>,
    /// Only requests that took less than this.
    #[arg(long, value_name = "DURATION")]
    pub max_time: Option<String>,
    /// Only these statuses: 404, 5xx, 500-504.
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Only requests whose field is this: upstream_addr=10.0.0.2:8080, remote_addr=192.0.2.0/24, query:depth=all, agent_family=curl,
    /// body_bytes_sent=>=1048576, request_time=>=50ms (without a unit as the log has it: seconds). != for another one or none, ^= for one
    /// that begins so, =* for any, =- for none, \xHH for a byte; route as `why` names it, or any variable of the format. Of several
    /// all must hold.
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    pub conditions: Vec<String>,
}

impl ThreadArguments {
    /// How many threads to use: as asked for, else one a core.
    pub(in crate::cli) fn count(&self) -> usize {
        match self.threads {
            Some(threads) => usize::from(threads),
            None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}
