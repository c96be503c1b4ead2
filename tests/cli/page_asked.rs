//! What the page, Loki and `/metrics` take is what the commands take: conditions of `--where`, names of series and probes.

use serde_json::Value;
use support::program::Folder;

use crate::served::GuardedServer;

const FORMAT: &str = "$msec $remote_addr $status $request_time \"$request\" \"$http_user_agent\" \"$upstream_addr\" $body_bytes_sent \"$http_x_id\"";

/// 2011-11-30 14:05:00 UTC.
const BEGIN: i64 = 1_322_661_900;

const WINDOW: &str = "from=2011-11-30T14:00:00Z&until=2011-11-30T14:30:00Z";

/// 600 requests of two routes, of which every tenth is of a probe.
fn folder() -> Folder {
    let folder = support::folder!();
    let mut log = String::new();
    for number in 0..600_i64 {
        let address = ["203.0.113.9", "203.0.112.9", "198.51.100.4", "2001:db8::1"][number as usize % 4];
        let method = ["GET", "POST", "GET", "HEAD", "GET"][number as usize % 5];
        let status = [200, 404, 502, 200, 503, 301, 200][number as usize % 7];
        let (agent, path) = match number % 10 {
            0 => ("kube-probe/1.29", "/healthz"),
            odd => (
                ["curl/8.4.0", "Mozilla/5.0 C:\\x5Cxampp"][odd as usize % 2],
                ["/shop/cart?x=1", "/wiki?x=a%2Ab&y"][odd as usize % 2],
            ),
        };
        let id = ["-", "*", "a:b=c", "o\\x22ne"][number as usize % 4];
        log += &format!(
            "{}.{:03} {address} {status} 0.{:03} \"{method} {path} HTTP/1.1\" \"{agent}\" \"10.0.0.{}:80\" {} \"{id}\"\n",
            BEGIN + number / 2,
            number % 2 * 500,
            if number % 4 == 1 { 600 + number % 100 } else { number % 300 + 1 },
            number % 3,
            number * 37,
        );
    }
    folder.write("a.log", log.as_bytes());
    folder.write(
        "s.toml",
        format!(
            "store = 'store'\nhost = \"web1\"\nroutes = \"template\"\n[[log]]\npath = 'a.log'\nformat = '{FORMAT}'\n[[probe]]\nname = \"uptime\"\nagent = [\"kube-probe/*\"]\n[[series]]\nname = \"net.{{net}}\"\n"
        ),
    );
    folder.run(&["index", "a.log", "--config=s.toml"]).said(0, &["600 lines"]);
    folder
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl GuardedServer {
    fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.get(path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// The words of a command that the page has, without the program's name.
    fn run_as_said(&self, command: &Value) -> String {
        let words = command.as_str().unwrap().strip_prefix("spikeline ").unwrap();
        let mut arguments: Vec<String> = Vec::new();
        let (mut word, mut quoted) = (String::new(), false);
        for letter in words.chars() {
            match letter {
                '\'' => quoted = !quoted,
                ' ' if !quoted => arguments.push(std::mem::take(&mut word)),
                letter => word.push(letter),
            }
        }
        arguments.push(word);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.folder.run(&arguments).out
    }
}

#[test]
fn conditions_of_the_page_are_those_of_where() {
    let served = GuardedServer::of(folder());
    for (name, clicked, condition) in [
        ("only", "method:GET", "method=GET"),
        ("only", "request_method:GET", "request_method=GET"),
        ("not", "method:GET", "method!=GET"),
        ("only", "status_class:5xx", "status_class=5xx"),
        ("only", "status:5xx", "status=5xx"),
        ("only", "status:>=404", "status=>=404"),
        ("only", "net:203.0.113.0/24", "net=203.0.113.0/24"),
        ("not", "net:203.0.0.0/16", "net!=203.0.0.0/16"),
        ("only", "remote_addr:2001:db8::/32", "remote_addr=2001:db8::/32"),
        ("only", "remote_addr:203.0.113.9", "remote_addr=203.0.113.9"),
        ("only", "agent_family:curl", "agent_family=curl"),
        ("only", "http_user_agent^:curl/", "http_user_agent^=curl/"),
        ("not", "http_user_agent^:curl/", "http_user_agent!^=curl/"),
        ("only", "http_user_agent:Mozilla/5.0 C:\\x5Cxampp", "http_user_agent=Mozilla/5.0 C:\\x5Cxampp"),
        ("only", "upstream_addr:10.0.0.2:80", "upstream_addr=10.0.0.2:80"),
        ("only", "query:x:1", "query:x=1"),
        ("only", "query:y:*", "query:y=*"),
        ("only", "body_bytes_sent:>=4096", "body_bytes_sent=>=4096"),
        ("only", "route:shop.cart", "route=shop.cart"),
        ("only", "path:/wiki", "path=/wiki"),
        ("only", "protocol:HTTP/1.1", "protocol=HTTP/1.1"),
        ("only", "http_x_id:\\x2A", "http_x_id=\\x2A"),
        ("only", "http_x_id:a:b=c", "http_x_id=a:b=c"),
        ("only", "http_x_id:*", "http_x_id=*"),
    ] {
        let more = format!("{name}={}", encoded(clicked));
        let all = ["lines", "--config=s.toml", "--all", "--from=2011-11-30T14:00:00Z", "--until=2011-11-30T14:30:00Z"];
        let expected = served.folder.run(&[&all[..], &["--where", condition]].concat()).ended(0);
        let count = expected.lines().count() as u64;
        assert!(count > 0 && count < 600, "{condition}: {count}");
        let lines = served.json(&format!("/page/lines?{WINDOW}&{more}&limit=1000"));
        assert_eq!(lines["count"], count, "{more}: {}", lines["notes"]);
        assert_eq!(lines["is_counted"], true, "{more}");
        // The command that stands beside the view, and the view's address, give the same lines.
        let shown: Vec<&str> = lines["lines"].as_array().unwrap().iter().map(|l| l["line"].as_str().unwrap()).collect();
        let by_command = served.run_as_said(&lines["command"]);
        assert_eq!(by_command.lines().collect::<Vec<_>>(), shown, "{}", lines["command"]);
        let address = format!("http://127.0.0.1:8417/?{WINDOW}&{more}");
        let pasted = served.folder.run(&["lines", &address, "--config=s.toml", "--all"]).ended(0);
        assert_eq!(pasted, expected, "{address}");
        // So do the picture and its table.
        let overview = served.json(&format!("/page/overview?{WINDOW}&{more}"));
        assert_eq!(overview["requests"], count, "{more}");
        let report =
            served.run_as_said(&Value::from(format!("{} --format csv", overview["command"].as_str().unwrap())));
        let counted = |report: &str| -> u64 {
            report.lines().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<u64>().unwrap()).sum()
        };
        assert_eq!(counted(&report), count, "{}", overview["command"]);
        let pasted = served.folder.run(&["report", &address, "--config=s.toml", "--format=csv"]).ended(0);
        assert_eq!(counted(&pasted), count, "{address}");
        let split = served.json(&format!("/page/split?{WINDOW}&{more}"));
        let words = split["words"].as_str().unwrap();
        assert!(words.starts_with(&format!("{count} requests of the box")), "{more}: {words}");
    }
}

#[test]
fn what_the_page_does_not_know_is_refused_by_name() {
    let served = GuardedServer::of(folder());
    for (more, what) in [
        ("only=nosuch:1", "the log has no $nosuch"),
        ("not=nosuch:1", "the log has no $nosuch"),
        ("only=status", "there is no `:`"),
        ("only=method%3DPOST", "there is no `:`"),
        ("only=:x", "it names no field"),
        ("only=http_x_id:%5Cxzz", "two hexadecimal digits"),
    ] {
        for view in ["lines", "overview", "split", "routes", "percentiles"] {
            let (status, _, body) = served.get(&format!("/page/{view}?{WINDOW}&{more}"), "");
            assert!(status == 400 && body.contains(what), "{view} {more}: {status} {body}");
        }
    }
    let link = format!("http://127.0.0.1:8417/?{WINDOW}&only=nosuch:1");
    served.folder.run(&["lines", &link, "--config=s.toml"]).said(2, &["the log has no $nosuch"]);
    let link = format!("http://127.0.0.1:8417/?{WINDOW}&only=status");
    served.folder.run(&["lines", &link, "--config=s.toml"]).said(2, &["`only=status` is no condition"]);
}

/// The values that the page offers to click are conditions that are met.
#[test]
fn what_is_clicked_is_found_again() {
    let served = GuardedServer::of(folder());
    let split = served.json(&format!("/page/split?{WINDOW}&box={},{},400,", BEGIN * 1000, (BEGIN + 600) * 1000));
    let mut tried = 0;
    for field in split["fields"].as_array().unwrap() {
        for value in field["values"].as_array().unwrap() {
            let clicked = encoded(value["condition"].as_str().unwrap());
            let lines = served.json(&format!(
                "/page/lines?{WINDOW}&box={},{},400,&only={clicked}",
                BEGIN * 1000,
                (BEGIN + 600) * 1000
            ));
            assert_eq!(lines["count"], value["box"], "{clicked}");
            tried += 1;
        }
    }
    assert!(tried > 1, "{split}");
}

#[test]
fn a_click_leads_to_probes_and_series_too() {
    let served = GuardedServer::of(folder());
    for (metric, count) in [("probe.uptime", 60), ("net.203_2E0_2E113_2E0_2F24", 150 - 30), ("shop.cart", 240)] {
        let at = (BEGIN + 60) * 1000;
        let path = format!("/at?m=nginx.web1.{metric}.requests.count&t={at}");
        let (status, head, body) = served.get(&path, "");
        assert_eq!(status, 303, "{path}: {body}");
        let place = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
        assert!(place.contains(&format!("route={}&", metric.to_lowercase())), "{place}");
        let lines = served.json(&format!("/page/lines?{WINDOW}&route={metric}"));
        assert_eq!(lines["count"], count, "{metric}");
    }
    let (status, _, body) = served.get(&format!("/at?m=nginx.web1.probe.nosuch.requests.count&t={BEGIN}000"), "");
    assert!(status == 400 && body.contains("route"), "{body}");
}

#[test]
fn loki_and_metrics_give_monitoring_and_series_where_they_are_named() {
    let served = GuardedServer::of(folder());
    let (start, end) = (BEGIN, BEGIN + 600);
    let count = |query: &str| {
        let query = encoded(&format!("sum(count_over_time({query}[10m]))"));
        let answer = served.json(&format!("/loki/api/v1/query?query={query}&time={end}"));
        let result = answer["data"]["result"].as_array().unwrap().clone();
        result.first().map_or(0, |of| of["value"][1].as_str().unwrap().parse::<u64>().unwrap())
    };
    for (query, expected) in [
        (r#"{route="probe.uptime"}"#, 60),
        (r#"{route=~"probe\\..*"}"#, 60),
        (r#"{route_1="probe"}"#, 60),
        (r#"{route="probe.uptime"} |= "kube""#, 60),
        (r#"{route="probe.uptime"} |= "curl""#, 0),
        (r#"{route=~"net[.].*"}"#, 540),
        // Routes alone, in which each request is once and monitoring is not.
        (r#"{route=~".+"}"#, 540),
        (r#"{host="web1", route!="shop.cart"}"#, 300),
        (r#"{route=~".*uptime"}"#, 0),
        (r#"{host="web1"}"#, 540),
        (r#"{route=~"(probe|shop)[.].*", route!="probe.uptime"}"#, 240),
        (r#"{route=~"(probe|shop)[.].*"}"#, 300),
        (r#"{route="nosuch"}"#, 0),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
    let query = encoded(r#"{route="probe.uptime"}"#);
    let lines = served.json(&format!("/loki/api/v1/query_range?query={query}&start={start}&end={end}&limit=1000"));
    let streams = lines["data"]["result"].as_array().unwrap().clone();
    assert_eq!(streams.iter().map(|stream| stream["values"].as_array().unwrap().len()).sum::<usize>(), 60);
    let series = served.json(&format!("/loki/api/v1/series?match[]={query}&start={start}&end={end}"));
    assert!(series.to_string().contains("\"route\":\"probe.uptime\""), "{series}");
    let all = served.json(&format!("/loki/api/v1/label/route/values?start={start}&end={end}"));
    assert!(!all.to_string().contains("probe") && all.to_string().contains("shop.cart"), "{all}");
    let metrics = |routes: &str| served.get(&format!("/metrics?routes={routes}"), "").2;
    let named = metrics("probe.*");
    assert!(
        named.contains("spikeline_requests_total{host=\"web1\",route=\"probe.uptime\",status_class=\"2xx\"}"),
        "{named}"
    );
    assert!(
        named.contains("spikeline_request_duration_seconds_count{host=\"web1\",route=\"probe.uptime\"} 60"),
        "{named}"
    );
    let all = metrics("1");
    assert!(all.contains("route=\"shop.cart\"") && !all.contains("probe.uptime") && !all.contains("\"net."), "{all}");
    let both = metrics("1&routes=probe.*");
    assert!(
        both.contains("route=\"shop.cart\"") && both.contains("probe.uptime") && !both.contains("\"net."),
        "{both}"
    );
    let but = metrics("*&routes=!shop.*");
    assert!(!but.contains("route=\"shop.cart\"") && but.contains("route=\"wiki\""), "{but}");
    let (status, _, body) = served.get(&format!("/metrics?{}", "routes=a.*&".repeat(501)), "");
    assert!(status == 400 && body.contains("501 patterns in `routes` are too many"), "{status} {body}");
    assert_eq!(served.get(&format!("/metrics?{}", "routes=a.*&".repeat(500)), "").0, 200);
}

#[test]
fn regular_expressions_that_are_fine_are_taken() {
    let served = GuardedServer::of(folder());
    let target = r#"grep(nginx.web1.*.*.requests.count,"^nginx\.\w{1,63}\.")"#;
    let drawn = |target: &str| {
        let window = "from=14:00_20111130&until=14:30_20111130&tz=UTC";
        served.get(&format!("/render?target={}&format=json&{window}", encoded(target)), "")
    };
    let (status, _, body) = drawn(target);
    assert!(status == 200 && !body.contains("not understood"), "{status} {body}");
    let window = ["--from=2011-11-30T14:00:00Z", "--until=2011-11-30T14:30:00Z", "--config=s.toml"];
    served.folder.run(&[&["report", target][..], &window].concat()).said(0, &["shop.cart"]);
    let tagged = r"seriesByTag('name=nginx.requests.count','route=~\w{1,60}')";
    assert!(!served.folder.run(&[&["report", tagged][..], &window].concat()).err.contains("not understood"));
    for target in ["grep(nginx.web1.*.*.requests.count,'(.{1000}){1000}')", "seriesByTag('route=~(.{1000}){1000}')"] {
        let (_, _, body) = drawn(target);
        assert!(body.contains("comes to too much"), "{target}: {body}");
        served.folder.run(&[&["report", target][..], &window].concat()).said(2, &["comes to too much"]);
    }
}

/// Of days, totals and courses come of the same hours.
#[test]
fn the_routes_of_days_are_what_report_has_of_them() {
    let folder = support::folder!();
    let mut log = String::new();
    for number in 0..2_000_i64 {
        for (agent, path) in [("curl", "/wiki?"), ("kube-probe/1.29", "/healthz")] {
            log += &format!(
                "{}.000 203.0.113.9 200 {}.{:03} \"GET {path} HTTP/1.1\" \"{agent}\" \"-\" 7 \"-\"\n",
                BEGIN + number * 173,
                number / 900,
                number % 700,
            );
        }
    }
    folder.write("a.log", log);
    let config = format!("store = 'store'\nroutes = \"template\"\n[[log]]\npath = 'a.log'\nformat = '{FORMAT}'\n");
    folder.write("s.toml", config + "[[probe]]\nname = \"uptime\"\nagent = [\"kube-probe/*\"]\n");
    folder.run(&["index", "a.log", "--config=s.toml"]).said(0, &["4,000 lines"]);
    let served = GuardedServer::of(folder);
    let (from, until) = ("2011-11-30T14:00:00Z", "2011-12-04T14:00:00Z");
    let list = served.json(&format!("/page/routes?from={from}&until={until}"));
    let rows = list["rows"].as_array().unwrap();
    let named = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{list}"));
    for name in ["wiki", "probe.uptime"] {
        let report = ["report", "--config=s.toml", "--from", from, "--until", until, "--route", name, "--format=json"];
        let report: Value = serde_json::from_str(&served.folder.run(&report).ended(0)).unwrap();
        let counted = &report["rows"][0];
        for (shown, column) in
            [("requests", "count"), ("p50_ms", "p50_ms"), ("p99_ms", "p99_ms"), ("total_ms", "sum_ms")]
        {
            assert_eq!(named(name)[shown], counted[column], "{name} {shown}: {report}");
        }
    }
    // The probe's course is read by its name alone; both had the same requests.
    assert_eq!(named("wiki")["spark"], named("probe.uptime")["spark"]);
    assert!(named("wiki")["spark"].as_str().unwrap().len() > 100, "{}", named("wiki"));
}

/// A request whose line says no status is none of 5xx, and has no other status: on the page and where its address is pasted.
#[test]
fn what_has_no_status_is_not_of_a_status() {
    let folder = support::folder!();
    let mut log = String::new();
    for (number, status) in ["\"status\":200,", "\"status\":502,", "", "\"status\":404,"].into_iter().enumerate() {
        log += &format!("{{\"ts\":{}.5,\"rt\":0.5,{status}\"request\":\"GET /a HTTP/1.1\"}}\n", BEGIN + number as i64);
    }
    folder.write("a.log", log);
    folder.write("s.toml", "store = 'store'\n[[log]]\npath = 'a.log'\nformat = 'json'\n");
    folder.run(&["index", "a.log", "--config=s.toml"]).said(0, &["4 lines"]);
    let served = GuardedServer::of(folder);
    for (more, count) in
        [("not=status:5xx", 3), ("only=status:5xx", 1), ("only=status:*", 3), ("only=status:4xx&not=status:404", 0)]
    {
        let lines = served.json(&format!("/page/lines?{WINDOW}&{more}"));
        assert_eq!(lines["count"], count, "{more}: {lines}");
        let address = format!("http://127.0.0.1:8417/?{WINDOW}&{more}");
        let pasted = served.folder.run(&["lines", &address, "--config=s.toml", "--all"]);
        assert_eq!(pasted.out.lines().count(), count, "{more}: {}", pasted.err);
    }
}
