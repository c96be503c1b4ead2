//! The fields of a serialised row as cells of CSV: a serializer of serde's for rows, and one for their values.
//!
//! | value | cell |
//! |---|---|
//! | text | itself; with a `'` before it if a spreadsheet would run it |
//! | number | its digits; one that is not finite is empty |
//! | nothing | empty |
//! | list | as in JSON, so that a row is a line whatever it holds |
//!
//! Spreadsheets run a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula, and log content is
//! written by strangers. Such a *text* gets a `'` before it, which spreadsheets hide and programs can strip; numbers are
//! left alone. (OWASP, "CSV Injection".)
//!
//! The csv crate's own serializer is not used: it knows no maps, which records are (their variables differ by log), and
//! takes text as it is.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};

use serde::ser::{Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};

use super::json::write_json;
use super::terminal_safe::terminal_safe;

/// How values become cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CellStyle {
    /// Whether a terminal shows them: then text is made harmless.
    pub terminal: bool,
    /// Fractions stand as in JSON (`1.0`), as lists do anyway, so that a program that reads both needs one reader.
    pub as_json: bool,
}

/// What of a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowPart {
    /// The fields' names: the header.
    Names,
    /// Their values.
    Values,
}

/// Why a row could not be written: the output failed, or it is no row of fields.
#[derive(Debug)]
pub(super) struct CellError(io::Error);

impl Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for CellError {}

impl serde::ser::Error for CellError {
    fn custom<T: Display>(message: T) -> CellError {
        CellError(io::Error::other(message.to_string()))
    }
}

impl From<io::Error> for CellError {
    fn from(error: io::Error) -> CellError {
        CellError(error)
    }
}

impl From<CellError> for io::Error {
    fn from(error: CellError) -> io::Error {
        error.0
    }
}

/// Methods of a [`Serializer`] for what has no form in CSV.
macro_rules! refused {
    ($what:literal: $($method:ident($($argument:ty),*) -> $ok:ty),+ $(,)?) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, CellError> {
            Err(CellError::custom(concat!($what, " has no form in CSV")))
        })+
    };
}

/// The output's own error: the csv crate's conversion would forget its kind, and a broken pipe is no failure.
pub(super) fn output_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Writes a struct, or a map, as one record.
pub(super) struct RecordSerializer<'w, W: Write> {
    pub(super) writer: &'w mut csv::Writer<W>,
    pub(super) cell: &'w mut Vec<u8>,
    pub(super) style: CellStyle,
    pub(super) part: RowPart,
}

impl<W: Write> RecordSerializer<'_, W> {
    fn write_cell<T: Serialize + ?Sized>(&mut self, part: RowPart, value: &T) -> Result<(), CellError> {
        if self.part != part {
            return Ok(());
        }
        self.cell.clear();
        value.serialize(CellSerializer { cell: self.cell, style: self.style })?;
        Ok(self.writer.write_field(&*self.cell).map_err(output_error)?)
    }
}

type NoCells = Impossible<(), CellError>;

impl<'s, 'w, W: Write> Serializer for &'s mut RecordSerializer<'w, W> {
    type Ok = ();
    type Error = CellError;
    type SerializeSeq = NoCells;
    type SerializeTuple = NoCells;
    type SerializeTupleStruct = NoCells;
    type SerializeTupleVariant = NoCells;
    type SerializeMap = &'s mut RecordSerializer<'w, W>;
    type SerializeStruct = &'s mut RecordSerializer<'w, W>;
    type SerializeStructVariant = NoCells;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, CellError> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CellError> {
        Ok(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CellError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), CellError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), CellError> {
        Err(CellError::custom("a row that is a variant has no form in CSV"))
    }

