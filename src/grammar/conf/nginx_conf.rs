//! What spikeline takes from nginx.conf: formats, logs, servers with their locations, upstreams.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::access_log::AccessLog;
use super::build::NginxBuild;
use super::error::{ConfError, ConfPlace};
use super::files::{ConfDump, ConfFiles};
use super::location::{self, Location, LocationMatch};
use super::log_choice::{LogContext, LogWriting};
use super::log_format::DeclaredFormat;
use super::log_format_directive::assemble_log_format;
use super::server::{self, Server};
use super::tree::{self, ConfDirective};
use super::value_makers::ValueMakers;

/// An `upstream`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamGroup {
    /// Its name.
    pub name: String,
    /// The addresses of its servers.
    pub servers: Vec<String>,
}

/// Something that a person should know about the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfNote {
    /// What it is about.
    pub place: ConfPlace,
    /// What there is to know.
    pub text: String,
}

/// A configuration, as far as spikeline looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NginxConf {
    /// The formats; `combined` is the first.
    pub formats: Vec<DeclaredFormat>,
    /// The logs, each target and format once, in order of first appearance.
    pub logs: Vec<AccessLog>,
    /// The blocks that write them.
    pub contexts: Vec<LogContext>,
    /// The servers, in their order.
    pub servers: Vec<Server>,
    /// The upstreams.
    pub upstreams: Vec<UpstreamGroup>,
    /// The files of `error_log`, at any level.
    pub error_logs: Vec<PathBuf>,
    /// What else there is to know.
    pub notes: Vec<ConfNote>,
}

impl NginxConf {
    /// Reads the configuration whose main file is `main`, which may be an `nginx -T` dump.
    ///
    /// # Errors
    /// As [`tree::read`], and for a log_format or access_log that nginx would refuse.
    pub fn read(main: &Path, files: &dyn ConfFiles, host_name: &str) -> Result<NginxConf, ConfError> {
        let dump = files.files(&main.to_string_lossy()).ok().and_then(|found| ConfDump::read(&found.first()?.1));
        let (main, directives) = match &dump {
            Some(dump) => (dump.main(), tree::read(dump.main(), dump)?),
            None => (main, tree::read(main, files)?),
        };
        NginxConf::of(&directives, &NginxBuild::of_conf(main, host_name))
    }

    /// Takes what is needed from a tree. Where there is no `http` block, the tree counts as the inside of one: a file
    /// that is meant to be included.
    ///
    /// # Errors
    /// A log_format or access_log that nginx would refuse, or a server or location that cannot be read.
    pub fn of(directives: &[ConfDirective], build: &NginxBuild) -> Result<NginxConf, ConfError> {
        let mut taking = NginxReader {
            build,
            nginx: NginxConf {
                formats: vec![DeclaredFormat::combined()],
                logs: Vec::new(),
                contexts: Vec::new(),
                servers: Vec::new(),
                upstreams: Vec::new(),
                error_logs: Vec::new(),
                notes: Vec::new(),
            },
        };
        let blocks: Vec<&[ConfDirective]> =
            directives.iter().filter(|directive| directive.is("http")).map(ConfDirective::children).collect();
        if blocks.is_empty() {
            taking.read_http(directives)?;
        }
        for block in blocks {
            taking.read_http(block)?;
        }
        taking.error_logs(directives);
        for stream in directives.iter().filter(|directive| directive.is("stream")) {
            taking.note_stream_logs(stream);
        }
        Ok(taking.nginx)
    }
}

struct NginxReader<'b> {
    build: &'b NginxBuild,
    nginx: NginxConf,
}

/// The logs of a context: none said anything yet, or `off` or these.
type OwnLogs = Option<Vec<usize>>;

