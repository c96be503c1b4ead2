//! log_formats, lines in them, formats by keys, and nginx.conf: real ones, random ones and hostile ones, held against slow
//! readers that share no code with the fast ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod against_oracle;
mod all_cuts;
mod blocks;
mod doubt;
mod format;
mod hostile;
mod keyed;
mod library;
mod logs;
mod nginx_conf;
mod oracle;
mod public;
mod quote_index;
mod roundtrip;
mod written;
