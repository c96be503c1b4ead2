//! What was not understood: the text, the place in it, and what is nearest to what was meant.

use std::fmt;

use super::super::catalog::SeriesCatalog;
use super::super::links::LinkMistake;
use super::super::target::{ByteSpan, TargetMistake};
use crate::error::{Error, meant};

/// Texts longer than this are shown in part.
const SHOWN: usize = 160;

/// Why a text is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskMistake {
    /// The text: a link, or a target in one.
    pub text: String,
    /// The place in it.
    pub span: Option<ByteSpan>,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl AskMistake {
    pub(in crate::graphite) fn of_target(text: &str, mistake: TargetMistake) -> AskMistake {
        AskMistake { text: text.to_owned(), span: Some(mistake.span), what: mistake.what, help: None }
    }

    pub(super) fn of_link(text: &str, mistake: LinkMistake) -> AskMistake {
        AskMistake { text: text.to_owned(), span: None, what: mistake.what, help: Some(mistake.help) }
    }

    /// A part of a link, found again in it where it stands as it is.
    pub(super) fn of_part(text: &str, part: &str, what: &str) -> AskMistake {
        let span = text.find(part).map(|from| ByteSpan { from, until: from + part.len() });
        AskMistake { text: text.to_owned(), span, what: format!("`{part}` {what}"), help: None }
    }

    /// What a link does not say.
    pub(super) fn of_lack(text: &str, kind: &str, lacking: &str, why: &str, help: &str) -> AskMistake {
        let what = format!("{kind} that does not say {lacking}: {why}");
        AskMistake { text: text.to_owned(), span: None, what, help: Some(help.to_owned()) }
    }

    pub(super) fn of_route(text: &str, route: &str, catalog: &SeriesCatalog<'_>) -> AskMistake {
        let mut mistake = AskMistake::of_part(text, route, "is no route that the store knows");
        mistake.help = Some(match meant(route, catalog.routes().iter().copied(), 3 + route.len() / 4) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "`spikeline report` lists the routes".to_owned(),
        });
        mistake
    }
}

impl fmt::Display for AskMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(span) = self.span else {
            return write!(f, "{}\n  {}", self.what, self.text);
        };
        // The text with its place below; of a long one what stands around the place.
        let letters: Vec<char> =
            self.text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let before = self.text.get(..span.from).map_or(0, |part| part.chars().count());
        let length = self.text.get(span.from..span.until).map_or(0, |part| part.chars().count()).max(1);
        let first = if letters.len() > SHOWN { before.saturating_sub(SHOWN / 2) } else { 0 };
        let shown: String = letters.iter().skip(first).take(SHOWN).collect();
        let at = before - first;
        let marks = "^".repeat(length.min(SHOWN.saturating_sub(at)).max(1));
        write!(f, "{}\n  {shown}\n  {}{marks}", self.what, " ".repeat(at))
    }
}

impl std::error::Error for AskMistake {}

impl From<AskMistake> for Error {
    fn from(mistake: AskMistake) -> Error {
        let error = Error::usage(mistake.to_string());
        match mistake.help {
            Some(help) => error.remedy(help),
            None => error,
        }
    }
}