    refused! { "a row without fields":
        serialize_bool(bool) -> (), serialize_i8(i8) -> (), serialize_i16(i16) -> (), serialize_i32(i32) -> (),
        serialize_i64(i64) -> (), serialize_u8(u8) -> (), serialize_u16(u16) -> (), serialize_u32(u32) -> (),
        serialize_u64(u64) -> (), serialize_f32(f32) -> (), serialize_f64(f64) -> (), serialize_char(char) -> (),
        serialize_str(&str) -> (), serialize_bytes(&[u8]) -> (), serialize_none() -> (), serialize_unit() -> (),
        serialize_unit_struct(&'static str) -> (),
        serialize_unit_variant(&'static str, u32, &'static str) -> (),
        serialize_seq(Option<usize>) -> NoCells, serialize_tuple(usize) -> NoCells,
        serialize_tuple_struct(&'static str, usize) -> NoCells,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> NoCells,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> NoCells,
    }
}

impl<W: Write> SerializeStruct for &mut RecordSerializer<'_, W> {
    type Ok = ();
    type Error = CellError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), CellError> {
        self.write_cell(RowPart::Names, name)?;
        self.write_cell(RowPart::Values, value)
    }

    fn end(self) -> Result<(), CellError> {
        Ok(())
    }
}

impl<W: Write> SerializeMap for &mut RecordSerializer<'_, W> {
    type Ok = ();
    type Error = CellError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), CellError> {
        self.write_cell(RowPart::Names, name)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CellError> {
        self.write_cell(RowPart::Values, value)
    }

    fn end(self) -> Result<(), CellError> {
        Ok(())
    }
}

/// Appends one value to a cell.
struct CellSerializer<'c> {
    cell: &'c mut Vec<u8>,
    style: CellStyle,
}

/// Methods of a [`Serializer`] for what is written as it is shown.
macro_rules! digits {
    ($($method:ident($number:ty)),+ $(,)?) => {
        $(fn $method(self, number: $number) -> Result<(), CellError> {
            Ok(write!(self.cell, "{number}")?)
        })+
    };
}

impl<'c> Serializer for CellSerializer<'c> {
    type Ok = ();
    type Error = CellError;
    type SerializeSeq = CellList<'c>;
    type SerializeTuple = CellList<'c>;
    type SerializeTupleStruct = NoCells;
    type SerializeTupleVariant = NoCells;
    type SerializeMap = NoCells;
    type SerializeStruct = NoCells;
    type SerializeStructVariant = NoCells;

    fn serialize_str(self, text: &str) -> Result<(), CellError> {
        let text = if self.style.terminal { terminal_safe(text.as_bytes()) } else { Cow::Borrowed(text) };
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            self.cell.push(b'\'');
        }
        self.cell.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn serialize_f64(self, number: f64) -> Result<(), CellError> {
        match number.is_finite() {
            false => Ok(()),
            true if self.style.as_json => Ok(write_json(&number, false, self.cell)?),
            true => Ok(write!(self.cell, "{number}")?),
        }
    }

    fn serialize_f32(self, number: f32) -> Result<(), CellError> {
        self.serialize_f64(f64::from(number))
    }

    digits! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64),
    }

    fn serialize_char(self, value: char) -> Result<(), CellError> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_none(self) -> Result<(), CellError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CellError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CellError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), CellError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), CellError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), CellError> {
        Err(CellError::custom("a variant with a value has no form in CSV"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<CellList<'c>, CellError> {
        self.cell.push(b'[');
        Ok(CellList { cell: self.cell, style: self.style, is_first: true })
    }

    fn serialize_tuple(self, length: usize) -> Result<CellList<'c>, CellError> {
        self.serialize_seq(Some(length))
    }

    refused! { "such a value":
        serialize_bytes(&[u8]) -> (), serialize_unit_struct(&'static str) -> (),
        serialize_tuple_struct(&'static str, usize) -> NoCells,
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> NoCells,
        serialize_map(Option<usize>) -> NoCells, serialize_struct(&'static str, usize) -> NoCells,
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> NoCells,
    }
}

/// A list in one cell.
struct CellList<'c> {
    cell: &'c mut Vec<u8>,
    style: CellStyle,
    is_first: bool,
}

impl SerializeSeq for CellList<'_> {
    type Ok = ();
    type Error = CellError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, member: &T) -> Result<(), CellError> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        if !is_first {
            self.cell.push(b',');
        }
        Ok(write_json(member, self.style.terminal, &mut *self.cell)?)
    }

    fn end(self) -> Result<(), CellError> {
        self.cell.push(b']');
        Ok(())
    }
}

