//! `spikeline records`: the parsed requests, for jq, DuckDB and friends.

mod of_store;

use std::io::{self, Write};
use std::sync::Arc;

use crate::cli::answer::output::{Stdout, on_terminal, say, stdout, written};
use crate::cli::answer::rejects::{ReadBlock, RejectedLines};
use crate::cli::answer::{Answer, window};
use crate::cli::args::RecordsArguments;
use crate::cli::input::asked_filter::asked_filter;
use crate::cli::input::context::Context;
use crate::cli::input::files::{Files, Workers};
use crate::cli::input::record_columns::{RecordColumns, needs_of_all, variable_names};
use crate::cli::input::settings;
use crate::error::{Error, Result};
use crate::grammar::{Reject, RejectReason};
use crate::pipeline::batch::BlockTally;
use crate::pipeline::check_where;
use crate::pipeline::{Filter, RouteFilter, RoutedRecord, SeenLine};
use crate::record::RecordValues;
use crate::report::{CellStyle, CsvRows, LoggedVariables, OutputFormat, RequestRecord, SCHEMA, write_json};
use crate::route::Routes;
use crate::store::WindowMatch;
use crate::time::Window;

pub(super) fn records(context: &Context, arguments: &RecordsArguments) -> Result<Answer> {
    let window = window::window(&arguments.window, context.now, Window::ALL)?;
    let filter = asked_filter(context, &arguments.filter, window, WindowMatch::End)?;
    if arguments.files.files.is_empty() {
        return of_store::records_of_store(context, arguments, &filter);
    }
    let files = Files::open(context, &arguments.files)?;
    files.say_clocks();
    let with = settings::interpreting(context)?.asking(&filter);
    check_where(&filter.conditions, &files.formats)?;
    let names = variable_names(&files.formats);
    let mut formats = Vec::new();
    for format in &files.formats {
        formats.push(RecordColumns::new(format, &names));
    }
    let workers = Workers::new(&files, &with, needs_of_all)?;
    let members = with.names_series(&filter);
    let records = RecordsTally {
        filter,
        kept_routes: RouteFilter::default(),
        members,
        last: None,
        routes: with.routes,
        names: files.names.clone(),
        sink: RecordSink::new(arguments.format.into(), formats.first())?,
        formats,
        lines: vec![0; files.names.len()],
        left: arguments.limit.unwrap_or(usize::MAX),
        written: 0,
        rejects: RejectedLines::default(),
        failed: None,
    };
    let mut reading = Reading { workers, records };
    let mut missing = files.run(std::slice::from_mut(&mut reading));
    let mut tally = reading.records;
    if let Some(error) = tally.failed {
        return Err(error);
    }
    written(tally.sink.end())?;
    if tally.rejects.rejected > 0 {
        say(&format!("{} lines rejected", tally.rejects.rejected));
        missing.extend(tally.rejects.missing(&tally.names));
    }
    Ok(Answer::from_found(tally.written > 0, &missing))
}

struct RecordsTally {
    filter: Filter,
    kept_routes: RouteFilter,
    /// Whether members of series are asked for, and the line that was written last: it is written once.
    members: bool,
    last: Option<(usize, u64)>,
    routes: Arc<Routes>,
    names: Vec<String>,
    formats: Vec<RecordColumns>,
    sink: RecordSink,
    lines: Vec<u64>,
    left: usize,
    written: u64,
    rejects: RejectedLines,
    failed: Option<Error>,
}

