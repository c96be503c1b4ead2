//! A made-up collector of OpenTelemetry: it reads requests of OTLP/HTTP, keeps what it takes, and misbehaves as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use prost::Message;

/// What it does with one request.
#[derive(Clone)]
pub(crate) enum Does {
    /// Takes it, and answers 200.
    Take,
    /// Takes it but for so many points, and says this.
    TakePartly(u64, &'static str),
    /// Takes nothing, and answers so: status line and headers, then a body.
    Say(&'static str, &'static str),
    /// Reads it, and is silent for ever.
    Hang,
}

/// A data point of whatever kind: its metric, and what all have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) metric: String,
    /// `key=value` each.
    pub(crate) attributes: Vec<String>,
    /// Seconds: where its slot begins and ends.
    pub(crate) span: (u64, u64),
    /// Of a histogram its count, else the value.
    pub(crate) value: f64,
    /// Of a histogram.
    pub(crate) sum: Option<f64>,
}

#[derive(Default)]
struct Heard {
    taken: Vec<Told>,
    /// Attributes of the resource.
    resource: Vec<String>,
    /// The heads of all requests, and when each had come.
    heads: Vec<(String, Instant)>,
    next: VecDeque<Does>,
    usual: Option<Does>,
}

pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

impl Collector {
    pub(crate) fn new() -> Collector {
        Collector::listen("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn listen(address: SocketAddr) -> Collector {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let taken = Arc::clone(&heard);
        // The threads end with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&taken);
                std::thread::spawn(move || serve(connection, &taken));
            }
        });
        Collector { address, heard }
    }

    /// An `[[otlp]]` section that sends here.
    pub(crate) fn section(&self) -> String {
        format!("[[otlp]]\nendpoint = \"http://{}/v1/metrics\"\n", self.address)
    }

    /// What it does with the next requests, each once.
    pub(crate) fn next(&self, does: &[Does]) {
        self.heard.lock().unwrap().next.extend(does.iter().cloned());
    }

    /// What it does from now on; nothing means that it takes.
    pub(crate) fn usually(&self, does: Option<Does>) {
        self.heard.lock().unwrap().usual = does;
    }

    pub(crate) fn requests(&self) -> usize {
        self.heard.lock().unwrap().heads.len()
    }

    pub(crate) fn heads(&self) -> Vec<(String, Instant)> {
        self.heard.lock().unwrap().heads.clone()
    }

    pub(crate) fn resource(&self) -> Vec<String> {
        self.heard.lock().unwrap().resource.clone()
    }

    pub(crate) fn taken(&self) -> Vec<Told> {
        self.heard.lock().unwrap().taken.clone()
    }

    /// By the second in which their slots begin, how many requests of a route it has been told of in durations.
    pub(crate) fn durations(&self, route: &str) -> BTreeMap<u64, Vec<f64>> {
        let mut durations: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for told in self.taken() {
            if told.metric == "http.server.request.duration" && told.attributes[0] == format!("http.route={route}") {
                durations.entry(told.span.0).or_default().push(told.value);
            }
        }
        durations
    }
}

fn serve(connection: TcpStream, heard: &Mutex<Heard>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if let Some(text) = line.to_lowercase().strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    if head.to_lowercase().contains("content-encoding: gzip") {
        let packed = std::mem::take(&mut body);
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut body).unwrap();
    }
    let does = {
        let mut heard = heard.lock().unwrap();
        heard.heads.push((head, Instant::now()));
        let next = heard.next.pop_front();
        let does = next.or_else(|| heard.usual.clone()).unwrap_or(Does::Take);
        if matches!(does, Does::Take | Does::TakePartly(..)) {
            let request = Request::decode(body.as_slice()).unwrap();
            heard.resource =
                request.resources.iter().flat_map(|held| texts(&held.resource.as_ref().unwrap().attributes)).collect();
            heard.taken.extend(told(&request));
        }
        does
    };
    let (line, body) = match does {
        Does::Take => ("200 OK\r\nContent-Type: application/x-protobuf".to_owned(), Vec::new()),
        Does::TakePartly(rejected, message) => {
            let partial = Some(Partial { rejected: rejected.cast_signed(), message: message.to_owned() });
            ("200 OK\r\nContent-Type: application/x-protobuf".to_owned(), Response { partial }.encode_to_vec())
        }
        Does::Say(line, body) => (line.to_owned(), body.as_bytes().to_vec()),
        Does::Hang => {
            std::thread::sleep(Duration::from_secs(3600));
            return;
        }
    };
    let head = format!("HTTP/1.1 {line}\r\nContent-Length: {}\r\n\r\n", body.len());
    // Who was killed hears no answer.
    drop((&connection).write_all(&[head.as_bytes(), &body].concat()));
}

