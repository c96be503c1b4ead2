//! Who imports whom, read from the sources: every path of every `use` and of the code, followed through re-exports to the
//! file where its end is defined.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::LazyLock;

use regex::{Captures, Match, Regex};

use crate::rust_files;

/// A module, or an item in it: `crate::store::disk` is `["store", "disk"]`.
pub(crate) type Name = Vec<String>;

/// A file reaching for another one.
pub(crate) struct Import {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
    /// The importing file's module.
    pub(crate) from: Name,
    /// The module of the file where what is imported is defined.
    pub(crate) to: Name,
    /// The path as it is written.
    pub(crate) what: String,
    /// Whether a test reaches for it.
    pub(crate) of_test: bool,
}

/// Every import of the crate from itself, tests' as well.
pub(crate) fn imports() -> &'static [Import] {
    static IMPORTS: LazyLock<Vec<Import>> = LazyLock::new(read_imports);
    &IMPORTS
}

fn read_imports() -> Vec<Import> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.sort();
    assert!(files.len() > 20, "found only {} files", files.len());
    let sources: Vec<Source> = files.into_iter().map(|file| Source::read(&src, file)).collect();
    let modules: BTreeSet<&Name> = sources.iter().map(|source| &source.module).collect();
    let meanings = meanings(&sources);
    let mut imports = Vec::new();
    for source in &sources {
        for (line, path) in &source.paths {
            let mut to = follow(absolute(&source.module, path), &meanings);
            while !modules.contains(&to) && to.pop().is_some() {}
            if !to.is_empty() && to != source.module {
                let (file, from, line) = (source.file.clone(), source.module.clone(), *line);
                imports.push(Import { file, line, from, to, what: path.join("::"), of_test: source.is_test(line) });
            }
        }
    }
    assert!(imports.len() > 1000, "found only {} imports", imports.len());
    imports
}

/// In each module, what the names mean that a `use` brings into it.
fn meanings(sources: &[Source]) -> BTreeMap<Name, Name> {
    let mut meanings = BTreeMap::new();
    for source in sources {
        for (alias, path) in &source.aliases {
            meanings.insert([&source.module[..], slice::from_ref(alias)].concat(), absolute(&source.module, path));
        }
    }
    meanings
}

/// A path as it is written in a module, from the crate's root.
fn absolute(module: &[String], path: &[String]) -> Name {
    let mut base = module.to_vec();
    let mut path = path;
    while let [first, rest @ ..] = path {
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => drop(base.pop()),
            _ => break,
        }
        path = rest;
    }
    base.extend_from_slice(path);
    base
}

/// What a name means in the end, when every `use` on the way to it is followed.
fn follow(mut name: Name, meanings: &BTreeMap<Name, Name>) -> Name {
    // A name that means itself (`use zstd::Encoder` beside a module `zstd`) would be followed for ever.
    for _ in 0..10 {
        let known = (1..=name.len()).rev().find_map(|length| Some((length, meanings.get(&name[..length])?)));
        let Some((length, meaning)) = known else { break };
        name = [meaning, &name[length..]].concat();
    }
    name
}

struct Source {
    file: PathBuf,
    module: Name,
    /// The names that a `use` brings in, and what of.
    aliases: Vec<(String, Name)>,
    /// Every path, in a `use` and in the code, with its line.
    paths: Vec<(usize, Name)>,
    /// The first line of a `mod tests { .. }`.
    tests_from: usize,
}

static COMMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new("//.*").unwrap());
static USE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\s*(?:pub(?:\(.*?\))?\s+)?use\s+([^;]+);").unwrap());
static PATH: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+").unwrap());
static TESTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"#\[cfg\(test\)\]\s*mod \w+ \{").unwrap());

impl Source {
    fn read(src: &Path, file: PathBuf) -> Source {
        let code = COMMENT.replace_all(&fs::read_to_string(&file).unwrap(), "").into_owned();
        let line_of = |found: &Match| code[..found.start()].matches('\n').count() + 1;
        let (mut aliases, mut paths) = (Vec::new(), Vec::new());
        for found in USE.captures_iter(&code) {
            let tree = found.get(1).unwrap();
            let first = aliases.len();
            expand(&[], &tree.as_str().replace('\n', " "), &mut aliases);
            paths.extend(aliases[first..].iter().map(|(_, path)| (line_of(&tree), path.clone())));
        }
        let rest = USE.replace_all(&code, |found: &Captures| "\n".repeat(found[0].matches('\n').count()));
        for (number, line) in rest.lines().enumerate() {
            paths.extend(PATH.find_iter(line).map(|found| (number + 1, segments(found.as_str()))));
        }
        let tests_from = TESTS.find(&code).map_or(usize::MAX, |found| line_of(&found));
        Source { module: module_of(file.strip_prefix(src).unwrap()), file, aliases, paths, tests_from }
    }

    fn is_test(&self, line: usize) -> bool {
        line >= self.tests_from || self.module.iter().any(|part| part == "tests")
    }
}

/// `store/disk/mod.rs` is `store::disk`, `store/disk/lock.rs` is `store::disk::lock`.
fn module_of(file: &Path) -> Name {
    let mut module: Name = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    module.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    module
}

fn segments(path: &str) -> Name {
    path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The single paths of a `use`'s tree, each by its name: `a::{b, c::{self, d as e}}` is `a::b`, `a::c` and, by the name
/// `e`, `a::c::d`.
fn expand(before: &[String], tree: &str, into: &mut Vec<(String, Name)>) {
    if let Some((front, list)) = tree.split_once('{') {
        let front = [before, &segments(front)].concat();
        let list = list.trim_end().strip_suffix('}').unwrap_or_else(|| panic!("not a use: {tree}"));
        for branch in branches(list) {
            expand(&front, branch, into);
        }
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let mut path = [before, &segments(path)].concat();
    path.pop_if(|last| last == "self");
    let alias = alias.map_or_else(|| path.last().cloned().unwrap_or_default(), str::to_owned);
    into.push((alias, path));
}

/// The parts of a list between the commas that stand in no braces of their own.
fn branches(list: &str) -> Vec<&str> {
    let (mut found, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                found.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&list[from..]);
    found.retain(|branch| !branch.trim().is_empty());
    found
}
