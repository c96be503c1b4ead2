//! `host` of a `[[carbon]]`: how this machine is called there.

use super::position::Placed;
use super::section::{Section, did_you_mean};
use crate::error::meant;

/// The words that stand for a name of the machine's.
const WORDS: [&str; 3] = ["short", "fqdn", "fqdn-reversed"];

/// How a host is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// The machine's name up to the first dot.
    Short,
    /// The whole of it; a dot is `_`.
    Full,
    /// The whole of it as nodes, the last label first: `org.example.web1`.
    FullReversed,
    /// This; a dot is `_`.
    Literal(String),
}

/// The key, if it is there and right. What is nearly one of the words for full names is no name of a host.
pub(super) fn read_host(section: &mut Section<'_>) -> Option<Placed<HostName>> {
    let text = section.text("host", "web1")?;
    let name = match text.value.as_str() {
        "short" => HostName::Short,
        "fqdn" => HostName::Full,
        "fqdn-reversed" => HostName::FullReversed,
        other => {
            let nearly = meant(other, WORDS.into_iter().skip(1), 1 + other.len() / 4).is_some();
            if nearly || other.contains("fqdn") {
                let what = format!("`host` cannot be `{other}`");
                section.mistake_at(&text, what, did_you_mean(other, &WORDS));
                return None;
            }
            HostName::Literal(other.to_owned())
        }
    };
    Some(text.map(|_| name))
}
