//! What is made of a format, once: the lines of a store come in the formats of their logs, in any order.

use crate::grammar::Format;

/// What was made of each format.
#[derive(Debug)]
pub(in crate::cli) struct MadeOfFormats<T> {
    known: Vec<(Format, T)>,
}

impl<T> Default for MadeOfFormats<T> {
    fn default() -> MadeOfFormats<T> {
        MadeOfFormats { known: Vec::new() }
    }
}

impl<T> MadeOfFormats<T> {
    /// What is made of this one.
    pub(in crate::cli) fn of(&mut self, format: &Format, make: impl FnOnce(&Format) -> T) -> Option<&T> {
        let is_it = |(known, _): &(Format, T)| known.text() == format.text() && known.variables() == format.variables();
        let at = match self.known.iter().position(is_it) {
            Some(at) => at,
            None => {
                self.known.push((format.clone(), make(format)));
                self.known.len() - 1
            }
        };
        self.known.get(at).map(|(_, made)| made)
    }

    /// All formats that were met.
    pub(in crate::cli) fn formats(&self) -> impl Iterator<Item = &Format> + Clone {
        self.known.iter().map(|(format, _)| format)
    }
}
