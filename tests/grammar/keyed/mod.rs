//! Formats whose values are found by keys: what each shape of line says, and a slow reader built on `serde_json` (for
//! LTSV: on `split`) against the scanner.

mod oracle;
mod real;
mod recognise;
mod shapes;
mod spec;

use spikeline::grammar::{Format, Reject};
use spikeline::record::{Needs, RecordParser};

/// What a line says: end in ms, request time in ms, upstream response in ms, status, method, target, host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    end: i64,
    request_time: Option<u64>,
    upstream: [Option<u64>; 3],
    status: Option<u16>,
    bytes: Option<u64>,
    method: String,
    target: String,
    host: Option<String>,
}

pub(crate) fn format(text: &str) -> Format {
    Format::keyed(text).expect("a keyed format").unwrap_or_else(|error| panic!("{}", error.render()))
}

pub(crate) fn read(format: &Format, line: &str) -> Result<Said, Reject> {
    let mut parser = RecordParser::new(format, &Needs::all()).unwrap();
    let mut room = Vec::new();
    let (record, _) = parser.parse_in(line.as_bytes(), &mut room)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Said {
        end: record.end.millis(),
        request_time: record.request_time_ms,
        upstream: record.upstream_ms,
        status: record.status,
        bytes: record.bytes_sent,
        method: text(record.method),
        target: text(record.target),
        host: record.host.map(text),
    })
}

/// The value of a variable.
pub(crate) fn value(format: &Format, line: &str, variable: &str) -> Option<String> {
    let mut parser = RecordParser::new(format, &Needs::all()).unwrap();
    let mut room = Vec::new();
    let (_, text) = parser.parse_in(line.as_bytes(), &mut room).unwrap_or_else(|reject| panic!("{reject}: {line}"));
    let text = text.to_vec();
    let found = format.index_of(variable).unwrap_or_else(|| panic!("no variable {variable}"));
    parser.value(&text, found).map(|value| String::from_utf8_lossy(value).into_owned())
}
