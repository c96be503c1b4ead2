//! `spikeline records`: the parsed requests, for jq, DuckDB and friends.

use std::borrow::Cow;
use std::io::Write;
use std::sync::Arc;

use serde_json::{Map, Number, Value, json};

use crate::cli::answer::output::{Stdout, on_terminal, say, stdout, written};
use crate::cli::answer::{Answer, window};
use crate::cli::args::RecordsArguments;
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::settings;
use crate::error::{Error, Result};
use crate::grammar::{Escape, Format, Reject, RejectReason, Variable, VariableKind};
use crate::pipeline::batch::BlockTally;
use crate::pipeline::{Filter, RouteFilter, RoutedRecord};
use crate::record::{Needs, RecordValues, unescape, upstream_list};
use crate::report::{OutputFormat, terminal_safe};
use crate::route::Routes;
use crate::store::WindowMatch;
use crate::time::{Timestamp, Window};

pub(super) fn records(context: &Context, arguments: &RecordsArguments) -> Result<Answer> {
    if arguments.files.files.is_empty() {
        return Err(Error::usage("records reads log FILEs").remedy("name them, or - for stdin"));
    }
    let window = window::window(&arguments.window, context.now, Window::ALL)?;
    let filter = window::filter(&arguments.filter, window, WindowMatch::End)?;
    let files = Files::open(context, &arguments.files)?;
    let with = settings::interpreting(context)?;
    let mut variables: Vec<String> = Vec::new();
    for variable in files.formats.iter().flat_map(|format| format.variables()) {
        // What every record has under its own name stands there already.
        if !FIXED.contains(&variable.name.as_str()) && !variables.contains(&variable.name) {
            variables.push(variable.name.clone());
        }
    }
    let formats = files.formats.iter().map(|format| Columns::new(format, &variables)).collect();
    let workers = Workers::new(&files, &with, |_| Needs::all())?;
    let records = RecordsTally {
        filter,
        kept_routes: RouteFilter::default(),
        routes: with.routes,
        names: files.names.clone(),
        formats,
        sink: Sink::new(arguments.format.into(), &variables)?,
        lines: vec![0; files.names.len()],
        left: arguments.limit.unwrap_or(usize::MAX),
        written: 0,
        rejected: 0,
        failed: None,
        on_terminal: on_terminal(),
    };
    let mut reading = Reading { workers, records };
    let missing = files.run(std::slice::from_mut(&mut reading));
    let mut tally = reading.records;
    if let Some(error) = tally.failed {
        return Err(error);
    }
    tally.sink.end()?;
    if tally.rejected > 0 {
        say(&format!("{} lines rejected", tally.rejected));
    }
    Ok(Answer::from_found(tally.written > 0, &missing))
}

/// The fields of every record, whatever the format.
const FIXED: [&str; 11] =
    ["file", "line", "offset", "length", "start", "end", "route", "method", "target", "protocol", "status"];

/// For each output column of a variable: the variable of this format, if it has it.
struct Columns {
    variables: Vec<(String, Option<(usize, Variable)>)>,
    escape: Escape,
}

impl Columns {
    fn new(format: &Format, names: &[String]) -> Columns {
        // The names of a keyed format's variables come from the log.
        let shown = |name: &String| match on_terminal() {
            true => terminal_safe(name.as_bytes()).into_owned(),
            false => name.clone(),
        };
        let variables = names.iter().map(|name| {
            let found = format.index_of(name).and_then(|at| Some((at, format.variables().get(at)?.clone())));
            (shown(name), found)
        });
        Columns { variables: variables.collect(), escape: format.escape() }
    }
}

struct RecordsTally {
    filter: Filter,
    kept_routes: RouteFilter,
    routes: Arc<Routes>,
    names: Vec<String>,
    formats: Vec<Columns>,
    sink: Sink,
    lines: Vec<u64>,
    left: usize,
    written: u64,
    rejected: u64,
    failed: Option<Error>,
    on_terminal: bool,
}

