//! A daemon in a folder of its own, and patience.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spikeline::store::{Ledger, View};

use support::log::{EXACT, Request, csv, rows, text};
use support::program::{Folder, Run};

/// How long anything may take on a busy machine; nothing here is asserted about speed.
const PATIENCE: Duration = Duration::from_secs(90);

/// Ask again and again until the answer is there; fails with the last answer.
pub(crate) fn until<T: std::fmt::Debug>(what: &str, mut ask: impl FnMut() -> T, there: impl Fn(&T) -> bool) -> T {
    let began = Instant::now();
    loop {
        let answer = ask();
        if there(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come; the last answer was {answer:#?}");
        std::thread::sleep(Duration::from_millis(40));
    }
}

/// A folder with a configuration `c.toml`, whose store is `store` and whose first log is `a.log` in [`EXACT`].
pub(crate) struct Rig {
    pub(crate) folder: Folder,
}

impl Rig {
    /// With more keys before the sections, and more sections.
    pub(crate) fn new(keys: &str, sections: &str) -> Rig {
        let folder = support::folder!();
        let path = |name: &str| folder.path(name).display().to_string();
        let sections = sections.replace("FOLDER", &path(""));
        folder.write(
            "c.toml",
            format!(
                "store = '{}'\npoll = \"50ms\"\nhost = \"web1\"\n{keys}\n[[log]]\npath = '{}'\nformat = '{EXACT}'\n{sections}",
                path("store"),
                path("a.log")
            ),
        );
        Rig { folder }
    }

    /// Append lines to a log.
    pub(crate) fn append(&self, name: &str, lines: &str) {
        let mut file = std::fs::File::options().append(true).create(true).open(self.folder.path(name)).unwrap();
        file.write_all(lines.as_bytes()).unwrap();
    }

    /// Append requests to `a.log`.
    pub(crate) fn log(&self, requests: &[Request]) {
        self.append("a.log", &text(requests, Request::exact));
    }

    pub(crate) fn start(&self) -> Daemon {
        Daemon::of(self.folder.command(&["run", "--config=c.toml"]))
    }

    /// A command over the store.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Run {
        self.folder.run(&[arguments, &["--config=c.toml"]].concat())
    }

    /// How many requests the store has counted.
    pub(crate) fn counted(&self) -> u64 {
        let run = self.ask(&["report", "--format=csv"]);
        run.lines().iter().skip(1).map(|row| row.split(',').nth(1).unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Wait until the store has counted so many requests; more are a failure.
    pub(crate) fn until_counted(&self, requests: usize) {
        let wanted = requests as u64;
        let counted = until("the count", || self.counted(), |counted| *counted >= wanted);
        assert_eq!(counted, wanted);
    }

    /// The ledgers of all logs, added up; nothing where there is no store yet.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut sum = Ledger::default();
        let Ok(view) = View::open(&self.folder.path("store")) else { return sum };
        for ledger in view.generations().iter().filter_map(|held| view.ledger(held.id)) {
            sum.merge(ledger);
        }
        sum
    }

    /// Wait for these requests, and that each is counted once in all that the store tells: histograms, ledger, raw lines.
    pub(crate) fn has_each_once(&self, requests: &[Request]) {
        self.has_counted_each_once(requests);
        let out = self.ask(&["lines", "--all"]).ended(0);
        let mut lines: Vec<&str> = out.lines().collect();
        let mut expected: Vec<String> = requests.iter().map(Request::exact).collect();
        lines.sort_unstable();
        expected.sort_unstable();
        assert_eq!(lines, expected);
    }

    /// The same while `c.toml` is not what is in force, but this is.
    pub(crate) fn has_each_once_by(&self, requests: &[Request], config: &str) {
        let shown = std::fs::read_to_string(self.folder.path("c.toml")).unwrap();
        self.folder.write("c.toml", config);
        self.has_each_once(requests);
        self.folder.write("c.toml", shown);
    }

    /// The same where raw lines are gone.
    pub(crate) fn has_counted_each_once(&self, requests: &[Request]) {
        self.until_counted(requests.len());
        let report = csv("route", &rows(requests, |request| request.route().to_owned()));
        assert_eq!(
            self.ask(&["report", "--format=csv", "--from=2011-11-30T14:00Z", "--until=2011-11-30T16:00Z"]).out,
            report
        );
        let ledger = self.ledger();
        assert_eq!(ledger.parsed, requests.len() as u64, "{ledger:?}");
    }
}

/// A running daemon; it is killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Daemon {
    /// A daemon started by this command.
    pub(crate) fn of(mut command: Command) -> Daemon {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, stderr) = (Arc::clone(&said), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Daemon { child, said }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it said on stderr so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn until_said(&self, piece: &str) {
        until(piece, || self.said(), |said| said.contains(piece));
    }

    /// Processor time used so far, user and system, in clock ticks (proc(5): fields 14 and 15 of `stat`).
    pub(crate) fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
    }

    /// What stands in `/proc/<pid>/` under this name.
    pub(crate) fn proc(&self, name: &str) -> std::path::PathBuf {
        format!("/proc/{}/{name}", self.child.id()).into()
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let ended = until("the end", || self.child.try_wait().unwrap(), Option::is_some);
        ended.unwrap()
    }

    /// The same, and that it says so on its way out; all that it said.
    pub(crate) fn stop_saying(self, piece: &str) -> String {
        let said = Arc::clone(&self.said);
        self.stop();
        until(piece, || said.lock().unwrap().clone(), |said| said.contains(piece))
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What a test that waited in vain would want to know: is it asleep, waiting for the disk, or for a processor?
            eprintln!("the daemon said:\n{}", self.said());
            for thread in std::fs::read_dir(self.proc("task")).into_iter().flatten().flatten() {
                let read = |name: &str| std::fs::read_to_string(thread.path().join(name)).unwrap_or_default();
                let [name, state, waits_in, times] = ["comm", "stat", "wchan", "schedstat"].map(read);
                let state =
                    state.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next()).unwrap_or('?');
                eprintln!("{}: {state} {waits_in}; ran, waited (ns), slices: {}", name.trim(), times.trim());
            }
        }
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
