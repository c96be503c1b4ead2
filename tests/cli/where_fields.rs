//! `--where FIELD=VALUE`: requests by any field, over files and over the store.

use support::program::Folder;

const FORMAT: &str = "$msec $remote_addr $status $request_time \"$request\" \"$http_user_agent\" \"$upstream_addr\" $body_bytes_sent \"$http_x_id\"";

/// Ten lines, each told by its time in milliseconds: 1 to 10 hundred.
fn folder() -> Folder {
    let lines = [
        "192.0.2.7 200 0.100 \"GET /a?x=1&y HTTP/1.1\" \"curl/8.4.0\" \"10.0.0.1:80\" 90 \"-\"",
        "192.0.2.8 404 0.200 \"GET /a?x=2 HTTP/1.1\" \"curl/7.1.0\" \"10.0.0.1:80, 10.0.0.2:80\" 5000 \"one\"",
        "192.0.3.1 502 0.300 \"POST /b/c HTTP/2.0\" \"-\" \"10.0.0.3:80\" 70000 \"o\\x22ne\"",
        "2001:db8::1 500 0.400 \"GET /b/d?x=1 HTTP/1.1\" \"Mozilla/5.0 (compatible; Googlebot/2.1; +http://x)\" \"-\" 3 \"two\"",
        "::ffff:192.0.2.9 200 0.500 \"GET /a HTTP/1.1\" \"curl/8.4.0\" \"10.0.0.2:80\" 256 \"a=b\"",
        "unix: 200 0.600 \"HEAD /b/c HTTP/1.1\" \"curl/8.4.0\" \"10.0.0.2:80\" 0 \"*\"",
        "192.0.2.7 301 0.700 \"GET /%41 HTTP/1.1\" \"curl/8.4.0\" \"unix:/run/a.sock\" 255 \"x\\xFFy\"",
        "192.0.2.7 200 - \"GET /b/c HTTP/1.1\" \"curl/8.4.0\" \"10.0.0.1:80\" 80 \"-\"",
        "10.1.2.3 499 0.900 \"GET /c?xx=1 HTTP/1.1\" \"curl/8.4.0\" \"10.0.0.1:80\" 1 \"-\"",
        "10.1.2.4 200 1.000 \"GET /c?x= HTTP/1.1\" \"curl/8.4.0\" \"10.0.0.1:80\" 1024 \"-\"",
    ];
    let folder = support::folder!();
    folder.write(
        "c.toml",
        format!("store = 'store'\nroutes = \"template\"\n[[log]]\npath = 'a.log'\nformat = '{FORMAT}'\n"),
    );
    let mut log = String::new();
    for (at, line) in (1..).zip(lines) {
        log += &format!("1322661900.{at:03} {line}\n");
    }
    folder.write("a.log", log);
    folder.run(&["index", "a.log", "--config=c.toml"]).said(0, &["10 lines"]);
    folder
}

/// Which lines each command finds, over files and over the store.
#[track_caller]
fn finds(folder: &Folder, conditions: &[&str], expected: &[usize]) {
    let asked: Vec<String> = conditions.iter().map(|condition| format!("--where={condition}")).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
        let run = |command: &[&str]| folder.run(&[command, &asked, source].concat());
        let code = i32::from(expected.is_empty());
        let numbers = |out: &str| {
            let number = |line: &str| line.split(' ').next().unwrap().rsplit('.').next().unwrap().parse().unwrap();
            out.lines().map(number).collect::<Vec<usize>>()
        };
        assert_eq!(numbers(&run(&["lines"]).ended(code)), expected, "lines {conditions:?} {source:?}");
        let records = run(&["records"]).ended(code);
        assert_eq!(records.lines().count(), expected.len(), "records {conditions:?} {source:?}");
        let report = run(&["report", "--by=method", "--format=csv"]).ended(code);
        let counts = report.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<usize>().unwrap());
        assert_eq!(counts.sum::<usize>(), expected.len(), "report {conditions:?} {source:?}");
        let report = run(&["report", "--format=csv"]).ended(code);
        let counts = report.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<usize>().unwrap());
        assert_eq!(counts.sum::<usize>(), expected.len(), "report by route {conditions:?} {source:?}");
        if expected.contains(&8) {
            // A class of one without a time has none that is slow.
            continue;
        }
        let slow = run(&["slow", "--threshold=1ms", "--by=method", "--format=csv"]).out;
        let counts = slow.lines().skip(1).map(|row| row.split(',').nth(2).unwrap().parse::<usize>().unwrap());
        assert_eq!(counts.sum::<usize>(), expected.len(), "slow {conditions:?} {source:?}: {slow}");
    }
}