impl NginxReader<'_> {
    fn read_http(&mut self, block: &[ConfDirective]) -> Result<(), ConfError> {
        for directive in block.iter().filter(|directive| directive.is("log_format")) {
            self.read_format(directive)?;
        }
        let makers = ValueMakers::of_http(block);
        for format in &mut self.nginx.formats {
            format.made = makers.made_in(&format.text);
        }
        let own = self.nginx.contexts.len();
        let logs = self.read_logs(block, "http level".to_owned())?;
        let contexts = own..self.nginx.contexts.len();
        let merge_slashes = read_flag(block, "merge_slashes").unwrap_or(true);
        for directive in block {
            match directive.name.text.as_str() {
                "server" => self.read_server(directive, logs.as_ref(), merge_slashes)?,
                "upstream" => self.read_upstream(directive),
                _ => {}
            }
        }
        let inherits = |directive: &ConfDirective| {
            directive.is("server") && !directive.children().iter().any(|d| d.is("access_log"))
        };
        if !block.iter().any(inherits) {
            self.move_unwritten(contexts);
        }
        Ok(())
    }

    /// To the logs of the contexts `which` no request goes, as every server has its own: they count as written there only
    /// if they are written nowhere else.
    fn move_unwritten(&mut self, which: Range<usize>) {
        let unwritten: Vec<LogContext> = self.nginx.contexts.drain(which).collect();
        for mut context in unwritten {
            let elsewhere =
                |log| self.nginx.contexts.iter().flat_map(|other| &other.writings).any(|own| own.log == log);
            context.writings.retain(|writing| !elsewhere(writing.log));
            if !context.writings.is_empty() {
                self.nginx.contexts.push(context);
            }
        }
    }

    fn error_logs(&mut self, block: &[ConfDirective]) {
        for directive in block {
            if directive.is("error_log") {
                self.nginx.error_logs.extend(directive.arg(0).map(|path| self.build.prefix.join(path)));
            }
            self.error_logs(directive.children());
        }
    }

    fn read_format(&mut self, directive: &ConfDirective) -> Result<(), ConfError> {
        let words = directive.args.iter().map(|word| word.text.as_str());
        let (name, escape, text) = assemble_log_format(words).map_err(|wrong| {
            let place = directive.args.get(wrong.word).map_or(&directive.name.place, |word| &word.place);
            place.wrong(wrong.reason, wrong.remedy)
        })?;
        if self.nginx.formats.iter().any(|known| known.name == name && known.place.is_some()) || name == "combined" {
            return Err(directive.wrong(format!("a second log_format `{name}`"), "rename one of the two"));
        }
        let place = Some(directive.name.place.clone());
        self.nginx.formats.push(DeclaredFormat { name: name.to_owned(), escape, text, place, made: Vec::new() });
        Ok(())
    }

    /// What the `access_log`s among a block's own directives say; `level` is what block it is.
    fn read_logs(&mut self, block: &[ConfDirective], level: String) -> Result<OwnLogs, ConfError> {
        let mut own = block.iter().filter(|directive| directive.is("access_log")).peekable();
        let Some(place) = own.peek().map(|first| first.name.place.clone()) else { return Ok(None) };
        let mut writings = Vec::new();
        let mut off = false;
        for directive in own {
            match AccessLog::read(directive, &self.nginx.formats, self.build)? {
                Some(log) => writings.push(LogWriting { condition: log.condition.clone(), log: self.log_index(log) }),
                None => off = true,
            }
        }
        // `off` beside others at one level: nginx opens their files and writes nothing.
        Ok(Some(if off { Vec::new() } else { self.add_context(level, place, writings) }))
    }

    /// Keeps a context; its logs.
    fn add_context(&mut self, level: String, place: ConfPlace, writings: Vec<LogWriting>) -> Vec<usize> {
        let logs = writings.iter().map(|writing| writing.log).collect();
        self.nginx.contexts.push(LogContext { level, place, writings });
        logs
    }

    /// The number of a log; the same target in the same format is one log.
    fn log_index(&mut self, log: AccessLog) -> usize {
        let known = self.nginx.logs.iter().position(|known| known.target == log.target && known.format == log.format);
        known.unwrap_or_else(|| {
            self.nginx.logs.push(log);
            self.nginx.logs.len() - 1
        })
    }

    fn read_server(
        &mut self,
        directive: &ConfDirective,
        http: Option<&Vec<usize>>,
        merge: bool,
    ) -> Result<(), ConfError> {
        let block = directive.children();
        let (names, name) = server::read_names(block, self.build)?;
        let level = if name.is_empty() { "a server".to_owned() } else { format!("server {name}") };
        let logs = match self.read_logs(block, level.clone())?.or_else(|| http.cloned()) {
            Some(logs) => logs,
            None => {
                let place = directive.name.place.clone();
                let log = self.log_index(AccessLog::built_in(self.build, place.clone()));
                self.add_context(level, place, vec![LogWriting { log, condition: None }])
            }
        };
        let mut all_logs = logs.clone();
        let locations = self.read_locations(block, &logs, &mut all_logs)?;
        all_logs.sort_unstable();
        all_logs.dedup();
        let (returns, rewrites) = server::read_rewriting(block);
        self.nginx.servers.push(Server {
            listens: server::read_listens(block),
            names,
            name,
            locations,
            merge_slashes: read_flag(block, "merge_slashes").unwrap_or(merge),
            returns,
            rewrites,
            logs,
            all_logs,
            place: directive.name.place.clone(),
        });
        Ok(())
    }

    fn read_locations(
        &mut self,
        block: &[ConfDirective],
        outer: &[usize],
        all_logs: &mut Vec<usize>,
    ) -> Result<Vec<Location>, ConfError> {
        let mut locations = Vec::new();
        for directive in block {
            match directive.name.text.as_str() {
                "location" => locations.push(self.read_location(directive, outer, all_logs)?),
                "if" | "limit_except" => {
                    let level = format!("`{}`", directive.name.text);
                    let logs = self.read_logs(directive.children(), level)?;
                    all_logs.extend(logs.unwrap_or_default());
                }
                _ => {}
            }
        }
        Ok(locations)
    }

    fn read_location(
        &mut self,
        directive: &ConfDirective,
        outer: &[usize],
        all_logs: &mut Vec<usize>,
    ) -> Result<Location, ConfError> {
        let block = directive.children();
        let (by, text) = location::read_location(directive)?;
        let logs = self.read_logs(block, format!("location {text}"))?.unwrap_or_else(|| outer.to_vec());
        all_logs.extend(&logs);
        let is_prefix = !matches!(by, LocationMatch::Regex { .. } | LocationMatch::Named);
        Ok(Location {
            by,
            internal: block.iter().any(|directive| directive.is("internal")),
            redirects: is_prefix && text.ends_with('/') && location::passes_requests(block),
            upstream: location::upstream_name(block),
            locations: self.read_locations(block, &logs, all_logs)?,
            logs,
            text,
            place: directive.name.place.clone(),
        })
    }

    fn read_upstream(&mut self, directive: &ConfDirective) {
        let servers = directive.children().iter().filter(|inside| inside.is("server"));
        self.nginx.upstreams.push(UpstreamGroup {
            name: directive.arg(0).unwrap_or_default().to_owned(),
            servers: servers.filter_map(|server| server.arg(0)).map(str::to_owned).collect(),
        });
    }

    /// What a `stream` block logs are connections: not followed, but not passed over in silence either.
    fn note_stream_logs(&mut self, directive: &ConfDirective) {
        for inside in directive.children() {
            if inside.is("access_log") && inside.arg(0) != Some("off") {
                let path = inside.arg(0).unwrap_or_default();
                let text = format!("{path} is not followed: `stream` logs connections, not requests");
                self.nginx.notes.push(ConfNote { place: inside.name.place.clone(), text });
            } else if inside.is("server") {
                self.note_stream_logs(inside);
            }
        }
    }
}

/// A directive that says `on` or `off`.
fn read_flag(block: &[ConfDirective], name: &str) -> Option<bool> {
    let directive = block.iter().find(|directive| directive.is(name))?;
    Some(directive.arg(0)? == "on")
}
