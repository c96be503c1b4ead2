//! `check`, the doctor: each finding appears when it should, says where and what mends it, and does not appear otherwise.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use support::log::{EXACT, Request, requests, text};

fn combined(n: u64, tail: &str) -> String {
    let (minute, second) = (n / 60 % 60, n % 60);
    format!(
        "192.0.2.7 - - [22/Nov/2026:20:{minute:02}:{second:02} +0000] \"GET /u/{n} HTTP/1.1\" 200 3 \"-\" \"curl\"{tail}\n"
    )
}

fn lines(range: std::ops::Range<u64>, tail: &str) -> String {
    range.map(|n| combined(n, tail)).collect()
}

/// Golden: the findings for a real log, byte by byte. `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn real_logs() {
    let root = env!("CARGO_MANIFEST_DIR");
    for name in ["npm-proxy", "alp-ltsv", "pnx-json", "ingress-old-realip", "malformed-requests", "pnx-issue44-tsv"] {
        let folder = support::folder!();
        folder.write("access.log", std::fs::read(format!("{root}/tests/data/grammar/{name}/access.log")).unwrap());
        let run = folder.run(&["check", "access.log"]);
        let found = format!("{}exit code {}\n", run.out, run.code);
        let golden = format!("{root}/tests/golden/check/{name}.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_else(|error| panic!("{golden}: {error}"));
        assert_eq!(found, expected, "{golden} differs; UPDATE_GOLDEN=1 writes it anew");
        assert_eq!(run.err, "");
        for line in found.lines().filter(|line| line.starts_with("        ") && !line.contains("'")) {
            assert!(line.chars().count() <= 100, "{name}: {line}");
        }
    }
}

#[test]
fn every_field_stands_over_its_mark() {
    let folder = support::folder!();
    folder.write("a.log", combined(1, "") + "\n");
    let run = folder.run(&["check", "a.log"]);
    let shown: Vec<&str> = run.lines().into_iter().skip_while(|line| !line.contains("what is read in it")).collect();
    let (line, marks) = (shown[1], shown[2]);
    for (mark, value) in [('1', "192.0.2.7"), ('2', "-"), ('3', "22/Nov"), ('4', "GET"), ('5', "200"), ('8', "curl")] {
        let at = marks.find(mark).unwrap_or_else(|| panic!("{mark} is not in {marks}"));
        assert!(line[at..].starts_with(value), "{mark}:\n{line}\n{marks}");
        let legend = shown[3..].iter().find(|row| row.trim_start().starts_with(&format!("{mark} $")));
        assert!(legend.is_some(), "{mark} has no row");
    }
    assert!(run.out.contains("3 $time_local       time, whole seconds  2026-11-22T20:00:01.000Z"), "{}", run.out);
    assert!(run.out.contains("4 $request          request line         GET  /u/1  HTTP/1.1"), "{}", run.out);
}

#[test]
fn a_tie_is_asked_about() {
    let folder = support::folder!();
    std::fs::create_dir(folder.path("own")).unwrap();
    let format = |name: &str, tail: &str| {
        let head = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \
                    \"$http_user_agent\"";
        folder.write(&format!("own/{name}.conf"), format!("# source: here\nlog_format {name} '{head} {tail}';\n"));
    };
    format("one", "<$request_time|$upstream_response_time>");
    format("two", "<$upstream_response_time|$request_time>");
    folder.write("c.toml", format!("grammars = '{}'\n", folder.path("own").display()));
    folder.write("a.log", lines(0..9, " <0.016|0.017>"));
    let out = folder.run(&["check", "--config=c.toml", "a.log"]).ended(1);
    for expected in [
        "WRONG a.log: its lines fit 2 formats alike",
        "only you can say which it is\n      help: format = \"NAME\" in its [[log]] section, or --log-format NAME\n",
        "        one: $request_time 0.016, $upstream_response_time 0.017\n",
        "        two: $upstream_response_time 0.016, $request_time 0.017\n",
    ] {
        assert!(out.contains(expected), "{expected:?} is not in {out}");
    }
    // The answer is taken.
    let out = folder.run(&["check", "--config=c.toml", "a.log", "--log-format=two"]).fine();
    assert!(out.contains("100.00 % of 9 lines fit format `two`") && !out.contains("alike"), "{out}");
    folder.run(&["check", "--config=c.toml", "a.log", "--log-format=tow"]).said(2, &["did you mean `two`?"]);
}

