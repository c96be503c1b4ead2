//! A route's name as people read it. In Graphite a name is made of `[A-Za-z0-9_-]`; what had to be encoded for that, and the words
//! for what is no name of anybody's, are shown as they are meant.
//!
//! | in Graphite | for people |
//! |---|---|
//! | `__malformed`, `__root`, `api.__empty` | `[malformed]`, `[root]`, `api.[empty]` |
//! | `api.v1.users.__id` | `api.v1.users.{id}` |
//! | `_6Fther`, the path that is called as the routes over the cap are | `/other` |
//! | `static.app_2Ejs` | `static.app.js` |
//! | `git_2Eexample_2Eorg._7E_20_5E_5B_5E_2E_5D_2B_5C_2Egit` | `git.example.org ~ ^[^.]+\.git` |

use std::borrow::Cow;

use super::graphite_name::{PATH_OTHER, decode, read_escape};

/// The folds that are no value that a request had.
const WORDS: [(&str, &str); 3] = [("{rest}", "[rest]"), ("{long}", "[long]"), ("{101}", "[101]")];

/// The name as people read it; a name that is no template's, such as a rule's, is its own.
pub fn readable_name(name: &str) -> Cow<'_, str> {
    if name == PATH_OTHER {
        return Cow::Borrowed("/other");
    }
    if !name.contains('_') {
        return Cow::Borrowed(name);
    }
    let Some(template) = decode(name) else { return Cow::Owned(bracket_nodes(name)) };
    let Some(path) = template.strip_prefix('/') else {
        return Cow::Owned(template.replace('{', "[").replace('}', "]"));
    };
    if path.is_empty() {
        return Cow::Borrowed("[root]");
    }
    let mut readable = String::with_capacity(template.len());
    for (at, segment) in path.split('/').enumerate() {
        let is_expression = ["~ ", "~* ", "~#"].iter().any(|mark| segment.starts_with(mark));
        if at > 0 {
            readable.push(if is_expression { ' ' } else { '.' });
        }
        readable.push_str(&match segment {
            "" => Cow::Borrowed("[empty]"),
            _ => readable_segment(segment),
        });
    }
    Cow::Owned(readable)
}

/// Of a name with captures that were too long, or empty.
fn bracket_nodes(name: &str) -> String {
    let mut nodes = Vec::new();
    for node in name.split('.') {
        nodes.push(match node {
            "__long" => "[long]",
            "__empty" => "[empty]",
            "__rest" => "[rest]",
            "__malformed" => "[malformed]",
            _ => node,
        });
    }
    nodes.join(".")
}

/// A segment of a template with its escapes resolved, where they are of bytes that can be shown.
fn readable_segment(segment: &str) -> Cow<'_, str> {
    if !segment.contains(['\\', '{']) {
        return Cow::Borrowed(segment);
    }
    let mut readable = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        match read_escape(rest) {
            Some((byte, after)) if byte.is_ascii_graphic() => {
                readable.push(byte);
                rest = after;
            }
            _ => {
                readable.push(first);
                rest = after;
            }
        }
    }
    let mut readable = String::from_utf8_lossy(&readable).into_owned();
    for (fold, word) in WORDS {
        if segment.contains(fold) {
            readable = readable.replace(fold, word);
        }
    }
    Cow::Owned(readable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::graphite_name::encode_path;

    #[test]
    fn people_read_what_is_meant() {
        let cases = [
            ("webapp.backend.git", "webapp.backend.git"),
            ("other", "other"),
            ("_6Fther", "/other"),
            ("__malformed", "[malformed]"),
            ("__unlogged", "[unlogged]"),
            ("__root", "[root]"),
            ("__101", "[101]"),
            ("api.__empty", "api.[empty]"),
            ("api.v1.users.__id", "api.v1.users.{id}"),
            ("ws.__id.__101", "ws.{id}.[101]"),
            ("static.app_2Ejs", "static.app.js"),
            ("www_2Eexample_2Eorg.api.__rest", "www.example.org.api.[rest]"),
            ("sec.__long", "sec.[long]"),
            ("my_route", "my_route"),
        ];
        for (name, readable) in cases {
            assert_eq!(readable_name(name), readable);
        }
        let location = encode_path(r"/git.example.org/~ ^[^.]+\x5C.git");
        assert!(location.starts_with("git_2Eexample_2Eorg._7E_20_5E"), "{location}");
        assert_eq!(readable_name(&location), r"git.example.org ~ ^[^.]+\.git");
    }
}
