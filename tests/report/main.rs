//! Reports against golden files in `tests/golden/report/`. `SPIKELINE_BLESS=1` writes them anew; read the difference.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod pictures;

use std::path::Path;

use spikeline::histogram::{Cell, Time};
use spikeline::report::latency::{LatencyReport, LatencyRow, Sort};
use spikeline::report::slow::{
    ClassPopulation, SampleLine, SlowClass, SlowOrder, SlowReport, TimeSteps, TopValue, TopValues, TypicalLine,
    TypicalNear,
};
use spikeline::report::{self, CellStyle, CsvRows, OutputFormat, Report, ReportRow, Style};
use spikeline::time::{Timestamp, Window};

const WINDOW: Window = Window { from: Timestamp(1_322_661_900_000), until: Timestamp(1_322_662_020_000) };
const PLAIN: Style = Style { colour: false, width: None, terminal: false };

#[track_caller]
pub(crate) fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/report").join(name);
    if std::env::var_os("SPIKELINE_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "differs from {}", path.display());
}

fn written<R: ReportRow>(report: &Report<R>, format: OutputFormat, style: Style) -> String {
    let mut out = Vec::new();
    report::write(report, format, style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A cell with the times 1 to `count` ms, each `step` apart.
fn cell(count: u64, step: u64, status: u16) -> Cell {
    let mut cell = Cell::default();
    for n in 1..=count {
        cell.requests += 1;
        cell.slow += u64::from(n * step >= 1000);
        cell.count_status(status);
        cell.bytes_sent += 100 * n;
        cell.time_mut(Time::Request).record(n * step);
    }
    cell
}

fn cells() -> Vec<(Vec<String>, Cell)> {
    let mut timeless = Cell::default();
    timeless.requests = 3;
    timeless.count_status(101);
    vec![
        (vec!["webapp.static".to_owned()], cell(1200, 1, 200)),
        (vec!["webapp.backend.git".to_owned()], cell(40, 330, 502)),
        (vec!["=cmd|'/c calc'!A0".to_owned()], cell(2, 7, 404)),
        (vec!["evil\u{1b}[2J\u{202e}name".to_owned()], cell(1, 5, 301)),
        (vec!["websocket".to_owned()], timeless),
    ]
}

fn latency() -> Report<LatencyRow> {
    LatencyReport { window: Some(WINDOW), ..LatencyReport::default() }.tabulate(cells())
}

#[test]
fn latency_in_every_form() {
    golden("latency.txt", &written(&latency(), OutputFormat::Table, PLAIN));
    golden("latency.json", &written(&latency(), OutputFormat::Json, PLAIN));
    golden("latency.jsonl", &written(&latency(), OutputFormat::Jsonl, PLAIN));
    golden("latency.csv", &written(&latency(), OutputFormat::Csv, PLAIN));
}

#[test]
fn the_names_that_scripts_rely_on() {
    let csv = written(&latency(), OutputFormat::Csv, PLAIN);
    let header = "route,count,sum_ms,p50_ms,p75_ms,p90_ms,p95_ms,p99_ms,p999_ms,max_ms,slow,\
                  status_1xx,status_2xx,status_3xx,status_4xx,status_5xx,bytes";
    assert_eq!(csv.lines().next().unwrap(), header);
    let by_host = LatencyReport { by: vec!["host".to_owned()], ..LatencyReport::default() }.tabulate([]);
    assert!(written(&by_host, OutputFormat::Csv, PLAIN).starts_with("host,count,"));
}

#[test]
fn json_reads_back() {
    let json: serde_json::Value = serde_json::from_str(&written(&latency(), OutputFormat::Json, PLAIN)).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["from"], "2011-11-30T14:05:00.000Z");
    assert_eq!(json["complete"], true);
    let git = &json["rows"][1];
    // 40 samples: rank 20 is 6,600 and its bucket's highest value 6,603; rank 40 is the exact largest.
    assert_eq!(
        (&git["route"], &git["p50_ms"], &git["p999_ms"]),
        (&"webapp.backend.git".into(), &6603.into(), &13_200.into())
    );
    assert_eq!(json["rows"][4]["p99_ms"], serde_json::Value::Null);
    assert_eq!(json["rows"].as_array().unwrap().len(), 5);
    for line in written(&latency(), OutputFormat::Jsonl, PLAIN).lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap()["route"].is_string());
    }
}

