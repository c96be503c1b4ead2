//! Tests of nginx.conf: the tree, includes, and what is taken from it. Whole files are in `tests/data/nginx`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

/// Files that exist only here.
#[derive(Default)]
struct Given(BTreeMap<PathBuf, Vec<u8>>);

impl Given {
    fn of(files: &[(&str, &str)]) -> Given {
        Given(files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect())
    }
}

impl ConfFiles for Given {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        if pattern.ends_with("secret.conf") {
            return Err("permission denied".to_owned());
        }
        let wild = glob::Pattern::new(pattern).unwrap();
        let named = |path: &Path| wild.matches_path_with(path, WILDCARDS);
        Ok(self.0.iter().filter(|(path, _)| named(path)).map(|(path, text)| (path.clone(), text.clone())).collect())
    }
}

const MAIN: &str = "/etc/nginx/nginx.conf";

fn nginx(files: &[(&str, &str)]) -> Result<NginxConf, ConfError> {
    NginxConf::read(Path::new(MAIN), &Given::of(files), "Web1.example.org")
}

fn http(inside: &str) -> NginxConf {
    nginx(&[(MAIN, &format!("events {{}}\nhttp {{\n{inside}\n}}\n"))]).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(text: &str) -> String {
    nginx(&[(MAIN, text)]).unwrap_err().to_string()
}

/// The logs as `path format`.
fn logs(nginx: &NginxConf) -> Vec<String> {
    let target = |log: &AccessLog| log.target.pattern().unwrap_or_else(|| format!("{:?}", log.target));
    nginx.logs.iter().map(|log| format!("{} {}", target(log), nginx.formats[log.format].name)).collect()
}

#[test]
fn includes_stand_where_they_are_named() {
    let nginx = nginx(&[
        (MAIN, "http { include formats; include conf.d/*.conf; access_log /a b; }"),
        ("/etc/nginx/formats", "log_format b '$msec';\n"),
        ("/etc/nginx/conf.d/2.conf", "server { server_name two; include snippets/x.conf; }"),
        ("/etc/nginx/conf.d/1.conf", "server { server_name one; }"),
        ("/etc/nginx/conf.d/.hidden.conf", "broken"),
        ("/etc/nginx/conf.d/sub/3.conf", "broken"),
        ("/etc/nginx/snippets/x.conf", "location /x { }"),
    ])
    .unwrap();
    let names: Vec<&str> = nginx.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
    assert_eq!(nginx.servers[1].locations[0].place.to_string(), "/etc/nginx/snippets/x.conf:1:1");
    assert_eq!(logs(&nginx), ["/a b"]);
}

#[test]
fn a_dump_is_read_like_the_files() {
    let dump = "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n\
                # configuration file /etc/nginx/nginx.conf:\nhttp {\n include conf.d/*.conf;\n}\n\n\
                # configuration file /etc/nginx/conf.d/a.conf:\nserver {\n  access_log /var/log/a.log; }\n\n";
    let nginx = NginxConf::read(Path::new("dump.txt"), &Given::of(&[("dump.txt", dump)]), "web1").unwrap();
    assert_eq!(logs(&nginx), ["/var/log/a.log combined"]);
    assert_eq!(nginx.logs[0].place.to_string(), "/etc/nginx/conf.d/a.conf:2:3");
    assert!(ConfDump::read(b"user www;\n# configuration file /etc/nginx/nginx.conf:\n").is_none());
}

#[test]
fn mistakes_name_file_line_and_column() {
    for (text, expected) in [
        ("http {\n  server {\n", "nginx.conf:2:10: this block is not closed"),
        ("http { } }", "nginx.conf:1:10: `}` closes nothing"),
        ("http { a b }", "nginx.conf:1:12: `}` after `b`; end the directive with `;`"),
        ("a;\n b c", "nginx.conf:2:2: the file ends inside the directive `b`"),
        (";", "nginx.conf:1:1: `;` without a directive before it"),
        ("a 'b\n;", "nginx.conf:1:3: this quote is not closed"),
        ("a 'b'c;", "nginx.conf:1:5: text glued to a closing quote"),
        ("\u{feff}a;", "nginx.conf:1:1: the file begins with a byte order mark"),
        ("include gone.conf;", "nginx.conf:1:9: there is no file /etc/nginx/gone.conf"),
        ("include secret.conf;", "nginx.conf:1:9: permission denied"),
        ("include nginx.conf;", "nginx.conf:1:9: /etc/nginx/nginx.conf includes itself"),
        (
            "http { access_log /a mian; log_format main '$msec'; }",
            "1:22: no log_format is named `mian`; did you mean `main`?",
        ),
        ("http { access_log /a combined bufer=3; }", "1:31: access_log has no parameter `bufer=3`"),
        ("http { log_format a escape=xml '$msec'; }", "1:21: unknown escaping `xml`"),
        ("http { log_format a '$msec'; log_format a '$msec'; }", "1:30: a second log_format `a`"),
        ("http { server { location % /a { } } }", "1:17: a location that nginx does not take"),
        ("http { server { server_name a.*.b; } }", "1:29: `a.*.b` is no server name"),
        ("content_by_lua_block { '}' ", "1:22: this block of Lua code is not closed"),
    ] {
        let said = wrong(text);
        assert!(said.contains(expected), "{text}\n  {said}\n  {expected}");
    }
    assert!(wrong(&"a{".repeat(100)).contains("nested too deep"));
    let bomb: Vec<(String, String)> = (0..40)
        .map(|at| (format!("/etc/nginx/{at}"), format!("include {0}; include {0};", at + 1)))
        .chain([(MAIN.to_owned(), "include 0;".to_owned())])
        .collect();
    let bomb: Vec<(&str, &str)> = bomb.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert!(nginx(&bomb).unwrap_err().reason.contains("too deep"));
}

#[test]
fn access_log_is_inherited_and_replaced() {
    let nginx = http(
        "log_format Main '$msec';\n access_log /main.log main;\n access_log /second.log;\n\
         server { }\n\
         server { access_log /own.log; location /a { access_log off; location /a/b { } }\n\
           location /c { if ($x) { access_log /if.log; } limit_except GET { access_log /limit.log; } } }\n\
         server { access_log off; location / { access_log /main.log MAIN; } }",
    );
    let expected =
        ["/main.log Main", "/second.log combined", "/own.log combined", "/if.log combined", "/limit.log combined"];
    assert_eq!(logs(&nginx), expected);
    let [inherits, own, off] = nginx.servers.as_slice() else { panic!() };
    assert_eq!((&inherits.logs, &inherits.all_logs), (&vec![0, 1], &vec![0, 1]));
    assert_eq!((&own.logs, &own.all_logs), (&vec![2], &vec![2, 3, 4]));
    assert!(own.locations[0].logs.is_empty() && own.locations[0].locations[0].logs.is_empty());
    assert_eq!((&off.logs, &off.all_logs, &off.locations[0].logs), (&vec![], &vec![0], &vec![0]));
}

#[test]
fn without_access_log_the_built_in_one_is_written() {
    assert_eq!(logs(&http("server { }")), ["/var/log/nginx/access.log combined"]);
    assert!(logs(&http("access_log off; server { }")).is_empty());
    let built = Given::of(&[("/opt/nginx/conf/nginx.conf", "http { server { } server { access_log logs/b.log; } }")]);
    let nginx = NginxConf::read(Path::new("/opt/nginx/conf/nginx.conf"), &built, "web1").unwrap();
    assert_eq!(logs(&nginx), ["/opt/nginx/logs/access.log combined", "/opt/nginx/logs/b.log combined"]);
    assert!(nginx.logs[1].relative);
}

#[test]
fn targets_and_parameters() {
    let nginx = http(
        "access_log /l/$host.${server_port}-a[1].log combined buffer=32k flush=1m if=$loggable;\n\
         access_log syslog:server=10.0.0.1 combined;\n access_log /dev/stdout;\n access_log relative.log;\n\
         access_log /z.gz combined gzip=5;\n access_log /dev/shm/a.log;\n server { }",
    );
    let targets: Vec<&LogTarget> = nginx.logs.iter().map(|log| &log.target).collect();
    assert_eq!(
        targets,
        [
            &LogTarget::Pattern("/l/*.*-a[[]1[]].log".to_owned()),
            &LogTarget::Syslog("syslog:server=10.0.0.1".to_owned()),
            &LogTarget::Device("/dev/stdout".into()),
            &LogTarget::File("/usr/share/nginx/relative.log".into()),
            &LogTarget::File("/z.gz".into()),
            &LogTarget::File("/dev/shm/a.log".into()),
        ]
    );
    let first = &nginx.logs[0];
    assert_eq!(
        (first.buffered, first.flush.as_deref(), first.condition.as_deref()),
        (true, Some("1m"), Some("$loggable"))
    );
    assert!(nginx.logs[4].gzip && nginx.logs[4].buffered && !nginx.logs[4].relative);
}

#[test]
fn servers_names_and_where_they_listen() {
    let nginx = http(
        "server { listen 80 default_server; listen [::]:443 ssl; listen unix:/run/n.sock; listen 10.0.0.1; listen [::1];\n\
           server_name WWW.a.org *.b.org .c.org d.* ~^(?<x>\\w+)$ $hostname \"\"; return 301 https://$host; }\n\
         server { server_name ~^Up; rewrite ^/a /b; if ($a) { return 403; } }\n\
         server { server_name .e.org; if ($a) { break; } return 404; merge_slashes off; }\n\
         upstream app { server 10.0.0.1:80 weight=2; server unix:/run/app; }",
    );
    let [first, second, third] = nginx.servers.as_slice() else { panic!() };
    let listens: Vec<_> = first.listens.iter().map(|it| (it.address.as_str(), it.port, it.default, it.tls)).collect();
    assert_eq!(
        listens,
        [
            ("*", Some(80), true, false),
            ("[::]", Some(443), false, true),
            ("unix:/run/n.sock", None, false, false),
            ("10.0.0.1", Some(80), false, false),
            ("[::1]", Some(80), false, false),
        ]
    );
    let text = |text: &str| text.to_owned();
    assert_eq!(
        first.names,
        [
            ServerName::Exact(text("www.a.org")),
            ServerName::Leading(text("b.org")),
            ServerName::Domain(text("c.org")),
            ServerName::Trailing(text("d")),
            ServerName::Regex(text("^(?<x>\\w+)$")),
            ServerName::Exact(text("web1.example.org")),
            ServerName::Exact(String::new()),
        ]
    );
    assert_eq!((first.name.as_str(), first.returns, first.rewrites), ("www.a.org", Some(301), false));
    assert_eq!((second.name.as_str(), second.returns, second.rewrites), ("~^Up", None, true));
    assert_eq!((third.name.as_str(), third.returns, third.merge_slashes), ("e.org", None, false));
    assert_eq!(nginx.upstreams[0].servers, ["10.0.0.1:80", "unix:/run/app"]);
}

#[test]
fn locations_with_their_modifiers() {
    let nginx = http(
        "server { location = /a { } location =/b { } location ^~ /c/ { proxy_pass http://app/x; } location ~* \\.php$ { }\n\
         location ~\\.gif { } location @named { internal; } location /d { location /d/e { fastcgi_pass $up; } }\n\
         location '/f g{' { content_by_lua_block { if x then y = '}' end } } }",
    );
    let found: Vec<(LocationMatch, &str)> =
        nginx.servers[0].locations.iter().map(|location| (location.by, location.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (LocationMatch::Exact, "/a"),
            (LocationMatch::Exact, "/b"),
            (LocationMatch::PrefixOnly, "/c/"),
            (LocationMatch::Regex { caseless: true }, "\\.php$"),
            (LocationMatch::Regex { caseless: false }, "\\.gif"),
            (LocationMatch::Named, "@named"),
            (LocationMatch::Prefix, "/d"),
            (LocationMatch::Prefix, "/f g{"),
        ]
    );
    let locations = &nginx.servers[0].locations;
    assert_eq!((locations[2].redirects, locations[2].upstream.as_deref()), (true, Some("app")));
    assert_eq!((locations[6].locations[0].text.as_str(), &locations[6].locations[0].upstream), ("/d/e", &None));
    assert!(locations[5].internal && !locations[6].redirects);
}

#[test]
fn streams_are_named_as_not_followed() {
    let nginx =
        nginx(&[(MAIN, "stream { log_format x '$protocol'; access_log /s.log x; server { access_log /t.log x; } }")]);
    let notes: Vec<String> = nginx.unwrap().notes.into_iter().map(|note| note.text).collect();
    assert!(notes.len() == 2 && notes[0].starts_with("/s.log is not followed"), "{notes:?}");
}

#[test]
fn a_file_that_is_meant_to_be_included_is_read_by_itself() {
    let nginx = nginx(&[(MAIN, "server { access_log /a.log; }")]).unwrap();
    assert_eq!(logs(&nginx), ["/a.log combined"]);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(text in proptest::collection::vec(prop_oneof![
        6 => prop::sample::select(b"http{server location/a;}'\"\\$# \n~*@=^include log_format access_log".to_vec()),
        1 => any::<u8>()], 0..300)) {
        let files = Given([(PathBuf::from(MAIN), text)].into());
        if let Err(error) = NginxConf::read(Path::new(MAIN), &files, "web1") {
            prop_assert!(error.line >= 1 && error.column >= 1 && !error.remedy.is_empty());
        }
    }
}

/// Text that would take hours to read if any of it were looked at again for every piece.
#[test]
fn reading_takes_time_in_proportion() {
    for piece in
        ["a b;\n", "a {\n}\n", "# x\n", "'a\\'b' c;", "a\\;b;", "${a", "x_by_lua_block { [==[ }\n", "\n", "[=", "\\"]
    {
        let text = piece.repeat((4 << 20) / piece.len());
        let _read = nginx(&[(MAIN, &text)]);
        let lua = format!("x_by_lua_block {{ {text}");
        assert!(nginx(&[(MAIN, &lua)]).is_err() || piece.contains('}'), "{piece:?}");
    }
}

/// The logs that are followed, those left out with what has their requests, and the levels whose requests count twice.
fn chosen(inside: &str) -> (String, String, String) {
    let formats = "log_format plain '$time_local \"$request\" $status';\n log_format timed '$msec $request_time';\n\
                   log_format up '$msec $request_time $upstream_response_time';\n log_format at '$msec \"$request\" $status';\n";
    let nginx = http(&format!("{formats}{inside}"));
    let says = |log: &AccessLog| {
        log.target.pattern()?;
        Some(LogDetail::of(&nginx.formats[log.format].compile().unwrap(), &log.target))
    };
    let says: Vec<Option<LogDetail>> = nginx.logs.iter().map(says).collect();
    let choice = LogChoice::of(&nginx.contexts, &says);
    let name = |log: &usize| nginx.logs[*log].target.pattern().unwrap().trim_start_matches('/').to_owned();
    let names = |logs: &mut dyn Iterator<Item = &usize>| logs.map(name).collect::<Vec<_>>().join("+");
    let followed: Vec<usize> = (0..says.len()).filter(|at| says[*at].is_some()).collect();
    let followed = names(&mut followed.iter().filter(|log| !choice.left_out.contains_key(log)));
    let left_out = choice.left_out.iter().map(|(log, others)| format!("{}<{}", name(log), names(&mut others.iter())));
    let several =
        choice.several.iter().map(|(at, logs)| format!("{}: {}", nginx.contexts[*at].level, names(&mut logs.iter())));
    (followed, left_out.collect::<Vec<_>>().join(" "), several.collect::<Vec<_>>().join("; "))
}

#[test]
fn of_logs_with_the_same_requests_the_one_that_says_most_is_chosen() {
    for (inside, followed, left_out, several) in [
        // What says more, in the order of what matters; of equals the first.
        ("server { access_log /a plain; access_log /b timed; }", "b", "a<b", ""),
        ("server { access_log /a timed; access_log /b plain; }", "a", "b<a", ""),
        ("server { access_log /a timed; access_log /b up; }", "b", "a<b", ""),
        ("server { access_log /a plain; access_log /b at; }", "b", "a<b", ""),
        ("server { access_log /a at; access_log /b timed; }", "b", "a<b", ""),
        ("server { access_log /a up; access_log /b up; access_log /c up; }", "a", "b<a c<a", ""),
        ("server { access_log /$host up; access_log /b up; }", "b", "*<b", ""),
        // What cannot be followed has no requests for anybody.
        ("server { access_log syslog:server=a up; access_log /b plain; }", "b", "", ""),
        // At every level, and inherited.
        ("access_log /a plain; access_log /b timed; server { } server { location /x { } }", "b", "a<b", ""),
        (
            "server { location / { access_log /a plain; access_log /b timed; } }",
            "var/log/nginx/access.log+b",
            "a<b",
            "",
        ),
        ("access_log off; server { location / { if ($x) { access_log /a up; access_log /b; } } }", "a", "b<a", ""),
        // Logs of different requests are all followed.
        ("access_log /a plain; server { } server { access_log /b timed; }", "a+b", "", ""),
        // A log that is somewhere alone stays, and the other goes if it says no more of times.
        ("server { access_log /a at; } server { access_log /b plain; access_log /a at; }", "a", "b<a", ""),
        ("server { access_log /a plain; } server { access_log /b at; access_log /a plain; }", "a", "b<a", ""),
        (
            "server { access_log /a plain; } server { server_name s; access_log /b timed; access_log /a plain; }",
            "a+b",
            "",
            "server s: a+b",
        ),
        // One log of all servers, beside one of each.
        (
            "server { access_log /1 up; access_log /all up; } server { access_log /all up; access_log /2 up; }",
            "all",
            "1<all 2<all",
            "",
        ),
        (
            "server { access_log /1 timed; access_log /all up; } server { access_log /2 timed; access_log /all up; }",
            "all",
            "1<all 2<all",
            "",
        ),
        // Nobody inherits what the http level says: no request is only there.
        ("access_log /a plain; server { access_log /a plain; access_log /b up; }", "b", "a<b", ""),
        ("access_log /a plain; access_log /c; server { access_log /a plain; access_log /b up; }", "c+b", "a<b", ""),
        // Conditions.
        ("server { access_log /a up if=$x; access_log /b up; }", "b", "a<b", ""),
        ("server { access_log /a at if=$x; access_log /b plain; }", "b", "a<b", ""),
        ("server { access_log /a plain if=$x; access_log /b up if=$x; }", "b", "a<b", ""),
        ("server { server_name s; access_log /a up if=$x; access_log /b plain; }", "a+b", "", "server s: a+b"),
        ("access_log /a up if=$x; access_log /b up if=$y; server { }", "a+b", "", "http level: a+b"),
        // One log, with a condition in one place and without in another.
        (
            "server { access_log /a up if=$x; access_log /b up; } server { server_name s; access_log /a up; }",
            "a+b",
            "",
            "a server: a+b",
        ),
    ] {
        let found = chosen(inside);
        assert_eq!((found.0.as_str(), found.1.as_str(), found.2.as_str()), (followed, left_out, several), "{inside}");
    }
}

proptest! {
    /// Wherever requests are logged, one of their logs is followed; twice only where a log says more of times, or has
    /// requests of its own.
    #[test]
    fn no_request_is_lost_by_the_choice(
        contexts in prop::collection::vec(prop::collection::vec((0_usize..6, 0_u8..3), 1..4), 1..6),
        formats in prop::collection::vec(0_usize..4, 6),
    ) {
        let place = http("server { }").servers[0].place.clone();
        let writing = |(log, condition): &(usize, u8)| LogWriting {
            log: *log,
            condition: (*condition > 0).then(|| format!("${condition}")),
        };
        let context = |own: &Vec<(usize, u8)>| LogContext {
            level: String::new(),
            place: place.clone(),
            writings: own.iter().map(writing).collect(),
        };
        let contexts: Vec<LogContext> = contexts.iter().map(context).collect();
        let texts = ["$time_local", "$msec", "$msec $request_time", "$msec $request_time $upstream_response_time"];
        let says = |format: &usize| {
            Some(LogDetail::of(&crate::grammar::Format::compile("f", texts[*format], crate::grammar::Escape::Default).unwrap(),
                &LogTarget::Pattern(String::new())))
        };
        let says: Vec<Option<LogDetail>> = formats.iter().map(says).collect();
        let choice = LogChoice::of(&contexts, &says);
        for context in &contexts {
            let kept: Vec<&LogWriting> =
                context.writings.iter().filter(|own| !choice.left_out.contains_key(&own.log)).collect();
            for own in &context.writings {
                let has = |kept: &&&LogWriting| kept.condition.is_none() || kept.condition == own.condition;
                prop_assert!(kept.iter().any(|kept| has(&kept)), "{context:?} {choice:?}");
            }
            let unconditional: Vec<_> = context.writings.iter().filter(|own| own.condition.is_none()).collect();
            if contexts.len() == 1 && unconditional.len() == context.writings.len() {
                let logs: std::collections::BTreeSet<usize> = kept.iter().map(|own| own.log).collect();
                prop_assert_eq!(logs.len(), 1);
            }
        }
    }
}
