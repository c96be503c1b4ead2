//! `top` in a real terminal (tmux) with keys sent, and as rows where there is none.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::folder;
use support::program::Folder;

const FORMAT: &str =
    "$remote_addr [$time_local] \"$request\" $status $body_bytes_sent \"$http_user_agent\" $request_time $msec";

/// 2011-11-30 14:00:00 UTC.
const BEGIN: u64 = 1_322_661_600;

/// What it waits for comes; nothing is asserted about when.
const PATIENCE: Duration = Duration::from_secs(60);

fn line(second: u64, target: &str, took_ms: u64, agent: &str) -> String {
    format!(
        "192.0.2.7 [30/Nov/2011:14:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 900 \"{agent}\" {}.{:03} {}.500\n",
        second / 60,
        second % 60,
        took_ms / 1000,
        took_ms % 1000,
        BEGIN + second
    )
}

/// Twenty minutes of two routes; the one is slow in the last two.
fn log() -> String {
    let mut log = String::new();
    for second in 0..1200u64 {
        let took = if second >= 1080 { 2_000 + second } else { 40 + second % 30 };
        log.push_str(&line(second, "/p/git", took, "\\x1B[2Jevil\u{202e}"));
        log.push_str(&line(second, "/api/users/7", 7 + second % 5, "curl"));
    }
    log
}

fn taken_in() -> Folder {
    let folder = folder!();
    folder.write("access.log", log());
    folder.write("s.toml", format!("store = \"store\"\n[[log]]\npath = \"access.log\"\nformat = '{FORMAT}'\n"));
    assert_eq!(folder.run(&["index", "access.log", "--config", "s.toml"]).code, 0);
    folder
}

