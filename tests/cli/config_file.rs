//! The configuration file: what is read, and every mistake with its exact place and remedy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use spikeline::cli::config::{
    Config, DEFAULT_NGINX, Escape, HostName, LogFormat, Placed, Protocol, SlowSection, StatusCondition, Surroundings,
    known_keys,
};
use spikeline::error::ErrorClass;
use spikeline::grammar::Wrapper;

const PATH: &str = "spikeline.toml";

fn parse(text: &str) -> Config {
    Config::parse(text, Path::new(PATH)).unwrap_or_else(|error| panic!("{error}"))
}

/// Every mistake as `line:column what | remedy`.
fn mistakes(text: &str) -> Vec<String> {
    let shown = |error: &spikeline::error::Error| {
        assert_eq!(error.class(), ErrorClass::Usage);
        let prefix = format!("{PATH}:");
        let text = error.to_string();
        text.strip_prefix(&prefix).unwrap().replacen(": ", " ", 1).replace("\n  help: ", " | ")
    };
    Config::check(text, Path::new(PATH)).unwrap_err().iter().map(shown).collect()
}

#[track_caller]
fn one_mistake(text: &str, expected: &str) {
    assert_eq!(mistakes(text), [expected], "{text}");
}

fn value<T: Clone>(placed: &Option<Placed<T>>) -> Option<T> {
    placed.as_ref().map(|placed| placed.value.clone())
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let config = parse("# nothing\n");
    assert_eq!(config, Config::default());
    assert_eq!((config.interval, config.lateness), (Duration::from_secs(10), Duration::from_secs(60)));
    assert_eq!((config.routes_max, config.max_line, config.poll), (2000, 1_048_576, Duration::from_millis(250)));
    assert_eq!(
        config.slow,
        SlowSection { threshold: Duration::from_secs(1), slowest: 5, server_errors: true, routes: Vec::new() }
    );
}

const SAMPLE: &str = include_str!("../../samples/spikeline.toml");

/// The sample with all its keys and sections: `#key` is one, `# text` is a comment.
fn whole_sample() -> String {
    let live = |line: &'static str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with([' ', '#']) => rest,
        _ => line,
    };
    SAMPLE.lines().map(|line| live(line).to_owned() + "\n").collect()
}

/// The same without its last section, where this build has not the feature that it is of.
fn sample_of_build() -> String {
    let text = whole_sample();
    if cfg!(feature = "otlp") { text } else { text.split("[[otlp]]\n").next().unwrap().to_owned() }
}

#[test]
fn the_sample_as_it_is_configures_nothing() {
    assert_eq!(parse(SAMPLE), Config::default());
}