#[test]
fn what_comes_closest_when_nothing_fits() {
    let folder = support::folder!();
    folder.write("a.log", lines(0..20, "").replace("] \"", "] ~ \""));
    let run = folder.run(&["check", "a.log"]);
    let out = run.out.clone();
    assert_eq!((run.code, run.err.as_str()), (1, ""), "{out}");
    for expected in ["WRONG a.log: its lines fit none of the ", "log_format;", "the closest, `", "it stops at column "]
    {
        assert!(out.contains(expected) || expected == "log_format;", "{expected:?} is not in {out}");
    }
    assert!(out.contains("nginx -T"), "{out}");
    let rows = run.lines();
    assert_eq!(rows.last().unwrap().trim(), "^", "{out}");
    folder.write("j.log", "{\"a\": 1, \"b\": \"x\"}\n".repeat(5));
    assert!(folder.run(&["check", "j.log"]).ended(1).contains("they are JSON"));
    folder.write("l.log", "a:1\tb:2\n".repeat(5));
    assert!(folder.run(&["check", "l.log"]).ended(1).contains("they are LTSV"));
}

#[test]
fn a_format_that_changes_in_the_middle_is_told_with_the_byte() {
    let folder = support::folder!();
    let before = lines(0..40, "");
    folder.write("a.log", before.clone() + &lines(40..70, " 0.003 0.005"));
    let out = folder.run(&["check", "a.log"]).ended(1);
    let at = before.len();
    let change = format!("up to byte {at} lines fit `combined`, from there on `combined_plus`\n");
    assert!(out.contains(&change), "{change:?} is not in {out}");
    // Also where the first part is the smaller, and where the other format is not known.
    folder.write("b.log", before.clone() + &lines(40..140, " 0.003 0.005"));
    assert!(folder.run(&["check", "b.log"]).ended(1).contains(&change));
    folder.write("c.log", before.clone() + &lines(40..70, " ~5"));
    let unknown = format!("up to byte {at} lines fit `combined`, from there on none does\n");
    assert!(folder.run(&["check", "c.log"]).ended(1).contains(&unknown));
    // Two formats written to one file are no change.
    folder
        .write("d.log", (0..40).map(|n| combined(n, if n % 3 == 0 { " 0.003 0.005" } else { "" })).collect::<String>());
    let out = folder.run(&["check", "d.log"]).ended(1);
    assert!(out.contains("14 of the lines looked at fit `combined_plus` instead, mixed"), "{out}");
    // A few torn lines are none either.
    folder.write("e.log", before.clone() + "torn\n" + &lines(40..70, ""));
    assert!(!folder.run(&["check", "e.log"]).fine().contains("changes"));
}

