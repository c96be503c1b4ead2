//! What a token hides does not come through any way of the API, neither shown nor counted.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::Duration;

use support::program::Folder;

const FORMAT: &str = concat!(
    r#"$remote_addr $remote_user [$time_local] "$request" $status $request_time "$http_referer" "$http_user_agent" "#,
    r#""$http_x_forwarded_for" "$http_cookie" "$host" $upstream_addr msec=$msec"#
);

/// 2011-11-30 14:00:00 UTC.
const BEGIN: i64 = 1_322_661_600;

/// What a token hides, and texts that its holder must not see.
const RULES: [(&str, &[&str]); 10] = [
    ("remote_addr", &["203.0.113", "198.51.100.77"]),
    ("query", &["s3cretvalue", "tokname", "r3fquery"]),
    ("args", &["s3cretvalue", "tokname", "r3fquery"]),
    ("arg_tokname", &["s3cretvalue"]),
    ("request_uri", &["p4thsecret", "s3cretvalue", "tokname"]),
    ("request", &["p4thsecret", "s3cretvalue", "PROPFIND"]),
    ("remote_user", &["us3rsecret"]),
    ("http_user_agent", &["ag3ntsecret", "Firefox"]),
    ("cookie_sid", &["c00kiesecret"]),
    ("upstream_addr", &["10.9.8.7"]),
];

/// `spikeline serve` with a token for each rule, until the test ends.
struct RedactingServer {
    child: Child,
    port: u16,
    _folder: Folder,
}

impl Drop for RedactingServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token(number: usize) -> String {
    format!("token-number-{number}-0123456789")
}

fn server() -> RedactingServer {
    let folder = support::folder!();
    let mut log = String::new();
    for second in 0..600 {
        let end = BEGIN + second;
        let time = chrono::DateTime::from_timestamp(end, 0).unwrap().format("%d/%b/%Y:%H:%M:%S +0000");
        let took = if (300..360).contains(&second) { "2.500" } else { "0.050" };
        log += &format!(
            "203.0.113.{} us3rsecret [{time}] \"PROPFIND /git/p4thsecret?tokname=s3cretvalue&x=1 HTTP/1.1\" 200 {took} \"http://ref.example/?a b=r3fquery\" \"ag3ntsecret Firefox/9.9\" \"198.51.100.77\" \"a=1; sid=c00kiesecret\" \"h.example\" 10.9.8.7:80 msec={end}.000\n",
            second % 9 + 1,
        );
    }
    folder.write("a.log", log.as_bytes());
    let mut config = format!(
        "store = \"store\"\nhost = \"web1\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n[[route]]\nname = \"app.git\"\npath = \"/git/*\"\n"
    );
    for (number, (rule, _)) in RULES.iter().enumerate() {
        config += &format!("[[http.token]]\nfile = \"t{number}\"\nredact = [\"{rule}\"]\n");
        folder.write(&format!("t{number}"), token(number).as_bytes());
    }
    config += "[[http.token]]\nfile = \"all\"\n";
    folder.write("all", token(99).as_bytes());
    folder.write("s.toml", config.as_bytes());
    let indexed = folder.command(&["index", "--config=s.toml", "a.log"]).output().unwrap();
    assert!(indexed.status.success(), "{}", String::from_utf8_lossy(&indexed.stderr));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let child = folder.command(&["serve", "--config=s.toml", "--listen", &listen]).spawn().unwrap();
    let served = RedactingServer { child, port, _folder: folder };
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return served;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing listens at {port}");
}

impl RedactingServer {
    fn get(&self, path: &str, token: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }
}

/// Every way that asks for anything; none of them names a secret.
fn ways() -> Vec<String> {
    let (from, until) = (BEGIN, BEGIN + 600);
    let window = format!("from={from}&until={until}");
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let mut ways = Vec::new();
    for path in ["overview", "routes", "lines", "split", "percentiles"] {
        for more in ["", "&only=status:200", "&not=request_method:GET", "&box=1322661900000,1322661960000,1000,"] {
            ways.push(format!("/page/{path}?{window}{more}"));
        }
    }
    let streams = r#"{route="app.git"}"#;
    let fields = [
        "remote_addr",
        "remote_user",
        "request",
        "http_referer",
        "http_user_agent",
        "http_x_forwarded_for",
        "http_cookie",
        "host",
        "upstream_addr",
    ];
    let loki = format!("start={from}&end={until}&step=600");
    for query in [streams.to_owned(), format!("{streams} | rt > 1s"), format!("{streams} | json | logfmt")] {
        ways.push(format!("/loki/api/v1/query_range?query={}&{loki}&limit=1000", encoded(&query)));
    }
    for field in fields {
        let counts = format!("sum by ({field}) (count_over_time({streams}[10m]))");
        ways.push(format!("/loki/api/v1/query_range?query={}&{loki}", encoded(&counts)));
        ways.push(format!("/loki/api/v1/query?query={}&time={until}", encoded(&counts)));
        ways.push(format!("/loki/api/v1/query_range?query={}&{loki}", encoded(&format!("{streams} | keep {field}"))));
        ways.push(format!("/loki/api/v1/label/{field}/values?start={from}&end={until}"));
        ways.push(format!("/loki/api/v1/index/volume?query={}&targetLabels={field}&{loki}", encoded(streams)));
    }
    for path in [
        "labels?",
        "series?match[]=%7B%7D&",
        "index/stats?query=%7Broute%3D%22app.git%22%7D&",
        "detected_fields?",
        "patterns?",
    ] {
        ways.push(format!("/loki/api/v1/{path}{loki}"));
    }
    for path in [
        "/",
        "/render?target=nginx.*.*.*.*.*&format=json&from=14:00_20111130&until=14:10_20111130",
        "/metrics/find?query=*",
        "/metrics/find?query=nginx.web1.*",
        "/metrics/index.json",
        "/metrics/expand?query=*.*.*",
        "/tags/autoComplete/tags",
        "/tags/findSeries?expr=name%3D~.*",
        "/events/get_data?from=20111130&until=20111201",
        "/metrics?routes=1",
        "/at?m=app.git&t=1322661930000",
    ] {
        ways.push(path.to_owned());
    }
    ways
}