#[test]
fn the_sample_is_complete_and_true_to_the_defaults() {
    let text = whole_sample();
    let mut found = Vec::new();
    let mut within = "";
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            within = header.trim_start_matches('[').split(']').next().unwrap();
            found.push(("", within));
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            found.push((within, key));
        }
    }
    for &(section, keys) in known_keys() {
        for key in keys {
            assert!(found.contains(&(section, key)), "`{key}` of `{section}` is not in the sample");
        }
    }
    let config = parse(&sample_of_build());
    let default = Config::default();
    assert_eq!(config.store.path, Some(PathBuf::from("/var/lib/spikeline")));
    assert_eq!((config.store.mode, value(&config.store.group).as_deref()), (Some(0o640), Some("adm")));
    assert_eq!(parse("store = \"/s\"\n").store.path, Some(PathBuf::from("/s")));
    assert_eq!(value(&config.host).unwrap(), "web1");
    assert_eq!(value(&config.grammars).unwrap(), PathBuf::from("/etc/spikeline/grammars"));
    assert_eq!((config.interval, config.lateness, config.poll), (default.interval, default.lateness, default.poll));
    assert_eq!((config.routes_max, config.max_line), (default.routes_max, default.max_line));
    let routes = vec!["!websocket".to_owned()];
    assert_eq!(config.slow, SlowSection { routes, ..default.slow });
    assert_eq!(config.report.routes, ["!websocket", "!poll.*"]);
    assert_eq!((value(&config.nginx).unwrap().as_str(), config.routes_by), (DEFAULT_NGINX, default.routes_by));
    assert_eq!((config.archive, config.logs[1].archive), (default.archive, Some(false)));
    assert_eq!(config.retention.keep_bytes, default.retention.keep_bytes);
    let days = |count: u64| Some(Duration::from_secs(count * 86_400));
    assert_eq!((config.retention.keep, config.retention.keep_histograms), (days(90), days(400)));
    assert_eq!((default.retention.keep, default.retention.keep_histograms), (None, None));

    assert_eq!(config.logs.len(), 5);
    let received = config.logs[4].received.as_ref().unwrap();
    assert_eq!((received.at.to_string().as_str(), received.keep), ("syslog:127.0.0.1:5514", 1 << 30));
    let [upstream] = &config.series[..] else { panic!("one series") };
    assert_eq!(upstream.name.value, "upstream.{upstream_addr}.{route}");
    assert_eq!(value(&config.logs[0].format), Some(LogFormat::Grammar("combined".to_owned())));
    assert!(!config.logs[0].is_glob() && config.logs[1].is_glob());
    assert!(
        matches!(value(&config.logs[1].format), Some(LogFormat::Text(text)) if text.ends_with("$upstream_response_time"))
    );
    assert_eq!(config.logs[1].escape, Some(Escape::Default));
    let keys: Vec<_> =
        config.logs[2].keys.iter().map(|(name, key)| (name.value.as_str(), key.value.as_str())).collect();
    assert_eq!(keys, [("request_time", "took:ms"), ("request_uri", "http.path")]);
    assert_eq!(value(&config.logs[3].wrapper), Some(Wrapper::Cri));

    let [tree, git, failing] = &config.routes[..] else { panic!("three routes") };
    assert_eq!(tree.methods.iter().map(|method| method.value.as_str()).collect::<Vec<_>>(), ["GET", "HEAD"]);
    assert_eq!(value(&tree.threshold), Some(Duration::from_secs(2)));
    assert_eq!(value(&git.host).unwrap(), "git.example.org");
    assert!(git.path.is_none() && git.regex.is_some());
    let statuses: Vec<_> = failing.statuses.iter().map(|status| status.value).collect();
    assert_eq!(statuses, [StatusCondition::Class(5), StatusCondition::Exactly(499)]);
    let (name, addr) = &failing.variables[0];
    assert_eq!((name.value.as_str(), addr.value.as_str()), ("upstream_addr", r"10\.0\.0\.7:8080"));

    let carbon = &config.carbons[0];
    let bare = &parse("[[carbon]]\naddress = \"127.0.0.1:2003\"\n").carbons[0];
    assert_eq!((carbon.protocol, carbon.tagged, carbon.spool), (bare.protocol, bare.tagged, bare.spool));
    assert_eq!((carbon.connect_timeout, carbon.write_timeout), (bare.connect_timeout, bare.write_timeout));
    assert_eq!((carbon.retention, bare.retention), (days(30), None));
    assert_eq!((&carbon.choice.percentiles, carbon.choice.unit), (&bare.choice.percentiles, bare.choice.unit));
    assert_eq!((carbon.choice.metrics.len(), carbon.choice.routes.len()), (4, 2));
    assert_eq!((value(&carbon.host), &bare.host), (Some(HostName::Full), &None));
    assert_eq!((value(&carbon.conf), &bare.conf), (Some(PathBuf::from("/etc/carbon")), &None));
    assert_eq!((carbon.archives.as_ref().map(|archives| archives.value.len()), &bare.archives), (Some(2), &None));
    assert_eq!((carbon.send, carbon.delay, bare.delay), (bare.send, Some(Duration::from_secs(10)), None));
    assert_eq!((carbon.prefix.value.as_str(), bare.prefix.value.as_str()), ("nginx", "nginx"));
}

