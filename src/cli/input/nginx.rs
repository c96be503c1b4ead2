//! nginx's own configuration: the files it is made of, which of its logs are followed and why others are not.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::conf_files::{ConfFilesOnDisk, ConfStamp, is_device};
use crate::cli::config::{Config, DEFAULT_NGINX, LogSection, NO_NGINX, RoutesBy, Surroundings};
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::Format;
use crate::grammar::conf::{
    AccessLog, ConfNote, DeclaredFormat, LogChoice, LogContext, LogDetail, LogTarget, NginxConf, WILDCARDS,
};
use crate::record::{Needs, RecordParser};
use crate::route::Locations;
use crate::wildcards::means;

/// A log as it can be followed, or why it is not.
type Followable = std::result::Result<Log, String>;

/// nginx's configuration, as read.
pub(in crate::cli) struct NginxSetup {
    /// The main file.
    pub(in crate::cli) path: PathBuf,
    /// Whether our configuration names it; else it was found where it usually is.
    pub(in crate::cli) named: bool,
    pub(in crate::cli) nginx: NginxConf,
    /// Its locations, to name routes by.
    pub(in crate::cli) locations: Locations,
    /// The files that it is made of, as they were when they were read.
    pub(super) stamps: Vec<ConfStamp>,
}

/// Which of nginx's logs are followed.
#[derive(Default)]
pub(in crate::cli) struct Followed {
    pub(in crate::cli) logs: Vec<Log>,
    /// What is followed; one message each.
    pub(in crate::cli) said: Vec<String>,
    /// What may surprise about it.
    pub(in crate::cli) doubts: Vec<String>,
    /// What is not followed, and why.
    pub(in crate::cli) refused: Vec<String>,
    /// The patterns of those that are written in a format that cannot be counted by, with the same words.
    pub(in crate::cli) uncountable: BTreeMap<String, String>,
}

impl NginxSetup {
    /// The configuration of nginx that `config` names, else, if that names no log either, the one in its usual place,
    /// unless that cannot be read: [`NginxSetup::usual`] says why.
    pub(in crate::cli) fn find(config: &Config) -> Result<Option<NginxSetup>> {
        match &config.nginx {
            Some(path) if path.value == NO_NGINX => Ok(None),
            Some(path) => match NginxSetup::read_by(Path::new(&path.value), true, &ConfFilesOnDisk::default()) {
                Ok(conf) => Ok(Some(conf)),
                Err(error) if !Path::new(&path.value).exists() => Err(path
                    .mistake(format!("`nginx`: {}", error.what()))
                    .remedy("name nginx's main configuration file")),
                Err(error) => Err(error),
            },
            None if config.logs.is_empty() && Path::new(DEFAULT_NGINX).exists() => Ok(NginxSetup::usual().ok()),
            None => Ok(None),
        }
    }

    /// nginx's configuration in its usual place.
    pub(in crate::cli) fn usual() -> Result<NginxSetup> {
        NginxSetup::read_by(Path::new(DEFAULT_NGINX), false, &ConfFilesOnDisk::default())
    }

    /// A configuration with all that it includes.
    pub(super) fn read_by(path: &Path, named: bool, files: &ConfFilesOnDisk) -> Result<NginxSetup> {
        let nginx = NginxConf::read(path, files, &Surroundings::of_process().host_name).map_err(Error::from)?;
        let locations = Locations::new(&nginx);
        Ok(NginxSetup { path: path.to_owned(), named, nginx, locations, stamps: files.stamps() })
    }

