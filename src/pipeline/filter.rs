//! Which requests are wanted: by window, duration, status and route.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::interpreter::RoutedRecord;
use crate::route::{RouteId, Routes, readable_name};
use crate::store::WindowMatch;
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
    /// Statuses; empty lets all through.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// Routes by name, as in Graphite or as people read it; `*` standing for any text; one behind `!` is left out. Empty lets all through.
    pub routes: Vec<String>,
}

impl Filter {
    /// Lets everything through.
    pub fn all() -> Filter {
        Filter { window: Window::ALL, by: WindowMatch::End, min_ms: 0, statuses: Vec::new(), routes: Vec::new() }
    }

    /// Whether the request's own fields are wanted; the route is asked for by [`RouteFilter`].
    #[inline]
    pub fn keeps(&self, seen: &RoutedRecord<'_>) -> bool {
        let record = &seen.record;
        let inside = match self.by {
            WindowMatch::End => self.window.contains(record.end),
            WindowMatch::Overlap => self.window.overlaps(record.start(), record.end),
        };
        inside
            && record.request_time_ms.unwrap_or(0) >= self.min_ms
            && (self.statuses.is_empty() || self.keeps_status(record.status.unwrap_or(0)))
    }

    /// Whether that status is wanted.
    pub fn keeps_status(&self, status: u16) -> bool {
        self.statuses.is_empty() || self.statuses.iter().any(|range| range.contains(&status))
    }

    /// Whether a route of that name is wanted.
    pub fn keeps_route(&self, name: &str) -> bool {
        let readable = readable_name(name);
        let matches = |pattern: &str| matches(pattern, name) || matches(pattern, &readable);
        let mut wanted = None;
        for pattern in &self.routes {
            match pattern.strip_prefix('!') {
                Some(unwanted) if matches(unwanted) => return false,
                Some(_) => {}
                None => wanted = Some(wanted.unwrap_or(false) || matches(pattern)),
            }
        }
        wanted.unwrap_or(true)
    }
}

/// Remembers the verdict on each route, so that its name is looked at once.
#[derive(Debug, Default)]
pub struct RouteFilter {
    verdicts: Vec<Option<bool>>,
}

impl RouteFilter {
    /// Whether the route is wanted by `filter`.
    #[inline]
    pub fn keeps(&mut self, filter: &Filter, id: RouteId, routes: &Arc<Routes>) -> bool {
        if filter.routes.is_empty() {
            return true;
        }
        let at = id.0 as usize;
        if self.verdicts.len() <= at {
            self.verdicts.resize(at + 1, None);
        }
        let Some(verdict) = self.verdicts.get_mut(at) else { return false };
        match *verdict {
            Some(verdict) => verdict,
            None => *verdict.insert(matches!(routes.name(id), Some(name) if filter.keeps_route(&name))),
        }
    }
}

/// Whether `name` is `pattern`, where `*` in the pattern stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut rest = rest;
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("webapp.backend.git", "webapp.backend.git"));
        assert!(!matches("webapp.backend", "webapp.backend.git"));
        assert!(matches("webapp.*", "webapp.backend.git"));
        assert!(matches("*.git", "webapp.backend.git"));
        assert!(matches("w*.b*.git", "webapp.backend.git"));
        assert!(!matches("w*.x*.git", "webapp.backend.git"));
        assert!(!matches("a*a", "a"));
        assert!(matches("*", ""));
    }
}
