//! The two sides of `diff`: a window of the store, or files.

use std::path::PathBuf;

use crate::cli::answer::window;
use crate::cli::answer::{completeness, output::say};
use crate::cli::args::{DiffArguments, FileArguments, WindowArguments};
use crate::cli::counted::{CountedRows, CountingQuestion, refuse_members, refuse_series, rows_of_files, rows_of_store};
use crate::cli::input::asked_filter::asked_filter;
use crate::cli::input::context::Context;
use crate::cli::input::settings::interpreting;
use crate::error::{Error, Result};
use crate::record::RequestField;
use crate::store::WindowMatch;
use crate::time::Window;

/// A side as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SideSpec {
    /// `FROM..UNTIL` of the store.
    Window { from: String, until: String },
    /// Files and patterns, with commas between.
    Files(Vec<PathBuf>),
}

/// A side, counted.
pub(super) struct CountedSide {
    pub(super) counted: CountedRows,
    /// How long it is, in milliseconds; nothing where that is not known.
    pub(super) length_ms: Option<u64>,
    /// What the store's answer ended with.
    pub(super) last_word: Option<String>,
}

impl SideSpec {
    /// Read a side: a name that is a file is one.
    pub(super) fn parse(text: &str) -> Result<SideSpec> {
        if text.is_empty() {
            return Err(Error::usage("a side of diff is empty").remedy("give FROM..UNTIL, or files"));
        }
        if !std::path::Path::new(text).exists()
            && let Some((from, until)) = text.split_once("..")
            && !text.contains('/')
        {
            return Ok(SideSpec::Window { from: from.trim().to_owned(), until: until.trim().to_owned() });
        }
        Ok(SideSpec::Files(text.split(',').map(PathBuf::from).collect()))
    }

    /// Count it.
    pub(super) fn count(
        &self,
        context: &Context,
        arguments: &DiffArguments,
        by: &[RequestField],
    ) -> Result<CountedSide> {
        let (window, files) = match self {
            SideSpec::Window { from, until } => {
                let given = |text: &String| (!text.is_empty()).then(|| text.clone());
                let spec = WindowArguments { from: given(from), until: given(until), ..WindowArguments::default() };
                (window::window(&spec, context.now, Window::ALL)?, Vec::new())
            }
            SideSpec::Files(files) => (Window::ALL, files.clone()),
        };
        let mut filter = asked_filter(context, &arguments.filter, window, WindowMatch::End)?;
        if filter.routes.is_empty() {
            filter.routes.clone_from(&context.config()?.report.routes);
        }
        let files = FileArguments { files, format: arguments.format_of_files.clone() };
        let (threads, pictured) = (arguments.threads.count(), arguments.format.of_rows().is_none());
        let question = CountingQuestion { files: &files, threads, filter: &filter, by, upstreams: false, pictured };
        match self {
            SideSpec::Files(_) => {
                refuse_series(interpreting(context)?.names_series(question.filter), "diff")?;
                let counted = rows_of_files(context, &question)?;
                let length_ms = counted.span.and_then(length_of);
                Ok(CountedSide { counted, length_ms, last_word: None })
            }
            SideSpec::Window { .. } => {
                let view = context.view()?;
                // Rows that a request may be in several times add up to nothing.
                refuse_members(&view, question.filter, "diff")?;
                let counted = rows_of_store(&view, context, &question)?;
                let last_word = Some(completeness::conclude(&view, &counted.missing));
                let length_ms = length_of(counted.window);
                if length_ms.is_none() {
                    say("the window has no end: rates are not known, and times are compared as they are");
                }
                Ok(CountedSide { counted, length_ms, last_word })
            }
        }
    }
}

/// How long a window is, in milliseconds, if it is bounded.
fn length_of(window: Window) -> Option<u64> {
    if window.from == Window::ALL.from || window.until == Window::ALL.until {
        return None;
    }
    u64::try_from(window.until.millis() - window.from.millis()).ok().filter(|&length| length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_a_window_or_files() {
        let window = |from: &str, until: &str| SideSpec::Window { from: from.to_owned(), until: until.to_owned() };
        assert_eq!(SideSpec::parse("14:00..14:05").unwrap(), window("14:00", "14:05"));
        assert_eq!(SideSpec::parse("-2h..").unwrap(), window("-2h", ""));
        assert_eq!(SideSpec::parse("2011-11-30T14:00 .. now").unwrap(), window("2011-11-30T14:00", "now"));
        let files = |names: &[&str]| SideSpec::Files(names.iter().map(PathBuf::from).collect());
        assert_eq!(SideSpec::parse("../old/access.log").unwrap(), files(&["../old/access.log"]));
        assert_eq!(SideSpec::parse("a.log,a.log.1").unwrap(), files(&["a.log", "a.log.1"]));
        assert!(SideSpec::parse("").is_err());
    }
}
