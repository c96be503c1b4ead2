//! `spikeline check`: the doctor. One line a finding, with what mends it.

use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::args::CheckArguments;
use super::context::Context;
use super::files::{Files, Workers};
use super::output::{Stdout, stdout, written};
use super::{Answer, settings};
use crate::carbon::Protocol;
use crate::daemon::{Log, Outlet};
use crate::error::{Error, Kind, Result};
use crate::grammar::{Format, Reason, Reject};
use crate::pipeline::Interpreter;
use crate::pipeline::batch::Tally;
use crate::record::Needs;
use crate::report::terminal_safe;
use crate::source::{Input, Piece};

/// So long a carbon is waited for.
const CONNECT: Duration = Duration::from_secs(2);

pub(super) fn check(context: &Context, arguments: &CheckArguments) -> Result<Answer> {
    let mut findings = Findings { out: stdout(), worst: Answer::Found };
    if context.has_config() {
        configuration(context, &mut findings)?;
    } else if arguments.files.files.is_empty() {
        return Err(Error::usage("nothing to check").remedy("name a configuration with --config, or log FILEs"));
    }
    if !arguments.files.files.is_empty() {
        files(context, arguments, &mut findings)?;
    }
    written(findings.out.flush())?;
    Ok(findings.worst)
}

/// Findings as they are made.
struct Findings {
    out: Stdout,
    worst: Answer,
}

impl Findings {
    fn say(&mut self, line: &str) -> Result<()> {
        written(writeln!(self.out, "{line}"))
    }

    fn fine(&mut self, what: &str) -> Result<()> {
        self.say(&format!("ok    {what}"))
    }

    fn note(&mut self, what: &str) -> Result<()> {
        self.say(&format!("note  {what}"))
    }

    fn wrong(&mut self, what: &str) -> Result<()> {
        if self.worst == Answer::Found {
            self.worst = Answer::Nothing;
        }
        self.say(&format!("WRONG {what}"))
    }

    /// The value; or the failure as a finding, after which the others are still made. A mistake in the configuration
    /// ends the check, since nothing below it can be believed.
    fn of<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == Kind::Io => {
                self.wrong(&error.to_string())?;
                self.worst = Answer::Partial;
                Ok(None)
            }
            Err(error) => {
                written(self.out.flush())?;
                Err(error)
            }
        }
    }
}

fn configuration(context: &Context, findings: &mut Findings) -> Result<()> {
    let Some(config) = findings.of(context.config().cloned())? else { return Ok(()) };
    let rules = config.routes.len();
    findings.fine(&format!("configuration: {} log(s), {rules} route rule(s)", config.logs.len()))?;
    if config.logs.is_empty() {
        findings.note("no [[log]] section: `spikeline run` has nothing to follow")?;
    }
    findings.of(settings::router(&config))?;
    if let Some(logs) = findings.of(settings::logs(context))? {
        for log in &logs {
            followed(context, log, findings)?;
        }
    }
    if !config.logs.is_empty()
        && let Some(settings) = findings.of(settings::daemon(context))?
    {
        store(&settings.store, findings)?;
        for outlet in &settings.outlets {
            carbon(outlet, findings)?;
        }
        if settings.outlets.is_empty() {
            findings.note("no [[carbon]] section: nothing is pushed to Graphite")?;
        }
    }
    Ok(())
}

/// One `[[log]]`: is there a file, can it be read, do its lines fit.
fn followed(context: &Context, log: &Log, findings: &mut Findings) -> Result<()> {
    let paths: Vec<_> = match glob::glob(&log.pattern) {
        Ok(paths) => paths.flatten().collect(),
        Err(error) => return findings.wrong(&format!("log {}: {error}", log.pattern)),
    };
    if paths.is_empty() {
        return findings.wrong(&format!("log {}: no such file (yet); it is read when it appears", log.pattern));
    }
    for path in paths {
        let Some(mut input) = findings.of(Input::open(&path))? else { continue };
        let mut head = Vec::new();
        if let Some(piece) = findings.of(input.next_block(&mut head))? {
            if !matches!(piece, Some(Piece::Lines { .. })) {
                findings.note(&format!("{}: empty so far", path.display()))?;
                continue;
            }
            let mut fit = Fit::default();
            let with = settings::interpreting(context)?;
            let Ok(mut interpreter) = Interpreter::new(&log.format, Needs::latency(), &with) else {
                findings.wrong(&format!("{}: format `{}` has no time", path.display(), log.format.name()))?;
                continue;
            };
            fit.count(&mut interpreter, 0, &head);
            fit.tell(&path.display().to_string(), &log.format, findings)?;
        }
    }
    Ok(())
}

fn store(folder: &Path, findings: &mut Findings) -> Result<()> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let access = rustix::fs::access(existing, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    match access {
        Ok(()) => findings.fine(&format!("store {}: writable", folder.display())),
        Err(error) => findings.wrong(&Error::io("write the store", folder, &error.into()).to_string()),
    }
}

