//! Logs as writers and logrotate treat them, read by the real thing, with real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod between;
mod copies;
mod follow;
mod input;
mod locate;
mod logrotate;
mod model;
mod points;
mod restart;
mod rig;
