//! Names for what the store holds by number: routes, and the files of its logs.
//!
//! A window of the store is read by number, and each number is turned into its name once, when rows are made. All that
//! is here is a map of the whole store: few thousands of routes, some hundreds of files.

use std::collections::HashMap;

use super::filter::Filter;
use crate::route::{PROBE_NODE, RouteId, begins_with_node};
use crate::source::GenerationId;
use crate::store::View;

/// The names of all routes and members of series that the store knows, as Graphite has them.
pub fn route_names(view: &View) -> HashMap<RouteId, String> {
    let mut names = HashMap::new();
    for (id, name) in view.routes().into_iter().chain(view.members()) {
        names.insert(id, name.to_owned());
    }
    names
}

/// Whatever may be asked for by name: routes, and members of series and probes.
pub fn askable_names(view: &View) -> Vec<&str> {
    view.routes().into_iter().chain(view.members()).map(|(_, name)| name).collect()
}

/// The routes, and members of series, that `--route` means; all routes where it is not given.
pub fn wanted_routes(view: &View, filter: &Filter) -> Vec<RouteId> {
    let mut wanted = Vec::new();
    for (id, name) in view.routes() {
        if filter.keeps_route(name) {
            wanted.push(id);
        }
    }
    for (id, name) in view.members() {
        if filter.keeps_member(name) {
            wanted.push(id);
        }
    }
    wanted
}

/// Whether members of series are asked for that the store knows: in these a request is besides its route, perhaps several times.
pub fn asks_for_members(view: &View, filter: &Filter) -> bool {
    named_members(view, filter).any(|name| !begins_with_node(name, PROBE_NODE))
}

/// Whether series are asked for that the store knows, of [`asks_for_members`] or of probes.
pub fn asks_beside_routes(view: &View, filter: &Filter) -> bool {
    named_members(view, filter).next().is_some()
}

fn named_members<'v>(view: &'v View, filter: &Filter) -> impl Iterator<Item = &'v str> {
    let names = if filter.routes.is_empty() { Vec::new() } else { view.members() };
    names.into_iter().map(|(_, name)| name).filter(|name| filter.keeps_member(name))
}

/// The path that each log was last read at. One that is rotated away, or gone, keeps the name it had.
pub fn file_names(view: &View) -> HashMap<GenerationId, String> {
    let mut names = HashMap::new();
    for generation in view.generations() {
        let holder = view.again_of(generation.id).and_then(|of| view.generations().iter().find(|held| held.id == of));
        names.insert(generation.id, holder.unwrap_or(generation).path.display().to_string());
    }
    names
}
