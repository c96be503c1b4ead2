//! How long a line takes: `SPIKELINE_BENCH_LOG=access.log cargo bench --bench parse`.
//!
//! The log must be of the format below. Prints nanoseconds a line for finding the line ends alone, for the fields that
//! histograms need, for all fields, and for a parser written by hand for this one format, with the ratio to it; the best
//! of many short rounds over the first 32 MiB of the file, so that other work on the machine is left out.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::Read;
use std::time::Instant;

use spikeline::grammar::{Escape, Format};
use spikeline::record::{Needs, RecordParser};

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

/// One contender's rounds.
struct Best<'n> {
    name: &'n str,
    nanoseconds: f64,
    check: u64,
}

impl<'n> Best<'n> {
    fn new(name: &'n str) -> Best<'n> {
        Best { name, nanoseconds: f64::INFINITY, check: 0 }
    }

    fn round(&mut self, round: impl FnOnce() -> (usize, u64)) {
        let start = Instant::now();
        let (lines, check) = round();
        self.nanoseconds = self.nanoseconds.min(start.elapsed().as_secs_f64() * 1e9 / lines.max(1) as f64);
        self.check = check;
    }

    fn say(&self) {
        println!("{:>12}: {:7.1} ns/line (check {})", self.name, self.nanoseconds, self.check);
    }
}

/// The lines that the parser written by hand reads otherwise than the compiled plan.
fn differences(log: &[u8], parser: &mut RecordParser) -> usize {
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

fn by_hand(log: &[u8], hand: &mut Hand) -> (usize, u64) {
    let mut sum = 0;
    let count = lines(log, |line| {
        sum += match hand.parse(line) {
            Some(fields) => fields.request_time_ms.unwrap_or(0) + fields.target.len() as u64,
            None => 1 << 40,
        };
    });
    (count, sum)
}

fn by_plan(log: &[u8], parser: &mut RecordParser) -> (usize, u64) {
    let mut sum = 0;
    let count = lines(log, |line| {
        sum += match parser.parse(line) {
            Ok(record) => record.request_time_ms.unwrap_or(0) + record.target.len() as u64,
            Err(_) => 1 << 40,
        };
    });
    (count, sum)
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
    let (Ok(mut latency), Ok(mut all)) =
        (RecordParser::new(&format, &Needs::latency()), RecordParser::new(&format, &Needs::all()))
    else {
        return;
    };
    let otherwise = differences(&log, &mut latency);
    let mut hand = Hand::default();
    let [mut ends, mut handmade, mut few, mut every] = ["lines", "by hand", "latency", "all"].map(Best::new);
    // In turns, so that other work on the machine falls on all alike.
    for _ in 0..ROUNDS {
        ends.round(|| {
            let mut bytes = 0;
            (lines(&log, |line| bytes += line.len() as u64), bytes)
        });
        handmade.round(|| by_hand(&log, &mut hand));
        few.round(|| by_plan(&log, &mut latency));
        every.round(|| by_plan(&log, &mut all));
    }
    for best in [&ends, &handmade, &few, &every] {
        best.say();
    }
    let ratio = few.nanoseconds / handmade.nanoseconds;
    println!("{:>12}: {ratio:.2} x by hand ({otherwise} lines read otherwise)", "latency");
}
