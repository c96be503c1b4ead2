//! From requests to numbers: fixed routes, the cap, and bounded memory.

use proptest::prelude::*;

use crate::route::cache::{AnswerCache, BYTES_MAX, ENTRIES_MAX};
use crate::route::{Request, Rule};

use super::{Bench, get};
use crate::time::Timestamp;

#[test]
fn requests_without_a_path_have_routes_of_their_own() {
    let mut bench = Bench::new(vec![]);
    let connect = Request { method: b"CONNECT", ..get(b"example.org:443") };
    assert_eq!(bench.name(&connect), "__connect");
    assert_eq!(bench.name(&Request { method: b"OPTIONS", ..get(b"*") }), "__asterisk");
    assert_eq!(bench.name(&Request { malformed: true, ..get(b"/x") }), "__malformed");
    for garbage in [&b""[..], b"x", b"\\x16\\x03\\x01", b"://x/", b"1http://x/", b"mailto:x", b"**"] {
        assert_eq!(bench.name(&get(garbage)), "__malformed", "{garbage:?}");
    }
    for (literal, name) in [("/malformed", "malformed"), ("/connect", "connect"), ("/other", "_6Fther"), ("/*", "_2A")]
    {
        assert_eq!(bench.name(&get(literal.as_bytes())), name);
    }
}

#[test]
fn absolute_targets_are_reduced_to_their_path() {
    let mut bench = Bench::new(vec![]);
    for (target, name) in [
        ("http://example.org/a/7?x=/y", "a.__id"),
        ("HTTPS://example.org", "__root"),
        ("http://example.org?x=/y", "__root"),
        ("http://example.org:8080/a/1#z", "a.__id"),
    ] {
        assert_eq!(bench.name(&get(target.as_bytes())), name, "{target}");
    }
}

#[test]
fn upgraded_connections_are_kept_apart() {
    let mut bench = Bench::new(vec![]);
    let upgraded = |target| Request { status: Some(101), ..get(target) };
    assert_eq!(bench.name(&upgraded(b"/ws/7")), "ws.__id.__101");
    assert_eq!(bench.name(&get(b"/ws/7")), "ws.__id");
    assert_eq!(bench.name(&upgraded(b"/")), "__101");
    assert_eq!(bench.name(&upgraded(b"/a/")), "a.__empty.__101");
}

#[test]
fn requests_over_the_cap_are_counted_one_by_one() {
    let mut bench = Bench::capped(vec![], 3);
    for target in [&b"/a"[..], b"/b", b"/c", b"/c", b"/d", b"/a", b"/other"] {
        bench.matcher.route(&get(target));
    }
    assert_eq!(bench.matcher.overflow(), 4);
    assert_eq!(bench.routes.len(), 3);
    assert_eq!(bench.name(&get(b"/zz")), "other");
    assert_eq!(bench.name(&get(b"/b")), "b");
}

#[test]
fn a_route_that_was_refused_a_place_is_let_in_by_a_better_request_and_when_places_become_free() {
    let rules = vec![
        Rule { name: "named".to_owned(), path: Some("/named".to_owned()), ..Rule::default() },
        Rule { name: "of.{who}".to_owned(), path: Some("/of/{who}".to_owned()), ..Rule::default() },
    ];
    for rules in [vec![], rules] {
        let with_rules = !rules.is_empty();
        let mut bench = Bench::capped(rules, 16);
        fn missed(target: &[u8]) -> Request<'_> {
            Request { status: Some(404), ..get(target) }
        }
        let words = |count: u8| (0..count).map(|at| format!("/of/w{}", char::from(b'a' + at)).into_bytes());
        for target in words(20) {
            bench.matcher.route(&missed(&target));
        }
        assert_eq!(bench.routes.len(), 8);
        assert_eq!(bench.name(&missed(b"/of/checkout")), "other");
        assert_eq!(bench.name(&get(b"/of/checkout")), "of.checkout");
        assert_eq!(bench.name(&missed(b"/of/checkout")), "of.checkout");
        for target in words(20) {
            bench.matcher.route(&get(&target));
        }
        assert_eq!(bench.routes.len(), 14);
        assert_eq!(bench.name(&get(b"/of/wt")), "other");
        assert_eq!(bench.name(&Request { took_ms: Some(1000), ..get(b"/of/wt") }), "of.wt");
        assert_eq!(bench.name(&missed(b"/named")), if with_rules { "named" } else { "other" });
        bench.routes.intern("last");
        assert_eq!(bench.name(&get(b"/of/ws")), "other");
        bench.routes.rest_idle(Timestamp(0));
        assert_eq!(bench.name(&get(b"/of/ws")), "of.ws");
    }
}

