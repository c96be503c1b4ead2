//! The Graphite-safe name of a path template, and the way back.
//!
//! A **template** is a path as people read it: `/api/v1/users/{id}`. In its canonical form
//! - a fold is `{id}`, `{uuid}`, `{hash}`, `{token}`, `{email}`, `{long}`, `{rest}` or `{101}`;
//! - a byte that nginx's default `escape` would not log raw (`"`, `\`, below 0x20, from 0x7F on), and a literal `{`,
//!   stands as `\xHH`. So a path has one template whichever `escape=` logged it, and a literal `{id}` in a path is
//!   never mistaken for a fold;
//! - requests without a path are `{unlogged}` (the log does not have it), `{malformed}`, `{connect}`, `{asterisk}` and `{other}`, without a slash.
//!
//! A **name** has one node for each segment, joined by dots; nodes are made of `[A-Za-z0-9_-]`:
//!
//! | in the template | in the name |
//! |---|---|
//! | `A-Z a-z 0-9 -` | itself |
//! | `_` | itself, or `_5F` where the name goes on with `_` or two of `[0-9A-F]` |
//! | any other byte | `_HH`, upper-case hex |
//! | a fold, `{hash}` | `__hash`; a literal of `[a-z0-9]` right behind it becomes `_HH`, so the word's end is sure |
//! | `/` alone | `__root` |
//! | an empty segment (`//`, a slash at the end) | `__empty` |
//! | `{unlogged}` | `__unlogged` |
//! | `{malformed}`, `{connect}`, `{asterisk}` | `__malformed`, `__connect`, `__asterisk` |
//! | `{other}`, the routes over the cap | `other` |
//! | the path `/other` | `_6Fther`: the only escape of a byte that would be safe, so the two never meet |
//!
//! No literal ever yields `__`: a `_` before another `_`, before an escape or before a fold is itself escaped. Hence
//! reading left to right is unambiguous, and distinct canonical templates have distinct names.

use super::cap::OTHER;

/// The longest node of a name, in bytes; carbon makes a directory of each.
pub const NODE_MAX: usize = 200;
/// The longest name, in bytes; with prefix, host and metric it has to fit into a path of carbon's (4,096).
pub const NAME_MAX: usize = 900;
/// The longest capture that is put into a name, in bytes before it is encoded.
pub const CAPTURE_MAX: usize = 100;

/// Stands for a segment, or a capture, that is too long for a node.
pub(super) const LONG: &str = "__long";
/// An empty segment: `//`, or a slash at the end.
const EMPTY: &str = "__empty";
/// The path `/` alone.
const ROOT: &str = "__root";
/// What comes behind the longest name.
const REST: &str = "__rest";
/// The path `/other`, which must not meet [`OTHER`].
pub(super) const PATH_OTHER: &str = "_6Fther";

/// The words that may stand in braces in a path's template.
const FOLDS: [&str; 8] = ["id", "uuid", "hash", "token", "email", "long", "rest", "101"];
/// Templates that are no path, and their names.
const FIXED: [(&str, &str); 5] = [
    ("{unlogged}", "__unlogged"),
    ("{malformed}", "__malformed"),
    ("{connect}", "__connect"),
    ("{asterisk}", "__asterisk"),
    ("{other}", OTHER),
];

/// The name of a template. Bytes that are not in canonical form are read as if they were: a `{` that begins no fold,
/// for example, is a literal one. A segment too long for a node becomes `__long`, what does not fit into
/// [`NAME_MAX`] `__rest`; templates that [`fold_path`](super::template::fold_path) makes keep inside those bounds. What is neither a path
/// nor a fixed template is `__malformed`.
pub fn encode_path(template: impl AsRef<[u8]>) -> String {
    let template = template.as_ref();
    if let Some((_, name)) = FIXED.iter().find(|(fixed, _)| fixed.as_bytes() == template) {
        return (*name).to_owned();
    }
    let Some(path) = template.strip_prefix(b"/") else {
        return "__malformed".to_owned();
    };
    if path.is_empty() {
        return ROOT.to_owned();
    }
    let mut name = String::with_capacity(template.len() + 16);
    for segment in path.split(|&byte| byte == b'/') {
        let node = if segment.is_empty() { EMPTY.to_owned() } else { encode_segment(segment) };
        let node = if node.len() > NODE_MAX { LONG } else { &node };
        if !name.is_empty() {
            name.push('.');
        }
        if name.len() + node.len() + 1 + REST.len() > NAME_MAX {
            name.push_str(REST);
            break;
        }
        name.push_str(node);
    }
    if name == OTHER { PATH_OTHER.to_owned() } else { name }
}

/// The template that has this name, in canonical form; nothing if no template has it (a rule's name may happen to
/// be a template's, too).
pub fn decode(name: &str) -> Option<String> {
    if let Some((template, _)) = FIXED.iter().find(|(_, fixed)| *fixed == name) {
        return Some((*template).to_owned());
    }
    if !is_safe(name) {
        return None;
    }
    let mut template = String::with_capacity(name.len() + 1);
    if name == ROOT {
        template.push('/');
    } else {
        for node in name.split('.') {
            template.push('/');
            if node != EMPTY {
                decode_node(node.as_bytes(), &mut template)?;
            }
        }
    }
    // Two spellings must not lead to one template: only the one that encoding gives counts.
    (encode_path(&template) == name).then_some(template)
}

/// Whether carbon takes this as the name of a metric and makes no mischief of it: nodes of `[A-Za-z0-9_-]`, none
/// empty, within [`NODE_MAX`] and [`NAME_MAX`].
pub fn is_safe(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.split('.').all(|node| !node.is_empty() && node.len() <= NODE_MAX && node.bytes().all(is_node_byte))
}

