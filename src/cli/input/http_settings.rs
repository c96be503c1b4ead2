//! What the server serves and to whom, by configuration and arguments.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::context::Context;
use super::kept_archives::KeptArchives;
use super::logs::logs;
use super::rotated_elsewhere::rotated_elsewhere;
use super::routing::routing;
use super::settings::destinations;
use crate::carbon::Naming;
use crate::cli::answer::output::say;
use crate::cli::config::{DEFAULT_LISTEN, Surroundings, TokenSection, listen_address};
use crate::error::{Error, Result};
use crate::http::{AccessToken, GuardSettings, HttpSettings, Redaction, Site};

/// A shorter token is guessed too soon.
const SHORTEST_TOKEN: usize = 16;

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
        Some(address) if !address.ip().is_loopback() && section.tokens.is_empty() && !section.without_token => {
            Err(Error::usage(format!("{address} can be reached from other machines, and log lines are not for everyone"))
                .remedy(
                    "set a token (`token = \"FILE\"` in [http]; head -c 24 /dev/urandom | base64 > FILE), or listen on 127.0.0.1 and let a \
                     proxy or `ssh -L` lead there; `without_token = true` lets everybody read them",
                ))
        }
        address => Ok(address),
    }
}

/// What lets one ask: the first line of each token's file.
fn tokens(context: &Context) -> Result<Vec<AccessToken>> {
    let mut tokens = Vec::new();
    for TokenSection { file, redact } in &context.config()?.http.tokens {
        for name in redact {
            if let Some(why) = Redaction::refusal_of(&name.value) {
                return Err(name.mistake(why).remedy("name a variable of the log_format, or `query`"));
            }
        }
        let text = std::fs::read_to_string(&file.value)
            .map_err(|error| file.mistake(format!("cannot read the token's file: {error}")))?;
        let secret = text.lines().next().unwrap_or_default().trim().to_owned();
        if secret.len() < SHORTEST_TOKEN {
            return Err(file
                .mistake(format!("a token has at least {SHORTEST_TOKEN} characters, in the first line of its file"))
                .remedy(format!("head -c 24 /dev/urandom | base64 > {}", file.value)));
        }
        let mode = std::fs::metadata(&file.value).map_or(0, |status| status.mode());
        if mode & 0o004 != 0 {
            say(&format!("warning: {}: everybody on this machine can read this token (chmod 640)", file.value));
        }
        let names: Vec<String> = redact.iter().map(|name| name.value.clone()).collect();
        tokens.push(AccessToken { secret, redaction: Redaction::of_names(&names) });
    }
    Ok(tokens)
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
    let (mut namings, mut sections) = (Vec::new(), Vec::new());
    for (section, destination) in destinations(config)?.into_iter().enumerate() {
        if !namings.contains(&destination.naming) {
            namings.push(destination.naming);
            sections.push(section);
        }
    }
    let kept = KeptArchives::new(context)?;
    let archives = move |naming: usize, series: &str| match sections.get(naming) {
        Some(section) => kept.of(*section, series),
        None => Vec::new(),
    };
    if namings.is_empty() {
        namings.push(Naming::new("nginx", &host, false)?);
    }
    let logs = logs(context)?;
    let rotated = rotated_elsewhere(config, logs.iter().map(|log| log.pattern.as_str()));
    let goes_by_store = !context.has_config() && context.nginx()?.is_none();
    let site = Site {
        store,
        host,
        namings,
        archives: Arc::new(archives),
        router: routing(context)?,
        routes_max: config.routes_max as usize,
        threshold_ms: config.slow.threshold_ms(),
        server_errors: config.slow.server_errors,
        logs,
        goes_by_store,
        own_totals: None,
        rotated,
        expected: Some(context.named_logs()?),
        missing: Vec::new(),
        command_options,
    };
    let (hosts, origins) = (config.http.hosts.clone(), config.http.origins.clone());
    let guard = GuardSettings { hosts, origins, tokens: tokens(context)? };
    Ok(HttpSettings { guard, connections: config.http.connections, site })
}
