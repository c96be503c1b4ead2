//! From a graph to the lines: metrics, targets and URLs as they are pasted, over the store and over files.

use support::program::Folder;

const FORMAT: &str = r#"$remote_addr [$time_local] "$request" $status $request_time msec=$msec"#;

/// 2011-11-30 14:00:00 UTC.
const BEGIN: i64 = 1_322_661_600;

/// Ten minutes, a request of each route each two seconds. That of git is slow in the sixth minute, and fails in its first half.
fn folder() -> Folder {
    let folder = support::folder!();
    let mut log = String::new();
    for second in (0..600_i64).step_by(2) {
        let slow = (300..360).contains(&second);
        let status = if (300..330).contains(&second) { 502 } else { 200 };
        for (path, time, status) in
            [("/p/git/tree", if slow { "2.500" } else { "0.050" }, status), ("/search", "0.020", 200)]
        {
            let end = BEGIN + second;
            let clock = format!("30/Nov/2011:14:{:02}:{:02} +0000", second / 60, second % 60);
            log += &format!("192.0.2.7 [{clock}] \"GET {path}?t={second} HTTP/1.1\" {status} {time} msec={end}.000\n");
        }
    }
    folder.write("a.log", log);
    folder.write(
        "s.toml",
        format!(
            "store = \"store\"\nhost = \"web1\"\n[[log]]\npath = \"a.log\"\nformat = '{FORMAT}'\n[[route]]\nname = \"webapp.backend.git\"\npath = \"/p/git/*\"\n\
             [[carbon]]\naddress = \"127.0.0.1:9\"\narchives = \"10s:6h,1m:100y\"\n"
        ),
    );
    folder.run(&["index", "a.log", "--config=s.toml"]).ended(0);
    folder
}

const METRIC: &str = "nginx.web1.webapp.backend.git.request_time.p99";

fn lines(folder: &Folder, arguments: &[&str]) -> (usize, String) {
    let run = folder.run(&[&["lines", "--config=s.toml"], arguments].concat());
    assert_eq!(run.code, 0, "{arguments:?}: {}", run.err);
    assert!(run.out.lines().all(|line| line.contains("/p/git/")), "{arguments:?}: {}", run.out);
    (run.out.lines().count(), run.err)
}

#[test]
fn a_metric_a_target_and_a_url_give_the_same_lines() {
    let folder = folder();
    let window = ["--from=14:05_20111130", "--until=14:06_20111130", "--min-time=1s", "--by=end"];
    let url = format!(
        "https://graphite.example/render?target=alias({METRIC}%2C%22x%22)&from=14:05_20111130&until=14:06_20111130&tz=UTC"
    );
    let berlin = "target=maxSeries(nginx.*.webapp.backend.{git,wiki}.request_time.p9[59])&from=15:05_20111130&until=15:06_20111130&tz=Europe/Berlin";
    let grafana =
        "https://g.example/d/abc/nginx?orgId=1&from=1322661900000&to=1322661960000&var-route=webapp.backend.git";
    for what in [METRIC, "nginx.*.webapp.*.git.request_time.p99|alias('x')", &url, berlin, grafana] {
        for ways in [vec![what], vec!["--route", what]] {
            let (found, said) = lines(&folder, &[&ways[..], &window].concat());
            assert_eq!(found, 30, "{ways:?}: {said}");
            assert!(said.contains("read as") && said.contains("webapp.backend.git"), "{said}");
        }
    }
    let (found, said) = lines(&folder, &[&url, "--min-time=1s", "--by=end"]);
    assert_eq!(found, 30, "{said}");
    assert!(said.contains(
        "read as a render URL of Graphite: request_time.p99 of route webapp.backend.git, 2011-11-30T14:05:00.000Z .. \
         2011-11-30T14:06:00.000Z (UTC), the longest first"
    ), "{said}");
}

