//! What nginx's locations do to real lines: lines of each, those that served none, those that cannot be matched.

use super::findings::{Findings, percent};
use crate::cli::config::{Config, RoutesBy};
use crate::cli::input::context::Context;
use crate::error::Result;
use crate::grammar::conf::{Location, LocationMatch};
use crate::report::{count, counted};

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
    let Some(conf) = context.nginx()? else { return Ok(located) };
    if config.routes_by != RoutesBy::Location {
        return Ok(located);
    }
    for listed in conf.locations.listed(&conf.nginx) {
        let Some(server) = conf.nginx.servers.get(listed.server) else { continue };
        let name = if server.name.is_empty() { "_" } else { &server.name };
        let place = match listed.location {
            Some(location) => location.place.to_string(),
            None => server.place.to_string(),
        };
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
    let mut served = 0;
    let (mut most, mut idle, mut unusable) = (Vec::new(), Vec::new(), Vec::new());
    for (location, lines) in located {
        served += lines;
        if *lines > 0 {
            most.push((*lines, *location));
        } else if location.usable && !location.server {
            idle.push(*location);
        }
        if !location.usable {
            unusable.push(*location);
        }
    }
    let by_path = total.saturating_sub(by_rules + served);
    findings.fine(&format!(
        "routes: {} of {} lines are named by nginx's locations, {} by their path",
        percent(served, total),
        count(total),
        count(by_path)
    ))?;
    most.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
    // The first is the greatest, and so the widest.
    let width = most.first().map_or(1, |(lines, _)| count(*lines).len());
    for (lines, location) in most.iter().take(TOP) {
        findings.detail(&format!("{:>width$}  {} ({})", count(*lines), location.what, location.places.join(", ")))?;
    }
    tell_more(most.len(), findings)?;
    if !idle.is_empty() {
        findings.note(&format!("{} served none of these lines", counted(idle.len() as u64, "location")))?;
        list_places(&idle, findings)?;
    }
    if !unusable.is_empty() {
        findings.note(&format!(
            "{} cannot be matched as PCRE does; requests that they may be for are named by their path",
            counted(unusable.len() as u64, "location")
        ))?;
        list_places(&unusable, findings)?;
    }
    Ok(())
}

/// The first of these locations, each with where it stands, and how many more there are.
fn list_places(located: &[&Located], findings: &mut Findings) -> Result<()> {
    for location in located.iter().take(TOP) {
        findings.detail(&format!("{} ({})", location.what, location.places.join(", ")))?;
    }
    tell_more(located.len(), findings)
}

/// How many there are beyond those that were told.
fn tell_more(all: usize, findings: &mut Findings) -> Result<()> {
    match all.saturating_sub(TOP) {
        0 => Ok(()),
        rest => findings.detail(&format!("and {} more", count(rest as u64))),
    }
}
