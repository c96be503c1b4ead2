//! `slow` over files: every line is read, each file once, by several threads.

use super::class_counts::Classes;
use super::profile::{ProfileNames, profile};
use super::shared_bounds::SharedBounds;
use super::slow_fields::SlowFields;
use super::slow_question::SlowQuestion;
use crate::cli::answer::rejects::{ReadBlock, RejectedLines};
use crate::cli::args::SlowArguments;
use crate::cli::counted::{
    CountedPictures, PictureQuestion, WithPictures, check_fields, refuse_attempts_of_series, say_attempts,
    threshold_of_all,
};
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::Result;
use crate::pipeline::batch::BlockTally;
use crate::pipeline::check_where;
use crate::pipeline::{Interpreting, RouteFilter, SeenLine};
use crate::report::slow::SlowReport;
use crate::source::GenerationId;
use crate::store::Locator;

/// The classes of the files that are named, and what of them could not be read.
pub(super) fn classes_of_files(
    context: &Context,
    arguments: &SlowArguments,
    question: &SlowQuestion,
) -> Result<(SlowReport, Option<CountedPictures>)> {
    let files = Files::open(context, &arguments.files)?;
    files.say_untimed();
    let with = settings::interpreting(context)?.asking(&question.filter);
    check_where(&question.filter.conditions, &files.formats)?;
    refuse_attempts_of_series(with.names_series(&question.filter), &question.by)?;
    check_fields(&question.by, files.formats.iter().map(|format| &**format))?;
    say_attempts(&question.by, files.formats.iter().map(|format| &**format));
    let (threads, bounds, window) = (arguments.threads.count(), SharedBounds::default(), question.filter.window);
    let drawn = PictureQuestion { filter: question.filter.clone(), compared: None };
    let drawn = arguments.format.of_rows().is_none().then_some(&drawn);
    let mut tallies = Vec::new();
    for _ in 0..threads {
        let by = question.by.clone();
        let tally = SlowTally {
            workers: Workers::new(&files, &with, move |format| SlowFields::of_format(&by, format).needs())?,
            fields: files.formats.iter().map(|format| SlowFields::of_format(&question.by, format)).collect(),
            question: question.clone(),
            routes: RouteFilter::default(),
            with: with.clone(),
            classes: Classes::of_thread(window, arguments.samples, &bounds),
            rejects: RejectedLines::default(),
        };
        tallies.push(WithPictures::new(tally, &files, &with, drawn)?);
    }
    let names = files.names.clone();
    let timed = files.timed();
    let mut missing = files.run(&mut tallies);
    let (tallies, counts) = WithPictures::part(tallies);
    let threshold_ms = question.threshold_ms.or(threshold_of_all(context.config()?));
    let pictures = counts.map(|counts| counts.finish(window, &with.routes, threshold_ms));
    let mut tallies = tallies.into_iter();
    let Some(mut whole) = tallies.next() else {
        return Ok((SlowReport { missing, ..SlowReport::default() }, pictures));
    };
    for tally in tallies {
        whole.rejects.merge(&tally.rejects);
        whole.classes.merge(tally.classes);
    }
    whole.rejects.say(&names);
    missing.extend(whole.rejects.missing_times(&names, &timed));
    missing.extend(whole.rejects.missing(&names));
    let route = |id| with.routes.name(id).map(|name| name.to_string()).unwrap_or_default();
    let files = (0..).map(GenerationId).zip(names).collect();
    let report = profile(whole.classes, window, &ProfileNames { by: &question.by, route: &route, files: &files });
    Ok((SlowReport { missing, ..report }, pictures))
}

/// The classes that one thread counts.
struct SlowTally {
    workers: Workers,
    /// By file.
    fields: Vec<SlowFields>,
    question: SlowQuestion,
    routes: RouteFilter,
    with: Interpreting,
    classes: Classes,
    rejects: RejectedLines,
}

impl BlockTally for SlowTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let SlowTally { workers, fields, question, routes, with, classes, rejects } = self;
        let (Some(interpreter), Some(fields)) = (workers.interpreter_of(file), fields.get(file)) else { return };
        let (mut lines, mut untimed) = (0, 0);
        let generation = GenerationId(u32::try_from(file).unwrap_or(u32::MAX));
        let members = with.names_series(&question.filter);
        interpreter.read_block_as(bytes, members, |SeenLine { at, line, seen, values, is_member }| {
            let offset = offset + at as u64;
            lines += u64::from(!is_member);
            let seen = match seen {
                Ok(seen) => seen,
                Err(reject) => return rejects.reject(file, offset, reject),
            };
            untimed += u64::from(!is_member && seen.record.request_time_ms.is_none());
            let filter = &question.filter;
            if filter.keeps(seen) && routes.keeps(filter, &seen.matched, &with.routes) {
                let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
                classes.count(question, fields, seen, &values, (Locator { generation, offset, length }, line));
            }
        });
        let (end, length) = (offset + bytes.len() as u64, bytes.len() as u64);
        rejects.count_block(file, ReadBlock { end, length, lines, untimed });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.rejects.count_long_line(file, offset, length);
    }
}
