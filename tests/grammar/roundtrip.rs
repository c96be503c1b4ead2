//! Random formats over random requests, written by nginx's rules, must come back equal; the slow reader and the fast one
//! agree on these lines and on what damage makes of them, and a block of them reads as its lines do.
//!
//! 500 formats of fixed seeds and 100 of fresh ones; `SPIKELINE_FORMATS=10000` makes it more, `SPIKELINE_SEED=N` is one.

use std::hash::{BuildHasher, RandomState};

use spikeline::grammar::{Escape, Format, RejectReason};
use spikeline::record::{Needs, RecordParser, unescape, upstream_ms, upstream_values};

use crate::blocks;
use crate::oracle::Both;
use crate::written::{Drawn, Meant, Random, Request};

/// How one format went.
#[derive(Debug, Default)]
struct Tally {
    formats: usize,
    refused: usize,
    lines: usize,
    plain: usize,
    damaged: usize,
}

fn check(seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut random = Random(seed);
    let drawn = Drawn::new(&mut random);
    let format = match Format::compile("drawn", &drawn.text, drawn.escape) {
        Ok(format) => format,
        Err(error) => {
            tally.refused += 1;
            let place = drawn.text.get(error.span.clone()).ok_or("a span between characters")?;
            let told = error.reason.starts_with("nothing tells where $") && place.starts_with('$');
            return if told { Ok(()) } else { Err(error.render()) };
        }
    };
    tally.formats += 1;
    let mut both = Both::new(&format);
    let mut block = Vec::new();
    for _ in 0..6 {
        let request = Request::new(&drawn, &mut random);
        tally.lines += 1;
        let shown = || format!("{:?}\n{:?}", drawn.text, String::from_utf8_lossy(&request.line));
        if request.plain {
            tally.plain += 1;
            // Where texts stand side by side, what looks plain may have other readings.
            let doubtful = format.is_in_doubt() && !both.as_ref().is_some_and(|both| both.has_one_cut(&request.line));
            let read = if doubtful { Ok(()) } else { comes_back(&format, &request) };
            read.map_err(|what| format!("{what}\n{}", shown()))?;
        }
        let damage: Vec<Vec<u8>> = (0..5).map(|_| damaged(&request.line, &mut random)).collect();
        for line in damage.iter().chain([&request.line]) {
            tally.damaged += 1;
            if let Some(both) = both.as_mut().filter(|_| !odd_end(line)) {
                both.agree(line)?;
            }
            block.extend_from_slice(line);
            block.push(b'\n');
        }
    }
    blocks::agree(&format, &block).map(|_| ()).map_err(|error| error.to_string())
}

/// What stands for the line's end, or for several lines, or for nothing.
fn odd_end(line: &[u8]) -> bool {
    line.is_empty() || line.ends_with(b"\r") || line.contains(&b'\n')
}

/// Every value and every field of the record is what the line was made from.
fn comes_back(format: &Format, request: &Request) -> Result<(), String> {
    let line = &request.line;
    let mut parser = RecordParser::new(format, &Needs::all()).unwrap();
    let record = parser.parse(line).map_err(|reject| format!("{reject}: {:?}", format.explain(line)))?;
    let meant = |name: &str| request.values.get(name).map(|value| &value.meant);
    for (name, value) in &request.values {
        let got = parser.value(line, format.index_of(name).unwrap());
        let got = got.map(|got| unescape(got, format.escape()).into_owned());
        let dash: &[u8] = if format.escape() == Escape::Default { b"-" } else { b"" };
        let expected = value.raw.clone().filter(|raw| raw != dash);
        if got != expected {
            return Err(format!("${name} is {got:?}, not {expected:?}"));
        }
        if let Meant::List(members) = &value.meant {
            let whole = |member: &[u8]| {
                std::str::from_utf8(member).ok().and_then(|text| text.parse().ok()).ok_or(RejectReason::BadNumber)
            };
            let got =
                if name.ends_with("_time") { upstream_ms(&value.shown) } else { upstream_values(&value.shown, whole) };
            let got = got.map_err(|reason| reason.to_string())?;
            if got != *members {
                return Err(format!("${name} is {got:?}, not {members:?}"));
            }
        }
    }
    let ms = |name: &str| meant(name).and_then(|meant| if let Meant::Ms(ms) = meant { Some(*ms) } else { None });
    let number = |name: &str| meant(name).and_then(|m| if let Meant::Number(n) = m { Some(*n) } else { None });
    let sum = |name: &str| {
        let Some(Meant::List(members)) = meant(name) else { return None };
        let present: Vec<u64> = members.iter().flatten().flatten().copied().collect();
        (!present.is_empty()).then(|| present.iter().sum())
    };
    let end = ["msec", "time_iso8601", "time_local"].into_iter().find_map(meant).unwrap();
    let upstream = ["upstream_response_time", "upstream_connect_time", "upstream_header_time"].map(sum);
    let got = (Meant::EndMs(record.end.millis()), record.request_time_ms, record.upstream_ms, record.bytes_sent);
    let bytes = if meant("bytes_sent").is_some() { number("bytes_sent") } else { number("body_bytes_sent") };
    let expected = (end.clone(), ms("request_time"), upstream, bytes);
    let status = number("status").map(|status| u16::try_from(status).unwrap());
    if got != expected || record.status != status {
        return Err(format!("{got:?} {:?}, not {expected:?} {status:?}", record.status));
    }
    Ok(())
}

/// A byte changed, a piece cut out or put in twice, the line broken off, or glued to itself.
fn damaged(line: &[u8], random: &mut Random) -> Vec<u8> {
    let mut line = line.to_vec();
    let at = random.below(line.len());
    let until = (at + 1 + random.below(30)).min(line.len());
    let byte = random.of(&[b'"', b' ', b'-', b'9', b'.', b',', b':', b'\\', b'\t', 0, 0xFF, b'/', b'[', b'|']);
    match random.below(7) {
        0 => line[at] = byte,
        1 => line.insert(at, byte),
        2 => line.truncate(at),
        3 => drop(line.drain(at..until)),
        4 => {
            let piece = line[at..until].to_vec();
            line.splice(at..at, piece);
        }
        5 => line.extend_from_within(..),
        _ => line[at] ^= 1 << random.below(8),
    }
    line
}

fn count() -> u64 {
    std::env::var("SPIKELINE_FORMATS").ok().and_then(|count| count.parse().ok()).unwrap_or(500)
}

fn run(seeds: impl Iterator<Item = u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        if let Err(what) = check(seed, &mut tally) {
            panic!("SPIKELINE_SEED={seed}: {what}");
        }
    }
    tally
}

#[test]
fn formats_of_fixed_seeds_come_back() {
    if let Some(seed) = std::env::var("SPIKELINE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        run([seed].into_iter());
        return;
    }
    let tally = run(0..count());
    // Few are refused, and most lines can be read in one way only.
    assert!(tally.refused * 4 < tally.formats && tally.plain * 2 > tally.lines, "{tally:?}");
}

#[test]
fn formats_of_fresh_seeds_come_back() {
    let fresh = RandomState::new().hash_one(0) >> 1;
    run(fresh..fresh + count() / 5);
}
