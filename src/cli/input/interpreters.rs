//! What reads the lines of the logs in the store again: the configured formats, else the one given, else the one found.

use std::collections::HashMap;
use std::sync::Arc;

use super::configured::configured_format;
use super::context::Context;
use super::formats::{self, GivenFormat, detect_format};
use super::head::first_lines;
use super::{logs, settings};
use crate::cli::answer::output::say;
use crate::cli::args::FormatArguments;
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::{Format, Wrapper};
use crate::pipeline::{Interpreter, Interpreting, LineReaders, NeedsOfFormat, SlotSettings, holds_format};
use crate::record::Needs;
use crate::route::Routes;
use crate::source::find_generation;
use crate::source::generation::Generation;
use crate::store::{self, View};

/// What reads the lines of the logs of the store: each by the format that the store holds of it. Of those that it holds none
/// of, the configuration tells; `given` is for the logs that that does not name; without it, their format is found from their
/// lines. A log that has none is left out, said aloud. Of each line what `needs` names is read.
pub(in crate::cli) fn line_readers(
    context: &Context,
    view: &View,
    given: &FormatArguments,
    needs: &NeedsOfFormat,
    with: &Interpreting,
) -> Result<LineReaders> {
    let mut readers = several_line_readers(context, view, given, &NeededLines { needs, with, threads: 1 })?;
    readers.pop().ok_or_else(|| Error::failed("nothing reads lines"))
}

/// What is read of lines, by how many threads.
pub(in crate::cli) struct NeededLines<'n> {
    pub(in crate::cli) needs: &'n NeedsOfFormat,
    pub(in crate::cli) with: &'n Interpreting,
    pub(in crate::cli) threads: usize,
}

/// The same for each of several threads.
pub(in crate::cli) fn several_line_readers(
    context: &Context,
    view: &View,
    given: &FormatArguments,
    needed: &NeededLines<'_>,
) -> Result<Vec<LineReaders>> {
    let NeededLines { needs, with, threads } = *needed;
    let grammars = context.grammars()?;
    let known = context.has_config() || context.nginx()?.is_some();
    let logs = if known { logs::logs(context)? } else { Vec::new() };
    let given = formats::parse_given(given, &grammars)?;
    let mut formats: HashMap<String, Format> = HashMap::new();
    for log in &logs {
        formats.insert(log.pattern.clone(), Format::clone(&log.format));
    }
    let mut unknown: Vec<(&str, String)> = Vec::new();
    for generation in view.generations() {
        if formats.contains_key(&generation.log) || holds_format(view, generation.id, generation.position) {
            continue;
        }
        let format = match &given {
            Some(GivenFormat::Format(format)) => Ok(Format::clone(format)),
            Some(GivenFormat::Wrapper(wrapper)) => found_format(generation, Some(*wrapper), &[], &grammars),
            None => found_format(generation, None, &logs, &grammars),
        };
        match format {
            Ok(format) => drop(formats.insert(generation.log.clone(), format)),
            Err(what) => unknown.push((&generation.log, what)),
        }
    }
    // Another generation of the same log may have told it.
    unknown.retain(|(log, _)| !formats.contains_key(*log));
    unknown.dedup_by_key(|(log, _)| *log);
    for (log, what) in unknown {
        say(&format!("log {log}: {what}; its lines cannot be read again without its format (--config, --log-format)"));
    }
    let mut readers = Vec::new();
    for _ in 0..threads {
        let mut interpreters = HashMap::new();
        for (log, format) in &formats {
            interpreters.insert(log.clone(), new_interpreter(log, format, needs(format), &with.for_log(log))?);
        }
        readers.push(LineReaders::new(with.clone(), Arc::clone(needs), interpreters));
    }
    Ok(readers)
}

/// What counting needs: latency, routes, statuses.
pub(in crate::cli) fn needs_of_counting() -> NeedsOfFormat {
    Arc::new(|_| Needs::latency())
}

/// Reads what is needed, by the log's own place in nginx.conf.
fn new_interpreter(log: &str, format: &Format, needs: Needs, with: &Interpreting) -> Result<Interpreter> {
    Interpreter::new(format, needs, &with.for_log(log))
        .map_err(|error| Error::usage(format!("log {log}: format `{}`: {error}", format.name())))
}

/// The format of a log's own lines.
fn found_format(
    generation: &Generation,
    wrapper: Option<Wrapper>,
    logs: &[Log],
    grammars: &[Format],
) -> std::result::Result<Format, String> {
    let located = find_generation(generation).map_err(|error| error.what().to_owned())?.ok_or("it is gone")?;
    match first_lines(&located.path) {
        Ok(head) if head.is_empty() => Err("it has no lines".to_owned()),
        Ok(head) => match configured_format(logs, &head)? {
            Some((format, _)) => Ok(format),
            None => match detect_format(wrapper, &head, grammars) {
                Ok(found) => Ok(found.format),
                Err(undetected) => Err(undetected.what),
            },
        },
        Err(error) => Err(error.what().to_owned()),
    }
}

/// The rules and thresholds, with the routes that the store has numbered.
pub(in crate::cli) fn with_routes(context: &Context, view: &View) -> Result<Interpreting> {
    let routes = Arc::new(Routes::restore(context.config()?.routes_max as usize, view.kept_names()));
    Ok(Interpreting { routes, ..settings::interpreting(context)? })
}

/// Lines are archived as the daemon would.
pub(in crate::cli) fn archive(
    context: &Context,
    view: &View,
    interpreters: &mut HashMap<String, Interpreter>,
) -> Result<()> {
    let (config, slowest) = (context.config()?, view.settings().slowest as usize);
    for (log, interpreter) in interpreters {
        if settings::is_archived(config, log) {
            interpreter.archive_lines(slowest);
        }
    }
    Ok(())
}

/// The same of lines that are read again.
pub(in crate::cli) fn archive_again(context: &Context, view: &View, readers: &mut LineReaders) -> Result<()> {
    let (config, slowest) = (context.config()?, view.settings().slowest as usize);
    for generation in view.generations() {
        if settings::is_archived(config, &generation.log) {
            readers.archive_lines(&generation.log, slowest);
        }
    }
    Ok(())
}

/// How the slots of this store are counted.
pub(in crate::cli) fn slot_settings(context: &Context, view: &View) -> Result<SlotSettings> {
    let server_errors = context.config()?.slow.server_errors;
    let store::StoreSettings { interval, slowest, .. } = view.settings();
    Ok(SlotSettings { interval: *interval, slowest: *slowest as usize, server_errors })
}
