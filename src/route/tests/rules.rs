//! Rules: what they match, how they name, what is refused.

use proptest::prelude::*;

use crate::route::{Request, Router, Rule, is_safe};

use super::{Bench, get};

fn rule(name: &str) -> Rule {
    Rule { name: name.to_owned(), ..Rule::default() }
}

fn path(name: &str, path: &str) -> Rule {
    Rule { path: Some(path.to_owned()), ..rule(name) }
}

fn regex(name: &str, regex: &str) -> Rule {
    Rule { regex: Some(regex.to_owned()), ..rule(name) }
}

#[test]
fn the_first_match_wins_however_special_the_second() {
    let mut bench = Bench::new(vec![path("any", "/a/{x}"), path("one", "/a/b"), path("rest", "/*")]);
    for (target, name) in [("/a/b", "any"), ("/a/7", "any"), ("/a/b/c", "rest"), ("/", "rest"), ("/a/", "rest")] {
        assert_eq!(bench.name(&get(target.as_bytes())), name, "{target}");
    }
}

/// Where there are many rules, only those are asked whose templates begin as the path does: the first match is the same.
#[test]
fn of_many_rules_the_first_match_wins_too() {
    let shapes = ["/{a}", "/p/{x}/b", "/p/*/b", "/p/q{x}", "/p/qr", "/p/qr/", "/*", "/x/{y}/z/*", "/p/qr/*"];
    let mut rules = Vec::new();
    for at in 0..300usize {
        let name = format!("rule{at}");
        rules.push(match at % 10 {
            9 => Rule { method: vec!["PUT".to_owned()], regex: (at % 20 == 9).then(|| "r$".to_owned()), ..rule(&name) },
            // Most are of methods that few requests have, so that it matters which come first.
            shape => Rule { method: vec![format!("M{}", "ABCDEFG".split_at(at % 7).1)], ..path(&name, shapes[shape]) },
        });
    }
    let few: Vec<Vec<Rule>> = rules.chunks(50).map(<[Rule]>::to_vec).collect();
    let mut bench = Bench::new(rules);
    for target in ["/", "/a", "/p", "/p/qr", "/p/qr/", "/p/qr/s", "/p/b/b", "/p/qx", "/x/1/z/2", "/x/1/z", "*", "/p//b"]
    {
        for method in ["MABCDEFG", "MBCDEFG", "MDEFG", "MG", "PUT", "GET"] {
            let request = Request { method: method.as_bytes(), ..get(target.as_bytes()) };
            let first =
                few.iter().map(|rules| Bench::new(rules.clone()).name(&request)).find(|name| name.starts_with("rule"));
            let found = bench.name(&request);
            assert_eq!(Some(&found).filter(|name| name.starts_with("rule")), first.as_ref(), "{method} {target}");
        }
    }
}

#[test]
fn names_that_mean_something_else_are_refused() {
    for (name, why) in [
        ("all", "what all routes together are called"),
        ("other", "over the cap"),
        ("__malformed", "begins with `__`"),
        ("api.__id", "begins with `__`"),
        ("__{x}", "begins with `__`"),
    ] {
        let error = Router::new(vec![path(name, "/{x}")]).unwrap_err().to_string();
        assert!(error.contains(why), "{name}: {error}");
    }
    let mut bench = Bench::new(vec![path("all.x", "/a"), path("my_all", "/b"), path("a__b", "/c")]);
    assert_eq!(["/a", "/b", "/c"].map(|target| bench.name(&get(target.as_bytes()))), ["all.x", "my_all", "a__b"]);
}

