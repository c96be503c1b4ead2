//! From the configuration to the settings of the layers below.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::conf_watch::watch_formats;
use super::context::Context;
use super::log_flush::longest_flush;
use super::logs::logs_said;
use super::nginx::NginxSetup;
#[cfg(feature = "otlp")]
use super::otlp_settings::collectors;
use super::rotated_elsewhere::rotated_elsewhere;
use super::routing::routing;
use crate::carbon::{Destination, Naming};
use crate::cli::answer::output::say;
use crate::cli::config::{CarbonSection, Config, DEFAULT_NGINX, HostName, ReceivedSection, Surroundings};
use crate::daemon::{DaemonSettings, DestinationSettings, Log, ReceivedLogSettings, Receiving};
use crate::error::{Error, Result};
use crate::pipeline::Interpreting;
use crate::route::Routes;

/// All that the daemon works by; `hear` is told what logs without a format were taken for.
pub(in crate::cli) fn daemon_settings(context: &Context, hear: &dyn Fn(&str)) -> Result<DaemonSettings> {
    let config = context.config()?;
    let logs = logs_said(context, hear)?;
    if logs.is_empty() {
        // Why nginx's own are none.
        match context.nginx()? {
            Some(conf) => conf.remarks(config).iter().for_each(|remark| say(&format!("spikeline: {remark}"))),
            None if config.nginx.is_none() && Path::new(DEFAULT_NGINX).exists() => drop(NginxSetup::usual()?),
            None => {}
        }
        return Err(Error::usage("no log to follow").remedy(
            "write a [[log]] section with path and format into the configuration and name it with --config, or name \
             nginx's own with nginx = \"/etc/nginx/nginx.conf\"",
        ));
    }
    let flush = longest_flush(context, &logs)?;
    Ok(DaemonSettings {
        store: context.store()?,
        interval: config.interval,
        lateness: config.lateness,
        poll: config.poll,
        max_line: config.max_line,
        routes_max: config.routes_max as usize,
        threshold_ms: config.slow.threshold_ms(),
        slowest: config.slow.slowest,
        server_errors: config.slow.server_errors,
        formats: context.nginx()?.map(|setup| watch_formats(setup, &config.logs)),
        receiving: Receiving { logs: received_logs(config), ..Receiving::default() },
        archived: archived_patterns(config, &logs),
        rotated: rotated_elsewhere(config, logs.iter().map(|log| log.pattern.as_str())),
        retention: config.retention,
        access: config.store.access()?,
        router: routing(context)?,
        own_totals: Arc::default(),
        destinations: with_flush(destinations(config)?, config, flush),
        #[cfg(feature = "otlp")]
        otlp: collectors(config, flush)?,
        logs,
    })
}

/// The logs that are received by syslog.
fn received_logs(config: &Config) -> Vec<ReceivedLogSettings> {
    let mut received = Vec::new();
    for section in &config.logs {
        if let Some(ReceivedSection { at, keep }) = &section.received {
            received.push(ReceivedLogSettings { log: section.path.value.clone(), at: at.clone(), keep: *keep });
        }
    }
    received
}

/// The patterns of the logs whose slow lines are kept in the store.
fn archived_patterns(config: &Config, logs: &[Log]) -> Vec<String> {
    let mut archived = Vec::new();
    for log in logs {
        if is_archived(config, &log.pattern) {
            archived.push(log.pattern.clone());
        }
    }
    archived
}

/// Whether the slow lines of a log, named by its key, are kept in the store.
pub(in crate::cli) fn is_archived(config: &Config, log: &str) -> bool {
    for section in &config.logs {
        if section.path.value == log {
            return section.archive.unwrap_or(config.archive);
        }
    }
    config.archive
}

/// The rules and thresholds for reading files or logs outside the daemon.
pub(in crate::cli) fn interpreting(context: &Context) -> Result<Interpreting> {
    let config = context.config()?;
    Ok(Interpreting {
        router: routing(context)?,
        routes: Arc::new(Routes::new(config.routes_max as usize)),
        threshold_ms: config.slow.threshold_ms(),
        conditions: Arc::default(),
    })
}

/// Where points are sent.
pub(in crate::cli) fn destinations(config: &Config) -> Result<Vec<DestinationSettings>> {
    let mut destinations = Vec::new();
    for section in &config.carbons {
        let mut destination = destination_of_section(config, section)?;
        let address = &section.address.value;
        let beside: Vec<&DestinationSettings> =
            destinations.iter().filter(|other: &&DestinationSettings| other.destination.address == *address).collect();
        if beside.iter().any(|other| other.naming == destination.naming) {
            let what = format!("`{address}` is sent to twice under the same names");
            return Err(section.address.mistake(what).remedy("leave one out, or give it another `prefix`"));
        }
        if !beside.is_empty() {
            let form = if section.tagged { " with tags" } else { "" };
            let account = format!("{address} ({}{form})", section.prefix.value);
            let alike = beside.iter().filter(|other| other.account.starts_with(&account)).count();
            destination.account = if alike == 0 { account } else { format!("{account} {}", alike + 1) };
        }
        destinations.push(destination);
    }
    Ok(destinations)
}

/// Those whose section says no `delay` wait for as long as nginx may keep lines back.
fn with_flush(
    mut destinations: Vec<DestinationSettings>,
    config: &Config,
    flush: Duration,
) -> Vec<DestinationSettings> {
    for (destination, section) in destinations.iter_mut().zip(&config.carbons) {
        destination.delay = section.delay.unwrap_or(flush);
    }
    destinations
}

/// How series are called there.
fn naming_of_section(config: &Config, section: &CarbonSection) -> Result<Naming> {
    let surroundings = Surroundings::of_process();
    let naming = |host: &str| {
        Naming::new(&section.prefix.value, host, section.tagged)
            .map_err(|error| section.prefix.mistake(error.what().to_owned()))
    };
    let Some(host) = &section.host else { return naming(&config.host_in(&surroundings)) };
    let full_name = || {
        surroundings.full_name.clone().ok_or_else(|| {
            host.mistake("neither this machine's name nor /etc/hosts says its domain")
                .remedy("write the name out, for example `host = \"web1.example.org\"`, or set it with hostnamectl")
        })
    };
    match &host.value {
        HostName::Short => naming(&surroundings.host()),
        HostName::Literal(name) => naming(name),
        HostName::Full => naming(&full_name()?),
        HostName::FullReversed => Ok(naming("x")?.with_host_reversed(&full_name()?)),
    }
}

/// What is wrong with an address or prefix is said with its place in the configuration.
fn destination_of_section(config: &Config, section: &CarbonSection) -> Result<DestinationSettings> {
    let mut destination = Destination::new(section.address.value.as_str(), section.protocol)
        .map_err(|error| section.address.mistake(error.what().to_owned()))?;
    destination.resolver = section.resolver;
    destination.connect_timeout = section.connect_timeout;
    destination.write_timeout = section.write_timeout;
    let mut naming = naming_of_section(config, section)?;
    naming.choice = section.choice.clone();
    let delay = section.delay.unwrap_or_default();
    let archives = section.archives.as_ref().map_or_else(Vec::new, |archives| archives.value.clone());
    let account = section.address.value.clone();
    Ok(DestinationSettings { account, destination, naming, spool: section.spool, send: section.send, delay, archives })
}