#[test]
fn fields_are_read_as_answers_name_them() {
    let folder = folder();
    for (condition, expected) in [
        ("status=404", &[2][..]),
        ("status=5xx", &[3, 4]),
        ("status=300-499", &[2, 7, 9]),
        ("status_class=2xx", &[1, 5, 6, 8, 10]),
        ("remote_addr=192.0.2.7", &[1, 7, 8]),
        ("remote_addr=192.0.2.0/24", &[1, 2, 5, 7, 8]),
        ("net=192.0.0.0/16", &[1, 2, 3, 5, 7, 8]),
        ("remote_addr=10.1.2.2/31", &[9]),
        ("remote_addr=2001:db8::/32", &[4]),
        ("remote_addr=unix:", &[6]),
        ("agent_family=curl", &[1, 2, 5, 6, 7, 8, 9, 10]),
        ("agent_family=Googlebot", &[4]),
        ("http_user_agent=curl/7.1.0", &[2]),
        ("http_user_agent^=curl/", &[1, 2, 5, 6, 7, 8, 9, 10]),
        ("upstream_addr=10.0.0.2:80", &[2, 5, 6]),
        ("upstream_addr=unix:/run/a.sock", &[7]),
        ("query:x=1", &[1, 4]),
        ("query:x=*", &[1, 2, 4, 10]),
        ("query:x=", &[10]),
        ("query:y=*", &[1]),
        ("path=/a", &[1, 2, 5]),
        ("path^=/b/", &[3, 4, 6, 8]),
        ("target=/a?x=2", &[2]),
        ("method=GET", &[1, 2, 4, 5, 7, 8, 9, 10]),
        ("request_method!=GET", &[3, 6]),
        ("protocol=HTTP/2.0", &[3]),
        ("route=b.c", &[3, 6, 8]),
        ("route=b.*", &[3, 4, 6, 8]),
        ("body_bytes_sent=>=256", &[2, 3, 5, 10]),
        ("body_bytes_sent=3", &[4]),
        ("http_x_id=one", &[2]),
        ("http_x_id=o\"ne", &[3]),
        ("http_x_id=o\\x22ne", &[3]),
        ("http_x_id=a=b", &[5]),
        ("http_x_id=\\x2A", &[6]),
        ("http_x_id=*", &[2, 3, 4, 5, 6, 7]),
        ("http_x_id=x\\xFFy", &[7]),
        ("$http_x_id=two", &[4]),
        ("request_time=*", &[1, 2, 3, 4, 5, 6, 7, 9, 10]),
        ("request_time!=*", &[8]),
        ("status=123", &[]),
    ] {
        finds(&folder, &[condition], expected);
    }
    finds(&folder, &["remote_addr=192.0.2.0/24", "method=GET", "query:x=*"], &[1, 2]);
    finds(&folder, &["remote_addr=192.0.2.0/24", "remote_addr!=192.0.2.7"], &[2, 5]);
}

#[test]
fn a_condition_that_is_none_is_said() {
    let folder = folder();
    for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
        for (command, condition, said) in [
            ("lines", "status", "--where `status`: there is no `=`"),
            ("report", "=5", "it names no field"),
            ("slow", "upstream=x", "--where upstream: the log has no $upstream"),
            ("records", "x=\\x5", "two hexadecimal digits"),
        ] {
            folder.run(&[&[command, "--where", condition], source].concat()).said(2, &[said]);
        }
    }
}

