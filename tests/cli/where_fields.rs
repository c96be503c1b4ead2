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

#[test]
fn what_is_gone_meets_no_condition_and_the_answer_is_partial() {
    let folder = folder();
    std::fs::remove_file(folder.path("a.log")).unwrap();
    let run = folder.run(&["lines", "--where=status=5xx", "--config=c.toml"]);
    run.said(3, &["gone"]);
    assert_eq!(run.out, "");
}
