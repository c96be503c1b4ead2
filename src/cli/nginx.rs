//! nginx's own configuration: the files it is made of, which of its logs are followed and why others are not.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::config::{Config, DEFAULT_NGINX, LogSection, NO_NGINX, RoutesBy, Surroundings};
use super::output::say;
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::conf::{AccessLog, Files, Nginx, Note, Target, WILDCARDS};
use crate::record::{Needs, Parser};
use crate::route::Locations;

/// nginx's configuration, as read.
pub(super) struct Conf {
    /// The main file.
    pub(super) path: PathBuf,
    /// Whether our configuration names it; else it was found where it usually is.
    pub(super) named: bool,
    pub(super) nginx: Nginx,
    /// Its locations, to name routes by.
    pub(super) locations: Locations,
}

/// Which of nginx's logs are followed.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) logs: Vec<Log>,
    /// What is followed; one message each.
    pub(super) said: Vec<String>,
    /// What may surprise about it.
    pub(super) doubts: Vec<String>,
    /// What is not followed, and why.
    pub(super) refused: Vec<String>,
}

impl Conf {
    /// The configuration of nginx that `config` names, else, if that names no log either, the one in its usual place,
    /// unless that cannot be read: [`Conf::usual`] says why.
    pub(super) fn of(config: &Config) -> Result<Option<Conf>> {
        match &config.nginx {
            Some(path) if path.value == NO_NGINX => Ok(None),
            Some(path) => match Conf::read(Path::new(&path.value), true) {
                Ok(conf) => Ok(Some(conf)),
                Err(error) if !Path::new(&path.value).exists() => Err(path
                    .mistake(format!("`nginx`: {}", error.what()))
                    .remedy("name nginx's main configuration file")),
                Err(error) => Err(error),
            },
            None if config.logs.is_empty() && Path::new(DEFAULT_NGINX).exists() => Ok(Conf::usual().ok()),
            None => Ok(None),
        }
    }

    /// nginx's configuration in its usual place.
    pub(super) fn usual() -> Result<Conf> {
        Conf::read(Path::new(DEFAULT_NGINX), false)
    }

    fn read(path: &Path, named: bool) -> Result<Conf> {
        let nginx = Nginx::read(path, &Disk, &Surroundings::of_process().host_name).map_err(Error::from)?;
        let locations = Locations::new(&nginx);
        Ok(Conf { path: path.to_owned(), named, nginx, locations })
    }

    /// The logs to follow, but for those that `sections` follow already.
    pub(super) fn followed(&self, sections: &[LogSection]) -> Followed {
        let mut followed = Followed::default();
        let mut taken: Vec<(&Target, &str)> = Vec::new();
        let mut logs: Vec<&AccessLog> = self.nginx.logs.iter().collect();
        // A file by its own name before the patterns that may mean it, too.
        logs.sort_by_key(|log| matches!(log.target, Target::Pattern(_)));
        for log in logs {
            let shown = shown(&log.target);
            let format = self.nginx.formats.get(log.format);
            let name = format.map_or("", |format| format.name.as_str());
            match self.follow(log, sections, &taken) {
                Ok(new) => {
                    let late = if log.buffered { ", buffered" } else { "" };
                    followed.said.push(format!("{shown}, format {name}{late} ({})", log.place));
                    followed.doubts.extend(self.doubts(log, &new));
                    followed.logs.push(new);
                    taken.push((&log.target, name));
                }
                Err(why) => followed.refused.push(format!("{shown} is not followed: {why} ({})", log.place)),
            }
        }
        followed
    }

    /// The log to follow, or why not.
    fn follow(
        &self,
        log: &AccessLog,
        sections: &[LogSection],
        taken: &[(&Target, &str)],
    ) -> std::result::Result<Log, String> {
        let pattern = match &log.target {
            Target::Syslog(_) => return Err("it goes to syslog; follow the file that syslog writes".to_owned()),
            Target::Device(_) => return Err("it is no file".to_owned()),
            Target::File(path) if is_device(path) => return Err("it is a device or a pipe, no file".to_owned()),
            Target::File(_) | Target::Pattern(_) => log.target.pattern().unwrap_or_default(),
        };
        if log.gzip {
            return Err(
                "nginx compresses it as it writes, so that its lines cannot be read as they come; take `gzip` \
                        out of its access_log, or give the file to `spikeline report`"
                    .to_owned(),
            );
        }
        if let Some(section) = sections.iter().find(|section| covers(section, &log.target, &pattern)) {
            return Err(format!("the [[log]] at line {} is about it", section.path.line));
        }
        if let Some((_, other)) = taken.iter().find(|(target, _)| **target == log.target) {
            return Err(format!("it is followed in format {other} already, and only lines in that one can be read"));
        }
        self.log(log, pattern)
    }

