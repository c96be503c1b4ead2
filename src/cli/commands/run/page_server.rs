//! The page that is served beside the daemon.

use std::path::PathBuf;

use crate::cli::input::context::Context;
use crate::cli::input::http_settings;
use crate::daemon::{Notice, Say};
use crate::error::Result;
use crate::http::{HttpServer, bind};

/// Serves it, if it is to be served. That the address is taken is said, and is no reason not to run.
pub(super) fn start_page(
    context: &Context,
    listen: Option<&str>,
    store: PathBuf,
    say: &Say,
) -> Result<Option<HttpServer>> {
    let Some(address) = http_settings::listen(context, listen)? else { return Ok(None) };
    let config = context.config_path().map(|path| format!(" --config {}", path.display()));
    let settings = http_settings::http_settings(context, store, config.unwrap_or_default())?;
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
pub(super) fn restart_page(context: &Context, listen: Option<&str>, store: PathBuf, say: &Say) -> Option<HttpServer> {
    start_page(context, listen, store, say).unwrap_or_else(|error| {
        say(&Notice::PageFailed(error));
        None
    })
}
