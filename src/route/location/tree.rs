//! The locations of one block as nginx looks them up: a tree of paths, then regular expressions in their order
//! (`ngx_http_core_find_location`, and ngx_http.c for how the tree is made).
//!
//! The tree is nginx's own down to which node is the middle one: whether `/a` is redirected to a location `/a/` depends on
//! the way that the search takes.

use regex::bytes::Regex;

use crate::grammar::conf::{Location, LocationMatch};

/// The locations right inside a server or a location. Numbers are those of the server's list of all locations.
#[derive(Debug, Clone, Default)]
pub(super) struct LocationLevel {
    paths: Option<Box<PathNode>>,
    /// In their order; without an expression if it cannot be used.
    pub(super) regexes: Vec<(Option<Regex>, usize)>,
}

/// A path among those that begin alike, with what is less on its left and what is greater on its right.
#[derive(Debug, Clone)]
struct PathNode {
    /// What comes after the names of the nodes above.
    name: Vec<u8>,
    exact: Option<usize>,
    prefix: Option<usize>,
    redirects: bool,
    left: Option<Box<PathNode>>,
    right: Option<Box<PathNode>>,
    /// The locations that this one is a prefix of.
    inside: Option<Box<PathNode>>,
}

/// A path with the locations that have it.
struct PathEntry<'c> {
    name: &'c [u8],
    exact: Option<(usize, bool)>,
    prefix: Option<(usize, bool)>,
}

/// An entry and those that it is a prefix of.
struct NestedEntry<'e, 'c> {
    entry: &'e PathEntry<'c>,
    inside: Vec<NestedEntry<'e, 'c>>,
}

/// What a search among paths came to, with the location.
pub(super) enum PathMatch {
    /// An exact match, or a redirect to the path with a slash: that is it.
    Final(usize),
    /// The longest prefix: locations inside and regular expressions are still to be asked.
    Prefix(usize),
    Nothing,
}

impl LocationLevel {
    /// Of locations with their numbers, and of their regular expressions.
    pub(super) fn new(locations: &[(usize, &Location)], regexes: Vec<(Option<Regex>, usize)>) -> LocationLevel {
        let mut sorted: Vec<&(usize, &Location)> = locations
            .iter()
            .filter(|(_, location)| {
                matches!(location.by, LocationMatch::Exact | LocationMatch::Prefix | LocationMatch::PrefixOnly)
            })
            .collect();
        sorted.sort_by(|(_, one), (_, other)| one.text.as_bytes().cmp(other.text.as_bytes()));
        let mut entries: Vec<PathEntry<'_>> = Vec::new();
        for (number, location) in sorted {
            let name = location.text.as_bytes();
            if entries.last().is_none_or(|last| last.name != name) {
                entries.push(PathEntry { name, exact: None, prefix: None });
            }
            if let Some(entry) = entries.last_mut() {
                let place = if location.by == LocationMatch::Exact { &mut entry.exact } else { &mut entry.prefix };
                // nginx refuses a second one.
                place.get_or_insert((*number, location.redirects));
            }
        }
        LocationLevel { paths: build_tree(&nest_entries(&entries), 0), regexes }
    }

    /// `ngx_http_core_find_static_location`
    pub(super) fn find_path(&self, uri: &[u8]) -> PathMatch {
        let mut found = PathMatch::Nothing;
        let (mut node, mut rest) = (self.paths.as_deref(), uri);
        while let Some(here) = node {
            let both = rest.len().min(here.name.len());
            let (front, name) = (rest.get(..both).unwrap_or_default(), here.name.get(..both).unwrap_or_default());
            match front.cmp(name) {
                std::cmp::Ordering::Less => node = here.left.as_deref(),
                std::cmp::Ordering::Greater => node = here.right.as_deref(),
                std::cmp::Ordering::Equal if rest.len() > here.name.len() => match here.prefix {
                    Some(prefix) => {
                        found = PathMatch::Prefix(prefix);
                        rest = rest.get(both..).unwrap_or_default();
                        node = here.inside.as_deref();
                    }
                    None => node = here.right.as_deref(),
                },
                std::cmp::Ordering::Equal if rest.len() == here.name.len() => {
                    return match (here.exact, here.prefix) {
                        (Some(exact), _) => PathMatch::Final(exact),
                        (None, Some(prefix)) => PathMatch::Prefix(prefix),
                        (None, None) => found,
                    };
                }
                std::cmp::Ordering::Equal => {
                    if rest.len() + 1 == here.name.len()
                        && here.redirects
                        && let Some(number) = here.exact.or(here.prefix)
                    {
                        found = PathMatch::Final(number);
                    }
                    node = here.left.as_deref();
                }
            }
        }
        found
    }
}

/// `ngx_http_create_locations_list`
fn nest_entries<'e, 'c>(entries: &'e [PathEntry<'c>]) -> Vec<NestedEntry<'e, 'c>> {
    let mut items = Vec::new();
    let mut rest = entries;
    while let Some((entry, after)) = rest.split_first() {
        let inside = match entry.prefix {
            Some(_) => after.iter().take_while(|other| other.name.starts_with(entry.name)).count(),
            None => 0,
        };
        let (inside, after) = after.split_at_checked(inside).unwrap_or_default();
        items.push(NestedEntry { entry, inside: nest_entries(inside) });
        rest = after;
    }
    items
}

/// `ngx_http_create_locations_tree`
fn build_tree(items: &[NestedEntry<'_, '_>], passed: usize) -> Option<Box<PathNode>> {
    let middle = items.len() / 2;
    let (left, rest) = items.split_at_checked(middle)?;
    let (NestedEntry { entry, inside }, right) = rest.split_first()?;
    let redirects = [entry.exact, entry.prefix].iter().flatten().any(|(_, redirects)| *redirects);
    Some(Box::new(PathNode {
        name: entry.name.get(passed..).unwrap_or_default().to_vec(),
        exact: entry.exact.map(|(number, _)| number),
        prefix: entry.prefix.map(|(number, _)| number),
        redirects,
        left: build_tree(left, passed),
        right: build_tree(right, passed),
        inside: build_tree(inside, entry.name.len()),
    }))
}