#[test]
fn values_know_their_places() {
    let config = parse("# ü\n[[log]]\n  path = 'a.log'\n  format = '$remote_addr $oops'\n");
    let format = config.logs[0].format.as_ref().unwrap();
    assert_eq!((format.line, format.column), (4, 12));
    let error = format.mistake_inside(13, "unknown variable").remedy("r");
    assert_eq!(error.to_string(), "spikeline.toml:4:26: unknown variable\n  help: r");
    // With an escape in it the columns no longer count bytes of the text: point at its beginning.
    let config = parse("[[log]]\npath = 'a'\nformat = \"\\\"$request\\\" $oops\"\n");
    let error = config.logs[0].format.as_ref().unwrap().mistake_inside(11, "unknown variable");
    assert_eq!(error.to_string(), "spikeline.toml:3:10: unknown variable");
    let config = parse("[slow]\n[[route]]\nname = 'a'\n");
    assert_eq!(config.routes[0].place.line, 2);
}

#[test]
fn retention_that_contradicts_itself() {
    one_mistake("[retention]\nkeep = \"2h\"\n", "2:8 `keep` must be at least 1d | for example `keep = \"90d\"`");
    one_mistake(
        "[retention]\nkeep = \"90d\"\nkeep_histograms = \"30d\"\n",
        "3:19 `keep_histograms` is shorter than `keep` | make it at least as long: histograms are the smallest part",
    );
    one_mistake(
        "[retention]\nkeep_histograms = \"30d\"\n",
        "2:19 `keep_histograms` without `keep`: everything is kept for ever | give `keep` too, for example `keep = \"90d\"`",
    );
    one_mistake(
        "[retention]\nkeep_sise = 1\n",
        "2:1 unknown key `keep_sise` in [retention] | did you mean `keep_size`?",
    );
    let config = parse("archive = true\n[[log]]\npath = 'a'\narchive = false\n[[log]]\npath = 'b'\n");
    assert_eq!((config.archive, config.logs[0].archive, config.logs[1].archive), (true, Some(false), None));
}

#[test]
fn toml_that_is_none() {
    one_mistake(
        "interval = 10s\n",
        "1:12 not TOML: string values must be quoted, expected literal string | see https://toml.io: texts stand in \
         quotes, sections as [slow] or [[log]]",
    );
    assert!(mistakes("host = 'a'\nhost = 'b'\n")[0].starts_with("2:1 not TOML: duplicate key"));
}

#[test]
fn unknown_keys() {
    one_mistake(
        "\nintervall = \"10s\"\n",
        "2:1 unknown key `intervall` in the configuration | did you mean `interval`?",
    );
    one_mistake("[slow]\n treshold = \"1s\"\n", "2:2 unknown key `treshold` in [slow] | did you mean `threshold`?");
    one_mistake(
        "[[log]]\npath='a'\nfile='b'\n",
        "3:1 unknown key `file` in [[log]] | one of `path`, `format`, `escape`, `keys`, `fields`, `wrapper`, `rotated`, `archive`, `keep_size`",
    );
    one_mistake(
        "[[route]]\nname='a'\nmethods='GET'\n",
        "3:1 unknown key `methods` in [[route]] | did you mean `method`?",
    );
    one_mistake(
        "[[carbon]]\naddress='a:1'\nadress='b:2'\n",
        "3:1 unknown key `adress` in [[carbon]] | did you mean `address`?",
    );
    one_mistake("[slows]\n", "1:2 unknown key `slows` in the configuration | did you mean `slow`?");
}

