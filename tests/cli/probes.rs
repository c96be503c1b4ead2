//! `[[probe]]`: requests of monitoring are in series of their own, and in no route: over files and over the store.

use std::collections::{BTreeMap, BTreeSet};

use support::program::{Folder, Run};

const FORMAT: &str = "$msec $remote_addr $status $request_time \"$request\" \"$http_user_agent\" \"$upstream_addr\"";

const PROBES: &str = "[[probe]]\nname = \"kube\"\nagent = [\"kube-probe/*\", \"*UptimeRobot*\"]\n\
    [[probe]]\nname = \"balancer\"\naddress = [\"10.1.0.0/16\", \"2001:db8::/32\"]\npath = \"/healthz\"\nthreshold = \"100ms\"\n\
    [[probe]]\npath = [\"/status/*\", \"/ping\"]\n\
    [[series]]\nname = \"net.{net}\"\n";

/// A line, the probe that catches it, its route, and how long it took.
struct Logged {
    line: String,
    probe: Option<&'static str>,
    route: String,
    took_ms: u64,
}

fn logged(count: u64) -> Vec<Logged> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut all = Vec::new();
    for number in 0..count {
        let agent = ["Mozilla/5.0 (X11)", "kube-probe/1.29", "x (compatible; UptimeRobot/2.0)", "UptimeRobo", "curl/8"];
        let address = ["192.0.2.7", "10.1.200.3", "10.2.0.1", "2001:db8:7::1", "unix:"];
        let path = ["/healthz", "/shop/cart", "/status/db/1", "/ping", "/pings", "/probe/x", "/healthz/deep"];
        let (agent, address, path) = (agent[random(5)], address[random(5)], path[random(7)]);
        let query = ["", "?x=1"][random(2)];
        let by_agent = agent.starts_with("kube-probe/") || agent.contains("UptimeRobot");
        let by_address = path == "/healthz" && (address.starts_with("10.1.") || address.starts_with("2001:db8:"));
        let by_path = path.starts_with("/status/") || path == "/ping";
        let probe = match (by_agent, by_address, by_path) {
            (true, ..) => Some("probe.kube"),
            (_, true, _) => Some("probe.balancer"),
            (.., true) => Some("probe.monitoring"),
            _ => None,
        };
        let route = match path {
            // Routes give way to the series of probes.
            "/probe/x" => "probe_.x".to_owned(),
            _ => path.trim_start_matches('/').replace('/', "."),
        };
        let (end, took_ms) = (1_322_661_900_000 + number * 37, random(1500) as u64);
        let status = [200, 200, 404, 502][random(4)];
        let line = format!(
            "{}.{:03} {address} {status} {}.{:03} \"GET {path}{query} HTTP/1.1\" \"{agent}\" \"10.0.0.1:80\"",
            end / 1000,
            end % 1000,
            took_ms / 1000,
            took_ms % 1000
        );
        all.push(Logged { line, probe, route, took_ms });
    }
    all
}

fn folder_of(probes: &str, log: &[Logged]) -> Folder {
    let folder = support::folder!();
    let path = |name: &str| folder.path(name).display().to_string();
    let (store, file) = (path("store"), path("a.log"));
    let config = format!(
        "store = '{store}'\nhost = \"web1\"\nroutes = \"template\"\n[[log]]\npath = '{file}'\nformat = '{FORMAT}'\n{probes}"
    );
    folder.write("c.toml", config);
    folder.write("a.log", log.iter().map(|logged| logged.line.clone() + "\n").collect::<String>());
    folder
}

fn ask(folder: &Folder, arguments: &[&str]) -> Run {
    folder.run(&[arguments, &["--config=c.toml"]].concat())
}

/// The count and the sum of each row of a report, by route.
fn counts(out: &str) -> BTreeMap<String, (u64, u64)> {
    let mut rows = BTreeMap::new();
    for line in out.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        rows.insert(cells[0].to_owned(), (cells[1].parse().unwrap(), cells[2].parse().unwrap()));
    }
    rows
}

/// The same of an own count.
fn own_counts<'l>(log: impl IntoIterator<Item = (&'l str, u64)>) -> BTreeMap<String, (u64, u64)> {
    let mut rows: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (name, took_ms) in log {
        let row = rows.entry(name.to_owned()).or_default();
        row.0 += 1;
        row.1 += took_ms;
    }
    rows
}

