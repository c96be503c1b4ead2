//! The program, run in a folder of its own.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// A run that should have ended and did not fails its test after so long, and does not hang it; nothing is asserted about speed.
const PATIENCE: Duration = Duration::from_secs(180);

/// A folder with logs; the program runs inside it, so that names stay short and stable.
pub struct Folder {
    root: tempfile::TempDir,
    program: &'static str,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Run {
    pub out: String,
    pub err: String,
    pub code: i32,
}

impl Folder {
    /// An empty one, for this program; [`folder!`](crate::folder) knows which.
    pub fn new(program: &'static str) -> Folder {
        Folder { root: tempfile::tempdir().unwrap(), program }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn gz(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = std::fs::File::create(self.path(name)).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        encoder.write_all(content.as_ref()).unwrap();
        encoder.finish().unwrap();
    }

    pub fn zst(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write(name, zstd::encode_all(content.as_ref(), 3).unwrap());
    }

    /// The program with these arguments, ready to be run; nothing of the caller's surroundings reaches it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .current_dir(self.root.path())
            .args(arguments)
            .env("TZ", "UTC")
            .env("SPIKELINE_LISTEN", "off")
            .env("HOME", self.root.path());
        for name in ["SPIKELINE_CONFIG", "SPIKELINE_STORE", "XDG_STATE_HOME", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The program on a terminal that util-linux' `script` makes; none, with a word about it, where that is missing.
    pub fn on_terminal(&self, arguments: &str) -> Option<Command> {
        if Command::new("script").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            eprintln!("skipped: needs util-linux' script");
            return None;
        }
        let mut command = self.command(&[]);
        let line = format!("{} {arguments}", command.get_program().to_str().unwrap());
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(self.root.path());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        script.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        std::mem::swap(&mut command, &mut script);
        Some(command)
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        run(&mut self.command(arguments))
    }

    /// With this on its standard input.
    pub fn run_with(&self, stdin: &[u8], arguments: &[&str]) -> Run {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let stdin = stdin.to_vec();
        let writing = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        let run = Run::of(child);
        writing.join().unwrap();
        run
    }
}

pub fn run(command: &mut Command) -> Run {
    Run::of(command.spawn().unwrap())
}

impl Run {
    /// What it came to when it had ended.
    fn of(child: Child) -> Run {
        let (pid, (done, ended)) = (Pid::from_child(&child), channel::<()>());
        let watch = std::thread::spawn(move || {
            let late = ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
            late && kill_process(pid, Signal::KILL).is_ok()
        });
        let output = child.wait_with_output().unwrap();
        drop(done);
        assert!(!watch.join().unwrap(), "it did not end in {PATIENCE:?}: {output:?}");
        Run {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// The output of a run that found something and had nothing to complain of.
    pub fn fine(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// The output of a run that ended with this code.
    pub fn ended(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self.out
    }

    /// That the run ended with this code and said all of this on stderr.
    pub fn said(&self, code: i32, pieces: &[&str]) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        for piece in pieces {
            assert!(self.err.contains(piece), "{piece:?} is not in {:?}", self.err);
        }
    }

    /// The lines of the output.
    pub fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}