#[test]
fn wrong_types() {
    let cases = [
        (
            "[store]\nmode = '0666'",
            "2:8 `mode` must be that of files which their user alone may write | one of \"0600\", \"0640\", \"0644\"; folders may be \
             entered by who may read",
        ),
        ("store = 1", "1:9 `store` must be a text, not an integer | for example `store = \"/var/lib/spikeline\"`"),
        (
            "interval = 10",
            "1:12 `interval` must be a duration with its unit, not an integer | for example `interval = \"10s\"`",
        ),
        ("routes_max = '5'", "1:14 `routes_max` must be a whole number, not a text | for example `routes_max = 2000`"),
        ("max_line = true", "1:12 `max_line` must be a size, not a boolean | for example `max_line = \"1MiB\"`"),
        (
            "[slow]\nserver_errors = 'yes'",
            "2:17 `server_errors` must be true or false, not a text | for example `server_errors = true`",
        ),
        (
            "[slow]\nslowest = 1.5",
            "2:11 `slowest` must be a whole number, not a decimal number | for example `slowest = 5`",
        ),
        (
            "log = 'x'",
            "1:7 `log` must be a section [[log]], not a text | write `[[log]]` on a line of its own, and its keys below",
        ),
        (
            "slow = []",
            "1:8 `slow` must be a section [slow], not a list | write `[slow]` on a line of its own, and its keys below",
        ),
        (
            "carbon = [1]",
            "1:11 `carbon` must be a section [[carbon]], not an integer | write `[[carbon]]` on a line of its own, and its keys below",
        ),
        (
            "[[route]]\nname = 'a'\nmethod = ['GET', 1]",
            "3:18 `method` must be a text, not an integer | for example `method = \"GET\"`",
        ),
        (
            "[[route]]\nname = 'a'\nvariables = 'x'",
            "3:13 `variables` must be a table of texts, not a text | for example `variables = { upstream_addr = \"10.0.0.1:8080\" }`",
        ),
        (
            "[[route]]\nname = 'a'\nvariables = { a = 1 }",
            "3:19 `a` must be a text, not an integer | for example `a = \"text\"`",
        ),
    ];
    for (text, expected) in cases {
        one_mistake(text, expected);
    }
}

#[test]
fn a_single_bracket_log_is_a_mistake() {
    one_mistake(
        "[log]\npath = 'a'\n",
        "1:1 `log` must be a section [[log]], not a table | write `[[log]]` on a line of its own, and its keys below",
    );
}