impl RecordsTally {
    fn reject(&mut self, file: usize, column: u32, reason: RejectReason) {
        self.rejected += 1;
        let name = self.names.get(file).map_or("?", String::as_str);
        let line = self.lines.get(file).copied().unwrap_or(0);
        say(&format!("{name}:{line}:{column}: {reason}"));
    }

    fn line(
        &mut self,
        file: usize,
        offset: u64,
        line: &[u8],
        seen: std::result::Result<&RoutedRecord<'_>, Reject>,
        values: RecordValues<'_>,
    ) {
        if self.left == 0 || self.failed.is_some() {
            return;
        }
        let seen = match seen {
            Ok(seen) => seen,
            Err(reject) => return self.reject(file, reject.column, reject.reason),
        };
        if !self.filter.keeps(seen) || !self.kept_routes.keeps(&self.filter, seen.matched.id, &self.routes) {
            return;
        }
        let Some(columns) = self.formats.get(file) else { return };
        let mut record = fixed(seen, columns.escape);
        record.insert("file".into(), self.names.get(file).map_or(Value::Null, |name| json!(name)));
        record.insert("line".into(), json!(self.lines.get(file)));
        record.insert("offset".into(), json!(offset));
        record.insert("length".into(), json!(line.len()));
        record.insert("route".into(), json!(self.routes.name(seen.matched.id).as_deref()));
        for (name, variable) in &columns.variables {
            let raw = variable.as_ref().and_then(|(at, variable)| Some((values.value(*at)?, variable)));
            let value = raw.map_or(Value::Null, |(raw, variable)| value(raw, variable.kind, columns.escape));
            record.insert(name.clone(), value);
        }
        if self.on_terminal {
            record.values_mut().for_each(make_safe);
        }
        self.written += 1;
        self.left -= 1;
        if let Err(error) = self.sink.write(&record) {
            self.failed = Some(error);
        }
    }
}

/// The tally of one thread: records come in the order of the lines.
struct Reading {
    workers: Workers,
    records: RecordsTally,
}

impl BlockTally for Reading {
    fn count_block(&mut self, file: usize, offset: u64, bytes: &[u8]) {
        let Reading { workers, records } = self;
        let Some(interpreter) = workers.interpreter_of(file) else { return };
        // A wrapped record may be of several lines: it has the number of its first one.
        let mut before = records.lines.get(file).copied().unwrap_or(0);
        let mut counted = 0;
        let mut count_to = |at: usize| {
            before += memchr::memchr_iter(b'\n', bytes.get(counted..at).unwrap_or_default()).count() as u64;
            counted = at;
            before
        };
        interpreter.read_block(bytes, |at, line, seen, values| {
            let number = count_to(at) + 1;
            if let Some(lines) = records.lines.get_mut(file) {
                *lines = number;
            }
            records.line(file, offset + at as u64, line, seen, values);
        });
        if let Some(lines) = records.lines.get_mut(file) {
            *lines = count_to(bytes.len()) + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
        }
    }

    fn skip_long_line(&mut self, file: usize, _offset: u64, _length: u64) {
        if let Some(lines) = self.records.lines.get_mut(file) {
            *lines += 1;
        }
        self.records.reject(file, 1, RejectReason::LineTooLong);
    }

    fn is_done(&self) -> bool {
        self.records.left == 0 || self.records.failed.is_some()
    }
}

