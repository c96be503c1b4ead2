//! From the configuration to the settings of the layers below.

use std::sync::Arc;
use std::time::Duration;

use super::config::{self, CarbonSection, Config, LogFormat, LogSection, RouteSection, StatusCondition, Surroundings};
use super::context::Context;
use super::files::{detected, named_or_text};
use crate::carbon::{Destination, Naming};
use crate::daemon::{Log, Outlet, Settings};
use crate::error::{Error, Result};
use crate::grammar::Format;
use crate::pipeline::Interpreting;
use crate::record::{Needs, Parser};
use crate::route::{Router, Routes, Rule};
use crate::source::{Input, Piece};

/// All that the daemon works by.
pub(super) fn daemon(context: &Context) -> Result<Settings> {
    let config = context.config()?;
    if config.logs.is_empty() {
        return Err(Error::usage("no log to follow")
            .remedy("write a [[log]] section with path and format into the configuration and name it with --config"));
    }
    Ok(Settings {
        store: context.store()?,
        interval: config.interval,
        lateness: config.lateness,
        poll: config.poll,
        max_line: config.max_line,
        routes_max: config.routes_max as usize,
        threshold_ms: millis(config.slow.threshold),
        slowest: config.slow.slowest,
        server_errors: config.slow.server_errors,
        logs: logs(context)?,
        archived: archived(config),
        retention: config.retention,
        router: router(config)?,
        outlets: outlets(config)?,
    })
}

/// The patterns of the logs whose slow lines are kept in the store.
fn archived(config: &Config) -> Vec<String> {
    let logs = config.logs.iter().filter(|log| log.archive.unwrap_or(config.archive));
    logs.map(|log| log.path.value.clone()).collect()
}

/// The rules and thresholds for reading files or logs outside the daemon.
pub(super) fn interpreting(context: &Context) -> Result<Interpreting> {
    let config = context.config()?;
    Ok(Interpreting {
        router: router(config)?,
        routes: Arc::new(Routes::new(config.routes_max as usize)),
        threshold_ms: millis(config.slow.threshold),
    })
}

/// The logs with their formats.
pub(super) fn logs(context: &Context) -> Result<Vec<Log>> {
    let grammars = context.grammars()?;
    context.config()?.logs.iter().map(|section| log(section, &grammars)).collect()
}

/// The log of a section, with its format.
pub(super) fn log(section: &LogSection, grammars: &[Format]) -> Result<Log> {
    let Some(format) = &section.format else {
        let format = from_lines(&section.path.value, grammars).map_err(|what| {
            section
                .path
                .mistake(format!("this log has no format, and it cannot be told from its lines: {what}"))
                .remedy("add format = \"NAME\" (a grammar, such as combined) or the log_format's text from nginx.conf")
        })?;
        return Ok(Log { pattern: section.path.value.clone(), format });
    };
    let compiled = match &format.value {
        LogFormat::Grammar(name) => named_or_text(name, None, grammars),
        LogFormat::Text(text) => {
            Format::compile("given", text, section.escape).map_err(|error| Error::usage(error.render()))
        }
    };
    let placed = |error: Error| error.at_line(&format.path, format.line, format.column);
    let compiled = compiled.map_err(placed)?;
    Parser::new(&compiled, &Needs::latency()).map_err(|error| placed(Error::usage(error.render())))?;
    Ok(Log { pattern: section.path.value.clone(), format: compiled })
}

/// The format of the first log of a pattern that has lines.
fn from_lines(pattern: &str, grammars: &[Format]) -> std::result::Result<Format, String> {
    let paths = glob::glob(pattern).map_err(|error| error.to_string())?;
    for path in paths.flatten() {
        let mut head = Vec::new();
        let piece = Input::open(&path).and_then(|mut input| input.next_block(&mut head));
        if matches!(piece, Ok(Some(Piece::Lines { .. }))) {
            let found = detected(&head, grammars)?;
            return grammars.get(found).cloned().ok_or_else(|| "no grammars".to_owned());
        }
    }
    Err("there is no such log with lines in it yet".to_owned())
}

/// The rules.
pub(super) fn router(config: &Config) -> Result<Arc<Router>> {
    let rules = config.routes.iter().map(rule).collect();
    let router = Router::new(rules).map_err(|error| {
        let wrong = format!("[[route]] {}: {}", error.field, error.message);
        let mistake = match config.routes.get(error.rule) {
            Some(section) => place(section, error.field).mistake(wrong),
            None => Error::usage(wrong),
        };
        match error.remedy {
            Some(remedy) => mistake.remedy(remedy),
            None => mistake,
        }
    })?;
    Ok(Arc::new(router))
}

fn place(section: &RouteSection, field: &str) -> config::Placed<()> {
    let of_text = |text: &Option<config::Placed<String>>| text.clone().map(|text| text.map(drop));
    let found = match field {
        "name" => Some(section.name.clone().map(drop)),
        "path" => of_text(&section.path),
        "regex" => of_text(&section.regex),
        "host" => of_text(&section.host),
        _ => None,
    };
    found.unwrap_or_else(|| section.place.clone())
}

/// A rule as its section says it.
pub(super) fn rule(section: &RouteSection) -> Rule {
    Rule {
        name: section.name.value.clone(),
        method: section.methods.iter().map(|method| method.value.clone()).collect(),
        host: section.host.as_ref().map(|host| host.value.clone()),
        path: section.path.as_ref().map(|path| path.value.clone()),
        regex: section.regex.as_ref().map(|regex| regex.value.clone()),
        status: section.statuses.iter().map(|status| status_text(status.value)).collect(),
        variables: section.variables.iter().map(|(name, value)| (name.value.clone(), value.value.clone())).collect(),
        threshold_ms: section.threshold.as_ref().map(|threshold| millis(threshold.value)),
    }
}

fn status_text(status: StatusCondition) -> String {
    match status {
        StatusCondition::Exactly(status) => status.to_string(),
        StatusCondition::Class(class) => format!("{class}xx"),
    }
}

/// Where points are sent.
pub(super) fn outlets(config: &Config) -> Result<Vec<Outlet>> {
    config.carbons.iter().map(|carbon| outlet(config, carbon)).collect()
}

fn outlet(config: &Config, section: &CarbonSection) -> Result<Outlet> {
    let mistaken = |error: Error| section.address.mistake(error.what().to_owned());
    let mut destination = Destination::new(section.address.value.as_str(), section.protocol).map_err(mistaken)?;
    destination.connect_timeout = section.connect_timeout;
    destination.write_timeout = section.write_timeout;
    let host = config.host.as_ref().map_or_else(|| Surroundings::of_process().host(), |host| host.value.clone());
    let naming = Naming::new(&section.prefix.value, &host, section.tagged)
        .map_err(|error| section.prefix.mistake(error.what().to_owned()))?;
    Ok(Outlet { destination, naming, spool: section.spool })
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