/// A large log is looked at in places; the byte of the change is found between them.
#[test]
fn a_large_log_is_sampled() {
    let folder = support::folder!();
    let before = lines(0..110_000, "");
    let whole = before.clone() + &lines(110_000..130_000, " 0.003 0.005");
    folder.write("a.log", &whole);
    let out = folder.run(&["check", "a.log"]).ended(1);
    assert!(out.contains("looked at: its head, 48 places in its body and its end, of about 1"), "{out}");
    let change = format!("up to byte {} lines fit `combined`, from there on `combined_plus`\n", before.len());
    assert!(out.contains(&change), "{change:?} is not in {out}");
    let out = folder.run(&["check", "--all", "a.log"]).ended(1);
    assert!(out.contains("84.62 % of 130,000 lines fit") && !out.contains("looked at:"), "{out}");
    // Compressed: from the beginning to the end, some blocks kept.
    folder.gz("a.gz", &whole);
    let out = folder.run(&["check", "a.gz"]).ended(1);
    assert!(out.contains("looked at: lines spread from its head to its end"), "{out}");
    assert!(out.contains("from there on `combined_plus`"), "{out}");
    let out = folder.run(&["check", "--all", "a.gz"]).ended(1);
    assert!(out.contains("84.62 % of 130,000 lines fit"), "{out}");
    folder.run(&["check", "--all", "-"]).said(2, &["--all cannot read stdin twice"]);
    let out = folder.run_with(before.as_bytes(), &["check", "-"]).fine();
    assert!(out.contains("stdin: 100.00 % of ") && out.contains("fit format `combined`"), "{out}");
}

/// The log_format that is given answers what was asked: nothing is lacking any more.
#[test]
fn the_directive_offered_has_what_is_missing() {
    let folder = support::folder!();
    folder.write("a.log", lines(0..5, ""));
    let out = folder.run(&["check", "a.log"]).fine();
    assert!(out.contains("access_log PATH timed;\n        log_format timed\n            '$remote_addr - "), "{out}");
    let directive: String = out.lines().skip_while(|line| !line.contains("log_format timed")).take(4).collect();
    let pieces: Vec<&str> = directive.split('\'').skip(1).step_by(2).collect();
    let format = pieces.concat();
    let line = combined(1, " rt=0.016 ut=\"0.010\" uct=\"0.001\" uht=\"0.009\" msec=1795381201.123");
    folder.write("b.log", line.repeat(3));
    let out = folder.run(&["check", "b.log", "--log-format", &format]).fine();
    assert!(!out.contains("note"), "{out}");
    assert!(out.contains("2026-11-22T21:00:01.123Z") && out.contains("16 ms"), "{out}");
}

#[test]
fn mistyped_variables_are_pointed_at() {
    let folder = support::folder!();
    let log = folder.path("a.log").display().to_string();
    folder.write("a.log", text(&requests(5), Request::exact));
    let format = EXACT.replace("upstream_addr", "upstream_adr");
    let store = folder.path("store").display().to_string();
    folder.write("c.toml", format!("store = '{store}'\n[[log]]\npath = '{log}'\nformat = '{format}'\n"));
    let out = folder.run(&["check", "--config=c.toml"]).fine();
    let column = "format = '".len() + format.find("$upstream_adr").unwrap() + 1;
    let note = format!(
        "note  c.toml:4:{column}: `$upstream_adr` is no variable of nginx's own: did you mean `$upstream_addr`?"
    );
    assert!(out.contains(&note), "{note:?} is not in {out}");
    let out = folder.run(&["check", "a.log", "--log-format", &format]).fine();
    assert!(out.contains("note  `$upstream_adr` is no variable") && out.contains("text; not nginx's own"), "{out}");
    // One that a map makes is nobody's mistake.
    let own = EXACT.replace("upstream_addr", "my_country");
    assert!(!folder.run(&["check", "a.log", "--log-format", &own]).fine().contains("did you mean"));
}

