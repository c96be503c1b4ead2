//! What a command reads and by which rules: configuration, log files and their formats, nginx.conf, what interprets
//! lines.
//!
//! Only `commands` may call these. They may say something (`answer::output`), and print no answer.

pub(in crate::cli) mod asked_filter;
pub(in crate::cli) mod candidates;
pub(in crate::cli) mod carbon_conf;
mod conf_files;
mod conf_watch;
pub(in crate::cli) mod configured;
pub(in crate::cli) mod context;
pub(in crate::cli) mod doubts;
pub(in crate::cli) mod event_settings;
pub(in crate::cli) mod files;
pub(in crate::cli) mod formats;
pub(in crate::cli) mod graphite_web;
pub(in crate::cli) mod head;
pub(in crate::cli) mod http_settings;
pub(in crate::cli) mod interpreters;
pub(in crate::cli) mod kept_archives;
pub(in crate::cli) mod known_series;
mod log_flush;
mod logrotate;
pub(in crate::cli) mod logs;
pub(in crate::cli) mod nginx;
#[cfg(feature = "otlp")]
pub(in crate::cli) mod otlp_settings;
pub(in crate::cli) mod past_files;
pub(in crate::cli) mod past_reading;
pub(in crate::cli) mod record_columns;
pub(in crate::cli) mod resending;
mod rotated_elsewhere;
pub(in crate::cli) mod routing;
pub(in crate::cli) mod scratch_folder;
pub(in crate::cli) mod settings;
pub(in crate::cli) mod stored_lines;
