//! Whole nginx configurations, as found and as written to try everything, against what is to be taken from them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use spikeline::grammar::conf::{ConfFiles, Location, LocationMatch, NginxConf, Server, WILDCARDS};

/// `/etc/nginx` is the folder of the test's data.
struct Below(PathBuf);

impl ConfFiles for Below {
    fn files(&self, pattern: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, String> {
        let inside = pattern.strip_prefix("/etc/nginx/").unwrap_or_else(|| panic!("{pattern}"));
        let found = glob::glob_with(self.0.join(inside).to_str().unwrap(), WILDCARDS).unwrap();
        let named = |path: PathBuf| Path::new("/etc/nginx").join(path.strip_prefix(&self.0).unwrap());
        Ok(found.flatten().map(|path| (named(path.clone()), fs::read(path).unwrap())).collect())
    }
}

fn show(nginx: &NginxConf) -> String {
    let mut out = String::new();
    for format in &nginx.formats {
        writeln!(out, "format {} escape={} {:?}", format.name, format.escape, format.text).unwrap();
        format.compile().unwrap_or_else(|error| panic!("{}: {error}", format.name));
    }
    for (number, log) in nginx.logs.iter().enumerate() {
        let format = &nginx.formats[log.format].name;
        let flags = [(log.buffered, " buffered"), (log.gzip, " gzip"), (log.condition.is_some(), " if")];
        let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        writeln!(out, "log {number} {:?} {format}{flags} at {}", log.target, log.place).unwrap();
    }
    for upstream in &nginx.upstreams {
        writeln!(out, "upstream {} {:?}", upstream.name, upstream.servers).unwrap();
    }
    for server in &nginx.servers {
        let Server { names, name, logs, all_logs, returns, .. } = server;
        writeln!(out, "server {name:?} {names:?} logs {logs:?} of {all_logs:?} returns {returns:?}").unwrap();
        for listen in &server.listens {
            let port = listen.port.map_or(String::new(), |port| format!(":{port}"));
            writeln!(out, "  listen {}{port} default {} tls {}", listen.address, listen.default, listen.tls).unwrap();
        }
        show_locations(&server.locations, "  ", &mut out);
    }
    for note in &nginx.notes {
        writeln!(out, "note {}: {}", note.place, note.text).unwrap();
    }
    out
}

fn show_locations(locations: &[Location], indent: &str, out: &mut String) {
    for location in locations {
        let by = match location.by {
            LocationMatch::Exact => "= ",
            LocationMatch::PrefixOnly => "^~ ",
            LocationMatch::Prefix | LocationMatch::Named => "",
            LocationMatch::Regex { caseless: true } => "~* ",
            LocationMatch::Regex { caseless: false } => "~ ",
        };
        let to = location.upstream.as_ref().map_or(String::new(), |to| format!(" -> {to}"));
        writeln!(out, "{indent}{by}{}{to} logs {:?}", location.text, location.logs).unwrap();
        show_locations(&location.locations, &format!("{indent}  "), out);
    }
}

#[test]
fn whole_configurations() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nginx");
    for name in ["debian", "shop"] {
        let folder = data.join(name);
        let nginx = NginxConf::read(Path::new("/etc/nginx/nginx.conf"), &Below(folder.clone()), "web1").unwrap();
        let (shown, path) = (show(&nginx), folder.join("expected.txt"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &shown).unwrap();
        }
        assert_eq!(shown, fs::read_to_string(&path).unwrap(), "{name}; BLESS=1 writes it anew");
    }
}
