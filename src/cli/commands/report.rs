//! `spikeline report`: latency per route, over files or the store's window.

use crate::carbon::{CellMetric, TimeStatistic};
use crate::cli::answer::html_answer::{AnswerEnd, AnsweredWindow, html_head, zone_of_document};
use crate::cli::answer::output::{say, stdout, style, written};
use crate::cli::answer::window::shown;
use crate::cli::answer::{Answer, completeness};
use crate::cli::args::ReportArguments;
use crate::cli::asked::{self, Question, TypedQuestion};
use crate::cli::counted::{
    CountedRows, CountingQuestion, ShownTimes, fields_of, names_of, rows_of_files, rows_of_store,
};
use crate::cli::input::context::Context;
use crate::cli::input::settings::interpreting;
use crate::error::{Error, Result};
use crate::graphite::asked::{AskedOrder, Pasted};
use crate::pipeline::asks_for_members;
use crate::report::html::LatencyPage;
use crate::report::latency::{LatencyReport, LatencyRow, Sort};
use crate::report::{Report, write};
use crate::store::WindowMatch;

pub(super) fn report(context: &Context, mut arguments: ReportArguments) -> Result<Answer> {
    let sort: Option<Sort> = arguments.sort.as_deref().map(|key| key.parse().map_err(Error::usage)).transpose()?;
    let typed = TypedQuestion {
        positional: &arguments.files.files,
        window: &arguments.window,
        point: &arguments.point,
        filter: &arguments.filter,
        by: WindowMatch::End,
    };
    let Question { files, view, mut filter, asked, .. } = asked::question(context, &typed)?;
    arguments.files.files = files;
    let sort = sort.unwrap_or_else(|| asked.as_ref().map_or(Sort::default(), sort_of));
    if filter.routes.is_empty() {
        filter.routes.clone_from(&context.config()?.report.routes);
    }
    let by = fields_of(&arguments.by)?;
    let (files, threads, form) = (&arguments.files, arguments.threads.count(), arguments.format.of_rows());
    let times = ShownTimes::of_names(&arguments.times)?;
    let (upstreams, pictured) = (times.are_of_upstreams(), form.is_none());
    if upstreams && pictured {
        return Err(Error::usage("the pictures of --format html are of $request_time")
            .remedy("leave --times out, or take another --format"));
    }
    let question = CountingQuestion { files, threads, filter: &filter, by: &by, upstreams, pictured };
    let CountedRows { rows, missing, window, span, pictures } = match &view {
        Some(view) => rows_of_store(view, context, &question)?,
        None => rows_of_files(context, &question)?,
    };
    let found = !rows.is_empty();
    if filter.routes.is_empty() && !interpreting(context)?.router.probes().is_empty() {
        say("note: requests of monitoring ([[probe]]) are in none of these: --route 'probe.*' has them");
    }
    let of_series = match &view {
        Some(view) => asks_for_members(view, &filter) || interpreting(context)?.asks_for_series(&filter),
        None => interpreting(context)?.names_series(&filter),
    };
    let (rows, mut by) = (times.rows(rows), names_of(&arguments.by));
    if times.are_several() {
        by.push("time".to_owned());
    }
    let report = LatencyReport { by, sort, limit: arguments.limit, window: shown(window) };
    let mut report = Report { missing, ..report.tabulate(rows) };
    if of_series || times.are_several() {
        // A request is in any number of them, or once for each time.
        report.totals = None;
    }
    let mut out = stdout();
    if let Some(form) = form {
        written(write(&report, form, style(), &mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    let last_word = view.as_ref().map(|view| completeness::conclude(view, &report.missing));
    if form.is_none() {
        let zone = zone_of_document(&arguments.window)?;
        let answered = AnsweredWindow { window, seen: span, zone };
        let pictured = &pictures.unwrap_or_default().pictured;
        let end = AnswerEnd { last_word, missing: &report.missing };
        let head = html_head("report", &title_of(&report), &answered, end, context.now);
        written(LatencyPage { head, report: &report, pictured, zone }.write(&mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    Ok(Answer::from_found(found, &report.missing))
}

/// What the report is of.
fn title_of(report: &Report<LatencyRow>) -> String {
    let by = report.blank.group.by.join(", ");
    format!("Latency by {by}")
}

/// The order of rows that a metric asks for.
fn sort_of(asked: &Pasted) -> Sort {
    let is_max = |metric: &CellMetric| matches!(metric, CellMetric::OfTime(_, TimeStatistic::Max));
    match asked.order {
        AskedOrder::Duration if asked.metrics.iter().all(is_max) => Sort::Max,
        AskedOrder::Duration => Sort::P99,
        AskedOrder::Count => Sort::Count,
        AskedOrder::Upstream | AskedOrder::Unsaid => Sort::default(),
    }
}
