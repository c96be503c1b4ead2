//! From the configuration to the settings of the layers below.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::config::{
    self, CarbonSection, Config, DEFAULT_NGINX, LogFormat, LogSection, RouteSection, RoutesBy, StatusCondition,
    Surroundings,
};
use super::context::Context;
use super::files::first_lines;
use super::formats::{detected, named_or_text, taken, wrapper_and_rest};
use super::nginx::Conf;
use super::output::say;
use crate::carbon::{Destination, Naming};
use crate::daemon::{Log, Outlet, Settings};
use crate::error::{Error, Result};
use crate::grammar::{Format, Wrapper};
use crate::pipeline::Interpreting;
use crate::record::{Needs, Parser};
use crate::route::{Router, Routes, Rule};

/// All that the daemon works by.
pub(super) fn daemon(context: &Context) -> Result<Settings> {
    let config = context.config()?;
    let logs = logs_said(context, &say)?;
    if logs.is_empty() {
        // Why nginx's own are none.
        match context.nginx()? {
            Some(conf) => conf.say(config),
            None if config.nginx.is_none() && Path::new(DEFAULT_NGINX).exists() => drop(Conf::usual()?),
            None => {}
        }
        return Err(Error::usage("no log to follow").remedy(
            "write a [[log]] section with path and format into the configuration and name it with --config, or name \
             nginx's own with nginx = \"/etc/nginx/nginx.conf\"",
        ));
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
        archived: archived(config, &logs),
        logs,
        retention: config.retention,
        router: routing(context)?,
        outlets: outlets(config)?,
    })
}

/// The patterns of the logs whose slow lines are kept in the store.
fn archived(config: &Config, logs: &[Log]) -> Vec<String> {
    let kept = logs.iter().filter(|log| is_archived(config, &log.pattern));
    kept.map(|log| log.pattern.clone()).collect()
}

/// Whether the slow lines of a log, named by its key, are kept in the store.
pub(super) fn is_archived(config: &Config, log: &str) -> bool {
    let section = config.logs.iter().find(|section| section.path.value == log);
    section.and_then(|own| own.archive).unwrap_or(config.archive)
}

/// The rules and thresholds for reading files or logs outside the daemon.
pub(super) fn interpreting(context: &Context) -> Result<Interpreting> {
    let config = context.config()?;
    Ok(Interpreting {
        router: routing(context)?,
        routes: Arc::new(Routes::new(config.routes_max as usize)),
        threshold_ms: millis(config.slow.threshold),
    })
}

/// The logs with their formats: those of the configuration, then those of nginx's that it does not name itself.
pub(super) fn logs(context: &Context) -> Result<Vec<Log>> {
    logs_said(context, &|_| {})
}

/// [`logs`]; `say` hears what those without a format were taken for.
fn logs_said(context: &Context, say: &dyn Fn(&str)) -> Result<Vec<Log>> {
    let grammars = context.grammars()?;
    let config = context.config()?;
    // What rules look at is a key of its own in a keyed format.
    let router = router(config)?;
    let known = |log: Log| Log { format: log.format.knowing(router.variables()), ..log };
    let mut logs =
        config.logs.iter().map(|section| log(section, &grammars, say).map(known)).collect::<Result<Vec<_>>>()?;
    if let Some(conf) = context.nginx()? {
        logs.extend(conf.followed(&config.logs).logs);
    }
    Ok(logs)
}

/// The rules, and nginx's locations for what they do not name.
fn routing(context: &Context) -> Result<Arc<Router>> {
    let config = context.config()?;
    let router = router(config)?;
    Ok(match context.nginx()? {
        Some(conf) if config.routes_by == RoutesBy::Location && conf.locations.tell_apart() => {
            Arc::new(Router::clone(&router).with_locations(conf.locations.clone(), conf.named))
        }
        _ => router,
    })
}

/// The log of a section, with its format.
pub(super) fn log(section: &LogSection, grammars: &[Format], say: &dyn Fn(&str)) -> Result<Log> {
    let wrapper = section.wrapper.as_ref().map(|wrapper| wrapper.value);
    let wrapped = |format: Format| wrapper.map_or_else(|| format.clone(), |wrapper| format.wrapped(wrapper));
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
            let compiled = Format::compile("given", text, section.escape);
            let compiled = compiled.map_err(|error| Error::usage(error.render()));
            compiled.map(|format| wrapper.map_or_else(|| format.clone(), |wrapper| format.wrapped(wrapper)))
        }
    };
    let placed = |error: Error| error.at_line(&format.path, format.line, format.column);
    let compiled = compiled.map_err(placed)?;
    Parser::new(&compiled, &Needs::latency()).map_err(|error| placed(Error::usage(error.render())))?;
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
            let found = detected(wrapper, &head, grammars)?.format;
            if let Some(taken) = taken(&found, &head) {
                say(&format!("{}: {taken}", path.display()));
            }
            return Ok(found);
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
