//! A raw line as fields, by the format that the store holds of it.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Result;
use crate::explain::{FacetReader, FeatureId, Features, PlacedWhere, WhereCondition};
use crate::grammar::{Format, read_format};
use crate::http::reader::{LineFound, Reader};
use crate::http::redaction::Redaction;
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::report::{LoggedVariables, RequestRecord, VariableColumn};
use crate::store::View;

/// Reads lines as they may be seen.
pub(super) struct LineFields<'r> {
    /// What lines have to be.
    conditions: Arc<[WhereCondition]>,
    redaction: &'r Redaction,
    view: &'r View,
    with: Interpreting,
    /// By the number of the reading; nothing where its format is not known here.
    readers: HashMap<u32, Option<FieldReader>>,
    pub(super) features: Features,
    held: Vec<FeatureId>,
    /// Lines that were not understood, or of which no format is held.
    unread: u64,
}

/// Reads the lines of one reading.
struct FieldReader {
    interpreter: Interpreter,
    /// What they say in each format that they may be in.
    by_format: Vec<FieldsOfFormat>,
}

/// What lines of one format say.
struct FieldsOfFormat {
    format: Format,
    facets: FacetReader,
    columns: Vec<VariableColumn>,
    placed: Vec<PlacedWhere>,
}

impl FieldsOfFormat {
    fn new(format: Format, conditions: &[WhereCondition], features: &mut Features) -> FieldsOfFormat {
        let facets = FacetReader::new(&format, features);
        let own = RequestRecord::own_fields();
        let mut columns = Vec::new();
        for variable in format.variables().iter().filter(|variable| !own.contains(&variable.name)) {
            columns.push(VariableColumn::new(&variable.name, &format));
        }
        let placed = conditions.iter().map(|condition| PlacedWhere::of_format(condition, &format)).collect();
        FieldsOfFormat { format, facets, columns, placed }
    }
}

/// Those of the format that a line is in.
fn own_fields<'f>(by_format: &'f [FieldsOfFormat], format: &Format) -> Option<&'f FieldsOfFormat> {
    by_format.iter().find(|of| of.format.is_same(format))
}

impl<'r> LineFields<'r> {
    pub(super) fn new(reader: &'r Reader<'_>, conditions: &Arc<[WhereCondition]>) -> Result<LineFields<'r>> {
        Ok(LineFields {
            conditions: Arc::clone(conditions),
            redaction: reader.redaction(),
            view: reader.view()?,
            with: reader.interpreting()?,
            readers: HashMap::new(),
            features: Features::default(),
            held: Vec::new(),
            unread: 0,
        })
    }

    /// All fields of a line by name, in the order of its format; nothing if it is gone or cannot be read.
    pub(super) fn record(&mut self, line: &LineFound) -> Option<Value> {
        let FieldReader { interpreter, by_format } = self.reader_of(line)?;
        let mut record = None;
        interpreter.read_block(line.line.as_deref()?, |_, _, seen, values| {
            let (Ok(seen), Some(own)) = (seen, own_fields(by_format, values.format())) else { return };
            let escape = own.format.escape();
            let variables = LoggedVariables { columns: &own.columns, values: Some(values), escape };
            let fields = RequestRecord {
                file: Some(&line.file),
                offset: line.entry.locator.offset,
                length: line.entry.locator.length as usize,
                route: Some(&line.route),
                ..RequestRecord::new(&seen.record, variables)
            };
            record = record.take().or_else(|| serde_json::to_value(fields).ok());
        });
        record
    }

    /// What sets its request apart, and by what else that is known: the features that the line itself has.
    pub(super) fn features_of(&mut self, line: &LineFound) -> Option<&[FeatureId]> {
        let mut features = std::mem::take(&mut self.features);
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        let mut is_read = false;
        if let (Some(reader), Some(raw)) = (self.reader_with(line, &mut features), line.line.as_deref()) {
            let FieldReader { interpreter, by_format } = reader;
            interpreter.read_block(raw, |_, _, seen, values| {
                if let (Ok(seen), Some(own)) = (seen, own_fields(by_format, values.format()))
                    && !is_read
                {
                    is_read = true;
                    own.facets.read(&seen.record, values, &line.route, &mut features, &mut held);
                }
            });
        }
        (self.features, self.held) = (features, held);
        self.unread += u64::from(!is_read);
        is_read.then_some(self.held.as_slice())
    }

    /// Whether a line, as it is shown, meets the conditions. One that cannot be read meets none, and is [missing](Self::missing).
    pub(super) fn fits(&mut self, line: &LineFound) -> bool {
        if self.conditions.is_empty() {
            return true;
        }
        let mut verdict = None;
        if let (Some(reader), Some(raw)) = (self.reader_of(line), line.line.as_deref()) {
            let FieldReader { interpreter, by_format } = reader;
            interpreter.read_block(raw, |_, _, seen, values| {
                if let (None, Ok(seen), Some(own)) = (verdict, seen, own_fields(by_format, values.format())) {
                    verdict = Some(own.placed.iter().all(|placed| match placed.is_of_route() {
                        true => placed.meets_route(&line.route),
                        false => placed.meets(&seen.record, &values),
                    }));
                }
            });
        }
        self.unread += u64::from(verdict.is_none());
        verdict.unwrap_or(false)
    }

    /// What could not be read, in words.
    pub(super) fn missing(&self) -> Option<String> {
        (self.unread > 0).then(|| {
            let lines = if self.unread == 1 { "line is" } else { "lines are" };
            format!("{} {lines} gone or cannot be read as fields, and not counted", self.unread)
        })
    }

    /// What should be known of how lines are held against conditions, in words.
    pub(super) fn note(&self) -> Option<&'static str> {
        (!self.conditions.is_empty() && !self.redaction.is_empty()).then_some(
            "conditions are held against lines as you see them: a value that is hidden from you is `[redacted]`",
        )
    }

    fn reader_of(&mut self, line: &LineFound) -> Option<&mut FieldReader> {
        let mut features = std::mem::take(&mut self.features);
        let known = self.reader_with(line, &mut features).is_some();
        self.features = features;
        let (number, _) = self.reading_of(line)?;
        if known { self.readers.get_mut(&number)?.as_mut() } else { None }
    }

    fn reading_of(&self, line: &LineFound) -> Option<(u32, &'r crate::store::LogReading)> {
        self.view.reading_at(line.entry.locator.generation, line.entry.locator.offset).reading
    }

    fn reader_with(&mut self, line: &LineFound, features: &mut Features) -> Option<&mut FieldReader> {
        let (number, reading) = self.reading_of(line)?;
        let with = &self.with;
        let made = self.readers.entry(number).or_insert_with(|| {
            let format = read_format(&reading.format)?;
            let interpreter = Interpreter::new(&format, Needs::all(), with).ok()?;
            let of_format = |format| FieldsOfFormat::new(format, &self.conditions, features);
            let by_format = format.chain().into_iter().map(of_format).collect();
            Some(FieldReader { interpreter, by_format })
        });
        made.as_mut()
    }
}
