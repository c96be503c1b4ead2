//! nginx's `log_format`: its text and directive, compiled to a plan that cuts log lines into values. No I/O.
//!
//! Sources of the rules: `ngx_http_log_module.c` (formats, escapes), `ngx_conf_file.c` (directives, quotes),
//! `ngx_http_upstream.c` (lists). How values are told apart is written down in `log_format/plan.rs`.
//!
//! The floors, each calling only those above it: `line`, `variables`, `format_error` (what all speak of); `log_format` (by
//! position), `keyed` (by keys), `wrapper` (what stands around a line); `format` (any of these, which is what the other
//! layers hold); `written_format` (a format in a line of text); `conf` (nginx.conf); `paste` (a log_format as people paste it); `detection` (which format some lines are in).

pub mod conf;
mod detection;
mod format;
mod format_error;
mod keyed;
mod line;
mod log_format;
mod paste;
mod variables;
mod wrapper;
mod written_format;

pub use conf::{LogFormatDirective, directives};
pub use detection::{
    AND_MORE, AND_NAMED, BARE_ADDRESS, Detection, DetectionOutcome, Doubt, ForeignFormat, ForeignLines, Grammar,
    MixedPart, Recognised, Unrecognised, assumes_request_time, detect, foreign_lines, library, named_keys, recognise,
    recognise_in, recognise_texts, texts, unread_tails, wrapper_of,
};
pub use format::{BareLine, EarlierFormat, Format, NamedBy};
pub use format_error::FormatError;
pub use keyed::check_key;
pub use line::{FEW_REJECTS, MAX_LINE, Reject, RejectReason, RejectedKinds, RejectedStretch};
pub use paste::{PastedFormat, read_paste};
pub use variables::{
    DurationUnit, Escape, FieldMeaning, MadeVariable, Roles, TimeNotation, ValueShape, Variable, VariableKind,
    nginx_variables, read_meaning, shape_fit,
};
pub use wrapper::Wrapper;
pub use written_format::{read_format, write_format};

pub(crate) use keyed::{KeyedValues, Role, decode_json};
pub(crate) use line::{ValueSpan, chomp, contains_byte, find_byte};
pub(crate) use log_format::{FastCut, QuoteIndex};
pub(crate) use wrapper::WrappedRecords;
