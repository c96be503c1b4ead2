//! `spikeline slow`: which classes of requests cost the time, each with real lines.

mod of_store;

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::cli::answer::html_answer::{AnsweredWindow, html_head, zone_of_document};
use crate::cli::answer::names::wanted_routes;
use crate::cli::answer::output::{say, say_all, stdout, style, written};
use crate::cli::answer::rejects::{ReadBlock, RejectedLines};
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::SlowArguments;
use crate::cli::asked::{self, Question, TypedQuestion};
use crate::cli::counted::{CountedPictures, PictureQuestion, WithPictures, pictures_of_slots, threshold_of_all};
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::Result;
use crate::histogram::{Latency, Quantile};
use crate::pipeline::batch::BlockTally;
use crate::pipeline::{Filter, Interpreting, RouteFilter, RoutedRecord};
use crate::report::count;
use crate::report::html::SlowPage;
use crate::report::slow::{SampleLine, SlowClass, SlowReport};
use crate::route::RouteId;
use crate::store::{View, WindowMatch};

pub(super) fn slow(context: &Context, mut arguments: SlowArguments) -> Result<Answer> {
    let typed = TypedQuestion {
        positional: &arguments.files.files,
        window: &arguments.window,
        point: &arguments.point,
        filter: &arguments.filter,
        by: WindowMatch::End,
    };
    let Question { files, view, mut filter, .. } = asked::question(context, &typed)?;
    arguments.files.files = files;
    if filter.routes.is_empty() {
        filter.routes.clone_from(&context.config()?.slow.routes);
    }
    let window = filter.window;
    let threshold_ms = arguments.threshold.as_deref().map(window::duration_ms).transpose()?;
    let question = SlowQuestion { threshold_ms, filter };
    let form = arguments.format.of_rows();
    let (classes, missing, pictures) = match &view {
        Some(view) => {
            let (classes, mut missing) = of_store::classes_of_store(view, context, &arguments, &question)?;
            completeness::say_unknown(view, &question.filter.routes);
            let lacks = completeness::missing(view, window, view.expired_before(window), context.now)?;
            say_all(&lacks);
            missing.extend(lacks);
            let pictures = match form {
                Some(_) => None,
                None => Some(pictures_of_store(view, context, &question.filter)?),
            };
            (classes, missing, pictures)
        }
        None => of_files(context, &arguments, question)?,
    };
    let found = !classes.is_empty();
    if classes.len() > arguments.limit {
        let (limit, all) = (count(arguments.limit as u64), count(classes.len() as u64));
        say(&format!("the costliest {limit} of {all} classes (--limit)"));
    }
    let report =
        SlowReport { classes, all_ms: 0, limit: Some(arguments.limit), window: window::shown(window), missing };
    let mut out = stdout();
    if let Some(form) = form {
        written(report.write(form, style(), &mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    if let Some(view) = &view {
        completeness::conclude(view, &report.missing);
    }
    if form.is_none() {
        let zone = zone_of_document(&arguments.window)?;
        let pictured = &pictures.unwrap_or_default().pictured;
        let answered = AnsweredWindow { window, seen: pictured.shown_window(), zone };
        let head = html_head("slow", "Slow requests", &answered, &report.missing, context.now);
        written(SlowPage { head, slow: &report, pictured, zone }.write(&mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    Ok(Answer::from_found(found, &report.missing))
}

/// What the store's cells tell of the routes that are asked for, whatever their status.
fn pictures_of_store(view: &View, context: &Context, filter: &Filter) -> Result<CountedPictures> {
    let routes = (!filter.routes.is_empty()).then(|| wanted_routes(view, filter));
    pictures_of_slots(view, filter.window, &[], routes.as_deref(), context.config()?)
}

/// What is asked for.
#[derive(Debug, Clone)]
struct SlowQuestion {
    /// Slow means at least this; nothing if each route has its own threshold.
    threshold_ms: Option<u64>,
    /// Which requests. Its `min_ms` and `below_ms` are for the slow ones alone.
    filter: Filter,
}

impl SlowQuestion {
    /// How long the request took, if it was slow and long enough.
    fn slow_ms(&self, seen: &RoutedRecord<'_>) -> Option<u64> {
        let duration = seen.record.request_time_ms?;
        let is_slow = match self.threshold_ms {
            Some(threshold) => duration >= threshold,
            None => seen.slow,
        };
        let is_short = self.filter.below_ms.is_none_or(|below| duration < below);
        (is_slow && duration >= self.filter.min_ms && is_short).then_some(duration)
    }

    /// Which requests make a class, slow or not.
    fn of_classes(&self) -> Filter {
        Filter { min_ms: 0, below_ms: None, ..self.filter.clone() }
    }
}

/// A class of slow requests while it is counted.
#[derive(Default)]
struct Class {
    /// All requests of the class, slow or not, where files are read; of the store's [`count_requests`] tells.
    requests: u64,
    slow: Latency,
    samples: Samples,
}

/// What makes a class: the route, and the first digit of the status (0 where none is logged).
type Key = (RouteId, u8);

/// A slow request whose line is shown.
struct HeldSample {
    duration_ms: u64,
    /// The number of its file, or of its locator where the store is read.
    source: usize,
    offset: u64,
    /// The raw line. Empty where the store is read: there it is fetched once it is known which are shown.
    line: Vec<u8>,
}

impl HeldSample {
    /// Slowest first; of those that took as long the one that was read first, so that the answer is the same with any
    /// number of threads.
    fn rank(&self) -> (Reverse<u64>, usize, u64) {
        (Reverse(self.duration_ms), self.source, self.offset)
    }
}

/// The slowest requests of a class, slowest first.
#[derive(Default)]
struct Samples(Vec<HeldSample>);

impl Samples {
    /// Keeps a request if it is one of the `limit` slowest; its line is copied only then.
    fn offer(&mut self, limit: usize, duration_ms: u64, source: usize, offset: u64, line: &[u8]) {
        let rank = (Reverse(duration_ms), source, offset);
        let at = self.0.partition_point(|held| held.rank() < rank);
        if at < limit {
            self.0.insert(at, HeldSample { duration_ms, source, offset, line: line.to_vec() });
            self.0.truncate(limit);
        }
    }
}

/// The classes of the files that are named, and what of them could not be read.
fn of_files(
    context: &Context,
    arguments: &SlowArguments,
    question: SlowQuestion,
) -> Result<(Vec<SlowClass>, Vec<String>, Option<CountedPictures>)> {
    let files = Files::open(context, &arguments.files)?;
    files.say_untimed();
    let with = settings::interpreting(context)?;
    let mut tallies = Vec::new();
    let drawn = PictureQuestion { filter: question.of_classes(), compared: None };
    let drawn = arguments.format.of_rows().is_none().then_some(&drawn);
    for _ in 0..arguments.threads.count() {
        let tally = SlowTally {
            workers: Workers::for_latency(&files, &with)?,
            of_classes: question.of_classes(),
            question: question.clone(),
            routes: RouteFilter::default(),
            with: with.clone(),
            samples: arguments.samples,
            classes: HashMap::new(),
            rejects: RejectedLines::default(),
        };
        tallies.push(WithPictures::new(tally, &files, &with, drawn)?);
    }
    let names = files.names.clone();
    let timed = files.timed();
    let mut missing = files.run(&mut tallies);
    let (tallies, counts) = WithPictures::part(tallies);
    let threshold_ms = question.threshold_ms.or(threshold_of_all(context.config()?));
    let pictures = counts.map(|counts| counts.finish(question.filter.window, &with.routes, threshold_ms));
    let mut classes: HashMap<Key, Class> = HashMap::new();
    let mut rejects = RejectedLines::default();
    for tally in tallies {
        rejects.merge(&tally.rejects);
        for (key, class) in tally.classes {
            let whole = classes.entry(key).or_default();
            whole.requests += class.requests;
            whole.slow.merge(&class.slow);
            for HeldSample { duration_ms, source, offset, line } in class.samples.0 {
                whole.samples.offer(arguments.samples, duration_ms, source, offset, &line);
            }
        }
    }
    rejects.say(&names);
    missing.extend(rejects.missing_times(&names, &timed));
    missing.extend(rejects.missing(&names));
    Ok((finish(classes, &with, &names), missing, pictures))
}

/// The classes that have a slow request, as they are reported, with the `files` that their samples are of.
fn finish(classes: HashMap<Key, Class>, with: &Interpreting, files: &[String]) -> Vec<SlowClass> {
    let mut finished_classes = Vec::new();
    for ((route, status_class), class) in classes {
        let Some(route) = with.routes.name(route) else { continue };
        if class.slow.is_empty() {
            continue;
        }
        let mut samples = Vec::new();
        for held in class.samples.0 {
            let file = files.get(held.source).map_or("", String::as_str);
            samples.push(SampleLine { locator: format!("{file}@{}", held.offset), line: held.line });
        }
        finished_classes.push(finished(route.to_string(), status_class, class.requests, &class.slow, samples));
    }
    finished_classes
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
    question: SlowQuestion,
    /// See [`SlowQuestion::of_classes`].
    of_classes: Filter,
    routes: RouteFilter,
    with: Interpreting,
    samples: usize,
    classes: HashMap<Key, Class>,
    rejects: RejectedLines,
}

impl BlockTally for SlowTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let SlowTally { workers, question, of_classes, routes, with, samples, classes, rejects } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let (mut lines, mut untimed) = (0, 0);
        interpreter.read_block(bytes, |at, line, seen, _| {
            let at = offset + at as u64;
            lines += 1;
            let seen = match seen {
                Ok(seen) => seen,
                Err(reject) => return rejects.reject(file, at, reject),
            };
            untimed += u64::from(seen.record.request_time_ms.is_none());
            if !of_classes.keeps(seen) || !routes.keeps(of_classes, seen.matched.id, &with.routes) {
                return;
            }
            let key = (seen.matched.id, status_class(seen.record.status.unwrap_or(0)));
            let class = classes.entry(key).or_default();
            class.requests += 1;
            if let Some(duration) = question.slow_ms(seen) {
                class.slow.record(duration);
                class.samples.offer(*samples, duration, file, at, line);
            }
        });
        let (end, length) = (offset + bytes.len() as u64, bytes.len() as u64);
        rejects.count_block(file, ReadBlock { end, length, lines, untimed });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.rejects.count_long_line(file, offset, length);
    }
}

/// The first digit of a status.
fn status_class(status: u16) -> u8 {
    u8::try_from(status / 100).unwrap_or(0)
}
