//! Graphite's globs on names of nodes with dots between: `*` and `?` stand for letters of one node, `[0-9]` for one letter, `{a,b}` for
//! either text.
//!
//! As graphite-web has it: braces are written out first (they may stand within others), then the pattern is cut at its dots, and
//! every node is matched by itself, so `a.*` means `a.b` and not `a.b.c`. A node that is `**` stands for any number of nodes, or none.

/// A pattern may be written out to so many at most: `{a,b}{a,b}..` doubles with every pair of braces.
const MOST_PATTERNS: usize = 4096;

/// What a route's pattern begins with that is one of these.
pub const GLOB_MARK: &str = "graphite:";

/// A compiled glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeGlob {
    /// Each with its nodes.
    patterns: Vec<Vec<NodePattern>>,
}

/// What one node must be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum NodePattern {
    /// `**`: any run of nodes.
    AnyNodes,
    Literal(String),
    Pieces(Vec<GlobPiece>),
}

/// One letter, or any run of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum GlobPiece {
    Letter(char),
    AnyLetter,
    AnyLetters,
    OneOf { ranges: Vec<(char, char)>, negated: bool },
}

impl GlobPiece {
    fn accepts(&self, letter: char) -> bool {
        match self {
            GlobPiece::Letter(own) => *own == letter,
            GlobPiece::AnyLetter | GlobPiece::AnyLetters => true,
            GlobPiece::OneOf { ranges, negated } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) != *negated
            }
        }
    }
}

impl NodeGlob {
    /// From its text; None if its braces come to too many patterns.
    pub fn parse(text: &str) -> Option<NodeGlob> {
        let mut written = Vec::new();
        write_out(text, &mut written)?;
        let mut patterns: Vec<Vec<NodePattern>> = Vec::new();
        for pattern in written {
            let nodes: Vec<NodePattern> = pattern.split('.').map(node_pattern).collect();
            if !patterns.contains(&nodes) {
                patterns.push(nodes);
            }
        }
        Some(NodeGlob { patterns })
    }

    /// Whether a text has anything of a glob in it.
    pub fn is_glob(text: &str) -> bool {
        text.contains(['*', '?', '[', '{'])
    }

    /// Whether the whole name is meant.
    pub fn matches(&self, name: &str) -> bool {
        let nodes: Vec<&str> = name.split('.').collect();
        self.patterns.iter().any(|pattern| nodes_match(pattern, &nodes))
    }

    /// Whether a name is meant of which this is the first part, so many nodes of it: one that is longer, or the same.
    pub fn matches_beginning(&self, name: &str) -> bool {
        let nodes: Vec<&str> = name.split('.').collect();
        self.patterns.iter().any(|pattern| begins(pattern, &nodes))
    }

    /// Whether one of these patterns means a part of this name that begins where it does.
    pub fn matches_branch_of(&self, name: &str) -> bool {
        let nodes: Vec<&str> = name.split('.').collect();
        let is_shorter = |pattern: &[NodePattern]| match nodes.get(..pattern.len()) {
            _ if pattern.contains(&NodePattern::AnyNodes) => {
                (1..nodes.len()).any(|length| nodes_match(pattern, nodes.get(..length).unwrap_or_default()))
            }
            Some(part) => part.len() < nodes.len() && nodes_match(pattern, part),
            None => false,
        };
        self.patterns.iter().any(|pattern| is_shorter(pattern))
    }

    /// Whether a name of so many nodes may be meant.
    pub fn means_depth(&self, depth: usize) -> bool {
        self.patterns.iter().any(|pattern| {
            match pattern.iter().filter(|node| **node == NodePattern::AnyNodes).count() {
                0 => pattern.len() == depth,
                runs => pattern.len() - runs <= depth,
            }
        })
    }

    /// The numbers of nodes that its patterns are written with, each once.
    pub fn depths(&self) -> Vec<usize> {
        let mut depths: Vec<usize> = self.patterns.iter().map(Vec::len).collect();
        depths.sort_unstable();
        depths.dedup();
        depths
    }
}

impl NodePattern {
    fn matches(&self, node: &str) -> bool {
        match self {
            NodePattern::AnyNodes => true,
            NodePattern::Literal(own) => own == node,
            NodePattern::Pieces(pieces) => pieces_match(pieces, node),
        }
    }
}