#[test]
fn routes_are_counted_by_rule() {
    let folder = support::folder!();
    let mut log = text(&requests(200), Request::exact);
    log += &text(&[Request::new(support::log::NOON, 5, "/p/git/x")], Request::exact);
    folder.write("a.log", &log);
    let targets: Vec<String> = requests(200).into_iter().map(|request| request.target).collect();
    let count = |prefix: &str| targets.iter().filter(|target| target.starts_with(prefix)).count();
    let users = count("/users/");
    folder.write(
        "c.toml",
        "[[route]]\nname = \"users\"\npath = \"/users/{n}\"\n\
         [[route]]\nname = \"users.get\"\npath = \"/users/*\"\nmethod = \"GET\"\n\
         [[route]]\nname = \"git\"\npath = \"/p/git/*\"\n\
         [[route]]\nname = \"gone\"\npath = \"/gone\"\n",
    );
    let out = folder.run(&["check", "--config=c.toml", "a.log", "--log-format", EXACT]).fine();
    let gets = requests(200).iter().filter(|r| r.target.starts_with("/users/") && r.method == "GET").count();
    for expected in [
        format!("of 201 lines are named by 4 rules, {} by their path\n", 200 - users),
        format!("\n        {users:>2}  users\n         0  users.get\n         1  git\n         0  gone\n"),
        format!(
            "route `users.get` (c.toml:4) is shadowed: it would match {gets} lines, but rules before it take them all: `users` took {gets}\n"
        ),
        "note  route `gone` (c.toml:11) matches nothing in these lines\n".to_owned(),
        "the most frequent without a rule, with a target of each:".to_owned(),
        format!("{}  slow", count("/slow")),
    ] {
        assert!(out.contains(&expected), "{expected:?} is not in {out}");
    }
    assert!(!out.contains("route `git`") && !out.contains("route `users` "), "{out}");
    assert!(!out.contains("routes_max"), "{out}");
}

#[test]
fn the_cap_on_routes_is_told_when_it_is_near_or_reached() {
    let folder = support::folder!();
    let log: String = ["a", "b", "c", "d", "e"]
        .map(|path| Request::new(support::log::NOON, 5, &format!("/{path}")).exact() + "\n")
        .concat();
    folder.write("a.log", &log);
    let with_cap = |cap: u32| {
        folder.write("c.toml", format!("routes_max = {cap}\n"));
        folder.run(&["check", "--config=c.toml", "a.log", "--log-format", EXACT])
    };
    assert!(!with_cap(10).fine().contains("routes_max"));
    assert!(with_cap(6).fine().contains("note  routes: 5 of at most routes_max = 6"));
    let out = with_cap(4).ended(1);
    assert!(out.contains("WRONG routes: 2 of 5 lines fell to `other`"), "{out}");
}

#[test]
fn rules_that_ask_for_what_the_format_lacks() {
    let folder = support::folder!();
    folder.write("a.log", lines(0..5, ""));
    folder.write(
        "c.toml",
        "[[route]]\nname = \"x\"\nhost = \"x.test\"\nvariables = { upstream_cache_status = \"HIT\" }\n",
    );
    let out = folder.run(&["check", "--config=c.toml", "a.log"]).fine();
    for expected in ["ask for the host", "asks for $upstream_cache_status", "host=\"$host\""] {
        assert!(out.contains(expected), "{expected:?} is not in {out}");
    }
    assert!(out.contains("upstream_cache_status=\"$upstream_cache_status\""), "{out}");
}

