//! A log_format as people paste it: as it stands in nginx.conf, whole or in pieces (`directive`, `pieces`); commented out, with
//! what grep, diff or a template put around it (`surroundings`); as a value of YAML, JSON, TOML or a program (`holder`); or its
//! bare text (`bare`). It is read as it was meant, or an error says what is missing: never are a paste's own quotes and escapes taken for
//! text of the log.
//!
//! Called by `cli` alone; knows the tokens of `conf`.

mod bare;
mod directive;
mod holder;
mod pieces;
mod quoted_value;
mod surroundings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::grammar::conf::made_in_text;
use crate::grammar::format::Format;
use crate::grammar::format_error::FormatError;
use crate::grammar::variables::{Escape, MadeVariable};

/// A log_format that was pasted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PastedFormat {
    /// Its name, if the paste has it.
    pub name: Option<String>,
    /// Its `escape=`, if the paste says it.
    pub escape: Option<Escape>,
    /// Its text, quotes and backslashes resolved.
    pub text: String,
    /// Those of its variables that what was pasted with it makes.
    pub made: Vec<MadeVariable>,
}

impl PastedFormat {
    /// The compiled format; `escape` is what was said beside the paste, which goes first.
    ///
    /// # Errors
    /// As [`Format::compile`].
    pub fn compile(&self, escape: Option<Escape>) -> Result<Format, FormatError> {
        let escape = escape.or(self.escape).unwrap_or_default();
        let format = match &self.name {
            Some(name) => Format::compile(name, &self.text, escape),
            None => Format::compile_unnamed(&self.text, escape),
        };
        Ok(format?.with_made(&self.made))
    }
}

/// What was pasted; nothing if it is no log_format but perhaps a name.
///
/// # Errors
/// It is a part of one, several, or text that could be meant in two ways.
pub fn read_paste(pasted: &str) -> Result<Option<PastedFormat>, FormatError> {
    surroundings::refuse_lookalikes(pasted)?;
    let text = surroundings::without_surroundings(pasted);
    if let Some(found) = directive::find_directive(&text)? {
        let made = made_in_text(&text, &found.text);
        return Ok(Some(PastedFormat { made, ..found }));
    }
    if let Some(found) = holder::find_held(&text)? {
        return Ok(Some(found));
    }
    bare::refuse_other_directives(&text)?;
    if let Some(found) = pieces::read_pieces(&text)? {
        return Ok(Some(found));
    }
    if !text.contains('$') {
        return Ok(None);
    }
    let text = bare::read_bare(&text)?;
    Ok(Some(PastedFormat { text, ..PastedFormat::default() }))
}

/// nginx's backslashes resolved ([`resolve_backslashes`](crate::grammar::conf::resolve_backslashes)).
fn resolved(text: &str) -> String {
    let bytes = crate::grammar::conf::resolve_backslashes(text.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The first `$variable` of a text stands here.
fn has_variable(text: &str) -> bool {
    count_variables(text) > 0
}

/// How many `$variables` a text has.
fn count_variables(text: &str) -> usize {
    text.as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [b'$', next] if *next == b'{' || next.is_ascii_alphabetic() || *next == b'_'))
        .count()
}

/// A text that may have been changed.
type Text<'t> = Cow<'t, str>;
