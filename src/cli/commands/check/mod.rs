//! `spikeline check`: the doctor. What is wrong, where, and what mends it.
//!
//! With FILEs it looks at those; without, at all that the configuration names: logs, store, carbon.

mod access;
mod aggregator;
mod carbon;
mod carbon_conf;
mod carbon_files;
mod carbon_web;
mod change;
mod coverage;
mod detection;
mod disk;
mod duration_keys;
mod fields;
mod findings;
mod fit;
mod keys_there;
mod locations;
mod log;
mod nginx;
#[cfg(feature = "otlp")]
mod otlp;
mod probe_lines;
mod questions;
mod sample;

use std::collections::HashSet;
use std::path::Path;
#[cfg(feature = "otlp")]
use std::time::Duration;

use crate::cli::answer::Answer;
use crate::cli::args::CheckArguments;
use crate::cli::config::{Config, LogFormat, LogSection};
use crate::cli::input::context::Context;
use crate::cli::input::files::expand_patterns;
use crate::cli::input::formats::{GivenFormat, names_file, parse_given};
#[cfg(feature = "otlp")]
use crate::cli::input::otlp_settings::collectors;
use crate::cli::input::{logs as log_sections, settings};
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::{Format, NamedBy};
use crate::report::counted;
use crate::wildcards::{fixed_directory, is_pattern, paths_named};
use access::{AccessWanted, Denied};
use coverage::Coverage;
use findings::Findings;
use log::{CheckedLogs, Known};

pub(super) fn check(context: &Context, arguments: &CheckArguments) -> Result<Answer> {
    let mut findings = Findings::new(arguments.format);
    let files = &arguments.files.files;
    if !context.has_config() && files.is_empty() && context.nginx()?.is_none() {
        return Err(Error::usage("nothing to check").remedy("name a configuration with --config, or log FILEs"));
    }
    let Some(config) = findings.value_or_finding(context.config().cloned())? else { return findings.close() };
    let Some(with) = findings.value_or_finding(settings::interpreting(context))? else { return findings.close() };
    let Some(grammars) = findings.value_or_finding(context.grammars())? else { return findings.close() };
    let mut logs = CheckedLogs {
        grammars,
        coverage: Coverage::new(&config, &with, locations::locations_by_route(context, &config)?),
        max_line: config.longest_line(),
        all: arguments.all,
        are_followed: files.is_empty(),
        configured: Vec::new(),
        told: HashSet::new(),
    };
    if files.is_empty() {
        check_configured(context, &config, &mut logs, &mut findings)?;
    } else {
        check_given(context, &config, arguments, &mut logs, &mut findings)?;
    }
    findings.close()
}

/// nginx's own logs with their formats, as other commands read them.
fn nginx_logs(context: &Context) -> Result<Vec<Log>> {
    let Some(conf) = context.nginx()? else { return Ok(Vec::new()) };
    let sections = &context.config()?.logs;
    let mut logs = conf.followed(sections).logs;
    logs.extend(conf.given(sections));
    Ok(logs)
}

