//! Requests, the lines that nginx would write for them, and the answers counted from the requests themselves.

use std::collections::BTreeMap;

/// 30 Nov 2011 14:05:00 UTC, a slot's beginning, in milliseconds.
pub const NOON: i64 = 1_322_661_900_000;

/// The format with milliseconds that [`Request::exact`] writes, to be given as text.
pub const EXACT: &str =
    "$msec $request_time $status $body_bytes_sent $host \"$request\" \"$upstream_response_time\" \"$upstream_addr\"";

/// One request, as the tests know it.
#[derive(Debug, Clone)]
pub struct Request {
    pub end: i64,
    pub time: u64,
    pub method: &'static str,
    pub target: String,
    pub host: &'static str,
    pub status: u16,
    pub bytes: u64,
    pub upstream: &'static str,
}

impl Request {
    pub fn new(end: i64, time: u64, target: &str) -> Request {
        let (method, host, upstream) = ("GET", "a.test", "0.001");
        Request { end, time, method, target: target.to_owned(), host, status: 200, bytes: 10, upstream }
    }

    pub fn status(mut self, status: u16) -> Request {
        self.status = status;
        self
    }

    pub fn start(&self) -> i64 {
        self.end - i64::try_from(self.time).unwrap()
    }

    /// The name of the route that the path is given without rules; only the paths that [`requests`] makes.
    pub fn route(&self) -> &'static str {
        match self.target.split('?').next().unwrap() {
            "/" => "__root",
            "/slow" => "slow",
            "/static/app.js" => "static.app_2Ejs",
            path if path.starts_with("/users/") => "users.__id",
            path => panic!("no route for {path}"),
        }
    }

    fn request(&self) -> String {
        format!("{} {} HTTP/1.1", self.method, self.target)
    }

    /// In [`EXACT`].
    pub fn exact(&self) -> String {
        let Request { status, bytes, host, upstream, .. } = self;
        let (end, time) = (seconds(self.end), seconds(i64::try_from(self.time).unwrap()));
        format!("{end} {time} {status} {bytes} {host} \"{}\" \"{upstream}\" \"10.0.0.1:80\"", self.request())
    }

    /// In the grammar `combined_plus`, whose times are known to the second.
    pub fn combined_plus(&self) -> String {
        let local = chrono::DateTime::from_timestamp_millis(self.end).unwrap().format("%d/%b/%Y:%H:%M:%S +0000");
        let Request { status, bytes, upstream, .. } = self;
        let time = seconds(i64::try_from(self.time).unwrap());
        format!("192.0.2.7 - - [{local}] \"{}\" {status} {bytes} \"-\" \"curl/8\" {upstream} {time}", self.request())
    }

    /// In the grammar `lab_json`, without bytes.
    pub fn json(&self) -> String {
        let (end, time) = (seconds(self.end), seconds(i64::try_from(self.time).unwrap()));
        format!(
            "{{\"msec\":\"{end}\",\"rt\":{time},\"ut\":\"{}\",\"uct\":\"0.000\",\"uht\":\"0.001\",\"ua\":\"10.0.0.1:80\",\
             \"us\":\"200\",\"st\":{},\"rq\":\"{}\",\"m\":\"{}\",\"u\":\"{}\",\"ref\":\"\",\"agent\":\"\",\"p\":\".\"}}",
            self.upstream,
            self.status,
            self.request(),
            self.method,
            self.target
        )
    }
}

/// As nginx writes milliseconds.
pub fn seconds(millis: i64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Lines from requests.
pub fn text(requests: &[Request], line: impl Fn(&Request) -> String) -> String {
    requests.iter().map(|request| line(request) + "\n").collect()
}

/// So many requests of [`NOON`]'s minute and after, of four routes, always the same ones. All times are below 2.048 s,
/// where a histogram is exact to the millisecond.
pub fn requests(count: u64) -> Vec<Request> {
    // No request takes less time than its upstream.
    requests_of_at_least(5, count)
}

/// [`requests`] of which the quick ones take at least so many milliseconds.
pub fn requests_of_at_least(shortest: u64, count: u64) -> Vec<Request> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    (0..count)
        .map(|n| {
            let target = match next(5) {
                0 => "/".to_owned(),
                1 => "/slow".to_owned(),
                2 => "/static/app.js?v=3".to_owned(),
                _ => format!("/users/{}", next(1000)),
            };
            let time = if target == "/slow" { 700 + next(1348) } else { shortest + next(300 - shortest) };
            Request {
                end: NOON + i64::try_from(n * 60 + next(500)).unwrap(),
                time,
                method: ["GET", "POST", "HEAD"][usize::try_from(next(3)).unwrap()],
                target,
                host: ["a.test", "b.test"][usize::try_from(next(2)).unwrap()],
                status: [200, 200, 200, 204, 304, 404, 499, 500, 502][usize::try_from(next(9)).unwrap()],
                bytes: next(5000),
                upstream: ["0.001", "0.002, 0.003", "0.001 : 0.004", "-"][usize::try_from(next(4)).unwrap()],
            }
        })
        .collect()
}

/// One row of a report, counted with the plainest code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub numbers: Vec<u64>,
}

/// The columns of a report after the first.
pub const COLUMNS: &str = "count,sum_ms,p50_ms,p75_ms,p90_ms,p95_ms,p99_ms,p999_ms,max_ms,slow,status_1xx,\
                                  status_2xx,status_3xx,status_4xx,status_5xx,bytes";

/// The rows of a report, by what `key` says of each request; sorted by sum, the greatest first, then by name.
pub fn rows<'r>(requests: impl IntoIterator<Item = &'r Request>, key: impl Fn(&Request) -> String) -> Vec<Row> {
    let mut groups: BTreeMap<String, Vec<&Request>> = BTreeMap::new();
    for request in requests {
        groups.entry(key(request)).or_default().push(request);
    }
    let mut rows: Vec<Row> = groups.into_iter().map(|(name, group)| row(name, &group)).collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.numbers[1]), row.name.clone()));
    rows
}

fn row(name: String, group: &[&Request]) -> Row {
    let mut times: Vec<u64> = group.iter().map(|request| request.time).collect();
    times.sort_unstable();
    let mut numbers = vec![times.len() as u64, times.iter().sum()];
    for per_mille in [500, 750, 900, 950, 990, 999] {
        let rank = (times.len() * per_mille).div_ceil(1000).max(1);
        numbers.push(times[rank - 1]);
    }
    numbers.push(*times.last().unwrap());
    numbers.push(times.iter().filter(|time| **time >= 1000).count() as u64);
    for class in 1..=5 {
        numbers.push(group.iter().filter(|request| request.status / 100 == class).count() as u64);
    }
    numbers.push(group.iter().map(|request| request.bytes).sum());
    Row { name, numbers }
}

/// Rows as CSV.
pub fn csv(by: &str, rows: &[Row]) -> String {
    let mut out = format!("{by},{COLUMNS}\n");
    for Row { name, numbers } in rows {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        out += &format!("{name},{}\n", numbers.join(","));
    }
    out
}
