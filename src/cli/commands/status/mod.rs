//! `spikeline status`: what the daemon follows, how far it is, what it owes to whom, and what was lost. It asks the store alone, so it
//! answers while the daemon runs, and when it does not.

mod followed_logs;
mod owed_carbons;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::cli::answer::completeness::store_lacks;
use crate::cli::answer::output::{on_terminal, stdout, style, written};
use crate::cli::answer::window::{duration_ms, open_window, span_of_slots};
use crate::cli::answer::{Answer, output::Stdout};
use crate::cli::args::{StatusArguments, StatusFormat};
use crate::cli::input::context::Context;
use crate::cli::input::logs::configured_patterns;
use crate::error::Result;
use crate::pipeline::WindowLacks;
use crate::report::{
    OutputFormat, Report, StatusDocument, StatusVerdict, StoreStatus, WriterStatus, bytes, count, millis,
    terminal_safe, wrapped_words, write, write_json,
};
use crate::store::View;
use crate::time::{Timestamp, Window};

/// From when on things are wrong.
struct Limits {
    lag: Duration,
    owed: Duration,
}

/// Tells it, and judges it: 0 if all is well, 1 if something is wrong now, 3 if something is missing.
pub(super) fn status(context: &Context, arguments: &StatusArguments) -> Result<Answer> {
    let limits = Limits { lag: duration(&arguments.max_lag)?, owed: duration(&arguments.max_owed)? };
    let since = open_window(&arguments.since, context.now)?;
    let view = context.view()?;
    let document = document_of(&view, context, &limits, since)?;
    let mut out = stdout();
    match arguments.format {
        StatusFormat::Json => written(write_json(&document, on_terminal(), &mut out).and_then(|()| writeln!(out)))?,
        StatusFormat::Table => print_screen(&document, &mut out)?,
    }
    written(out.flush())?;
    Ok(match document.verdict {
        StatusVerdict::Ok => Answer::Found,
        StatusVerdict::Wrong => Answer::Nothing,
        StatusVerdict::Missing => Answer::Partial,
    })
}

fn duration(text: &str) -> Result<Duration> {
    duration_ms(text).map(Duration::from_millis)
}

fn document_of(view: &View, context: &Context, limits: &Limits, since: Window) -> Result<StatusDocument> {
    let now = context.now;
    let mut document = StatusDocument::new(store_status(view, &context.store()?), writer_status(view, now));
    let WindowLacks { missing, notes } = store_lacks(view, since)?;
    document.missing = missing;
    document.notes = notes;
    document.since = (since.from != Window::ALL.from).then(|| since.from.to_string());
    document.logs = followed_logs::rows(view, configured_patterns(context).as_deref());
    document.carbons = owed_carbons::rows(view);
    document.wrong.extend(writer_faults(view, &document.writer, limits, now));
    document.wrong.extend(owed_carbons::overdue(view, limits.owed, now));
    let well = words_if_well(&document);
    Ok(document.judge(well))
}

fn store_status(view: &View, folder: &Path) -> StoreStatus {
    let span = span_of_slots(view);
    StoreStatus {
        path: folder.display().to_string(),
        bytes: bytes_in(folder, 0),
        routes: view.routes().len(),
        first_slot: span.map(|(first, _)| first.to_string()),
        last_slot: span.map(|(_, last)| last.to_string()),
        expired_before: view.expired().detail.map(|before| before.to_string()),
    }
}

/// What the files of the store take, which has folders one below the other at most once.
fn bytes_in(folder: &Path, depth: u8) -> Option<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        // Files come and go while a daemon writes: one that is gone takes nothing.
        let Ok(status) = entry.metadata() else { continue };
        if status.is_file() {
            sum += status.len();
        } else if status.is_dir() && depth == 0 {
            sum += bytes_in(&entry.path(), depth + 1)?;
        }
    }
    Some(sum)
}

#[expect(clippy::cast_precision_loss, reason = "seconds are shown with decimals")]
fn writer_status(view: &View, now: Timestamp) -> WriterStatus {
    let lag = view.read_until().map(|until| now.millis().saturating_sub(until.millis()).max(0));
    WriterStatus {
        running: view.has_writer(),
        pid: view.writer_pid(),
        last_commit: view.last_commit().map(|at| at.to_string()),
        read_until: view.read_until().map(|until| until.to_string()),
        lag_seconds: lag.map(|lag| lag as f64 / 1000.0),
    }
}