fn texts(attributes: &[KeyValue]) -> Vec<String> {
    attributes.iter().map(|held| format!("{}={}", held.key, held.value.as_ref().unwrap().text)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn told(request: &Request) -> Vec<Told> {
    let mut all = Vec::new();
    let metrics = request.resources.iter().flat_map(|held| &held.scopes).flat_map(|scope| &scope.metrics);
    for metric in metrics {
        let numbers = metric.gauge.iter().chain(&metric.sum).flat_map(|held| &held.points);
        for point in numbers {
            let value = point.as_double.unwrap_or_else(|| point.as_int.unwrap() as f64);
            all.push(told_one(&metric.name, texts(&point.attributes), (point.start, point.time), value, None));
        }
        for point in metric.exponential.iter().flat_map(|held| &held.points) {
            let positive = point.positive.as_ref().unwrap();
            assert_eq!(point.zeros + positive.counts.iter().sum::<u64>(), point.count, "{}", metric.name);
            let span = (point.start, point.time);
            all.push(told_one(&metric.name, texts(&point.attributes), span, point.count as f64, Some(point.sum)));
        }
        for point in metric.explicit.iter().flat_map(|held| &held.points) {
            assert_eq!(point.counts.iter().sum::<u64>(), point.count, "{}", metric.name);
            assert_eq!(point.counts.len(), point.bounds.len() + 1, "{}", metric.name);
            let span = (point.start, point.time);
            all.push(told_one(&metric.name, texts(&point.attributes), span, point.count as f64, Some(point.sum)));
        }
    }
    all
}

fn told_one(metric: &str, attributes: Vec<String>, nanos: (u64, u64), value: f64, sum: Option<f64>) -> Told {
    let span = (nanos.0 / 1_000_000_000, nanos.1 / 1_000_000_000);
    Told { metric: metric.to_owned(), attributes, span, value, sum }
}

// What is looked at of opentelemetry-proto's messages.

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(message, repeated, tag = "1")]
    resources: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scopes: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, tag = "1")]
    text: String,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeMetrics {
    #[prost(message, repeated, tag = "2")]
    metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "5")]
    gauge: Option<Numbers>,
    #[prost(message, optional, tag = "7")]
    sum: Option<Numbers>,
    #[prost(message, optional, tag = "9")]
    explicit: Option<Explicit>,
    #[prost(message, optional, tag = "10")]
    exponential: Option<Exponential>,
}

#[derive(Clone, PartialEq, Message)]
struct Numbers {
    #[prost(message, repeated, tag = "1")]
    points: Vec<Number>,
}

#[derive(Clone, PartialEq, Message)]
struct Number {
    #[prost(fixed64, tag = "2")]
    start: u64,
    #[prost(fixed64, tag = "3")]
    time: u64,
    #[prost(double, optional, tag = "4")]
    as_double: Option<f64>,
    #[prost(sfixed64, optional, tag = "6")]
    as_int: Option<i64>,
    #[prost(message, repeated, tag = "7")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct Explicit {
    #[prost(message, repeated, tag = "1")]
    points: Vec<ExplicitPoint>,
}

#[derive(Clone, PartialEq, Message)]
struct ExplicitPoint {
    #[prost(fixed64, tag = "2")]
    start: u64,
    #[prost(fixed64, tag = "3")]
    time: u64,
    #[prost(fixed64, tag = "4")]
    count: u64,
    #[prost(double, tag = "5")]
    sum: f64,
    #[prost(fixed64, repeated, tag = "6")]
    counts: Vec<u64>,
    #[prost(double, repeated, tag = "7")]
    bounds: Vec<f64>,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct Exponential {
    #[prost(message, repeated, tag = "1")]
    points: Vec<ExponentialPoint>,
}

#[derive(Clone, PartialEq, Message)]
struct ExponentialPoint {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "2")]
    start: u64,
    #[prost(fixed64, tag = "3")]
    time: u64,
    #[prost(fixed64, tag = "4")]
    count: u64,
    #[prost(double, tag = "5")]
    sum: f64,
    #[prost(fixed64, tag = "7")]
    zeros: u64,
    #[prost(message, optional, tag = "8")]
    positive: Option<Buckets>,
}

#[derive(Clone, PartialEq, Message)]
struct Buckets {
    #[prost(uint64, repeated, tag = "2")]
    counts: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial: Option<Partial>,
}

#[derive(Clone, PartialEq, Message)]
struct Partial {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    message: String,
}
