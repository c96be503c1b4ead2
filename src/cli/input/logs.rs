//! The logs that are configured, with their formats: the sections of our configuration, and what nginx's own says.

use super::context::Context;
use super::formats::{describe_taken, detect_format, named_or_text, wrapper_and_rest};
use super::head::first_lines;
use super::routing::rules_router;
use crate::cli::config::{LogFormat, LogSection};
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::{Format, Wrapper};
use crate::record::{Needs, RecordParser};

/// The logs with their formats: those of the configuration, then those of nginx's that it does not name itself.
pub(in crate::cli) fn logs(context: &Context) -> Result<Vec<Log>> {
    logs_said(context, &|_| {})
}

/// [`logs`]; `say` hears what those without a format were taken for.
pub(super) fn logs_said(context: &Context, say: &dyn Fn(&str)) -> Result<Vec<Log>> {
    let grammars = context.grammars()?;
    let config = context.config()?;
    // What rules look at is a key of its own in a keyed format.
    let router = rules_router(config)?;
    let known = |log: Log| Log { format: log.format.with_keys_of(router.variables()), ..log };
    let mut logs = config
        .logs
        .iter()
        .map(|section| log_of_section(section, &grammars, say).map(known))
        .collect::<Result<Vec<_>>>()?;
    if let Some(conf) = context.nginx()? {
        logs.extend(conf.followed(&config.logs).logs);
    }
    Ok(logs)
}

/// The log of a section, with its format.
pub(in crate::cli) fn log_of_section(section: &LogSection, grammars: &[Format], say: &dyn Fn(&str)) -> Result<Log> {
    let wrapper = section.wrapper.as_ref().map(|wrapper| wrapper.value);
    let wrapped = |format: Format| wrapper.map_or_else(|| format.clone(), |wrapper| format.in_wrapper(wrapper));
    let Some(format) = &section.format else {
        let format = from_lines(&section.path.value, wrapper, grammars, say).map_err(|what| {
            section
                .path
                .mistake(format!("this log has no format, and it cannot be told from its lines: {what}"))
                .remedy("add format = \"NAME\" (a grammar, such as combined) or the log_format's text from nginx.conf")
        })?;
        return Ok(Log { pattern: section.path.value.clone(), format });
    };
    let compiled = match &format.value {
        LogFormat::Grammar(name) => named_or_text(&with_keys(name, section), None, grammars),
        LogFormat::Text(text) if text.trim_start().starts_with("log_format ") => named_or_text(text, None, grammars),
        LogFormat::Text(text) => {
            let (wrapper, text) = wrapper_and_rest(text);
            let compiled = Format::compile_unnamed(text, section.escape);
            let compiled = compiled.map_err(|error| Error::usage(error.render()));
            compiled.map(|format| wrapper.map_or_else(|| format.clone(), |wrapper| format.in_wrapper(wrapper)))
        }
    };
    let placed = |error: Error| error.at_line(&format.path, format.line, format.column);
    let compiled = compiled.map_err(placed)?;
    RecordParser::new(&compiled, &Needs::latency()).map_err(|error| placed(Error::usage(error.render())))?;
    Ok(Log { pattern: section.path.value.clone(), format: wrapped(compiled) })
}

/// The name of a keyed format with its section's own keys.
fn with_keys(name: &str, section: &LogSection) -> String {
    let keys = section.keys.iter().map(|(variable, key)| format!(" {}={}", variable.value, key.value));
    std::iter::once(name.to_owned()).chain(keys).collect()
}

/// The format of the first log of a pattern that has lines.
fn from_lines(
    pattern: &str,
    wrapper: Option<Wrapper>,
    grammars: &[Format],
    say: &dyn Fn(&str),
) -> std::result::Result<Format, String> {
    let paths = glob::glob(pattern).map_err(|error| error.to_string())?;
    for path in paths.flatten() {
        let head = first_lines(&path).unwrap_or_default();
        if !head.is_empty() {
            let found = detect_format(wrapper, &head, grammars)?.format;
            if let Some(taken) = describe_taken(&found, &head) {
                say(&format!("{}: {taken}", path.display()));
            }
            return Ok(found);
        }
    }
    Err("there is no such log with lines in it yet".to_owned())
}
