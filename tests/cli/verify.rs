//! `verify`: what differs is found, and what cannot be compared is said.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use spikeline::store::{Commit, StoreSettings, Writer};
use spikeline::time::Timestamp;

use crate::index::{ask, flip, folder, index, journal, seal};
use support::log::{NOON, Request, text};

#[test]
fn an_untouched_store_equals_its_logs() {
    let (folder, requests) = folder(3000, "");
    folder.gz("a.log.2.gz", text(&requests[..1500], Request::exact) + "garbage\n");
    folder.write("a.log.1", text(&requests[1500..], Request::exact));
    index(&folder, &["a.log.1", "a.log.2.gz"]).said(0, &["3,001 lines, 1 rejected"]);
    let run = ask(&folder, &["verify"]);
    run.said(0, &["cells compared with 3,000 lines of the logs"]);
    assert_eq!(run.out, "");
    let window = ["--from=2011-11-30T14:05:10Z", "--until=2011-11-30T14:05:30Z"];
    let inside = requests.iter().filter(|request| (NOON + 10_000..NOON + 30_000).contains(&request.end)).count();
    ask(&folder, &[&["verify"], &window[..]].concat()).said(0, &[&format!("with {inside} lines")]);
}

#[test]
fn each_number_that_differs_is_told() {
    let (folder, requests) = folder(500, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    // One request of one slot is counted twice by a fault that the test plays.
    let mut writer = Writer::open(&folder.path("store"), StoreSettings::default()).unwrap();
    let slow = writer.view().route("slow").unwrap();
    let mut cell = spikeline::histogram::Cell::default();
    cell.requests = 1;
    cell.bytes_sent = 77;
    cell.count_status(502);
    cell.time_mut(spikeline::histogram::Time::Request).record(5000);
    let cells = vec![(Timestamp(NOON + 10_000), slow, cell)];
    writer.commit(&mut Commit { cells, ..Commit::default() }).unwrap();
    drop(writer);
    let run = ask(&folder, &["verify", "--format=csv"]);
    run.said(1, &["differences"]);
    let whats: Vec<&str> = run.lines().iter().skip(1).map(|row| row.split(',').nth(2).unwrap()).collect();
    let bucket = "request_time bucket 5000 ms";
    let expected =
        ["requests", "bytes", "status_5xx", "request_time.count", "request_time.sum_ms", "request_time.max_ms", bucket];
    assert_eq!(whats, expected);
    assert!(run.lines().iter().skip(1).all(|row| row.starts_with("2011-11-30T14:05:10.000Z,slow,")), "{}", run.out);
    let last = *run.lines().last().unwrap();
    assert!(last.ends_with("bucket 5000 ms,1,logs,0") || last.ends_with("1.0,logs,0.0"), "{last}");
}

#[test]
fn lines_whose_log_is_gone_are_counted_and_not_called_a_difference() {
    let (folder, requests) = folder(2000, "");
    folder.write("a.log.2", text(&requests[..700], Request::exact));
    folder.write("a.log.1", text(&requests[700..], Request::exact));
    index(&folder, &["a.log.1", "a.log.2"]).ended(0);
    std::fs::remove_file(folder.path("a.log.2")).unwrap();
    let run = ask(&folder, &["verify"]);
    run.said(3, &["700 lines are not verifiable", "a.log.2: the log is gone", "with 1,300 lines"]);
    assert_eq!(run.out, "");
}

#[test]
fn a_damaged_segment_is_named_with_what_to_do() {
    let (folder, requests) = folder(1000, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    flip(&seal(&folder, "store"), 60);
    ask(&folder, &["verify"]).said(3, &[".seg: damaged at byte", "spikeline index --rebuild"]);
}

#[test]
fn damage_in_the_journal_is_told_too() {
    let (folder, requests) = folder(1000, "");
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    let journal = journal(&folder, "store");
    let length = usize::try_from(std::fs::metadata(&journal).unwrap().len()).unwrap();
    flip(&journal, length / 2);
    ask(&folder, &["verify"]).said(3, &["the journal is torn or damaged"]);
    // No answer is whole while it is not known what those bytes held.
    for command in ["report", "lines", "slow"] {
        ask(&folder, &[command, "--since=2011-11-30T14:00Z"]).said(3, &["the journal is torn or damaged", "partial"]);
    }
    index(&folder, &["a.log.1"]).said(0, &["1,000 lines"]);
    ask(&folder, &["verify"]).said(0, &["with 1,000 lines"]);
}

/// A made-up Graphite: it answers /render with what `answer` makes of the target, from and until.
fn graphite(answer: impl Fn(&str, i64, i64) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let mut request = String::new();
            BufReader::new(&connection).read_line(&mut request).unwrap();
            let field = |name: &str| {
                let after = request.split(&format!("{name}=")).nth(1).unwrap_or_default();
                after.split(['&', ' ']).next().unwrap_or_default().to_owned()
            };
            let number = |name: &str| field(name).parse().unwrap();
            assert!(request.starts_with("GET /g/render?") && field("format") == "json", "{request}");
            let body = answer(&field("target"), number("from"), number("until"));
            write!(connection, "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{body}").unwrap();
        }
    });
    format!("http://{address}/g")
}

