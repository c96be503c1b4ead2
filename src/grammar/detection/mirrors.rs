//! What else the columns of a format might be: each format has a mirror for any two neighbours of one shape, and where no
//! line of the log refutes it, nobody can say by the lines which of the two wrote them.

use super::columns::{Column, Columns, LineFit, STRAYS};
use super::facts::millis;
use super::oddities::{is_column_odd, is_known_status};
use crate::grammar::format::Format;
use crate::grammar::variables::ValueShape;
use crate::grammar::variables::shape_fit::list_members;

/// Below this a request's time and that of any part of it look alike.
const TELLING_MS: u64 = 10;

/// Fewer lines than this hold no evidence that is missed.
const ENOUGH: usize = 20;

/// A format that fits, and what else its columns might be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// The candidate.
    pub format: usize,
    /// What the columns in doubt might be, each time all of them; the candidate's own names first.
    pub readings: Vec<Vec<String>>,
    /// The values of these columns in a line in which it makes a difference.
    pub values: Vec<Vec<u8>>,
}

/// A candidate's lines: the values of each that fits.
struct Readings<'c, 'f, 'l> {
    columns: &'c Columns<'f>,
    lines: Vec<Vec<&'l [u8]>>,
}

/// What cannot be told by these lines about the columns of the candidate number `index`.
pub(super) fn find_doubt(lines: &[&[u8]], index: usize, columns: &Columns<'_>, candidates: &[Format]) -> Option<Doubt> {
    let mut spans = columns.format.new_spans();
    let fitting = lines.iter().filter_map(|line| match columns.read(line, &mut spans) {
        LineFit::Fits(values) => Some(values),
        LineFit::Apart | LineFit::Impossible | LineFit::Contradicted => None,
    });
    let readings = Readings { columns, lines: fitting.collect() };
    let swapped = (1..columns.all.len()).find_map(|at| readings.mirror_doubt(at - 1, at));
    let found = swapped.or_else(|| readings.lone_upstream_time()).or_else(|| readings.untied_times(candidates));
    found.map(|doubt| Doubt { format: index, ..doubt })
}

