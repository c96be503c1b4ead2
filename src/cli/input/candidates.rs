//! In which format each file is that a command names: as said on the command line, as configured, or as found.

use std::collections::HashMap;
use std::sync::Arc;

use super::configured::configured_format;
use super::context::Context;
use super::doubts::foreign_words;
use super::formats::{GivenFormat, Undetected, describe_taken, detect_format, learn_keys, names_file, parse_given};
use super::head::HEAD_LINES;
use super::logs;
use crate::cli::answer::output::say;
use crate::cli::args::FormatArguments;
use crate::daemon::Log;
use crate::error::{Error, Result};
use crate::grammar::{ForeignLines, Format, foreign_lines, texts};
use crate::source::Compression;

/// The formats that a file may be in.
pub(in crate::cli) struct FormatCandidates {
    given: Option<GivenFormat>,
    /// What the configuration says of the logs that it names.
    logs: Vec<Log>,
    all: Vec<Format>,
    found: HashMap<usize, Arc<Format>>,
    /// Which lines of which files are in another format than most.
    pub(super) left_out: Vec<Error>,
}

impl FormatCandidates {
    /// What the command line says, what both configurations say, and all grammars. Fails where any of them cannot be
    /// understood, before a file is opened.
    pub(in crate::cli) fn new(context: &Context, arguments: &FormatArguments) -> Result<FormatCandidates> {
        let all = context.grammars()?;
        let given = parse_given(arguments, &all)?;
        let known = context.has_config() || context.nginx()?.is_some();
        let mut logs = if known { logs::logs(context)? } else { Vec::new() };
        if let Some(conf) = context.nginx()? {
            logs.extend(conf.given(&context.config()?.logs));
        }
        Ok(FormatCandidates { given, logs, all, found: HashMap::new(), left_out: Vec::new() })
    }

    /// The configured logs, and nginx's own.
    pub(in crate::cli) fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The log that means the file of this name.
    pub(in crate::cli) fn log(&self, name: &str) -> Option<&Log> {
        // nginx's own logs have absolute paths.
        let whole = std::path::absolute(name).map(|path| path.display().to_string()).unwrap_or_default();
        self.logs.iter().find(|log| names_file(&log.pattern, name) || names_file(&log.pattern, &whole))
    }

    /// Notes which lines of a file are in another format than it is read in.
    fn leave_out(&mut self, name: &str, foreign: &[ForeignLines], format: &Format) {
        if !foreign.is_empty() {
            let words = foreign_words(foreign, &self.all);
            self.left_out.push(Error::failed(format!(
                "{name}: of its first lines, {words}, not in `{}`: such lines are left out",
                format.name()
            )));
        }
    }

    /// The format of the file of this name, which begins with these lines.
    pub(in crate::cli) fn format(&mut self, name: &str, head: &[u8]) -> Result<Arc<Format>> {
        let unknown = |undetected: Undetected| match Compression::unread_packer(head) {
            Some(packer) => Error::usage(format!("{name}: it is packed by {packer}, which is not read"))
                .remedy("unpack it, or pack it with gzip, zstd, xz or bzip2"),
            None => Error::usage(format!("{name}: {}", undetected.what)).remedy(undetected.help),
        };
        let wrapper = match &self.given {
            Some(GivenFormat::Format(format)) => return Ok(Arc::new(learn_keys(format, head))),
            Some(GivenFormat::Wrapper(wrapper)) => Some(*wrapper),
            None => None,
        };
        if wrapper.is_none()
            && let Some(log) = self.log(name)
        {
            return Ok(Arc::new(learn_keys(&log.format, head)));
        }
        if wrapper.is_none()
            && let Some((format, log)) =
                configured_format(&self.logs, head).map_err(|what| unknown(Undetected::new(what)))?
        {
            // Which of its names a format of the library has says nothing new.
            if !self.all.iter().any(|known| known.text() == format.text() && known.escape() == format.escape()) {
                say(&format!("{name}: taken as written in the format of {log}, as configured"));
            }
            let texts = texts(format.wrapper(), head, HEAD_LINES);
            let lines: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
            self.leave_out(name, &foreign_lines(&lines, &format, &self.all), &format);
            return Ok(Arc::new(format));
        }
        let found = detect_format(wrapper, head, &self.all).map_err(unknown)?;
        self.leave_out(name, &found.left_out, &found.format);
        if let Some(taken) = describe_taken(&found.format, head) {
            say(&format!("{name}: {taken}"));
        }
        let same = |known: &&Arc<Format>| known.wrapper() == found.format.wrapper();
        if let Some(known) = found.candidate.and_then(|candidate| self.found.get(&candidate)).filter(same) {
            return Ok(Arc::clone(known));
        }
        let format = Arc::new(found.format);
        if let Some(candidate) = found.candidate {
            self.found.insert(candidate, Arc::clone(&format));
        }
        Ok(format)
    }
}