#[test]
fn templates_match_segment_by_segment() {
    let mut bench = Bench::new(vec![
        path("git.{project}", "/p/{project}/source/tree/{rev}/*"),
        path("mid", "/m/*/x"),
        path("repo.{name}", "/r/{name}.git/info"),
        path("v.{n}", "/api/v{n}"),
        path("slash", "/s/"),
    ]);
    for (target, name) in [
        ("/p/web.app/source/tree/0123abcd99/", "git.web_2Eapp"),
        ("/p/12345/source/tree/1/a/b?c", "git.12345"),
        ("/p/777/source/tree/1/a/b?c", "git.777"),
        ("/p/x/source/tree/1", "p.x.source.tree.__id"),
        ("/p//source/tree/1/", "p.__empty.source.tree.__id.__empty"),
        ("/m/1/x", "mid"),
        ("/m//x", "m.__empty.x"),
        ("/r/12345.git/info", "repo.12345"),
        ("/r/a.b.git/info", "repo.a_2Eb"),
        ("/r/.git/info", "r._2Egit.info"),
        ("/api/v2", "v.2"),
        ("/api/v", "api.v"),
        ("/s/", "slash"),
        ("/s", "s"),
        ("http://h/s/", "slash"),
    ] {
        assert_eq!(bench.name(&get(target.as_bytes())), name, "{target}");
        assert_eq!(bench.name(&get(target.as_bytes())), name, "{target}, from the cache");
    }
}

#[test]
fn literals_that_folding_would_take_still_match() {
    let mut bench = Bench::new(vec![path("missing", "/404"), path("deep", &"/a".repeat(13))]);
    for (target, name) in [("/404", "missing"), ("/405", "__id"), ("/404", "missing"), ("/406", "__id")] {
        assert_eq!(bench.name(&get(target.as_bytes())), name, "{target}");
    }
    assert_eq!(bench.name(&get("/a".repeat(13).as_bytes())), "deep");
    assert!(bench.name(&get("/a".repeat(14).as_bytes())).ends_with("__rest"));
}

#[test]
fn all_conditions_have_to_hold() {
    let mut bench = Bench::new(vec![
        Rule { status: vec!["499".to_owned()], ..rule("aborted") },
        Rule {
            status: vec!["5xx".to_owned(), "400-403".to_owned()],
            method: vec!["POST".to_owned()],
            ..rule("bad.{status}")
        },
        Rule { host: Some("*.Example.org".to_owned()), ..rule("host.{host}") },
        Rule { host: Some("exact.org".to_owned()), ..rule("exact") },
    ]);
    let request =
        |method: &'static [u8], status, host: Option<&'static [u8]>| Request { method, status, host, ..get(b"/x") };
    for (request, name) in [
        (request(b"GET", Some(499), None), "aborted"),
        (request(b"POST", Some(503), None), "bad.5xx"),
        (request(b"POST", Some(402), None), "bad.4xx"),
        (request(b"POST", Some(404), None), "x"),
        (request(b"GET", Some(503), None), "x"),
        (request(b"GET", None, None), "x"),
        (request(b"GET", Some(200), Some(b"API.example.org:8080")), "host.api_2Eexample_2Eorg"),
        (request(b"GET", Some(200), Some(b"example.org")), "x"),
        (request(b"GET", Some(200), Some(b"exact.org.")), "exact"),
        (request(b"GET", Some(200), Some(b"notexact.org")), "x"),
        (Request { target: b"http://u@exact.org:80/x", ..request(b"GET", Some(200), Some(b"a.example.org")) }, "exact"),
        (Request { malformed: true, ..request(b"POST", Some(400), None) }, "__malformed"),
        (Request { malformed: true, ..request(b"", Some(499), None) }, "aborted"),
    ] {
        assert_eq!(bench.name(&request), name, "{request:?}");
    }
}

