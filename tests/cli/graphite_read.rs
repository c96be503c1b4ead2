//! Graphite's read API, asked over HTTP of a store: what is drawn is what was counted.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::time::Duration;

use serde_json::{Value, json};
use support::program::Folder;

const FORMAT: &str = r#"$remote_addr [$time_local] "$request" $status $request_time msec=$msec"#;

/// 2011-11-30 14:00:00 UTC.
const BEGIN: i64 = 1_322_661_600;

/// `spikeline serve`, until the test ends.
struct Served {
    child: Child,
    port: u16,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn of(folder: &Folder) -> Served {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let child = folder.command(&["serve", "--config=s.toml", "--listen", &listen]).spawn().unwrap();
        let served = Served { child, port };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return served;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("nothing listens at {port}");
    }

    /// The status and the body.
    fn ask(&self, method: &str, path: &str, form: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n", self.port);
        let body = match method {
            "POST" => format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            ),
            _ => "\r\n".to_owned(),
        };
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    /// The values of a target over the second minute.
    fn values(&self, target: &str) -> Vec<Value> {
        let target: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
        let rendered =
            self.json(&format!("/render?target={target}&from={}&until={}&format=json", BEGIN + 50, BEGIN + 110));
        rendered
            .as_array()
            .unwrap()
            .iter()
            .map(|it| json!(it["datapoints"].as_array().unwrap().iter().map(|point| &point[0]).collect::<Vec<_>>()))
            .collect()
    }
}

/// Three minutes: of `a` 100 requests a slot, of 1 to 100 ms; of `b` in each slot one of 1 s.
fn folder() -> Folder {
    let folder = support::folder!();
    let mut log = String::new();
    for slot in 0..18_i64 {
        let end = BEGIN + slot * 10 + 5;
        let clock = format!("30/Nov/2011:14:{:02}:{:02} +0000", (slot * 10 + 5) / 60, (slot * 10 + 5) % 60);
        for millis in 1..=100 {
            log += &format!("192.0.2.7 [{clock}] \"GET /a HTTP/1.1\" 200 0.{millis:03} msec={end}.000\n");
        }
        log += &format!("192.0.2.7 [{clock}] \"GET /b HTTP/1.1\" 502 1.000 msec={end}.000\n");
    }
    folder.write("a.log", log);
    folder.write(
        "s.toml",
        format!("store = \"store\"\nhost = \"web1\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n[[carbon]]\naddress = \"127.0.0.1:9\"\n"),
    );
    folder.run(&["index", "a.log", "--config=s.toml"]).ended(0);
    folder
}

#[test]
fn series_are_rendered_as_they_were_counted() {
    let folder = folder();
    let served = Served::of(&folder);
    let six = |value: f64| json!(vec![value; 6]);
    assert_eq!(served.values("nginx.web1.a.request_time.p99"), [six(99.0)]);
    assert_eq!(served.values("nginx.web1.a.request_time.p42"), [six(42.0)], "also one that is not sent");
    assert_eq!(served.values("nginx.*.*.requests.count"), [six(100.0), six(1.0)]);
    assert_eq!(served.values("sumSeries(nginx.web1.{a,b}.status.5xx)"), [six(1.0)]);
    assert_eq!(served.values("scale(nginx.web1.b.request_time.max, 0.001)"), [six(1.0)]);
    assert_eq!(served.values("nothing.at.all").len(), 0);
    // 101 requests a slot: the 100th of them takes 100 ms, and the 101st a second.
    assert_eq!(served.values("mergeSeries(nginx.web1.*.request_time.p99)"), [six(100.0)]);
    assert_eq!(served.values("mergeSeries(nginx.web1.*.request_time.max)"), [six(1000.0)]);
    assert_eq!(served.values("averageSeries(nginx.web1.*.request_time.p99)"), [six(549.5)], "as Graphite would");
}

#[test]
fn a_longer_point_is_of_all_its_requests() {
    let folder = support::folder!();
    let mut log = String::new();
    // Slots of one slow request, or of 99 quick ones: the average of their p99 is about half, the p99 of all is quick.
    for slot in 0..60_i64 {
        let second = slot * 10 + 5;
        let clock = format!("30/Nov/2011:14:{:02}:{:02} +0000", second / 60, second % 60);
        let (count, time) = if slot % 2 == 0 { (1, "1.000") } else { (99, "0.010") };
        for _ in 0..count {
            log += &format!("192.0.2.7 [{clock}] \"GET /a HTTP/1.1\" 200 {time} msec={}.000\n", BEGIN + second);
        }
    }
    folder.write("a.log", log);
    folder.write(
        "s.toml",
        format!("store = \"store\"\nhost = \"web1\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n"),
    );
    folder.run(&["index", "a.log", "--config=s.toml"]).ended(0);
    let served = Served::of(&folder);
    let of = |target: &str, most: u32| {
        let path =
            format!("/render?target={target}&from={}&until={}&format=json&maxDataPoints={most}", BEGIN, BEGIN + 600);
        served.json(&path)[0]["datapoints"].clone()
    };
    let exact = of("nginx.web1.a.request_time.p99", 10);
    assert!(exact.as_array().unwrap().iter().all(|point| point[0] == 10.0 || point[0].is_null()), "{exact}");
    assert_eq!(exact[0][1].as_i64().unwrap() % 60, 0, "{exact}");
    let averaged = of("consolidateBy(nginx.web1.a.request_time.p99,'average')", 10);
    assert_eq!(averaged[1][0], 505.0, "{averaged}");
    let one = of("nginx.web1.a.request_time.p99", 1);
    assert_eq!((one.as_array().unwrap().len(), &one[0][0]), (1, &json!(10.0)), "{one}");
}

