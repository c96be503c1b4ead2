//! The daemon as the real program: it follows logs that the tests write, is stopped, killed and started again, and what
//! the store and a made-up carbon then say is compared with the requests themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

#[cfg(feature = "otlp")]
mod collector;
mod complete;
mod faults;
mod faults_of_clocks;
mod faults_of_files;
mod faults_of_lines;
mod final_points;
mod formats;
mod kept;
mod named_carbon;
#[cfg(feature = "otlp")]
mod otlp;
mod packed;
mod points;
mod received;
mod reload;
mod restart;
mod rig;
mod rotation;
mod route_places;
mod series;
mod service_manager;
mod sink;
mod status;
mod stepped;
mod stop;
mod store;
mod unread;
mod wrapped;
