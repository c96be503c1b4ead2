//! `spikeline slow`: which classes of requests cost the time, each with real lines.
//!
//! ```text
//! slow_question   what is asked
//! slow_fields     what of a line is looked at
//! kept_lines      the slowest lines of a class, and those from which a typical one is chosen
//! shared_bounds   what all threads share: which classes and values are counted, room for lines
//! class_counts    classes while they are counted
//! of_files · of_store    the lines of files, and of the logs of the store
//! profile         classes as they are reported
//! ```

mod class_counts;
mod kept_lines;
mod of_files;
mod of_store;
mod profile;
mod shared_bounds;
mod slow_fields;
mod slow_question;

use of_files::classes_of_files;
use of_store::classes_of_store;
use slow_question::SlowQuestion;

use crate::cli::answer::html_answer::{AnswerEnd, AnsweredWindow, html_head, zone_of_document};
use crate::cli::answer::output::{say, say_all, stdout, style, written};
use crate::cli::answer::{Answer, completeness, window};
use crate::cli::args::SlowArguments;
use crate::cli::asked::{self, Question, TypedQuestion};
use crate::cli::counted::{fields_of, names_of};
use crate::cli::input::context::Context;
use crate::error::Result;
use crate::report::count;
use crate::report::html::SlowPage;
use crate::report::slow::SlowReport;
use crate::store::WindowMatch;

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
    let question = SlowQuestion { threshold_ms, filter, by: fields_of(&arguments.by)? };
    let form = arguments.format.of_rows();
    let (report, pictures) = match &view {
        Some(view) => {
            let (mut report, pictures) = classes_of_store(view, context, &arguments, &question)?;
            let lacks = completeness::missing(view, window, view.expired_before(window), context.now)?;
            say_all(&lacks);
            report.missing.extend(lacks);
            (report, pictures)
        }
        None => classes_of_files(context, &arguments, &question)?,
    };
    let waited = report.classes.iter().filter(|class| !class.unwaited).count();
    if waited > arguments.limit {
        let (limit, all) = (count(arguments.limit as u64), count(waited as u64));
        say(&format!("the costliest {limit} of {all} classes (--limit)"));
    }
    let found = !report.classes.is_empty();
    let report = SlowReport {
        by: names_of(&arguments.by),
        sort: arguments.sort.into(),
        limit: Some(arguments.limit),
        window: window::shown(window),
        ..report
    };
    let mut out = stdout();
    if let Some(form) = form {
        written(report.write(form, style(), &mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    let last_word = view.as_ref().map(|view| completeness::conclude(view, &report.missing));
    if form.is_none() {
        let zone = zone_of_document(&arguments.window)?;
        let pictured = &pictures.unwrap_or_default().pictured;
        let answered = AnsweredWindow { window, seen: pictured.shown_window(), zone };
        let end = AnswerEnd { last_word, missing: &report.missing };
        let head = html_head("slow", "Slow requests", &answered, end, context.now);
        written(SlowPage { head, slow: &report, pictured, zone }.write(&mut out))?;
        written(std::io::Write::flush(&mut out))?;
    }
    Ok(Answer::from_found(found, &report.missing))
}
