//! What stands below the help of each command: examples, and how durations and times are written.

/// Examples, and how durations and times are written.
macro_rules! with_units {
    ($examples:literal) => {
        concat!(
            $examples,
            "\n\nDURATION: a number with its unit: 500ms, 1s, 2min, 1h30min, 90d.\n\
             TIME: as Graphite takes it (14:05, 14:05_20111130, -10min, 'noon yesterday', epoch seconds) or\n\
             ISO 8601, or as nginx logs it; in the local time zone (TZ) unless it says otherwise."
        )
    };
}

/// What `lines`, `slow` and `report` take as their first argument.
pub(super) const WHAT: &str = "What is asked for, as it is pasted: a metric as it is pushed, a target of Graphite, the URL of a graph \
                               (Graphite's or Grafana's), a link of the page. Or log FILEs, plain, gz, zst, xz or bz2; - is stdin. Without \
                               any, the store is asked";

/// Of `run`.
pub(super) const RUN: &str = r#"Examples:
  spikeline run                                  # with /etc/spikeline/spikeline.toml, else the logs of nginx.conf
  spikeline run --config s.toml --store ./store  # with its own configuration and store"#;

/// Of `events`.
pub(super) const EVENTS: &str = with_units!(
    r#"Examples:
  spikeline events --dry-run --since -7d  # what would have been posted in the last week
  spikeline events --since -1h            # post those of the last hour (again)
A route leaves its usual range when in two minutes in a row, of 20 requests at least, its p95 is over twice its usual one and
far from how it varies, or 5 % of its requests and more fail; docs/http.md has the rule."#
);

/// Of `grafana`.
pub(super) const GRAFANA: &str = r#"Examples:
  spikeline grafana --page http://web1:8417                                # the page is the Graphite as well
  spikeline grafana --page http://web1:8417 --graphite http://graphite:80"#;

/// Of `serve`.
pub(super) const SERVE: &str = r#"Examples:
  spikeline serve access.log access.log.*.gz   # files: indexed in a folder that is removed at the end
  spikeline serve --listen 127.0.0.1:9000      # the store, while the daemon is at rest or runs
Read-only; only programs on this machine reach it."#;

/// Of `report`.
pub(super) const REPORT: &str = with_units!(
    r#"Examples:
  spikeline report access.log access.log.2.gz  # per route, over files
  zcat x.gz | spikeline report - --by status   # stdin, per status
  spikeline report --since -1h --sort p99      # the last hour, from the store
  spikeline report --at 14:05 --by net,path    # who asked for what in that minute"#
);

/// Of `diff`.
pub(super) const DIFF: &str = with_units!(
    r#"Examples:
  spikeline diff 14:00..14:05 14:05..14:07                   # two windows of the store
  spikeline diff access.log.1 access.log                     # yesterday's log and today's
  spikeline diff access.log.1 access.log --by upstream_addr  # which server became slower
  spikeline diff -2h..-1h -10min.. --fail-if 'p99>+20%' --fail-if 'all:5xx>1%'  # a gate behind a deploy"#
);

/// Of `slow`.
pub(super) const SLOW: &str = with_units!(
    r#"Examples:
  spikeline slow access.log --threshold 500ms          # what costs the time in a file
  spikeline slow --at 14:05 --window 2min --samples 3  # two minutes of the store, with 3 lines a class"#
);

/// Of `why`.
pub(super) const WHY: &str = with_units!(
    r#"Examples:
  spikeline why --from 14:05 --until 14:07               # beside what was before, and the same hour of other days
  spikeline why --at 14:05 --window 2min --route 'api.*' # of these routes
  spikeline why nginx.web1.webapp.backend.git.request_time.p99 --around 14:05  # the spike on a graph
  spikeline why access.log --from 14:05 --until 14:07 --baseline 13:00..14:00"#
);

/// Of `lines`.
pub(super) const LINES: &str = with_units!(
    r#"Examples:
  spikeline lines --at 14:05 --window 2min --route 'webapp.*'  # in flight then, from the store
  spikeline lines --since -1h --sort duration --limit 10       # the ten longest of an hour
  spikeline lines access.log --min-time 1s                     # of a file
  spikeline lines nginx.web1.webapp.backend.git.request_time.p99 --around 14:05   # the spike on a graph
  spikeline lines 'https://graphite.example.org/render?target=..&from=-2h'        # as its URL says"#
);

/// Of `records`.
pub(super) const RECORDS: &str = with_units!(
    r#"Examples:
  spikeline records access.log | jq 'select(.status >= 500)'    # with jq
  spikeline records access.log*.gz --format csv > requests.csv  # for DuckDB or a spreadsheet
  zcat x.gz | spikeline records - --min-time 2min               # stdin"#
);

/// Of `index`.
pub(super) const INDEX: &str = with_units!(
    r#"Examples:
  spikeline index '/var/log/nginx/access.log*'  # take in what logrotate left
  spikeline index --push --max-age 30d          # send what is still owed, at most 30 days old
  spikeline index --push --from -2h             # a window once more, also while the daemon runs
  spikeline index --rebuild                     # restore damaged segments from the logs"#
);

/// Of `status`.
pub(super) const STATUS: &str = with_units!(
    r#"Examples:
  spikeline status                                   # one screen; the first line is the verdict
  spikeline status --max-lag 5min --since -1h        # for a monitoring check: see the exit code
  spikeline status --format json | jq '.logs[].behind_bytes'

Exit codes: 0 all is well; 1 something is wrong now: nothing writes to the store, reading is behind, a carbon is
owed old slots; 2 usage, or there is no store; 3 something was lost since then, or cannot be read."#
);

/// Of `routes`.
pub(super) const ROUTES: &str = with_units!(
    r#"Examples:
  spikeline routes                            # all that the store knows
  spikeline routes --since -1h --sort requests --limit 10
  spikeline routes --sort new --format csv    # those that came last, for a script"#
);

/// Of `verify`.
pub(super) const VERIFY: &str = with_units!(
    r#"Examples:
  spikeline verify                                               # all that the store holds
  spikeline verify --at 14:05 --window 10min                     # ten minutes of it
  spikeline verify --since -1d --graphite http://127.0.0.1:8080  # Graphite too
  spikeline verify --since -1d --resend                          # and carbon gets what differs, until nothing does"#
);

/// Of `graphite-config`.
pub(super) const GRAPHITE_CONFIG: &str = r#"Examples:
  spikeline graphite-config                      # put what it prints before the other stanzas of the two files
  spikeline graphite-config --config s.toml      # for the prefix of every [[carbon]]"#;

/// Of `top`.
pub(super) const TOP: &str = r#"Examples:
  spikeline top                                  # the store that the daemon writes: Enter opens a route, w says why, q ends
  spikeline top /var/log/nginx/access.log        # a log as it grows, without a daemon
  spikeline top --last 1h --sort p99             # + and - change the window, s the order
  spikeline top --format jsonl | jq .p99_ms      # rows, once

Keys: ? lists them."#;

/// Of `check`.
pub(super) const CHECK: &str = r#"Examples:
  spikeline check                                # all that the configuration, or nginx.conf, names
  spikeline check access.log                     # what format is this, and do its lines fit?
  spikeline check --config s.toml --format json  # for programs"#;
