//! `spikeline slow`: which classes of requests cost the time, each with real lines.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::answer::rejects::RejectedLines;
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::SlowArguments;
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::Result;
use crate::grammar::{Reject, RejectReason};
use crate::histogram::{Latency, Quantile};
use crate::pipeline::batch::BlockTally;
use crate::pipeline::{Filter, Interpreting, RouteFilter, retrieve};
use crate::record::Needs;
use crate::report::count;
use crate::report::slow::{SampleLine, SlowClass, SlowReport};
use crate::route::RouteId;
use crate::store::{EntryQuery, KeepReasons, Locator, View, WindowMatch};
use crate::time::Window;

pub(super) fn slow(context: &Context, arguments: &SlowArguments) -> Result<Answer> {
    let window = window::window(&arguments.window, context.now, Window::ALL)?;
    let mut filter = window::filter(&arguments.filter, window, WindowMatch::End)?;
    let threshold = match &arguments.threshold {
        Some(text) => window::duration_ms(text)?,
        None => context.config()?.slow.threshold_ms(),
    };
    filter.min_ms = filter.min_ms.max(threshold);
    let mut view = None;
    let (classes, missing) = if arguments.files.files.is_empty() {
        let view = view.insert(context.view()?);
        let (classes, mut missing) = of_store(view, arguments, &filter)?;
        completeness::say_unknown(view, &filter.routes);
        missing.extend(completeness::missing(view, window, view.expired_before(window), context.now)?);
        missing.iter().for_each(|message| say(message));
        (classes, missing)
    } else {
        of_files(context, arguments, filter)?
    };
    let found = !classes.is_empty();
    if classes.len() > arguments.limit {
        let (limit, all) = (count(arguments.limit as u64), count(classes.len() as u64));
        say(&format!("the costliest {limit} of {all} classes (--limit)"));
    }
    let report =
        SlowReport { classes, all_ms: 0, limit: Some(arguments.limit), window: window::shown(window), missing };
    let mut out = stdout();
    written(report.write(arguments.format.into(), style(), &mut out))?;
    written(std::io::Write::flush(&mut out))?;
    if let Some(view) = &view {
        completeness::conclude(view, &report.missing);
    }
    Ok(Answer::from_found(found, &report.missing))
}

/// A class of slow requests while it is counted: route and class of status.
#[derive(Default)]
struct Class {
    requests: u64,
    slow: Latency,
    samples: Samples,
}

/// The slowest requests of a class: (duration, file or index, offset), slowest first, and their lines.
#[derive(Default)]
struct Samples(Vec<(Reverse<u64>, usize, u64, Vec<u8>)>);

impl Samples {
    fn offer(&mut self, limit: usize, duration: u64, file: usize, offset: u64, line: &[u8]) {
        let full = self.0.len() >= limit;
        if full && self.0.last().is_none_or(|last| (last.0, last.1, last.2) <= (Reverse(duration), file, offset)) {
            return;
        }
        let key = (Reverse(duration), file, offset);
        let at = self.0.partition_point(|held| (held.0, held.1, held.2) < key);
        self.0.insert(at, (key.0, key.1, key.2, line.to_vec()));
        self.0.truncate(limit);
    }
}

type Key = (u32, u8);

