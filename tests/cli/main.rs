//! The commands over files, through the real program: small logs whose answers are counted here by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod archives;
mod beyond_kept;
mod carbon_choice;
mod check;
mod clocks;
mod complete;
mod config;
mod config_file;
mod damaged_journal;
mod diff;
mod doctor;
mod doctor_nginx;
mod doctor_records;
mod formats_kept;
mod from_graph;
mod graphite_config;
mod graphite_read;
mod grouped;
mod hints;
mod html;
mod index;
mod inputs;
mod keyed;
mod lines;
mod made_variables;
mod merged;
mod nginx;
mod page_asked;
mod pasted;
mod probes;
mod push;
mod questions;
mod records;
mod redacted;
mod rejects;
mod report;
mod resend;
mod route_names;
mod routes;
mod series;
mod served;
mod slow;
mod status;
mod stored;
mod strangers;
mod terminal;
mod top;
mod usage;
mod verify;

mod where_fields;
mod why;
mod why_commands;
mod why_long;
mod why_unknown;
mod wrapped;