#[test]
fn a_million_distinct_paths_take_bounded_memory() {
    let rules = vec![
        Rule { name: "shop.{slug}".to_owned(), path: Some("/shop/{slug}".to_owned()), ..Rule::default() },
        Rule { name: "img".to_owned(), regex: Some("^/img/".to_owned()), ..Rule::default() },
    ];
    for rules in [vec![], rules] {
        let mut bench = Bench::capped(rules, 100);
        let mut target = Vec::new();
        for at in 0_u32..1_000_000 {
            target.clear();
            let area = if at % 2 == 0 { "shop" } else { "blog" };
            // Letters, so that nothing is folded.
            let slug: String = at.to_string().bytes().map(|digit| char::from(digit - b'0' + b'g')).collect();
            target.extend_from_slice(format!("/{area}/some-longer-slug-{slug}").as_bytes());
            bench.matcher.route(&get(&target));
        }
        let (entries, bytes) = bench.matcher.cached_size();
        assert!(entries <= 2 * ENTRIES_MAX && bytes <= 2 * BYTES_MAX, "{entries} entries, {bytes} bytes");
        // The last eighth of the places is for what takes its time; the rule without captures matches nothing here.
        assert_eq!(bench.routes.len(), 88);
        assert_eq!(bench.matcher.overflow(), 1_000_000 - 87);
    }
}

#[test]
fn a_cache_compares_keys_and_forgets_when_full() {
    let mut cache = AnswerCache::new();
    let hash = cache.hash(b"a");
    cache.put(b"a", hash, 1);
    assert_eq!(cache.get(b"a", hash), Some(1));
    // Another key of the same hash.
    assert_eq!(cache.get(b"b", hash), None);
    cache.put(b"b", hash, 2);
    assert_eq!((cache.get(b"a", hash), cache.get(b"b", hash)), (Some(1), Some(2)));
    for at in 0..ENTRIES_MAX as u32 + 5 {
        let key = at.to_le_bytes();
        let hash = cache.hash(&key);
        cache.put(&key, hash, at);
        assert_eq!(cache.get(&key, hash), Some(at));
    }
    assert!(cache.size().0 < 100, "{:?}", cache.size());
    // Long keys fill the arena first; the longest are not kept at all.
    let long = vec![b'x'; 4096];
    for at in 0..5000_u32 {
        let mut key = long.clone();
        key.splice(..4, at.to_le_bytes());
        let hash = cache.hash(&key);
        cache.put(&key, hash, at);
        assert_eq!(cache.get(&key, hash), Some(at));
        assert!(cache.size().1 <= BYTES_MAX);
    }
    let hash = cache.hash(&[b'x'; 4097]);
    cache.put(&[b'x'; 4097], hash, 7);
    assert_eq!(cache.get(&[b'x'; 4097], hash), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What stands behind a `?` or `#` makes no difference, whether the template or a rule names the route.
    #[test]
    fn a_query_never_enters_a_name_by_itself(path in "(/[a-z0-9.-]{0,9}){1,14}", mark in "[?#]", query in "[ -~]{0,80}") {
        let rule = |name: &str| Rule { name: name.to_owned(), ..Rule::default() };
        let rules = vec![
            Rule { path: Some("/a/{x}/*".to_owned()), ..rule("a.{x}") },
            Rule { regex: Some("/b(?<end>[0-9]*)$".to_owned()), ..rule("b.{end}") },
        ];
        for rules in [vec![], rules] {
            let mut bench = Bench::new(rules);
            let alone = bench.name(&get(path.as_bytes()));
            let with = format!("{path}{mark}{query}");
            prop_assert_eq!(bench.name(&get(with.as_bytes())), alone);
        }
    }
}

#[test]
fn a_rule_lets_an_argument_of_the_query_into_a_name() {
    let rule = Rule {
        name: "export.{format}".to_owned(),
        path: Some("/export".to_owned()),
        variables: vec![("arg_format".to_owned(), "(?<format>json|xml)".to_owned())],
        ..Rule::default()
    };
    let mut bench = Bench::new(vec![rule]);
    let asked = |value: &'static [Option<&'static [u8]>]| Request { variables: value, ..get(b"/export?format=..") };
    assert_eq!(bench.name(&asked(&[Some(b"json")])), "export.json");
    assert_eq!(bench.name(&asked(&[Some(b"xml")])), "export.xml");
    assert_eq!(bench.name(&asked(&[Some(b"pdf")])), "export");
    assert_eq!(bench.name(&asked(&[None])), "export");
}
