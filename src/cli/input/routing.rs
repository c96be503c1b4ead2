//! What names routes: the rules of the configuration, then nginx's locations.

use std::sync::Arc;

use super::context::Context;
use crate::cli::config::{Config, Placed, ProbeSection, RouteSection, RoutesBy, StatusCondition, whole_millis};
use crate::error::{Error, Result};
use crate::route::{ProbeMistake, ProbeRule, Probes, Router, Rule, SeriesMistake, SeriesTemplates};

/// The rules, and nginx's locations for what they do not name.
pub(super) fn routing(context: &Context) -> Result<Arc<Router>> {
    let config = context.config()?;
    let router = rules_router(config)?;
    Ok(match context.nginx()? {
        Some(conf) if config.routes_by == RoutesBy::Location && conf.locations.tell_apart() => {
            Arc::new(Router::clone(&router).with_locations(conf.locations.clone(), conf.named))
        }
        _ => router,
    })
}

/// The rules. What is wrong with one is said at its place in the configuration.
pub(super) fn rules_router(config: &Config) -> Result<Arc<Router>> {
    let error = match Router::new(config.routes.iter().map(rule).collect()) {
        Ok(router) => {
            let router = router.with_series(series_templates(config)?).with_probes(probes(config)?);
            return Ok(Arc::new(router));
        }
        Err(error) => error,
    };
    let wrong = format!("[[route]] {}: {}", error.field, error.message);
    let mistake = match config.routes.get(error.rule) {
        Some(section) => place_of_field(section, error.field).mistake(wrong),
        None => Error::usage(wrong),
    };
    Err(match error.remedy {
        Some(remedy) => mistake.remedy(remedy),
        None => mistake,
    })
}

/// What is counted beside the routes. What is wrong with a name is said at its place.
fn series_templates(config: &Config) -> Result<SeriesTemplates> {
    let names: Vec<String> = config.series.iter().map(|section| text_of(&section.name)).collect();
    SeriesTemplates::new(&names).map_err(|SeriesMistake { series, message, remedy }| {
        let wrong = format!("[[series]] name: {message}");
        let mistake = match config.series.get(series) {
            Some(section) => section.name.clone().map(drop).mistake(wrong),
            None => Error::usage(wrong),
        };
        mistake.remedy(remedy)
    })
}

/// A probe as its section says it.
pub(in crate::cli) fn probe(section: &ProbeSection) -> ProbeRule {
    ProbeRule {
        name: text_of(&section.name),
        agents: section.agents.iter().map(text_of).collect(),
        addresses: section.addresses.iter().map(text_of).collect(),
        paths: section.paths.iter().map(text_of).collect(),
        threshold_ms: section.threshold.as_ref().map(|threshold| whole_millis(threshold.value)),
    }
}

/// What is kept out of the routes. What is wrong with one is said at its place.
fn probes(config: &Config) -> Result<Probes> {
    let rules: Vec<ProbeRule> = config.probes.iter().map(probe).collect();
    Probes::new(&rules).map_err(|ProbeMistake { probe, field: (field, at), message, remedy }| {
        let wrong = format!("[[probe]] {field}: {message}").replace(" : ", " ");
        let mistake = match config.probes.get(probe) {
            Some(section) => place_in_probe(section, field, at).mistake(wrong),
            None => Error::usage(wrong),
        };
        mistake.remedy(remedy)
    })
}

/// Where the value stands that a probe is wrong in, else where the section begins.
fn place_in_probe(section: &ProbeSection, field: &str, at: usize) -> Placed<()> {
    let text = match field {
        "name" => Some(&section.name),
        "address" => section.addresses.get(at),
        "path" => section.paths.get(at),
        _ => None,
    };
    text.map_or_else(|| section.place.clone(), |text| text.clone().map(drop))
}

/// Where the field stands that a rule is wrong in, else where the section begins.
fn place_of_field(section: &RouteSection, field: &str) -> Placed<()> {
    let field = match field {
        "name" => Some(&section.name),
        "path" => section.path.as_ref(),
        "regex" => section.regex.as_ref(),
        "host" => section.host.as_ref(),
        _ => None,
    };
    match field {
        Some(text) => text.clone().map(drop),
        None => section.place.clone(),
    }
}

/// A rule as its section says it.
pub(in crate::cli) fn rule(section: &RouteSection) -> Rule {
    let mut statuses = Vec::new();
    for status in &section.statuses {
        statuses.push(status_text(status.value));
    }
    let mut variables = Vec::new();
    for (name, value) in &section.variables {
        variables.push((name.value.clone(), value.value.clone()));
    }
    Rule {
        name: text_of(&section.name),
        method: section.methods.iter().map(text_of).collect(),
        host: section.host.as_ref().map(text_of),
        path: section.path.as_ref().map(text_of),
        regex: section.regex.as_ref().map(text_of),
        status: statuses,
        variables,
        threshold_ms: section.threshold.as_ref().map(|threshold| whole_millis(threshold.value)),
    }
}

/// A text without its place.
fn text_of(placed: &Placed<String>) -> String {
    placed.value.clone()
}

/// The status as rules are given it.
fn status_text(status: StatusCondition) -> String {
    match status {
        StatusCondition::Exactly(status) => status.to_string(),
        StatusCondition::Class(class) => format!("{class}xx"),
    }
}
