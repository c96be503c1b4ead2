//! `index --push`: the slots that got lines go to carbon, whole, oldest first, no faster than asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::index::{ask, folder, index};
use support::log::{NOON, Request, text};

/// A made-up carbon: the lines that arrived, and when.
pub(crate) struct Carbon {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Carbon {
    pub(crate) fn new() -> Carbon {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&lines);
        // The threads end with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                for line in BufReader::new(connection).lines().map_while(Result::ok) {
                    taken.lock().unwrap().push((Instant::now(), line));
                }
            }
        });
        Carbon { address, lines }
    }

    /// A `[[carbon]]` section that sends here.
    pub(crate) fn section(&self) -> String {
        format!("[[carbon]]\naddress = \"{}\"\n", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The lines that arrive, as they do.
    pub(crate) fn lines(&self) -> Arc<Mutex<Vec<(Instant, String)>>> {
        Arc::clone(&self.lines)
    }

    /// What has arrived once that is so many points.
    pub(crate) fn points(&self, wanted: usize) -> Vec<(Instant, String)> {
        let began = Instant::now();
        loop {
            let lines = self.lines.lock().unwrap().clone();
            if lines.len() >= wanted {
                return lines;
            }
            assert!(began.elapsed().as_secs() < 30, "{} of {wanted} points came", lines.len());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// How many points a run says that it sent.
pub(crate) fn sent(err: &str) -> usize {
    let words: Vec<&str> = err.lines().find(|line| line.contains("slots sent")).unwrap().split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("points")).unwrap();
    words[at - 1].replace(',', "").parse().unwrap()
}

#[test]
fn whole_slots_oldest_first_and_no_faster_than_asked_for() {
    let carbon = Carbon::new();
    let (folder, requests) = folder(1500, &carbon.section());
    folder.write("a.log.1", text(&requests, Request::exact));
    let began = Instant::now();
    index(&folder, &["a.log.1", "--rate=2000"]).said(2, &["--push"]);
    let run = index(&folder, &["a.log.1", "--push", "--rate=2000"]);
    run.said(0, &["10 slots sent"]);
    let points = sent(&run.err);
    assert!(points > 1000, "{points}");
    assert!(began.elapsed().as_secs_f64() >= points as f64 / 2000.0 * 0.99, "faster than asked for");
    let arrived = carbon.points(points);
    assert_eq!(arrived.len(), points);
    let seconds: Vec<i64> = arrived.iter().map(|(_, line)| line.split(' ').nth(2).unwrap().parse().unwrap()).collect();
    assert!(seconds.is_sorted(), "oldest first");
    let values: BTreeMap<(&str, i64), f64> = arrived
        .iter()
        .map(|(_, line)| {
            let fields: Vec<&str> = line.split(' ').collect();
            ((fields[0], fields[2].parse().unwrap()), fields[1].parse().unwrap())
        })
        .collect();
    for slot in (0..9).map(|n| NOON + n * 10_000) {
        let own = requests.iter().filter(|r| r.route() == "slow" && (slot..slot + 10_000).contains(&r.end));
        let times: Vec<u64> = own.map(|request| request.time).collect();
        let value = |what: &str| values[&(format!("nginx.web1.slow.request_time.{what}").as_str(), slot / 1000)];
        assert_eq!((value("count") as usize, value("sum") as u64), (times.len(), times.iter().sum()));
        assert_eq!(value("max") as u64, *times.iter().max().unwrap());
    }
    // Nothing new, so nothing is owed; a window on request.
    index(&folder, &["a.log.1", "--push"]).said(0, &["nothing was read", ": 0 slots sent whole"]);
    let window = ["--from=2011-11-30T14:05:00Z", "--until=2011-11-30T14:05:20Z"];
    ask(&folder, &[&["index", "--push"], &window[..]].concat()).said(0, &["2 slots sent"]);
}

#[test]
fn only_what_carbon_keeps() {
    let carbon = Carbon::new();
    let (folder, requests) = folder(200, &(carbon.section() + "retention = \"30d\"\n"));
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1", "--push"]).said(0, &[": 0 slots sent whole", "slots are older than it keeps points"]);
    ask(&folder, &["index", "--push", "--max-age=30"])
        .said(2, &["--max-age: expected a unit", "for example --max-age 30d"]);
    ask(&folder, &["index", "--push", "--max-age=9000d"]).said(0, &[": 0 slots sent whole"]);
    let all = ["index", "--push", "--max-age=9000d", "--from=2011-11-30T14:00:00Z"];
    ask(&folder, &all).said(0, &["2 slots sent"]);
}

#[test]
fn what_a_carbon_that_is_away_was_not_sent_stays_owed() {
    let carbon = Carbon::new();
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let (folder, requests) = folder(300, &format!("[[carbon]]\naddress = \"{address}\"\n{}", carbon.section()));
    folder.write("a.log.1", text(&requests, Request::exact));
    let run = index(&folder, &["a.log.1", "--push"]);
    run.said(3, &["2 slots are still owed", "`spikeline index --push --config c.toml` sends the rest"]);
    let of_the_other = format!("carbon {}: 2 slots sent", carbon.address);
    let points = sent(run.err.lines().find(|line| line.contains(&of_the_other)).unwrap());
    assert!(points > 0);
    // It is back, at the same address.
    let listener = TcpListener::bind(address).unwrap();
    let heard = std::thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        BufReader::new(connection).lines().map_while(Result::ok).count()
    });
    ask(&folder, &["index", "--push"]).said(0, &["2 slots sent"]);
    assert_eq!(heard.join().unwrap(), points);
    assert_eq!(carbon.points(points).len(), points, "the other was not sent it twice");
}

#[test]
fn without_a_carbon_it_says_so() {
    let (folder, _) = folder(1, "");
    ask(&folder, &["index", "--push"]).said(2, &["no carbon to push to", "[[carbon]]"]);
    ask(&folder, &["index", "x", "--from=-1h"]).said(2, &["a window is for --push"]);
}

/// Of a log without `$request_time`, the points are those of what it has.
#[test]
fn a_log_of_the_upstreams_time_alone_has_its_points() {
    let carbon = Carbon::new();
    let folder = support::folder!();
    let here = folder.path("").display().to_string();
    folder.write(
        "a.log",
        "1322661900.123 \"GET /slow HTTP/1.1\" 502 0.300, 1.000\n1322661901.123 \"GET /slow HTTP/1.1\" 200 -\n",
    );
    let log =
        format!("[[log]]\npath = \"{here}a.log\"\nformat = '$msec \"$request\" $status $upstream_response_time'\n");
    folder.write(
        "c.toml",
        format!("store = \"{here}store\"\nnginx = \"off\"\nhost = \"web1\"\n{log}{}", carbon.section()),
    );
    let run = folder.run(&["index", "a.log", "--config=c.toml", "--push", "--max-age=90000d"]);
    run.said(0, &["1 slots sent"]);
    let points = carbon.points(sent(&run.err));
    let value = |what: &str| {
        let name = format!("nginx.web1.slow.{what} ");
        points.iter().find_map(|(_, line)| line.strip_prefix(&name)?.split(' ').next()?.parse::<f64>().ok())
    };
    assert_eq!(
        ["upstream_response_time.count", "upstream_response_time.max", "requests.count", "requests.slow"].map(value),
        [Some(1.0), Some(1300.0), Some(2.0), Some(1.0)]
    );
    assert!(!points.iter().any(|(_, line)| line.contains(".request_time.")), "{points:?}");
}