#[test]
fn variables_and_regexes_capture() {
    let rules = vec![
        Rule {
            variables: vec![
                ("$upstream_addr".to_owned(), r"10\.0\.(?<zone>\d)\.\d+:.*".to_owned()),
                ("scheme".to_owned(), "https".to_owned()),
            ],
            ..rule("zone.{zone}.{method}")
        },
        regex("user.{name}", r"^/~(?<name>[^/]+)"),
    ];
    let router = Router::new(rules.clone()).unwrap();
    assert_eq!(router.variables(), ["upstream_addr", "scheme"]);
    assert!(!router.needs_host());
    let mut bench = Bench::new(rules);
    let mut name = |target: &[u8], variables: &[Option<&[u8]>]| bench.name(&Request { variables, ..get(target) });
    assert_eq!(name(b"/~jo", &[Some(b"10.0.3.14:80"), Some(b"https")]), "zone.3.GET");
    assert_eq!(name(b"/~jo", &[Some(b"10.0.4.14:80"), Some(b"https")]), "zone.4.GET");
    assert_eq!(name(b"/~jo", &[Some(b"x10.0.4.14:80"), Some(b"https")]), "user.jo");
    assert_eq!(name(b"/~12345/", &[Some(b"10.0.4.14:80"), None]), "user.12345");
    assert_eq!(name(b"/~12346/", &[]), "user.12346");
    assert_eq!(name(b"/~\xff\xfe", &[]), "user._FF_FE");
    assert_eq!(name(b"/x?/~jo", &[]), "x");
}

#[test]
fn captures_from_strangers_are_encoded_and_bounded() {
    let mut bench = Bench::new(vec![path("{x}", "/{x}"), path("a-{x}.{y}", "/a/{x}/{y}")]);
    assert_eq!(bench.name(&get(b"/other")), "_6Fther");
    assert_eq!(bench.name(&get(b"/a b;c=1")), "a_20b_3Bc_3D1");
    let long = [b"/".as_slice(), &[b'x'; 101]].concat();
    assert_eq!(bench.name(&get(&long)), "__long");
    assert_eq!(bench.name(&get(b"/a/../\n1")), "a-_2E_2E._0A1");
    assert_eq!(bench.matcher.overflow(), 0);
}

#[test]
fn a_rule_brings_its_threshold() {
    let rules = vec![Rule { threshold_ms: Some(250), ..path("a.{x}", "/a/{x}") }, path("b", "/b")];
    assert_eq!(Router::new(rules.clone()).unwrap().threshold_ms(0), Some(250));
    let mut bench = Bench::new(rules);
    for _ in 0..2 {
        for (target, rule, threshold_ms) in [("/a/7", Some(0), Some(250)), ("/b", Some(1), None), ("/c", None, None)] {
            let matched = bench.matcher.route(&get(target.as_bytes()));
            assert_eq!((matched.rule, matched.threshold_ms), (rule, threshold_ms), "{target}");
        }
    }
}

