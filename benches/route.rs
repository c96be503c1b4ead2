//! Nanoseconds per request of routing, with and without rules, on the requests of a real log.
//!
//! `SPIKELINE_BENCH_LOG=access.log cargo bench --bench route`: the requests are what stands between the first two
//! quotes of each line. Plain timing over several rounds; of each batch the fastest counts,
//! so that other work on the machine is left out.
#![expect(clippy::print_stdout, reason = "a benchmark reports on stdout")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use spikeline::route::{DEFAULT_ROUTES_MAX, Matcher, Request, Router, Routes, Rule, RuleError};

/// So many bytes of the log are read at most.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Requests routed in one go, about as many as a block of 512 KiB holds.
const BATCH: usize = 2048;
const ROUNDS: usize = 7;

fn main() -> Result<(), RuleError> {
    let Some(path) = std::env::var_os("SPIKELINE_BENCH_LOG") else {
        println!("set SPIKELINE_BENCH_LOG to an access log");
        return Ok(());
    };
    let log = match std::fs::read(&path) {
        Ok(log) => log,
        Err(error) => {
            println!("{}: {error}", path.display());
            return Ok(());
        }
    };
    let log = log.get(..BYTES_MAX).unwrap_or(&log);
    let requests: Vec<Request<'_>> = log.split(|&byte| byte == b'\n').filter_map(request).collect();
    let bytes: usize = requests.iter().map(|request| request.target.len()).sum();
    println!("{} requests, {} bytes of target each", requests.len(), bytes / requests.len().max(1));
    time("no rules", Vec::new(), &requests)?;
    if std::env::args().any(|argument| argument == "--no-rules") {
        return Ok(());
    }
    time("20 rules, templates", templates(), &requests)?;
    let mut with_regex = templates();
    with_regex.push(Rule {
        name: "media".to_owned(),
        regex: Some("^/media/(?:products|avatars)/".to_owned()),
        ..Rule::default()
    });
    time("20 rules and a regex", with_regex, &requests)
}

fn request(line: &[u8]) -> Option<Request<'_>> {
    let mut quoted = line.split(|&byte| byte == b'"').skip(1);
    let mut words = quoted.next()?.split(|&byte| byte == b' ');
    let (method, target) = (words.next()?, words.next()?);
    let status = std::str::from_utf8(quoted.next()?.get(1..4)?).ok()?.parse().ok();
    Some(Request { method, target, host: None, status, took_ms: None, malformed: false, variables: &[] })
}

fn templates() -> Vec<Rule> {
    let rule = |name: &str, path: &str| Rule { name: name.to_owned(), path: Some(path.to_owned()), ..Rule::default() };
    let mut rules: Vec<Rule> = ["static", "help", "docs", "blog", "news", "careers", "deals", "account", "shop"]
        .map(|area| rule(area, &format!("/{area}/*")))
        .into();
    rules.push(rule("api.users", "/api/v1/users/{user}/*"));
    rules.push(rule("api.one.{kind}", "/api/v1/{kind}/{id}"));
    rules.push(rule("api.list.{kind}", "/api/v2/{kind}"));
    for at in 0..8 {
        rules.push(rule("never", &format!("/internal/v{at}/*")));
    }
    rules
}

fn time(what: &str, rules: Vec<Rule>, requests: &[Request<'_>]) -> Result<(), RuleError> {
    let routes = Arc::new(Routes::new(DEFAULT_ROUTES_MAX));
    let mut matcher = Matcher::new(Arc::new(Router::new(rules)?), Arc::clone(&routes));
    let mut fastest = vec![u128::MAX; requests.len().div_ceil(BATCH)];
    for _ in 0..ROUNDS {
        for (batch, fastest) in requests.chunks(BATCH).zip(&mut fastest) {
            // The parser has just read these bytes, so they are read once before the clock starts.
            let sum: u64 = batch.iter().flat_map(|request| request.target).map(|&byte| u64::from(byte)).sum();
            black_box(sum);
            let start = Instant::now();
            for request in batch {
                black_box(matcher.route(black_box(request)));
            }
            *fastest = start.elapsed().as_nanos().min(*fastest);
        }
    }
    let best = fastest.iter().sum::<u128>() as f64 / requests.len().max(1) as f64;
    println!("{what}: {best:.1} ns per request, {} routes, {} requests over the cap", routes.len(), matcher.overflow());
    Ok(())
}