/// An answer reads the store for all of its targets together.
#[test]
fn many_targets_are_what_each_is_alone() {
    let folder = folder();
    let served = Served::of(&folder);
    let targets = [
        "nginx.web1.a.request_time.p99",
        "nginx.web1.b.request_time.p99",
        "nginx.*.*.requests.count",
        "alias(nginx.web1.a.request_time.p99,'again')",
        "mergeSeries(nginx.web1.*.request_time.p99)",
        "mergeSeries(nginx.web1.{a,b}.request_time.max)",
        "movingAverage(nginx.web1.a.requests.count,3)",
        "movingMax(nginx.web1.*.request_time.max,'30s')",
        "sumSeries(nginx.web1.a.requests.count,nginx.web1.a.requests.count,nginx.web1.b.requests.count)",
        "removeBelowValue(nginx.web1.*.request_time.p50,100)",
        "highestCurrent(group(nginx.web1.a.requests.count,timeShift(nginx.web1.a.requests.count,'1min')),1)",
        "asPercent(nginx.web1.*.requests.count)",
        "nothing.at.all",
    ];
    let encoded = |target: &str| form_urlencoded::byte_serialize(target.as_bytes()).collect::<String>();
    for most in [1, 3, 7, 1000] {
        let rest = format!("&from={}&until={}&format=json&maxDataPoints={most}", BEGIN + 50, BEGIN + 170);
        let mut each = Vec::new();
        for target in targets {
            let alone = served.json(&format!("/render?target={}{rest}", encoded(target)));
            each.extend(alone.as_array().unwrap().iter().cloned());
        }
        let asked: Vec<String> = targets.iter().map(|target| format!("target={}", encoded(target))).collect();
        let together = served.json(&format!("/render?{}{rest}", asked.join("&")));
        assert_eq!(together.as_array().unwrap(), &each, "{most}");
        assert!(each.len() > targets.len());
    }
    // What fails fails as it did.
    let (status, body) =
        served.ask("GET", "/render?format=json&target=nginx.web1.a.requests.count&target=holtWinters(nginx.*)", "");
    assert!(status == 400 && body.contains("`holtWinters` is not supported"), "{status} {body}");
}

#[test]
fn what_grafana_sends_is_answered() {
    let folder = folder();
    let served = Served::of(&folder);
    assert_eq!(served.ask("GET", "/version", "").1, "1.1.10");
    assert_eq!(served.json("/functions")["aliasSub"]["group"], "Alias");
    let form = format!(
        "target=aliasSub(nginx.web1.a.request_time.p99%2C%22(%5E.*%24)%22%2C%22%5C1%20A%22)&from={}&until={}&format=json&maxDataPoints=1200",
        BEGIN,
        BEGIN + 60
    );
    let (status, body) = served.ask("POST", "/render", &form);
    let rendered: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, rendered[0]["target"].as_str()), (200, Some("nginx.web1.a.request_time.p99 A")), "{body}");
    assert_eq!(rendered[0]["tags"]["name"], "nginx.web1.a.request_time.p99");
    let (_, health) = served.ask(
        "POST",
        "/render",
        &format!("target=constantLine(100)&from={BEGIN}&until={}&format=json&maxDataPoints=300", BEGIN + 300),
    );
    assert_eq!(
        health,
        format!(
            "[{{\"target\":\"100.0\",\"tags\":{{\"name\":\"100.0\"}},\"datapoints\":[[100.0,{BEGIN}],[100.0,{}],[100.0,{}]]}}]",
            BEGIN + 150,
            BEGIN + 300
        )
    );
    let (_, found) = served.ask("POST", "/metrics/find", "query=nginx.*");
    assert_eq!(found, r#"[{"text":"web1","id":"nginx.web1","allowChildren":1,"expandable":1,"leaf":0,"context":{}}]"#);
    assert_eq!(
        served.json("/metrics/expand?query=nginx.web1.*.requests.count")["results"],
        json!(["nginx.web1.a.requests.count", "nginx.web1.b.requests.count"])
    );
    // Nothing has an upstream here, so no series of one is offered.
    let index = served.json("/metrics/index.json");
    assert!(index.as_array().unwrap().iter().all(|name| !name.as_str().unwrap().contains("upstream")));
    assert_eq!(served.json("/events/get_data?from=-1h&until=now"), json!([]));
    assert_eq!(served.json("/tags/autoComplete/tags"), json!([]), "no [[carbon]] here has tags");
    for (path, said) in [
        (
            "/render?target=holtWinters(nginx.web1.a.requests.count)&format=json",
            "the function `holtWinters` is not supported",
        ),
        ("/render?target=alias(nginx.web1.a&format=json", "the text ends within a call"),
        ("/render?target=a&format=png", "the format `png` is not supported"),
        ("/render?target=a&format=json&from=rightnow", "from=rightnow"),
    ] {
        let (status, body) = served.ask("GET", path, "");
        assert!(status == 400 && body.contains(said), "{path}: {status} {body}");
    }
    let csv = served
        .ask(
            "GET",
            &format!("/render?target=nginx.web1.b.requests.count&from={BEGIN}&until={}&format=csv&tz=UTC", BEGIN + 20),
            "",
        )
        .1;
    assert_eq!(
        csv,
        "nginx.web1.b.requests.count,2011-11-30 14:00:10,1.0\r\nnginx.web1.b.requests.count,2011-11-30 14:00:20,1.0\r\n"
    );
    let raw = served
        .ask(
            "GET",
            &format!("/render?target=nginx.web1.b.requests.count&from={BEGIN}&until={}&format=raw", BEGIN + 20),
            "",
        )
        .1;
    assert_eq!(raw, format!("nginx.web1.b.requests.count,{},{},10|1.0,1.0\n", BEGIN + 10, BEGIN + 30));
}