#[test]
fn an_option_counts_more_than_a_url() {
    let folder = folder();
    let url = format!("https://g/render?target={METRIC}&from=14:05_20111130&until=14:06_20111130&tz=UTC");
    let (found, said) = lines(&folder, &[&url, "--until=14:05:30_20111130", "--by=end", "--all"]);
    assert_eq!(found, 15, "{said}");
    let other = folder.run(&["lines", &url, "--config=s.toml", "--route=search", "--all", "--by=end"]);
    assert!(other.ended(0).lines().all(|line| line.contains("/search")));
    let (found, _) = lines(&folder, &["nginx.web1.webapp.backend.git.status.5xx"]);
    assert_eq!(found, 15, "those statuses");
}

#[test]
fn slow_and_report_take_it_too() {
    let folder = folder();
    let slow = folder.run(&["slow", METRIC, "--config=s.toml", "--format=jsonl"]).ended(0);
    assert!(slow.lines().all(|row| row.contains("\"route\":\"webapp.backend.git\"")), "{slow}");
    let report = folder.run(&["report", "nginx.web1.*.*.*.requests.count", "--config=s.toml", "--format=csv"]).ended(0);
    assert!(report.contains("webapp.backend.git,300,") && !report.contains("search"), "{report}");
}

#[test]
fn the_slots_around_a_point_that_stand_out() {
    let folder = folder();
    for point in ["14:05:20_20111130", "1322661944", "1322661895000"] {
        let (found, said) = lines(
            &folder,
            &[
                "nginx.web1.webapp.backend.git.request_time.max",
                "--around",
                point,
                "--tz=UTC",
                "--by=end",
                "--min-time=1s",
            ],
        );
        assert_eq!(found, 30, "{point}: {said}");
    }
    let (_, said) = lines(&folder, &[METRIC, "--around=14:02_20111130", "--by=end", "--all"]);
    assert!(
        said.contains("nothing around the point is more than twice what is usual in points of 1min around it:"),
        "{said}"
    );
    folder.run(&["lines", METRIC, "--around=now", "--from=now", "--config=s.toml"]).said(2, &["--around"]);
}

#[test]
fn coarser_points_widen_the_window_and_it_is_said() {
    let folder = folder();
    let url = format!("https://g/render?target={METRIC}&from=14:05:20_20111130&until=14:05:40_20111130&tz=UTC");
    let (_, said) = lines(&folder, &[&url, "--by=end"]);
    assert!(said.contains("carbon keeps points of 1min"), "{said}");
    assert!(said.contains("2011-11-30T14:05:00.000Z .. 2011-11-30T14:06:00.000Z"), "{said}");
}

#[test]
fn of_files_a_metric_says_the_route() {
    let folder = folder();
    let (found, said) = lines(&folder, &[METRIC, "a.log", "--min-time=1s"]);
    assert_eq!(found, 30, "{said}");
    let (found, _) = lines(&folder, &["nginx.*.webapp.*.{git,svn}.request_time.p99", "a.log", "--min-time=1s"]);
    assert_eq!(found, 30);
    let (found, _) = lines(&folder, &["a.log", "--route=graphite:webapp.*.{git,svn}", "--min-time=1s"]);
    assert_eq!(found, 30);
    // A file of that name is a file.
    std::fs::copy(folder.path("a.log"), folder.path(METRIC)).unwrap();
    assert_eq!(folder.run(&["lines", METRIC, "--config=s.toml"]).ended(0).lines().count(), 600);
}

#[test]
fn what_is_not_understood_is_shown_with_what_is_near() {
    let folder = folder();
    let lines = |what: &str| folder.run(&["lines", what, "--config=s.toml"]);
    lines("nginx.web1.webapp.backend.gti.request_time.p99").said(
        2,
        &[
            "the store knows no route `webapp.backend.gti`",
            "^^^^",
            "help: the nearest that there are: nginx.web1.webapp.backend.git.request_time.p99",
        ],
    );
    lines("nginx.web2.search.requests.count").said(2, &["host `web2`", "--route search"]);
    lines("alias(nginx.web1.search.requests.count").said(2, &["the text ends within a call"]);
    lines("https://g/d/abc/nginx?from=now-1h&to=now").said(2, &["does not say a route", "--route NAME"]);
    lines("https://example.org/wiki").said(2, &["no URL of graphite-web, of Grafana"]);
    folder.run(&["lines", METRIC, "--tz=Europe/Brelin", "--config=s.toml"]).said(2, &["did you mean `Europe/Berlin`?"]);
}
