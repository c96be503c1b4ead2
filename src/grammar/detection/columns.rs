//! A candidate's columns: which variable each value of a line would be, whether the line's own text names it, and whether
//! nginx could have written the line so.

use super::facts::{ColumnPlaces, contradicts};
use super::library::FILES;
use crate::grammar::format::Format;
use crate::grammar::line::ValueSpan;
use crate::grammar::variables::shape_fit::is_escaped;
use crate::grammar::variables::{Escape, ValueShape};

/// One value's place in the lines of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column<'f> {
    /// Its variable's name.
    pub(super) name: &'f str,
    pub(super) shape: ValueShape,
    /// Whether the text before it names it, as in `rt=0.250` or `"rt":0.250`: then nobody takes it for its neighbour.
    pub(super) named: bool,
}

/// A candidate, ready to read lines.
pub(super) struct Columns<'f> {
    pub(super) format: &'f Format,
    pub(super) all: Vec<Column<'f>>,
    places: ColumnPlaces,
}

/// One line in so many may contradict a format: clocks are set.
pub(super) const STRAYS: usize = 100;

/// What a candidate makes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LineFit<'l> {
    /// It cannot be cut so.
    Apart,
    /// It can, but `-` stands where nginx always has a value: no request is without `$request_time`.
    Impossible,
    /// It can, but nginx writes no such values, or not side by side: no status is `2.71`, and no request takes less time
    /// than its upstream.
    Contradicted,
    /// It can; these are the values of the columns.
    Fits(Vec<&'l [u8]>),
}

impl<'f> Columns<'f> {
    /// The columns of a format that is cut by position; None if it has keys.
    pub(super) fn of_format(format: &'f Format) -> Option<Columns<'f>> {
        if format.is_keyed() {
            return None;
        }
        let mut before = format.plan().lead.bytes();
        let mut all = Vec::new();
        for step in &format.plan().steps {
            let name = format.variables().get(step.variable)?.name.as_str();
            all.push(Column { name, shape: ValueShape::of_name(name), named: is_naming(before) });
            before = step.literal.bytes();
        }
        let places = places_of(&all);
        Some(Columns { format, all, places })
    }

    /// The same columns with two of them changed about.
    pub(super) fn swapped(&self, one: usize, other: usize) -> Columns<'f> {
        let mut all = self.all.clone();
        if let (Some(&first), Some(&second)) = (self.all.get(one), self.all.get(other)) {
            let change = |column: Column<'f>, by: Column<'f>| Column { named: column.named, ..by };
            if let Some(column) = all.get_mut(one) {
                *column = change(first, second);
            }
            if let Some(column) = all.get_mut(other) {
                *column = change(second, first);
            }
        }
        let places = places_of(&all);
        Columns { format: self.format, all, places }
    }

