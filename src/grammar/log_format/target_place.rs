//! Which variable stands where a request line has its target.

use super::text::{FormatPiece, PieceContent};
use crate::grammar::variables::Variable;

/// The variables that stand where a request line has its target: between `$request_method` and `$server_protocol`, with a space to
/// either side, or right behind the method.
pub(crate) fn targets_by_place(pieces: &[FormatPiece], variables: &[Variable]) -> Vec<usize> {
    let names: Vec<&PieceContent> = pieces.iter().map(|piece| &piece.what).collect();
    let is = |piece: &PieceContent, wanted: &str| matches!(piece, PieceContent::Variable(name) if name == wanted);
    let Some(method) = names.iter().position(|piece| is(piece, "request_method")) else { return Vec::new() };
    let behind = names.get(method + 1..).unwrap_or_default();
    if !matches!(behind.first(), Some(PieceContent::Literal(space)) if space.starts_with(' ')) {
        return Vec::new();
    }
    let protocol = behind.iter().position(|piece| is(piece, "server_protocol"));
    let between = match protocol {
        Some(end) => behind.get(..end).unwrap_or_default(),
        None => behind.get(..2).unwrap_or_default(),
    };
    let spaced = protocol.is_none() || matches!(between.last(), Some(PieceContent::Literal(space)) if space == " ");
    let target = between.iter().rev().find_map(|piece| match piece {
        PieceContent::Variable(name) if !["is_args", "args", "query_string"].contains(&name.as_str()) => Some(name),
        _ => None,
    });
    let target = target.filter(|_| spaced).and_then(|name| variables.iter().position(|known| known.name == *name));
    target.into_iter().collect()
}