#[test]
fn wrong_values() {
    let interval = "`interval` must be whole seconds that divide a minute, or whole minutes that divide a day | for example \
                    `interval = \"10s\"`; carbon's retention must have the same";
    for wrong in ["7s", "1.5s", "90s", "7min", "2d"] {
        one_mistake(&format!("interval = '{wrong}'"), &format!("1:12 {interval}"));
    }
    for right in ["1s", "2s", "15s", "60s", "1min", "5min", "1h", "1d"] {
        parse(&format!("interval = '{right}'"));
    }
    let cases = [
        ("interval = '500ms'", "1:12 `interval` must be at least 1s | for example `interval = \"10s\"`"),
        (
            "lateness = '1h30'",
            "1:17 `lateness` is not a duration: expected a unit (ms, s, min, h, d or w) | for example `lateness = \"60s\"`",
        ),
        (
            "lateness = '60'",
            "1:15 `lateness` is not a duration: expected a unit (ms, s, min, h, d or w) | did you mean `60s` or `60ms`?",
        ),
        (
            "poll = '100'",
            "1:12 `poll` is not a duration: expected a unit (ms, s, min, h, d or w) | did you mean `100ms` or `100s`?",
        ),
        ("poll = '2'", "1:10 `poll` is not a duration: expected a unit (ms, s, min, h, d or w) | did you mean `2s`?"),
        (
            "interval = '10'",
            "1:15 `interval` is not a duration: expected a unit (ms, s, min, h, d or w) | did you mean `10s`?",
        ),
        (
            "[retention]\nkeep = \"90\"",
            "2:11 `keep` is not a duration: expected a unit (ms, s, min, h, d or w) | did you mean `90d`?",
        ),
        (
            "[retention]\nkeep = '0'",
            "2:10 `keep` is not a duration: expected a unit (ms, s, min, h, d or w) | for example `keep = \"90d\"`",
        ),
        (
            "[[carbon]]\naddress = 'a:1'\nspool = '1.5'",
            "3:13 `spool` is not a duration: expected a unit (ms, s, min, h, d or w) | did you mean `1.5h`?",
        ),
        ("host = ''", "1:8 `host` is empty | for example `host = \"web1\"`"),
        ("routes_max = 0", "1:14 `routes_max` must be from 1 to 1000000 | for example `routes_max = 2000`"),
        ("routes_max = -5", "1:14 `routes_max` must be from 1 to 1000000 | for example `routes_max = 2000`"),
        (
            "max_line = '1MB'",
            "1:12 `max_line` is not a size | bytes, KiB, MiB or GiB: for example `max_line = \"1MiB\"`",
        ),
        ("max_line = 0", "1:12 `max_line` is not a size | bytes, KiB, MiB or GiB: for example `max_line = \"1MiB\"`"),
        (
            "[[log]]\nformat = 'combined'",
            "1:1 [[log]] has no `path` | for example `path = \"/var/log/nginx/access.log\"`",
        ),
        (
            "[[log]]\npath = 'a[.log'",
            "2:8 `path` is not a glob pattern: invalid range pattern | `[` begins a set: `[0-9]`",
        ),
        ("[[log]]\npath = 'a'\nformat = '$x'\nescape = 'jsn'", "4:10 `escape` cannot be `jsn` | did you mean `json`?"),
        (
            "[[log]]\npath = 'a'\nformat = 'combined'\nescape = 'json'",
            "4:10 `escape` goes only with a log_format text | leave `escape` out, or give the log_format's text as `format`",
        ),
        ("[[route]]\npath = '/'", "1:1 [[route]] has no `name` | for example `name = \"webapp.backend.git\"`"),
        ("[[route]]\nname = 'a'\npath = 'p/x'", "3:8 `path` must begin with `/` | did you mean `/p/x`?"),
        (
            "[[route]]\nname = 'a'\npath = '/p'\nregex = '^/p'",
            "4:9 `path` and `regex` exclude each other | leave out one of them",
        ),
        (
            "[[route]]\nname = 'a'\nregex = '^/(p'",
            "3:9 `regex` is not a regular expression: unclosed group | write it in single quotes, so that backslashes stand \
             for themselves: regex = '^/a\\.b$'",
        ),
        ("[[route]]\nname = 'a'\nmethod = 'get'", "3:10 `get` is not a method | methods are case-sensitive: `GET`"),
        (
            "[[route]]\nname = 'a'\nstatus = [200, '6xx']",
            "3:16 `status` must be a status from 100 to 599 or a class | for example `status = 404`, `status = \"5xx\"` or \
             `status = [502, 504]`",
        ),
        (
            "[[route]]\nname = 'a'\n[route.variables]\n'$host' = 'x'",
            "4:1 variable names stand without `$`: `$host` | did you mean `host`?",
        ),
        (
            "[[route]]\nname = 'a'\nthreshold = '0s'",
            "3:13 `threshold` must be at least 1ms | for example `threshold = \"2s\"`",
        ),
        ("[slow]\nslowest = 2000", "2:11 `slowest` must be from 0 to 1000 | for example `slowest = 5`"),
        ("[[carbon]]\nprefix = 'x'", "1:1 [[carbon]] has no `address` | for example `address = \"127.0.0.1:2003\"`"),
        (
            "[[carbon]]\naddress = 'carbon'",
            "2:11 `address` has no port | host and port, for example `address = \"127.0.0.1:2003\"`, or `srv:_graphite._tcp.example.org`",
        ),
        (
            "[[carbon]]\naddress = 'carbon:0'",
            "2:11 `address` has no port from 1 to 65535 | host and port, for example `address = \"127.0.0.1:2003\"`, or `srv:_graphite._tcp.example.org`",
        ),
        (
            "[[carbon]]\naddress = '::1:2003'",
            "2:11 `address` has no host (an IPv6 address stands in brackets) | host and port, for example `address = \
             \"127.0.0.1:2003\"`, or `srv:_graphite._tcp.example.org`",
        ),
        (
            "[[carbon]]\naddress = 'a:1'\nprotocol = 'pickel'",
            "3:12 `protocol` cannot be `pickel` | did you mean `pickle`?",
        ),
        (
            "[[carbon]]\naddress = 'a:1'\nprefix = 'a..b'",
            "3:10 `a..b` is not a metric name | letters, digits, `_` and `-`, with `.` between: `prefix = \"nginx\"`",
        ),
    ];
    for (text, expected) in cases {
        one_mistake(text, expected);
    }
}

