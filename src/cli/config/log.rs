//! `[[log]]`: which access logs are followed, and their format.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::position::Placed;
use super::section::Section;
use crate::daemon::ListenAt;
use crate::grammar::{Escape, FieldMeaning, Format, Wrapper, check_key, read_meaning};

/// What may stand in the section.
pub(super) const KEYS: [&str; 9] =
    ["path", "format", "escape", "keys", "fields", "wrapper", "rotated", "archive", "keep_size"];

/// One `[[log]]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSection {
    /// A path, or a glob pattern: see [`LogSection::is_glob`].
    pub path: Placed<String>,
    /// The format; if absent it is detected from the lines.
    pub format: Option<Placed<LogFormat>>,
    /// nginx's `escape=` parameter, where the format's text does not say it; only with a format text.
    pub escape: Option<Escape>,
    /// The keys of a keyed format that are not the usual ones: variable, and key with its unit after a colon.
    pub keys: Vec<(Placed<String>, Placed<String>)>,
    /// What variables of a log_format's text say that are not nginx's own, each with its place.
    pub fields: Vec<Placed<FieldMeaning>>,
    /// What is around each line; if absent and there is no format, it is detected too.
    pub wrapper: Option<Placed<Wrapper>>,
    /// Globs of where its rotated files are moved to, if that is another directory.
    pub rotated: Vec<Placed<String>>,
    /// Whether its slow lines are kept in the store; if absent, what holds for all logs.
    pub archive: Option<bool>,
    /// Where it is received, if it is no file of nginx's; its path is then that of the file that it is written to.
    pub received: Option<ReceivedSection>,
}

/// A log that is received by syslog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedSection {
    /// Where.
    pub at: ListenAt,
    /// About so many bytes of it are kept.
    pub keep: u64,
}

/// What is kept of a log that is received.
const KEEP: u64 = 1 << 30;

impl ReceivedSection {
    /// The file that it is written to, in a store.
    fn file_in(&self, store: &Path) -> PathBuf {
        let name = match &self.at {
            ListenAt::Udp(address) => address.to_string(),
            ListenAt::Unix(path) => path.display().to_string(),
        };
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = name.trim_matches('/').chars().map(safe).collect();
        store.join("syslog").join(format!("{name}.log"))
    }
}

/// Where the text behind `syslog:` says to listen: `unix:/path`, `host:port`, or a port of this host's loopback alone.
fn read_listen(text: &str) -> Option<ListenAt> {
    if let Some(path) = text.strip_prefix("unix:") {
        return path.starts_with('/').then(|| ListenAt::Unix(PathBuf::from(path)));
    }
    if let Ok(port) = text.trim_start_matches(':').parse() {
        return Some(ListenAt::Udp(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)));
    }
    text.parse().ok().map(ListenAt::Udp)
}

/// How the format is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// The name of a grammar of the library or of the user's folder, e.g. `combined`; `json` or `ltsv`, with keys
    /// behind it or without.
    Grammar(String),
    /// The text of a `log_format`; it contains a `$`.
    Text(String),
}

impl LogSection {
    /// The same where the store is in this folder: a log that is received has its file there.
    pub(in crate::cli) fn place_in(&mut self, store: &Path) {
        if let Some(received) = &self.received {
            self.path.value = received.file_in(store).display().to_string();
        }
    }

    /// Whether the path is a pattern rather than one file's name.
    pub fn is_glob(&self) -> bool {
        self.path.value.contains(['*', '?', '['])
    }
}

