//! A report as plain data: rows, and what the whole rests on.

use serde::Serialize;

use crate::time::Window;

/// One row of a report. Programs get its fields as they are serialised: their names, their order and their units
/// (`p99_ms`) are the struct's and stand nowhere else. People get some of them as the cells of a table.
pub trait ReportRow: Serialize {
    /// The columns of the table for people, in order.
    fn headings(&self) -> Vec<Heading>;

    /// The row as people read it, a cell for each heading. Text goes in as it is: the table makes it harmless.
    fn cells(&self) -> Vec<String>;
}

/// A report: what a command answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Report<R> {
    /// The rows, in order.
    pub rows: Vec<R>,
    /// A row without values. It has the names of the fields where there are no rows.
    pub blank: R,
    /// A row that sums up the others, in the table form only.
    pub totals: Option<R>,
    /// The window that the report is about.
    pub window: Option<Window>,
    /// What the report lacks, and why; empty if it is complete. In JSON as `missing`; the caller says it on stderr too.
    pub missing: Vec<String>,
}

impl<R: Default> Report<R> {
    /// A complete report of some rows, without totals.
    pub fn new(rows: Vec<R>, window: Option<Window>) -> Report<R> {
        Report { rows, blank: R::default(), totals: None, window, missing: Vec::new() }
    }
}

/// On which side of its column a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column of the table for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// What stands above it.
    pub title: String,
    /// The side.
    pub align: Align,
    /// On a terminal that is too narrow columns are left out, the highest number first; 0 stays.
    pub yields: u8,
}

impl Heading {
    /// A column of text, on the left.
    pub fn text(title: impl Into<String>) -> Heading {
        Heading { title: title.into(), align: Align::Left, yields: 0 }
    }

    /// A column of numbers, on the right.
    pub fn number(title: impl Into<String>) -> Heading {
        Heading { title: title.into(), align: Align::Right, yields: 0 }
    }

    /// The same column, left out on a narrow terminal before those that yield less.
    #[must_use]
    pub fn yielding(self, yields: u8) -> Heading {
        Heading { yields, ..self }
    }
}