/// A path as nginx names its logs.
fn absolute_name(path: &Path) -> String {
    match std::path::absolute(path) {
        Ok(whole) => whole.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// The files named on the command line.
fn check_given(
    context: &Context,
    config: &Config,
    arguments: &CheckArguments,
    logs: &mut CheckedLogs,
    findings: &mut Findings,
) -> Result<()> {
    let told = parse_given(&arguments.files.format, &logs.grammars)?;
    if let Some(GivenFormat::Format(told)) = &told
        && told.named_by() == NamedBy::Nobody
    {
        questions::tell_mistyped(told, |_| Error::usage(""), findings)?;
    }
    let nginx = nginx_logs(context)?;
    for section in &config.logs {
        if let Known::Format(format) = known_of(section, &logs.grammars)? {
            logs.configured.push(Log { pattern: section.path.value.clone(), format });
        }
    }
    logs.configured.extend(nginx.iter().cloned());
    let (paths, unmatched) = expand_patterns(&arguments.files.files)?;
    for error in unmatched {
        findings.failed_error(&error)?;
    }
    for path in &paths {
        let name = path.display().to_string();
        let section = config.logs.iter().find(|section| names_file(&section.path.value, &name));
        let of_nginx = nginx.iter().find(|log| names_file(&log.pattern, &absolute_name(path)));
        let log = match (section, of_nginx) {
            (Some(section), _) => &section.path.value,
            (None, Some(log)) => &log.pattern,
            (None, None) => &name,
        };
        let known = match (&told, section, of_nginx) {
            (Some(GivenFormat::Format(told)), ..) => Known::Format(told.as_ref().clone()),
            (Some(GivenFormat::Wrapper(wrapper)), ..) => Known::Wrapper(*wrapper),
            (None, Some(section), _) => known_of(section, &logs.grammars)?,
            (None, None, Some(log)) => Known::Format(log.format.clone()),
            (None, None, None) => Known::Nothing,
        };
        logs.check(path, &known, log, findings)?;
    }
    logs.coverage.tell(findings)
}

/// All that the configuration names.
fn check_configured(context: &Context, config: &Config, logs: &mut CheckedLogs, findings: &mut Findings) -> Result<()> {
    let (named, rules) = (counted(config.logs.len() as u64, "log"), counted(config.routes.len() as u64, "route rule"));
    findings.fine(&format!("configuration: {named}, {rules}"))?;
    // A format that cannot be compiled is a mistake in the configuration, and told before anything is looked at.
    let mut known = Vec::new();
    for section in &config.logs {
        known.push(known_of(section, &logs.grammars)?);
    }
    for (section, known) in config.logs.iter().zip(&known) {
        if let (Some(text), Known::Format(format)) = (&section.format, known)
            && matches!(text.value, LogFormat::Text(_))
        {
            questions::tell_mistyped(format, |at| text.mistake_inside(at, ""), findings)?;
        }
        check_followed(&section.path.value, known, logs, findings)?;
    }
    let own = nginx::check(context, config, logs, findings)?;
    if config.logs.is_empty() && own == 0 {
        findings.note("no [[log]] section, and no log of nginx's: `spikeline run` has nothing to follow")?;
    }
    logs.coverage.tell(findings)?;
    if config.logs.is_empty() && own == 0 {
        return Ok(());
    }
    if let Some(folder) = findings.value_or_finding(context.store())? {
        disk::store(&folder, findings)?;
    }
    let destinations = findings.value_or_finding(settings::destinations(config))?.unwrap_or_default();
    let view = context.view().ok();
    for (destination, section) in destinations.iter().zip(&config.carbons) {
        carbon::check(destination, findings)?;
        carbon_conf::check(destination, section, config.interval, findings)?;
        aggregator::check(destination, section, config, findings)?;
        carbon_files::check(destination, section, config.interval, findings)?;
        carbon_web::check(destination, section, view.as_ref(), config.interval, findings)?;
    }
    #[cfg(feature = "otlp")]
    for collector in findings.value_or_finding(collectors(config, Duration::ZERO))?.unwrap_or_default() {
        otlp::check(&collector, findings)?;
    }
    if destinations.is_empty() {
        findings.note("no [[carbon]] section: nothing is pushed to Graphite")?;
    }
    Ok(())
}

/// What a `[[log]]` says of its lines.
fn known_of(section: &LogSection, grammars: &[Format]) -> Result<Known> {
    match (&section.format, &section.wrapper) {
        (Some(_), _) => Ok(Known::Format(log_sections::log_of_section(section, grammars, &|_| {})?.format)),
        (None, Some(wrapper)) => Ok(Known::Wrapper(wrapper.value)),
        (None, None) => Ok(Known::Nothing),
    }
}

/// The files that one log's path or pattern means.
fn check_followed(pattern: &str, known: &Known, logs: &mut CheckedLogs, findings: &mut Findings) -> Result<()> {
    let paths = match paths_named(pattern) {
        Ok(matched) => matched.paths,
        Err(error) => return findings.wrong(&format!("log {pattern}: {error}")),
    };
    if paths.is_empty() {
        let denied = match is_pattern(pattern) {
            true => access::denied(&fixed_directory(pattern), AccessWanted::List),
            false => access::denied(Path::new(pattern), AccessWanted::Read),
        };
        return match denied {
            Some(Denied { why, help }) => findings
                .failed_with_help(&format!("log {pattern}: no such file can be seen: permission denied\n{why}"), &help),
            None => {
                let what = format!("log {pattern}: no such file (yet); it is read when it appears");
                let unknown = "give it a format: without one, `spikeline run` cannot start before it has lines";
                match known {
                    Known::Format(_) => findings.wrong(&what),
                    Known::Wrapper(_) | Known::Nothing => findings.wrong_with_help(&what, unknown),
                }
            }
        };
    }
    for path in paths {
        logs.check(&path, known, pattern, findings)?;
    }
    Ok(())
}