/// The section, unless it has no path. A format text is not compiled here: that takes the grammars (`input::logs`), and
/// can point into the text, since its place is kept.
pub(super) fn read_log(section: &mut Section<'_>) -> Option<LogSection> {
    let path = section.required_text("path", "/var/log/nginx/access.log");
    if let Some(path) = &path
        && let Err(error) = glob::Pattern::new(&path.value)
    {
        section.mistake_at(path, format!("`path` is not a glob pattern: {}", error.msg), "`[` begins a set: `[0-9]`");
    }
    let keep = section.size("keep_size", "1GiB");
    let received = path.as_ref().and_then(|path| read_received(section, path, keep.as_ref()));
    let format = section
        .text("format", "combined")
        .map(|text| text.map(|text| if text.contains('$') { LogFormat::Text(text) } else { LogFormat::Grammar(text) }));
    let choices = [("default", Escape::Default), ("json", Escape::Json), ("none", Escape::None)];
    let escape = section.choice("escape", &choices);
    let is_text = matches!(&format, Some(Placed { value: LogFormat::Text(_), .. }));
    if let Some(escape) = &escape
        && !is_text
    {
        let remedy = "leave `escape` out, or give the log_format's text as `format`";
        section.mistake_at(escape, "`escape` goes only with a log_format text", remedy);
    }
    let keys = read_keys(section, format.as_ref());
    let fields = read_fields(section, is_text);
    let rotated = section.texts("rotated", "/var/log/old/*");
    for glob in &rotated {
        if let Err(error) = glob::Pattern::new(&glob.value) {
            section.mistake_at(
                glob,
                format!("`rotated` is not a glob pattern: {}", error.msg),
                "`[` begins a set: `[0-9]`",
            );
        }
    }
    let archive = section.boolean("archive");
    let wrapper = section.choice("wrapper", &Wrapper::ALL.map(|wrapper| (wrapper.name(), wrapper)));
    let escape = escape.map(Placed::into_value);
    Some(LogSection { path: path?, format, escape, keys, fields, wrapper, rotated, archive, received })
}

/// What a path that begins with `syslog:` says.
fn read_received(
    section: &mut Section<'_>,
    path: &Placed<String>,
    keep: Option<&Placed<u64>>,
) -> Option<ReceivedSection> {
    let Some(text) = path.value.strip_prefix("syslog:") else {
        if let Some(keep) = keep {
            section.mistake_at(keep, "`keep_size` goes only with a log that is received", "leave it out");
        }
        return None;
    };
    let at = read_listen(text);
    if at.is_none() {
        let what = format!("`{}` does not say where to listen", path.value);
        section.mistake_at(
            path,
            what,
            "`syslog:127.0.0.1:5514`, `syslog:0.0.0.0:5514` for all hosts, or `syslog:unix:/run/spikeline/log`",
        );
    }
    Some(ReceivedSection { at: at?, keep: keep.map_or(KEEP, |keep| keep.value) })
}

/// `fields = { took = "request_time:ms" }`.
fn read_fields(section: &mut Section<'_>, is_text: bool) -> Vec<Placed<FieldMeaning>> {
    let mut fields = Vec::new();
    for (variable, meant) in section.text_table("fields", "took = \"request_time:ms\"") {
        if !is_text {
            let remedy = "name keys with `keys`, or give the log_format's text as `format`";
            section.mistake_at(&variable, "`fields` goes only with a log_format text", remedy);
            break;
        }
        match read_meaning(&variable.value, &meant.value) {
            Ok(meaning) => fields.push(variable.map(|_| meaning)),
            Err((what, remedy)) => section.mistake_at(&meant, what, remedy),
        }
    }
    fields
}

/// `keys = { request_time = "took:ms" }`.
fn read_keys(section: &mut Section<'_>, format: Option<&Placed<LogFormat>>) -> Vec<(Placed<String>, Placed<String>)> {
    let keys = section.text_table("keys", "request_time = \"rt\"");
    let keyed = matches!(format, Some(Placed { value: LogFormat::Grammar(name), .. }) if Format::keyed(name).is_some());
    if let Some((first, _)) = keys.first()
        && !keyed
    {
        section.mistake_at(
            first,
            "`keys` goes only with format = \"json\" or \"ltsv\"",
            "name the format, or leave `keys` out",
        );
    }
    for (variable, key) in &keys {
        if let Err((what, remedy)) = check_key(&variable.value, &key.value) {
            section.mistake_at(key, what, remedy);
        }
    }
    keys
}
