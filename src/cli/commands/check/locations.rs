//! What nginx's locations do to real lines: lines of each, those that served none, those that cannot be matched.

use super::findings::{Findings, percent};
use crate::cli::config::{Config, RoutesBy};
use crate::cli::input::context::Context;
use crate::error::Result;
use crate::grammar::conf::{Location, LocationMatch};
use crate::report::count;

/// At most this many locations are told each way.
const TOP: usize = 20;

/// The locations whose requests have one route: servers of one name that listen on several ports mostly repeat them.
pub(super) struct Located {
    route: String,
    /// As nginx.conf has it: `location /api/ of www.example.org`.
    what: String,
    /// Where each stands.
    places: Vec<String>,
    usable: bool,
    /// Whether it is a server without any of its locations, which is no finding if it served nothing.
    server: bool,
}

/// The locations by which routes are named, if they are.
pub(super) fn locations_by_route(context: &Context, config: &Config) -> Result<Vec<Located>> {
    let mut located: Vec<Located> = Vec::new();
    let Some(conf) = context.nginx()?.filter(|_| config.routes_by == RoutesBy::Location) else { return Ok(located) };
    for listed in conf.locations.listed(&conf.nginx) {
        let Some(server) = conf.nginx.servers.get(listed.server) else { continue };
        let name = if server.name.is_empty() { "_" } else { &server.name };
        let place = listed.location.map_or(&server.place, |location| &location.place).to_string();
        if let Some(same) = located.iter_mut().find(|known| known.route == listed.route) {
            same.places.push(place);
            continue;
        }
        let what = match listed.location {
            Some(location) => format!("{} of {name}", directive_text(location)),
            None => format!("no location of {name}"),
        };
        let (route, server) = (listed.route.to_owned(), listed.location.is_none());
        located.push(Located { route, what, places: vec![place], usable: listed.usable, server });
    }
    Ok(located)
}

/// The directive as it stands in nginx.conf.
fn directive_text(location: &Location) -> String {
    let modifier = match location.by {
        LocationMatch::Exact => "= ",
        LocationMatch::PrefixOnly => "^~ ",
        LocationMatch::Regex { caseless: true } => "~* ",
        LocationMatch::Regex { caseless: false } => "~ ",
        LocationMatch::Prefix | LocationMatch::Named => "",
    };
    format!("location {modifier}{}", location.text)
}

impl Located {
    /// The routes of its requests: those of upgraded connections have one of their own.
    pub(super) fn routes(&self) -> [String; 2] {
        [self.route.clone(), format!("{}.__101", self.route)]
    }
}

/// Tell what they did: lines of each, of `total` lines in all, of which rules named `by_rules`.
pub(super) fn tell_locations(
    located: &[(&Located, u64)],
    total: u64,
    by_rules: u64,
    findings: &mut Findings,
) -> Result<()> {
    let served: u64 = located.iter().map(|(_, lines)| lines).sum();
    let by_path = total.saturating_sub(by_rules + served);
    findings.fine(&format!(
        "routes: {} of {} lines are named by nginx's locations, {} by their path",
        percent(served, total),
        count(total),
        count(by_path)
    ))?;
    let mut most: Vec<&(&Located, u64)> = located.iter().filter(|(_, lines)| *lines > 0).collect();
    most.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    let width = most.iter().map(|(_, lines)| count(*lines).len()).max().unwrap_or(1);
    for (location, lines) in most.iter().take(TOP) {
        findings.detail(&format!("{:>width$}  {} ({})", count(*lines), location.what, location.places.join(", ")))?;
    }
    tell_more(most.len(), findings)?;
    let idle: Vec<_> = located.iter().filter(|(it, lines)| *lines == 0 && it.usable && !it.server).collect();
    if !idle.is_empty() {
        findings.note(&format!("{} location(s) served none of these lines", idle.len()))?;
        for (location, _) in idle.iter().take(TOP) {
            findings.detail(&format!("{} ({})", location.what, location.places.join(", ")))?;
        }
        tell_more(idle.len(), findings)?;
    }
    let unusable: Vec<_> = located.iter().filter(|(it, _)| !it.usable).collect();
    if !unusable.is_empty() {
        findings.note(&format!(
            "{} location(s) cannot be matched as PCRE does; requests that they may be for are named by their path",
            unusable.len()
        ))?;
        for (location, _) in unusable.iter().take(TOP) {
            findings.detail(&format!("{} ({})", location.what, location.places.join(", ")))?;
        }
        tell_more(unusable.len(), findings)?;
    }
    Ok(())
}

/// How many there are beyond those that were told.
fn tell_more(all: usize, findings: &mut Findings) -> Result<()> {
    match all.checked_sub(TOP).filter(|rest| *rest > 0) {
        Some(rest) => findings.detail(&format!("and {} more", count(rest as u64))),
        None => Ok(()),
    }
}