/// A log with every sort of value, and a configuration that names it.
fn folder_of_sorts() -> Folder {
    const SORTS: &str = "$msec $remote_addr $status $request_time \"$request\" \"$upstream_addr\" \"$upstream_status\" \
                         \"$upstream_response_time\" \"$upstream_response_length\" $bytes_sent $connection_requests $gzip_ratio \
                         \"$http_x_id\" \"$http_host\"";
    let lines = [
        "192.0.2.7 200 0.049 \"GET /a HTTP/1.1\" \"10.0.0.1:80\" \"200\" \"0.048\" \"100\" 300 1 - \"-\" \"a.example\"",
        "192.0.2.7 200 0.050 \"GET /a HTTP/1.1\" \"10.0.0.1:80\" \"200\" \"0.050\" \"4096\" 4096 2 2.50 \">=5\" \"b.example\"",
        "192.0.2.8 502 3.500 \"GET /b?n=>5 HTTP/1.1\" \"10.0.0.1:80, 10.0.0.2:80\" \"504, 502\" \"3.000, 0.500\" \"0, 5000\" 90 3 10.00 \"-\" \"-\"",
        "192.0.2.9 000 50.000 \"-\" \"-\" \"-\" \"-\" \"-\" 0 1 - \"x\" \"-\"",
        "192.0.3.1 499 - \"GET /c HTTP/1.1\" \"10.0.0.2:80\" \"-\" \"-\" \"-\" 0 1 - \"\" \"-\"",
    ];
    let folder = support::folder!();
    folder.write(
        "c.toml",
        format!("store = 'store'\nroutes = \"template\"\n[[log]]\npath = 'a.log'\nformat = '{SORTS}'\n"),
    );
    let mut log = String::new();
    for (at, line) in (1..).zip(lines) {
        log += &format!("1322661900.{at:03} {line}\n");
    }
    folder.write("a.log", log);
    folder.run(&["index", "a.log", "--config=c.toml"]).said(0, &["5 lines"]);
    folder
}

#[test]
fn times_and_numbers_are_asked_for_by_what_they_are() {
    let folder = folder_of_sorts();
    for (condition, expected) in [
        ("request_time=>=50ms", &[2, 3, 4][..]),
        ("request_time=>50ms", &[3, 4]),
        ("request_time=>=1s", &[3, 4]),
        ("request_time=>=1", &[3, 4]),
        ("request_time=>=50", &[4]),
        ("request_time=>=0.05", &[2, 3, 4]),
        ("request_time=>=1min", &[]),
        ("request_time=3.500", &[3]),
        ("request_time=3.5", &[3]),
        ("request_time=3.5s", &[3]),
        ("request_time=3500ms", &[3]),
        ("request_time^=0.0", &[1, 2]),
        ("request_time=-", &[5]),
        ("request_time!=>=1s", &[1, 2, 5]),
        ("upstream_response_time=>=1", &[3]),
        ("upstream_response_time=>=3.2", &[]),
        ("upstream_response_time=>=50ms", &[2, 3]),
        ("upstream_response_time=0.5", &[3]),
        ("upstream_response_time=3.000, 0.500", &[3]),
        ("upstream_response_length=>=4096", &[2, 3]),
        ("upstream_response_length=>4096", &[3]),
        ("upstream_response_length=0", &[3]),
        ("upstream_status=5xx", &[3]),
        ("upstream_status=504", &[3]),
        ("upstream_status=>=503", &[3]),
        ("upstream_status=200-299", &[1, 2]),
        ("upstream_status=-", &[4, 5]),
        ("status=>=499", &[3, 5]),
        ("status=>499", &[3]),
        ("status=5xx", &[3]),
        ("status=-", &[]),
        ("status^=4", &[5]),
        ("bytes_sent=>=4096", &[2]),
        ("bytes_sent=>90", &[1, 2]),
        ("bytes_sent=090", &[3]),
        ("gzip_ratio=>=2.5", &[2, 3]),
        ("gzip_ratio=2.5", &[2]),
        ("connection_requests=>1", &[2, 3]),
        ("connection_requests=>=3", &[3]),
        ("msec=>=1322661900.003", &[3, 4, 5]),
        ("http_x_id=\\x3E=5", &[2]),
        ("http_x_id=-", &[1, 3]),
        ("http_x_id=", &[5]),
        ("query:n=\\x3E5", &[3]),
        ("host=a.example", &[1]),
        ("host=-", &[3, 4, 5]),
        ("host=A.Example", &[1]),
        ("host^=A.", &[1]),
        ("host!=A.EXAMPLE", &[2, 3, 4, 5]),
        ("upstream_addr=10.0.0.2", &[3, 5]),
        ("upstream_addr=10.0.0.0/31", &[1, 2, 3]),
        ("upstream_addr=10.0.0.2:80", &[3, 5]),
        ("upstream_addr=10.0.0.2:81", &[]),
        ("remote_addr=::ffff:192.0.2.8", &[3]),
    ] {
        for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
            let where_ = format!("--where={condition}");
            let run = folder.run(&[&["records", "--format=jsonl", &where_], source].concat());
            let out = run.ended(i32::from(expected.is_empty()));
            let found: Vec<usize> = out
                .lines()
                .map(|line| {
                    let record: serde_json::Value = serde_json::from_str(line).unwrap();
                    (record["msec"].as_f64().unwrap() * 1000.0).round() as usize % 1000
                })
                .collect();
            assert_eq!(found, expected, "{condition} {source:?}");
            let report = folder.run(&[&["report", "--format=csv", &where_], source].concat());
            let report = report.ended(i32::from(expected.is_empty()));
            let counts = report.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<usize>().unwrap());
            assert_eq!(counts.sum::<usize>(), expected.len(), "report {condition} {source:?}");
        }
    }
}