/// The series that carbon was sent, as a whisper file of 10 s would give them.
fn rendered(
    requests: &[Request],
    target: &str,
    from: i64,
    until: i64,
    change: impl Fn(&str, i64, f64) -> Option<f64>,
) -> String {
    let route = target.strip_prefix("nginx.web1.").and_then(|rest| rest.strip_suffix(".*.*")).unwrap();
    let mut series: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for second in (from / 10 * 10 + 10..=until).step_by(10) {
        let own: Vec<&Request> =
            requests.iter().filter(|r| r.route() == route && r.end / 10_000 == second / 10).collect();
        let count = |class: u16| own.iter().filter(|r| r.status / 100 == class).count() as f64;
        let mut values = vec![
            ("requests.count".to_owned(), own.len() as f64),
            ("requests.slow".to_owned(), own.iter().filter(|r| r.time >= 1000).count() as f64),
            ("status.499".to_owned(), own.iter().filter(|r| r.status == 499).count() as f64),
            ("bytes_sent.sum".to_owned(), own.iter().map(|r| r.bytes).sum::<u64>() as f64),
        ];
        values.extend((1..=5).map(|class| (format!("status.{class}xx"), count(class))));
        let mut times: Vec<u64> = own.iter().map(|r| r.time).collect();
        times.sort_unstable();
        if let (Some(last), length) = (times.last(), times.len()) {
            let sum = times.iter().sum::<u64>() as f64;
            let quantiles = [("p50", 500), ("p75", 750), ("p90", 900), ("p95", 950), ("p99", 990), ("p999", 999)];
            for (name, per_mille) in quantiles {
                values.push((format!("request_time.{name}"), times[(length * per_mille).div_ceil(1000) - 1] as f64));
            }
            let rest = [("count", length as f64), ("sum", sum), ("mean", sum / length as f64), ("max", *last as f64)];
            values.extend(rest.map(|(name, value)| (format!("request_time.{name}"), value)));
        }
        for (name, value) in values {
            let value = if own.is_empty() { None } else { change(&name, second, value) };
            let value = value.map_or("null".to_owned(), |value| value.to_string());
            series.entry(name).or_default().push(format!("[{value}, {second}]"));
        }
    }
    let series: Vec<String> = series
        .into_iter()
        .map(|(name, points)| {
            format!("{{\"target\": \"nginx.web1.{route}.{name}\", \"datapoints\": [{}]}}", points.join(", "))
        })
        .collect();
    format!("[{}]", series.join(", "))
}

/// A store of requests without upstream times.
fn without_upstream(count: u64) -> (support::program::Folder, Vec<Request>) {
    let (folder, mut requests) = folder(count, "");
    for request in &mut requests {
        request.upstream = "-";
    }
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    (folder, requests)
}

#[test]
fn graphite_that_holds_the_same_is_the_same() {
    let (folder, requests) = without_upstream(900);
    let url = graphite(move |target, from, until| {
        rendered(&requests, target, from, until, |_, _, value| Some(value * (1.0 + 1e-9)))
    });
    ask(&folder, &["verify", "--graphite", &url]).said(0, &["points compared with Graphite"]);
}

#[test]
fn a_missing_point_and_another_value_are_told() {
    let (folder, requests) = without_upstream(900);
    let second = NOON / 1000 + 10;
    let url = graphite(move |target, from, until| {
        rendered(&requests, target, from, until, |name, at, value| match name {
            "requests.count" if at == second && target.contains("slow") => None,
            "request_time.p99" if at == second && target.contains("slow") => Some(value + 1.0),
            _ => Some(value),
        })
    });
    let run = ask(&folder, &["verify", "--format=csv", "--graphite", &url]);
    run.said(1, &["2 differences"]);
    let rows = run.lines();
    assert!(rows[1].starts_with("2011-11-30T14:05:10.000Z,slow,nginx.web1.slow.request_time.p99,"), "{}", rows[1]);
    assert!(rows[2].starts_with("2011-11-30T14:05:10.000Z,slow,nginx.web1.slow.requests.count,"), "{}", rows[2]);
    assert!(rows[2].contains(",graphite,") && rows[2].ends_with(','), "{}", rows[2]);
}

#[test]
fn what_lies_outside_retention_or_in_a_coarser_archive_is_said() {
    let (folder, requests) = without_upstream(3000);
    let asked = requests.clone();
    let url = graphite(move |target, from, until| {
        rendered(&asked, target, from.max(NOON / 1000 + 10), until, |_, _, value| Some(value))
    });
    ask(&folder, &["verify", "--graphite", &url]).said(3, &["they lie outside its retention"]);
    let url = graphite(|target, from, until| {
        let name = target.replace("*.*", "requests.count");
        let points: Vec<String> = (from..until).step_by(60).map(|at| format!("[1.5, {}]", at / 60 * 60)).collect();
        format!("[{{\"target\": \"{name}\", \"datapoints\": [{}]}}]", points.join(","))
    });
    let run = ask(&folder, &["verify", "--graphite", &url]);
    assert!(run.err.contains("only in a coarser archive"), "{}", run.err);
}

#[test]
fn a_graphite_that_is_none_is_an_error() {
    let (folder, _) = without_upstream(10);
    let url = graphite(|_, _, _| "<html>".to_owned());
    ask(&folder, &["verify", "--graphite", &url]).said(3, &["not the JSON"]);
    ask(&folder, &["verify", "--graphite", "127.0.0.1:80"]).said(2, &["not an http:// address"]);
}
