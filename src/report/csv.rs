//! Reports as CSV (RFC 4180, with a header; an unknown value is an empty field).
//!
//! The header and the rows come from the same `Serialize`, field by field; `csv_cells` says what a value becomes.

use std::io::{self, Write};

use serde::Serialize;

use super::csv_cells::{CellStyle, RecordSerializer, RowPart, output_error};
use super::rows::Report;

/// CSV that is written as its rows come.
pub struct CsvRows<W: Write> {
    writer: csv::Writer<W>,
    style: CellStyle,
    /// The text of the field at hand.
    cell: Vec<u8>,
}

impl<W: Write> CsvRows<W> {
    /// CSV into `out`.
    pub fn new(out: W, style: CellStyle) -> CsvRows<W> {
        CsvRows { writer: csv::Writer::from_writer(out), style, cell: Vec::new() }
    }

    /// Writes the names of a row's fields.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write_header<R: Serialize + ?Sized>(&mut self, row: &R) -> io::Result<()> {
        self.write_part(row, RowPart::Names)
    }

    /// Writes the values of a row's fields.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write_row<R: Serialize + ?Sized>(&mut self, row: &R) -> io::Result<()> {
        self.write_part(row, RowPart::Values)
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn write_part<R: Serialize + ?Sized>(&mut self, row: &R, part: RowPart) -> io::Result<()> {
        let CsvRows { writer, style, cell } = self;
        row.serialize(&mut RecordSerializer { writer, cell, style: *style, part })?;
        self.writer.write_record(None::<&[u8]>).map_err(output_error)
    }
}

pub(super) fn write<R: Serialize>(report: &Report<R>, terminal: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = CsvRows::new(out, CellStyle { terminal, as_json: false });
    rows.write_header(&report.blank)?;
    for row in &report.rows {
        rows.write_row(row)?;
    }
    rows.flush()
}
