//! What strangers ask who mean no good: each question costs little, is answered or refused with a word, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::served::{GuardedServer, folder_with};

const P99: &str = "nginx.web1.app.git.request_time.p99";

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn render(target: &str, more: &str) -> String {
    format!("/render?format=json&target={}&{more}", escaped(target))
}

/// `call(call(.. inner ..))`
fn nested(call: &str, inner: &str, behind: &str, depth: usize) -> String {
    format!("{}{inner}{}", format!("{call}(").repeat(depth), format!("{behind})").repeat(depth))
}

/// Status and body of a POST of a form.
fn post(served: &GuardedServer, path: &str, form: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        form.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // Refused before it is read, the rest has nowhere to go.
    let _cut_off = stream.write_all(form.as_bytes());
    let mut reply = Vec::new();
    let _reset = stream.read_to_end(&mut reply);
    let reply = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), body.to_owned())
}

/// The most memory that the server had, in MiB.
fn memory(served: &GuardedServer) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// A question costs the memory of its answer: 200 MiB of which are the debug build's own, three million values and their text.
const MOST_MIB: u64 = 500;

#[test]
fn questions_that_mean_no_good_are_refused_with_a_word() {
    let served = GuardedServer::of(folder_with(""));
    let year = "from=20110101&until=20111231";
    let ages = "from=19000101&until=20261122";
    let word = |path: &str| {
        let (status, _, body) = served.get(path, "");
        assert!(matches!(status, 400 | 404 | 413 | 414 | 431 | 503), "{status} {path:.200}: {body:.200}");
        assert!(memory(&served) < MOST_MIB, "{} MiB after {path:.200}", memory(&served));
        body
    };
    let doubled = nested("aliasSub", P99, ",'.','\\0\\0'", 40);
    for (target, more, expected) in [
        (format!("summarize({P99},'1s')"), ages, "too many"),
        (format!("summarize({P99},'9000000000000d')"), year, "no time such as"),
        (format!("movingAverage({P99},1000000000000000000)"), year, "thousand years"),
        (format!("movingMax({P99},'999999d')"), year, "thousand years"),
        (format!("timeShift({P99},'999999d')"), year, "thousand years"),
        (doubled, year, "a name of more than"),
        (nested("scale", P99, ",1", 10_000), year, ""),
        (nested("(", "a", "", 5_000), year, ""),
        (format!("group({})", vec![P99; 900].join(",")), year, "too many"),
        (format!("grep({P99},'(.{{1000}}){{1000}}')"), year, "comes to too much"),
        ("seriesByTag('route=~(.{1000}){1000}')".to_owned(), year, "comes to too much"),
        (format!("seriesByTag({})", vec!["'route=~.'"; 500].join(",")), year, "expressions of tags"),
        ("{a,b}".repeat(64), year, "too many names"),
    ] {
        let body = word(&render(&target, more));
        assert!(body.contains(expected), "{target:.100}: {body:.300}");
    }
    for path in [
        "/page/overview?from=2011-11-30&until=2011-11-29",
        "/page/overview?from=x",
        "/page/overview?box=1,2",
        "/page/overview?click=1",
        "/page/overview?only=status",
        "/page/overview?tz=Nowhere/Else",
        "/at?m=alias(nginx",
        &format!("/page/routes?from=2011-11-30&until=2011-12-01{}", "&route=graphite:*.{a,b}.*".repeat(600)),
        &format!("/page/overview?from=2011-11-30&until=2011-12-01{}", "&not=status:5xx".repeat(60)),
        &format!("/render?{}", "a".repeat(70_000)),
        "/loki/api/v1/query_range?query=((((",
        &format!("/loki/api/v1/query_range?query={}1{}", "(".repeat(9_000), ")".repeat(9_000)),
        "/nothing/here",
    ] {
        word(path);
    }
    assert_eq!(served.get("/version", "").0, 200);
}

#[test]
fn questions_that_are_only_odd_are_answered() {
    let served = GuardedServer::of(folder_with(""));
    let window = "from=14:00_20111130&until=15:00_20111130&tz=UTC";
    for most in ["0", "1", "-1", "1000000000000000000", "1e18", "x", ""] {
        let (status, _, body) = served.get(&render(P99, &format!("{window}&maxDataPoints={most}")), "");
        assert!(status == 200 && body.starts_with("[{\"target\":"), "{most}: {status} {body:.200}");
    }
    for path in [
        "/page/overview?from=0&until=253402300799",
        "/page/routes?from=0&until=253402300799",
        "/page/overview?width=1e308&height=NaN&from=2011-11-30&until=2011-12-01",
        "/page/overview?width=-1&height=inf&from=2011-11-30&until=2011-12-01",
        "/page/routes?limit=99999999999999999999&offset=18446744073709551615",
        "/page/lines?offset=99999999999&limit=0&from=2011-11-30&until=2011-12-01",
        "/metrics/find?query=*.*.*.*.*.*",
        "/metrics/find?query=%zz%00%ff%",
        "/metrics/expand?query=%2a&query=&groupByExpr=1",
        "/tags/autoComplete/values?tag=route&limit=99999999999999999999999",
        "/?%3Cscript%3E=1",
    ] {
        let (status, _, body) = served.get(path, "");
        assert_eq!(status, 200, "{path}: {body:.300}");
    }
    assert!(memory(&served) < MOST_MIB, "{} MiB", memory(&served));
}

#[test]
fn forms_are_bounded_too() {
    let served = GuardedServer::of(folder_with(""));
    let marks = format!("format=json&template[a]={}&target=template({})", "x".repeat(400_000), "$a".repeat(30_000));
    let (status, body) = post(&served, "/render", &marks);
    assert!(status == 400 && body.contains("too much text"), "{status} {body:.200}");
    let many = format!("format=json{}", format!("&target={P99}").repeat(10_000));
    let (status, body) = post(&served, "/render", &many);
    assert!(status == 400 && body.contains("10000 targets are too many"), "{status} {body:.200}");
    let (status, body) = post(&served, "/render", &"a".repeat(2 << 20));
    assert!(matches!(status, 0 | 413), "{status} {body:.200}");
    let globs = "&query=nginx.*.*.*.request_time.*".repeat(2_000);
    let (status, body) = post(&served, "/metrics/expand", &globs);
    assert!(matches!(status, 200 | 400 | 503), "{status} {body:.200}");
    assert!(memory(&served) < MOST_MIB, "{} MiB", memory(&served));
    // Those who begin a large form and do not end it leave room for others, up to a bound that is said.
    let mut held = Vec::new();
    for _ in 0..24 {
        let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
        let head = "POST /render HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1048576\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let _refused = stream.write_all(&vec![b'a'; 1_000_000]);
        held.push(stream);
    }
    assert_eq!(served.get("/metrics/find?query=*", "").0, 200);
    assert!(memory(&served) < MOST_MIB, "{} MiB", memory(&served));
}