    /// The logs to follow, but for those that `sections` follow already; of several with the same requests the one that
    /// says most.
    pub(in crate::cli) fn followed(&self, sections: &[LogSection]) -> Followed {
        let (mut found, says) = self.candidates(sections);
        let choice = LogChoice::of(&self.nginx.contexts, &says);
        for (log, others) in &choice.left_out {
            found.insert(*log, Err(self.left_out(*log, others, &says)));
        }
        let mut followed = Followed::default();
        // A file by its own name before the patterns that may mean it, too.
        for number in self.names_first() {
            let Some((log, found)) = self.nginx.logs.get(number).zip(found.remove(&number)) else { continue };
            let shown = shown_target(&log.target);
            match found {
                Ok(new) => {
                    let late = if log.buffered { ", buffered" } else { "" };
                    followed.said.push(format!("{shown}, format {}{late} ({})", self.format_name(log), log.place));
                    followed.doubts.extend(self.doubts(log, &new, &choice));
                    followed.logs.push(new);
                }
                Err(why) => {
                    let refusal = format!("{shown} is not followed: {why} ({})", log.place);
                    if let Some(pattern) =
                        log.target.pattern().filter(|pattern| self.log(log, pattern.clone()).is_err())
                    {
                        followed.uncountable.insert(pattern, refusal.clone());
                    }
                    followed.refused.push(refusal);
                }
            }
        }
        followed.doubts.extend(self.counted_twice(&choice, &says));
        followed
    }

    /// The numbers of the logs, those with a name before those with a pattern.
    fn names_first(&self) -> Vec<usize> {
        let (mut named, mut patterns) = (Vec::new(), Vec::new());
        for (number, log) in self.nginx.logs.iter().enumerate() {
            match log.target {
                LogTarget::Pattern(_) => patterns.push(number),
                _ => named.push(number),
            }
        }
        named.append(&mut patterns);
        named
    }

    /// Each log as it can be followed, or why not; and what the lines of those say that are, here or in a section.
    fn candidates(&self, sections: &[LogSection]) -> (BTreeMap<usize, Followable>, Vec<Option<LogDetail>>) {
        let mut found = BTreeMap::new();
        let mut says = vec![None; self.nginx.logs.len()];
        let mut taken: Vec<(&LogTarget, &str)> = Vec::new();
        for number in self.names_first() {
            let Some((log, says)) = self.nginx.logs.get(number).zip(says.get_mut(number)) else { continue };
            let candidate = match readable_pattern(log) {
                Ok(pattern) => match sections.iter().find(|section| covers_log(section, &log.target, &pattern)) {
                    Some(section) => {
                        *says = Some(LogDetail::decided());
                        Err(format!("the [[log]] at line {} is about it", section.path.line))
                    }
                    None => self.follow(log, pattern, &taken),
                },
                Err(why) => Err(why),
            };
            if let Ok(new) = &candidate {
                *says = Some(LogDetail::of(&new.format, &log.target));
                taken.push((&log.target, self.format_name(log)));
            }
            found.insert(number, candidate);
        }
        (found, says)
    }

    /// The name of the log_format that a log is written in.
    fn format_name(&self, log: &AccessLog) -> &str {
        match self.nginx.formats.get(log.format) {
            Some(format) => &format.name,
            None => "",
        }
    }

    /// The log to follow, or why not.
    /// The same file may be written in two formats: `taken` has the files that are followed, each with its format.
    fn follow(&self, log: &AccessLog, pattern: String, taken: &[(&LogTarget, &str)]) -> Followable {
        for (target, format) in taken {
            if **target == log.target {
                return Err(format!(
                    "it is followed in format {format} already, and only lines in that one can be read"
                ));
            }
        }
        self.log(log, pattern)
    }

    /// Why a log is left out.
    fn left_out(&self, log: usize, others: &BTreeSet<usize>, says: &[Option<LogDetail>]) -> String {
        let own = says.get(log).copied().flatten().unwrap_or_default();
        let mut each = Vec::new();
        for other in others {
            let theirs = says.get(*other).copied().flatten().unwrap_or_default();
            let why = match theirs.compare_lines(own) {
                _ if theirs.is_decided() => "which a [[log]] is about",
                Ordering::Greater => "which says more",
                Ordering::Equal => "which says as much",
                Ordering::Less => "which has other requests, too",
            };
            each.push(format!("in {}, {why}", self.shown_log(*other)));
        }
        format!("the same requests as {}", each.join(", and "))
    }

