//! `[report]`: of which routes `report` tells without being asked for some.

use super::section::Section;

/// What may stand in the section.
pub(super) const KEYS: [&str; 1] = ["route"];

/// The `[report]` section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportSection {
    /// As `--route`; what is given there goes before it.
    pub routes: Vec<String>,
}

/// The section.
pub(super) fn read_report(section: &mut Section<'_>) -> ReportSection {
    ReportSection { routes: read_routes(section) }
}

/// The routes of a section, as `--route` has them.
pub(super) fn read_routes(section: &mut Section<'_>) -> Vec<String> {
    let mut routes = Vec::new();
    for route in section.texts("route", "!websocket") {
        routes.push(route.value);
    }
    routes
}
