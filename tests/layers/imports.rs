//! The house's structural rules: a layer imports only from layers above it, a floor inside a layer only from floors above
//! it, as ARCHITECTURE.md draws both; the files of one folder never import each other in a circle; threads and channels
//! live in `pipeline`, `daemon` and `http` alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::slice;

use crate::modules::{Import, Name, imports};
use crate::rust_files;

const ARCHITECTURE: &str = include_str!("../../ARCHITECTURE.md");

/// Folders whose files import each other in circles, and layers whose floors are not those drawn, as long as they are
/// being moved.
const NOT_YET: &[&str] = &["store"];

/// From the top (imports nothing) to the bottom (imports anything): the rows of the table below "Code map".
fn layers() -> Vec<Vec<String>> {
    let section = ARCHITECTURE.split("\n## ").find(|section| section.starts_with("Code map")).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| vec![row.split(['`', '/']).next().unwrap().to_owned()]).collect()
}

/// By layer its floors, each with the files and folders on it: the drawing below "Rooms within rooms".
fn floors() -> BTreeMap<String, Vec<Vec<String>>> {
    let section = ARCHITECTURE.split("\n## ").find(|section| section.starts_with("Rooms within rooms")).unwrap();
    let drawing = section.split("```").nth(1).unwrap();
    let mut floors: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    let mut layer = "";
    for line in drawing.lines().skip(1).filter(|line| !line.is_empty()) {
        let (left, right) = line.split_at(line.len().min("grammar/     ".len()));
        layer = left.split_once('/').map_or(layer, |(name, _)| name);
        let names = right.split("  ").next().unwrap();
        floors.entry(layer.to_owned()).or_default().push(names.split(" · ").map(str::to_owned).collect());
    }
    floors
}

/// What one file or folder of a folder imports from another.
struct Edge {
    from: &'static str,
    to: &'static str,
    import: &'static Import,
}

impl Edge {
    fn report(&self) -> String {
        let Edge { from, to, import } = self;
        let file = import.file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display();
        format!("{file}:{}: {from} imports {to} ({})", import.line, import.what)
    }
}

/// The imports between two files or folders of this folder. What its mod.rs defines or does belongs to none of them.
fn edges(folder: &[String], imports: impl Iterator<Item = &'static Import>) -> Vec<Edge> {
    let child = |name: &'static Name| name.strip_prefix(folder)?.first().map(String::as_str);
    let edge = |import: &'static Import| Some(Edge { from: child(&import.from)?, to: child(&import.to)?, import });
    imports.filter_map(edge).filter(|edge| edge.from != edge.to).collect()
}

fn outside_tests() -> impl Iterator<Item = &'static Import> {
    imports().iter().filter(|import| !import.of_test)
}

/// What is drawn in this folder and is not there.
fn missing(folder: &str, floors: &[Vec<String>]) -> Vec<String> {
    let inside = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let there = |name: &String| inside.join(name).is_dir() || inside.join(name).with_extension("rs").is_file();
    let drawn = floors.iter().flatten().filter(|name| !there(name));
    drawn.map(|name| format!("ARCHITECTURE.md draws {name}, which is not in src/{folder}")).collect()
}

/// The edges that lead down, and what stands on no floor.
fn downward(floors: &[Vec<String>], edges: &[Edge]) -> BTreeSet<String> {
    let floor_of = |name: &str| floors.iter().position(|floor| floor.iter().any(|on_it| on_it == name));
    let mut wrong = BTreeSet::new();
    for edge in edges {
        for name in [edge.from, edge.to].iter().filter(|name| floor_of(name).is_none()) {
            wrong.insert(format!("{name} stands on no floor that ARCHITECTURE.md draws"));
        }
        if floor_of(edge.from) < floor_of(edge.to) {
            wrong.insert(edge.report());
        }
    }
    wrong
}

/// The edges from which a way leads back to their beginning.
fn circles(edges: &[Edge]) -> BTreeSet<String> {
    let mut wrong = BTreeSet::new();
    for edge in edges {
        let mut reached = BTreeSet::from([edge.to]);
        let mut open = vec![edge.to];
        while let Some(name) = open.pop() {
            let next = edges.iter().filter(|edge| edge.from == name).map(|edge| edge.to);
            open.extend(next.filter(|name| reached.insert(name)));
        }
        if reached.contains(edge.from) {
            wrong.insert(edge.report());
        }
    }
    wrong
}

fn assert_none(wrong: impl IntoIterator<Item = String>) {
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn layers_import_upward_only() {
    let layers = layers();
    assert_none(missing("", &layers));
    assert_none(downward(&layers, &edges(&[], imports().iter())));
}

#[test]
fn floors_import_upward_only() {
    let floors = floors();
    assert!(floors.len() >= 4, "ARCHITECTURE.md draws floors of {:?} only", floors.keys());
    for (layer, floors) in floors.iter().filter(|(layer, _)| !NOT_YET.contains(&layer.as_str())) {
        assert_none(missing(layer, floors));
        assert_none(downward(floors, &edges(slice::from_ref(layer), outside_tests())));
    }
}

#[test]
fn the_files_of_one_folder_import_each_other_in_no_circle() {
    let folders_of = |import: &'static Import| (0..import.from.len()).map(|length| &import.from[..length]);
    let folders: BTreeSet<&[String]> = outside_tests().flat_map(folders_of).collect();
    let moved = folders.into_iter().filter(|folder| !NOT_YET.contains(&folder.join("/").as_str()));
    assert_none(moved.flat_map(|folder| circles(&edges(folder, outside_tests()))));
}

#[test]
fn threads_and_channels_live_in_pipeline_daemon_and_http() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    for file in files {
        let layer = file.strip_prefix(&src).unwrap().iter().next().unwrap();
        // `cli` owns the process: it turns signals into the daemon's stop channel.
        if ["pipeline", "daemon", "http", "cli"].iter().any(|allowed| layer == *allowed) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let in_tests = file.components().any(|part| part.as_os_str() == "tests");
        for needle in ["thread::", "crossbeam_channel", "mpsc"] {
            assert!(in_tests || !code.contains(needle), "{} uses {needle}", file.display());
        }
    }
}
