//! How the name of a series' member is told from that of a route.
//!
//! In the store and in the table of names it has a `+` before it, which no name for carbon can have. So both kinds share one run of
//! numbers, and no member is taken for a route of the same name. Whoever shows a name shows it without.

/// Before the name of a series' member.
const SERIES_MARK: char = '+';

/// The name of a member as it is kept.
pub fn marked_name(name: &str) -> String {
    format!("{SERIES_MARK}{name}")
}

/// The name of a series' member, if what is kept is one.
pub fn series_of(kept: &str) -> Option<&str> {
    kept.strip_prefix(SERIES_MARK)
}

/// Whether a name's first node is this one, or this one with underscores behind it.
pub fn begins_with_node(name: &str, node: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    first.strip_prefix(node).is_some_and(|rest| rest.bytes().all(|byte| byte == b'_'))
}

/// The name of a route, out of the way of series whose first node it begins with: that node gets a `_`. One that has underscores behind
/// it already gets one more, so that no two routes meet.
pub(super) fn out_of_the_way(name: &str, nodes: &[String]) -> Option<String> {
    nodes.iter().find(|node| begins_with_node(name, node))?;
    let end = name.find('.').unwrap_or(name.len());
    let (first, rest) = name.split_at_checked(end)?;
    Some(format!("{first}_{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_give_way_to_series_and_never_meet() {
        let nodes = ["upstream".to_owned()];
        for (name, given) in [
            ("upstream", Some("upstream_")),
            ("upstream.a.b", Some("upstream_.a.b")),
            ("upstream_.a", Some("upstream__.a")),
            ("upstreams.a", None),
            ("a.upstream", None),
        ] {
            assert_eq!(out_of_the_way(name, &nodes).as_deref(), given, "{name}");
        }
        assert_eq!(series_of(&marked_name("upstream.a")), Some("upstream.a"));
        assert_eq!(series_of("upstream.a"), None);
    }
}