/// Needs a user that may not: as root, util-linux' setpriv makes one.
#[test]
fn what_denies_is_named_with_the_command_that_mends_it() {
    let folder = support::folder!();
    folder.write("a.log", lines(0..5, ""));
    let open = |name: &str, mode: u32| {
        std::fs::set_permissions(folder.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open("a.log", 0o600);
    open("", 0o755);
    let store = folder.path("inner/store").display().to_string();
    std::fs::create_dir(folder.path("inner")).unwrap();
    open("inner", 0o755);
    let log = folder.path("a.log").display().to_string();
    folder.write("c.toml", format!("store = '{store}'\n[[log]]\npath = '{log}'\nformat = \"combined\"\n"));
    let command = folder.command(&["check", "--config=c.toml"]);
    let mut nobody = std::process::Command::new("setpriv");
    nobody
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(command.get_program())
        .args(command.get_args());
    nobody.current_dir(folder.path("")).env_remove("SPIKELINE_CONFIG").env_remove("SPIKELINE_STORE");
    let Ok(output) = nobody.output() else { return eprintln!("skipped: needs setpriv") };
    let out = String::from_utf8(output.stdout).unwrap();
    if output.status.code() != Some(3) {
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(!rustix_is_root(), "{out}{err}");
        return eprintln!("skipped: only root can become another user");
    }
    for expected in [
        format!("WRONG {log}: cannot open it: Permission denied"),
        format!("{log} (root:root, mode 0600) does not let user nobody read it"),
        format!("help: sudo setfacl -m u:nobody:r {log};"),
        format!("WRONG {store}: cannot write the store: Permission denied"),
        format!("{} (root:root, mode 0755) does not let user nobody make files in it", folder.path("inner").display()),
    ] {
        assert!(out.contains(&expected), "{expected:?} is not in {out}");
    }
}

fn rustix_is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn carbon_s_language() {
    let folder = support::folder!();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    folder.write("a.log", lines(0..5, ""));
    let config = |address: &str| {
        let (store, log) = (folder.path("store"), folder.path("a.log"));
        folder.write(
            "c.toml",
            format!(
                "store = '{}'\n[[log]]\npath = '{}'\nformat = \"combined\"\n[[carbon]]\naddress = \"{address}\"\nprotocol = \"pickle\"\n",
                store.display(),
                log.display()
            ),
        );
        folder.run(&["check", "--config=c.toml"])
    };
    // Something that speaks first is no carbon.
    let speaker = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"SSH-2.0\r\n").unwrap();
    });
    let out = config(&address.to_string()).ended(1);
    speaker.join().unwrap();
    assert!(out.contains("it speaks first, as no carbon does"), "{out}");
    let out = config("127.0.0.1:7002").out;
    assert!(out.contains("carbon 127.0.0.1:7002: this is commonly the cache's query port"), "{out}");
}

#[test]
fn findings_for_programs() {
    let folder = support::folder!();
    folder.write("a.log", lines(0..9, "") + "\u{1b}[2Jtorn\n");
    let people = folder.run(&["check", "a.log"]).fine();
    let run = folder.run(&["check", "a.log", "--format=jsonl"]).fine();
    let findings: Vec<serde_json::Value> = run.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let heads = people.lines().filter(|line| !line.starts_with("  ")).count();
    assert_eq!(findings.len(), heads, "{people}");
    assert_eq!(findings[0]["level"], "ok");
    assert_eq!(findings[0]["what"], people.lines().next().unwrap()[6..]);
    let reject = findings.iter().find(|finding| finding["what"].as_str().unwrap().contains("1 x ")).unwrap();
    assert_eq!((reject["level"].as_str(), reject["detail"][0].as_str()), (Some("note"), Some("\\x1B[2Jtorn")));
    let document = folder.run(&["check", "a.log", "--format=json"]).fine();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["schema"], document["findings"].as_array().unwrap()), (&serde_json::json!(1), &findings));
    let gone = folder.run(&["check", "gone.log", "--format=jsonl"]).ended(3);
    let gone: serde_json::Value = serde_json::from_str(gone.trim()).unwrap();
    assert_eq!((&gone["level"], &gone["remedy"]), (&serde_json::json!("wrong"), &serde_json::json!("check the path")));
    folder.run(&["check", "a.log", "--format=csv"]).said(2, &["csv", "[possible values: table, json, jsonl]"]);
}

#[test]
fn a_terminal_gets_colour_and_no_escape_of_a_log() {
    let folder = support::folder!();
    folder.write("a.log", lines(0..40, "") + "\u{1b}]0;owned\u{7} \u{202e}\n");
    let Some(mut command) = folder.on_terminal("check a.log") else { return };
    let coloured = support::program::run(&mut command).fine();
    assert!(coloured.contains("\u{1b}[1m\u{1b}[32mok") && !coloured.contains("\u{1b}]"), "{coloured:?}");
    assert!(coloured.contains("\\x1B]0;owned\\x07 \\xE2\\x80\\xAE"), "{coloured:?}");
    command.env("NO_COLOR", "1");
    let plain = support::program::run(&mut command).fine();
    assert!(!plain.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{plain:?}");
}