impl Readings<'_, '_, '_> {
    /// Whether columns `one` and `other` could be changed about.
    fn mirror_doubt(&self, one: usize, other: usize) -> Option<Doubt> {
        let (first, second) = (self.columns.all.get(one)?, self.columns.all.get(other)?);
        if first.named || second.named || first.name == second.name || !are_alike(first, second) {
            return None;
        }
        let differing = self.lines.iter().find(|values| values.get(one) != values.get(other))?;
        let swapped = self.columns.swapped(one, other);
        let broken = self.lines.iter().filter(|values| swapped.contradicts(values)).count();
        if broken * STRAYS > self.lines.len() {
            return None;
        }
        let values: Vec<&[&[u8]]> = self.lines.iter().map(Vec::as_slice).collect();
        if [one, other]
            .into_iter()
            .any(|at| is_column_odd(&swapped, at, at, &values) || self.has_odd_value(&swapped, at))
        {
            return None;
        }
        let names = |column: &Column<'_>, next: &Column<'_>| vec![column.name.to_owned(), next.name.to_owned()];
        let value = |at: usize| differing.get(at).map(|value| value.to_vec());
        Some(Doubt {
            format: 0,
            readings: vec![names(first, second), names(second, first)],
            values: vec![value(one)?, value(other)?],
        })
    }

    /// A number of three digits that is no status anyone answers with, where the mirror has the status; a name, where it has
    /// an address.
    fn has_odd_value(&self, mirror: &Columns<'_>, at: usize) -> bool {
        let mut values = self.lines.iter().filter_map(|values| values.get(at));
        match mirror.all.get(at).map(|column| column.shape) {
            Some(ValueShape::Status) => values.any(|value| !is_known_status(value)),
            Some(ValueShape::Address) => values.any(|value| !ValueShape::Address.fits(mirror.escape(), value)),
            _ => false,
        }
    }

    /// An upstream's time that nothing names and no `$request_time` stands beside: of the response, its header, or the
    /// connection.
    fn lone_upstream_time(&self) -> Option<Doubt> {
        if self.columns.all.iter().any(|column| column.name == "request_time") {
            return None;
        }
        let of_upstream = |column: &&Column<'_>| column.shape == ValueShape::SecondsList && !column.named;
        let own: Vec<String> =
            self.columns.all.iter().filter(of_upstream).map(|column| column.name.to_owned()).collect();
        let places =
            || (0..self.columns.all.len()).filter(|at| self.columns.all.get(*at).as_ref().is_some_and(of_upstream));
        let values =
            |line: &Vec<&[u8]>| places().filter_map(|at| line.get(at).map(|value| value.to_vec())).collect::<Vec<_>>();
        let timed = self.lines.iter().map(values).find(|values| values.iter().any(|value| millis(value).is_some()));
        let values = timed.or_else(|| self.lines.first().map(values))?;
        let others: [&[&str]; 3] = match own.len() {
            0 => return None,
            1 => [&["upstream_connect_time"], &["upstream_header_time"], &["upstream_response_time"]],
            _ => [
                &["request_time", "upstream_response_time"],
                &["upstream_response_time", "upstream_header_time"],
                &["upstream_header_time", "upstream_connect_time"],
            ],
        };
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let others = others.into_iter().map(named).filter(|names| *names != own);
        Some(Doubt { format: 0, readings: std::iter::once(own.clone()).chain(others).collect(), values })
    }

    /// Two bare times that are all that a format adds to another one: nothing but the lines says which is which.
    fn untied_times(&self, candidates: &[Format]) -> Option<Doubt> {
        let request = self.columns.unnamed("request_time")?;
        let response = self.columns.unnamed("upstream_response_time")?;
        let behind = base_of(self.columns.format, candidates).map(|base| base.plan().steps.len())?;
        let all_times = self.columns.all.get(behind..)?.iter().all(|column| time_like(column));
        if !all_times || request < behind || response < behind {
            return None;
        }
        let pair = |line: &Vec<&[u8]>| Some((line.get(request)?.to_vec(), line.get(response)?.to_vec()));
        let pairs: Vec<(Vec<u8>, Vec<u8>)> = self.lines.iter().filter_map(pair).collect();
        // Only an upstream's time is `-` or a list, and only a response takes about as long as its request.
        let of_upstream = pairs.iter().any(|(_, upstream)| millis(upstream).is_none());
        let telling = pairs.iter().filter_map(|(request, upstream)| {
            let request = millis(request).filter(|request| *request >= TELLING_MS)?;
            let spent: Vec<u64> = list_members(upstream).filter_map(millis).collect();
            (!spent.is_empty()).then(|| request.abs_diff(spent.iter().sum()) <= request / 8 + 1)
        });
        let telling: Vec<bool> = telling.collect();
        let near = telling.iter().filter(|near| **near).count() * 2 > telling.len();
        if of_upstream || near || pairs.len() < ENOUGH {
            return None;
        }
        let (total, upstream) =
            pairs.iter().find(|(_, upstream)| millis(upstream).is_some()).or(pairs.first())?.clone();
        let ordered = |upstream_name: &str, request_name: &str| match request < response {
            true => vec![request_name.to_owned(), upstream_name.to_owned()],
            false => vec![upstream_name.to_owned(), request_name.to_owned()],
        };
        Some(Doubt {
            format: 0,
            readings: vec![
                ordered("upstream_response_time", "request_time"),
                ordered("upstream_header_time", "request_time"),
                ordered("upstream_connect_time", "request_time"),
                ordered("request_time", "connection_time"),
            ],
            values: if request < response { vec![total, upstream] } else { vec![upstream, total] },
        })
    }
}

/// The longest other candidate whose text `format` begins with, up to a quote: what stands behind it are further columns.
pub(super) fn base_of<'c>(format: &Format, candidates: &'c [Format]) -> Option<&'c Format> {
    let text = format.text();
    let begins = |base: &&Format| {
        base.text().len() < text.len()
            && base.escape() == format.escape()
            && base.text().ends_with('"')
            && text.starts_with(base.text())
            && !base.is_keyed()
    };
    candidates.iter().filter(begins).max_by_key(|base| base.text().len())
}

/// Whether two columns have values of one kind, so that each might be the other.
fn are_alike(one: &Column<'_>, other: &Column<'_>) -> bool {
    let peer = |column: &Column<'_>| {
        matches!(column.shape, ValueShape::Address | ValueShape::PeerList | ValueShape::Host)
            || column.shape == ValueShape::Text
                && (has_ending(column, &["_ip", "_addr", "forwarded_for"]) || column.name == "server")
    };
    let count = |column: &Column<'_>| {
        matches!(
            column.shape,
            ValueShape::Status | ValueShape::StatusList | ValueShape::Count | ValueShape::CountList | ValueShape::Port
        ) || column.shape == ValueShape::Text && has_ending(column, &["_size", "_length", "_bytes"])
    };
    let both = |kind: &dyn Fn(&Column<'_>) -> bool| kind(one) && kind(other);
    both(&time_like) || both(&count) || both(&peer)
}

/// What a span of time is written in, by nginx or, as its name says, by another.
fn time_like(column: &Column<'_>) -> bool {
    matches!(column.shape, ValueShape::Seconds | ValueShape::SecondsList)
        || column.shape == ValueShape::Text && has_ending(column, &["_time"])
}

fn has_ending(column: &Column<'_>, endings: &[&str]) -> bool {
    endings.iter().any(|ending| column.name.ends_with(ending))
}
