//! `[[log]]`: which access logs are followed, and their format.

use super::place::Placed;
use super::section::Section;
use crate::grammar::Escape;

pub(super) const KEYS: [&str; 4] = ["path", "format", "escape", "archive"];

/// One `[[log]]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSection {
    /// A path, or a glob pattern: see [`LogSection::is_glob`].
    pub path: Placed<String>,
    /// The format; if absent it is detected from the lines.
    pub format: Option<Placed<LogFormat>>,
    /// nginx's `escape=` parameter; only with a format text.
    pub escape: Escape,
    /// Whether its slow lines are kept in the store; if absent, what holds for all logs.
    pub archive: Option<bool>,
}

/// How the format is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogFormat {
    /// The name of a grammar of the library or of the user's folder, e.g. `combined`.
    Grammar(String),
    /// The text of a `log_format`; it contains a `$`.
    Text(String),
}

impl LogSection {
    /// Whether the path is a pattern rather than one file's name.
    pub fn is_glob(&self) -> bool {
        self.path.value.contains(['*', '?', '['])
    }
}

pub(super) fn read(section: &mut Section<'_>) -> Option<LogSection> {
    let path = section.required_text("path", "/var/log/nginx/access.log");
    if let Some(path) = &path
        && let Err(error) = glob::Pattern::new(&path.value)
    {
        section.mistake_at(path, format!("`path` is not a glob pattern: {}", error.msg), "`[` begins a set: `[0-9]`");
    }
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
    let archive = section.boolean("archive");
    Some(LogSection { path: path?, format, escape: escape.map_or(Escape::Default, |escape| escape.value), archive })
}