impl RecordsTally {
    fn reject(&mut self, file: usize, offset: u64, reject: Reject) {
        self.rejects.reject(file, offset, reject);
        let Reject { column, reason } = reject;
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
            Err(reject) => return self.reject(file, offset, reject),
        };
        if !self.filter.keeps(seen) || !self.kept_routes.keeps(&self.filter, &seen.matched, &self.routes) {
            return;
        }
        if self.last.replace((file, offset)) == Some((file, offset)) {
            return;
        }
        let Some(columns) = self.formats.get(file) else { return };
        let route = self.routes.name(seen.matched.id);
        let record = RequestRecord {
            file: self.names.get(file).map(String::as_str),
            line: self.lines.get(file).copied(),
            offset,
            length: line.len(),
            route: route.as_deref(),
            ..RequestRecord::new(&seen.record, columns.of_line(Some(values)))
        };
        self.written += 1;
        self.left -= 1;
        if let Err(error) = written(self.sink.write(&record)) {
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
        let (mut counted, mut read) = (0, 0);
        let mut count_to = |at: usize| {
            before += memchr::memchr_iter(b'\n', bytes.get(counted..at).unwrap_or_default()).count() as u64;
            counted = at;
            before
        };
        let members = records.members;
        interpreter.read_block_as(bytes, members, |SeenLine { at, line, seen, values, is_member }| {
            let number = count_to(at) + 1;
            read += u64::from(!is_member);
            if let Some(lines) = records.lines.get_mut(file) {
                *lines = number;
            }
            records.line(file, offset + at as u64, line, seen, values);
        });
        let (end, length) = (offset + bytes.len() as u64, bytes.len() as u64);
        records.rejects.count_block(file, ReadBlock { end, length, lines: read, untimed: 0 });
        if let Some(lines) = records.lines.get_mut(file) {
            *lines = count_to(bytes.len()) + u64::from(!bytes.is_empty() && !bytes.ends_with(b"\n"));
        }
    }

    fn skip_long_line(&mut self, file: usize, offset: u64, length: u64) {
        if let Some(lines) = self.records.lines.get_mut(file) {
            *lines += 1;
        }
        let reject = Reject { column: 1, reason: RejectReason::LineTooLong };
        self.records.reject(file, offset, reject);
        self.records.rejects.count_block(file, ReadBlock { end: offset + length, length, lines: 1, untimed: 0 });
    }

    fn is_done(&self) -> bool {
        self.records.left == 0 || self.records.failed.is_some()
    }
}

/// Where records go.
struct RecordSink {
    form: SinkForm,
    on_terminal: bool,
}

enum SinkForm {
    Jsonl(Stdout),
    Json { out: Stdout, is_first: bool },
    Csv(Box<CsvRows<Stdout>>),
}

impl RecordSink {
    /// A sink for records with these columns of variables, the same names in each log.
    fn new(format: OutputFormat, columns: Option<&RecordColumns>) -> Result<RecordSink> {
        let on_terminal = on_terminal();
        let form = match format {
            OutputFormat::Jsonl | OutputFormat::Table => SinkForm::Jsonl(stdout()),
            OutputFormat::Json => SinkForm::Json { out: stdout(), is_first: true },
            OutputFormat::Csv => {
                let mut rows = CsvRows::new(stdout(), CellStyle { terminal: on_terminal, as_json: true });
                let variables = columns.map_or_else(LoggedVariables::default, |columns| columns.of_line(None));
                written(rows.write_header(&RequestRecord { variables, ..RequestRecord::default() }))?;
                SinkForm::Csv(Box::new(rows))
            }
        };
        Ok(RecordSink { form, on_terminal })
    }

    fn write(&mut self, record: &RequestRecord<'_>) -> io::Result<()> {
        match &mut self.form {
            SinkForm::Jsonl(out) => {
                write_json(record, self.on_terminal, &mut *out)?;
                out.write_all(b"\n")
            }
            SinkForm::Json { out, is_first } => {
                match std::mem::replace(is_first, false) {
                    true => writeln!(out, "{{\"schema\":{SCHEMA},\"records\":[")?,
                    false => out.write_all(b",\n")?,
                }
                write_json(record, self.on_terminal, out)
            }
            SinkForm::Csv(rows) => rows.write_row(record),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        match &mut self.form {
            SinkForm::Jsonl(out) => out.flush(),
            SinkForm::Json { out, is_first } => {
                match *is_first {
                    true => writeln!(out, "{{\"schema\":{SCHEMA},\"records\":[]}}")?,
                    false => out.write_all(b"\n]}\n")?,
                }
                out.flush()
            }
            SinkForm::Csv(rows) => rows.flush(),
        }
    }
}
