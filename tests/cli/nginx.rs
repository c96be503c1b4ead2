//! nginx.conf as the source of formats and of routes.

use support::log::NOON;
use support::program::Folder;

const CONF: &str = "http {\n  log_format timed '$msec $request_time $host $status \"$request\"';\n\
  log_format other '$msec \"$request\"';\n\
  access_log FOLDER/access.log timed;\n  include sites/*.conf;\n}\n";
const SITES: &str = "server { server_name a.test; location / { } location /api/ { } location ~ [.]php$ { } }\n\
  server { server_name b.test; location / { } access_log syslog:server=10.0.0.1 timed;\n\
    access_log FOLDER/zipped.log other gzip; }\n";

/// A folder with an nginx.conf, two sites and a log that it names.
fn folder() -> Folder {
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    let here = here.trim_end_matches('/');
    folder.write("nginx.conf", CONF.replace("FOLDER", here));
    std::fs::create_dir(folder.path("sites")).unwrap();
    folder.write("sites/all.conf", SITES.replace("FOLDER", here));
    folder.write("c.toml", format!("nginx = \"{here}/nginx.conf\"\nstore = \"{here}/store\"\n"));
    let seconds = NOON / 1000;
    let requests =
        [("a.test", "/x/1"), ("a.test", "/api/2"), ("a.test", "/x.php"), ("c.test", "/api/3"), ("b.test", "/b")];
    let line = |(host, path): &(&str, &str)| format!("{seconds}.000 0.100 {host} 200 \"GET {path} HTTP/1.1\"\n");
    folder.write("access.log", requests.iter().map(line).collect::<String>());
    folder.gz("zipped.log", format!("{seconds}.000 \"GET /z HTTP/1.1\"\n"));
    folder
}

fn routes(folder: &Folder, config: &str, log: &str) -> Vec<String> {
    let run = folder.run(&["records", "--config", config, &folder.path(log).display().to_string(), "--format", "csv"]);
    let out = run.fine();
    let mut lines = out.lines();
    let at = lines.next().unwrap().split(',').position(|name| name == "route").unwrap();
    lines.map(|line| line.split(',').nth(at).unwrap().to_owned()).collect()
}

#[test]
fn formats_and_routes_of_a_log_that_nginx_conf_names() {
    let folder = folder();
    let expected = ["a_2Etest.__rest", "a_2Etest.api.__rest", "a_2Etest._7E_20_5B_2E_5Dphp_24", "a_2Etest.api.__rest"];
    // b.test has logs of its own: its server cannot have written that line.
    assert_eq!(routes(&folder, "c.toml", "access.log"), [&expected[..], &["b"]].concat());
    // By folded paths if that is wanted.
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    folder.write("t.toml", format!("routes = \"template\"\n{config}"));
    assert_eq!(routes(&folder, "t.toml", "access.log"), ["x.1", "api.2", "x.php", "api.3", "b"].map(folded));
    // Rules come first.
    folder.write("r.toml", format!("{config}[[route]]\nname = \"ruled\"\npath = \"/api/*\"\n"));
    assert_eq!(routes(&folder, "r.toml", "access.log")[1..4], ["ruled", expected[2], "ruled"]);
    // A log that nginx compresses itself is read when it is given.
    assert_eq!(routes(&folder, "c.toml", "zipped.log"), ["b_2Etest.__rest"]);
    // Names that nobody gave: the rotated one is the same log, another is told from its lines.
    std::fs::copy(folder.path("access.log"), folder.path("access.log.1")).unwrap();
    assert_eq!(routes(&folder, "c.toml", "access.log.1")[..4], expected);
    let relative = folder.run(&["report", "--config=c.toml", "access.log", "--format=csv"]).fine();
    assert!(relative.contains("\na_2Etest.api.__rest,2,"), "{relative}");
}

