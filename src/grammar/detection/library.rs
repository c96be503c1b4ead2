//! The grammars that come with spikeline: `grammars/*.conf`, each a `log_format` directive as someone published it, with
//! where it comes from and lines that it wrote.

use crate::grammar::conf::directives;
use crate::grammar::format::Format;
use crate::grammar::format_error::FormatError;

/// A format with its origin and sample lines.
#[derive(Debug, Clone)]
pub struct Grammar {
    /// The compiled format.
    pub format: Format,
    /// Lines that it wrote.
    pub samples: Vec<String>,
    /// Where it comes from: the file's `# source: ` comment.
    pub source: String,
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// The embedded files, name and text, in the order in which detection prefers them.
        pub const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../grammars/", $name, ".conf")))),*];
    };
}

embedded![
    "combined",
    "main",
    "with_time",
    "timed",
    "combined_plus",
    "upstream_time",
    "upstream_times",
    "times_pipe_upstream",
    "admins_level_0",
    "agent",
    "alp_json",
    "alp_ltsv",
    "amplify",
    "apisix",
    "combined_upstream",
    "combined_upstream_connect",
    "edge_pipes",
    "gonx_thumbs",
    "honeytail",
    "ingress_nginx",
    "ingress_realip",
    "json_kazeburo",
    "json_lengths",
    "json_noquery",
    "lab",
    "lab_json",
    "lab_none",
    "lab_tsv",
    "ltsv_apptime",
    "ltsv_kazeburo",
    "ltsv_upstream",
    "main_time",
    "main_times",
    "matomo_json",
    "mozilla_msec",
    "npm_proxy",
    "npm_standard",
    "proto_combined",
    "tsv_geoip",
    "vhost_combined",
    "victorialogs_json",
];

/// The embedded grammars, in the order in which detection prefers them.
///
/// # Errors
/// None in a released build: the tests compile every file.
pub fn library() -> Result<Vec<Grammar>, FormatError> {
    parse(FILES.iter().copied())
}

/// The grammars of files given as (name, text) pairs, such as a user's own folder. A file may hold several formats.
///
/// # Errors
/// The first format that does not read or compile; its reason starts with the file's name.
pub fn parse<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Vec<Grammar>, FormatError> {
    let mut grammars = Vec::new();
    for (name, text) in files {
        let named = |error: FormatError| FormatError { reason: format!("{name}: {}", error.reason), ..error };
        let source = text.lines().find_map(|line| line.strip_prefix("# source: ")).unwrap_or_default().trim();
        for directive in directives(text).map_err(named)? {
            let format = directive.compile().map_err(named)?;
            grammars.push(Grammar { format, samples: directive.samples, source: source.to_owned() });
        }
    }
    Ok(grammars)
}
