//! spikeline: from the spike on the Graphite graph to the nginx log lines behind it.
//!
//! The layers, each importing only from those above it (see `ARCHITECTURE.md`; `tests/layers` keeps it so):
//! `time`, `error`, `grammar`, `record`, `route`, `source`, `histogram`, `store`, `carbon`, `report`,
//! `pipeline`, `daemon`, `cli`.
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
pub mod grammar;
pub mod histogram;
pub mod pipeline;
pub mod record;
pub mod report;
pub mod route;
pub mod source;
pub mod store;
pub mod time;
