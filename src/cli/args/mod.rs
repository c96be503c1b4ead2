//! The command line as typed; nothing is read or looked at yet. All floors below may read it.

mod commands;
mod examples;
mod format;
mod shared;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub(in crate::cli) use commands::{
    CheckArguments, DiffArguments, DiffOrder, EventsArguments, GrafanaArguments, IndexArguments, LineOrder,
    LinesArguments, MessageForm, RecordsArguments, ReportArguments, RouteOrder, RoutesArguments, RunArguments,
    ServeArguments, SlowArguments, StatusArguments, TiedBy, TopArguments, TopSort, VerifyArguments, WhyArguments,
};
pub(in crate::cli) use format::{AnswerFormat, FindingsFormat, StatusFormat, WhyFormat};
pub(in crate::cli) use shared::{
    EscapeName, FileArguments, FilterArguments, FormatArguments, PointArguments, WindowArguments,
};

/// From the spike on the Graphite graph to the nginx log lines behind it.
#[derive(Debug, Parser)]
#[command(name = "spikeline", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 found or fine, 1 nothing matched, 2 usage or configuration, \
                        3 I/O or a partial answer.\nTimes are what Graphite takes (14:05_20111130, -10min, \
                        'noon yesterday', epoch seconds), ISO 8601, or as nginx logs them, in the local time zone (TZ) \
                        unless they say otherwise.\nDurations have units: 500ms, 1s, 2min, 1h30min, 90d.")]
pub(in crate::cli) struct Arguments {
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
pub(in crate::cli) enum Command {
    /// The daemon: follow the logs, keep histograms and index, push to carbon.
    #[command(after_help = examples::RUN)]
    Run(RunArguments),
    /// Latency per route over files, stdin (-), or the store's window.
    #[command(after_help = examples::REPORT)]
    #[command(mut_arg("files", |it| it.value_name("WHAT|FILE").help(examples::WHAT)))]
    Report(ReportArguments),
    /// Two windows, files or sets of files compared: what became slower, grew, is new or gone; conditions for a deploy.
    #[command(after_help = examples::DIFF)]
    Diff(DiffArguments),
    /// Ranked slow requests: classes by the time they cost, with real sample lines.
    #[command(after_help = examples::SLOW)]
    #[command(mut_arg("files", |it| it.value_name("WHAT|FILE").help(examples::WHAT)))]
    Slow(SlowArguments),
    /// Why a window is slow: what changed, where the time went, what sets the slow requests apart, who came first.
    #[command(after_help = examples::WHY)]
    #[command(mut_arg("files", |it| it.value_name("WHAT|FILE").help(examples::WHAT)))]
    Why(WhyArguments),
    /// Live routes on the terminal, from the store or from files as they grow; rows where there is no terminal.
    #[command(after_help = examples::TOP)]
    #[command(mut_arg("files", |it| it.help("Log files, plain (followed as they grow), gz, zst, xz or bz2. Without any, the store is asked")))]
    Top(TopArguments),
    /// The raw lines of a window and route, from the store, or of files given.
    #[command(after_help = examples::LINES)]
    #[command(mut_arg("files", |it| it.value_name("WHAT|FILE").help(examples::WHAT)))]
    Lines(LinesArguments),
    /// The parsed requests as JSON lines or CSV.
    #[command(after_help = examples::RECORDS)]
    Records(RecordsArguments),
    /// Take in logs of the past (rotated, packed); send their points to carbon; rebuild what a disk damaged.
    #[command(after_help = examples::INDEX)]
    Index(IndexArguments),
    /// Hold the store against the raw lines, and Graphite against the store.
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyArguments),
    /// The page and the read APIs over the store, or over files, with nothing else installed.
    #[command(after_help = examples::SERVE)]
    Serve(ServeArguments),
    /// The episodes in which a route left its usual range, posted to Graphite as events; `run` posts them by itself.
    #[command(after_help = examples::EVENTS)]
    Events(EventsArguments),
    /// Data sources and a dashboard for Grafana, whose points lead to the lines behind them.
    #[command(after_help = examples::GRAFANA)]
    Grafana(GrafanaArguments),
    /// The stanzas for carbon's storage-schemas.conf and storage-aggregation.conf.
    #[command(after_help = examples::GRAPHITE_CONFIG)]
    GraphiteConfig,
    /// What the daemon follows, how far it is, what it owes to whom and what was lost; for a person, and for a monitoring check.
    #[command(after_help = examples::STATUS)]
    Status(StatusArguments),
    /// The routes of the store: their names, readable and as in Graphite, since when, last seen, how many requests.
    #[command(after_help = examples::ROUTES)]
    Routes(RoutesArguments),
    /// The doctor: configuration, formats against real lines, carbon, permissions.
    #[command(after_help = examples::CHECK)]
    #[command(mut_arg("files", |it| it.help("Log files, plain, gz, zst, xz or bz2; - is stdin. Without any, all that the configuration (or nginx.conf) names")))]
    Check(CheckArguments),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(line.split(' ')).map(|arguments| arguments.command)
    }

    #[test]
    fn no_two_arguments_of_a_command_contradict_each_other() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_rate_is_there_without_being_asked_for_and_asked_for_only_with_push() {
        let Command::Index(index) = parse("spikeline index a.log").unwrap() else { panic!("not index") };
        assert_eq!((index.rate, index.push), (5000, false));
        assert!(parse("spikeline index --push --rate 7").is_ok());
        for wrong in ["index a.log --rate 7", "index --push --rate 0", "index --push --rebuild"] {
            assert!(parse(&format!("spikeline {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_command_has_its_own_forms_and_no_other() {
        let forms = ["table", "json", "jsonl", "csv"];
        let lacks = [
            ("report", ""),
            ("diff A B", ""),
            ("slow", ""),
            ("lines", ""),
            ("index", ""),
            ("verify", ""),
            ("records", "table"),
            ("check", "csv"),
            ("routes", ""),
        ];
        for (command, lacking) in lacks {
            for form in forms {
                let parsed = parse(&format!("spikeline {command} --format {form}"));
                assert_eq!(parsed.is_ok(), form != lacking, "{command} --format {form}");
            }
        }
    }
}
