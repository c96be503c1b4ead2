//! What the server serves and to whom, by configuration and arguments.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::context::Context;
use super::logs::logs;
use super::routing::routing;
use super::settings::destinations;
use crate::carbon::Naming;
use crate::cli::config::{DEFAULT_LISTEN, Surroundings, listen_address};
use crate::error::{Error, Result};
use crate::http::{GuardSettings, HttpSettings, Site};

/// Where to listen: as typed, else as configured, else at the usual place. Nothing if that is `off`.
///
/// # Errors
/// It is no address, or one that strangers may reach.
pub(in crate::cli) fn listen(context: &Context, typed: Option<&str>) -> Result<Option<SocketAddr>> {
    let section = &context.config()?.http;
    let address = match (typed, &section.listen) {
        (Some(typed), _) => listen_address(typed),
        (None, Some(listen)) => listen_address(&listen.value).map_err(|error| listen.mistake(error.what().to_owned())),
        (None, None) => listen_address(DEFAULT_LISTEN),
    }?;
    match address {
        Some(address) if !address.ip().is_loopback() => Err(Error::usage(format!(
            "{address} can be reached from other machines, and raw log lines are not for everyone"
        ))
        .remedy("listen on 127.0.0.1 and let a proxy or `ssh -L` lead there")),
        address => Ok(address),
    }
}

/// What is served of the store in this folder.
///
/// # Errors
/// The configuration is wrong.
pub(in crate::cli) fn http_settings(
    context: &Context,
    store: PathBuf,
    command_options: String,
) -> Result<HttpSettings> {
    let config = context.config()?;
    let host = config.host_in(&Surroundings::of_process());
    let mut namings = Vec::new();
    for destination in destinations(config)? {
        if !namings.contains(&destination.naming) {
            namings.push(destination.naming);
        }
    }
    if namings.is_empty() {
        namings.push(Naming::new("nginx", &host, false)?);
    }
    let goes_by_store = !context.has_config() && context.nginx()?.is_none();
    let site = Site {
        store,
        host,
        namings,
        router: routing(context)?,
        routes_max: config.routes_max as usize,
        threshold_ms: config.slow.threshold_ms(),
        server_errors: config.slow.server_errors,
        logs: logs(context)?,
        goes_by_store,
        missing: Vec::new(),
        command_options,
    };
    let guard = GuardSettings { hosts: config.http.hosts.clone(), origins: config.http.origins.clone() };
    Ok(HttpSettings { guard, connections: config.http.connections, site })
}
