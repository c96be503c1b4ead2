//! `spikeline check`: the doctor. What is wrong, where, and what mends it.
//!
//! With FILEs it looks at those; without, at all that the configuration names: logs, store, carbon.

mod access;
mod carbon;
mod change;
mod coverage;
mod detection;
mod fields;
mod findings;
mod fit;
mod log;
mod place;
mod questions;
mod sample;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::args::CheckArguments;
use super::config::{Config, LogFormat, LogSection};
use super::context::Context;
use super::files::{named_or_text, names};
use super::{Answer, settings};
use crate::error::{Error, Result};
use crate::grammar::Format;
use access::Wanted;
use coverage::Coverage;
use findings::{Findings, mend};
use log::Logs;

pub(super) fn check(context: &Context, arguments: &CheckArguments) -> Result<Answer> {
    let mut findings = Findings::new(arguments.format)?;
    let files = &arguments.files.files;
    if !context.has_config() && files.is_empty() {
        return Err(Error::usage("nothing to check").remedy("name a configuration with --config, or log FILEs"));
    }
    let Some(config) = findings.of(context.config().cloned())? else { return findings.close() };
    let Some(with) = findings.of(settings::interpreting(context))? else { return findings.close() };
    let Some(grammars) = findings.of(context.grammars())? else { return findings.close() };
    let mut logs = Logs {
        grammars,
        coverage: Coverage::new(&config, &with),
        max_line: usize::try_from(config.max_line).unwrap_or(usize::MAX),
        all: arguments.all,
        told: HashSet::new(),
    };
    if files.is_empty() {
        configured(context, &config, &mut logs, &mut findings)?;
    } else {
        given(&config, arguments, &mut logs, &mut findings)?;
    }
    findings.close()
}

/// The files named on the command line.
fn given(config: &Config, arguments: &CheckArguments, logs: &mut Logs, findings: &mut Findings) -> Result<()> {
    let escape = arguments.files.escape.as_deref();
    let told = match &arguments.files.log_format {
        None => None,
        Some(text) => Some(named_or_text(text, escape, &logs.grammars)?),
    };
    if let Some(told) = told.as_ref().filter(|told| told.name() == "given") {
        questions::tell_mistyped(told, |_| Error::usage(""), findings)?;
    }
    for path in &arguments.files.files {
        let name = path.display().to_string();
        let section = config.logs.iter().find(|section| names(&section.path.value, &name));
        let known = match (&told, section) {
            (Some(told), _) => Some(told.clone()),
            (None, Some(section)) => format_of(section, &logs.grammars)?,
            (None, None) => None,
        };
        logs.check(path, known.as_ref(), findings)?;
    }
    logs.coverage.tell(findings)
}

/// All that the configuration names.
fn configured(context: &Context, config: &Config, logs: &mut Logs, findings: &mut Findings) -> Result<()> {
    let rules = config.routes.len();
    findings.fine(&format!("configuration: {} log(s), {rules} route rule(s)", config.logs.len()))?;
    if config.logs.is_empty() {
        findings.note("no [[log]] section: `spikeline run` has nothing to follow")?;
    }
    // A format that cannot be compiled is a mistake in the configuration, and told before anything is looked at.
    let formats: Vec<Option<Format>> =
        config.logs.iter().map(|section| format_of(section, &logs.grammars)).collect::<Result<_>>()?;
    for (section, format) in config.logs.iter().zip(&formats) {
        followed(section, format.as_ref(), logs, findings)?;
    }
    logs.coverage.tell(findings)?;
    if config.logs.is_empty() {
        return Ok(());
    }
    if let Some(folder) = findings.of(context.store())? {
        place::store(&folder, findings)?;
    }
    let outlets = findings.of(settings::outlets(config))?.unwrap_or_default();
    for outlet in &outlets {
        carbon::check(outlet, findings)?;
    }
    if outlets.is_empty() {
        findings.note("no [[carbon]] section: nothing is pushed to Graphite")?;
    }
    Ok(())
}

/// The format that a `[[log]]` names; None if it is to be found from the lines.
fn format_of(section: &LogSection, grammars: &[Format]) -> Result<Option<Format>> {
    match &section.format {
        None => Ok(None),
        Some(_) => settings::log(section, grammars, &|_| {}).map(|log| Some(log.format)),
    }
}

/// One `[[log]]` and the files that it means.
fn followed(section: &LogSection, format: Option<&Format>, logs: &mut Logs, findings: &mut Findings) -> Result<()> {
    if let (Some(text), Some(format)) = (&section.format, format)
        && matches!(text.value, LogFormat::Text(_))
    {
        questions::tell_mistyped(format, |at| text.mistake_inside(at, ""), findings)?;
    }
    let pattern = &section.path.value;
    let paths: Vec<PathBuf> = match glob::glob(pattern) {
        Ok(paths) => paths.flatten().collect(),
        Err(error) => return findings.wrong(&format!("log {pattern}: {error}")),
    };
    if paths.is_empty() {
        let denied = match fixed(pattern) {
            Some(folder) => access::denied(folder, Wanted::List),
            None => access::denied(Path::new(pattern), Wanted::Read),
        };
        return match denied {
            Some(why) => findings.failed(&format!("log {pattern}: no such file can be seen: permission denied\n{why}")),
            None => {
                let what = format!("log {pattern}: no such file (yet); it is read when it appears");
                let unknown = "give it a format: without one, `spikeline run` cannot start before it has lines";
                findings.wrong(&if format.is_some() { what } else { mend(&what, unknown) })
            }
        };
    }
    for path in paths {
        logs.check(&path, format, findings)?;
    }
    Ok(())
}

/// The folder that a glob pattern looks into first; None for a plain path.
fn fixed(pattern: &str) -> Option<&Path> {
    let head = pattern.get(..pattern.find(['*', '?', '['])?)?;
    Some(Path::new(head.rsplit_once('/').map_or(".", |(folder, _)| if folder.is_empty() { "/" } else { folder })))
}
