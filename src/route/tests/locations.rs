//! Routes named by nginx's locations. What nginx itself says about random ones is asked by `tests/lab/locations.py`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::grammar::conf::{ConfFiles, NginxConf};
use crate::grammar::{Escape, Format};
use crate::route::cache::{BYTES_MAX, ENTRIES_MAX};
use crate::route::{Locations, Matcher, Request, Router, Routes, Rule, decode};

use super::{Bench, get};

/// A configuration that is one text.
struct Text<'t>(&'t str);

impl ConfFiles for Text<'_> {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        Ok(vec![(PathBuf::from(pattern), self.0.as_bytes().to_vec())])
    }
}

fn locations(conf: &str) -> Locations {
    let nginx = NginxConf::read(Path::new("/etc/nginx/nginx.conf"), &Text(conf), "web1").unwrap();
    Locations::new(&nginx)
}

fn bench(conf: &str, rules: Vec<Rule>) -> Bench {
    of(Router::new(rules).unwrap().with_locations(locations(conf), true).into())
}

fn of(router: Arc<Router>) -> Bench {
    let routes = Arc::new(Routes::new(2_000));
    Bench { matcher: Matcher::new(router, Arc::clone(&routes)), routes }
}

fn at<'a>(host: &'a str, target: &'a str) -> Request<'a> {
    Request { host: Some(host.as_bytes()), ..get(target.as_bytes()) }
}

/// With the values of `$server_name`, `$server_port` and `$scheme`.
fn with<'a>(request: Request<'a>, variables: &'a [Option<&'a [u8]>]) -> Request<'a> {
    Request { variables, ..request }
}

#[test]
fn a_location_has_a_name_that_leads_back() {
    let mut bench = bench(
        "server { server_name www.example.org;\n\
           location / { } location = / { } location /api/ { } location = /api/ { } location /a_b { }\n\
           location ~ \\.php$ { } location ~* '^/i{2}/x' { }\n\
           location /n/ { location ~ \\.php$ { } location /n/n { } } location @x { } }",
        vec![],
    );
    for (target, name, template) in [
        ("/", "www_2Eexample_2Eorg.__empty", "/www.example.org/"),
        ("/x", "www_2Eexample_2Eorg.__rest", "/www.example.org/{rest}"),
        ("/api/x/1", "www_2Eexample_2Eorg.api.__rest", "/www.example.org/api/{rest}"),
        ("/api/", "www_2Eexample_2Eorg.api.__empty", "/www.example.org/api/"),
        ("/a_b7", "www_2Eexample_2Eorg.a_b__rest", "/www.example.org/a_b{rest}"),
        ("/x.php?a", "www_2Eexample_2Eorg._7E_20_5C_2Ephp_24", "/www.example.org/~ \\x5C.php$"),
        ("/II/X", "www_2Eexample_2Eorg._7E_2A_20_5E.i_7B2_7D.x", "/www.example.org/~* ^/i\\x7B2}/x"),
        ("/n/x.php", "www_2Eexample_2Eorg.n.__rest._7E_20_5C_2Ephp_24", "/www.example.org/n/{rest}/~ \\x5C.php$"),
        ("/n/n/x", "www_2Eexample_2Eorg.n.n__rest", "/www.example.org/n/n{rest}"),
        ("/../x", "www_2Eexample_2Eorg", "/www.example.org"),
    ] {
        assert_eq!(bench.name(&at("www.example.org", target)), name, "{target}");
        assert_eq!(decode(name).as_deref(), Some(template), "{target}");
    }
    // What has no path has no location.
    assert_eq!(bench.name(&Request { malformed: true, ..get(b"/x") }), "__malformed");
    assert_eq!(bench.name(&Request { method: b"CONNECT", ..get(b"a:1") }), "__connect");
}

#[test]
fn upgraded_connections_are_kept_apart() {
    let mut bench = bench("server { location /ws/ { } }", vec![]);
    assert_eq!(bench.name(&Request { status: Some(101), ..at("x", "/ws/1") }), "_.ws.__rest.__101");
    assert_eq!(bench.name(&at("x", "/ws/1")), "_.ws.__rest");
}

#[test]
fn names_that_would_meet_are_kept_apart() {
    let long = "/x".repeat(700);
    let conf = format!(
        "server {{ server_name s; location ^~ /a {{ location /a/b {{ }} location ~ c {{ location ~ c {{ }} }} }} \
         location /a/b/c {{ }} location = /a/b {{ }} location ~ {long} {{ }} location ~ c {{ }} location /a/b/c {{ }} }}"
    );
    let mut bench = bench(&conf, vec![]);
    assert_eq!(bench.name(&at("s", "/a/b")), "s.a.b");
    assert_eq!(bench.name(&at("s", "/a/b/")), "s.a.b__rest");
    assert_eq!(bench.name(&at("s", "/a/c")), "s.a__rest._7E_20c._7E_20c");
    assert_eq!(bench.name(&at("s", "/c")), "s._7E_20c");
    assert_eq!(bench.name(&at("s", &long)), "s._7E_233");
}

