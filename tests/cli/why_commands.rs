//! The command that `why` prints for each cause lists as many lines as the cause has requests, over files and over the store.

use std::fmt::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::program::Folder;

const FORMAT: &str = "$remote_addr $host $msec $status $request_time \"$request\" $body_bytes_sent \"$http_referer\" \
                      \"$http_user_agent\" \"$upstream_addr\" \"$upstream_status\" \"$upstream_response_time\" $upstream_cache_status \
                      $ssl_protocol $connection_requests $request_length \"$http_x_tenant\"";

/// Begin of the log, and the window: its last two minutes of fourteen.
const BEGIN: u64 = 1_322_661_600_000;
const WINDOW: [&str; 2] = ["--from=1322662320", "--until=1322662440"];

/// A request, each value as it is logged.
#[derive(Debug, Clone)]
struct Asked {
    client: String,
    host: &'static str,
    method: &'static str,
    target: String,
    protocol: &'static str,
    referer: &'static str,
    agent: String,
    upstream: String,
    cache: &'static str,
    tls: &'static str,
    reuse: u64,
    length: u64,
    bytes: u64,
    tenant: String,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

fn asked(dice: &mut Dice) -> Asked {
    let target = match dice.below(5) {
        0 => format!("/p/{}/source/file/{}", dice.pick(&["git", "svn", "hg"]), dice.below(900)),
        1 => format!("/p/{}/source/tree/{}", dice.pick(&["git", "svn", "hg"]), dice.below(900)),
        2 => {
            format!("/search?q={}{}", dice.pick(&["a", "b%20c", "d", "e"]), dice.pick(&["", "", "&deep=1", "&deep=2"]))
        }
        3 => dice.pick(&["/login", "/a/b/c/d/e/f/g/h/i/j", "/export.pdf"]).to_owned(),
        _ => format!("/api/v1/users/{}", dice.below(500)),
    };
    let long = "x".repeat(250);
    Asked {
        client: match dice.below(4) {
            0 => format!("2001:db8:{}:{}::{}", dice.below(3), dice.below(3), dice.below(30)),
            _ => format!("198.51.{}.{}", dice.below(6), dice.below(12)),
        },
        host: dice.pick(&["shop.example.com", "www.example.com", "api.example.com"]),
        method: dice.pick(&["GET", "GET", "GET", "POST", "PUT"]),
        target,
        protocol: dice.pick(&["HTTP/1.1", "HTTP/1.1", "HTTP/2.0"]),
        referer: dice.pick(&[
            "-",
            "https://shop.example.com/a?b",
            "https://news.example.org/",
            "http://x.example.net/y",
        ]),
        agent: dice
            .pick(&[
                "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                "curl/8.4.0",
                "odd \\x22agent\\x22 \\xFF\\x5C it's",
                long.as_str(),
            ])
            .to_owned(),
        upstream: match dice.below(8) {
            0 => format!("10.0.2.{}:80, 10.0.2.{}:80", 11 + dice.below(4), 11 + dice.below(4)),
            1 => "-".to_owned(),
            _ => format!("10.0.2.{}:80", 11 + dice.below(4)),
        },
        cache: dice.pick(&["HIT", "MISS", "EXPIRED", "-"]),
        tls: dice.pick(&["TLSv1.2", "TLSv1.3", "-"]),
        reuse: dice.pick(&[1, 1, 2, 7, 30]),
        length: dice.pick(&[90, 300, 500, 2000, 9000, 70_000]),
        bytes: dice.pick(&[150, 900, 5000, 300_000]),
        tenant: dice.pick(&["a=b", "c!", "*", ">=9", "d,e", "-"]).to_owned(),
    }
}

/// Fourteen minutes at ten requests a second; in the window those that are `slow` take a second and a half more.
fn log_of(seed: u64, slow: &dyn Fn(&Asked) -> bool) -> String {
    let mut dice = Dice(seed);
    let mut text = String::new();
    for tick in 0..14 * 600 {
        let request = asked(&mut dice);
        let end = BEGIN + tick * 100 + dice.below(100) as u64;
        let mut took = 20 + dice.below(60) as u64;
        if tick >= 12 * 600 && slow(&request) {
            took += 1200 + dice.below(600) as u64;
        }
        // Now and then a log does not say how long one took.
        let time = if dice.below(40) == 0 { "-".to_owned() } else { format!("{}.{:03}", took / 1000, took % 1000) };
        let attempts = request.upstream.split(", ").count();
        let status = if attempts > 1 { "502, 200" } else { "200" };
        let times = if attempts > 1 { format!("0.001, {}.{:03}", took / 1000, took % 1000) } else { time.clone() };
        let Asked {
            client,
            host,
            method,
            target,
            protocol,
            referer,
            agent,
            upstream,
            cache,
            tls,
            reuse,
            length,
            bytes,
            tenant,
        } = request;
        writeln!(
            text,
            "{client} {host} {}.{:03} 200 {time} \"{method} {target} {protocol}\" {bytes} \"{referer}\" \"{agent}\" \"{upstream}\" \
             \"{status}\" \"{times}\" {cache} {tls} {reuse} {length} \"{tenant}\"",
            end / 1000,
            end % 1000
        )
        .unwrap();
    }
    text
}

/// How many lines a printed command gives.
#[track_caller]
fn lines_of(folder: &Folder, command: &str) -> u64 {
    let own = folder.command(&[]);
    let program = own.get_program().to_str().unwrap().to_owned();
    let typed = command.strip_prefix("spikeline ").expect(command);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec {program} {typed} --format=jsonl")]).current_dir(folder.path(""));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in own.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let run = support::program::run(&mut shell);
    assert!(run.code < 2, "{command}: {}", run.err);
    run.out.lines().count() as u64
}

/// Every cause's command lists its requests; gives the fields of the causes.
#[track_caller]
fn each_command_lists_its_cause(what: &str, seed: u64, slow: &dyn Fn(&Asked) -> bool) -> Vec<String> {
    each_command_lists_its_cause_in(&log_of(seed, slow), what)
}

#[track_caller]
fn each_command_lists_its_cause_in(log: &str, what: &str) -> Vec<String> {
    let folder = support::folder!();
    folder.write("a.log", log);
    folder.write(
        "c.toml",
        format!("store = 'store'\nroutes = \"template\"\n[[log]]\npath = 'a.log'\nformat = '{FORMAT}'\n"),
    );
    folder.run(&["index", "a.log", "--config=c.toml"]).said(0, &["8,400 lines"]);
    let mut fields = Vec::new();
    for source in [&["a.log", "--log-format", FORMAT][..], &["--config=c.toml"]] {
        let out = folder.run(&[&["why", "--format=json"][..], &WINDOW, source].concat()).ended(0);
        let said: Value = serde_json::from_str(&out).unwrap();
        let causes = said["causes"].as_array().unwrap();
        assert!(!causes.is_empty(), "{what}: {out}");
        assert_eq!(said["command"], causes[0]["command"]);
        for cause in causes.iter().chain(said["no_news"].as_array().unwrap()) {
            let command = cause["command"].as_str().unwrap();
            assert!(!command.chars().any(char::is_control), "{command:?}");
            assert_eq!(lines_of(&folder, command), cause["window"]["count"].as_u64().unwrap(), "{what}: {command}");
            fields.extend(cause["where"].as_object().unwrap().iter().map(|(field, value)| format!("{field}={value}")));
        }
    }
    fields
}

#[test]
fn the_command_of_a_client_its_net_and_its_agent_lists_each_of_its_requests() {
    let named = |what: &str, slow: &dyn Fn(&Asked) -> bool| each_command_lists_its_cause(what, 1, slow).join(" ");
    assert!(named("address", &|asked| asked.client == "198.51.3.7").contains("198.51.3.7"));
    assert!(named("net", &|asked| asked.client.starts_with("198.51.3.")).contains("198.51.3.0/24"));
    assert!(named("v6 net", &|asked| asked.client.starts_with("2001:db8:1:2:")).contains("2001:db8:1:2::/64"));
    assert!(named("wide v6 net", &|asked| asked.client.starts_with("2001:db8:1:")).contains("2001:db8:1::/48"));
    assert!(named("agent", &|asked| asked.agent.contains("Googlebot")).contains("Googlebot"));
    named("odd agent", &|asked| asked.agent.contains("odd"));
    named("long agent", &|asked| asked.agent.starts_with("xxx"));
}

#[test]
fn the_command_of_what_is_asked_for_lists_each_of_its_requests() {
    let named = |what: &str, slow: &dyn Fn(&Asked) -> bool| each_command_lists_its_cause(what, 2, slow).join(" ");
    assert!(named("query", &|asked| asked.target.contains("deep=1")).contains("query:deep=\"1\""));
    assert!(named("any query", &|asked| asked.target.contains("deep=")).contains("query:deep"));
    assert!(named("template", &|asked| asked.target.contains("/source/file/")).contains("route="));
    named("route", &|asked| asked.target.starts_with("/p/svn/source/tree/"));
    named("project", &|asked| asked.target.starts_with("/p/hg/"));
    named("path", &|asked| asked.target == "/login");
    named("deep path", &|asked| asked.target.starts_with("/a/b/"));
    assert!(named("method", &|asked| asked.method == "POST").contains("request_method"));
    assert!(named("protocol", &|asked| asked.protocol == "HTTP/2.0").contains("server_protocol"));
    assert!(named("referer", &|asked| asked.referer.contains("news")).contains("news.example.org"));
    assert!(named("length", &|asked| asked.length >= 9000).contains(">=4096"));
    named("reuse", &|asked| asked.reuse == 1);
    named("reused", &|asked| asked.reuse > 1);
    named("tls", &|asked| asked.tls == "TLSv1.2");
    for tenant in ["a=b", "c!", "*", ">=9", "d,e"] {
        assert!(named(tenant, &|asked| asked.tenant == tenant).contains("http_x_tenant"), "{tenant}");
    }
}

/// Keys that end in a mark, bytes that are no text, control characters, and the backslash that escapes them, as nginx logs them.
#[test]
fn the_command_of_a_key_that_looks_like_a_mark_or_is_no_text_lists_its_requests() {
    for (key, named) in [
        ("price!", "query:price!"),
        ("a^", "query:a^"),
        ("\\xFF", "query:\\xFF"),
        ("a\\x09\\x1B[1m", "query:a\\x09\\x1B[1m"),
        ("a\\x5Cx41", "query:a\\x5Cx41"),
        ("a\\xC3\\xB6", "query:aö"),
    ] {
        let log = log_of(2, &|asked| asked.target.contains("deep=1")).replace("deep=", &format!("{key}="));
        let fields = each_command_lists_its_cause_in(&log, key);
        assert!(fields.iter().any(|field| field == &format!("{named}=\"1\"")), "{key}: {fields:?}");
    }
}

/// A host is the same one in any case, in what is counted and in what is listed.
#[test]
fn the_command_of_a_host_lists_its_requests_in_any_case() {
    for (what, field) in [(" shop.example.com", "host"), ("\"https://shop.example.com", "http_referer")] {
        let log = log_of(2, &|asked| match field {
            "host" => asked.host.starts_with("shop"),
            _ => asked.referer.starts_with("https://shop"),
        });
        let capitals = what.replace("shop.example", "Shop.EXAMPLE");
        let every_other = |(at, line): (usize, &str)| match at % 2 {
            0 => line.replacen(what, &capitals, 1) + "\n",
            _ => line.to_owned() + "\n",
        };
        let log: String = log.lines().enumerate().map(every_other).collect();
        let fields = each_command_lists_its_cause_in(&log, field);
        assert!(fields.contains(&format!("{field}=\"shop.example.com\"")), "{fields:?}");
    }
}

/// Values that would be read as a class, a net or nothing.
#[test]
fn the_command_of_a_value_that_looks_like_a_condition_lists_its_requests() {
    for tenant in [">5", ">=4096", "<5", "5xx", "\\x5Cx41"] {
        let log = log_of(2, &|asked| asked.tenant == "c!").replace("\"c!\"", &format!("\"{tenant}\""));
        let fields = each_command_lists_its_cause_in(&log, tenant);
        assert!(fields.iter().any(|field| field.starts_with("http_x_tenant=")), "{tenant}: {fields:?}");
    }
}

#[test]
fn the_command_of_who_answers_and_of_pairs_lists_each_of_their_requests() {
    let named = |what: &str, slow: &dyn Fn(&Asked) -> bool| each_command_lists_its_cause(what, 3, slow).join(" ");
    assert!(named("upstream", &|asked| asked.upstream.contains("10.0.2.12:80")).contains("10.0.2.12:80"));
    assert!(named("cache", &|asked| asked.cache == "EXPIRED").contains("EXPIRED"));
    assert!(named("host", &|asked| asked.host == "shop.example.com").contains("shop.example.com"));
    let pair = named("pair", &|asked| asked.host == "api.example.com" && asked.method == "POST");
    assert!(pair.contains("host=") && pair.contains("request_method="), "{pair}");
    named("outcome", &|asked| asked.bytes > 100_000);
    named("two causes", &|asked| asked.cache == "EXPIRED" || asked.client.starts_with("198.51.2."));
}