/// IPv6 upstreams, keys that are not there, hosts of referers with a port, lists in which no attempt has a value.
#[test]
fn what_is_written_in_several_ways_is_found_in_each() {
    const SORTS: &str =
        "$msec $status $request_time \"$request\" \"$upstream_addr\" \"$upstream_response_time\" \"$http_referer\"";
    let lines = [
        "200 0.049 \"GET /a?depth=1 HTTP/1.1\" \"[2001:db8::5]:80\" \"0.048\" \"http://Shop.Example.com:8080/x\"",
        "200 0.050 \"GET /a HTTP/1.1\" \"10.0.0.1:80 : 10.0.0.2:80\" \"- : -\" \"https://shop.example.com\"",
        "200 0.050 \"GET /a?depth= HTTP/1.1\" \"-\" \"-\" \"-\"",
        "200 0.050 \"GET /a?depth=- HTTP/1.1\" \"[2001:db8::6]:80, [2001:db8::5]:81\" \"-, 0.010\" \"http://me@shop.example.com:1?u=a@b:2\"",
    ];
    let folder = support::folder!();
    folder.write("c.toml", format!("store = 'store'\n[[log]]\npath = 'a.log'\nformat = '{SORTS}'\n"));
    let log: String = (1..).zip(lines).map(|(at, line)| format!("1322661900.{at:03} {line}\n")).collect();
    folder.write("a.log", log);
    for (condition, expected) in [
        ("upstream_addr=[2001:db8::5]", &[1, 4][..]),
        ("upstream_addr=2001:DB8:0::5", &[1, 4]),
        ("upstream_addr=[2001:DB8:0::5]:80", &[1]),
        ("upstream_addr!=[2001:db8::5]", &[2, 3]),
        ("upstream_addr=[2001:db8::]/32", &[]),
        ("upstream_addr=2001:db8::/32", &[1, 4]),
        ("query:depth=-", &[2, 4]),
        ("query:depth!=-", &[1, 3]),
        ("query:depth=", &[3]),
        ("query:depth=*", &[1, 3, 4]),
        ("http_referer=shop.example.com", &[1, 2, 4]),
        ("upstream_response_time=-", &[2, 3]),
        ("upstream_response_time=- : -", &[2]),
        ("upstream_response_time=*", &[1, 4]),
        ("upstream_response_time!=*", &[2, 3]),
    ] {
        let run =
            folder.run(&["records", "--format=jsonl", &format!("--where={condition}"), "--config=c.toml", "a.log"]);
        if run.code == 2 {
            assert_eq!(expected, &[0_usize; 0], "{condition}: {}", run.err);
            continue;
        }
        let found: Vec<usize> = run
            .out
            .lines()
            .map(|line| line.split("\"line\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(found, expected, "{condition}");
    }
}

#[test]
fn a_value_that_no_request_can_have_is_refused_with_what_to_write() {
    let folder = folder_of_sorts();
    for (condition, said) in [
        ("status=2XX", &["--where status: `2XX`: no status", "status=5xx"][..]),
        ("status=abc", &["`abc`: no status"]),
        ("status!=abc", &["`abc`: no status"]),
        ("status=6xx", &["no status"]),
        ("status=>=abc", &["`abc`: no status"]),
        ("status_class=5XX", &["no class of statuses", "write status_class=5xx"]),
        ("status_class=>=5", &["ask for a number"]),
        ("upstream_status=5XX", &["no status", "any attempt counts"]),
        ("remote_addr=192.0.2.0/33", &["neither an address nor a net", "remote_addr=192.0.2.0/24"]),
        ("remote_addr=192.0.2", &["neither an address nor a net"]),
        ("remote_addr=>=5", &["ask for a number"]),
        ("net=abc", &["neither an address nor a net"]),
        ("bytes_sent=abc", &["no number", "bytes_sent=>=4096"]),
        ("bytes_sent=>4k", &["`4k`: no number"]),
        ("request_time=fast", &["no length of time", "request_time=>=50ms", "in s"]),
        ("request_time=>=5parsecs", &["no length of time"]),
        ("upstream_response_time=>=x", &["no length of time"]),
        ("method=get", &["they are in capitals"]),
        ("protocol=1.1", &["no protocol"]),
        ("status=5", &["no status"]),
        ("status=>=1000", &["no status"]),
        ("status=", &["write status=-"]),
        ("request_time=", &["write request_time=-"]),
        ("request_time=<1", &["there is no `<`", "request_time!=>=1,"]),
        ("request_time>=1", &["request_time=>=1"]),
        ("status<400", &["status!=>=400,"]),
        ("route=/a", &["joined by dots", "path=/a"]),
        ("msec=>=14:05", &["--from and --until"]),
        ("path=/b?n=5", &["ends before the `?`", "target=/b?n=5"]),
        ("remote_addr=192.0.2.*", &["neither an address nor a net"]),
        ("remote_addr=192.0.2.7,192.0.2.8", &["neither an address nor a net"]),
        ("upstream_addr=10.0.0.0/33", &["neither an address nor a net", "upstream_addr=10.0.0.0/24"]),
        ("path=>=5", &["ask for a number", "path=\\x3E"]),
        ("http_x_id=>=5", &["ask for a number", "http_x_id=\\x3E"]),
        ("query:n=>5", &["ask for a number"]),
    ] {
        let where_ = format!("--where={condition}");
        for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
            for command in ["lines", "records", "report", "slow"] {
                let run = folder.run(&[&[command, &where_], source].concat());
                run.said(2, said);
                assert_eq!(run.out, "", "{condition}");
            }
        }
    }
    folder.run(&["diff", "a.log", "a.log", "--config=c.toml", "--where=status=2XX"]).said(2, &["no status"]);
}

#[test]
fn a_field_that_no_line_of_the_log_can_say_is_refused() {
    let folder = support::folder!();
    folder
        .write("c.toml", "store = 'store'\n[[log]]\npath = 'a.log'\nformat = '$msec $remote_addr $body_bytes_sent'\n");
    folder.write("a.log", "1322661900.001 192.0.2.7 5\n");
    folder.run(&["index", "a.log", "--config=c.toml"]).said(0, &["1 line"]);
    for field in [
        "host",
        "method",
        "path",
        "target",
        "query:a",
        "protocol",
        "status",
        "status_class",
        "request_time",
        "agent_family",
    ] {
        for value in ["=x", "!=x", "=*"] {
            for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
                let where_ = format!("--where={field}{value}");
                folder.run(&[&["records", &where_], source].concat()).said(2, &[&format!("the log has no ${field}")]);
            }
        }
    }
    // What stands in for the host is one.
    let folder = folder_of_sorts();
    folder.run(&["records", "--config=c.toml", "--where=host=b.example"]).ended(0);
}

