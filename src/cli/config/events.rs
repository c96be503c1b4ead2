//! `[events]`: who is told when a route leaves its usual range.

use super::position::Placed;
use super::section::Section;
use crate::events::plain_http::Address;

/// What may stand in the section.
pub(super) const KEYS: [&str; 2] = ["graphite", "page"];

/// The `[events]` section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventsSection {
    /// The graphite-web that events are posted to; nobody is told without it.
    pub graphite: Option<Placed<String>>,
    /// Where people reach the page, for links; if absent, where it listens.
    pub page: Option<String>,
}

/// The section.
pub(super) fn read_events(section: &mut Section<'_>) -> EventsSection {
    let graphite = section.text("graphite", "http://127.0.0.1:8080");
    if let Some(graphite) = &graphite
        && let Err(error) = Address::parse(&graphite.value)
    {
        section.mistake_at(graphite, error.what().to_owned(), error.help().unwrap_or_default());
    }
    let page = section.text("page", "http://web1.example.org:8417");
    if let Some(page) = &page
        && !["http://", "https://"].iter().any(|scheme| page.value.starts_with(scheme))
    {
        section.mistake_at(
            page,
            "`page` is no address of a page",
            "for example `page = \"http://web1.example.org:8417\"`",
        );
    }
    EventsSection { graphite, page: page.map(Placed::into_value) }
}
