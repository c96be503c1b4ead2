//! The command that lists the lines of a cause.

use std::path::Path;

use crate::cli::args::{EscapeName, WhyArguments};
use crate::cli::input::context::Context;
use crate::report::shell_word;
use crate::report::why::FieldValue;
use crate::time::Window;

/// What is the same for all causes: `lines` of the same logs, window and routes.
pub(super) struct LinesCommand<'c> {
    pub(super) context: &'c Context,
    pub(super) arguments: &'c WhyArguments,
    pub(super) window: Window,
    /// Whether there are requests without a time, which count on no side.
    pub(super) has_untimed: bool,
}

impl LinesCommand<'_> {
    /// As one types it: as many lines as the cause has requests in the window.
    pub(super) fn of_cause(&self, whose: &[FieldValue]) -> String {
        let mut words = self.words();
        for value in whose {
            words.extend(["--where".to_owned(), shell_word(&value.condition)]);
        }
        self.end(words)
    }

    /// Without a cause the route that changed most is it.
    pub(super) fn of_route(&self, most: Option<&str>) -> String {
        let mut words = self.words();
        if let Some(route) = most.filter(|_| self.arguments.route.is_empty()) {
            words.extend(["--route".to_owned(), shell_word(route)]);
        }
        self.end(words)
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec!["spikeline".to_owned(), "lines".to_owned()];
        let path = |path: &Path| shell_word(&path.display().to_string());
        words.extend(self.arguments.files.files.iter().map(|file| path(file)));
        for (option, named) in [("--config", self.context.config_path()), ("--store", self.context.store_path())] {
            words.extend(named.into_iter().flat_map(|named| [option.to_owned(), path(named)]));
        }
        let format = &self.arguments.files.format;
        if let Some(name) = &format.log_format {
            words.extend(["--log-format".to_owned(), shell_word(name)]);
        }
        if let Some(escape) = format.escape {
            words.extend(["--escape".to_owned(), escape_name(escape).to_owned()]);
        }
        for field in &format.fields {
            words.extend(["--fields".to_owned(), shell_word(field)]);
        }
        words.extend(["--from".to_owned(), self.window.from.to_string()]);
        words.extend(["--until".to_owned(), self.window.until.to_string(), "--by".to_owned(), "end".to_owned()]);
        for route in &self.arguments.route {
            words.extend(["--route".to_owned(), shell_word(route)]);
        }
        words
    }

    fn end(&self, mut words: Vec<String>) -> String {
        if self.has_untimed {
            words.extend(["--where".to_owned(), shell_word("request_time=*")]);
        }
        words.extend(["--all".to_owned(), "--sort".to_owned(), "duration".to_owned()]);
        words.join(" ")
    }
}

fn escape_name(escape: EscapeName) -> &'static str {
    match escape {
        EscapeName::Default => "default",
        EscapeName::Json => "json",
        EscapeName::None => "none",
    }
}
