//! nginx's `log_format`: its text and directive, compiled to a plan that cuts log lines into values. No I/O.
//!
//! Sources of the rules: `ngx_http_log_module.c` (formats, escapes), `ngx_conf_file.c` (directives, quotes),
//! `ngx_http_upstream.c` (lists). How values are told apart is written down in `plan.rs`.

pub mod conf;
mod course;
mod cut;
pub mod detect;
mod directive;
mod error;
mod escape;
mod extend;
mod format;
mod keyed;
pub mod known;
pub mod library;
mod literal;
mod marks;
pub(crate) mod plan;
mod recognise;
mod reject;
mod roles;
mod text;
mod variable;
mod wrapper;

pub use cut::MAX_LINE;
pub use detect::{Detection, Outcome, detect};
pub use directive::{Directive, directives};
pub use error::FormatError;
pub use escape::Escape;
pub use format::{Format, Inside};
pub use keyed::check_key;
pub use library::{Grammar, library};
pub use recognise::{Recognised, Unrecognised, recognise, recognise_in, recognise_texts, texts, wrapper_of};
pub use reject::{Reason, Reject};
pub use roles::{Clock, Roles};
pub use variable::{Kind, Variable};
pub use wrapper::Wrapper;

pub(crate) use course::Course;
pub(crate) use cut::{Span, chomp};
pub(crate) use keyed::json::decode as decode_json;
pub(crate) use keyed::{Role, State as KeyedState};
pub(crate) use literal::{contains, find_byte};
pub(crate) use marks::Marks;
pub(crate) use wrapper::Records;
