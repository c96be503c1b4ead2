//! The lines of a log that its format does not fit, and that are requests all the same, of another format: a log of two formats is
//! told with the names of both, also where the format of the most is certain, or configured.

use super::detect::{DetectionOutcome, detect, read_roles};
use crate::grammar::format::Format;
use crate::grammar::keyed::KeyedSyntax;

/// Lines of a log that are in another format than it is read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignLines {
    /// What they are in.
    pub written: ForeignFormat,
    /// How many lines these are.
    pub lines: usize,
}

/// What other lines are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForeignFormat {
    /// One of these candidates, by index, mostly one.
    Candidates(Vec<usize>),
    /// `json` or `ltsv`, with the usual keys of requests.
    Keyed(&'static str),
}

/// The lines (without wrapper) that `format` does not fit and that another format does.
pub fn foreign_lines(lines: &[&[u8]], format: &Format, candidates: &[Format]) -> Vec<ForeignLines> {
    let bare = format.without_wrapper();
    let mut rest: Vec<&[u8]> =
        lines.iter().filter(|line| !line.is_empty() && bare.check(line).is_err()).copied().collect();
    let mut found = Vec::new();
    if rest.is_empty() {
        return found;
    }
    let detection = detect(&rest, candidates);
    let parts = match detection.outcome {
        DetectionOutcome::Found { format, .. } => vec![vec![format]],
        DetectionOutcome::Tie { formats } => vec![formats],
        DetectionOutcome::Doubt(doubt) => vec![vec![doubt.format]],
        DetectionOutcome::Mixed { parts } => parts.into_iter().map(|part| part.formats).collect(),
        DetectionOutcome::None => Vec::new(),
    };
    for formats in parts {
        let before = rest.len();
        rest.retain(|line| {
            !formats.iter().any(|at| candidates.get(*at).is_some_and(|other| other.check(line).is_ok()))
        });
        if rest.len() < before {
            found.push(ForeignLines { written: ForeignFormat::Candidates(formats), lines: before - rest.len() });
        }
    }
    for syntax in KeyedSyntax::ALL {
        let Some(Ok(keyed)) = Format::keyed(syntax.name()) else { continue };
        let before = rest.len();
        rest.retain(|line| read_roles(line, &keyed).is_none());
        if rest.len() < before {
            found.push(ForeignLines { written: ForeignFormat::Keyed(syntax.name()), lines: before - rest.len() });
        }
    }
    found
}