    /// The requests that are counted more than once, and how to have them counted once.
    fn counted_twice(&self, choice: &LogChoice, says: &[Option<LogDetail>]) -> Vec<String> {
        let contexts = &self.nginx.contexts;
        let mut by_logs: BTreeMap<&[usize], Vec<&LogContext>> = BTreeMap::new();
        for (at, logs) in &choice.several {
            by_logs.entry(logs).or_default().extend(contexts.get(*at));
        }
        let mut told = Vec::new();
        for (logs, contexts_of) in by_logs {
            let Some(first) = contexts_of.first() else { continue };
            let more = match contexts_of.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more like it"),
            };
            let which = if has_condition(first, logs) { "that meet the conditions of several" } else { "are in each" };
            let (remedy, nginx) = match self.log_to_name(logs, says) {
                Some(log) => {
                    let beside = format!(" (beside `nginx = \"{}\"`)", self.path.display());
                    let remedy = format!("name {} in a [[log]], and the rest is left out", self.shown_log(log));
                    (remedy, if self.named { String::new() } else { beside })
                }
                None => ("name those to follow in [[log]]s".to_owned(), format!(", and `nginx = \"{NO_NGINX}\"`")),
            };
            let mut shown = Vec::new();
            for log in logs {
                shown.push(self.shown_log(*log));
            }
            told.push(format!(
                "{}: requests of {}{more} {which} of these logs and are counted once for each: {}; to have them counted \
                 once, {remedy}{nginx}",
                first.place,
                first.level,
                shown.join(", "),
            ));
        }
        told
    }

    /// The log of these that, named in a `[[log]]`, has their requests counted once. What naming it would do is tried,
    /// as it depends on all else that is written.
    fn log_to_name(&self, logs: &[usize], says: &[Option<LogDetail>]) -> Option<usize> {
        for log in logs {
            let mut says = says.to_vec();
            if let Some(says) = says.get_mut(*log) {
                *says = Some(LogDetail::decided());
            }
            let choice = LogChoice::of(&self.nginx.contexts, &says);
            if choice.several.iter().all(|(_, several)| several != logs) {
                return Some(*log);
            }
        }
        None
    }

    /// A log as messages name it, by its number.
    fn shown_log(&self, log: usize) -> String {
        match self.nginx.logs.get(log) {
            Some(log) => shown_target(&log.target),
            None => String::new(),
        }
    }

    /// A log with its format compiled.
    fn log(&self, log: &AccessLog, pattern: String) -> Followable {
        let format = self.nginx.formats.get(log.format).ok_or("it has no format")?;
        let error = match compile_for_latency(format) {
            Ok(format) => return Ok(Log { pattern, format }),
            Err(error) => error,
        };
        Err(match &format.place {
            Some(place) => format!("log_format {} at {place}: {error}", format.name),
            None => error,
        })
    }

    /// What may surprise about a log that is followed.
    fn doubts(&self, log: &AccessLog, new: &Log, choice: &LogChoice) -> Vec<String> {
        let mut doubts = Vec::new();
        let shown = shown_target(&log.target);
        if log.relative {
            doubts.push(format!(
                "{shown}: the path is relative to nginx's --prefix, which its configuration does not say; if this one is \
                 wrong (`nginx -V`), name the log in a [[log]]"
            ));
        }
        if let Some(path) = self.meant_too(log, choice) {
            doubts.push(format!(
                "{shown}: that pattern means {} too, which has other lines; name the files in [[log]] sections",
                path.display()
            ));
        }
        let writers = self.locations.writers_of(&new.pattern);
        if writers > 1 && !says_server(&new.format) {
            doubts.push(format!(
                "{shown}: {writers} servers write it, and its format does not say which: routes are named by location only \
                 where all agree; add $host to the log_format"
            ));
        }
        doubts
    }

    /// A file that the pattern of a path with variables means as well, although other lines are in it, or requests that
    /// are counted elsewhere. Logs that are followed by their own name are not meant.
    fn meant_too(&self, log: &AccessLog, choice: &LogChoice) -> Option<&Path> {
        let LogTarget::Pattern(pattern) = &log.target else { return None };
        let pattern = glob::Pattern::new(pattern).ok()?;
        let mut others: Vec<&Path> = self.nginx.error_logs.iter().map(PathBuf::as_path).collect();
        for log in choice.left_out.keys() {
            if let Some(AccessLog { target: LogTarget::File(path), .. }) = self.nginx.logs.get(*log) {
                others.push(path);
            }
        }
        others.into_iter().find(|path| means(&pattern, path, WILDCARDS))
    }

    /// The logs that are not followed but read when given: those that nginx compresses as it writes them, and those
    /// whose requests are in another that is followed.
    pub(in crate::cli) fn given(&self, sections: &[LogSection]) -> Vec<Log> {
        let choice = LogChoice::of(&self.nginx.contexts, &self.candidates(sections).1);
        let mut given = Vec::new();
        for (number, log) in self.nginx.logs.iter().enumerate() {
            if !log.gzip && !choice.left_out.contains_key(&number) {
                continue;
            }
            if let Some(pattern) = log.target.pattern() {
                given.extend(self.log(log, pattern));
            }
        }
        given
    }

    /// What is followed and what is not, and what there is to know about routes.
    pub(in crate::cli) fn remarks(&self, config: &Config) -> Vec<String> {
        let path = self.path.display();
        let Followed { said, doubts, refused, .. } = self.followed(&config.logs);
        let mut remarks = Vec::new();
        for message in said.into_iter().chain(doubts).chain(refused) {
            remarks.push(format!("{path}: {message}"));
        }
        for note in self.notes(config) {
            remarks.push(format!("{}: {}", note.place, note.text));
        }
        remarks
    }

    /// What there is to know about the configuration, and about its locations if routes are named by them.
    pub(in crate::cli) fn notes(&self, config: &Config) -> impl Iterator<Item = &ConfNote> {
        let of_locations = match config.routes_by {
            RoutesBy::Location => self.locations.notes(),
            _ => &[],
        };
        self.nginx.notes.iter().chain(of_locations)
    }
}