#[test]
fn a_location_that_is_all_there_is_names_nothing() {
    let folder = folder();
    let here = folder.path(".").display().to_string();
    let conf = "events {} http { access_log HERE/access.log timed; log_format timed '$msec $request_time $host $status \
                \"$request\"'; server { listen 80; location / { root /srv; } } }";
    folder.write("one.conf", conf.replace("\\\n", "").replace("HERE", &here));
    folder.write("one.toml", format!("nginx = \"{here}/one.conf\"\n"));
    assert_eq!(routes(&folder, "one.toml", "access.log"), ["x.1", "api.2", "x.php", "api.3", "b"].map(folded));
}

fn folded(name: &str) -> String {
    match name.split_once('.') {
        Some((head, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => format!("{head}.__id"),
        Some((head, rest)) => format!("{head}_2E{rest}"),
        None => name.to_owned(),
    }
}

#[test]
fn what_is_not_followed_is_said() {
    let folder = folder();
    folder.write("sites/all.conf", "server { access_log off; }\nserver { access_log syslog:server=10.0.0.1 timed; }\n");
    let conf = std::fs::read_to_string(folder.path("nginx.conf")).unwrap();
    folder.write("nginx.conf", conf.replace("access_log", "#"));
    let run = folder.run(&["run", "--config=c.toml"]);
    run.said(
        2,
        &["no log to follow", "syslog:server=10.0.0.1 is not followed: it goes to syslog", "sites/all.conf:2:10"],
    );
}

#[test]
fn a_pattern_that_means_the_error_log_too_is_said() {
    let folder = folder();
    folder.write("nginx.conf", "error_log /var/log/nginx/e.log;\nserver { access_log /var/log/nginx/$host.log; }\n");
    // Ends the run once that is said.
    folder.write("store", "no folder");
    let run = folder.run(&["run", "--config=c.toml"]);
    assert_ne!(run.code, 0);
    assert!(run.err.contains("/var/log/nginx/*.log: that pattern means /var/log/nginx/e.log too"), "{}", run.err);
}

#[test]
fn mistakes_in_nginx_conf_name_their_place() {
    let folder = folder();
    folder.write("sites/all.conf", "server {\n  access_log /x timd;\n}\n");
    for command in [&["run", "--config=c.toml"][..], &["report", "--config=c.toml", "access.log"]] {
        folder.run(command).said(2, &["sites/all.conf:2:17: no log_format is named `timd`", "did you mean `timed`?"]);
    }
    folder.write("n.toml", "\nnginx = \"none.conf\"\n");
    folder.run(&["run", "--config=n.toml"]).said(2, &["n.toml:2:9: `nginx`: there is no such file"]);
    folder.write("w.toml", "routes = \"locations\"\n");
    folder.run(&["run", "--config=w.toml"]).said(2, &["w.toml:1:10", "did you mean `location`?"]);
}

#[test]
fn a_log_section_has_precedence() {
    let folder = folder();
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    let log = folder.path("access.log").display().to_string();
    let format = "$msec $upstream_response_time $server_name $status \\\"$request\\\"";
    folder.write("l.toml", format!("{config}[[log]]\npath = \"{log}\"\nformat = \"{format}\"\n"));
    let out = folder.run(&["records", "--config=l.toml", &log, "--limit", "1"]).fine();
    assert!(out.contains("\"upstream_response_time\"") && out.contains("\"server_name\":\"a.test\""), "{out}");
}

#[test]
fn an_include_takes_in_files_whose_names_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let name = std::ffi::OsStr::from_bytes(b"sites/\xff.conf");
    let here = folder.path("").display().to_string();
    let site = format!("server {{ server_name d.test; location /d/ {{ }} access_log {here}odd.log timed; }}\n");
    std::fs::write(folder.path("").join(name), site).unwrap();
    folder.write("odd.log", "1322661900.000 0.100 d.test 200 \"GET /d/1 HTTP/1.1\"\n");
    assert_eq!(routes(&folder, "c.toml", "odd.log"), ["d_2Etest.d.__rest"]);
}
