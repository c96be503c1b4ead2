//! The command that gives the same answer, as it is typed.

use super::question::ChosenBox;
use crate::explain::WhereCondition;
use crate::http::settings::Site;
use crate::report::shell_word;
use crate::time::Window;

/// A command with the options that name the store.
pub(super) struct CommandWords(String);

impl CommandWords {
    /// `spikeline report --config ..`
    pub(super) fn new(command: &str, site: &Site) -> CommandWords {
        CommandWords(format!("spikeline {command}{}", site.command_options))
    }

    /// `--from A --until B`, which mean the same in any zone.
    pub(super) fn window(self, window: Window) -> CommandWords {
        let time = |text: String| text.replace(".000Z", "Z");
        let (from, until) = (time(window.from.to_string()), time(window.until.to_string()));
        self.option("--from", &from).option("--until", &until)
    }

    /// `--route A --route B`
    pub(super) fn routes(mut self, routes: &[String]) -> CommandWords {
        for route in routes {
            self = self.option("--route", route);
        }
        self
    }

    /// `--min-time`, `--max-time`
    pub(super) fn times(mut self, chosen: &ChosenBox) -> CommandWords {
        if chosen.from_ms > 0 {
            self = self.option("--min-time", &format!("{}ms", chosen.from_ms));
        }
        if let Some(until) = chosen.until_ms {
            self = self.option("--max-time", &format!("{until}ms"));
        }
        self
    }

    /// An option and its value.
    pub(super) fn option(mut self, name: &str, value: &str) -> CommandWords {
        self.0.push(' ');
        self.0.push_str(name);
        self.0.push(' ');
        self.0.push_str(&shell_word(value));
        self
    }

    /// An option without one.
    pub(super) fn flag(mut self, name: &str) -> CommandWords {
        self.0.push(' ');
        self.0.push_str(name);
        self
    }

    /// `--where A --where B`
    pub(super) fn conditions(mut self, conditions: &[WhereCondition]) -> CommandWords {
        for condition in conditions {
            self = self.option("--where", &condition.to_string());
        }
        self
    }

    /// As it is typed.
    pub(super) fn typed(self) -> String {
        self.0
    }
}
