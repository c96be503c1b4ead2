//! The house's one structural rule: a layer imports only from layers above it in this list, so data flows one way and
//! there are no cycles. Threads and channels live in `pipeline` and `daemon` alone.

use std::fs;
use std::path::Path;

use crate::rust_files;

/// From the top (imports nothing) to the bottom (imports anything).
const LAYERS: [&str; 13] = [
    "time",
    "error",
    "grammar",
    "record",
    "route",
    "source",
    "histogram",
    "store",
    "carbon",
    "report",
    "pipeline",
    "daemon",
    "cli",
];

/// The layer that a file under `src` belongs to; `None` for `lib.rs` and `main.rs`.
fn layer_of(file: &Path, src: &Path) -> Option<usize> {
    let first = file.strip_prefix(src).unwrap().components().next().unwrap();
    let name = Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned();
    if name == "lib" || name == "main" {
        return None;
    }
    Some(LAYERS.iter().position(|layer| *layer == name).unwrap_or_else(|| panic!("{name} is no layer of the house")))
}

fn layers_named(line: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let names = rest.strip_prefix('{').map_or_else(
            || vec![rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()],
            |list| list.split('}').next().unwrap().split(", ").map(|n| n.split("::").next().unwrap()).collect(),
        );
        found.extend(names.iter().filter_map(|name| LAYERS.iter().position(|layer| layer == name)));
    }
    found
}

#[test]
fn layers_import_upward_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 20, "found only {} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let Some(own) = layer_of(&file, &src) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for layer in layers_named(line).into_iter().filter(|layer| *layer > own) {
                let (path, from, to) = (file.display(), LAYERS[own], LAYERS[layer]);
                wrong.push(format!("{path}:{}: {from} imports {to}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn threads_and_channels_live_in_pipeline_and_daemon() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    for file in files {
        let layer = layer_of(&file, &src).map_or("", |layer| LAYERS[layer]);
        // `cli` owns the process: it turns signals into the daemon's stop channel.
        if ["pipeline", "daemon", "cli"].contains(&layer) {
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
