//! In which format a file is: named on the command line, configured, or found from its first lines.

use std::path::Path;

use glob::MatchOptions;

use super::doubts::{GIVE_TEXT, cut_to, unrecognised_help, unrecognised_words};
use super::head::HEAD_LINES;
use crate::cli::args::FormatArguments;
use crate::error::{Error, Result, meant};
use crate::grammar::{
    AND_MORE, AND_NAMED, BARE_ADDRESS, Escape, FieldMeaning, Format, FormatError, Recognised, Wrapper,
    assumes_request_time, named_keys, read_meaning, read_paste, recognise_texts, texts, unread_tails, wrapper_of,
};
use crate::report::terminal_safe;
use crate::source::base_of;
use crate::wildcards::means;

/// At most so many kinds of lines are shown.
const KINDS_SHOWN: usize = 4;

/// At most so many characters of columns that are left alone are shown.
const TAIL_SHOWN: usize = 60;

/// A mistake in a log_format's text, which is shown with its place.
pub(in crate::cli) fn format_mistake(error: FormatError) -> Error {
    Error::usage(error.render())
}

/// [`format_mistake`] of a text on the command line.
fn text_mistake(error: FormatError) -> Error {
    Error::usage(format!("log_format: {}", error.render()))
}

/// What `--log-format` names: a format, or a wrapper alone.
pub(in crate::cli) enum GivenFormat {
    Format(Box<Format>),
    Wrapper(Wrapper),
}

/// `cri`, `docker` and `syslog` name a wrapper, `cri:FORMAT` a format in it.
pub(in crate::cli) fn parse_given(arguments: &FormatArguments, all: &[Format]) -> Result<Option<GivenFormat>> {
    let Some(text) = &arguments.log_format else { return Ok(None) };
    if arguments.escape.is_none()
        && let Ok(wrapper) = text.parse()
    {
        return Ok(Some(GivenFormat::Wrapper(wrapper)));
    }
    let format = named_or_text(text, arguments.escape.map(Escape::from), all)?;
    Ok(Some(GivenFormat::Format(Box::new(with_given_fields(&format, &arguments.fields)?))))
}

/// The format with what `--fields` says of its variables.
fn with_given_fields(format: &Format, fields: &[String]) -> Result<Format> {
    let mut meanings = Vec::new();
    for field in fields {
        let plain: String =
            field.chars().filter(|c| !c.is_whitespace() && !matches!(c, '{' | '}' | '"' | '\'')).collect();
        let Some((variable, meant)) = plain.split_once('=') else {
            return Err(Error::usage(format!("--fields `{field}` does not say what a variable stands for"))
                .remedy("write VARIABLE=MEANING, such as took=request_time:ms"));
        };
        let meaning = read_meaning(variable, meant)
            .map_err(|(what, remedy)| Error::usage(format!("--fields: {what}")).remedy(remedy))?;
        meanings.push(meaning);
    }
    if format.is_keyed() && !meanings.is_empty() {
        return Err(Error::usage("--fields goes only with a log_format's text")
            .remedy("name keys in the format: --log-format 'json request_time=took:ms'"));
    }
    with_fields(format, &meanings)
}

/// The format with what its variables say that are not nginx's own.
///
/// # Errors
/// It has no such variable.
pub(super) fn with_fields(format: &Format, meanings: &[FieldMeaning]) -> Result<Format> {
    for FieldMeaning { variable, .. } in meanings {
        if format.index_of(variable).is_none() {
            let names = || format.variables().iter().map(|known| known.name.as_str());
            let remedy = match meant(variable, names(), 3) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its variables: {}", names().collect::<Vec<&str>>().join(", ")),
            };
            return Err(Error::usage(format!("fields: the log_format has no ${variable}")).remedy(remedy));
        }
    }
    Ok(format.with_meanings(meanings))
}

/// The wrapper that `cri:FORMAT` names, and the format's name or text.
pub(in crate::cli) fn wrapper_and_rest(text: &str) -> (Option<Wrapper>, &str) {
    let named = text.split_once(':').and_then(|(name, rest)| Some((name.parse().ok()?, rest)));
    named.map_or((None, text), |(wrapper, rest)| (Some(wrapper), rest))
}

/// A keyed format with the further keys of the log that begins with `head`; another as it is.
pub(in crate::cli) fn learn_keys(format: &Format, head: &[u8]) -> Format {
    if !format.is_keyed() {
        return format.clone();
    }
    let texts = texts(format.wrapper(), head, HEAD_LINES);
    format.learnt_from(&texts.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>())
}