    /// A log with its format compiled.
    fn log(&self, log: &AccessLog, pattern: String) -> std::result::Result<Log, String> {
        let format = self.nginx.formats.get(log.format).ok_or("it has no format")?;
        let place = |error: &str| match &format.place {
            Some(place) => format!("log_format {} at {place}: {error}", format.name),
            None => error.to_owned(),
        };
        let format = format.compile().map_err(|error| place(&error.to_string()))?;
        Parser::new(&format, &Needs::latency()).map_err(|error| place(&error.to_string()))?;
        Ok(Log { pattern, format })
    }

    /// What may surprise about a log that is followed.
    fn doubts(&self, log: &AccessLog, new: &Log) -> Vec<String> {
        let mut doubts = Vec::new();
        let shown = shown(&log.target);
        if log.relative {
            doubts.push(format!(
                "{shown}: the path is relative to nginx's --prefix, which its configuration does not say; if this one is \
                 wrong (`nginx -V`), name the log in a [[log]]"
            ));
        }
        doubts.extend(self.meant_too(log).map(|path| {
            format!(
                "{shown}: that pattern means {} too, which has no such lines; name the files in [[log]] sections",
                path.display()
            )
        }));
        let writers = self.locations.writers_of(&new.pattern);
        let says_server = ["host", "http_host", "server_name"].iter().any(|name| new.format.index_of(name).is_some());
        if writers > 1 && !says_server {
            doubts.push(format!(
                "{shown}: {writers} servers write it, and its format does not say which: routes are named by location only \
                 where all agree; add $host to the log_format"
            ));
        }
        doubts
    }

    /// A file that the pattern of a path with variables means as well, although other lines are in it. Logs that have a
    /// format of their own are followed in that.
    fn meant_too(&self, log: &AccessLog) -> Option<&Path> {
        let Target::Pattern(pattern) = &log.target else { return None };
        let pattern = glob::Pattern::new(pattern).ok()?;
        let errors = self.nginx.error_logs.iter().map(PathBuf::as_path);
        errors.into_iter().find(|path| pattern.matches_path_with(path, WILDCARDS))
    }

    /// The logs that nginx compresses as it writes them: not followed, but read when given.
    pub(super) fn compressed(&self) -> Vec<Log> {
        let compressed = self.nginx.logs.iter().filter(|log| log.gzip);
        compressed.filter_map(|log| self.log(log, log.target.pattern()?).ok()).collect()
    }

    /// Says what is followed and what is not, and what there is to know about routes.
    pub(super) fn say(&self, config: &Config) {
        let path = self.path.display();
        let Followed { said, doubts, refused, .. } = self.followed(&config.logs);
        for message in said.into_iter().chain(doubts).chain(refused) {
            say(&format!("spikeline: {path}: {message}"));
        }
        for note in self.notes(config) {
            say(&format!("spikeline: {}: {}", note.place, note.text));
        }
    }

    /// What there is to know about the configuration, and about its locations if routes are named by them.
    pub(super) fn notes(&self, config: &Config) -> impl Iterator<Item = &Note> {
        let by_location = config.routes_by == RoutesBy::Location;
        self.nginx.notes.iter().chain(self.locations.notes().iter().filter(move |_| by_location))
    }
}

fn shown(target: &Target) -> String {
    match target {
        Target::File(path) | Target::Device(path) => path.display().to_string(),
        Target::Pattern(text) | Target::Syslog(text) => text.clone(),
    }
}

/// Whether a `[[log]]` is about a log of nginx.
fn covers(section: &LogSection, target: &Target, pattern: &str) -> bool {
    let own = &section.path.value;
    own == pattern
        || matches!(target, Target::File(path) if Path::new(own) == path
            || glob::Pattern::new(own).is_ok_and(|own| own.matches_path_with(path, WILDCARDS)))
}

/// Whether a path leads to what is no file: container images link their logs to `/dev/stdout`.
fn is_device(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|status| {
        let kind = status.file_type();
        kind.is_char_device() || kind.is_fifo() || kind.is_socket()
    })
}

/// The files on disk.
struct Disk;

impl Files for Disk {
    fn files(&self, pattern: &str) -> std::result::Result<Vec<(PathBuf, Vec<u8>)>, String> {
        let paths = if pattern.contains(['*', '?', '[']) {
            let found = glob::glob_with(pattern, WILDCARDS).map_err(|error| error.to_string())?;
            let mut paths: Vec<PathBuf> = found.flatten().filter(|path| !path.is_dir()).collect();
            paths.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
            paths
        } else {
            vec![PathBuf::from(pattern)]
        };
        let mut files = Vec::new();
        for path in paths {
            match std::fs::read(&path) {
                Ok(bytes) => files.push((path, bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(format!("cannot read {}: {error}", path.display())),
            }
        }
        Ok(files)
    }
}
