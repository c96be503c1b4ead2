//! `check` on the logs and locations of an nginx.conf, without any `[[log]]`.

use support::program::Folder;

const CONF: &str = "http {\n  log_format timed '$remote_addr [$time_local] \"$request\" $status $request_time $host';\n  \
  access_log FOLDER/access.log timed;\n  \
  server { listen 80; server_name a.test; location / { } location /api/ { } location = /never { } }\n  \
  server { listen 443 ssl; server_name a.test; location / { } location /api/ { } location = /never { } }\n  \
  server { server_name b.test; location ~ ^/(?|x|y)$ { }\n    \
    access_log syslog:server=127.0.0.1 timed; access_log /dev/stdout timed; access_log FOLDER/z.log timed gzip; }\n  \
  server { server_name c.test; access_log off; }\n}\n";

fn folder() -> Folder {
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    folder.write("nginx.conf", CONF.replace("FOLDER", here.trim_end_matches('/')));
    folder.write("c.toml", "nginx = \"nginx.conf\"\nstore = \"store\"\n");
    let line = |(host, path): &(&str, &str)| {
        format!("192.0.2.1 [22/Nov/2026:20:58:04 +0000] \"GET {path} HTTP/1.1\" 200 0.100 {host}\n")
    };
    let requests = [("a.test", "/api/1"), ("a.test", "/api/2"), ("a.test", "/"), ("a.test", "*")];
    folder.write("access.log", requests.iter().map(line).collect::<String>());
    folder
}

#[test]
fn its_logs_and_what_its_locations_do_are_told() {
    let folder = folder();
    let out = folder.run(&["check", "--config", "c.toml"]).fine();
    for expected in [
        "ok    nginx.conf: 4 servers, 1 log to follow\n",
        "access.log, format timed (nginx.conf:3:3)\n",
        "note  syslog:server=127.0.0.1 is not followed: it goes to syslog",
        "note  /dev/stdout is not followed: it is no file",
        "z.log is not followed: nginx compresses it as it writes",
        "access.log: 100.00 % of 4 lines fit format `timed`",
        "are named by nginx's locations, ",
        "        2  location /api/ of a.test (nginx.conf:4:",
        "location = /never of a.test (nginx.conf:4:",
        "note  1 location cannot be matched as PCRE does",
        "location ~ ^/(?|x|y)$ of b.test (nginx.conf:6:",
        "ok    store store: writable",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in {out}");
    }
    // The two servers of one name are told once, with both places.
    assert_eq!(out.matches("location /api/ of a.test").count(), 1, "{out}");
    assert!(out.contains(", nginx.conf:5:"), "{out}");
    // Locations look at $server_name and the like where a log has them: that is no rule which can never match.
    assert!(!out.contains("route rule asks") && !out.contains("nothing to follow"), "{out}");
}

#[test]
fn a_file_that_nginx_writes_is_read_by_its_configuration() {
    let folder = folder();
    let out = folder.run(&["check", "--config", "c.toml", "access.log"]).fine();
    assert!(out.starts_with("ok    access.log: 100.00 % of 4 lines fit format `timed`"), "{out}");
    assert!(out.contains("2  location /api/ of a.test"), "{out}");
}

#[test]
fn a_broken_one_is_told_by_its_place() {
    let folder = folder();
    folder.write("nginx.conf", "http {\n  server {\n    location / { }\n");
    folder.run(&["check", "--config", "c.toml"]).said(2, &["nginx.conf:2:10: this block is not closed", "help: "]);
}

#[test]
fn of_two_logs_with_the_same_requests_one_is_followed_and_the_other_named() {
    let folder = folder();
    let conf = std::fs::read_to_string(folder.path("nginx.conf")).unwrap();
    let (before, after) = conf.split_once("  server { listen 80;").unwrap();
    let here = folder.path("").display().to_string();
    let here = here.trim_end_matches('/');
    let plain = format!("  access_log {here}/plain.log combined;\n");
    folder.write("nginx.conf", format!("{before}{plain}  server {{ listen 80;{after}"));
    let out = folder.run(&["check", "--config", "c.toml"]).fine();
    let expected =
        format!("note  {here}/plain.log is not followed: the same requests as in {here}/access.log, which says more");
    assert!(out.contains(&expected) && out.contains("4 servers, 1 log to follow\n"), "{out}");
    // Somewhere alone, it is followed as well, and that is said.
    folder.write(
        "nginx.conf",
        format!("{before}{plain}  server {{ access_log {here}/plain.log; }}\n  server {{ listen 80;{after}"),
    );
    let out = folder.run(&["check", "--config", "c.toml"]).out;
    assert!(out.contains("5 servers, 2 logs to follow\n"), "{out}");
    assert!(out.contains("requests of http level are in each of these logs") && out.contains("name "), "{out}");
}
