//! `spikeline why`: why a window is slow, by what it is compared with.

mod answer_rows;
mod baseline;
mod gathering;
mod lines_command;
mod of_store;
mod page_link;

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use answer_rows::AnswerNames;
use baseline::{BaselineSpans, baseline_spans, within};
use gathering::{GatheredLines, Gatherer, UntimedRequests, needs_of_why};
use lines_command::LinesCommand;
use page_link::page_link;

use crate::cli::answer::html_answer::{AnswerEnd, AnsweredWindow, html_head, zone_of_document};
use crate::cli::answer::names::wanted_routes;
use crate::cli::answer::output::{on_terminal, say, stdout, style, written};
use crate::cli::answer::rejects::{ReadBlock, RejectedLines};
use crate::cli::answer::{Answer, completeness};
use crate::cli::args::{FilterArguments, WhyArguments, WhyFormat};
use crate::cli::asked::{self, Question, TypedQuestion};
use crate::cli::counted::{
    ComparedSpans, CountedPictures, PictureQuestion, WithPictures, pictures_of_slots, refuse_series, threshold_of_all,
};
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::{Error, Result};
use crate::explain::{BaselinePart, ExplainedSpans, LineOrigin, Requests, explain};
use crate::pipeline::Filter;
use crate::pipeline::batch::BlockTally;
use crate::report::html::WhyPage;
use crate::report::why::{WhyReport, write_why};
use crate::report::{count, write_json};
use crate::route::Routes;
use crate::store::WindowMatch;
use crate::time::Window;

pub(super) fn why(context: &Context, mut arguments: WhyArguments) -> Result<Answer> {
    let routes = FilterArguments { route: arguments.route.clone(), ..FilterArguments::default() };
    let typed = TypedQuestion {
        positional: &arguments.files.files,
        window: &arguments.window,
        point: &arguments.point,
        filter: &routes,
        by: WindowMatch::End,
    };
    let Question { files, view, filter, zone, .. } = asked::question(context, &typed)?;
    arguments.files.files = files;
    arguments.route.clone_from(&filter.routes);
    let window = filter.window;
    say_left_out(&filter);
    if window.from == Window::ALL.from || window.until == Window::ALL.until {
        return Err(Error::usage("why explains a window of time")
            .remedy("say from when to when it was slow: --from 14:05 --until 14:07, or --at 14:05 --window 2min"));
    }
    let spans = baseline_spans(arguments.baseline.as_deref(), window, context.now, zone)?;
    // Which of its requests count is for the spans to say, and all statuses and times: what is usual of a route is that of all of them.
    let asked = WhyAsked { window, spans, filter: Filter { routes: filter.routes, ..Filter::all() } };
    let before = asked.spans.asked.clone();
    let mut gathered = match &view {
        Some(view) => of_store::gather(view, context, &arguments, asked)?,
        None => of_files(context, &arguments, asked)?,
    };
    let pictures = gathered.pictures.take();
    let mut report = answer(context, gathered, &arguments)?;
    if view.is_some() {
        report.link = page_link(context, &report, &arguments.route)?;
    }
    let mut out = stdout();
    match arguments.format {
        WhyFormat::Json => {
            written(write_json(&report, on_terminal(), &mut out))?;
            written(out.write_all(b"\n"))?;
        }
        WhyFormat::Table => {
            let zone = zone_of_document(&arguments.window)?;
            written(write_why(&report, style(), zone, &mut out))?;
        }
        WhyFormat::Html => {}
    }
    written(out.flush())?;
    let last_word = view.as_ref().map(|view| completeness::conclude(view, &report.missing));
    if arguments.format == WhyFormat::Html {
        let pictures = match (&view, pictures) {
            (Some(view), None) => {
                let filter = Filter { routes: arguments.route.clone(), ..Filter::all() };
                let routes = (!filter.routes.is_empty()).then(|| wanted_routes(view, &filter));
                pictures_of_slots(view, window, &before, routes.as_deref(), context.config()?)?
            }
            (_, pictures) => pictures.unwrap_or_default(),
        };
        let (zone, inside) = (zone_of_document(&arguments.window)?, pictures.inside());
        let answered = AnsweredWindow { window, seen: None, zone };
        let end = AnswerEnd { last_word, missing: &report.missing };
        let head = html_head("why", "Why it was slow", &answered, end, context.now);
        let CountedPictures { pictured, baseline: outside } = &pictures;
        let page = WhyPage { head, why: &report, pictured, inside: &inside, outside, zone };
        written(page.write(&mut out))?;
        written(out.flush())?;
    }
    let found = report.requests.window.count > 0;
    Ok(Answer::from_found(found, &report.missing))
}

/// What a link asks for beside route and window is no part of this question, and that is said.
fn say_left_out(filter: &Filter) {
    let mut left = Vec::new();
    if !filter.statuses.is_empty() {
        left.push("statuses");
    }
    if filter.min_ms > 0 || filter.below_ms.is_some() {
        left.push("times");
    }
    if !filter.conditions.is_empty() {
        left.push("conditions");
    }
    if !left.is_empty() {
        say(&format!(
            "note: the {} of the link are not taken over: why sets what is unusual of all requests of the window against what is usual",
            left.join(" and ")
        ));
    }
}

/// What is asked.
struct WhyAsked {
    window: Window,
    spans: BaselineSpans,
    filter: Filter,
}

/// The requests of both sides, from files or the store.
struct GatheredRequests {
    lines: GatheredLines,
    spans: ExplainedSpans,
    /// From the first to the last request of the logs; nothing if there was none.
    known: Option<Window>,
    routes: Arc<Routes>,
    /// What could not be read.
    missing: Vec<String>,
    /// The names of the logs, by number.
    files: HashMap<u32, String>,
    /// What pictures are drawn from, where they are wanted and counted beside.
    pictures: Option<CountedPictures>,
}

