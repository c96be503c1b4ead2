//! What carbon lacks, sent again: beside the daemon, no faster than it makes new series, until Graphite has it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use spikeline::store::{Commit, DestinationProgress, StoreSettings, Writer};
use spikeline::time::Timestamp;

use crate::index::{ask, folder, index};
use crate::push::{Carbon, sent};
use support::log::{NOON, Request, text};
use support::program::Folder;

const WINDOW: [&str; 3] = ["--push", "--from=2011-11-30T14:05:00Z", "--until=2011-11-30T14:06:00Z"];

/// A store of a minute's requests.
fn minute(sections: &str) -> (Folder, Vec<Request>) {
    let (folder, requests) = folder(600, sections);
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1"]).ended(0);
    (folder, requests)
}

/// The values that arrived, by series and second; the last of each counts, as in carbon.
fn values(carbon: &Carbon, points: usize) -> BTreeMap<(String, i64), String> {
    let mut values = BTreeMap::new();
    for (_, line) in carbon.points(points) {
        let [path, value, second] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        values.insert((path.to_owned(), second.parse().unwrap()), value.to_owned());
    }
    values
}

#[test]
fn a_window_is_sent_while_another_process_writes_the_store() {
    let carbon = Carbon::new();
    let (folder, _) = minute(&carbon.section());
    let run = index(&folder, &WINDOW);
    run.said(0, &["4 slots sent"]);
    let alone = values(&carbon, sent(&run.err));
    // The daemon has sent what lies before 14:05:20, but for 14:05:10, which it owes.
    let mut writer = Writer::open(&folder.path("store"), StoreSettings::default()).unwrap();
    let address = carbon.address().to_string();
    let (emitted_until, pending) = (Timestamp(NOON + 20_000), vec![Timestamp(NOON + 10_000)]);
    let destinations = vec![DestinationProgress { destination: address, emitted_until, pending, dropped: 0 }];
    writer.commit(&mut Commit { destinations, ..Commit::default() }).unwrap();
    index(&folder, &["a.log.1", "--push"]).said(2, &["another spikeline"]);
    let other = Carbon::new();
    folder.write("b.toml", std::fs::read_to_string(folder.path("c.toml")).unwrap() + &other.section());
    let run = folder.run(&[&["index", "--config=b.toml"], &WINDOW[..]].concat());
    run.said(0, &["1 slots sent, ", "3 slots are left to the daemon, which has not sent them yet"]);
    // Of a carbon that the daemon knows nothing of all is sent.
    let to_other = run.err.lines().filter(|line| line.contains("slots sent")).nth(1).unwrap();
    assert_eq!(values(&other, sent(to_other)), alone);
    drop(writer);
}

#[test]
fn series_that_carbon_does_not_know_are_made_first_and_no_faster_than_it_makes_them() {
    let carbon = Carbon::new();
    let (folder, _) = minute(&(carbon.section() + "conf = '.'\narchives = \"10s:99y\"\n"));
    let whisper = folder.path("whisper");
    folder.write(
        "carbon.conf",
        format!("[cache]\nLOCAL_DATA_DIR = {}\nMAX_CREATES_PER_MINUTE = 6000\n", whisper.display()),
    );
    std::fs::create_dir(&whisper).unwrap();
    // Carbon's part: a file for each series, as soon as it hears of it.
    let known = "nginx.web1.slow.requests.count";
    let file = |path: &str| whisper.join(path.replace('.', "/")).with_extension("wsp");
    std::fs::create_dir_all(file(known).parent().unwrap()).unwrap();
    std::fs::write(file(known), "").unwrap();
    let run = index(&folder, &WINDOW);
    run.said(3, &["series are new to it, and it makes 6000 a minute: one point of each goes first", "4 slots sent, "]);
    let new: usize = run.err.split("spikeline: carbon ").nth(1).unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let lines: Vec<String> = carbon.points(sent(&run.err) + new).into_iter().map(|(_, line)| line).collect();
    let first: Vec<&str> = lines[..new].iter().map(|line| line.split(' ').next().unwrap()).collect();
    let all: BTreeSet<&str> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(first.iter().copied().collect::<BTreeSet<_>>().len(), new, "each once");
    assert!(!first.contains(&known) && new + 1 == all.len(), "{new} of {}", all.len());
    // What went first is what goes afterwards.
    assert!(lines[..new].iter().all(|line| lines[new..].contains(line)));
    // It made none of them, which is said.
    run.said(3, &["it has not made", "points of these are lost until it does", "not all of them are kept"]);
    index(&folder, &[&WINDOW[..], &["--creates=0"]].concat()).said(0, &["series are new to it", "4 slots sent whole"]);
}

/// A made-up graphite-web that shows what carbon got, for every target; the first times it has nothing.
fn graphite(carbon: &Carbon, blind: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (lines, left) = (carbon.lines(), Arc::new(Mutex::new(blind)));
    std::thread::spawn(move || {
        for mut connection in listener.incoming().map_while(Result::ok) {
            let mut request = String::new();
            BufReader::new(&connection).read_line(&mut request).unwrap();
            let mut left = left.lock().unwrap();
            let mut series: BTreeMap<String, BTreeMap<i64, String>> = BTreeMap::new();
            if *left == 0 {
                for (_, line) in lines.lock().unwrap().iter() {
                    let [path, value, second] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
                    series.entry(path.to_owned()).or_default().insert(second.parse().unwrap(), value.to_owned());
                }
            }
            *left = left.saturating_sub(1);
            let mut shown = Vec::new();
            for (path, points) in series {
                let points: Vec<String> = points.iter().map(|(second, value)| format!("[{value}, {second}]")).collect();
                shown.push(format!("{{\"target\": \"{path}\", \"datapoints\": [{}]}}", points.join(",")));
            }
            write!(connection, "HTTP/1.0 200 OK\r\n\r\n[{}]", shown.join(",")).unwrap();
        }
    });
    format!("http://{address}")
}

#[test]
fn what_graphite_lacks_is_sent_until_it_has_it() {
    let carbon = Carbon::new();
    let routes = 4;
    let url = graphite(&carbon, 2 * routes);
    let (folder, _) = minute(&(carbon.section() + &format!("graphite = \"{url}\"\n")));
    ask(&folder, &["verify", "--graphite", &url, "--limit=1"]).said(1, &["differences"]);
    // The daemon runs: its store is read alone.
    let writer = Writer::open(&folder.path("store"), StoreSettings::default()).unwrap();
    let run = ask(&folder, &["verify", "--resend"]);
    run.said(0, &["slots sent again", "0 points differ still"]);
    assert_eq!(run.out, "");
    drop(writer);
    let again = ask(&folder, &["verify", "--graphite", &url]);
    again.said(0, &["points compared with Graphite"]);
    let (folder, _) = minute(&carbon.section());
    ask(&folder, &["verify", "--resend"]).said(2, &["no Graphite says what carbon has", "`graphite = "]);
}
