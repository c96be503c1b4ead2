//! The logs that are configured, with their formats: the sections of our configuration, and what nginx's own says.

use super::context::Context;
use super::formats::{describe_taken, detect_format, format_mistake, named_or_text, with_fields};
use super::head::first_lines;
use super::routing::rules_router;
use crate::cli::answer::completeness::missing_for;
use crate::cli::config::{LogFormat, LogSection};
use crate::daemon::Log;
use crate::error::Result;
use crate::grammar::{FieldMeaning, Format, Wrapper};
use crate::record::{Needs, RecordParser};
use crate::wildcards::paths_named;

/// The logs with their formats: those of the configuration, then those of nginx's that it does not name itself.
pub(in crate::cli) fn logs(context: &Context) -> Result<Vec<Log>> {
    logs_said(context, &|_| {})
}

/// The patterns of the logs that are to be followed; nothing where the configuration names none, or cannot be read.
pub(in crate::cli) fn configured_patterns(context: &Context) -> Option<Vec<String>> {
    let config = context.config().ok()?;
    let mut patterns: Vec<String> = config.logs.iter().map(|section| section.path.value.clone()).collect();
    match context.nginx() {
        Ok(Some(conf)) => patterns.extend(conf.followed(&config.logs).logs.into_iter().map(|log| log.pattern)),
        Ok(None) => {}
        // What it names is not known.
        Err(_) => return None,
    }
    (!patterns.is_empty()).then_some(patterns)
}

/// [`logs`]; `say` hears what those without a format were taken for.
pub(super) fn logs_said(context: &Context, say: &dyn Fn(&str)) -> Result<Vec<Log>> {
    let grammars = context.grammars()?;
    let config = context.config()?;
    // What rules look at is a key of its own in a keyed format.
    let router = rules_router(config)?;
    let mut logs = Vec::new();
    for section in &config.logs {
        let Log { pattern, format } = log_of_section(section, &grammars, say)?;
        logs.push(Log { pattern, format: format.with_keys_of(router.variables()) });
    }
    if let Some(conf) = context.nginx()? {
        logs.extend(conf.followed(&config.logs).logs);
    }
    Ok(logs)
}

/// The log of a section, with its format.
///
/// # Errors
/// The format cannot be compiled, does not say when a request ended, or cannot be told from the log's lines; with its
/// place in the configuration.
pub(in crate::cli) fn log_of_section(section: &LogSection, grammars: &[Format], say: &dyn Fn(&str)) -> Result<Log> {
    let pattern = section.path.value.clone();
    let by_syslog = section.received.as_ref().map(|_| Wrapper::Syslog);
    let wrapper = section.wrapper.as_ref().map(|wrapper| wrapper.value).or(by_syslog);
    let Some(format) = &section.format else {
        let format = from_lines(&pattern, wrapper, grammars, say).map_err(|what| {
            section
                .path
                .mistake(format!("this log has no format, and it cannot be told from its lines: {what}"))
                .remedy("add format = \"NAME\" (a grammar, such as combined) or the log_format's text from nginx.conf")
        })?;
        return Ok(Log { pattern, format });
    };
    let compiled = compile_format(section, &format.value, grammars)
        .map_err(|error| error.at_line(&format.path, format.line, format.column))?;
    Ok(Log { pattern, format: in_wrapper(compiled, wrapper) })
}

/// The format that a section names or writes out, if a daemon can count by it.
fn compile_format(section: &LogSection, format: &LogFormat, grammars: &[Format]) -> Result<Format> {
    let compiled = match format {
        LogFormat::Grammar(name) => named_or_text(&with_keys(name, section), None, grammars)?,
        LogFormat::Text(text) => {
            let meanings: Vec<FieldMeaning> = section.fields.iter().map(|field| field.value.clone()).collect();
            with_fields(&named_or_text(text, section.escape, grammars)?, &meanings)?
        }
    };
    RecordParser::new(&compiled, &Needs::latency()).map_err(format_mistake)?;
    Ok(compiled)
}

fn in_wrapper(format: Format, wrapper: Option<Wrapper>) -> Format {
    match wrapper {
        Some(wrapper) => format.in_wrapper(wrapper),
        None => format,
    }
}

/// The name of a keyed format with its section's own keys.
fn with_keys(name: &str, section: &LogSection) -> String {
    let mut name = name.to_owned();
    for (variable, key) in &section.keys {
        name.extend([" ", &variable.value, "=", &key.value]);
    }
    name
}

/// The format of the first log of a pattern that has lines.
fn from_lines(
    pattern: &str,
    wrapper: Option<Wrapper>,
    grammars: &[Format],
    say: &dyn Fn(&str),
) -> std::result::Result<Format, String> {
    let paths = paths_named(pattern).map_err(|error| error.to_string())?.paths;
    let mut hindrance = None;
    for path in paths {
        let head = match first_lines(&path) {
            Ok(head) => head,
            Err(error) => {
                hindrance = Some(missing_for(&error));
                continue;
            }
        };
        if !head.is_empty() {
            let found = detect_format(wrapper, &head, grammars).map_err(|undetected| undetected.what)?.format;
            if let Some(taken) = describe_taken(&found, &head) {
                say(&format!("{}: {taken}", path.display()));
            }
            return Ok(found);
        }
    }
    Err(hindrance.unwrap_or_else(|| "there is no such log with lines in it yet".to_owned()))
}
