//! Tests of routing.

mod graphite_name;

mod locations;
mod matcher;
mod routes;
mod rules;
mod template;

use std::sync::Arc;

use super::{Matcher, Request, Router, Routes, Rule};

/// A GET answered with 200.
fn get(target: &[u8]) -> Request<'_> {
    Request { method: b"GET", target, host: None, status: Some(200), took_ms: None, malformed: false, variables: &[] }
}

/// A matcher with its routes at hand, to ask for names.
struct Bench {
    matcher: Matcher,
    routes: Arc<Routes>,
}

impl Bench {
    fn new(rules: Vec<Rule>) -> Bench {
        Bench::capped(rules, 2_000)
    }

    fn capped(rules: Vec<Rule>, cap: usize) -> Bench {
        let routes = Arc::new(Routes::new(cap));
        let router = Router::new(rules).unwrap_or_else(|error| panic!("{error}"));
        Bench { matcher: Matcher::new(Arc::new(router), Arc::clone(&routes)), routes }
    }

    fn name(&mut self, request: &Request<'_>) -> String {
        let matched = self.matcher.route(request);
        self.routes.name(matched.id).unwrap().to_string()
    }
}
