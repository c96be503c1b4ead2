//! Who is told of episodes, and what events say.

use std::path::PathBuf;

use super::context::Context;
use super::http_settings::listen;
use crate::cli::config::Surroundings;
use crate::daemon::EventSettings;
use crate::error::Result;
use crate::events::EventWords;
use crate::events::plain_http::Address;

/// What events say; `listened` is `--listen`.
pub(in crate::cli) fn event_words(context: &Context, listened: Option<&str>) -> Result<EventWords> {
    let config = context.config()?;
    let page = match &config.events.page {
        Some(page) => Some(page.clone()),
        None => listen(context, listened)?.map(|address| format!("http://{address}")),
    };
    let config_words = context.config_path().map(|path| format!(" --config {}", path.display()));
    let store_words = context.store_path().map(|path| format!(" --store {}", path.display()));
    Ok(EventWords {
        host: config.host_in(&Surroundings::of_process()),
        page,
        command_options: config_words.unwrap_or_default() + &store_words.unwrap_or_default(),
    })
}

/// The graphite-web that is told, if one is.
pub(in crate::cli) fn told_graphite(context: &Context) -> Result<Option<Address>> {
    let Some(graphite) = &context.config()?.events.graphite else { return Ok(None) };
    Address::parse(&graphite.value).map(Some).map_err(|error| graphite.mistake(error.what().to_owned()))
}

/// What the daemon's thread works by; nothing if nobody is told.
pub(in crate::cli) fn event_settings(
    context: &Context,
    store: PathBuf,
    listened: Option<&str>,
) -> Result<Option<EventSettings>> {
    let Some(graphite) = told_graphite(context)? else { return Ok(None) };
    Ok(Some(EventSettings { store, graphite, words: event_words(context, listened)? }))
}