/// Whether anybody reads the logs, and how far behind.
fn writer_faults(view: &View, writer: &WriterStatus, limits: &Limits, now: Timestamp) -> Vec<String> {
    let mut faults = Vec::new();
    if writer.running == Some(false) {
        faults.push("`spikeline run` is not running: nothing writes to the store".to_owned());
    }
    match view.read_until() {
        Some(until) if now.minus(limits.lag) > until => faults.push(format!(
            "the logs were read only until {until}, {} ago",
            millis(now.millis().saturating_sub(until.millis()).cast_unsigned())
        )),
        None => faults.push("the logs were not read to their ends yet".to_owned()),
        Some(_) => {}
    }
    faults
}

/// The summary of a daemon that is well.
fn words_if_well(document: &StatusDocument) -> String {
    let logs = document.logs.len();
    let read = document.writer.lag_seconds.map_or_else(String::new, |lag| format!(", read until {lag:.1} s ago"));
    let since = match &document.since {
        Some(since) => format!(" since {since}"),
        None => String::new(),
    };
    let owed: usize = document.carbons.iter().map(|carbon| carbon.owed_slots).sum();
    // Only a collector's account is an address with a scheme.
    let has_collector = cfg!(feature = "otlp") && document.carbons.iter().any(|held| held.address.contains("://"));
    let whom = if has_collector { "destination" } else { "carbon" };
    let owed = match (document.carbons.len(), owed) {
        (0, _) => String::new(),
        (_, 0) => format!("; no {whom} is owed anything"),
        (_, owed) => format!("; {owed} slots are on their way to {whom}"),
    };
    format!("{logs} log{} followed{read}{owed}; nothing was lost{since}", if logs == 1 { "" } else { "s" })
}

/// One screen: the verdict first, as monitoring shows the first line.
fn print_screen(document: &StatusDocument, out: &mut Stdout) -> Result<()> {
    let StatusDocument { store, writer, .. } = document;
    let mut lines = vec![format!("{}: {}", document.verdict.name(), document.summary)];
    let size = store.bytes.map_or_else(String::new, |size| format!(", {}", bytes(size)));
    let span = match (&store.first_slot, &store.last_slot) {
        (Some(first), Some(last)) => format!(", requests of {first} .. {last}"),
        _ => String::new(),
    };
    lines.push(format!("store {}{size}, {} routes{span}", store.path, count(store.routes as u64)));
    let running = match (writer.running, writer.pid) {
        (Some(true), Some(pid)) => format!("running, pid {pid}"),
        (Some(true), None) => "running".to_owned(),
        (Some(false), _) => "not running".to_owned(),
        (None, _) => "whether it runs cannot be told".to_owned(),
    };
    let read = words_of_time("read until", writer.read_until.as_ref(), "no log was read to its end yet");
    let committed = words_of_time("committed", writer.last_commit.as_ref(), "nothing was committed yet");
    lines.push(format!("daemon {running}; {read}; {committed}"));
    for line in lines {
        print_words(&line, out)?;
    }
    print_tables(document, out)?;
    for (word, messages) in [("wrong", &document.wrong), ("missing", &document.missing), ("note", &document.notes)] {
        for message in messages {
            print_words(&format!("{word}: {message}"), out)?;
        }
    }
    Ok(())
}

fn words_of_time(what: &str, time: Option<&String>, if_none: &str) -> String {
    time.map_or_else(|| if_none.to_owned(), |time| format!("{what} {time}"))
}

/// A line; on a terminal broken between words, the rest two columns from the left.
fn print_words(line: &str, out: &mut Stdout) -> Result<()> {
    let safe = terminal_safe(line.as_bytes());
    let Some(width) = style().width else { return written(writeln!(out, "{safe}")) };
    for (at, row) in wrapped_words(&safe, usize::from(width).saturating_sub(2).max(20)).iter().enumerate() {
        let indent = if at == 0 { 0 } else { 2 };
        written(writeln!(out, "{:indent$}{row}", ""))?;
    }
    Ok(())
}

fn print_tables(document: &StatusDocument, out: &mut Stdout) -> Result<()> {
    if !document.logs.is_empty() {
        written(writeln!(out))?;
        written(write(&Report::new(document.logs.clone(), None), OutputFormat::Table, style(), out))?;
    }
    if !document.carbons.is_empty() {
        written(writeln!(out))?;
        written(write(&Report::new(document.carbons.clone(), None), OutputFormat::Table, style(), out))?;
    }
    let has_words = !(document.wrong.is_empty() && document.missing.is_empty() && document.notes.is_empty());
    if has_words { written(writeln!(out)) } else { Ok(()) }
}
