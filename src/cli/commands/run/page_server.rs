//! The page that is served beside the daemon.

use std::sync::Arc;

use crate::cli::input::context::Context;
use crate::cli::input::http_settings;
use crate::daemon::{DaemonSettings, Notice, Say};
use crate::error::Result;
use crate::http::{HttpServer, bind};

/// Serves it, if it is to be served. That the address is taken is said, and is no reason not to run.
pub(super) fn start_page(
    context: &Context,
    listen: Option<&str>,
    daemon: &DaemonSettings,
    say: &Say,
) -> Result<Option<HttpServer>> {
    let Some(address) = http_settings::listen(context, listen)? else { return Ok(None) };
    let config = context.config_path().map(|path| format!(" --config {}", path.display()));
    let mut settings = http_settings::http_settings(context, daemon.store.clone(), config.unwrap_or_default())?;
    settings.site.own_totals = Some(Arc::clone(&daemon.own_totals));
    match bind(address).and_then(|listener| HttpServer::start(listener, settings)) {
        Ok(server) => {
            say(&Notice::PageServed { address: server.address.to_string() });
            Ok(Some(server))
        }
        Err(error) => {
            say(&Notice::PageFailed(error));
            Ok(None)
        }
    }
}

/// The same at a reload, when nothing of the configuration may end the daemon any more.
pub(super) fn restart_page(
    context: &Context,
    listen: Option<&str>,
    daemon: &DaemonSettings,
    say: &Say,
) -> Option<HttpServer> {
    start_page(context, listen, daemon, say).unwrap_or_else(|error| {
        say(&Notice::PageFailed(error));
        None
    })
}
