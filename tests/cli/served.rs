//! The server from outside: who is let in, what each sees, Loki, metrics, events, and clients that mean no good.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::Duration;

use serde_json::Value;
use support::program::Folder;

const FORMAT: &str = r#"$remote_addr [$time_local] "$request" $status $request_time msec=$msec"#;

/// 2011-11-30 14:00:00 UTC.
const BEGIN: i64 = 1_322_661_600;

/// `spikeline serve`, until the test ends.
pub(crate) struct GuardedServer {
    pub(crate) child: Child,
    pub(crate) port: u16,
    /// There until the server is not.
    pub(crate) folder: Folder,
}

impl Drop for GuardedServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl GuardedServer {
    pub(crate) fn of(folder: Folder) -> GuardedServer {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let mut command = folder.command(&["serve", "--config=s.toml", "--listen", &listen]);
        let served = GuardedServer { child: command.spawn().unwrap(), port, folder };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return served;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("nothing listens at {port}");
    }

    /// Status, head and body of a GET with these headers.
    pub(crate) fn get(&self, path: &str, headers: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let host = if headers.contains("Host:") { "" } else { "Host: localhost\r\n" };
        let request = format!("GET {path} HTTP/1.1\r\n{host}{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    /// What Loki answers about the hour, with these headers.
    fn loki(&self, query: &str, more: &str, headers: &str) -> (u16, String) {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let (start, end) = (BEGIN, BEGIN + 3600);
        let path = format!("/loki/api/v1/query_range?query={query}&start={start}&end={end}&step=3600&{more}");
        let (status, _, body) = self.get(&path, headers);
        (status, body)
    }
}

/// An hour of 20 requests a second of one route, slow from minute 40 to 43, with a query in each.
pub(crate) fn folder_with(config: &str) -> Folder {
    let folder = support::folder!();
    let mut log = String::new();
    for second in 0..3600 {
        for tenth in [0, 500] {
            let took = if (2400..2580).contains(&second) { "2.500" } else { "0.050" };
            let time = chrono::DateTime::from_timestamp(BEGIN + second, 0).unwrap().format("%d/%b/%Y:%H:%M:%S +0000");
            log += &format!(
                "192.0.2.7 [{time}] \"GET /git/tree?token=s3cret{second} HTTP/1.1\" 200 {took} msec={}.{tenth:03}\n",
                BEGIN + second
            );
        }
    }
    folder.write("a.log", log.as_bytes());
    let text = format!(
        "store = \"store\"\nhost = \"web1\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n[[route]]\nname = \"app.git\"\npath = \"/git/*\"\n{config}"
    );
    folder.write("s.toml", text.as_bytes());
    assert!(folder.command(&["index", "--config=s.toml", "a.log"]).output().unwrap().status.success());
    folder
}

#[test]
fn strangers_are_refused_and_every_answer_has_its_policy() {
    let served = GuardedServer::of(folder_with(""));
    let (status, head, _) = served.get("/", "");
    assert_eq!(status, 200);
    assert!(head.contains("content-security-policy: default-src 'none'") && head.contains("nosniff"), "{head}");
    assert_eq!(served.get("/", "Host: evil.example\r\n").0, 421);
    assert_eq!(served.get("/", "Origin: http://evil.example\r\n").0, 403);
    assert_eq!(served.get("/nothing", "").0, 404);
}

#[test]
fn loki_gives_lines_and_counts_and_refuses_by_name() {
    let served = GuardedServer::of(folder_with(""));
    let lines = |query: &str, more: &str| -> Vec<String> {
        let (status, body) = served.loki(query, more, "");
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert!(answer.get("warnings").is_none(), "{body}");
        let streams = answer["data"]["result"].as_array().unwrap().clone();
        let values = streams.iter().flat_map(|stream| stream["values"].as_array().unwrap().clone());
        values.map(|value| value[1].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(lines(r#"{route="app.git"} | rt > 2s"#, "limit=5000").len(), 360);
    assert!(lines(r#"{route="app.git"}"#, "limit=1")[0].contains("s3cret3599"));
    assert!(lines(r#"{route="app.git"}"#, "limit=1&direction=forward")[0].contains("s3cret0 "));
    assert_eq!(lines(r#"{route="app.git"} |= "s3cret77 ""#, "limit=100").len(), 2);
    let (_, counts) = served.loki(r#"sum(count_over_time({route="app.git"}[1h]))"#, "", "");
    assert!(counts.contains(&format!("[{},\"7200\"]", BEGIN + 3600)), "{counts}");
    let (status, refused) = served.loki(r#"{route="app.git"} | unwrap rt"#, "", "");
    assert!(status == 400 && refused.contains("col 21: `unwrap` is not supported here"), "{refused}");
}

#[test]
fn what_grafana_makes_of_a_graphite_query_finds_its_lines() {
    let served = GuardedServer::of(folder_with("[[carbon]]\naddress = \"127.0.0.1:9\"\nhost = \"web1.example\"\n"));
    let count = |query: &str| {
        let (status, body) = served.loki(&format!("sum(count_over_time({query}[1h]))"), "", "");
        assert_eq!(status, 200, "{query}: {body}");
        body.split("\"]").next().and_then(|text| text.rsplit('"').next()).and_then(|text| text.parse::<u32>().ok())
    };
    for (query, lines) in [
        (r#"{host="web1", route_1="app", route_2="git"}"#, Some(7200)),
        (r#"{host="web1_example", route_1="app", route_2="g*"}"#, Some(7200)),
        (r#"{route_1="app", route_2=~"(git|wiki)"}"#, Some(7200)),
        (r#"{name="nginx.request_time.p99", route="app.git"}"#, Some(7200)),
        (r#"{name="nginx.status.5xx", route="app.git"}"#, None),
        (r#"{route_1="app", route_2="git", route_3="x"}"#, None),
        (r#"{host="web2", route_1="app"}"#, None),
    ] {
        assert_eq!(count(query), lines, "{query}");
    }
    let folder = folder_with("");
    folder.run(&["grafana", "--config=s.toml", "--page=http://web1:8417", "--out=g"]).ended(0);
    let sources = std::fs::read_to_string(folder.path("g/spikeline-datasources.yaml")).unwrap();
    let mappings: Vec<Value> = sources
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- matchers: "))
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(mappings.len(), 2, "one for each number of nodes: {sources}");
    let names: Vec<&str> =
        mappings[1].as_array().unwrap().iter().map(|it| it["labelName"].as_str().unwrap_or("*")).collect();
    assert_eq!(names, ["*", "host", "route_1", "route_2", "*", "*"]);
}

#[test]
fn a_token_lets_in_and_hides_what_its_holder_may_not_see() {
    let config =
        "[[http.token]]\nfile = \"all\"\n[[http.token]]\nfile = \"some\"\nredact = [\"query\", \"remote_addr\"]\n";
    let folder = folder_with(config);
    folder.write("all", b"all-of-it-0123456789\n");
    folder.write("some", b"some-of-it-0123456789\n");
    let served = GuardedServer::of(folder);
    assert_eq!(served.get("/", "").0, 401);
    let query = r#"{route="app.git"} | rt > 2s"#;
    let (_, whole) = served.loki(query, "", "Authorization: Bearer all-of-it-0123456789\r\n");
    assert!(whole.contains("s3cret") && whole.contains("192.0.2.7"), "{whole}");
    let guest = "Authorization: Bearer some-of-it-0123456789\r\n";
    let (_, less) = served.loki(query, "", guest);
    assert!(less.contains("/git/tree?[redacted]"), "{less}");
    assert!(!less.contains("s3cret") && !less.contains("192.0.2.7"), "{less}");
    // Nor by asking for it.
    let (_, none) = served.loki(r#"{route="app.git"} |= "s3cret2401""#, "", guest);
    assert!(none.contains("\"result\":[]"), "{none}");
    let (_, none) = served.loki(r#"{route="app.git"} | remote_addr="192.0.2.7" | rt > 2s"#, "", guest);
    assert!(none.contains("\"result\":[]"), "{none}");
}

#[test]
fn prometheus_reads_what_was_counted() {
    let served = GuardedServer::of(folder_with(""));
    let (_, _, text) = served.get("/metrics?routes=1", "");
    for line in [
        "spikeline_lines_total{result=\"parsed\"} 7200",
        "spikeline_request_duration_seconds_bucket{host=\"web1\",route=\"app.git\",le=\"0.05\"} 6840",
        "spikeline_request_duration_seconds_count{host=\"web1\",route=\"app.git\"} 7200",
        "spikeline_requests_total{host=\"web1\",route=\"app.git\",status_class=\"2xx\"} 7200",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn those_who_connect_and_say_nothing_keep_nobody_out() {
    let served = GuardedServer::of(folder_with("[http]\nconnections = 8\n"));
    let mut silent = Vec::new();
    for number in 0..60 {
        let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
        if number % 2 == 0 {
            let _half = stream.write_all(b"GET / HTTP/1.1\r\nHost: loc");
        }
        silent.push(stream);
    }
    for _ in 0..5 {
        assert_eq!(served.get("/version", "").0, 200);
    }
}

#[test]
fn an_address_that_strangers_reach_needs_a_token() {
    let folder = folder_with("");
    let refused = folder.command(&["serve", "--config=s.toml", "--listen=0.0.0.0:1"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("token = \"FILE\""));
}

#[test]
fn an_episode_is_one_event_with_its_link_and_command() {
    let folder = folder_with("");
    let shown = folder
        .command(&["events", "--config=s.toml", "--dry-run", "--since=20111130", "--format=jsonl"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(text.lines().count(), 1, "{text}{}", String::from_utf8_lossy(&shown.stderr));
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event["route"], "app.git");
    assert_eq!(event["from"].as_f64(), Some(f64::from(u32::try_from(BEGIN + 2400).unwrap())));
    assert!(event["link"].as_str().unwrap().starts_with("http://127.0.0.1:8417/at?m=app.git&from=1322664000000"));
    assert!(
        event["command"]
            .as_str()
            .unwrap()
            .contains("lines --config s.toml --route app.git --from 2011-11-30T14:40:00Z")
    );
    let refused = folder.command(&["events", "--config=s.toml"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}
