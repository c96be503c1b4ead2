//! nginx.conf: tokens, the tree of directives, and what spikeline takes from it. Pure: files come in through [`ConfFiles`].
//!
//! Sources of the rules: ngx_conf_file.c (tokens, includes), ngx_http_log_module.c (log_format, access_log),
//! ngx_http_core_module.c (server, listen, server_name, location).

mod access_log;
mod build;
mod error;
mod extended_format;
mod files;
mod location;
mod log_choice;
mod log_format;
mod log_format_directive;
mod nginx_conf;
mod sample_request;
mod server;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod value_makers;
mod value_map;

pub use access_log::{AccessLog, LogTarget};
pub use build::NginxBuild;
pub use error::{ConfError, ConfPlace};
pub use files::{ConfDump, ConfFiles, WILDCARDS};
pub use location::{Location, LocationMatch};
pub use log_choice::{LogChoice, LogContext, LogDetail, LogWriting};
pub use log_format::DeclaredFormat;
pub use log_format_directive::{LogFormatDirective, directives};
pub use nginx_conf::{ConfNote, NginxConf, UpstreamGroup};
pub use server::{Listen, Server, ServerName};
pub use tree::{ConfDirective, ConfWord, read};

pub(in crate::grammar) use log_format_directive::assemble_log_format;
pub(in crate::grammar) use token::{Token, TokenError, TokenKind, Tokens, resolve_backslashes};
pub(in crate::grammar) use value_makers::made_in_text;
