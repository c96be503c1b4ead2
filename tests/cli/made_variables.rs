//! Variables that nginx.conf makes by `map` and `set`: what they stand for is what they are made of, and nothing else.

use serde_json::Value;

use support::program::Folder;

/// A folder with an nginx.conf of these `map`s, whose server writes `a.log` in this log_format.
fn folder(maps: &str, in_server: &str, log_format: &str, lines: &str) -> Folder {
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    let conf = format!(
        "events {{}}\nhttp {{\n{maps}\nlog_format made '{log_format}';\naccess_log {here}a.log made;\n\
         server {{ listen 80; {in_server} location / {{ }} location /api/ {{ }} }}\n}}\n"
    );
    folder.write("nginx.conf", conf);
    folder.write("c.toml", format!("nginx = \"{here}nginx.conf\"\nstore = \"{here}store\"\nroutes = \"template\"\n"));
    folder.write("a.log", lines);
    folder
}

fn report(folder: &Folder) -> Vec<Value> {
    let out = folder.run(&["report", "--config=c.toml", "a.log", "--format=jsonl"]).fine();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether `check` says what the variable `$made` of these maps is: its kind, and its value in the line.
#[track_caller]
fn is_read_as(maps: &str, value: &str, kind: &str, read: &str) {
    let line = format!("1611655201.123 [{value}] 200\n");
    let folder = folder(maps, "", "$msec [$made] $status", &line);
    let check = folder.run(&["check", "--config=c.toml", "a.log"]).out;
    let row = check.lines().find(|line| line.contains("$made ")).unwrap_or_else(|| panic!("{check}"));
    let row: Vec<&str> = row.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    assert_eq!([row[1], &row[2..].join("  ")], [kind, read], "{maps}");
}

const OTHER: &str = "text; not nginx's own";

#[test]
fn a_map_of_the_target_is_a_target_and_what_it_hides_is_not_asked_for() {
    let maps = "map $request_uri $safe_uri { default $request_uri; \"~^(?<path>[^?]*)[?].*token=\" \"$path?..\"; }\n";
    let lines = "1611655201.123 GET|/api/users/7?x=1|200|0.310\n1611655201.124 GET|/api/users/8?..|200|0.010\n";
    let folder = folder(maps, "", "$msec $request_method|$safe_uri|$status|$request_time", lines);
    let rows = report(&folder);
    assert_eq!((&rows[0]["route"], &rows[0]["count"]), (&"api.users.__id".into(), &2.into()));
    let check = folder.run(&["check", "--config=c.toml", "a.log"]).ended(0);
    assert!(!check.contains("$request:") && !check.contains("request=\"$request\""), "{check}");
    // One that keeps no target is none, and still nothing asks for what it hides.
    let kinds = "map $request_uri $kind { default web; ~^/api/ api; }\n";
    let folder = self::folder(kinds, "", "$msec $request_method|$kind|$status", "1611655201.123 GET|api|200\n");
    let run = folder.run(&["check", "--config=c.toml", "a.log"]);
    assert!(run.out.contains("no routes") && run.out.contains("that may hide a part"), "{}", run.out);
    assert!(!run.out.contains("request=\"$request\""), "{}", run.out);
}

#[test]
fn a_map_of_a_time_has_its_role_and_unit_as_far_as_it_keeps_the_time() {
    let of = |name: &str, entries: &str| format!("map ${name} $made {{ {entries} }}\n");
    let whole = of("upstream_response_time", "default $upstream_response_time; \"\" 0;");
    is_read_as(&whole, "0.310", "seconds by attempt", "310 ms");
    is_read_as(&whole, "0.250, 1.000", "seconds by attempt", "1,250 ms");
    is_read_as(&whole, "0", "seconds by attempt", "absent");
    is_read_as(
        &of("upstream_response_time", "\"~^(?<t>.+)$\" $t; default none;"),
        "none",
        "seconds by attempt",
        "absent",
    );
    // Three digits behind no point are milliseconds.
    let millis = of("request_time", "~^0[.]000$ 0; ~^0[.]0*([^0].*)$ $1; ~^([^0][^.]*)[.](.*)$ $1$2;");
    is_read_as(&millis, "1204", "number", "1,204 ms");
    // Through several maps; `$upstream_response_time` of one variable more.
    let several = "map $upstream_response_time $first { default $upstream_response_time; \"\" -; }\n\
                   map $first $second { default $first; }\nmap $status $made { default $second; }\n";
    is_read_as(several, "0.310", "seconds by attempt", "310 ms");
    // The first member of a list, whole seconds, classes, and what a share of clients gets are no times.
    is_read_as(&of("upstream_response_time", "\"~^(?<t>[0-9.]+)\" $t; default 0;"), "0.310", OTHER, "0.310");
    is_read_as(&of("request_time", "~^([0-9]+) $1;"), "12", OTHER, "12");
    is_read_as(&of("request_time", "default slow; ~^0 fast;"), "fast", OTHER, "fast");
    is_read_as("split_clients $request_id $made { 50% $request_time; * -; }\n", "0.310", OTHER, "0.310");
    is_read_as("geo $made { default 0.310; }\n", "0.310", OTHER, "0.310");
}

#[test]
fn maps_of_anything_else_and_what_set_makes() {
    is_read_as("map $request $made { \"~^\\S+ (?<path>\\S+)\" $path; }\n", "/a/7", "target", "/a/7");
    is_read_as("map $host$request_uri $made { \"~^[^/]*(?<path>/[^?]*)\" $path; }\n", "/a/7", "target", "/a/7");
    is_read_as("map $http_host $made { default $http_host; }\n", "a.example", "host", "a.example");
    is_read_as("map $status $made { default $status; 499 200; }\n", "200", OTHER, "200");
    let short = "map $request $made { \"~^(?<m>[A-Z]+) (?<u>[^? ]+)\" \"$m $u\"; }\n";
    is_read_as(short, "GET /a", "request line", "GET  /a");
    let masked = "map $request $made { default $request; \"~^(.*)token=[^& ]*(.*)$\" \"$1token=*$2\"; }\n";
    is_read_as(masked, "GET /a?token=* HTTP/1.1", "request line", "GET  /a?token=*  HTTP/1.1");
    let lines = "1611655201.123 [GET /a?password=*** HTTP/1.1] 200 0.310\n";
    let set = "set $shown $request; if ($shown ~ (.*)password=[^&]*(.*)) { set $shown $1password=***$2; } set $took $request_time;";
    let folder = folder("", set, "$msec [$shown] $status $took", lines);
    // A time is not known yet when `set` is done.
    let run = folder.run(&["report", "--config=c.toml", "a.log", "--format=jsonl"]);
    run.said(0, &["has no $request_time"]);
    assert!(run.out.contains("\"route\":\"a\""), "{}", run.out);
}

#[test]
fn maps_come_with_includes_and_with_what_is_pasted() {
    let line = "1611655201.123 /a/7 200 0.310\n";
    let folder = folder("include maps/*.conf;", "", "$msec $shown $status $took", line);
    std::fs::create_dir(folder.path("maps")).unwrap();
    folder.write("maps/a.conf", "map $request_uri $shown { default $uri; include maps/shown.map; }");
    folder.write("maps/b.conf", "map $request_time $took { default $request_time; }");
    folder.write("maps/shown.map", "~^/a $request_uri;\n");
    let rows = report(&folder);
    assert_eq!((&rows[0]["route"], &rows[0]["sum_ms"]), (&"a.__id".into(), &310.into()));
    let pasted = "http { map $request_time $took { default $request_time; }\n\
                  log_format made '$msec \"$request\" $took'; }";
    folder.write("b.log", "1611655201.123 \"GET /a HTTP/1.1\" 0.310\n");
    let out = folder.run(&["report", "b.log", "--log-format", pasted, "--format=csv"]).fine();
    assert!(out.contains("\na,1,310,"), "{out}");
}

#[test]
fn locations_are_found_by_a_target_that_a_map_makes() {
    let maps = "map $request_uri $safe_uri { default $request_uri; }\n";
    let folder = folder(maps, "", "$msec $safe_uri $status $request_time", "1611655201.123 /api/7 200 0.310\n");
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap().replace("routes = \"template\"\n", "");
    folder.write("c.toml", config);
    assert_eq!(report(&folder)[0]["route"], "_.api.__rest");
}

#[test]
fn a_time_with_milliseconds_that_a_map_puts_together() {
    for (map, time) in [
        (
            "map \"$time_local:$msec\" $fine { ~(^\\S+)(\\s+\\S+):\\d+\\.(\\d+)$ $1.$3$2; }",
            "26/Jan/2021:10:00:01.123 +0000",
        ),
        (
            "map \"$time_iso8601:$msec\" $fine { \"~^(?<t>[^+]+)(?<z>.*):[0-9]+[.](?<ms>[0-9]+)$\" $t.$ms$z; }",
            "2021-01-26T10:00:01.123+00:00",
        ),
        ("map $msec $fine { ~(.*)[.](.*) $1$2; }", "1611655201123"),
        ("map $msec $fine { default $msec; }", "1611655201.123"),
    ] {
        let line = format!("192.0.2.1 - - [{time}] \"GET /a HTTP/1.1\" 200 0.310\n");
        let folder = folder(map, "", "$remote_addr - - [$fine] \"$request\" $status $request_time", &line);
        let out = folder.run(&["records", "--config=c.toml", "a.log"]).fine();
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["end"], 1_611_655_201.123, "{map}");
    }
}