#[test]
fn what_is_hidden_comes_through_no_way() {
    let served = server();
    let ways = ways();
    let whole: String = ways.iter().map(|way| served.get(way, &token(99))).collect();
    for (number, (rule, secrets)) in RULES.iter().enumerate() {
        for secret in *secrets {
            assert!(whole.contains(secret), "`{secret}` is there to be hidden");
        }
        for way in &ways {
            let reply = served.get(way, &token(number));
            for secret in *secrets {
                assert!(
                    !reply.contains(secret),
                    "{rule}: `{secret}` comes through {way}:\n{}",
                    reply.get(..2000).unwrap_or(&reply)
                );
            }
        }
    }
}

#[test]
fn nor_is_it_told_by_what_is_found() {
    let served = server();
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (from, until) = (BEGIN, BEGIN + 600);
    let guesses = [
        ("remote_addr", "remote_addr", "203.0.113.5"),
        ("remote_addr", "http_x_forwarded_for", "198.51.100.77"),
        ("remote_addr", "remote_addr", "203.0.113.0/24"),
        ("query", "query:tokname", "s3cretvalue"),
        ("arg_tokname", "query:tokname", "s3cretvalue"),
        ("request_uri", "path", "/git/p4thsecret"),
        ("request", "request_method", "PROPFIND"),
        ("remote_user", "remote_user", "us3rsecret"),
        ("http_user_agent", "agent_family", "Firefox"),
        ("http_user_agent", "http_user_agent", "ag3ntsecret Firefox/9.9"),
        ("cookie_sid", "http_cookie", "a=1; sid=c00kiesecret"),
        ("upstream_addr", "upstream_addr", "10.9.8.7:80"),
        ("remote_addr", "net", "203.0.113.0/24"),
        ("request", "method", "PROPFIND"),
        ("request", "path^", "/git/p4th"),
        ("query", "target^", "/git/p4thsecret?tokname=s3c"),
        ("http_user_agent", "http_user_agent^", "ag3nt"),
    ];
    for (rule, field, value) in guesses {
        let number = RULES.iter().position(|(held, _)| *held == rule).unwrap();
        let guess = encoded(&format!("{field}:{value}"));
        let way = format!("/page/lines?from={from}&until={until}&only={guess}");
        let reply = served.get(&way, &token(number));
        assert!(reply.contains("\"count\":0"), "{rule}: {way}: {reply}");
        assert!(reply.contains("hidden from you is `[redacted]`"), "{rule}: {way}: {reply}");
        let open = served.get(&way, &token(99));
        assert!(!open.contains("\"count\":0"), "whoever sees all finds it: {way}: {open}");
        let query = encoded(&format!(r#"sum(count_over_time({{route="app.git"}} |= "{value}" [10m]))"#));
        let way = format!("/loki/api/v1/query?query={query}&time={until}");
        let reply = served.get(&way, &token(number));
        assert!(reply.contains("\"result\":[]"), "{rule}: {way}: {reply}");
    }
}

#[test]
fn a_rule_that_hides_nothing_is_a_mistake() {
    let folder = support::folder!();
    folder.write("t", b"0123456789012345678901234\n");
    folder.write("a.log", b"192.0.2.7 - - [30/Nov/2011:14:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"-\"\n");
    assert!(folder.command(&["index", "--store=store", "a.log"]).output().unwrap().status.success());
    for (rule, said) in [("remote_adr", "did you mean `remote_addr`"), ("status", "cannot be hidden")] {
        let config = format!(
            "store = \"store\"\n[[log]]\npath = \"a.log\"\nformat = \"combined\"\n[[http.token]]\nfile = \"t\"\nredact = [\"{rule}\"]\n"
        );
        folder.write("s.toml", config.as_bytes());
        let refused = folder.command(&["serve", "--config=s.toml", "--listen=127.0.0.1:0"]).output().unwrap();
        let words = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && words.contains(said), "{words}");
    }
}
