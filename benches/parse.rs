//! How long a line takes: `SPIKELINE_BENCH_LOG=access.log cargo bench --bench parse`.
//!
//! The log must be of the format below. Prints nanoseconds a line for finding the line ends alone, for the fields that
//! histograms need, for all fields, and for a parser written by hand for this one format, with the ratio to it; the best
//! of many short rounds over the first 32 MiB of the file, so that other work on the machine is left out.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::Read;
use std::time::Instant;

use spikeline::grammar::{Escape, Format};
use spikeline::record::{Needs, Parser};

mod hand;

use hand::{Fields, Hand};

const FORMAT: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \
                      \"$http_user_agent\" $request_time $upstream_response_time $pipe \"$upstream_addr\"";
const LIMIT: u64 = 32 << 20;
const ROUNDS: usize = 60;

fn lines(log: &[u8], mut visit: impl FnMut(&[u8])) -> usize {
    let mut count = 0;
    let mut rest = log;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let Some((line, after)) = rest.split_at_checked(end) else { break };
        visit(line);
        rest = after.get(1..).unwrap_or_default();
        count += 1;
    }
    count
}

/// The best round in nanoseconds a line.
fn measure(name: &str, mut round: impl FnMut() -> (usize, u64)) -> f64 {
    let mut best = f64::INFINITY;
    let mut sum = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let (lines, check) = round();
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / lines.max(1) as f64);
        sum = check;
    }
    println!("{name:>12}: {best:7.1} ns/line (check {sum})");
    best
}

/// The lines that the parser written by hand reads otherwise than the compiled plan.
fn differences(log: &[u8], parser: &mut Parser) -> usize {
    let mut hand = Hand::default();
    let mut differences = 0;
    lines(log, |line| {
        let plan = parser.parse(line).ok().map(|record| Fields {
            end_ms: record.end.millis(),
            request_time_ms: record.request_time_ms,
            upstream_ms: record.upstream_ms[0],
            status: record.status,
            bytes: record.bytes_sent,
            method: record.method,
            target: record.target,
            protocol: record.protocol,
        });
        differences += usize::from(plan != hand.parse(line));
    });
    differences
}

/// The fields that histograms need, read by hand; nanoseconds a line.
fn measure_hand(log: &[u8]) -> f64 {
    let mut hand = Hand::default();
    measure("by hand", || {
        let mut sum = 0;
        let count = lines(log, |line| {
            sum += match hand.parse(line) {
                Some(fields) => fields.request_time_ms.unwrap_or(0) + fields.target.len() as u64,
                None => 1 << 40,
            };
        });
        (count, sum)
    })
}

fn main() {
    let Some(path) = std::env::var_os("SPIKELINE_BENCH_LOG") else {
        println!("name a log in SPIKELINE_BENCH_LOG; its format is {FORMAT}");
        return;
    };
    let mut log = Vec::new();
    let read = std::fs::File::open(&path).and_then(|file| file.take(LIMIT).read_to_end(&mut log));
    let format = Format::compile("bench", FORMAT, Escape::Default);
    let (Ok(_), Ok(format)) = (read, format) else {
        println!("cannot read {}", path.display());
        return;
    };
    measure("lines", || {
        let mut bytes = 0;
        (lines(&log, |line| bytes += line.len() as u64), bytes)
    });
    let by_hand = measure_hand(&log);
    for (name, needs) in [("latency", Needs::latency()), ("all", Needs::all())] {
        let Ok(mut parser) = Parser::new(&format, &needs) else { return };
        let differences = differences(&log, &mut parser);
        let plan = measure(name, || {
            let mut sum = 0;
            let count = lines(&log, |line| {
                sum += match parser.parse(line) {
                    Ok(record) => record.request_time_ms.unwrap_or(0) + record.target.len() as u64,
                    Err(_) => 1 << 40,
                };
            });
            (count, sum)
        });
        println!("{:>12}: {:.2} x by hand ({differences} lines read otherwise)", "", plan / by_hand);
    }
}
