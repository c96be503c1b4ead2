//! What was understood, in one line.

use super::{AskedOrder, Pasted};
use crate::route::readable_name;
use crate::time::{NamedZone, Timestamp, Window};

/// So many routes or metrics are named; of more, how many there are.
const NAMED: usize = 3;

impl Pasted {
    /// What was understood: metrics, routes, window, order.
    pub fn words(&self, window: Window, zone: NamedZone) -> String {
        let mut words = String::from("read as");
        if let Some(kind) = self.kind {
            words.push_str(&format!(" {kind}:"));
        }
        if !self.metrics.is_empty() {
            let names: Vec<String> = self.metrics.iter().map(|metric| metric.name()).collect();
            words.push_str(&format!(" {} of", listed(&names, "metrics")));
        }
        if self.routes.is_empty() {
            words.push_str(" all routes");
        } else {
            let names: Vec<String> = self.routes.iter().map(|route| readable_name(route).into_owned()).collect();
            let noun = if names.len() == 1 { "route" } else { "routes" };
            words.push_str(&format!(" {noun} {}", listed(&names, "routes")));
        }
        words.push_str(&format!(", {}", window_words(window, zone)));
        if !self.statuses.is_empty() {
            let statuses: Vec<String> = self
                .statuses
                .iter()
                .map(|range| match range.start() == range.end() {
                    true => range.start().to_string(),
                    false => format!("{}-{}", range.start(), range.end()),
                })
                .collect();
            words.push_str(&format!(", status {}", statuses.join(",")));
        }
        for (before, condition) in std::iter::once(", where").chain(std::iter::repeat(" and")).zip(&self.conditions) {
            words.push_str(&format!("{before} {condition}"));
        }
        words.push_str(match self.order {
            AskedOrder::Duration => ", the longest first",
            AskedOrder::Upstream => ", the longest upstream_response_time first",
            AskedOrder::Unsaid | AskedOrder::Count => "",
        });
        words
    }
}

fn listed(names: &[String], noun: &str) -> String {
    match names.len() {
        0..=NAMED => names.join(", "),
        more => format!(
            "{} and {} more {noun}",
            names.iter().take(NAMED - 1).cloned().collect::<Vec<_>>().join(", "),
            more + 1 - NAMED
        ),
    }
}

/// An instant on the clocks of a zone; in UTC with its milliseconds.
pub fn instant_words(time: Timestamp, zone: NamedZone) -> String {
    match zone {
        NamedZone::Named(_) => zone.told_clock(time),
        _ => time.to_string(),
    }
}

/// A window on the clocks of a zone; in UTC with its milliseconds.
pub fn window_words(window: Window, zone: NamedZone) -> String {
    let edge = |time: Timestamp, unbounded: &str| {
        if time == Window::ALL.from || time == Window::ALL.until {
            return unbounded.to_owned();
        }
        instant_words(time, zone)
    };
    let zone_name = match zone {
        NamedZone::Named(named) => named.name(),
        NamedZone::Local | NamedZone::Utc => "UTC",
    };
    format!("{} .. {} ({zone_name})", edge(window.from, "the beginning"), edge(window.until, "the end"))
}
