//! `index --push` into a carbon that keeps coarser archives: what is older than the finest goes as exact roll-ups.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::index::{folder, index};
use crate::push::{Carbon, sent};
use support::log::{Request, text};
use support::program::Folder;

/// What a push of `a.log.1` sends to `carbon`, by metric of the route `slow` and second.
fn pushed(folder: &Folder, carbon: &Carbon, said: &str) -> BTreeMap<(String, i64), f64> {
    let run = index(folder, &["a.log.1", "--push"]);
    run.said(0, &["slots sent whole", said]);
    let mut values = BTreeMap::new();
    for (_, line) in carbon.points(sent(&run.err)) {
        let [path, value, second] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        if let Some(what) = path.strip_prefix("nginx.web1.slow.") {
            let twice = values.insert((what.to_owned(), second.parse().unwrap()), value.parse().unwrap());
            assert_eq!(twice, None, "{line}");
        }
    }
    values
}

/// Nearest rank.
fn quantile(times: &[u64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted[(times.len() * percent).div_ceil(100).max(1) - 1] as f64
}

/// That the minutes of these requests came each as one point of all that is in them.
fn minutes_are_exact(values: &BTreeMap<(String, i64), f64>, requests: &[Request]) {
    let mut minutes: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.route() == "slow") {
        minutes.entry(request.end.div_euclid(60_000) * 60).or_default().push(request.time);
    }
    assert!(minutes.len() >= 3);
    for (minute, times) in &minutes {
        let value = |what: &str| values.get(&(format!("request_time.{what}"), *minute)).copied();
        let sum = times.iter().sum::<u64>() as f64;
        assert_eq!(value("count"), Some(times.len() as f64), "{minute}");
        assert_eq!((value("sum"), value("mean")), (Some(sum), Some(sum / times.len() as f64)));
        assert_eq!(value("max"), Some(*times.iter().max().unwrap() as f64));
        assert_eq!(value("p50"), Some(quantile(times, 50)));
    }
    let counts = values.keys().filter(|(what, _)| what == "request_time.count");
    assert_eq!(counts.count(), minutes.len(), "nothing but minutes");
}

#[test]
fn slots_beyond_the_finest_archive_go_as_exact_minutes() {
    let carbon = Carbon::new();
    let (folder, requests) = folder(3000, &(carbon.section() + "archives = \"10s:6h,1m:99y\"\n"));
    folder.write("a.log.1", text(&requests, Request::exact));
    let values = pushed(&folder, &carbon, "steps of coarser archives");
    minutes_are_exact(&values, &requests);
    index(&folder, &["a.log.1", "--push"]).said(0, &["nothing was read", ": 0 slots sent whole"]);
}

#[test]
fn the_archives_are_read_from_carbons_own_configuration_where_it_is_named() {
    let carbon = Carbon::new();
    let (folder, requests) = folder(3000, &(carbon.section() + "conf = '.'\n"));
    folder.write("storage-schemas.conf", "[nginx]\npattern = ^nginx\\.\nretentions = 10s:6h,1m:99y\n");
    folder.write("a.log.1", text(&requests, Request::exact));
    minutes_are_exact(&pushed(&folder, &carbon, "steps of coarser archives"), &requests);
}

#[test]
fn each_request_is_in_one_point_on_either_side_of_the_finest_archives_end() {
    let carbon = Carbon::new();
    let (folder, _) = folder(1, &(carbon.section() + "archives = \"10s:6h,1m:6d\"\n"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let edge = now - 6 * 3600;
    let requests: Vec<Request> =
        (-90..90).map(|n| Request::new((edge + n * 10) * 1000, 40 + n.unsigned_abs(), "/slow")).collect();
    folder.write("a.log.1", text(&requests, Request::exact));
    let values = pushed(&folder, &carbon, "steps of coarser archives");
    let counts: Vec<(i64, f64)> =
        values.iter().filter(|((what, _), _)| what == "requests.count").map(|((_, at), count)| (*at, *count)).collect();
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<f64>(), 180.0);
    // Beyond the edge as it was before the push there are minutes alone; well within, slots.
    assert!(counts.iter().filter(|(at, _)| *at < edge).all(|(at, _)| at % 60 == 0), "{counts:?}");
    assert!(counts.iter().any(|(at, count)| at % 60 != 0 && *count == 1.0), "{counts:?}");
}

#[test]
fn without_archives_what_is_too_old_to_be_safe_is_said() {
    let carbon = Carbon::new();
    let (folder, requests) = folder(300, &carbon.section());
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1", "--push"]).said(
        0,
        &[
            "2 slots are older than 1h; where its finest archive reaches back no further",
            "archives = \"10s:6h,1m:6d\"",
            "2 slots sent, ",
            "of the 2 that are older than 1h carbon may keep one of several",
        ],
    );
}

#[test]
fn archives_that_carbon_would_not_take_are_mistakes() {
    let folder = support::folder!();
    for (archives, mistake) in [
        ("10s:6h,1x:6d", "3:20: `archives`: `1x:6d` is not an archive"),
        ("10s:6h,15s:6d", "3:20: `archives`: `15s:6d` is no coarser archive"),
        ("60s:1d", "3:12: `archives`: the finest has a point each 1min, and a slot is 10s"),
    ] {
        folder.write("c.toml", format!("[[carbon]]\naddress = \"127.0.0.1:2003\"\narchives = \"{archives}\"\n"));
        folder.run(&["check", "--config=c.toml"]).said(2, &[mistake]);
    }
}

#[test]
fn a_push_to_a_carbon_that_keeps_every_copy_says_so() {
    let carbon = Carbon::new();
    let (folder, requests) = folder(300, &(carbon.section() + "send = \"final\"\n"));
    folder.write("a.log.1", text(&requests, Request::exact));
    index(&folder, &["a.log.1", "--push"]).said(0, &["keeps every copy (send = \"final\")", "2 slots sent"]);
}
