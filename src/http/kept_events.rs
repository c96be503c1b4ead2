//! `/events/get_data`: the episodes of the store as graphite-web lists events, for annotations where no Graphite keeps any.

use serde::Serialize;

use super::asked::Asked;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::{Error, Result};
use crate::events::{EpisodeScan, EventWords, GraphiteEvent};
use crate::time::{Window, WindowSpec};

/// A day is looked through if no time is given.
const DEFAULT_DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// An event with its number.
#[derive(Serialize)]
struct ListedEvent {
    #[serde(flatten)]
    event: GraphiteEvent,
    id: usize,
}

/// Those of `from` and `until` that have one of `tags`, or, with `set=intersection`, all of them.
pub(super) fn list_events(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let text = |name: &str| asked.value(name).map(str::to_owned);
    let spec = WindowSpec { from: text("from"), until: text("until"), ..WindowSpec::default() };
    let default = Window { from: asked.now.minus(DEFAULT_DAY), until: asked.now };
    let window = spec.resolve(asked.now, &chrono::Local, default).map_err(|error| Error::usage(error.what))?;
    let site = reader.site();
    let page = (!asked.host.is_empty()).then(|| format!("http://{}", asked.host));
    let words = EventWords { host: site.host.clone(), page, command_options: site.command_options.clone() };
    let tags: Vec<&str> = asked.value("tags").unwrap_or_default().split_whitespace().collect();
    let all = asked.value("set") == Some("intersection");
    let mut listed = Vec::new();
    for (id, found) in EpisodeScan::of_window(reader.view()?, window)?.iter().enumerate() {
        let event = words.event(found);
        let has = |tag: &&str| event.tags.iter().any(|held| held == tag);
        if tags.is_empty() || if all { tags.iter().all(has) } else { tags.iter().any(has) } {
            listed.push(ListedEvent { event, id });
        }
    }
    listed.reverse();
    Reply::json(&listed)
}
