//! `[[series]]`: what is counted beside the routes.

use super::position::Placed;
use super::section::Section;

/// What may stand in the section.
pub(super) const KEYS: [&str; 1] = ["name"];

/// One `[[series]]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesSection {
    /// The name of its members, with fields of the request: `upstream.{upstream_addr}`.
    pub name: Placed<String>,
}

/// The section, unless it has no name. What a name may be is said by `route::SeriesTemplates`, which also knows the others.
pub(super) fn read_series(section: &mut Section<'_>) -> Option<SeriesSection> {
    let name = section.required_text("name", "upstream.{upstream_addr}");
    Some(SeriesSection { name: name? })
}
