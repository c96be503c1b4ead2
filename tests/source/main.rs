//! Logs as writers and logrotate treat them, read by the real thing, with real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod between;
mod copies;
mod denied;
mod follow;
mod input;
mod locate;
mod logrotate;
mod many;
mod model;
mod olddir;
mod points;
mod replaced;
mod restart;
mod rig;
mod special;
mod unread;