fn sorted(out: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = out.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn probes_are_in_no_route_and_in_series_of_their_own_over_files_and_store() {
    let log = logged(4000);
    let folder = folder_of(PROBES, &log);
    ask(&folder, &["index", "a.log"]).said(0, &["4,000 lines"]);
    let of_routes = own_counts(log.iter().filter(|l| l.probe.is_none()).map(|l| (l.route.as_str(), l.took_ms)));
    let of_probes = own_counts(log.iter().filter_map(|l| Some((l.probe?, l.took_ms))));
    assert_eq!(of_probes.len(), 3);
    let mut probed: Vec<&str> = log.iter().filter(|l| l.probe.is_some()).map(|l| l.line.as_str()).collect();
    probed.sort_unstable();
    let slow = |l: &&Logged| l.took_ms >= if l.probe == Some("probe.balancer") { 100 } else { 1000 };
    let mut slow_probes: Vec<&str> =
        log.iter().filter(|l| l.probe.is_some()).filter(slow).map(|l| l.line.as_str()).collect();
    slow_probes.sort_unstable();
    for source in [&[][..], &["a.log"]] {
        let with = |arguments: &[&str]| ask(&folder, &[arguments, source].concat());
        assert_eq!(counts(&with(&["report", "--format=csv"]).ended(0)), of_routes);
        assert_eq!(counts(&with(&["report", "--format=csv", "--route=probe.*"]).ended(0)), of_probes);
        assert_eq!(counts(&with(&["report", "--format=csv", "--route=!probe_.x"]).ended(0)).len(), of_routes.len() - 1);
        // Off the edges of slots, and by fields, they are left out as well.
        let cut = ["--from=1322661901.5", "--until=1322661990.25"];
        let all = counts(&with(&[&["report", "--format=csv", "--by=method"][..], &cut].concat()).ended(0));
        let rows = counts(&with(&[&["report", "--format=csv"][..], &cut].concat()).ended(0));
        assert_eq!(all["GET"].0, rows.values().map(|row| row.0).sum::<u64>());
        let probes = counts(&with(&[&["report", "--format=csv", "--route=probe.*"][..], &cut].concat()).ended(0));
        let by_net = with(&[&["report", "--format=csv", "--route=probe.*", "--by=method"][..], &cut].concat()).ended(0);
        assert_eq!(counts(&by_net)["GET"].0, probes.values().map(|row| row.0).sum::<u64>());
        // Lines and records.
        assert_eq!(sorted(&with(&["lines", "--route=probe.*", "--all"]).ended(0)), probed);
        assert_eq!(with(&["lines", "--all"]).ended(0).lines().count(), log.len() - probed.len());
        assert_eq!(with(&["records", "--route=probe.*"]).ended(0).lines().count(), probed.len());
        assert_eq!(with(&["records"]).ended(0).lines().count(), log.len() - probed.len());
        let slow = with(&["slow", "--route=probe.*", "--by=route", "--format=csv", "--samples=0"]).ended(0);
        let told: BTreeSet<&str> = slow.lines().skip(1).map(|row| row.split(',').nth(1).unwrap()).collect();
        assert_eq!(told, of_probes.keys().map(String::as_str).collect());
        assert!(!with(&["slow", "--format=csv"]).ended(0).contains("probe.kube"));
    }
    // What the index keeps of them: the slow ones, by their own threshold.
    let kept = ask(&folder, &["lines", "--route=probe.*", "--format=jsonl"]).ended(0);
    let kept: Vec<&str> = kept.lines().filter(|row| row.contains("threshold")).collect();
    assert_eq!(kept.len(), slow_probes.len());
    let below = ask(&folder, &["lines", "--route=probe.balancer", "--min-time=50ms"]).ended(0);
    let expected = log.iter().filter(|l| l.probe == Some("probe.balancer") && l.took_ms >= 50).count();
    assert_eq!(below.lines().count(), expected);
    // They are in no other series, and `verify` finds every line.
    let nets = counts(&ask(&folder, &["report", "--format=csv", "--route=net.*"]).ended(0));
    assert_eq!(nets.values().map(|row| row.0).sum::<u64>(), (log.len() - probed.len()) as u64);
    ask(&folder, &["verify"]).said(0, &["compared with 4,000 lines"]);
    let routes = ask(&folder, &["routes", "--format=jsonl"]).ended(0);
    assert_eq!(routes.matches("\"kind\":\"probe\"").count(), 3);
    let shown = ask(&folder, &["routes"]).ended(0);
    assert!(shown.contains("probe.kube (monitoring)"), "{shown}");
}

/// A condition on the route names them as `--route` does; with a route that is named it has to hold besides.
#[test]
fn a_condition_on_the_route_names_probes() {
    let log = logged(1000);
    let folder = folder_of(PROBES, &log);
    ask(&folder, &["index", "a.log"]).said(0, &["1,000 lines"]);
    let of_probes = own_counts(log.iter().filter_map(|l| Some((l.probe?, l.took_ms))));
    let kube = of_probes["probe.kube"];
    for source in [&[][..], &["a.log"]] {
        let report = |more: &[&str]| ask(&folder, &[&["report", "--format=csv"][..], more, source].concat());
        assert_eq!(counts(&report(&["--where=route=probe.*"]).ended(0)), of_probes);
        assert_eq!(
            counts(&report(&["--where=route^=probe.k"]).ended(0)),
            BTreeMap::from([("probe.kube".to_owned(), kube)])
        );
        report(&["--where=route=probe.kube", "--route=shop.*"]).ended(1);
        for (command, more) in [("lines", &["--all"][..]), ("records", &[])] {
            let found = ask(&folder, &[&[command, "--where=route=probe.kube"], more, source].concat()).ended(0);
            assert_eq!(found.lines().count() as u64, kube.0, "{command} {source:?}");
        }
        report(&["--where=route=net.*"]).said(2, &["`net` is a [[series]]", "--route 'net.*'"]);
        report(&["--where=route=nets.*"]).ended(1);
    }
    let side = ["diff", "a.log", "a.log", "--where=route=probe.kube", "--format=csv"];
    assert!(ask(&folder, &side).ended(0).contains(&format!("probe.kube,both,{0},{0},", kube.0)));
}

/// What is asked for is named by the rules of now, and not said to be unknown because it had another name then.
#[test]
fn after_a_probe_was_removed_its_requests_are_known_by_their_route() {
    let log = logged(1000);
    let folder = folder_of(PROBES, &log);
    ask(&folder, &["index", "a.log"]).said(0, &["1,000 lines"]);
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    folder.write("c.toml", config.replace(PROBES, ""));
    let by_route = counts(&ask(&folder, &["report", "a.log", "--format=csv"]).ended(0));
    let (route, _) =
        by_route.iter().find(|(name, _)| log.iter().all(|l| l.probe.is_some() || l.route != **name)).unwrap();
    for command in ["report", "lines", "records", "slow"] {
        let run = ask(&folder, &[command, "--route", route]);
        assert!(!run.err.contains("knows no route"), "{command}: {}", run.err);
        ask(&folder, &[command, "--route=nowhere"]).said(1, &["the store knows no route `nowhere`"]);
        ask(&folder, &[command, "--route=probe.kube"])
            .said(1, &["no [[series]] or [[probe]] for `probe.kube` any more"]);
    }
}

#[test]
fn diff_why_and_top_leave_probes_out_unless_they_are_named() {
    let log = logged(3000);
    let folder = folder_of(PROBES, &log);
    ask(&folder, &["index", "a.log"]).said(0, &["3,000 lines"]);
    let count = |wanted: &dyn Fn(&Logged) -> bool| log.iter().filter(|logged| wanted(logged)).count();
    let routes = count(&|logged| logged.probe.is_none());
    let kube = count(&|logged| logged.probe == Some("probe.kube"));
    for [before, after] in [["1322661000..1322669000"; 2], ["a.log"; 2]] {
        let all = ask(&folder, &["diff", before, after, "--format=json"]).ended(0);
        assert!(
            all.contains(&format!("\"all\":{{\"route\":\"all\",\"presence\":\"both\",\"count_before\":{routes},")),
            "{all}"
        );
        let of_probe = ask(&folder, &["diff", before, after, "--route=probe.kube", "--format=csv"]).ended(0);
        assert!(of_probe.contains(&format!("probe.kube,both,{kube},{kube},")), "{of_probe}");
    }
    for source in [&[][..], &["a.log"]] {
        let why = |more: &[&str]| {
            let asked = ["why", "--from=1322661950", "--until=1322661960", "--baseline=rest", "--format=json"];
            ask(&folder, &[&asked[..], more, source].concat()).ended(0)
        };
        assert!(!why(&[]).contains("probe."), "{source:?}");
        assert!(why(&["--route=probe.kube"]).contains("\"route\":\"probe.kube\""), "{source:?}");
        let top = |more: &[&str]| ask(&folder, &[&["top", "--last=1h", "--format=csv"][..], more, source].concat());
        assert!(!top(&[]).ended(0).contains("probe."));
        assert!(top(&["--route=probe.kube"]).ended(0).contains(&format!("probe.kube,{kube}")), "{source:?}");
    }
}

#[test]
fn a_window_from_before_a_probe_was_configured_is_answered_from_the_lines() {
    let log = logged(2000);
    let folder = folder_of("", &log);
    ask(&folder, &["index", "a.log"]).said(0, &["2,000 lines"]);
    let config = std::fs::read_to_string(folder.path("c.toml")).unwrap();
    folder.write("c.toml", config + PROBES);
    let of_routes = own_counts(log.iter().filter(|l| l.probe.is_none()).map(|l| (l.route.as_str(), l.took_ms)));
    assert_eq!(counts(&ask(&folder, &["report", "--format=csv"]).ended(0)), of_routes);
    let of_probes = own_counts(log.iter().filter_map(|l| Some((l.probe?, l.took_ms))));
    assert_eq!(counts(&ask(&folder, &["report", "--format=csv", "--route=probe.*"]).ended(0)), of_probes);
    let probed = log.iter().filter(|l| l.probe.is_some()).count();
    assert_eq!(ask(&folder, &["lines", "--route=probe.*", "--all"]).ended(0).lines().count(), probed);
}

#[test]
fn check_says_how_many_lines_each_probe_catches_and_why_one_catches_none() {
    let log = logged(1000);
    let more = "[[probe]]\nname = \"robot\"\nagent = \"UptimeRobo\"\npath = \"/shop/cart\"\n\
        [[probe]]\nname = \"narrow\"\nagent = \"curl\"\n[[probe]]\nname = \"again\"\nagent = \"kube-probe/1.29\"\n\
        [[probe]]\nname = \"nobody\"\naddress = \"203.0.113.9\"\n";
    let folder = folder_of(&(PROBES.to_owned() + more), &log);
    let of = |name: &str| log.iter().filter(|l| l.probe == Some(name)).count();
    let robots = log.iter().filter(|l| l.probe.is_none() && l.line.contains("UptimeRobo\"") && l.route == "shop.cart");
    let robots = robots.count();
    let caught = of("probe.kube") + of("probe.balancer") + of("probe.monitoring") + robots;
    let said = ask(&folder, &["check"]);
    let told = said.out.clone() + &said.err;
    for expected in [
        format!("{:.2} % of 1,000 lines are of monitoring, and in no route", caught as f64 / 10.0),
        format!("{}  probe.kube", of("probe.kube")),
        format!("{}  probe.balancer", of("probe.balancer")),
        format!("{}  probe.monitoring", of("probe.monitoring")),
        format!("{robots}  probe.robot"),
        "`probe.narrow`".to_owned(),
        "`agent` is the whole agent: `*curl*` would catch".to_owned(),
        "is shadowed: probes before it take all".to_owned(),
        "`probe.nobody`".to_owned(),
    ] {
        assert!(told.contains(&expected), "{expected}\n{told}");
    }
    // The most frequent routes stand under what they are of, not under the probes.
    let (routes, probes) = (told.find("ok    routes:").unwrap(), told.find("ok    probes:").unwrap());
    let frequent = told.find("the most frequent, with a target of each").unwrap();
    assert!(routes < frequent && frequent < probes, "{told}");
}

#[test]
fn a_probe_that_is_none_is_said_at_its_place() {
    for (section, said) in [
        ("[[probe]]\nname = \"x\"\n", "would catch every request"),
        ("[[probe]]\naddress = [\"10.0.0.1\", \"10.0.0\"]\n", "c.toml:8:24: [[probe]] address: `10.0.0` is neither"),
        ("[[probe]]\npath = \"healthz\"\n", "write `/healthz`"),
        ("[[probe]]\nname = \"a b\"\nagent = \"x\"\n", "`a b` is no name for a probe"),
        ("[[probe]]\nagents = \"x\"\n", "did you mean `agent`?"),
        ("[[series]]\nname = \"probe.{host}\"\n", "begins as the series of [[probe]] do"),
    ] {
        let folder = folder_of(section, &logged(3));
        ask(&folder, &["report", "a.log"]).said(2, &[said]);
    }
}

#[test]
fn families_of_clients_have_their_shares() {
    let log = logged(1000);
    let folder = folder_of("", &log);
    ask(&folder, &["index", "a.log"]).said(0, &["1,000 lines"]);
    let all_ms: u64 = log.iter().map(|logged| logged.took_ms).sum();
    for source in [&[][..], &["a.log"]] {
        let out = ask(&folder, &[&["report", "--by=agent_family", "--format=jsonl"][..], source].concat()).ended(0);
        let rows: Vec<serde_json::Value> = out.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
        let row = rows.iter().find(|row| row["agent_family"] == "curl").unwrap();
        let of_curl: Vec<u64> = log.iter().filter(|l| l.line.contains("\"curl/8\"")).map(|l| l.took_ms).collect();
        let near = |share: &serde_json::Value, expected: f64| (share.as_f64().unwrap() - expected).abs() < 0.000_051;
        assert!(near(&row["count_share"], of_curl.len() as f64 / 1000.0), "{row}");
        assert!(near(&row["time_share"], of_curl.iter().sum::<u64>() as f64 / all_ms as f64), "{row}");
        let sum: f64 = rows.iter().map(|row| row["count_share"].as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 0.001);
        let csv = ask(&folder, &[&["report", "--by=agent_family", "--format=csv"][..], source].concat()).ended(0);
        assert!(csv.lines().next().unwrap().ends_with(",bytes,count_share,time_share"), "{csv}");
        let table = ask(&folder, &[&["report", "--by=agent_family"][..], source].concat()).ended(0);
        assert!(table.contains(" %"), "{table}");
    }
}
