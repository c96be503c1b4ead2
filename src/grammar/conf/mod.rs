//! nginx.conf: tokens, the tree of directives, and what spikeline takes from it. Pure: files come in through [`Files`].
//!
//! Sources of the rules: ngx_conf_file.c (tokens, includes), ngx_http_log_module.c (log_format, access_log),
//! ngx_http_core_module.c (server, listen, server_name, location).

mod access_log;
mod build;
mod context;
mod error;
mod extended_format;
mod files;
mod location;
mod log_format;
mod log_format_directive;
mod nginx;
mod server;
#[cfg(test)]
mod tests;
mod token;
mod tree;

pub use access_log::{AccessLog, Target};
pub use build::Build;
pub use context::{Choice, Context, Says, Writing};
pub use error::{ConfError, Place};
pub use files::{Dump, Files, WILDCARDS};
pub use location::{Location, Match};
pub use log_format::LogFormat;
pub use log_format_directive::{LogFormatDirective, directives};
pub use nginx::{Nginx, Note, Upstream};
pub use server::{Listen, Server, ServerName};
pub use tree::{Directive, Word, read};
