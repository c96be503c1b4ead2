//! What was counted, in rows by the fields of `--by`: over files, or over a window of the store.
//!
//! ```text
//! CountingQuestion -- of_files  every line of the files
//!                     of_store  slots' cells; lines where those cannot answer
//!                  -> CountedRows
//! pictured            what pictures are drawn from, counted beside the rows
//! series_refusals     what does not go together with members of series
//! shown_times         of which times the rows are
//! grouped             cells by the values of fields; format_cache: where they stand in the lines of each format
//! ```

mod format_cache;
mod grouped;
mod of_files;
mod of_store;
mod pictured;
mod series_refusals;
mod shown_times;

pub(in crate::cli) use format_cache::MadeOfFormats;
pub(in crate::cli) use grouped::{GROUPS_MAX, KeptGroups, OTHER, check_fields, fields_of, names_of, say_attempts};
pub(in crate::cli) use of_files::rows_of_files;
pub(in crate::cli) use of_store::rows_of_store;
pub(in crate::cli) use pictured::{
    ComparedSpans, CountedPictures, PictureCounts, PictureQuestion, WithPictures, pictures_of_slots, threshold_of_all,
};
pub(in crate::cli) use series_refusals::{
    refuse_attempts_of_series, refuse_attempts_twice, refuse_members, refuse_series,
};
pub(in crate::cli) use shown_times::ShownTimes;

use crate::cli::args::FileArguments;
use crate::histogram::Cell;
use crate::pipeline::Filter;
use crate::record::RequestField;
use crate::time::Window;

/// What is to be counted.
pub(in crate::cli) struct CountingQuestion<'q> {
    /// The files, or none for the store.
    pub(in crate::cli) files: &'q FileArguments,
    /// How many threads read files.
    pub(in crate::cli) threads: usize,
    /// Which requests.
    pub(in crate::cli) filter: &'q Filter,
    /// What makes a row.
    pub(in crate::cli) by: &'q [RequestField],
    /// Whether the times of upstreams are counted beside that of the request.
    pub(in crate::cli) upstreams: bool,
    /// Whether pictures are wanted.
    pub(in crate::cli) pictured: bool,
}

/// Of each row what it is of, by the fields of `--by`, and what was counted.
pub(in crate::cli) type Rows = Vec<(Vec<String>, Cell)>;

/// What was counted.
pub(in crate::cli) struct CountedRows {
    /// The rows, in any order.
    pub(in crate::cli) rows: Rows,
    /// What could not be read.
    pub(in crate::cli) missing: Vec<String>,
    /// The window that it is for.
    pub(in crate::cli) window: Window,
    /// From the first end of a request to the last, where files were read.
    pub(in crate::cli) span: Option<Window>,
    /// What pictures are drawn from, where they are wanted.
    pub(in crate::cli) pictures: Option<CountedPictures>,
}
