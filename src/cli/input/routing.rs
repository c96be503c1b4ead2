//! What names routes: the rules of the configuration, then nginx's locations.

use std::sync::Arc;

use super::context::Context;
use crate::cli::config::{Config, Placed, RouteSection, RoutesBy, StatusCondition, whole_millis};
use crate::error::{Error, Result};
use crate::route::{Router, Rule};

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

/// The rules.
pub(super) fn rules_router(config: &Config) -> Result<Arc<Router>> {
    let rules = config.routes.iter().map(rule).collect();
    let router = Router::new(rules).map_err(|error| {
        let wrong = format!("[[route]] {}: {}", error.field, error.message);
        let mistake = match config.routes.get(error.rule) {
            Some(section) => place_of_field(section, error.field).mistake(wrong),
            None => Error::usage(wrong),
        };
        match error.remedy {
            Some(remedy) => mistake.remedy(remedy),
            None => mistake,
        }
    })?;
    Ok(Arc::new(router))
}

/// Where the field stands that a rule is wrong in, else where the section begins.
fn place_of_field(section: &RouteSection, field: &str) -> Placed<()> {
    let of_text = |text: &Option<Placed<String>>| text.clone().map(|text| text.map(drop));
    let found = match field {
        "name" => Some(section.name.clone().map(drop)),
        "path" => of_text(&section.path),
        "regex" => of_text(&section.regex),
        "host" => of_text(&section.host),
        _ => None,
    };
    found.unwrap_or_else(|| section.place.clone())
}

/// A rule as its section says it.
pub(in crate::cli) fn rule(section: &RouteSection) -> Rule {
    Rule {
        name: section.name.value.clone(),
        method: section.methods.iter().map(|method| method.value.clone()).collect(),
        host: section.host.as_ref().map(|host| host.value.clone()),
        path: section.path.as_ref().map(|path| path.value.clone()),
        regex: section.regex.as_ref().map(|regex| regex.value.clone()),
        status: section.statuses.iter().map(|status| status_text(status.value)).collect(),
        variables: section.variables.iter().map(|(name, value)| (name.value.clone(), value.value.clone())).collect(),
        threshold_ms: section.threshold.as_ref().map(|threshold| whole_millis(threshold.value)),
    }
}

/// The status as rules are given it.
fn status_text(status: StatusCondition) -> String {
    match status {
        StatusCondition::Exactly(status) => status.to_string(),
        StatusCondition::Class(class) => format!("{class}xx"),
    }
}
