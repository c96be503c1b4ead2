//! nginx's own configuration: which of its logs are followed, what is not and why, and their lines.

use std::path::Path;

use super::check_followed;
use super::findings::Findings;
use super::log::{CheckedLogs, Known};
use crate::cli::config::{Config, DEFAULT_NGINX};
use crate::cli::input::context::Context;
use crate::cli::input::nginx::{Followed, NginxSetup};
use crate::error::Result;
use crate::report::counted;

/// The configuration that ours names, or the one in its usual place. How many of its logs are followed.
pub(super) fn check(
    context: &Context,
    config: &Config,
    logs: &mut CheckedLogs,
    findings: &mut Findings,
) -> Result<usize> {
    let Some(conf) = context.nginx()? else {
        let usual = config.nginx.is_none() && config.logs.is_empty() && Path::new(DEFAULT_NGINX).exists();
        if let Some(Err(error)) = usual.then(NginxSetup::usual) {
            findings.failed_error(&error)?;
        }
        return Ok(0);
    };
    let Followed { logs: own, said, doubts, refused, .. } = conf.followed(&config.logs);
    let (servers, followed) = (counted(conf.nginx.servers.len() as u64, "server"), counted(own.len() as u64, "log"));
    let what = format!("{}: {servers}, {followed} to follow", conf.path.display());
    if own.is_empty() && config.logs.is_empty() {
        findings.wrong(&what)?;
    } else {
        findings.fine(&what)?;
    }
    for message in said {
        findings.detail(&message)?;
    }
    for message in doubts.iter().chain(&refused) {
        findings.note(message)?;
    }
    for note in conf.notes(config) {
        findings.note(&format!("{}: {}", note.place, note.text))?;
    }
    for log in &own {
        check_followed(&log.pattern, &Known::Format(log.format.clone()), logs, findings)?;
    }
    Ok(own.len())
}