/// The time of a request is then that of its upstreams, as in every answer.
#[test]
fn the_time_of_a_log_that_has_only_its_upstreams_is_theirs() {
    let folder = support::folder!();
    let format = "$msec $status \"$request\" \"$upstream_response_time\"";
    folder.write("c.toml", format!("store = 'store'\n[[log]]\npath = 'a.log'\nformat = '{format}'\n"));
    let line = |at: u64, time: &str| format!("1322661900.{at:03} 200 \"GET /a HTTP/1.1\" \"{time}\"\n");
    folder.write("a.log", line(1, "0.040") + &line(2, "0.700, 0.400") + &line(3, "-"));
    folder.run(&["index", "a.log", "--config=c.toml"]).said(0, &["3 lines"]);
    for (condition, expected) in
        [("request_time=>=1s", 1), ("request_time=0.040", 1), ("request_time=-", 1), ("request_time=*", 2)]
    {
        for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
            for command in ["records", "lines"] {
                let where_ = format!("--where={condition}");
                let run = folder.run(&[&[command, "--format=jsonl", &where_], source].concat());
                assert_eq!(run.ended(0).lines().count(), expected, "{command} {condition} {source:?}");
            }
        }
    }
}

#[test]
fn what_is_gone_meets_no_condition_and_the_answer_is_partial() {
    let folder = folder();
    std::fs::remove_file(folder.path("a.log")).unwrap();
    let run = folder.run(&["lines", "--where=status=5xx", "--config=c.toml"]);
    run.said(3, &["gone"]);
    assert_eq!(run.out, "");
}

