//! Which family an agent is of: `Chrome`, `Googlebot`, `curl`.
//!
//! The rules are those of the uap-core project (regexes.yaml 0.18.0, Apache License 2.0, copyright 2009 Google Inc. and
//! contributors): their part for families, in `agent/families.json`, first match first. Read by its own crate.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use ua_parser::user_agent::{Builder, Extractor, Parser};

use super::unescape::unescape;
use crate::grammar::Escape;

const FAMILIES: &str = include_str!("agent/families.json");

/// The rules, compiled when the first agent is met; nothing if they are not to be read.
static RULES: OnceLock<Option<Extractor<'static>>> = OnceLock::new();

fn rules() -> Option<&'static Extractor<'static>> {
    let compiled = RULES.get_or_init(|| {
        let parsers: Vec<Parser<'static>> = serde_json::from_str(FAMILIES).ok()?;
        Builder::new().push_all(parsers).ok()?.build().ok()
    });
    compiled.as_ref()
}

/// The family of an agent; `Other` of one that no rule knows.
pub fn agent_family(agent: &str) -> String {
    match rules().and_then(|rules| rules.extract(agent)) {
        Some(found) => found.family.into_owned(),
        None => "Other".to_owned(),
    }
}

/// So many agents are remembered by each thread; then it begins anew.
const REMEMBERED: usize = 4096;

/// Longer ones are not remembered: a client chooses what stands there.
const LONGEST_REMEMBERED: usize = 1024;

thread_local! {
    /// By what stands in the log; behind it how that is escaped, if it is. Asking all the rules takes as long as reading a hundred lines.
    static FAMILIES_MET: RefCell<HashMap<Box<[u8]>, String>> = RefCell::new(HashMap::new());
}

/// What `each` makes of the family of an agent as it stands in a log that is escaped so.
pub fn with_agent_family(agent: &[u8], escape: Escape, each: impl FnOnce(&str)) {
    let is_escaped = agent.contains(&b'\\');
    let family = || match is_escaped {
        true => agent_family(&String::from_utf8_lossy(&unescape(agent, escape))),
        false => agent_family(&String::from_utf8_lossy(agent)),
    };
    if agent.len() > LONGEST_REMEMBERED {
        return each(&family());
    }
    let key = match is_escaped {
        true => Cow::Owned([agent, b"\0", escape.name().as_bytes()].concat()),
        false => Cow::Borrowed(agent),
    };
    FAMILIES_MET.with_borrow_mut(|met| {
        if let Some(family) = met.get(&*key) {
            return each(family);
        }
        if met.len() >= REMEMBERED {
            met.clear();
        }
        let family = family();
        each(&family);
        met.insert(key.into_owned().into(), family);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_of_families() {
        let cases = [
            ("curl/8.4.0", "curl"),
            ("python-requests/2.31.0", "Python Requests"),
            ("okhttp/4.12.0", "okhttp"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0 Safari/537.36",
                "Chrome",
            ),
            ("something of our own", "Other"),
        ];
        for (agent, family) in cases {
            assert_eq!(agent_family(agent), family, "{agent}");
        }
    }
}
