//! spikeline: from the spike on the Graphite graph to the nginx log lines behind it.
//!
//! The program is `spikeline`; this library is what it is made of. The layers, each importing only from those above it
//! (ARCHITECTURE.md draws them, `tests/layers` keeps them so):
//!
//! | layer | gives | begin at |
//! |---|---|---|
//! | [`time`] | moments, half-open windows, Graphite's time words | [`time::Timestamp`], [`time::read_time`] |
//! | [`error`] | what happened, where, what to do | [`error::Error`] |
//! | [`grammar`] | a `log_format`, compiled; nginx.conf; which format some lines are in | [`grammar::Format`] |
//! | [`record`] | the fields of one request, borrowed from its line | [`record::RecordParser`] |
//! | [`route`] | the name that a request is counted under | [`route::Router`], [`route::Matcher`] |
//! | [`source`] | logs as endless streams of blocks of lines, through rotation and compression | [`source::Input`], [`source::Follower`] |
//! | [`histogram`] | what is counted per route and slot | [`histogram::Cell`], [`histogram::Latency`] |
//! | [`store`] | one folder that leads from a window and a route back to the lines | [`store::Writer`], [`store::View`] |
//! | [`carbon`] | points, their names, the connection, what is owed | [`carbon::Link`], [`carbon::Owed`] |
//! | [`graphite`] | targets, globs, links: what a pasted metric or URL asks for | [`graphite::asked`] |
//! | [`explain`] | why a window is slow: two sets of requests compared | [`explain::explain`], [`explain::FacetReader`] |
//! | [`report`] | tables for people and for programs | [`report::latency`] |
//! | [`pipeline`] | blocks of lines to counts | [`pipeline::Interpreter`], [`pipeline::batch`] |
//! | [`daemon`] | follow, count, commit, send: the threads | [`daemon::run`] |
//! | [`cli`] | arguments and configuration, one file a command | [`cli::main`] |
//!
//! # The fields of a line
//!
//! A `log_format` is compiled once; a parser then reads line after line without allocating:
//!
//! ```
//! use spikeline::grammar::{Escape, Format};
//! use spikeline::record::{Needs, RecordParser};
//!
//! let text = r#"$remote_addr [$time_local] "$request" $status $request_time"#;
//! let format = Format::compile("mine", text, Escape::Default)?;
//! let mut parser = RecordParser::new(&format, &Needs::latency())?;
//!
//! let line = br#"192.0.2.7 [30/Nov/2011:14:05:20 +0000] "GET /p/git/tree HTTP/1.1" 200 3.457"#;
//! let record = parser.parse(line).map_err(|reject| reject.reason.to_string())?;
//! assert_eq!((record.method, record.target), (&b"GET"[..], &b"/p/git/tree"[..]));
//! assert_eq!(record.request_time_ms, Some(3457));
//! assert_eq!(record.start().to_string(), "2011-11-30T14:05:16.543Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Latency per route
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::Arc;
//!
//! use spikeline::grammar::{Escape, Format};
//! use spikeline::histogram::{Cell, Quantile, Time};
//! use spikeline::pipeline::{Interpreter, Interpreting};
//! use spikeline::record::Needs;
//! use spikeline::route::{Router, Routes};
//!
//! let format = Format::compile("mine", "$msec $request_time $request_method $request_uri", Escape::Default)?;
//! let routes = Arc::new(Routes::new(2_000));
//! let with = Interpreting { router: Arc::new(Router::default()), routes: Arc::clone(&routes), threshold_ms: 1_000, conditions: Arc::default() };
//! let mut interpreter = Interpreter::new(&format, Needs::latency(), &with)?;
//!
//! let log = b"1322661936.000 0.016 GET /api/users/7\n1322661937.000 1.204 GET /api/users/8?full=1\n";
//! let mut cells = BTreeMap::<String, Cell>::new();
//! interpreter.read_block(log, |_, _, read, _| {
//!     if let Ok(read) = read
//!         && let Some(route) = routes.name(read.matched.id)
//!     {
//!         read.count_into(cells.entry(route.to_string()).or_default());
//!     }
//! });
//! let cell = &cells["api.users.__id"];
//! assert_eq!((cell.requests, cell.slow), (2, 1));
//! assert_eq!(cell.time(Time::Request).quantile(Quantile::per_mille(500)), Some(16));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

pub mod carbon;
pub mod cli;
pub mod daemon;
pub mod error;
pub mod events;
pub mod explain;
pub mod grammar;
pub mod graphite;
pub mod histogram;
pub mod http;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod pipeline;
pub mod record;
pub mod report;
pub mod route;
pub mod screen;
pub mod source;
pub mod store;
pub mod time;
pub mod wildcards;
