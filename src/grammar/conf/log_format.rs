//! A `log_format` of nginx.conf.

use super::error::ConfPlace;
use crate::grammar::format::Format;
use crate::grammar::format_error::FormatError;
use crate::grammar::variables::{Escape, MadeVariable};

/// A `log_format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredFormat {
    /// Its name.
    pub name: String,
    /// Its `escape=`.
    pub escape: Escape,
    /// Its pieces put together.
    pub text: String,
    /// The directive; nothing for the built-in `combined`.
    pub place: Option<ConfPlace>,
    /// Those of its variables that the configuration makes itself.
    pub made: Vec<MadeVariable>,
}

impl DeclaredFormat {
    /// nginx's built-in one.
    pub(super) fn combined() -> DeclaredFormat {
        let format = Format::combined();
        DeclaredFormat {
            name: "combined".to_owned(),
            escape: Escape::Default,
            text: format.text().to_owned(),
            place: None,
            made: Vec::new(),
        }
    }

    /// The compiled format.
    ///
    /// # Errors
    /// As [`Format::compile`].
    pub fn compile(&self) -> Result<Format, FormatError> {
        Ok(Format::compile(&self.name, &self.text, self.escape)?.with_made(&self.made))
    }
}