#[test]
fn an_empty_and_partial_report() {
    let empty = Report { window: Some(Window::ALL), missing: vec!["access.log.3.gz is gone".to_owned()], ..latency() };
    let empty = Report { rows: Vec::new(), ..empty };
    let json: serde_json::Value = serde_json::from_str(&written(&empty, OutputFormat::Json, PLAIN)).unwrap();
    assert_eq!((&json["from"], &json["until"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert_eq!((&json["complete"], &json["missing"][0]), (&false.into(), &"access.log.3.gz is gone".into()));
    assert_eq!(written(&empty, OutputFormat::Jsonl, PLAIN), "");
}

#[test]
fn sorts_and_limit() {
    let names = |sort: Sort, limit| -> Vec<String> {
        let table = LatencyReport { sort, limit, ..LatencyReport::default() }.tabulate(cells());
        let name = |row: &LatencyRow| row.group.values[0].split('.').next_back().unwrap().to_owned();
        table.rows.iter().map(name).collect()
    };
    assert_eq!(names(Sort::Sum, Some(2)), ["static", "git"]);
    assert_eq!(names(Sort::Count, Some(3)), ["static", "git", "websocket"]);
    assert_eq!(names(Sort::P99, Some(2)), ["git", "static"]);
    assert_eq!(names(Sort::Max, Some(1)), ["git"]);
    assert_eq!(names(Sort::Name, None)[2..], ["git", "static", "websocket"]);
    let limited = LatencyReport { limit: Some(1), ..LatencyReport::default() }.tabulate(cells());
    let totals = limited.totals.unwrap();
    assert_eq!((totals.group.values[0].as_str(), totals.count), ("all 5 (1 shown)", 1246));
    assert!("sun".parse::<Sort>().is_err() && "p99_ms".parse::<Sort>() == Ok(Sort::P99));
}

#[test]
fn p999_is_held_back_from_people_below_a_thousand_samples() {
    let cells = [(vec!["few".to_owned()], cell(999, 1, 200)), (vec!["enough".to_owned()], cell(1000, 1, 200))];
    let table = LatencyReport { sort: Sort::Name, ..LatencyReport::default() }.tabulate(cells);
    assert_eq!((&table.rows[0].p999_ms, &table.rows[1].p999_ms), (&Some(999), &Some(999)));
    let shown = |at: usize| table.rows[at].cells()[6].clone();
    assert_eq!((shown(0).as_str(), shown(1).as_str()), ("999 ms", "-"));
    assert_eq!(written(&table, OutputFormat::Csv, PLAIN).lines().nth(2).unwrap().split(',').nth(8), Some("999"));
}

#[test]
fn a_narrow_terminal_wraps_and_a_colour_terminal_is_bold() {
    let narrow = written(&latency(), OutputFormat::Table, Style { width: Some(100), ..PLAIN });
    assert!(narrow.lines().all(|line| line.chars().count() <= 100), "{narrow}");
    golden("latency-100.txt", &narrow);
    let narrower = written(&latency(), OutputFormat::Table, Style { width: Some(64), ..PLAIN });
    assert!(narrower.lines().all(|line| line.chars().count() <= 64), "{narrower}");
    golden("latency-64.txt", &narrower);
    let colour = written(&latency(), OutputFormat::Table, Style { colour: true, ..PLAIN });
    let first = colour.lines().next().unwrap();
    assert!(first.starts_with("\u{1b}[1m") && first.ends_with("\u{1b}[0m"), "{first:?}");
    assert!(!written(&latency(), OutputFormat::Table, PLAIN).contains('\u{1b}'));
}

#[test]
fn csv_formulas_are_neutralised_in_texts_and_numbers_left_alone() {
    #[derive(serde::Serialize)]
    struct Row {
        text: &'static str,
        number: f64,
    }
    let mut out = Vec::new();
    let mut rows = CsvRows::new(&mut out, CellStyle::default());
    rows.write_header(&Row { text: "", number: 0.0 }).unwrap();
    for text in ["=1+1", "+1", "-1", "@a", "\ta", "\ra", "a=1", ""] {
        rows.write_row(&Row { text, number: -1.5 }).unwrap();
    }
    drop(rows);
    let csv = String::from_utf8(out).unwrap();
    assert!(csv.starts_with("text,number\n"));
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let read: Vec<_> = reader.records().map(|record| record.unwrap()[0].to_owned()).collect();
    assert_eq!(read, ["'=1+1", "'+1", "'-1", "'@a", "'\ta", "'\ra", "a=1", ""]);
    assert!(csv.contains(",-1.5\n"));
}

#[test]
fn on_a_terminal_no_form_lets_an_escape_through() {
    let style = Style { terminal: true, ..PLAIN };
    for format in [OutputFormat::Table, OutputFormat::Json, OutputFormat::Jsonl, OutputFormat::Csv] {
        let text = written(&latency(), format, style);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        assert!(text.contains("evil"));
    }
}

fn slow() -> SlowReport {
    let sample =
        |locator: &str, took_ms, line: &[u8]| SampleLine { locator: locator.to_owned(), line: line.to_vec(), took_ms };
    let top = |value: &[u8], count, total_ms| TopValue { value: value.to_vec(), count, total_ms };
    let class = |route: &str, status: &str, times: &[u64], samples| {
        let mut population = ClassPopulation { count: times.len() as u64 + 1, ..ClassPopulation::default() };
        for &time in times {
            population.latency.record(time);
            population.squares += u128::from(time) * u128::from(time);
        }
        let slow: Vec<u64> = times.iter().copied().filter(|time| *time >= 1000).collect();
        SlowClass {
            values: vec![route.to_owned(), status.to_owned()],
            slow: slow.len() as u64,
            slow_ms: slow.iter().sum(),
            over_time_ms: vec![0, times.iter().sum::<u64>() / 4, times.iter().sum::<u64>() * 3 / 4],
            population: Some(population),
            samples,
            ..SlowClass::default()
        }
    };
    let line = b"10.0.0.1 - - [30/Nov/2011:14:05:07 +0000] \"GET /p/x.git/info/refs HTTP/1.1\" 200 312 66.124";
    let hostile = b"10.0.0.9 - - [30/Nov/2011:14:05:09 +0000] \"GET /\x1b]0;owned\x07\xff HTTP/1.1\" 502 0 9.000";
    let near = TypicalLine { sample: sample("access.log:93", 1500, line), near: TypicalNear::P95 };
    let git = SlowClass {
        clients: TopValues { values: vec![top(b"10.0.0.1", 2, 68_000), top(b"=1+1", 1, 124)], partial: false },
        targets: TopValues { values: vec![top(b"/p/x.git/\x1b[2J", 2, 67_624)], partial: true },
        typical: Some(near),
        ..class("webapp.backend.git", "200", &[66_124, 1500, 500], vec![sample("access.log:17", 66_124, line)])
    };
    let unread = SlowClass {
        population: None,
        over_time_ms: vec![],
        slow: 1,
        slow_ms: 1200,
        ..class("api", "502", &[], vec![])
    };
    let unwaited = SlowClass { unwaited: true, ..class("", "", &[60_000, 60_000, 60_000], vec![]) };
    SlowReport {
        by: vec!["route".to_owned(), "status".to_owned()],
        classes: vec![
            class("webapp.static", "200", &[1100, 20], vec![]),
            class("webapp.backend.git", "502", &[9000], vec![sample("access.log:88", 9000, hostile)]),
            unread,
            unwaited,
            git,
        ],
        all_ms: Some(100_000),
        quick: (2, 1500),
        sort: SlowOrder::Total,
        limit: None,
        window: Some(WINDOW),
        steps: TimeSteps::covering(Window { until: WINDOW.from.plus_millis(15_000 * 60 / 20), ..WINDOW }),
        missing: vec![],
    }
}

#[test]
fn slow_in_every_form() {
    let written = |report: &SlowReport, format| {
        let mut out = Vec::new();
        report.write(format, PLAIN, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    golden("slow.txt", &written(&slow(), OutputFormat::Table));
    golden("slow.json", &written(&slow(), OutputFormat::Json));
    golden("slow.jsonl", &written(&slow(), OutputFormat::Jsonl));
    golden("slow.csv", &written(&slow(), OutputFormat::Csv));
    assert!(!written(&slow(), OutputFormat::Table).contains('\u{1b}'));
    // What nobody waited for comes beside the others.
    let top = SlowReport { limit: Some(1), ..slow() }.tabulate();
    assert_eq!(top.rows.iter().map(|row| row.unwaited).collect::<Vec<_>>(), [false, true]);
    assert_eq!((top.rows[0].share, top.rows[1].share), (Some(0.6812), None));
}