    /// Reads a line; `spans` is room for its values.
    pub(super) fn read<'l>(&self, line: &'l [u8], spans: &mut [ValueSpan]) -> LineFit<'l> {
        if self.format.plan().cut(line, spans).is_err() {
            return LineFit::Apart;
        }
        let value = |span: &ValueSpan| line.get(span.0 as usize..span.1 as usize).unwrap_or_default();
        let values: Vec<&[u8]> = spans.iter().map(value).collect();
        if self.is_apart(&values) {
            return LineFit::Apart;
        }
        // Other values may be torn.
        if self.misshapen(&values).any(|value| value == b"-") {
            return LineFit::Impossible;
        }
        if self.contradicts(&values) { LineFit::Contradicted } else { LineFit::Fits(values) }
    }

    /// Whether an address, a host or a token holds a space: the parser takes those (a proxy may have set them), but a
    /// format of one more field is then the likelier one.
    fn is_apart(&self, values: &[&[u8]]) -> bool {
        // Lists of addresses have `, ` between them.
        let space = |pair: &[u8]| matches!(pair, [before, b' '] if *before != b',');
        // What runs to the line's end may have taken columns in that were appended.
        let goes_on =
            |column: &Column<'_>, value: &[u8]| column.shape == ValueShape::Text && !is_escaped(self.escape(), value);
        let last = self.all.last().zip(values.last()).filter(|_| self.format.plan().ends_in_text);
        if last.is_some_and(|(column, value)| goes_on(column, value)) {
            return true;
        }
        self.all.iter().zip(values).any(|(column, value)| {
            column.shape.is_single() && (value.first() == Some(&b' ') || value.windows(2).any(space))
        })
    }

    /// Whether nginx never writes these values in a line, were they of these columns.
    pub(super) fn contradicts(&self, values: &[&[u8]]) -> bool {
        self.misshapen(values).next().is_some() || contradicts(&self.places, values)
    }

    /// The values that their columns' variables never have.
    fn misshapen<'v, 'l>(&'v self, values: &'v [&'l [u8]]) -> impl Iterator<Item = &'l [u8]> + 'v {
        let escape = self.escape();
        let shaped = move |column: &Column<'_>, value: &[u8]| {
            // What a name stands before may have been written again by a shipper; Apache writes `-` for a count of nothing.
            column.named
                || !column.shape.is_decisive()
                || column.shape.fits(escape, value)
                || column.shape == ValueShape::Count && value == b"-"
        };
        self.all.iter().zip(values).filter(move |(column, value)| !shaped(column, value)).map(|(_, value)| *value)
    }

    pub(super) fn escape(&self) -> Escape {
        self.format.escape()
    }

    /// The column of that variable that no text names, if the format has one.
    pub(super) fn unnamed(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|column| column.name == name && !column.named)
    }
}

fn places_of<'f>(columns: &[Column<'f>]) -> ColumnPlaces {
    // What a name stands before is what it says: facts need not tell it.
    let name = |column: &Column<'f>| if column.named { "" } else { column.name };
    ColumnPlaces::of_names(&columns.iter().map(name).collect::<Vec<_>>())
}

/// Whether a format's only time that a request took is a `$request_time` that nothing in its lines names: an upstream's time,
/// on a site where every request goes to one, looks the same. It is taken for granted, and said.
pub fn assumes_request_time(format: &Format) -> bool {
    let Some(columns) = Columns::of_format(format) else { return false };
    let timed = |column: &&Column<'_>| matches!(column.shape, ValueShape::Seconds | ValueShape::SecondsList);
    // A grammar of one's own says what is in the logs.
    FILES.iter().any(|(name, _)| *name == format.name())
        && columns.unnamed("request_time").is_some()
        && columns.all.iter().filter(timed).count() == 1
}

/// Whether a literal ends as one that names what follows: `rt=`, `rt="`, `"rt": `.
fn is_naming(literal: &[u8]) -> bool {
    let literal = literal.trim_ascii_end();
    let literal = literal.strip_suffix(b"\"").unwrap_or(literal).trim_ascii_end();
    let Some(key) = literal.strip_suffix(b"=").or_else(|| literal.strip_suffix(b":")) else { return false };
    key.trim_ascii_end().last().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'"'))
}

impl ValueShape {
    /// Whether a value of another shape cannot be such a variable's: what nginx alone writes, by its own grammar.
    fn is_decisive(self) -> bool {
        !matches!(
            self,
            ValueShape::Address
                | ValueShape::Host
                | ValueShape::Target
                | ValueShape::Request
                | ValueShape::Word
                | ValueShape::Text
                | ValueShape::Unread
                | ValueShape::PeerList
        )
    }

    /// Whether a value is one word.
    fn is_single(self) -> bool {
        matches!(
            self,
            ValueShape::Address
                | ValueShape::Host
                | ValueShape::Word
                | ValueShape::Method
                | ValueShape::Protocol
                | ValueShape::Scheme
                | ValueShape::Pipe
                | ValueShape::Completion
                | ValueShape::Switch
                | ValueShape::CacheStatus
                | ValueShape::RequestId
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_before_a_value_is_seen() {
        for naming in ["rt=", " rt=\"", "\"rt\":", "\"rt\": \"", "\treqtime:"] {
            assert!(is_naming(naming.as_bytes()), "{naming}");
        }
        for bare in [" ", "\" \"", " - ", " [", "|", "=", ": ", "] \""] {
            assert!(!is_naming(bare.as_bytes()), "{bare}");
        }
    }
}