#[test]
fn without_a_terminal_it_prints_rows() {
    let folder = taken_in();
    let ran = folder.run(&["top", "--config", "s.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let rows: Vec<&str> = ran.out.lines().collect();
    assert!(
        rows[0].starts_with("route") && rows[2].starts_with("p.git") && rows[3].starts_with("api.users.{id}"),
        "{}",
        ran.out
    );
    // Nobody asked for anything since 2011, and that is said.
    assert!(ran.err.contains("window 2011-11-30T14:15:00.000Z .. 2011-11-30T14:20:00.000Z (UTC)"), "{}", ran.err);
    assert!(ran.err.contains("there is no request since 2011-11-30T14:20:00.000Z"), "{}", ran.err);
    let rows = |arguments: &[&str]| {
        let ran = folder.run(&[arguments, &["--config", "s.toml", "--format", "jsonl"]].concat());
        let rows: Vec<Value> = ran.out.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(rows.len(), 2, "{}", ran.out);
        rows
    };
    let report = rows(&["report", "--from", "2011-11-30T14:15", "--until", "2011-11-30T14:20"]);
    for (top, counted) in rows(&["top"]).iter().zip(&report) {
        for name in ["route", "count", "sum_ms", "p50_ms", "p99_ms", "max_ms", "slow", "status_5xx"] {
            assert_eq!(top[name], counted[name], "{name}");
        }
        let steps: u64 = top["course_count"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(Value::from(steps), top["count"]);
    }
}

#[test]
fn files_are_taken_in_and_leave_nothing() {
    let folder = folder!();
    folder.write("access.log", log());
    let ran = run_in(&folder, &["top", "access.log", "--log-format", FORMAT, "--sort", "name"]);
    assert_eq!(ran.0, 0, "{}", ran.2);
    assert!(ran.1.contains("\napi.users.{id}") && ran.1.contains("\np.git"), "{}", ran.1);
    assert_eq!(std::fs::read_dir(folder.path("tmp")).unwrap().count(), 0);
    let ran = folder.run(&["top", "no-such.log"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    let ran = folder.run(&["top", "--last", "0s"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
}

#[test]
fn rows_have_the_clocks_of_tz() {
    let folder = taken_in();
    let ran = folder.run(&["top", "--once", "--tz", "Europe/Berlin", "--config", "s.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("window 2011-11-30 15:15:00 .. 2011-11-30 15:20:00 (Europe/Berlin)"), "{}", ran.err);
    assert!(ran.err.contains("no request since 2011-11-30 15:20:00:"), "{}", ran.err);
}

#[test]
fn what_is_ended_while_it_reads_for_the_first_time_leaves_nothing() {
    let folder = folder!();
    folder.write("access.log", log().repeat(60));
    std::fs::create_dir(folder.path("tmp")).unwrap();
    for name in ["top", "serve"] {
        let words = [name, "access.log", "--log-format", FORMAT];
        let mut command = folder.command(&words);
        command.env("TMPDIR", folder.path("tmp")).env("SPIKELINE_LISTEN", "127.0.0.1:0");
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let entries = || std::fs::read_dir(folder.path("tmp")).unwrap().count();
        let begun = Instant::now();
        while entries() == 0 && running.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(1));
        }
        let pid = running.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        running.wait().unwrap();
        assert_eq!(entries(), 0, "{name}");
    }
}

/// With a TMPDIR of its own.
fn run_in(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    std::fs::create_dir(folder.path("tmp")).unwrap();
    let ran = support::program::run(folder.command(arguments).env("TMPDIR", folder.path("tmp")));
    (ran.code, ran.out, ran.err)
}

/// A terminal of its own, ended when dropped.
struct Tmux {
    socket: String,
}

impl Tmux {
    /// Runs the program there; nothing, with a word about it, without tmux.
    fn start(folder: &Folder, width: u16, height: u16, arguments: &str) -> Option<Tmux> {
        if Command::new("tmux").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("skipped: needs tmux");
            return None;
        }
        // A server that ends keeps its socket for a moment.
        let number = std::fs::read_dir(folder.path(".")).unwrap().count();
        let socket = folder.path(&format!("tmux-{number}"));
        std::fs::write(folder.path(&format!("taken-{number}")), "").unwrap();
        let tmux = Tmux { socket: socket.display().to_string() };
        let program = folder.command(&[]).get_program().to_string_lossy().into_owned();
        // What the shell says afterwards shows that the terminal is as it was.
        let line = format!("{program} {arguments}; echo ended with $?; stty -a | grep -o ' -*echo ' ; exec cat");
        let (width, height) = (width.to_string(), height.to_string());
        let mut command = tmux.command();
        command.current_dir(folder.path(".")).args([
            "-f",
            "/dev/null",
            "-u",
            "new-session",
            "-d",
            "-x",
            &width,
            "-y",
            &height,
        ]);
        command.args(["-e", "TZ=UTC", "-e", "LC_ALL=C.UTF-8", "-e", "SPIKELINE_LISTEN=off", "sh", "-c", &line]);
        assert!(command.status().unwrap().success());
        Some(tmux)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-S", &self.socket]);
        command
    }

    fn keys(&self, keys: &[&str]) {
        assert!(self.command().arg("send-keys").args(keys).status().unwrap().success());
    }

    fn screen(&self) -> String {
        let shown = self.command().args(["capture-pane", "-p"]).output().unwrap();
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// Until the screen has all of these; then it.
    #[track_caller]
    fn shows(&self, wanted: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if wanted.iter().all(|text| screen.contains(text)) {
                return screen;
            }
            assert!(begun.elapsed() < PATIENCE, "waited for {wanted:?}:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The process that runs there.
    fn program(&self) -> String {
        let shell = self.command().args(["display-message", "-p", "#{pane_pid}"]).output().unwrap();
        let shell = String::from_utf8_lossy(&shell.stdout).trim().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        children.split_whitespace().next().unwrap().to_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        drop(self.command().arg("kill-server").stderr(Stdio::null()).status());
    }
}

#[test]
fn keys_lead_into_a_route_to_its_lines_to_why_and_back() {
    let folder = taken_in();
    let Some(tmux) = Tmux::start(&folder, 80, 24, "top --config s.toml --last 2min") else { return };
    let list = tmux.shows(&["spikeline top  last 2 min: 240 requests", "p.git", "api.users.{id}", "Enter open"]);
    assert!(list.contains("no request since 2011-11-30 14:20:00"), "{list}");
    tmux.keys(&["Enter"]);
    let route =
        tmux.shows(&["p.git  last 2 min: 120 requests", "slow requests, the latest first: 120", "14:19:59.500"]);
    assert!(route.contains("3,199 ms 200  192.0.2.7"), "{route}");
    tmux.keys(&["Enter"]);
    let whole = tmux.shows(&["\\x1B[2Jevil\\xE2\\x80\\xAE"]);
    assert!(whole.contains("GET /p/git HTTP/1.1"), "{whole}");
    // At once they come as one key with Alt: a person on a slow line means both.
    tmux.keys(&["Escape", "w"]);
    tmux.shows(&["why: p.git", "Slower: "]);
    tmux.keys(&["Escape"]);
    let back = tmux.shows(&["slow requests, the latest first", "14:19:58.500"]);
    assert!(!back.contains("why: "), "{back}");
    tmux.keys(&["Escape"]);
    tmux.shows(&["spikeline top  last 2 min"]);
    tmux.keys(&["/", "u", "s", "e", "r"]);
    let filtered = tmux.shows(&["/user_"]);
    assert!(!filtered.contains("p.git"), "{filtered}");
    tmux.keys(&["Escape"]);
    tmux.keys(&["s", "s", "s", "s", "s"]);
    tmux.keys(&["+"]);
    tmux.shows(&["last 5 min: 600 requests", "p.git"]);
    tmux.keys(&["q"]);
    tmux.shows(&["ended with 0", "\n echo"]);
}

#[test]
fn a_terminal_is_given_back_however_it_ends() {
    let folder = taken_in();
    for signal in ["-TERM", "-INT", "-HUP", "C-c"] {
        let Some(tmux) = Tmux::start(&folder, 40, 10, "top --config s.toml") else { return };
        tmux.shows(&["spikeline top"]);
        match signal {
            "C-c" => tmux.keys(&["C-c"]),
            signal => assert!(Command::new("kill").args([signal, &tmux.program()]).status().unwrap().success()),
        }
        tmux.shows(&["ended with 0", "\n echo"]);
    }
}

#[test]
fn a_log_is_followed_as_it_grows() {
    let folder = folder!();
    folder.write("access.log", log());
    let arguments = format!("top access.log --every 200ms --log-format '{FORMAT}'");
    let Some(tmux) = Tmux::start(&folder, 200, 50, &arguments) else { return };
    tmux.shows(&["last 5 min: 600 requests", "p.git"]);
    let mut grown = log();
    for _ in 0..50 {
        grown.push_str(&line(1199, "/new/route", 5_000, "curl"));
    }
    folder.write("access.log", grown);
    tmux.shows(&["last 5 min: 650 requests", "new.route"]);
    tmux.keys(&["q"]);
    tmux.shows(&["ended with 0"]);
}

/// What stands beside a file is none of it, be it a copy of its beginning.
#[test]
fn a_file_is_complete_whatever_stands_beside_it() {
    let folder = folder!();
    folder.write("access.log", log());
    folder.write("access.log.1", &log()[..log().len() / 2]);
    let ran = folder.run(&["top", "access.log", "--once", "--log-format", FORMAT]);
    ran.said(0, &["complete"]);
}

/// A new [[probe]] takes requests from a route: slots of before have them still, and that is no complete answer.
#[test]
fn what_other_rules_counted_is_said_to_be() {
    let folder = taken_in();
    let before = std::fs::read_to_string(folder.path("s.toml")).unwrap();
    let mut grown = log();
    for second in 1200..1800u64 {
        grown.push_str(&line(second, "/p/git", 40, "git/2"));
        grown.push_str(&line(second, "/api/users/7", 7, "curl"));
    }
    folder.write("access.log", grown);
    folder.write("s.toml", format!("{before}[[probe]]\nname = \"users\"\nagent = [\"curl\"]\n"));
    let top = |arguments: &[&str]| folder.run(&[&["top", "--once", "--format", "csv"], arguments].concat());
    // The rules of now are others, and nothing was counted by them yet.
    let words = "was counted by other [[route]], [[probe]] or [slow] rules than those of now";
    top(&["--config", "s.toml"]).said(3, &[&format!("what ended before 2011-11-30T14:20:00.000Z {words}")]);
    top(&["--store", "store"]).said(0, &["complete"]);
    folder.run(&["index", "access.log", "--config", "s.toml"]).ended(0);
    let told = format!("what ended before 2011-11-30T14:20:00.000Z {words}");
    for whose in [["--config", "s.toml"], ["--store", "store"]] {
        let of = |last: &str| top(&[&whose[..], &["--last", last]].concat());
        of("10min").said(0, &["complete"]);
        for last in ["10min10s", "15min", "1d"] {
            let ran = of(last);
            ran.said(3, &[&told]);
            assert!(!ran.err.contains("\ncomplete"), "{}", ran.err);
        }
    }
    // Who cannot read what names routes sees what was counted, and that this is not known.
    let config = std::fs::read_to_string(folder.path("s.toml")).unwrap();
    folder.write("blind.toml", format!("nginx = \"no-such.conf\"\n{config}"));
    top(&["--config", "blind.toml", "--last", "10min"])
        .said(0, &["whether other rules counted some of it is not known"]);
    // Who counts anew has it right.
    let window = ["--from", "2011-11-30T14:15", "--until", "2011-11-30T14:30"];
    folder.run(&[&["report", "--config", "s.toml"], &window[..]].concat()).said(0, &["complete"]);
    let served = crate::served::GuardedServer::of(folder);
    let missing = |from: &str| {
        let path = format!("/page/overview?from=2011-11-30T14:{from}:00Z&until=2011-11-30T14:30:00Z");
        serde_json::from_str::<Value>(&served.get(&path, "").2).unwrap()["missing"].to_string()
    };
    assert!(missing("15").contains(&told), "{}", missing("15"));
    assert_eq!(missing("20"), "[]");
}