/// A format of nginx's, or why a daemon cannot count by it.
fn compile_for_latency(format: &DeclaredFormat) -> std::result::Result<Format, String> {
    let compiled = format.compile().map_err(|error| error.to_string())?;
    RecordParser::new(&compiled, &Needs::latency()).map_err(|error| error.to_string())?;
    Ok(compiled)
}

/// Whether the lines say for which server a request was.
fn says_server(format: &Format) -> bool {
    ["host", "http_host", "server_name"].into_iter().find_map(|name| format.index_of(name)).is_some()
}

/// Whether one of these logs has only some requests of a context: its `access_log` has an `if=` there.
fn has_condition(context: &LogContext, logs: &[usize]) -> bool {
    for writing in &context.writings {
        if writing.condition.is_some() && logs.contains(&writing.log) {
            return true;
        }
    }
    false
}

/// The pattern of a log that can be read, or why it cannot.
fn readable_pattern(log: &AccessLog) -> std::result::Result<String, String> {
    let pattern = match &log.target {
        LogTarget::Syslog(_) => return Err("it goes to syslog; follow the file that syslog writes".to_owned()),
        LogTarget::Device(_) => return Err("it is no file".to_owned()),
        LogTarget::File(path) if is_device(path) => return Err("it is a device or a pipe, no file".to_owned()),
        LogTarget::File(_) | LogTarget::Pattern(_) => log.target.pattern().unwrap_or_default(),
    };
    if log.gzip {
        return Err("nginx compresses it as it writes, so that its lines cannot be read as they come; take `gzip` \
                    out of its access_log, or give the file to `spikeline report`"
            .to_owned());
    }
    Ok(pattern)
}

/// Where a log is written, as messages name it.
fn shown_target(target: &LogTarget) -> String {
    match target {
        LogTarget::File(path) | LogTarget::Device(path) => path.display().to_string(),
        LogTarget::Pattern(text) | LogTarget::Syslog(text) => text.clone(),
    }
}

/// Whether a `[[log]]` is about a log of nginx.
fn covers_log(section: &LogSection, target: &LogTarget, pattern: &str) -> bool {
    let own = &section.path.value;
    own == pattern
        || matches!(target, LogTarget::File(path) if Path::new(own) == path
            || glob::Pattern::new(own).is_ok_and(|own| means(&own, path, WILDCARDS)))
}
