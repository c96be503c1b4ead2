//! `spikeline report`: latency per route, over files or the store's window.

use crate::carbon::{CellMetric, TimeStatistic};
use crate::cli::answer::output::{stdout, style, written};
use crate::cli::answer::window::shown;
use crate::cli::answer::{Answer, completeness};
use crate::cli::args::ReportArguments;
use crate::cli::asked::{self, Question, TypedQuestion};
use crate::cli::counted::{CountedRows, CountingQuestion, fields_of, names_of, rows_of_files, rows_of_store};
use crate::cli::input::context::Context;
use crate::error::{Error, Result};
use crate::graphite::asked::{AskedOrder, Pasted};
use crate::report::latency::{LatencyReport, Sort};
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
    let question =
        CountingQuestion { files: &arguments.files, threads: arguments.threads.count(), filter: &filter, by: &by };
    let CountedRows { rows, missing, window, .. } = match &view {
        Some(view) => rows_of_store(view, context, &question)?,
        None => rows_of_files(context, &question)?,
    };
    let found = !rows.is_empty();
    let by = names_of(&arguments.by);
    let report = LatencyReport { by, sort, limit: arguments.limit, window: shown(window) };
    let report = Report { missing, ..report.tabulate(rows) };
    let mut out = stdout();
    written(write(&report, arguments.format.into(), style(), &mut out))?;
    written(std::io::Write::flush(&mut out))?;
    if let Some(view) = &view {
        completeness::conclude(view, &report.missing);
    }
    Ok(Answer::from_found(found, &report.missing))
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
