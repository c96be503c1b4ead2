//! What the routes of one template have in common: `p.git.source.file.__id` is one of `p.*.source.file.*` and of `p.git.*`.

/// No more nodes of a route are looked at.
const MOST_NODES: usize = 8;

/// Whether a node of a name is a placeholder of its template.
fn is_placeholder(node: &str) -> bool {
    node.starts_with("__") || node.starts_with('{')
}

/// The patterns that a route's name is one of, each once, as `--route` takes them: its beginnings, and its name with one node left open,
/// and its beginnings with one node left open. Not the name itself, nor what any name is one of.
pub(super) fn patterns_of(name: &str) -> Vec<String> {
    let nodes: Vec<&str> = name.split('.').collect();
    if nodes.len() < 2 || nodes.len() > MOST_NODES {
        return Vec::new();
    }
    let mut patterns: Vec<String> = Vec::new();
    for length in 1..=nodes.len() {
        let begin = nodes.get(..length).unwrap_or_default();
        if length < nodes.len() {
            add(&mut patterns, begin, None, true);
        }
        for open in 0..length {
            add(&mut patterns, begin, Some(open), length < nodes.len());
        }
    }
    patterns.retain(|pattern| pattern != name);
    patterns
}

/// Adds the pattern of these nodes, with one left open and `*` behind them or not, if it says anything.
fn add(patterns: &mut Vec<String>, nodes: &[&str], open: Option<usize>, goes_on: bool) {
    let mut parts: Vec<&str> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        parts.push(if Some(at) == open || is_placeholder(node) { "*" } else { node });
    }
    if goes_on {
        parts.push("*");
    }
    // A star stands for any text, dots too.
    while parts.ends_with(&["*", "*"]) {
        parts.pop();
    }
    let says_something = parts.iter().any(|part| *part != "*");
    let pattern = parts.join(".");
    if says_something && !patterns.contains(&pattern) {
        patterns.push(pattern);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_one_of_its_templates_and_of_its_beginnings() {
        let patterns = patterns_of("p.git.source.file.__id");
        for expected in ["p.*", "p.git.*", "p.git.source.*", "p.*.source.file.*", "p.*.source.*", "p.git.*.file.*"] {
            assert!(patterns.iter().any(|pattern| pattern == expected), "{expected} of {patterns:?}");
        }
        assert_eq!(patterns_of("login"), Vec::<String>::new());
        assert_eq!(patterns_of("static.app_2Ejs"), ["static.*", "*.app_2Ejs"]);
    }

    #[test]
    fn each_pattern_fits_the_name() {
        for name in ["p.git.source.file.__id", "api.v1.users.__id", "a.b", "x.__id.y.__id"] {
            for pattern in patterns_of(name) {
                assert!(crate::route::matches_any(&pattern, &[name]), "{pattern} {name}");
            }
        }
    }
}
