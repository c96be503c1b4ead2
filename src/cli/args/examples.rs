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

/// Of `run`.
pub(super) const RUN: &str = r#"Examples:
  spikeline run                                  # with /etc/spikeline/spikeline.toml, else the logs of nginx.conf
  spikeline run --config s.toml --store ./store  # with its own configuration and store"#;

/// Of `report`.
pub(super) const REPORT: &str = with_units!(
    r#"Examples:
  spikeline report access.log access.log.2.gz  # per route, over files
  zcat x.gz | spikeline report - --by status   # stdin, per status
  spikeline report --since -1h --sort p99      # the last hour, from the store"#
);

/// Of `slow`.
pub(super) const SLOW: &str = with_units!(
    r#"Examples:
  spikeline slow access.log --threshold 500ms          # what costs the time in a file
  spikeline slow --at 14:05 --window 2min --samples 3  # two minutes of the store, with 3 lines a class"#
);

/// Of `lines`.
pub(super) const LINES: &str = with_units!(
    r#"Examples:
  spikeline lines --at 14:05 --window 2min --route 'webapp.*'  # in flight then, from the store
  spikeline lines --since -1h --sort duration --limit 10       # the ten longest of an hour
  spikeline lines access.log --min-time 1s                     # of a file"#
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
  spikeline index --rebuild                     # restore damaged segments from the logs"#
);

/// Of `verify`.
pub(super) const VERIFY: &str = with_units!(
    r#"Examples:
  spikeline verify                                               # all that the store holds
  spikeline verify --at 14:05 --window 10min                     # ten minutes of it
  spikeline verify --since -1d --graphite http://127.0.0.1:8080  # Graphite too"#
);

/// Of `graphite-config`.
pub(super) const GRAPHITE_CONFIG: &str = r#"Examples:
  spikeline graphite-config                      # put what it prints before the other stanzas of the two files
  spikeline graphite-config --config s.toml      # for the prefix of every [[carbon]]"#;

/// Of `check`.
pub(super) const CHECK: &str = r#"Examples:
  spikeline check                                # all that the configuration, or nginx.conf, names
  spikeline check access.log                     # what format is this, and do its lines fit?
  spikeline check --config s.toml --format json  # for programs"#;
