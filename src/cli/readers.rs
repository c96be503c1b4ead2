//! What reads the lines of the logs in the store again: the configured formats, else the one given, else the one found.

use std::collections::HashMap;

use super::args::FormatArguments;
use super::context::Context;
use super::files::first_lines;
use super::formats::{self, Given, detected};
use super::output::say;
use super::settings;
use crate::error::{Error, Result};
use crate::grammar::{Format, Wrapper};
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::source::find_generation;
use crate::source::generation::Generation;
use crate::store::View;

/// An interpreter for each log of the store, by its key. `given` is for the logs that the
/// configuration does not name; without it, their format is found from their lines. A log that has none is left out, said
/// aloud.
pub(super) fn interpreters(
    context: &Context,
    view: &View,
    given: &FormatArguments,
    with: &Interpreting,
) -> Result<HashMap<String, Interpreter>> {
    let grammars = context.grammars()?;
    let known = context.has_config() || context.nginx()?.is_some();
    let logs = if known { settings::logs(context)? } else { Vec::new() };
    let given = formats::given(given, &grammars)?;
    let mut interpreters = HashMap::new();
    for log in logs {
        interpreters.insert(log.pattern.clone(), interpreter(&log.pattern, &log.format, &with.of_log(&log.pattern))?);
    }
    let mut unknown: Vec<(&str, String)> = Vec::new();
    for generation in view.generations() {
        if interpreters.contains_key(&generation.log) {
            continue;
        }
        let format = match &given {
            Some(Given::Format(format)) => Ok(Format::clone(format)),
            Some(Given::Wrapper(wrapper)) => found(generation, Some(*wrapper), &grammars),
            None => found(generation, None, &grammars),
        };
        match format {
            Ok(format) => {
                interpreters.insert(
                    generation.log.clone(),
                    interpreter(&generation.log, &format, &with.of_log(&generation.log))?,
                );
            }
            Err(what) => unknown.push((&generation.log, what)),
        }
    }
    // Another generation of the same log may have told it.
    unknown.retain(|(log, _)| !interpreters.contains_key(*log));
    unknown.dedup_by_key(|(log, _)| *log);
    for (log, what) in unknown {
        say(&format!("log {log}: {what}; its lines cannot be read again without its format (--config, --log-format)"));
    }
    Ok(interpreters)
}

fn interpreter(log: &str, format: &Format, with: &Interpreting) -> Result<Interpreter> {
    Interpreter::new(format, Needs::latency(), &with.of_log(log))
        .map_err(|error| Error::usage(format!("log {log}: format `{}`: {error}", format.name())))
}

/// The format of a log's own lines.
fn found(
    generation: &Generation,
    wrapper: Option<Wrapper>,
    grammars: &[Format],
) -> std::result::Result<Format, String> {
    let located = find_generation(generation).map_err(|error| error.what().to_owned())?.ok_or("it is gone")?;
    match first_lines(&located.path) {
        Ok(head) if head.is_empty() => Err("it has no lines".to_owned()),
        Ok(head) => Ok(detected(wrapper, &head, grammars)?.format),
        Err(error) => Err(error.what().to_owned()),
    }
}