/// What is no mistake and yet hardly meant is said.
#[test]
fn a_star_and_a_route_that_nobody_knows_are_said() {
    let folder = folder();
    for source in [&["--config=c.toml"][..], &["--config=c.toml", "a.log"]] {
        for command in ["lines", "records", "report", "slow"] {
            let run = folder.run(&[&[command, "--where=path=/b/*"], source].concat());
            run.said(1, &["a `*` in a value stands for itself; what begins so is path^="]);
            let run = folder.run(&[&[command, "--where=route=b.*", "--where=http_x_id=*"], source].concat());
            assert!(!run.err.contains("stands for itself"), "{}", run.err);
        }
    }
    for command in ["lines", "records", "report", "slow"] {
        let run = folder.run(&[command, "--config=c.toml", "--where=route=b.x"]);
        run.said(1, &["the store knows no route `b.x`"]);
        let run = folder.run(&[command, "--config=c.toml", "--where=route=b.c"]);
        assert!(!run.err.contains("knows no route"), "{}", run.err);
    }
}

/// A number without a unit is in that of the log's text; what keys hold is in seconds, as records have it.
#[test]
fn times_without_a_unit_are_in_that_of_the_log() {
    let folder = support::folder!();
    let (mut text, mut json) = (String::new(), String::new());
    for at in 0..20 {
        text += &format!("13226616{:02}.000 200 {} \"GET /a HTTP/1.1\"\n", at + 10, at * 100);
        json += &format!(
            "{{\"ts\":13226616{:02}.0,\"path\":\"/a\",\"status\":200,\"duration_ms\":{}}}\n",
            at + 10,
            at * 100
        );
    }
    folder.write("a.log", text);
    folder.write("a.json", json);
    let of_text = ["a.log", "--log-format=$msec $status $took \"$request\"", "--fields=took=request_time:ms"];
    for (condition, text, json) in [
        ("request_time=>=1s", 10, 10),
        ("request_time=1500ms", 1, 1),
        ("request_time=>=1000", 10, 0),
        ("request_time=>=1", 19, 10),
        ("request_time=1.5", 0, 1),
    ] {
        let where_ = format!("--where={condition}");
        let count =
            |source: &[&str]| folder.run(&[&["records", "--format=jsonl", &where_], source].concat()).lines().len();
        assert_eq!([count(&of_text), count(&["a.json"])], [text, json], "{condition}");
    }
    let run = folder.run(&[&["records", "--format=jsonl", "--where=took=>=1s"], &of_text[..]].concat());
    assert_eq!(run.lines().len(), 10);
    folder.run(&[&["records", "--where=took=x"], &of_text[..]].concat()).said(2, &["no length of time", "in ms"]);
}