#[test]
fn expressions_that_cannot_be_used_are_never_guessed() {
    let conf = "server { server_name s; location / { } location ^~ /sure/ { } location = /exact { } location ~ ^/first { }\n\
                location ~ (?!x)y { } location ~ ^/later { } }";
    let mut bench = bench(conf, vec![]);
    for (target, name) in [
        ("/sure/7", "s.sure.__rest"),
        ("/exact", "s.exact"),
        ("/first", "s._7E_20_5E.first"),
        ("/later/7", "later.__id"),
    ] {
        assert_eq!(bench.name(&at("s", target)), name, "{target}");
    }
    let notes: Vec<String> = locations(conf).notes().iter().map(|note| note.text.clone()).collect();
    assert!(notes.len() == 1 && notes[0].contains("lookaround is not supported"), "{notes:?}");
}

#[test]
fn the_server_is_chosen_by_name() {
    let server = |name: &str| format!("server {{ server_name {name}; location / {{ }} }} ");
    let conf: String =
        ["first", "a.org", "*.a.org", ".b.org", "c.*", "*.x.a.org", "~^d(?<n>\\d+)\\.org$", "~E"].map(server).concat();
    let mut bench = bench(&conf, vec![]);
    for (host, name) in [
        ("a.org", "a_2Eorg"),
        ("A.ORG:8080", "a_2Eorg"),
        ("y.a.org", "_2A_2Ea_2Eorg"),
        ("y.x.a.org", "_2A_2Ex_2Ea_2Eorg"),
        ("b.org", "b_2Eorg"),
        ("y.b.org", "b_2Eorg"),
        ("c.anything", "c_2E_2A"),
        ("d7.org.", "_7E_5Ed_28_3F_3Cn_3E_5Cd_2B_29_5C_2Eorg_24"),
        ("fez", "_7EE"),
        ("nobody.org", "first"),
        ("", "first"),
    ] {
        assert_eq!(bench.name(&at(host, "/x")), format!("{name}.__rest"), "{host}");
    }
    // An absolute target says the host itself.
    assert_eq!(bench.name(&at("first", "http://a.org/x")), "a_2Eorg.__rest");
}

const PORTS: &str = "server { listen 80; server_name a.org; return 301 https://$host$request_uri; }\n\
     server { listen 443 ssl; server_name a.org; location / { } location /api/ { } }\n\
     server { listen 8080; location /status { } }\n\
     server { listen 81; server_name b.org; location / { } location /x { } }\n\
     server { listen 82; server_name b.org; location / { } }\n\
     server { listen 83; server_name c.org; location / { } }\n\
     server { listen 84; server_name c.org; location / { } }";

#[test]
fn servers_that_differ_by_port_are_told_apart_or_left_open() {
    let mut bench = bench(PORTS, vec![]);
    // One that redirects everything is told apart by its status.
    assert_eq!(bench.name(&at("a.org", "/api/7")), "a_2Eorg.api.__rest");
    assert_eq!(bench.name(&Request { status: Some(301), ..at("a.org", "/api/7") }), "a_2Eorg");
    // Locations that agree are one.
    assert_eq!(bench.name(&at("c.org", "/7")), "c_2Eorg.__rest");
    assert_eq!(bench.name(&at("b.org", "/y/7")), "b_2Eorg.__rest");
    assert_eq!(bench.name(&at("b.org", "/x/7")), "x.__id");
    // The line may say the port, the scheme or the server.
    let port = |port: &'static [u8]| [None, Some(port), None];
    assert_eq!(bench.name(&with(at("b.org", "/x/7"), &port(b"81"))), "b_2Eorg.x__rest");
    assert_eq!(bench.name(&with(at("b.org", "/x/7"), &port(b"82"))), "b_2Eorg.__rest");
    assert_eq!(bench.name(&with(at("a.org", "/status"), &port(b"8080"))), "_.status__rest");
    assert_eq!(bench.name(&with(at("a.org", "/api/7"), &[None, None, Some(b"http")])), "a_2Eorg");
    assert_eq!(bench.name(&with(at("a.org", "/api/7"), &[None, None, Some(b"https")])), "a_2Eorg.api.__rest");
    assert_eq!(bench.name(&with(get(b"/api/7"), &[Some(b"a.org"), None, None])), "a_2Eorg.api.__rest");
    assert_eq!(bench.name(&with(get(b"/api/7"), &[Some(b"gone.org"), None, None])), "api.__id");
    // Nothing at all.
    assert_eq!(bench.name(&get(b"/api/7")), "api.__id");
    let notes: Vec<String> = locations(PORTS).notes().iter().map(|note| note.text.clone()).collect();
    assert!(notes.len() == 1 && notes[0].contains("b.org") && notes[0].contains("$server_port"), "{notes:?}");
}

