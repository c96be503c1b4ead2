//! The columns of records: the variables of all logs, as the lines of each have them.

use std::sync::Arc;

use crate::grammar::{Escape, Format};
use crate::record::{Needs, RecordValues};
use crate::report::{LoggedVariables, RequestRecord, VariableColumn};

/// A record has every field, whatever the format.
pub(in crate::cli) fn needs_of_all(_format: &Format) -> Needs {
    Needs::all()
}

/// The variables of all logs together, each once. What every record has under its own name stands there already.
pub(in crate::cli) fn variable_names(formats: &[Arc<Format>]) -> Vec<String> {
    let own = RequestRecord::own_fields();
    let mut names: Vec<String> = Vec::new();
    for format in formats {
        for variable in format.variables() {
            if !own.contains(&variable.name) && !names.contains(&variable.name) {
                names.push(variable.name.clone());
            }
        }
    }
    names
}

/// The columns of all logs' variables, as the lines of one log have them.
pub(in crate::cli) struct RecordColumns {
    columns: Vec<VariableColumn>,
    escape: Escape,
}

impl RecordColumns {
    /// Those of a format.
    pub(in crate::cli) fn new(format: &Format, names: &[String]) -> RecordColumns {
        let columns = names.iter().map(|name| VariableColumn::new(name, format)).collect();
        RecordColumns { columns, escape: format.escape() }
    }

    /// The variables of a line; without values all are null.
    pub(in crate::cli) fn of_line<'r>(&'r self, values: Option<RecordValues<'r>>) -> LoggedVariables<'r> {
        LoggedVariables { columns: &self.columns, values, escape: self.escape }
    }
}
