//! `spikeline report`: latency per route, over files or the store's window.

use crate::cli::answer::output::{stdout, style, written};
use crate::cli::answer::window::shown;
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::ReportArguments;
use crate::cli::counted::{CountedRows, CountingQuestion, fields_of, names_of, rows_of_files, rows_of_store};
use crate::cli::input::context::Context;
use crate::error::{Error, Result};
use crate::report::latency::{LatencyReport, Sort};
use crate::report::{Report, write};
use crate::store::WindowMatch;
use crate::time::Window;

pub(super) fn report(context: &Context, arguments: &ReportArguments) -> Result<Answer> {
    let sort: Sort = arguments.sort.parse().map_err(Error::usage)?;
    let from_store = arguments.files.files.is_empty();
    let window = window::window(&arguments.window, context.now, Window::ALL)?;
    let mut filter = window::filter(&arguments.filter, window, WindowMatch::End)?;
    if filter.routes.is_empty() {
        filter.routes.clone_from(&context.config()?.report.routes);
    }
    let mut view = None;
    let by = fields_of(&arguments.by)?;
    let question =
        CountingQuestion { files: &arguments.files, threads: arguments.threads.count(), filter: &filter, by: &by };
    let CountedRows { rows, missing, window, .. } = if from_store {
        rows_of_store(view.insert(context.view()?), context, &question)?
    } else {
        rows_of_files(context, &question)?
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
