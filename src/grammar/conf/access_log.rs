//! `access_log`: where a context's requests are logged, and in which format (`ngx_http_log_set_log`).

use crate::error::meant;
use std::path::{Path, PathBuf};

use super::build::NginxBuild;
use super::error::{ConfError, ConfPlace};
use super::log_format::DeclaredFormat;
use super::tree::ConfDirective;

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// A file.
    File(PathBuf),
    /// A path with variables: the files that may come of it, as a glob.
    Pattern(String),
    /// `syslog:..`: no file.
    Syslog(String),
    /// `/dev/stdout` and its like: nothing that can be read again.
    Device(PathBuf),
}

impl LogTarget {
    /// The pattern under which the files are followed; nothing where there are none.
    pub fn pattern(&self) -> Option<String> {
        match self {
            LogTarget::File(path) => Some(glob::Pattern::escape(&path.to_string_lossy())),
            LogTarget::Pattern(pattern) => Some(pattern.clone()),
            LogTarget::Syslog(_) | LogTarget::Device(_) => None,
        }
    }
}

/// One log that nginx writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLog {
    /// Where.
    pub target: LogTarget,
    /// Its format: an index into [`NginxConf::formats`](super::NginxConf::formats).
    pub format: usize,
    /// `buffer=` or `gzip`: lines come late and out of order.
    pub buffered: bool,
    /// `flush=`, as written: how long lines may stay in the buffer.
    pub flush: Option<String>,
    /// nginx itself compresses it (`gzip`, `gzip=N`).
    pub gzip: bool,
    /// `if=`: which requests are logged, as written.
    pub condition: Option<String>,
    /// Whether its path was relative, so that it depends on nginx's prefix.
    pub relative: bool,
    /// The directive; of the built-in log, the server that has no other.
    pub place: ConfPlace,
}

impl AccessLog {
    /// The log that nginx writes where no `access_log` says otherwise.
    pub(super) fn built_in(build: &NginxBuild, place: ConfPlace) -> AccessLog {
        let (target, relative) = log_target(&build.access_log.to_string_lossy(), build);
        AccessLog { target, format: 0, buffered: false, flush: None, gzip: false, condition: None, relative, place }
    }

    /// Reads a directive; nothing if it says `off`.
    pub(super) fn read(
        directive: &ConfDirective,
        formats: &[DeclaredFormat],
        build: &NginxBuild,
    ) -> Result<Option<AccessLog>, ConfError> {
        let Some(path) = directive.arg(0) else {
            return Err(
                directive.wrong("access_log says no path", "write `access_log PATH FORMAT;` or `access_log off;`")
            );
        };
        if path == "off" {
            return Ok(None);
        }
        let (target, relative) = log_target(path, build);
        let place = directive.name.place.clone();
        let format = match directive.args.get(1) {
            None => 0,
            Some(word) => {
                formats.iter().position(|format| format.name.eq_ignore_ascii_case(&word.text)).ok_or_else(|| {
                    word.place
                        .wrong(format!("no log_format is named `{}`", word.text), format_remedy(&word.text, formats))
                })?
            }
        };
        let mut log =
            AccessLog { target, format, buffered: false, flush: None, gzip: false, condition: None, relative, place };
        for word in directive.args.iter().skip(2) {
            let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
            match name {
                "buffer" => log.buffered = true,
                "flush" => log.flush = Some(value.to_owned()),
                "gzip" => (log.gzip, log.buffered) = (true, true),
                "if" => log.condition = Some(value.to_owned()),
                _ => {
                    return Err(word.place.wrong(
                        format!("access_log has no parameter `{}`", word.text),
                        "nginx knows buffer=, flush=, gzip and if=",
                    ));
                }
            }
        }
        Ok(Some(log))
    }
}

/// What a path means, and whether it is relative.
fn log_target(path: &str, build: &NginxBuild) -> (LogTarget, bool) {
    if path.starts_with("syslog:") {
        return (LogTarget::Syslog(path.to_owned()), false);
    }
    let relative = !path.starts_with('/');
    let whole = build.prefix.join(path);
    let text = whole.to_string_lossy();
    if text.contains('$') {
        return (LogTarget::Pattern(pattern(&text)), relative);
    }
    // Files of memory are files.
    let is_in = |folder: &str| whole.starts_with(Path::new(folder));
    if (is_in("/dev/") && !is_in("/dev/shm/")) || is_in("/proc/") {
        return (LogTarget::Device(whole), relative);
    }
    (LogTarget::File(whole), relative)
}

/// The glob of a path with variables: each may be any text without a slash.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    let mut pieces = path.split('$');
    pattern.push_str(&glob::Pattern::escape(pieces.next().unwrap_or_default()));
    for piece in pieces {
        let rest = match piece.strip_prefix('{') {
            Some(braced) => braced.split_once('}').map_or("", |(_, rest)| rest),
            None => piece.trim_start_matches(|byte: char| byte.is_ascii_alphanumeric() || byte == '_'),
        };
        if !pattern.ends_with('*') {
            pattern.push('*');
        }
        pattern.push_str(&glob::Pattern::escape(rest));
    }
    pattern
}

fn format_remedy(name: &str, formats: &[DeclaredFormat]) -> String {
    match meant(name, formats.iter().map(|format| format.name.as_str()), 3) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "declare it with `log_format` in the http block".to_owned(),
    }
}