/// The fields of every record, in their order; those that need more than the record are filled in by the caller.
fn fixed(seen: &RoutedRecord<'_>, escape: Escape) -> Map<String, Value> {
    let record = &seen.record;
    let mut map = Map::new();
    for name in FIXED {
        let value = match name {
            "start" => seconds(record.start()),
            "end" => seconds(record.end),
            "method" => text_or_null(record.method, escape),
            "target" => text_or_null(record.target, escape),
            "protocol" => text_or_null(record.protocol, escape),
            "status" => json!(record.status),
            _ => Value::Null,
        };
        map.insert(name.to_owned(), value);
    }
    map
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of this millennium are exact in 53 bits")]
fn seconds(time: Timestamp) -> Value {
    json!(time.millis() as f64 / 1000.0)
}

fn text(raw: &[u8], escape: Escape) -> Value {
    Value::String(String::from_utf8_lossy(&unescape(raw, escape)).into_owned())
}

fn text_or_null(raw: &[u8], escape: Escape) -> Value {
    if raw.is_empty() { Value::Null } else { text(raw, escape) }
}

/// A variable's value as parsed: numbers as numbers in the log's own unit, lists by redirect and attempt.
fn value(raw: &[u8], kind: VariableKind, escape: Escape) -> Value {
    match kind {
        VariableKind::UpstreamSeconds | VariableKind::UpstreamInts | VariableKind::UpstreamAddrs => {
            list(raw, kind, escape)
        }
        VariableKind::Seconds
        | VariableKind::Msec
        | VariableKind::Status
        | VariableKind::Integer
        | VariableKind::Port
        | VariableKind::Decimal => number(raw).unwrap_or_else(|| text(raw, escape)),
        _ => text(raw, escape),
    }
}

fn number(raw: &[u8]) -> Option<Value> {
    std::str::from_utf8(raw).ok()?.parse::<Number>().ok().map(Value::Number)
}

fn list(raw: &[u8], kind: VariableKind, escape: Escape) -> Value {
    let member = |member: Option<&[u8]>| match member {
        None => Value::Null,
        Some(raw) if kind == VariableKind::UpstreamAddrs => text(raw, escape),
        Some(raw) => number(raw).unwrap_or_else(|| text(raw, escape)),
    };
    upstream_list(raw).into_iter().map(|attempts| attempts.into_iter().map(member).collect::<Value>()).collect()
}

/// Make what strangers wrote harmless for a terminal; nginx's own escapes have been undone by now.
fn make_safe(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(safe) = terminal_safe(text.as_bytes()) {
                *text = safe;
            }
        }
        Value::Array(members) => members.iter_mut().for_each(make_safe),
        _ => {}
    }
}

/// Where records go.
enum Sink {
    Jsonl(Stdout),
    Json { out: Stdout, any: bool },
    Csv(Box<csv::Writer<Stdout>>),
}

impl Sink {
    fn new(format: OutputFormat, variables: &[String]) -> Result<Sink> {
        match format {
            OutputFormat::Jsonl | OutputFormat::Table => Ok(Sink::Jsonl(stdout())),
            OutputFormat::Json => Ok(Sink::Json { out: stdout(), any: false }),
            OutputFormat::Csv => {
                let mut writer = csv::Writer::from_writer(stdout());
                let names = FIXED.into_iter().chain(variables.iter().map(String::as_str));
                let header: Vec<_> = names.map(|name| crate::report::neutral(name.into()).into_owned()).collect();
                writer.write_record(header).map_err(csv_error)?;
                Ok(Sink::Csv(Box::new(writer)))
            }
        }
    }

    fn write(&mut self, record: &Map<String, Value>) -> Result<()> {
        match self {
            Sink::Jsonl(out) => {
                written(serde_json::to_writer(&mut *out, record).map_err(std::io::Error::from))?;
                written(out.write_all(b"\n"))
            }
            Sink::Json { out, any } => {
                let before: &[u8] =
                    if std::mem::replace(any, true) { b",\n" } else { b"{\"schema\":1,\"records\":[\n" };
                written(out.write_all(before))?;
                written(serde_json::to_writer(&mut *out, record).map_err(std::io::Error::from))
            }
            Sink::Csv(writer) => writer
                .write_record(record.values().map(|value| match value {
                    Value::Null => String::new(),
                    Value::String(text) => crate::report::neutral(text.into()).into_owned(),
                    other => other.to_string(),
                }))
                .map_err(csv_error),
        }
    }

    fn end(&mut self) -> Result<()> {
        match self {
            Sink::Jsonl(out) => written(out.flush()),
            Sink::Json { out, any } => {
                let end: &[u8] = if *any { b"\n]}\n" } else { b"{\"schema\":1,\"records\":[]}\n" };
                written(out.write_all(end))?;
                written(out.flush())
            }
            Sink::Csv(writer) => written(writer.flush()),
        }
    }
}

fn csv_error(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Error::io("write", "stdout", &error),
        other => Error::failed(format!("cannot write CSV: {other:?}")),
    }
}