fn carbon(outlet: &Outlet, findings: &mut Findings) -> Result<()> {
    let address = &outlet.destination.address;
    let reached = address.to_socket_addrs().and_then(|mut addresses| {
        let address = addresses.next().ok_or_else(|| std::io::Error::other("the name has no address"))?;
        if outlet.destination.protocol == Protocol::Udp {
            return Ok(());
        }
        TcpStream::connect_timeout(&address, CONNECT).map(drop)
    });
    match reached {
        Ok(()) if outlet.destination.protocol == Protocol::Udp => {
            findings.note(&format!("carbon {address}: UDP tells nobody whether it is there"))
        }
        Ok(()) => {
            findings.fine(&format!("carbon {address}: accepts connections"))?;
            findings.note(
                "carbon creates 50 new metrics a minute unless MAX_CREATES_PER_MINUTE in carbon.conf is raised; \
                 points of metrics not created yet are lost",
            )
        }
        Err(error) => findings.wrong(&format!(
            "carbon {address}: {error}\n  to mend it: is carbon-cache running, and is this its LINE_RECEIVER_PORT?"
        )),
    }
}

/// How lines fit a format.
#[derive(Default)]
struct Fit {
    lines: u64,
    rejected: std::collections::BTreeMap<u8, Rejected>,
}

struct Rejected {
    count: u64,
    at: u64,
    reject: Reject,
    line: Vec<u8>,
}

impl Fit {
    fn count(&mut self, interpreter: &mut Interpreter, offset: u64, block: &[u8]) {
        interpreter.block(block, |at, line, seen, _| {
            self.lines += 1;
            if let Err(reject) = seen {
                self.reject(reject, offset + at as u64, line);
            }
        });
    }

    fn reject(&mut self, reject: Reject, at: u64, line: &[u8]) {
        let line = line.get(..line.len().min(300)).unwrap_or(line);
        let held = self.rejected.entry(reject.reason.code()).or_insert_with(|| Rejected {
            count: 0,
            at,
            reject,
            line: line.to_vec(),
        });
        held.count += 1;
    }

    fn tell(&self, name: &str, format: &Format, findings: &mut Findings) -> Result<()> {
        let rejected: u64 = self.rejected.values().map(|held| held.count).sum();
        #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
        let share = if self.lines == 0 { 0.0 } else { 100.0 * (self.lines - rejected) as f64 / self.lines as f64 };
        let what = format!("{name}: {share:.2} % of {} lines fit format `{}`", self.lines, format.name());
        if rejected * 2 > self.lines {
            findings.wrong(&what)?
        } else {
            findings.fine(&what)?
        }
        for held in self.rejected.values() {
            let Reject { column, reason } = held.reject;
            findings.note(&format!("{} x {reason}, e.g. byte {}, column {column}:", held.count, held.at))?;
            findings.say(&format!("        {}", terminal_safe(&held.line)))?;
            let caret = usize::try_from(column).unwrap_or(1).saturating_sub(1).min(held.line.len());
            let before = terminal_safe(held.line.get(..caret).unwrap_or_default()).chars().count();
            findings.say(&format!("        {}^", " ".repeat(before)))?;
        }
        for (variable, lacking) in [
            ("request_time", "no latency and no slow requests: add $request_time to the log_format"),
            ("upstream_response_time", "upstream and client time cannot be told apart: add $upstream_response_time"),
        ] {
            if format.index_of(variable).is_none() {
                findings.note(&format!("the format has no ${variable}: {lacking}"))?;
            }
        }
        if format.index_of("msec").is_none() {
            findings.note("times are known to the whole second only: add $msec for milliseconds")?;
        }
        Ok(())
    }
}

struct FitTally {
    workers: Workers,
    fits: Vec<Fit>,
}

impl Tally for FitTally {
    fn block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let FitTally { workers, fits } = self;
        if let (Some(interpreter), Some(fit)) = (workers.of(file), fits.get_mut(file)) {
            fit.count(interpreter, offset, bytes);
        }
    }

    fn too_long(&mut self, file: usize, offset: u64, _length: u64) {
        if let Some(fit) = self.fits.get_mut(file) {
            fit.lines += 1;
            fit.reject(Reject { column: 1, reason: Reason::LineTooLong }, offset, b"");
        }
    }
}

fn files(context: &Context, arguments: &CheckArguments, findings: &mut Findings) -> Result<()> {
    let Some(files) = findings.of(Files::open(context, &arguments.files))? else { return Ok(()) };
    let with = settings::interpreting(context)?;
    let (names, formats) = (files.names.clone(), files.formats.clone());
    let workers = Workers::new(&files, &with, |_| Needs::latency())?;
    let mut tally = FitTally { workers, fits: names.iter().map(|_| Fit::default()).collect() };
    if !files.run(std::slice::from_mut(&mut tally)).is_empty() {
        findings.worst = Answer::Partial;
    }
    for ((name, format), fit) in names.iter().zip(&formats).zip(&tally.fits) {
        fit.tell(name, format, findings)?;
        findings.say(&format!("format: {}", format.name()))?;
    }
    Ok(())
}