fn of_files(context: &Context, arguments: &SlowArguments, filter: Filter) -> Result<(Vec<SlowClass>, Vec<String>)> {
    let files = Files::open(context, &arguments.files)?;
    files.say_untimed();
    let with = settings::interpreting(context)?;
    let mut tallies = (0..arguments.threads.count())
        .map(|_| {
            Ok(SlowTally {
                workers: Workers::new(&files, &with, |_| Needs::latency())?,
                filter: filter.clone(),
                routes: RouteFilter::default(),
                with: with.clone(),
                samples: arguments.samples,
                classes: HashMap::new(),
                rejects: RejectedLines::default(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let names = files.names.clone();
    let missing = files.run(&mut tallies);
    let mut classes: HashMap<Key, Class> = HashMap::new();
    let mut rejects = RejectedLines::default();
    for tally in tallies {
        rejects.merge(&tally.rejects);
        for (key, class) in tally.classes {
            let whole = classes.entry(key).or_default();
            whole.requests += class.requests;
            whole.slow.merge(&class.slow);
            for (Reverse(duration), file, offset, line) in class.samples.0 {
                whole.samples.offer(arguments.samples, duration, file, offset, &line);
            }
        }
    }
    rejects.say(&names);
    let place = |file: usize| names.get(file).cloned().unwrap_or_default();
    Ok((finish(classes, &with, place), missing))
}

fn finish(classes: HashMap<Key, Class>, with: &Interpreting, place: impl Fn(usize) -> String) -> Vec<SlowClass> {
    classes
        .into_iter()
        .filter(|(_, class)| !class.slow.is_empty())
        .filter_map(|((route, status_class), class)| {
            let samples = class
                .samples
                .0
                .into_iter()
                .map(|(_, file, offset, line)| SampleLine { locator: format!("{}@{offset}", place(file)), line })
                .collect();
            let route = with.routes.name(RouteId(route))?.to_string();
            Some(finished(route, status_class, class.requests, &class.slow, samples))
        })
        .collect()
}

/// A class as it is reported. Its total is the time of its *slow* requests: what the slowness cost.
fn finished(route: String, status_class: u8, count: u64, slow: &Latency, samples: Vec<SampleLine>) -> SlowClass {
    SlowClass {
        route,
        status_class,
        count,
        total_ms: slow.sum_ms(),
        slow: slow.count(),
        p95_ms: slow.quantile(Quantile::per_mille(950)),
        max_ms: (!slow.is_empty()).then(|| slow.max_ms()),
        samples,
    }
}

struct SlowTally {
    workers: Workers,
    filter: Filter,
    routes: RouteFilter,
    with: Interpreting,
    samples: usize,
    classes: HashMap<Key, Class>,
    rejects: RejectedLines,
}

impl BlockTally for SlowTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let SlowTally { workers, filter, routes, with, samples, classes, rejects } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let threshold = filter.min_ms;
        let mut unlimited = filter.clone();
        unlimited.min_ms = 0;
        interpreter.read_block(bytes, |at, line, seen, _| {
            let at = offset + at as u64;
            rejects.lines += 1;
            let seen = match seen {
                Ok(seen) => seen,
                Err(reject) => return rejects.reject(file, at, reject),
            };
            if !unlimited.keeps(seen) || !routes.keeps(filter, seen.matched.id, &with.routes) {
                return;
            }
            let key = (seen.matched.id.0, status_class(seen.record.status.unwrap_or(0)));
            let class = classes.entry(key).or_default();
            class.requests += 1;
            if let Some(duration) = seen.record.request_time_ms.filter(|duration| *duration >= threshold) {
                class.slow.record(duration);
                class.samples.offer(*samples, duration, file, at, line);
            }
        });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, _length: u64) {
        self.rejects.lines += 1;
        self.rejects.reject(file, offset, Reject { column: 1, reason: RejectReason::LineTooLong });
    }
}

fn status_class(status: u16) -> u8 {
    u8::try_from(status / 100).unwrap_or(0)
}

fn of_store(view: &View, arguments: &SlowArguments, filter: &Filter) -> Result<(Vec<SlowClass>, Vec<String>)> {
    let names: HashMap<u32, String> = view.routes().into_iter().map(|(id, name)| (id.0, name.to_owned())).collect();
    let wanted = view.routes().into_iter().filter(|(_, name)| filter.keeps_route(name)).map(|(id, _)| id).collect();
    let query = EntryQuery {
        routes: Some(wanted),
        min_duration_ms: filter.min_ms,
        ..EntryQuery::new(filter.window, WindowMatch::End)
    };
    let entries = view.entries(&query)?;
    let mut classes: HashMap<Key, Class> = HashMap::new();
    let mut locators: Vec<Locator> = Vec::new();
    for entry in entries.iter().filter(|entry| filter.keeps_status(entry.status)) {
        if entry.kept == KeepReasons::ERROR && entry.duration_ms < filter.min_ms {
            continue;
        }
        let class = classes.entry((entry.route.0, status_class(entry.status))).or_default();
        class.slow.record(entry.duration_ms);
        class.samples.offer(arguments.samples, entry.duration_ms, locators.len(), entry.locator.offset, b"");
        locators.push(entry.locator);
    }
    let mut lines: HashMap<usize, Vec<u8>> = HashMap::new();
    let mut sampled: Vec<usize> =
        classes.values().flat_map(|class| class.samples.0.iter().map(|sample| sample.1)).collect();
    sampled.sort_unstable();
    let sampled_locators: Vec<Locator> = sampled.iter().filter_map(|at| locators.get(*at).copied()).collect();
    let missing = retrieve::lines(view, &sampled_locators, |index, line| {
        if let (Some(at), Some(line)) = (sampled.get(index), line) {
            lines.insert(*at, line.to_vec());
        }
    });
    if let Some(note) = missing.note() {
        say(&note);
    }
    let missing = missing.messages();
    let files: HashMap<_, String> =
        view.generations().iter().map(|held| (held.id, held.path.display().to_string())).collect();
    let counted = counts(view, filter, &classes)?;
    let classes = classes.into_iter().map(|(key @ (route, status_class), class)| {
        let samples = class.samples.0.iter().map(|(_, at, offset, _)| {
            let file = locators.get(*at).and_then(|held| files.get(&held.generation));
            let locator = format!("{}@{offset}", file.map_or("?", String::as_str));
            SampleLine { locator, line: lines.remove(at).unwrap_or_else(|| b"(raw line gone)".to_vec()) }
        });
        let samples = samples.collect();
        let route = names.get(&route).cloned().unwrap_or_default();
        let count = counted.get(&key).map_or(0, |count| *count).max(class.slow.count());
        finished(route, status_class, count, &class.slow, samples)
    });
    Ok((classes.collect(), missing))
}

/// How many requests the classes have in the window's slots, slow or not. None where a class is only in part asked for:
/// the histograms know no single status.
fn counts(view: &View, filter: &Filter, classes: &HashMap<Key, Class>) -> Result<HashMap<Key, u64>> {
    if classes.is_empty() || !filter.statuses.is_empty() {
        return Ok(HashMap::new());
    }
    let mut routes: Vec<RouteId> = classes.keys().map(|(route, _)| RouteId(*route)).collect();
    routes.sort_unstable();
    routes.dedup();
    let mut counts = HashMap::new();
    for (route, cell) in view.totals(filter.window, Some(&routes))? {
        let known: u64 = cell.status.iter().sum();
        counts.insert((route.0, 0), cell.requests.saturating_sub(known));
        counts.extend((1..).zip(cell.status).map(|(class, count)| ((route.0, class), count)));
    }
    Ok(counts)
}
