//! Which requests are wanted: by window, duration, status and route.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::routed_record::RoutedRecord;
use crate::explain::WhereCondition;
use crate::route::{GLOB_MARK, Matched, Routes, begins_with_node, keeps_name, readable_name, series_of};
use crate::store::{Entry, KeepReasons, WindowMatch};
use crate::time::Window;

/// What a request must be to be counted or shown.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The window.
    pub window: Window,
    /// What ties a request to the window.
    pub by: WindowMatch,
    /// Shortest `$request_time`, in milliseconds; 0 lets through requests without a time as well.
    pub min_ms: u64,
    /// Only requests that took less than so many milliseconds; none without a time then.
    pub below_ms: Option<u64>,
    /// Statuses; empty lets all through.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// Routes by name, as in Graphite or as people read it; `*` standing for any text; one behind `!` is left out. Empty lets all through.
    pub routes: Vec<String>,
    /// What else a request must be, as [`Interpreting::asking`](super::Interpreting::asking) tells lines by it.
    pub conditions: Arc<[WhereCondition]>,
}

impl Filter {
    /// Lets everything through.
    pub fn all() -> Filter {
        Filter {
            window: Window::ALL,
            by: WindowMatch::End,
            min_ms: 0,
            below_ms: None,
            statuses: Vec::new(),
            routes: Vec::new(),
            conditions: Arc::default(),
        }
    }

    /// Whether the request's own fields are wanted; the route is asked for by [`RouteFilter`].
    #[inline]
    pub fn keeps(&self, seen: &RoutedRecord<'_>) -> bool {
        let record = &seen.record;
        let inside = match self.by {
            WindowMatch::End => self.window.contains(record.end),
            WindowMatch::Overlap => self.window.overlaps(record.start(), record.end),
        };
        seen.wanted
            && inside
            && record.request_time_ms.unwrap_or(0) >= self.min_ms
            && self.below_ms.is_none_or(|below| record.request_time_ms.is_some_and(|took| took < below))
            && (self.statuses.is_empty() || self.keeps_status(record.status.unwrap_or(0)))
    }

    /// Whether requests are asked for by what they are, so that those are meant as well that the index does not keep.
    pub fn asks_for_requests(&self) -> bool {
        self.min_ms > 0 || self.below_ms.is_some() || !self.statuses.is_empty() || !self.conditions.is_empty()
    }

    /// Whether an entry of the index has a duration and a status that are wanted. Whether it meets conditions only its line says.
    pub fn keeps_entry(&self, entry: &Entry) -> bool {
        let is_timed = !entry.kept.contains(KeepReasons::UNTIMED);
        self.conditions.is_empty()
            && entry.duration_ms >= self.min_ms
            && self.below_ms.is_none_or(|below| is_timed && entry.duration_ms < below)
            && self.keeps_status(entry.status)
    }

    /// Whether that status is wanted.
    pub fn keeps_status(&self, status: u16) -> bool {
        self.statuses.is_empty() || self.statuses.iter().any(|range| range.contains(&status))
    }

    /// Whether a member of a series is wanted: only where a pattern names the series' first node. `*` means routes, as requests
    /// would be there twice.
    pub fn keeps_member(&self, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or_default();
        let mut meant = Vec::new();
        let mut is_named = false;
        for pattern in &self.routes {
            let is_own = first_node_of(pattern) == first;
            is_named |= is_own;
            if is_own || pattern.starts_with('!') {
                meant.push(pattern.clone());
            }
        }
        is_named && keeps_name(&meant, &[name, &*readable_name(name)])
    }

    /// Whether a pattern begins with this node, so that members of its series are wanted.
    pub fn names_node(&self, first_node: &str) -> bool {
        self.routes.iter().any(|pattern| first_node_of(pattern) == first_node)
    }

    /// Whether a pattern names what may be of a series with this first node: its members, or routes that gave way to it.
    pub fn concerns_series(&self, first_node: &str) -> bool {
        self.routes.iter().any(|pattern| begins_with_node(first_node_of(pattern), first_node))
    }

    /// Whether what is kept under a name, a member's with its mark, is wanted.
    pub fn keeps_kept(&self, kept: &str) -> bool {
        match series_of(kept) {
            Some(member) => self.keeps_member(member),
            None => self.keeps_route(kept),
        }
    }

    /// Whether a route of that name is wanted.
    pub fn keeps_route(&self, name: &str) -> bool {
        keeps_name(&self.routes, &[name, &*readable_name(name)])
    }
}

/// The first node of a pattern; of one that leaves out, none.
fn first_node_of(pattern: &str) -> &str {
    if pattern.starts_with('!') {
        return "";
    }
    let text = pattern.strip_prefix(GLOB_MARK).unwrap_or(pattern);
    text.split('.').next().unwrap_or_default()
}

/// Remembers the verdict on each route, so that its name is looked at once.
#[derive(Debug, Default)]
pub struct RouteFilter {
    verdicts: Vec<Option<bool>>,
}

impl RouteFilter {
    /// Whether the route is wanted by `filter`. A request of a probe is wanted only where its series is named.
    #[inline]
    pub fn keeps(&mut self, filter: &Filter, matched: &Matched, routes: &Arc<Routes>) -> bool {
        if filter.routes.is_empty() {
            return matched.probe.is_none();
        }
        let (id, at) = (matched.id, matched.id.0 as usize);
        if self.verdicts.len() <= at {
            self.verdicts.resize(at + 1, None);
        }
        let Some(verdict) = self.verdicts.get_mut(at) else { return false };
        match *verdict {
            Some(verdict) => verdict,
            None => *verdict.insert(matches!(routes.kept_name(id), Some(name) if filter.keeps_kept(&name))),
        }
    }
}
