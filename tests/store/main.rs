//! The store as those who use it see it: on a real folder, and with what the pipeline gives it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod archive;
mod folder;
mod foreign;
mod long_requests;
mod rejects;
