//! What stands on the command line without an option: a metric, a target or a link; or a file.

use std::path::{Path, PathBuf};

use crate::carbon::{CellMetric, ForeignName, Naming};
use crate::graphite::links::is_link;
use crate::route::{NodeGlob, keeps_name, readable_name};
use crate::wildcards::paths_named;

/// The texts that ask for something, and the files, each in its order. What exists is a file.
pub(super) fn split(positional: &[PathBuf], namings: &[Naming]) -> (Vec<String>, Vec<PathBuf>) {
    let (mut texts, mut files) = (Vec::new(), Vec::new());
    for word in positional {
        match word.to_str() {
            Some(text) if is_asked(text, word, namings) => texts.push(text.to_owned()),
            _ => files.push(word.clone()),
        }
    }
    (texts, files)
}

fn is_asked(text: &str, word: &Path, namings: &[Naming]) -> bool {
    if text == "-" || word.exists() {
        return false;
    }
    if is_link(text) || text.starts_with("target=") || text.contains('\n') {
        return true;
    }
    if text.contains('/')
        || (NodeGlob::is_glob(text) && paths_named(text).is_ok_and(|matched| !matched.paths.is_empty()))
    {
        return false;
    }
    // Names of files have neither.
    if text.contains(['(', ';', '|']) {
        return true;
    }
    has_metric(text) || namings.iter().any(|naming| is_below(text, naming)) || looks_like_route(text)
}

/// Whether a name ends as those of series do.
fn has_metric(text: &str) -> bool {
    let mut nodes = text.rsplitn(3, '.');
    let (what, group, before) = (nodes.next(), nodes.next(), nodes.next());
    before.is_some() && what.zip(group).is_some_and(|(what, group)| CellMetric::parse(group, what).is_some())
}

/// Whether a name begins as a naming's series do, with a node of them at least.
fn is_below(text: &str, naming: &Naming) -> bool {
    let begins = text.strip_prefix(&naming.prefix).is_some_and(|rest| rest.starts_with('.'));
    begins && (naming.read_series(text) != Err(ForeignName::Otherwise) || NodeGlob::is_glob(text))
}

/// A name with dots that does not end as logs do.
fn looks_like_route(text: &str) -> bool {
    // What a pattern leaves open at its end says nothing.
    let mut nodes = text.rsplit('.').map(|node| node.trim_end_matches(['*', '?']));
    let ending = nodes.find(|node| !node.is_empty()).unwrap_or_default();
    let is_of_log =
        matches!(ending, "log" | "gz" | "zst" | "xz" | "bz2" | "json" | "txt" | "csv" | "toml" | "conf" | "out")
            || ending.bytes().all(|byte| byte.is_ascii_digit());
    text.contains('.') && !is_of_log && !text.contains("access") && !text.contains("error")
}

/// Takes out of `--route` what is no route but a metric, a target or a link.
pub(super) fn pasted_routes(routes: &mut Vec<String>, namings: &[Naming], known: Option<&[&str]>) -> Vec<String> {
    let mut pasted = Vec::new();
    routes.retain(|route| {
        let is_pasted = !is_known_route(route, known) && is_pasted(route, namings);
        if is_pasted {
            pasted.push(route.clone());
        }
        !is_pasted
    });
    pasted
}

fn is_pasted(text: &str, namings: &[Naming]) -> bool {
    let is_series =
        |naming: &Naming| naming.read_series(text).is_ok() || (NodeGlob::is_glob(text) && is_below(text, naming));
    is_link(text) || text.starts_with("target=") || text.contains(['(', ';']) || namings.iter().any(is_series)
}

fn is_known_route(text: &str, known: Option<&[&str]>) -> bool {
    let pattern = [text.to_owned()];
    text.starts_with('!')
        || known.unwrap_or_default().iter().any(|route| keeps_name(&pattern, &[route, &*readable_name(route)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_from_files() {
        let namings = [Naming::new("nginx", "web1", false).unwrap()];
        let asked = |text: &str| is_asked(text, Path::new(text), &namings);
        for text in [
            "nginx.web1.webapp.backend.git.request_time.p99",
            "nginx.*.webapp.{git,wiki}.request_time.p9[59]",
            "alias(a.b.c,'x')",
            "http://g/render?target=a",
            "/at?m=a",
            "/?route=a",
            "nginx.request_time.p99;host=web1;route=a",
            "other.prefix.web1.a.status.5xx",
            "target=a&from=-1h",
            "webapp.backend.git",
            "webapp.*",
            "a.b.c|scale(2)",
        ] {
            assert!(asked(text), "{text}");
        }
        for text in [
            "-",
            "access.log",
            "access.log.1",
            "/var/log/nginx/a.log",
            "./x",
            "x.log.gz",
            "Cargo.toml",
            "log",
            "logs/*.gz",
            "b.log*",
            "b.log.*",
        ] {
            assert!(!asked(text), "{text}");
        }
    }

    #[test]
    fn a_route_stays_a_route() {
        let namings = [Naming::new("nginx", "web1", false).unwrap()];
        let mut routes: Vec<String> =
            ["webapp.*", "!nginx.web1.a.status.5xx", "nginx.web1.a.status.5xx", "nginx.*.a.status.*", "max(a)"]
                .map(str::to_owned)
                .into();
        let pasted = pasted_routes(&mut routes, &namings, Some(&["webapp.a"]));
        assert_eq!(routes, ["webapp.*", "!nginx.web1.a.status.5xx"]);
        assert_eq!(pasted, ["nginx.web1.a.status.5xx", "nginx.*.a.status.*", "max(a)"]);
    }
}