#[test]
fn protocols_and_addresses() {
    let config = parse(
        "[[carbon]]\naddress='[::1]:2004'\nprotocol='pickle'\n[[carbon]]\naddress='relay:2003'\nprotocol='udp'\n",
    );
    let protocols: Vec<_> = config.carbons.iter().map(|carbon| carbon.protocol).collect();
    assert_eq!(protocols, [Protocol::Pickle, Protocol::Udp]);
    assert_eq!(config.carbons[1].address.value, "relay:2003");
}

#[test]
fn every_mistake_is_found_in_one_go_in_the_files_order() {
    let text = "[slow]\nslowest = 'x'\n\n[[carbon]]\n\n[[log]]\npath = 1\nfoo = 2\n";
    let found = mistakes(text);
    let places: Vec<&str> = found.iter().map(|mistake| mistake.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["2:11", "4:1", "7:8", "8:1"]);

    let error = Config::parse(text, Path::new(PATH)).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let shown = error.to_string();
    assert!(shown.starts_with("spikeline.toml: 4 mistakes:\nspikeline.toml:2:11: `slowest` must be"), "{shown}");
    assert!(shown.contains("\nspikeline.toml:8:1: unknown key `foo`"), "{shown}");
}

#[test]
fn defaults_come_from_the_surroundings() {
    let machine = Surroundings { root: true, host_name: "web7.example.org".to_owned(), ..Surroundings::default() };
    let bare = Config::default();
    assert_eq!((bare.store_in(&machine), bare.host_in(&machine)), ("/var/lib/spikeline".into(), "web7".to_owned()));
    let given = parse("store = '/s'\nhost = 'h'\n");
    assert_eq!((given.store_in(&machine), given.host_in(&machine)), ("/s".into(), "h".to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// However the sample is damaged, the answer is a configuration or mistakes that lie inside the file.
    #[test]
    fn damaged_files_are_read_or_refused_with_a_place(start in 0usize..4000, length in 1usize..40, put in "[\\[\\]={}\"'$a-z0-9.\n]{0,4}") {
        let sample = whole_sample();
        let cut = |at: usize| (at.min(sample.len())..=sample.len()).find(|&at| sample.is_char_boundary(at)).unwrap();
        let text = format!("{}{put}{}", &sample[..cut(start)], &sample[cut(start + length)..]);
        if let Err(mistakes) = Config::check(&text, Path::new(PATH)) {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                let (line, column) = mistake.place().unwrap().line_column.unwrap();
                let found = text.split('\n').nth(line - 1);
                prop_assert!(found.is_some_and(|found| (1..=found.len() + 1).contains(&column)), "{}", mistake);
                prop_assert!(mistake.to_string().contains("help: "));
            }
        }
    }
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    assert_eq!(Config::load(&path).unwrap_err().exit_code(), 2);
    assert_eq!(Config::load(folder.path()).unwrap_err().exit_code(), 3);
    std::fs::write(&path, b"host = 'a'\n# caf\xe9\n").unwrap();
    let error = Config::load(&path).unwrap_err();
    assert_eq!(error.place().unwrap().line_column, Some((2, 6)));
    assert_eq!(error.exit_code(), 2);
    std::fs::write(&path, "host = 'a'\n").unwrap();
    assert_eq!(value(&Config::load(&path).unwrap().host).unwrap(), "a");
}

#[cfg(not(feature = "otlp"))]
#[test]
fn a_collector_is_refused_by_name_where_nothing_of_it_was_built_in() {
    one_mistake(
        "[[log]]\npath = \"a\"\n[[otlp]]\nendpoint = \"http://127.0.0.1:4318\"\n",
        "3:1 this spikeline was built without `otlp` | `cargo install spikeline --features otlp` makes one that has it",
    );
}

#[cfg(feature = "otlp")]
mod otlp {
    use spikeline::otlp::{HistogramForm, SECONDS_BOUNDS};

    use super::*;

    const ENDPOINT: &str = "[[otlp]]\nendpoint = \"http://127.0.0.1:4318\"\n";

    #[test]
    fn the_sample_is_true_to_the_defaults() {
        let config = parse(&whole_sample());
        let [sample] = &config.collectors[..] else { panic!("one collector") };
        let default = parse(ENDPOINT).collectors.remove(0);
        assert_eq!(sample.endpoint.value, default.endpoint.value);
        assert_eq!((sample.gzip, sample.timeout, sample.spool), (default.gzip, default.timeout, default.spool));
        assert_eq!((&sample.service, &sample.host.as_ref().unwrap().value), (&default.service, &HostName::Full));
        assert_eq!(sample.headers, [("X-Scope-OrgID".to_owned(), "ops".to_owned())]);
        assert_eq!(sample.attributes, [("deployment.environment.name".to_owned(), "prod".to_owned())]);
        assert_eq!(sample.histogram, HistogramForm::Explicit(SECONDS_BOUNDS.to_vec()));
        assert_eq!((default.histogram, default.delay), (HistogramForm::Exponential, None));
        let explicit = parse(&format!("{ENDPOINT}histogram = \"explicit\"\n")).collectors.remove(0);
        assert_eq!(explicit.histogram, sample.histogram);
    }

    #[test]
    fn mistakes_have_their_place() {
        for (keys, expected) in [
            (
                "headers = { Host = \"x\" }",
                "3:13 `headers`: `Host` is set by spikeline itself | for example `headers = { X-Scope-OrgID = \"ops\" }`",
            ),
            (
                "attributes = { \"host.name\" = \"x\" }",
                "3:16 `attributes`: `host.name` has a key of its own | `host = ..`",
            ),
            (
                "bounds = [1, 2]",
                "1:1 `bounds` are of explicit histograms | `histogram = \"explicit\"`, or leave `bounds` out",
            ),
            (
                "histogram = \"explicit\"\nbounds = [1, 0.5]",
                "1:1 `bounds` must ascend, and be 200 at most | seconds, for example `bounds = [0.01, 0.1, 1, 10]`",
            ),
            (
                "histogram = \"explicit\"\nbounds = [0.0005]",
                "4:11 `bounds`: no number of seconds over 0, with three decimals at most | for example `bounds = [0.01, 0.1, 1, 10]`",
            ),
            ("host = \"fqdn-reversed\"", "3:8 `host`: a host is not reversed here | `host = \"fqdn\"`, or a name"),
            ("endpont = \"x\"", "3:1 unknown key `endpont` in [[otlp]] | did you mean `endpoint`?"),
        ] {
            one_mistake(&format!("{ENDPOINT}{keys}\n"), expected);
        }
        one_mistake(
            "[[otlp]]\n",
            "1:1 [[otlp]] has no `endpoint` | for example `endpoint = \"http://127.0.0.1:4318/v1/metrics\"`",
        );
        one_mistake(
            "[[otlp]]\nendpoint = \"https://otel:4318\"\n",
            "2:12 `endpoint`: `https://otel:4318`: https is not spoken here | run a collector on this host and let it send on: \
             `endpoint = \"http://127.0.0.1:4318/v1/metrics\"`",
        );
    }
}
