//! The fields of lines that are printed for programs: each is read once more, by the format of its log.

use std::collections::HashMap;
use std::sync::Arc;

use super::Found;
use crate::cli::counted::MadeOfFormats;
use crate::cli::input::record_columns::{RecordColumns, needs_of_all, variable_names};
use crate::grammar::{Format, read_format};
use crate::pipeline::{Interpreter, Interpreting};
use crate::report::{ParsedFields, RequestRecord};
use crate::source::GenerationId;
use crate::store::View;

/// What reads the lines of an answer.
pub(super) struct LineParsers {
    with: Interpreting,
    /// By the text of a format.
    made: HashMap<String, Option<FormatParser>>,
    /// The formats of files, by their numbers.
    of_files: HashMap<GenerationId, Arc<Format>>,
}

struct FormatParser {
    interpreter: Interpreter,
    /// The variables of its lines, whichever format they are in.
    names: Vec<String>,
    columns: MadeOfFormats<RecordColumns>,
}

impl LineParsers {
    /// Of files, by their numbers; of a store there are none.
    pub(super) fn new(with: Interpreting, formats: &[Arc<Format>]) -> LineParsers {
        let of_files = (0..).map(GenerationId).zip(formats.iter().cloned()).collect();
        LineParsers { with, made: HashMap::new(), of_files }
    }

    /// The fields of a line; none if it is gone, or if the store does not know in which format it was read.
    pub(super) fn fields(&mut self, view: Option<&View>, found: &Found) -> ParsedFields {
        let Some(line) = &found.line else { return ParsedFields::default() };
        let locator = found.entry.locator;
        let (key, format) = match view {
            None => match self.of_files.get(&locator.generation) {
                Some(format) => (locator.generation.0.to_string(), Some(Arc::clone(format))),
                None => return ParsedFields::default(),
            },
            Some(view) => match view.reading_at(locator.generation, locator.offset).reading {
                Some((_, reading)) if self.made.contains_key(&reading.format) => (reading.format.clone(), None),
                Some((_, reading)) => (reading.format.clone(), read_format(&reading.format).map(Arc::new)),
                None => return ParsedFields::default(),
            },
        };
        let with = &self.with;
        let made = self.made.entry(key).or_insert_with(|| FormatParser::new(&format?, with));
        made.as_mut().map_or_else(ParsedFields::default, |parser| parser.fields(line))
    }
}

impl FormatParser {
    fn new(format: &Arc<Format>, with: &Interpreting) -> Option<FormatParser> {
        let names = variable_names(&format.chain().into_iter().map(Arc::new).collect::<Vec<_>>());
        let interpreter = Interpreter::new(format, needs_of_all(format), with).ok()?;
        Some(FormatParser { interpreter, names, columns: MadeOfFormats::default() })
    }

    fn fields(&mut self, line: &[u8]) -> ParsedFields {
        let FormatParser { interpreter, names, columns } = self;
        let mut fields = ParsedFields::default();
        let whole = [line, b"\n"].concat();
        interpreter.read_block(&whole, |_, _, seen, values| {
            let columns = columns.of(values.format(), |format| RecordColumns::new(format, names));
            if let (Ok(seen), Some(columns)) = (seen, columns) {
                fields = ParsedFields::of_record(&RequestRecord::new(&seen.record, columns.of_line(Some(values))));
            }
        });
        fields
    }
}
