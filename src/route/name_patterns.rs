//! Names chosen by patterns: `webapp.*` says which, `!webapp.static` which not, `graphite:webapp.*.{git,wiki}` as Graphite's globs do.

use super::node_glob::{GLOB_MARK, NodeGlob};

/// Whether what goes by any of `names` is among those that `patterns` say; without patterns, or with none but such that begin with
/// `!`, all are, but for those that these mean.
pub fn keeps_name(patterns: &[String], names: &[&str]) -> bool {
    let mut wanted = None;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(unwanted) if matches_any(unwanted, names) => return false,
            Some(_) => {}
            None => wanted = Some(wanted.unwrap_or(false) || matches_any(pattern, names)),
        }
    }
    wanted.unwrap_or(true)
}

/// Whether the pattern, without `!`, means one of these names.
pub fn matches_any(pattern: &str, names: &[&str]) -> bool {
    if let Some(glob) = pattern.strip_prefix(GLOB_MARK) {
        return NodeGlob::parse(glob).is_some_and(|glob| names.iter().any(|name| glob.matches(name)));
    }
    names.iter().any(|name| matches(pattern, name))
}

/// Whether `name` is `pattern`, where `*` in the pattern stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut rest = rest;
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{keeps_name, matches};

    #[test]
    fn a_pattern_may_be_a_glob_of_graphites() {
        let keeps = |name| keeps_name(&["graphite:webapp.*.{git,wiki}".to_owned()], &[name]);
        assert!(keeps("webapp.backend.git") && !keeps("webapp.a.backend.git") && !keeps("webapp.backend.svn"));
    }

    #[test]
    fn a_star_stands_for_any_text() {
        assert!(matches("webapp.backend.git", "webapp.backend.git"));
        assert!(!matches("webapp.backend", "webapp.backend.git"));
        assert!(matches("webapp.*", "webapp.backend.git"));
        assert!(matches("*.git", "webapp.backend.git"));
        assert!(matches("w*.b*.git", "webapp.backend.git"));
        assert!(!matches("w*.x*.git", "webapp.backend.git"));
        assert!(!matches("a*a", "a"));
        assert!(matches("*", ""));
    }
}