#[test]
fn a_log_is_written_by_its_own_servers_only() {
    let conf = "server { server_name a.org; access_log /a.log; location /x { } }\n\
                server { server_name b.org; access_log /b.log; location /x { } location /y { access_log /$host.log; } }";
    let router: Arc<Router> = Router::new(vec![]).unwrap().with_locations(locations(conf), false).into();
    assert_eq!(of(router.of_log("/a.log")).name(&get(b"/x")), "a_2Eorg.x__rest");
    assert_eq!(of(router.of_log("/b.log")).name(&get(b"/x")), "b_2Eorg.x__rest");
    assert_eq!(of(router.of_log("/*.log")).name(&at("a.org", "/x")), "a_2Eorg.x__rest");
    assert_eq!(of(router.of_log("/other.log")).name(&at("a.org", "/x")), "x");
    let router: Arc<Router> = Router::new(vec![]).unwrap().with_locations(locations(conf), true).into();
    assert_eq!(of(router.of_log("/other.log")).name(&at("a.org", "/x")), "a_2Eorg.x__rest");
    assert_eq!(locations(conf).writers_of("/b.log"), 1);
}

#[test]
fn rules_come_first() {
    let rule = |name: &str, path: &str| Rule { name: name.to_owned(), path: Some(path.to_owned()), ..Rule::default() };
    let conf = "server { server_name s; location /x/ { } location ~ ^/y/[0-9]+$ { } }";
    let mut bench = bench(conf, vec![rule("ruled", "/x/a"), rule("p.{who}", "/p/{who}")]);
    for _ in 0..2 {
        for (target, name) in [
            ("/x/a", "ruled"),
            ("/x/b", "s.x.__rest"),
            ("/p/ann", "p.ann"),
            ("/y/12345", "s._7E_20_5E.y._5B0-9_5D_2B_24"),
            ("/y/12345/", "s"),
        ] {
            assert_eq!(bench.name(&at("s", target)), name, "{target}");
        }
    }
    // The templates that were not needed took no place under the cap.
    assert_eq!(bench.routes.len(), 5);
}

#[test]
fn escaped_paths_are_compared_as_they_came() {
    let conf = "server { server_name s; location '/a\"b' { } location /é { } location / { } }";
    let mut bench = bench(conf, vec![]);
    assert_eq!(bench.name(&at("s", "/a\\x22b")), "s.a_22b__rest");
    assert_eq!(bench.name(&at("s", "/\\xC3\\xA9")), "s._C3_A9__rest");
    assert_eq!(bench.name(&at("s", "/%C3%A9")), "s._C3_A9__rest");
}

#[test]
fn a_logged_uri_is_not_decoded_twice() {
    let conf = "server { server_name s; location / { } location /a%2Fb { } location /a/ { } }";
    let router = Router::new(vec![]).unwrap().with_locations(locations(conf), true);
    let routes = Arc::new(Routes::new(2_000));
    for (text, name) in [("$msec $uri", "s.a_252Fb__rest"), ("$msec $request_uri", "s.a.__rest")] {
        let format = Format::compile("x", text, Escape::Default).unwrap();
        let matcher = Matcher::new(Arc::new(router.clone()), Arc::clone(&routes)).of_format(&format);
        assert_eq!(Bench { matcher, routes: Arc::clone(&routes) }.name(&at("s", "/a%2Fb")), name, "{text}");
    }
}

#[test]
fn a_redirect_to_the_slash_is_the_locations_own() {
    let conf = "server { server_name s; location / { } location /a/ { proxy_pass http://x; } location /b/ { }\n\
                location = /c/ { proxy_pass http://x; } }";
    let mut bench = bench(conf, vec![]);
    assert_eq!(bench.name(&at("s", "/a")), "s.a.__rest");
    assert_eq!(bench.name(&at("s", "/b")), "s.__rest");
    assert_eq!(bench.name(&at("s", "/c")), "s.c.__empty");
}

#[test]
fn a_million_distinct_paths_take_bounded_memory() {
    let mut bench = bench("server { server_name s; location / { } location ~ [.]php$ { } }", vec![]);
    for number in 0_u32..300_000 {
        let (target, host) = (format!("/some-longer-path-to/{number}"), format!("{number}.example.org"));
        bench.matcher.route(&at(&host, &target));
    }
    let (entries, bytes) = bench.matcher.cached_size();
    assert!(entries <= 4 * ENTRIES_MAX && bytes <= 4 * BYTES_MAX, "{entries} entries, {bytes} bytes");
    assert_eq!(bench.routes.len(), 1);
}
