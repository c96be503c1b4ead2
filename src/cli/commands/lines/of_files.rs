//! `lines` over files: every line is read.

use std::sync::Arc;

use super::found_lines::FoundLines;
use super::{Found, of_line};
use crate::cli::answer::rejects::{ReadBlock, RejectedLines};
use crate::cli::args::LinesArguments;
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::Result;
use crate::grammar::Format;
use crate::pipeline::batch::BlockTally;
use crate::pipeline::check_where;
use crate::pipeline::{Filter, Interpreting, RouteFilter, SeenLine};
use crate::source::GenerationId;
use crate::store::Locator;

/// The lines of the files that are named. One thread reads them: they are printed in the order of time anyway.
pub(super) fn of_files(context: &Context, arguments: &LinesArguments, filter: Filter) -> Result<FoundInFiles> {
    let files = Files::open(context, &arguments.files)?;
    if filter.min_ms > 0 || filter.below_ms.is_some() {
        files.say_untimed();
    } else {
        files.say_clocks();
    }
    let with = settings::interpreting(context)?.asking(&filter);
    check_where(&filter.conditions, &files.formats)?;
    let (names, formats) = (files.names.clone(), files.formats.clone());
    let mut tally = LinesTally {
        workers: Workers::for_latency(&files, &with)?,
        filter,
        routes: RouteFilter::default(),
        with,
        names: names.iter().map(|name| Arc::from(name.as_str())).collect(),
        found: FoundLines::new(arguments.order(), arguments.limit),
        rejects: RejectedLines::default(),
    };
    let mut missing = files.run(std::slice::from_mut(&mut tally));
    tally.rejects.say(&names);
    missing.extend(tally.rejects.missing(&names));
    Ok((tally.found, missing, formats))
}

/// The lines, what could not be read, and the formats of the files.
pub(super) type FoundInFiles = (FoundLines, Vec<String>, Vec<Arc<Format>>);

/// The lines of files that the filter keeps, until all are read.
struct LinesTally {
    workers: Workers,
    filter: Filter,
    routes: RouteFilter,
    with: Interpreting,
    names: Vec<Arc<str>>,
    found: FoundLines,
    rejects: RejectedLines,
}

impl BlockTally for LinesTally {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let LinesTally { workers, filter, routes, with, names, found, rejects } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        let mut lines = 0;
        // One that is in several series comes as each of them: it is printed once, for the longest.
        let mut last: Option<Found> = None;
        interpreter.read_block_as(
            bytes,
            with.names_series(filter),
            |SeenLine { at, line, seen, is_member, .. }| {
                lines += u64::from(!is_member);
                let offset = offset + at as u64;
                match seen {
                    Ok(seen) if filter.keeps(seen) && routes.keeps(filter, &seen.matched, &with.routes) => {
                        let generation = GenerationId(u32::try_from(file).unwrap_or(u32::MAX));
                        let length = u32::try_from(line.len()).unwrap_or(u32::MAX);
                        let name = names.get(file).cloned().unwrap_or_default();
                        let next = of_line(seen, Locator { generation, offset, length }, line, with, name);
                        match &last {
                            Some(held) if !held.is_of_line(&next) => {
                                found.extend(last.replace(next).into_iter().collect())
                            }
                            Some(held) if held.entry.duration_ms >= next.entry.duration_ms => {}
                            _ => last = Some(next),
                        }
                    }
                    Ok(_) => {}
                    Err(reject) => rejects.reject(file, offset, reject),
                }
            },
        );
        found.extend(last.into_iter().collect());
        let (end, length) = (offset + bytes.len() as u64, bytes.len() as u64);
        rejects.count_block(file, ReadBlock { end, length, lines, untimed: 0 });
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        self.rejects.count_long_line(file, offset, length);
    }
}