/// The explanation of what was gathered.
fn answer(context: &Context, gathered: GatheredRequests, arguments: &WhyArguments) -> Result<WhyReport> {
    let GatheredRequests { lines, mut spans, known, routes, missing, files, .. } = gathered;
    let GatheredLines { requests, untimed, tells_phases } = lines;
    if let Some(known) = known {
        spans.baseline = within(&spans.baseline, known);
    }
    if untimed.all() > 0 {
        say(&format!("note: {} requests have no time: they are not compared", count(untimed.all())));
    }
    check_sides(&requests, untimed)?;
    let explained = explain(&requests, &spans, &routes);
    let names = AnswerNames { requests: &requests, routes: &routes, files: &files, tells_phases };
    let mut report = names.report(&explained, &spans, missing);
    let command = LinesCommand { context, arguments, window: report.window, has_untimed: untimed.all() > 0 };
    for cause in report.causes.iter_mut().chain(&mut report.no_news) {
        cause.command = command.of_cause(&cause.whose);
    }
    report.command = match report.causes.first() {
        Some(cause) => cause.command.clone(),
        None => command.of_route(report.routes.first().map(|route| route.route.as_str())),
    };
    Ok(report)
}

/// From so many requests of the baseline on it says what is usual.
const LEAST_USUAL: u64 = 20;

/// That there is something to compare, and to compare it with: what is usual is never guessed from a handful.
fn check_sides(requests: &Requests, untimed: UntimedRequests) -> Result<()> {
    let (mut in_window, mut usual) = (0, 0);
    for sums in requests.sums().values() {
        in_window += sums.window.count;
        usual += sums.baseline.count;
    }
    if in_window == 0 && untimed.window > 0 {
        let what = format!(
            "none of the {} requests of the window says how long it took: why compares times, and there are none",
            count(untimed.window)
        );
        return Err(Error::failed(what).remedy(
            "add rt=$request_time to the log_format (`spikeline check` prints it whole); how many there were, of what and with which status says \
             `spikeline diff`",
        ));
    }
    if in_window == 0 || usual >= LEAST_USUAL {
        return Ok(());
    }
    let what = match usual {
        0 if untimed.others > 0 => "no request of the baseline says how long it took".to_owned(),
        0 => "no request ended in the baseline".to_owned(),
        1 => "one request in the baseline does not say what is usual".to_owned(),
        _ => format!("{usual} requests in the baseline are too few to say what is usual"),
    };
    Err(Error::failed(format!("there is nothing to compare the window with: {what}"))
        .remedy("give the log of before as well, or say what to compare with: --baseline FROM..UNTIL"))
}

fn of_files(context: &Context, arguments: &WhyArguments, asked: WhyAsked) -> Result<GatheredRequests> {
    let files = Files::open(context, &arguments.files)?;
    files.say_untimed();
    let with = settings::interpreting(context)?;
    refuse_series(with.names_series(&asked.filter), "why")?;
    let names = files.names.clone();
    let compared = ComparedSpans { window: asked.window, baseline: asked.spans.asked.clone() };
    let drawn = PictureQuestion { filter: asked.filter.clone(), compared: Some(compared) };
    let drawn = (arguments.format == WhyFormat::Html).then_some(&drawn);
    let mut baseline = asked.spans.other_days;
    baseline.extend(asked.spans.asked);
    let spans = ExplainedSpans { window: asked.window, baseline, part: BaselinePart::WHOLE, is_counted_whole: true };
    let spans = Arc::new(spans);
    let mut tallies = Vec::new();
    for gatherer in Gatherer::several(arguments.threads.count(), &spans, &with, &asked.filter) {
        let workers = Workers::new(&files, &with, needs_of_why)?;
        let tally = WhyTally { workers, gatherer, rejects: RejectedLines::default() };
        tallies.push(WithPictures::new(tally, &files, &with, drawn)?);
    }
    let mut missing = files.run(&mut tallies);
    let (tallies, counts) = WithPictures::part(tallies);
    let threshold_ms = threshold_of_all(context.config()?);
    let pictures = counts.map(|counts| counts.finish(asked.window, &with.routes, threshold_ms));
    let (mut gatherers, mut rejects) = (Vec::new(), RejectedLines::default());
    for tally in tallies {
        rejects.merge(&tally.rejects);
        gatherers.push(tally.gatherer);
    }
    rejects.say(&names);
    missing.extend(rejects.missing(&names));
    let lines = Gatherer::merged(gatherers);
    Ok(GatheredRequests {
        known: lines.requests.span(),
        lines,
        spans: ExplainedSpans::clone(&spans),
        routes: Arc::clone(&with.routes),
        missing,
        files: (0..).zip(names).collect(),
        pictures,
    })
}

/// The requests of files, until all are read.
struct WhyTally {
    workers: Workers,
    gatherer: Gatherer,
    rejects: RejectedLines,
}

impl BlockTally for WhyTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let WhyTally { workers, gatherer, rejects } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let mut lines = 0;
        interpreter.read_block(bytes, |at, line, seen, values| {
            lines += 1;
            let offset = offset + at as u64;
            match seen {
                Ok(seen) => {
                    let log = u32::try_from(file).unwrap_or(u32::MAX);
                    let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
                    gatherer.take(seen, values, LineOrigin { log, offset, length }, line);
                }
                Err(reject) => rejects.reject(file, offset, reject),
            }
        });
        let (end, length) = (offset + bytes.len() as u64, bytes.len() as u64);
        rejects.count_block(file, ReadBlock { end, length, lines, untimed: 0 });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.rejects.count_long_line(file, offset, length);
    }
}