impl SerializeTuple for CellList<'_> {
    type Ok = ();
    type Error = CellError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, member: &T) -> Result<(), CellError> {
        SerializeSeq::serialize_element(self, member)
    }

    fn end(self) -> Result<(), CellError> {
        SerializeSeq::end(self)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::super::csv::CsvRows;
    use super::CellStyle;

    /// A row with a value of every kind that reports have.
    #[derive(Serialize)]
    struct Row<'r> {
        text: &'r str,
        whole: u64,
        share: f64,
        nothing: Option<u64>,
        some: Option<i8>,
        list: Vec<&'r str>,
        #[serde(flatten)]
        more: std::collections::BTreeMap<&'r str, Vec<Vec<Option<f64>>>>,
    }

    fn row(text: &'static str) -> Row<'static> {
        let list = vec!["a", "=b", "c,d"];
        Row { text, whole: 7, share: 1.0, nothing: None, some: Some(-1), list, more: [("more", vec![])].into() }
    }

    fn written(style: CellStyle, row: &Row<'_>) -> (String, Vec<String>) {
        let mut out = Vec::new();
        let mut rows = CsvRows::new(&mut out, style);
        rows.write_header(row).unwrap();
        rows.write_row(row).unwrap();
        drop(rows);
        let mut reader = csv::Reader::from_reader(out.as_slice());
        let header = reader.headers().unwrap().iter().collect::<Vec<_>>().join(",");
        let cells = reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect();
        (header, cells)
    }

    #[test]
    fn every_kind_of_value_has_its_cell() {
        let (header, cells) = written(CellStyle::default(), &row("=1+1"));
        assert_eq!(header, "text,whole,share,nothing,some,list,more");
        assert_eq!(cells, ["'=1+1", "7", "1", "", "-1", r#"["a","=b","c,d"]"#, "[]"]);
    }

    #[test]
    fn as_in_json_fractions_and_lists_are_what_a_reader_of_json_reads() {
        let style = CellStyle { as_json: true, terminal: false };
        let more = [("more", vec![vec![Some(0.1), None], vec![]])].into();
        let (_, cells) = written(style, &Row { more, ..row("a") });
        assert_eq!(cells, ["a", "7", "1.0", "", "-1", r#"["a","=b","c,d"]"#, "[[0.1,null],[]]"]);
    }

    #[test]
    fn on_a_terminal_text_is_harmless_before_it_is_neutral() {
        let style = CellStyle { terminal: true, as_json: false };
        assert_eq!(written(style, &row("\t=1")).1[0], "\\x09=1");
        assert_eq!(written(style, &row("=\u{1b}[2J")).1[0], "'=\\x1B[2J");
        assert_eq!(written(CellStyle::default(), &row("\t=1")).1[0], "'\t=1");
    }

    #[test]
    fn a_fraction_that_is_none_is_an_empty_cell() {
        for (style, share) in [(false, f64::NAN), (true, f64::INFINITY)] {
            let style = CellStyle { as_json: style, terminal: false };
            assert_eq!(written(style, &Row { share, ..row("a") }).1[2], "");
        }
    }

    #[test]
    fn what_is_no_row_is_refused() {
        let mut out = Vec::new();
        let mut rows = CsvRows::new(&mut out, CellStyle::default());
        assert!(rows.write_row(&7).is_err() && rows.write_row(&vec![1, 2]).is_err());
        let nested = std::collections::BTreeMap::from([("a", std::collections::BTreeMap::from([("b", 2)]))]);
        assert!(rows.write_row(&nested).unwrap_err().to_string().contains("no form in CSV"));
    }
}
