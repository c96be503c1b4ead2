//! Requests as a shop's log has them: every template of the log is one route, and has all of its requests.
//!
//! `SPIKELINE_ROUTES` (templates, one a line) and `SPIKELINE_BENCH_LOG` (an access log made of them) check a whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use spikeline::route::{Matcher, Request, Router, Routes, decode};

/// The template of each target, with how many targets it has.
fn count<'a>(targets: impl IntoIterator<Item = &'a [u8]>) -> BTreeMap<String, u64> {
    let routes = Arc::new(Routes::new(100_000));
    let mut matcher = Matcher::new(Arc::new(Router::default()), Arc::clone(&routes));
    let mut counts = BTreeMap::new();
    for target in targets {
        let request = Request {
            method: b"GET",
            target,
            host: None,
            status: Some(200),
            took_ms: None,
            malformed: false,
            variables: &[],
        };
        let matched = matcher.route(&request);
        *counts.entry(matched.id).or_insert(0) += 1;
    }
    counts
        .into_iter()
        .map(|(id, count)| (decode(&routes.name(id).expect("a number has a name")).expect("a template's name"), count))
        .collect()
}

#[test]
fn fourteen_fonts_are_fourteen_routes() {
    let fonts: Vec<String> =
        (100..=750).step_by(50).map(|weight| format!("/static/fonts/inter-{weight}.woff2")).collect();
    let counts = count(fonts.iter().map(String::as_bytes));
    assert_eq!(counts.keys().cloned().collect::<Vec<_>>(), fonts);
}

#[test]
fn targets_of_one_template_are_one_route() {
    let targets = [
        "/media/products/1/thumb.jpg",
        "/media/products/48213/thumb.jpg?w=200",
        "/media/avatars/0a1b2c3d4e5f60718293a4b5.png",
        "/media/avatars/ffffffffffff60718293a4b5.png",
        "/api/v2/orders/c371064f-bde4-4001-a5e4-6ca64fa85739/history/1137",
        "/api/v2/orders/18cec445-53c0-43ce-ad2f-a93bd9f2987e/history/2",
        "/api/v1/users?limit=90&offset=20",
        "/api/v1/users",
    ];
    let counts = count(targets.iter().map(|target| target.as_bytes()));
    let expected = [
        "/media/products/{id}/thumb.jpg",
        "/media/avatars/{hash}.png",
        "/api/v2/orders/{uuid}/history/{id}",
        "/api/v1/users",
    ];
    assert_eq!(counts, expected.map(|template| (template.to_owned(), 2)).into());
}

#[test]
fn a_whole_log_folds_to_the_templates_it_was_made_of() {
    let (Some(templates), Some(log)) = (std::env::var_os("SPIKELINE_ROUTES"), std::env::var_os("SPIKELINE_BENCH_LOG"))
    else {
        return;
    };
    let templates = std::fs::read_to_string(templates).unwrap();
    let templates: BTreeSet<&str> = templates.lines().collect();
    let log = std::fs::read(log).unwrap();
    let targets: Vec<&[u8]> =
        log.split(|&byte| byte == b'\n').filter_map(|line| line.split(|&byte| byte == b' ').nth(6)).collect();
    let counts = count(targets.iter().copied());

    // Literal templates have exactly the lines with that path.
    let mut literal: BTreeMap<&[u8], u64> = BTreeMap::new();
    for target in &targets {
        *literal.entry(target.split(|&byte| byte == b'?').next().unwrap()).or_insert(0) += 1;
    }
    for template in templates.iter().filter(|template| !template.contains('{')) {
        assert_eq!(counts.get(*template), literal.get(template.as_bytes()), "{template}");
    }
    // Folded ones are there, and nothing else but slugs.
    for template in templates.iter().filter(|template| template.contains('{') && !template.contains("{slug}")) {
        assert!(counts.contains_key(*template), "{template}");
    }
    let areas: BTreeSet<&str> =
        templates.iter().filter_map(|template| template.split_once("{slug}")).map(|it| it.0).collect();
    // What scanners ask for is in no list of templates, but there is little of it.
    let known = |template: &str| templates.contains(template) || areas.iter().any(|area| template.starts_with(area));
    let strange: BTreeMap<_, _> = counts.iter().filter(|(template, _)| !known(template)).collect();
    let share = strange.values().copied().sum::<u64>() as f64 / targets.len() as f64;
    assert!(share < 0.02, "{share:.3} of the requests are in routes that are no template of the log: {strange:?}");
}