/// In time of the product of both lengths: after a mismatch only the last `**` takes one node more.
fn nodes_match(pattern: &[NodePattern], nodes: &[&str]) -> bool {
    let (mut own, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(node) = nodes.get(at) {
        match pattern.get(own) {
            Some(NodePattern::AnyNodes) => {
                retry = Some((own, at));
                own += 1;
            }
            Some(wanted) if wanted.matches(node) => {
                own += 1;
                at += 1;
            }
            _ => match &mut retry {
                Some((run, taken)) => {
                    *taken += 1;
                    (own, at) = (*run + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(own).all(|rest| *rest == NodePattern::AnyNodes)
}

/// Whether these nodes may be the first of a name that is meant: as far as to a `**`, which may stand for all others.
fn begins(pattern: &[NodePattern], nodes: &[&str]) -> bool {
    for (at, node) in nodes.iter().enumerate() {
        match pattern.get(at) {
            Some(NodePattern::AnyNodes) => return true,
            Some(own) if own.matches(node) => {}
            _ => return false,
        }
    }
    true
}

/// All texts that the braces of one come to.
fn write_out(text: &str, written: &mut Vec<String>) -> Option<()> {
    let Some(braces) = innermost_braces(text) else {
        written.push(text.to_owned());
        return (written.len() <= MOST_PATTERNS).then_some(());
    };
    for choice in braces.inside.split(',') {
        write_out(&format!("{}{choice}{}", braces.before, braces.behind), written)?;
    }
    Some(())
}

/// A pair of braces without others in it.
struct Braces<'t> {
    before: &'t str,
    inside: &'t str,
    behind: &'t str,
}

fn innermost_braces(text: &str) -> Option<Braces<'_>> {
    let close = text.find('}')?;
    let (front, back) = text.split_at_checked(close)?;
    let open = front.rfind('{')?;
    Some(Braces { before: front.get(..open)?, inside: front.get(open + 1..)?, behind: back.get(1..)? })
}

fn node_pattern(node: &str) -> NodePattern {
    if node == "**" {
        return NodePattern::AnyNodes;
    }
    if !node.contains(['*', '?', '[']) {
        return NodePattern::Literal(node.to_owned());
    }
    let mut pieces = Vec::new();
    let mut letters = node.chars();
    while let Some(letter) = letters.next() {
        pieces.push(match letter {
            '*' => GlobPiece::AnyLetters,
            '?' => GlobPiece::AnyLetter,
            '[' => match letter_class(letters.as_str()) {
                Some(class) => {
                    letters = class.rest.chars();
                    class.piece
                }
                None => GlobPiece::Letter('['),
            },
            other => GlobPiece::Letter(other),
        });
    }
    NodePattern::Pieces(pieces)
}

/// What stands between brackets, and what follows them.
struct LetterClass<'t> {
    piece: GlobPiece,
    rest: &'t str,
}

/// As Python's fnmatch has it: `!` first negates, `]` first is itself.
fn letter_class(text: &str) -> Option<LetterClass<'_>> {
    let (negated, body) = match text.strip_prefix('!') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let from = usize::from(body.starts_with(']'));
    let end = from + body.get(from..)?.find(']')?;
    let inside: Vec<char> = body.get(..end)?.chars().collect();
    let mut ranges = Vec::new();
    let mut rest = inside.as_slice();
    loop {
        match rest {
            [first, '-', last, others @ ..] => {
                ranges.push((*first, *last));
                rest = others;
            }
            [first, others @ ..] => {
                ranges.push((*first, *first));
                rest = others;
            }
            [] => break,
        }
    }
    Some(LetterClass { piece: GlobPiece::OneOf { ranges, negated }, rest: body.get(end + 1..)? })
}

/// In time of the product of both lengths: after a mismatch only the last `*` takes one letter more.
fn pieces_match(pieces: &[GlobPiece], node: &str) -> bool {
    let letters: Vec<char> = node.chars().collect();
    let (mut piece, mut at) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < letters.len() {
        match (pieces.get(piece), letters.get(at)) {
            (Some(GlobPiece::AnyLetters), _) => {
                retry = Some((piece, at));
                piece += 1;
            }
            (Some(own), Some(letter)) if own.accepts(*letter) => {
                piece += 1;
                at += 1;
            }
            _ => match &mut retry {
                Some((star, taken)) => {
                    *taken += 1;
                    (piece, at) = (*star + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pieces.iter().skip(piece).all(|rest| *rest == GlobPiece::AnyLetters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, name: &str) -> bool {
        NodeGlob::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn every_node_is_matched_by_itself() {
        let cases = [
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("a.*.c", "a.b.c", true),
            (
                "nginx.*.webapp.backend.{git,wiki}.request_time.p9[59]",
                "nginx.web1.webapp.backend.git.request_time.p99",
                true,
            ),
            (
                "nginx.*.webapp.backend.{git,wiki}.request_time.p9[59]",
                "nginx.web1.webapp.backend.git.request_time.p90",
                false,
            ),
            ("p9?", "p99", true),
            ("p9?", "p9", false),
            ("p9?", "p999", false),
            ("[!a-c]x", "dx", true),
            ("[!a-c]x", "bx", false),
            ("[]x]", "]", true),
            ("a[b", "a[b", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("{a,b}{1,2}", "b1", true),
            ("x{a,{b,c}y}", "xcy", true),
            ("{a.b,c}.d", "a.b.d", true),
            ("{a.b,c}.d", "c.d", true),
            ("a{", "a{", true),
            ("", "", true),
            ("ä*", "äö", true),
            ("nginx.**.git.p99", "nginx.org.example.web1.webapp.git.p99", true),
            ("nginx.**.git.p99", "nginx.git.p99", true),
            ("nginx.**.git.p99", "nginx.web1.git.x.p99", false),
            ("**.git.*", "nginx.web1.git.p99", true),
            ("a.**", "a.b.c", true),
            ("a.**.c.**.e", "a.c.c.d.c.e", true),
            ("a.**.c.**.e", "a.c.c.d.c.f", false),
            ("a**.c", "a.b.c", false),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_glob_has_branches_and_depths() {
        let glob = NodeGlob::parse("a.{b,c.*}").unwrap();
        assert_eq!(glob.depths(), [2, 3]);
        assert!(glob.matches_branch_of("a.b.x") && !glob.matches_branch_of("a.b"));
        assert!(glob.matches_beginning("a") && glob.matches_beginning("a.c") && !glob.matches_beginning("b"));
        assert!(glob.means_depth(3) && !glob.means_depth(1) && !glob.means_depth(4));
        let glob = NodeGlob::parse("a.**.d").unwrap();
        assert!(
            glob.matches_branch_of("a.b.d.x") && glob.matches_branch_of("a.d.x") && !glob.matches_branch_of("a.b.c")
        );
        assert!(glob.matches_beginning("a") && glob.matches_beginning("a.x.y.z") && !glob.matches_beginning("b.a"));
        assert!(glob.means_depth(2) && glob.means_depth(9) && !glob.means_depth(1));
    }

    #[test]
    fn braces_that_multiply_are_refused() {
        assert!(NodeGlob::parse(&"{a,b}".repeat(12)).is_some());
        assert!(NodeGlob::parse(&"{a,b}".repeat(40)).is_none());
    }

    proptest! {
        #[test]
        fn any_text_is_a_glob_that_can_be_asked(pattern in "[ab*?{},.\\[\\]!-]{0,24}", name in "[ab.]{0,12}") {
            if let Some(glob) = NodeGlob::parse(&pattern) {
                let nodes: Vec<&str> = name.split('.').collect();
                let parts = (1..nodes.len()).filter(|length| glob.matches(&nodes[..*length].join(".")));
                prop_assert_eq!(glob.matches_branch_of(&name), parts.count() > 0, "{}", &pattern);
                if glob.matches(&name) {
                    prop_assert!(glob.means_depth(nodes.len()));
                    prop_assert!((1..=nodes.len()).all(|length| glob.matches_beginning(&nodes[..length].join("."))));
                }
            }
            if !NodeGlob::is_glob(&name) {
                prop_assert!(matches(&name, &name));
            }
        }
    }
}