/// A value as one node of a name (or a part of one): dots and all else are escaped as in a path's segment, but nothing
/// in it is a fold. Empty is `__empty`; what is longer than [`CAPTURE_MAX`], or would be longer than [`NODE_MAX`]
/// encoded, is `__long`.
pub fn encode_node(value: &[u8]) -> String {
    if value.is_empty() {
        return EMPTY.to_owned();
    }
    if value.len() > CAPTURE_MAX {
        return LONG.to_owned();
    }
    let mut pieces = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, after)) = read_byte(rest) {
        pieces.push(NamePiece::Byte(byte));
        rest = after;
    }
    let node = encode_pieces(&pieces);
    if node.len() > NODE_MAX { LONG.to_owned() } else { node }
}

/// Whether a byte stands as `\xHH` in a canonical template.
pub(super) const fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte >= 0x7f || matches!(byte, b'"' | b'\\' | b'{')
}

/// Appends `byte` as `\xHH`.
pub(super) fn push_escape(byte: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    out.extend_from_slice(&hex_digits(byte));
}

/// The byte at the front of `bytes`, where it stands as the canonical `\xHH`, and what comes after it.
pub(super) fn read_escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (pair, rest) = bytes.strip_prefix(b"\\x")?.split_first_chunk::<2>()?;
    let byte = read_hex_pair(*pair)?;
    is_escaped(byte).then_some((byte, rest))
}

/// The encoding of one segment of a template, not empty.
pub(super) fn encode_segment(segment: &[u8]) -> String {
    let mut pieces = Vec::with_capacity(segment.len());
    let mut rest = segment;
    loop {
        if let Some((word, after)) = read_fold(rest) {
            pieces.push(NamePiece::Fold(word));
            rest = after;
        } else if let Some((byte, after)) = read_byte(rest) {
            pieces.push(NamePiece::Byte(byte));
            rest = after;
        } else {
            return encode_pieces(&pieces);
        }
    }
}

/// What a segment is made of.
#[derive(Debug, Clone, Copy)]
enum NamePiece {
    Byte(u8),
    Fold(&'static str),
}

/// The word in braces at the front of `bytes`, if it is one of [`FOLDS`], and what comes after it.
fn read_fold(bytes: &[u8]) -> Option<(&'static str, &[u8])> {
    let inner = bytes.strip_prefix(b"{")?;
    FOLDS.iter().find_map(|word| {
        let rest = inner.strip_prefix(word.as_bytes())?.strip_prefix(b"}")?;
        Some((*word, rest))
    })
}

/// The byte at the front, escaped or as it is, and what comes after it; nothing at the end.
fn read_byte(bytes: &[u8]) -> Option<(u8, &[u8])> {
    read_escape(bytes).or_else(|| bytes.split_first().map(|(byte, rest)| (*byte, rest)))
}

/// The node of a name for the pieces of one segment, left to right; each piece is encoded by what stands around it.
fn encode_pieces(pieces: &[NamePiece]) -> String {
    let mut node = String::with_capacity(pieces.len() + 8);
    let mut after_fold = false;
    let mut rest = pieces;
    while let Some((piece, following)) = rest.split_first() {
        match *piece {
            NamePiece::Fold(word) => {
                node.push_str("__");
                node.push_str(word);
            }
            NamePiece::Byte(byte) => {
                let plain = match byte {
                    b'_' => !is_ambiguous(following),
                    b'a'..=b'z' | b'0'..=b'9' => !after_fold,
                    _ => is_node_byte(byte),
                };
                if plain {
                    node.push(char::from(byte));
                } else {
                    node.push('_');
                    node.extend(hex_digits(byte).map(char::from));
                }
            }
        }
        after_fold = matches!(piece, NamePiece::Fold(_));
        rest = following;
    }
    node
}

/// Whether a `_` before these pieces would be read as the beginning of an escape or of a fold.
fn is_ambiguous(following: &[NamePiece]) -> bool {
    match following {
        [] => false,
        [NamePiece::Fold(_), ..] => true,
        [NamePiece::Byte(first), ..] if *first == b'_' || !is_node_byte(*first) => true,
        [NamePiece::Byte(first), NamePiece::Byte(second), ..] => {
            hex_value(*first).is_some() && hex_value(*second).is_some()
        }
        [NamePiece::Byte(_), ..] => false,
    }
}

/// Appends to `template` the segment that a node stands for; nothing if `__` is followed by no word of [`FOLDS`].
fn decode_node(node: &[u8], template: &mut String) -> Option<()> {
    let mut rest = node;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(marker) = rest.strip_prefix(b"__") {
            let word = FOLDS.iter().find(|word| marker.starts_with(word.as_bytes()))?;
            template.push('{');
            template.push_str(word);
            template.push('}');
            rest = marker.get(word.len()..)?;
            continue;
        }
        let escaped = if first == b'_' { after.split_first_chunk::<2>() } else { None };
        let (byte, after) = match escaped.and_then(|(pair, after)| Some((read_hex_pair(*pair)?, after))) {
            Some(decoded) => decoded,
            None => (first, after),
        };
        if is_escaped(byte) {
            template.push_str("\\x");
            template.extend(hex_digits(byte).map(char::from));
        } else {
            template.push(char::from(byte));
        }
        rest = after;
    }
    Some(())
}

/// Whether a byte stands for itself in a node, if nothing before it says otherwise.
pub(super) const fn is_node_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// A byte as two upper-case hex digits.
fn hex_digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) };
    [digit(byte >> 4), digit(byte & 0x0f)]
}

/// Two upper-case hex digits, as nginx writes them. Lower-case ones are none.
fn read_hex_pair([high, low]: [u8; 2]) -> Option<u8> {
    Some(hex_value(high)? << 4 | hex_value(low)?)
}

/// The value of an upper-case hex digit.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