/// What the log that begins with `head` was taken for, if its format's name does not say that: its wrapper, its keys, what
/// is taken for granted, and which columns are left alone.
pub(in crate::cli) fn describe_taken(format: &Format, head: &[u8]) -> Option<String> {
    let texts = texts(format.wrapper(), head, HEAD_LINES);
    let lines: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
    let inside = format.wrapper().map(|wrapper| format!("{wrapper} around ")).unwrap_or_default();
    if format.is_keyed() {
        return Some(describe_keys(format, &inside, &lines));
    }
    let has_bare_address = format.index_of(BARE_ADDRESS).is_some();
    let tail = unread_tails(&lines, &format.without_wrapper()).find(|tail| !tail.is_empty()).map(terminal_safe);
    let more = match tail {
        Some(tail) => format!(
            ", and columns that nothing names behind it (`{}`): they are left alone until --log-format names them",
            cut_to(tail.trim(), TAIL_SHOWN)
        ),
        None if format.name().ends_with(AND_NAMED) => {
            format!(", and what its lines name behind it: {}", named_keys(&lines).join(", "))
        }
        None if assumes_request_time(format) => {
            "; its one time, which nothing names, as $request_time: if it is another, such as $upstream_response_time, \
             --log-format says so"
                .to_owned()
        }
        None if inside.is_empty() && !has_bare_address => return None,
        None => String::new(),
    };
    let bare = if has_bare_address {
        "; the address behind it, which nothing names ($http_x_forwarded_for, $http_x_real_ip ..), has no meaning until \
         --log-format names it"
    } else {
        ""
    };
    let name = format.name();
    let name = name.strip_suffix(AND_MORE).or_else(|| name.strip_suffix(AND_NAMED)).unwrap_or(name);
    Some(format!("taken as {inside}`{name}`{more}{bare}"))
}

fn describe_keys(format: &Format, inside: &str, lines: &[&[u8]]) -> String {
    let named = |(variable, key): &(String, String)| match variable == key {
        true => format!("${variable}"),
        false => format!("${variable} = {key}"),
    };
    let keys = |lines: &[&[u8]]| format.keys_of(lines).iter().map(named).collect::<Vec<_>>().join(", ");
    let kinds = format.lines_by_kind(lines);
    if kinds.len() < 2 {
        return format!("taken as {inside}{} by its keys: {}", format.name(), keys(lines));
    }
    let mut words = format!("taken as {inside}{} by its keys; its lines are of {} kinds:", format.name(), kinds.len());
    for kind in kinds.iter().take(KINDS_SHOWN) {
        let untimed = if format.roles_in(kind).request_time.is_none() { "; no $request_time" } else { "" };
        words += &format!("\n  {} of the first {}: {}{untimed}", kind.len(), lines.len(), keys(kind));
    }
    words
}

/// Why the format of a log cannot be said, and what to do about it.
pub(in crate::cli) struct Undetected {
    pub(in crate::cli) what: String,
    pub(in crate::cli) help: String,
}

impl Undetected {
    /// A reason that only a log_format's text helps against.
    pub(in crate::cli) fn new(what: String) -> Undetected {
        Undetected { what, help: GIVE_TEXT.to_owned() }
    }
}

/// What the log that begins with `head` is, in that wrapper if one is given; or why that cannot be said.
pub(in crate::cli) fn detect_format(
    wrapper: Option<Wrapper>,
    head: &[u8],
    formats: &[Format],
) -> std::result::Result<Recognised, Undetected> {
    let wrapper = wrapper.or_else(|| wrapper_of(head, HEAD_LINES));
    let texts = texts(wrapper, head, HEAD_LINES);
    recognise_texts(wrapper, &texts, formats).map_err(|error| {
        let lines: Vec<&[u8]> = texts.iter().map(AsRef::as_ref).collect();
        Undetected { what: unrecognised_words(&error, &lines, formats), help: unrecognised_help(&error, formats) }
    })
}

/// Whether a `[[log]]`'s path means the file of that name, or the log that it was rotated from.
pub(in crate::cli) fn names_file(pattern: &str, name: &str) -> bool {
    let base = base_of(Path::new(name));
    pattern == name
        || Path::new(pattern) == base
        || glob::Pattern::new(pattern)
            .is_ok_and(|pattern| [Path::new(name), &base].iter().any(|path| means(&pattern, path, MatchOptions::new())))
}

/// A grammar's name, a keyed format, or a log_format as it was pasted; perhaps in a wrapper.
pub(in crate::cli) fn named_or_text(text: &str, escape: Option<Escape>, all: &[Format]) -> Result<Format> {
    if let (Some(wrapper), rest) = wrapper_and_rest(text) {
        return Ok(named_or_text(rest, escape, all)?.in_wrapper(wrapper));
    }
    if let Some(pasted) = read_paste(text).map_err(text_mistake)? {
        return pasted.compile(escape).map_err(text_mistake);
    }
    if let Some(keyed) = Format::keyed(text) {
        if escape.is_some() {
            return Err(Error::usage(format!("`{text}` has no escape")).remedy("leave out --escape"));
        }
        return keyed.map_err(|error| Error::usage(format!("log format: {}", error.render())));
    }
    if escape.is_some() {
        return Err(Error::usage(format!("the grammar `{text}` has its own escape")).remedy("leave out --escape"));
    }
    all.iter().find(|format| format.name() == text).cloned().ok_or_else(|| unknown_name(text, all))
}

/// No grammar has that name: what may have been meant.
fn unknown_name(text: &str, all: &[Format]) -> Error {
    let error = Error::usage(format!("no grammar is named `{text}`"));
    if let Some(name) = meant(text, all.iter().map(Format::name).chain(["json", "ltsv"]), 3) {
        return error.remedy(format!("did you mean `{name}`?"));
    }
    if text.contains('/') {
        return error.remedy("a FILE of nginx.conf's is named by nginx = \"PATH\" in the configuration; here the log_format's text is given");
    }
    if text.trim().contains([' ', '"', '[']) {
        return error.remedy(
            "a log_format's text has $variables: in a shell put single quotes around it, so that they are not replaced",
        );
    }
    error.remedy("give a grammar's name, json, ltsv, or a log_format's text with its $variables")
}