#[test]
fn mistakes_name_the_rule_the_field_and_the_remedy() {
    let some = |text: &str| Some(text.to_owned());
    let list = |text: &str| vec![text.to_owned()];
    for (wrong, field, message, remedy) in [
        (path("a.{projct}", "/p/{project}"), "name", "nothing captures `{projct}`", "did you mean `{project}`?"),
        (rule("a.{metod}"), "name", "nothing captures `{metod}`", "did you mean `{method}`?"),
        (rule("a.{zzz}"), "name", "nothing captures `{zzz}`", "/{zzz}/*"),
        (rule("a b"), "name", "` ` cannot stand", "write `a_b`"),
        (rule("/a/b"), "name", "`/` cannot stand", "write `a.b`"),
        (rule("a..b"), "name", "empty node", "between"),
        (rule(""), "name", "empty node", "between"),
        (rule("a.{x"), "name", "not closed", "add `}`"),
        (rule("other"), "name", "over the cap", "another name"),
        (rule(&"a".repeat(201)), "name", "too long", "200"),
        (path("a", "p/x"), "path", "does not begin", "write `/p/x`"),
        (path("a", "/a?b"), "path", "query", "write `/a`"),
        (path("a", "/a*b"), "path", "whole segment", "regex"),
        (path("a", "/{a"), "path", "not closed", "add `}`"),
        (path("a", "/{a-b}"), "path", "no name", "letters"),
        (path("a", "/{a}{b}"), "path", "two captures", "regex"),
        (path("a", "/{a}/{a}"), "path", "captured twice", "rename"),
        (path("a", "/{host}"), "path", "always stands", "`host_`"),
        (regex("a", "(x"), "regex", "no regular expression", "look-around"),
        (regex("a", "(.{1000}){1000}"), "regex", "4 MiB", "syntax"),
        (Rule { regex: some("(?<x>a)"), ..path("a", "/{x}") }, "regex", "captured twice", "rename"),
        (Rule { method: list("get"), ..rule("a") }, "method", "never match", "write `GET`"),
        (Rule { method: list("G T"), ..rule("a") }, "method", "no method", "`GET`"),
        (Rule { host: some("a.*.org"), ..rule("a") }, "host", "no host", "*.example.org"),
        (Rule { host: some("a.org:80"), ..rule("a") }, "host", "without the port", "write `a.org`"),
        (Rule { status: list("5x"), ..rule("a") }, "status", "`5x` is no status", "`5xx`"),
        (Rule { status: list("503-500"), ..rule("a") }, "status", "no status", "`500-599`"),
        (Rule { variables: vec![("a b".into(), "x".into())], ..rule("a") }, "variables", "no name", "upstream_addr"),
        (Rule { variables: vec![("a".into(), "[".into())], ..rule("a") }, "variables", "no regular", "syntax"),
    ] {
        let error = Router::new(vec![rule("fine"), wrong]).unwrap_err();
        assert_eq!((error.rule, error.field), (1, field), "{error}");
        assert!(error.message.contains(message), "{error}");
        assert!(error.remedy.as_deref().unwrap_or_default().contains(remedy), "{error}");
    }
}

/// Rules that look at paths in every way there is.
fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let one = prop_oneof![
        Just(path("a.{x}", "/a/{x}")),
        Just(path("any", "/*/b")),
        Just(path("rest.{x}", "/{x}/b/*")),
        Just(path("git.{x}", "/a/{x}.git")),
        Just(path("missing", "/404/*")),
        Just(regex("re.{x}", "^/(?<x>[0-9a]+)/b")),
        Just(Rule { status: vec!["4xx".to_owned()], ..path("bad.{status}.{x}", "/{x}") }),
        Just(Rule { method: vec!["POST".to_owned()], ..path("post.{host}", "/a/*") }),
        Just(Rule { variables: vec![("v".to_owned(), "(?<v>.)x*".to_owned())], ..rule("var.{v}") }),
    ];
    proptest::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A matcher with a history answers as a fresh one does: its cache never mixes up two requests.
    #[test]
    fn the_cache_makes_no_difference(
        rules in rules(),
        requests in proptest::collection::vec(
            ("(/(a|b|404|123|77|x\\.git|12345\\.git|\\{id\\}|\\\\xC3|é|)){1,3}|/(a/){11,13}|\\*|x", 0_usize..3, 0_usize..2, 0_usize..3, any::<bool>()),
            1..40,
        ),
    ) {
        let mut used = Bench::new(rules.clone());
        for (target, status, method, host, malformed) in &requests {
            let variables = [[Some(&b"1x"[..]), Some(&b"2"[..]), None][(*status + *host) % 3]];
            let request = Request {
                method: [&b"GET"[..], b"POST"][*method],
                target: target.as_bytes(),
                host: [None, Some(&b"a.b"[..]), Some(&b"c"[..])][*host],
                status: [Some(200), Some(404), Some(101)][*status],
                took_ms: None,
                malformed: *malformed && *method == 0,
                variables: &variables,
            };
            let mut fresh = Bench::new(rules.clone());
            let (name, expected) = (used.name(&request), fresh.name(&request));
            prop_assert!(is_safe(&name));
            prop_assert_eq!(&name, &expected, "{:?}", request);
            prop_assert_eq!(used.matcher.route(&request).rule, fresh.matcher.route(&request).rule);
        }
    }
}
