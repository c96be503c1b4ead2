//! A probe as it is configured, compiled.

use std::net::IpAddr;

use memchr::memmem::Finder;
use xxhash_rust::xxh3::xxh3_64;

use crate::grammar::Format;
use crate::record::AddressRange;
use crate::route::cap::{ALL, OTHER};
use crate::route::graphite_name::is_safe;
use crate::route::rules::path_pattern::PathPattern;

/// The first node of the series of probes.
pub const PROBE_NODE: &str = "probe";

/// So many probes may be configured: what a line costs grows with them.
const PROBES_MAX: usize = 256;

/// The variables that say who asks.
pub(super) const AGENT: &str = "http_user_agent";
pub(super) const ADDRESS: &str = "remote_addr";

/// A request is of the first probe of which it meets every condition; any value of a list meets it, an empty list is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeRule {
    /// What its series is called behind `probe.`.
    pub name: String,
    /// Of the whole `$http_user_agent`; `*` stands for any text.
    pub agents: Vec<String>,
    /// Of `$remote_addr`: addresses, and nets with their prefix.
    pub addresses: Vec<String>,
    /// Templates of the whole path, as a route's rule has.
    pub paths: Vec<String>,
    /// Slow from here on.
    pub threshold_ms: Option<u64>,
}

/// What is wrong with a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeMistake {
    /// The probe, counted from 0.
    pub probe: usize,
    /// Its field, and which of the list's values.
    pub field: (&'static str, usize),
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// All probes, compiled.
#[derive(Debug, Clone, Default)]
pub struct Probes {
    pub(super) probes: Vec<CompiledProbe>,
    fingerprint: u64,
}

/// One probe.
#[derive(Debug, Clone)]
pub(super) struct CompiledProbe {
    /// Of its series: `probe.uptime`.
    pub(super) series: String,
    pub(super) threshold_ms: Option<u64>,
    agents: Vec<AgentPattern>,
    nets: Vec<AddressRange>,
    paths: Vec<PathPattern>,
}

/// Who asks, and for what.
pub(super) struct ProbedRequest<'r> {
    /// The agent, its escapes undone.
    pub(super) agent: Option<&'r [u8]>,
    pub(super) address: Option<IpAddr>,
    /// Without the query.
    pub(super) path: Option<&'r [u8]>,
}

impl Probes {
    /// Compiles them.
    ///
    /// # Errors
    /// The first mistake.
    pub fn new(rules: &[ProbeRule]) -> Result<Probes, ProbeMistake> {
        let (mut probes, mut said) = (Vec::new(), String::new());
        for (probe, rule) in rules.iter().enumerate() {
            if probe >= PROBES_MAX {
                let (message, remedy) = (format!("there are more than {PROBES_MAX}"), "put lists into one".to_owned());
                return Err(ProbeMistake { probe, field: ("name", 0), message, remedy });
            }
            let compiled = CompiledProbe::new(rule);
            probes.push(compiled.map_err(|(field, (message, remedy))| ProbeMistake {
                probe,
                field,
                message,
                remedy,
            })?);
            let ProbeRule { name, agents, addresses, paths, threshold_ms } = rule;
            said.push_str(&format!("{:?}\n", (name, agents, addresses, paths, threshold_ms)));
        }
        // 0 stands for no probes.
        let fingerprint = if probes.is_empty() { 0 } else { xxh3_64(said.as_bytes()).max(1) };
        Ok(Probes { probes, fingerprint })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.probes.is_empty()
    }

    /// A hash of what they say: under the same a request is of the same probe, or of none. 0 without any.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The names of their series, one for each probe: several may have one.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.probes.iter().map(|probe| probe.series.as_str())
    }

    /// The thresholds of their series.
    pub(in crate::route) fn thresholds(&self) -> impl Iterator<Item = (&str, u64)> {
        self.probes.iter().filter_map(|probe| Some((probe.series.as_str(), probe.threshold_ms?)))
    }

    /// The variables that a probe looks at and a format lacks: it then catches none of its lines.
    pub fn lacking(&self, probe: usize, format: &Format) -> Vec<&'static str> {
        let Some(probe) = self.probes.get(probe) else { return Vec::new() };
        let wanted = [(AGENT, !probe.agents.is_empty()), (ADDRESS, !probe.nets.is_empty())];
        let lacks = |&(name, is_wanted): &(&str, bool)| is_wanted && format.index_of(name).is_none();
        wanted.into_iter().filter(lacks).map(|(name, _)| name).collect()
    }

    /// Whether one looks at the agent, and at the address.
    pub(super) fn look_at(&self) -> (bool, bool) {
        let agent = self.probes.iter().any(|probe| !probe.agents.is_empty());
        (agent, self.probes.iter().any(|probe| !probe.nets.is_empty()))
    }
}

/// A field's mistake: what is wrong, and what to do.
type FieldMistake = ((&'static str, usize), (String, String));

impl CompiledProbe {
    fn new(rule: &ProbeRule) -> Result<CompiledProbe, FieldMistake> {
        let ProbeRule { name, agents, addresses, paths, threshold_ms } = rule;
        let series = format!("{PROBE_NODE}.{name}");
        if !is_safe(&series) || name.split('.').any(|node| node == OTHER || node == ALL) {
            let what = format!("`{name}` is no name for a probe");
            let remedy = "letters, digits, `_` and `-`, with single dots between; no node `other` or `all`";
            return Err((("name", 0), (what, remedy.to_owned())));
        }
        if agents.is_empty() && addresses.is_empty() && paths.is_empty() {
            let remedy = "give it an `agent`, an `address` or a `path`".to_owned();
            return Err((("", 0), (format!("probe `{name}` would catch every request"), remedy)));
        }
        let mut probe = CompiledProbe {
            series,
            threshold_ms: *threshold_ms,
            agents: agents.iter().map(|agent| AgentPattern::new(agent)).collect(),
            nets: Vec::new(),
            paths: Vec::new(),
        };
        for (at, address) in addresses.iter().enumerate() {
            let Some(net) = AddressRange::parse(address) else {
                let what = format!("`{address}` is neither an address nor a net");
                let remedy = "write `192.0.2.7`, `192.0.2.0/24` or `2001:db8::/32`";
                return Err((("address", at), (what, remedy.to_owned())));
            };
            probe.nets.push(net);
        }
        for (at, path) in paths.iter().enumerate() {
            let pattern = PathPattern::new(path).map_err(|mistake| {
                let remedy = mistake.remedy.unwrap_or_else(|| "write `/healthz` or `/status/*`".to_owned());
                (("path", at), (mistake.message, remedy))
            })?;
            probe.paths.push(pattern);
        }
        Ok(probe)
    }

    /// Whether a request meets every condition.
    #[inline]
    pub(super) fn catches(&self, request: &ProbedRequest<'_>) -> bool {
        let ProbedRequest { agent, address, path } = request;
        (self.paths.is_empty() || path.is_some_and(|path| self.paths.iter().any(|pattern| pattern.matches(path))))
            && (self.nets.is_empty() || address.is_some_and(|address| self.nets.iter().any(|net| net.holds(address))))
            && (self.agents.is_empty() || agent.is_some_and(|agent| self.agents.iter().any(|known| known.fits(agent))))
    }
}

/// A text in which `*` stands for any other.
#[derive(Debug, Clone)]
struct AgentPattern {
    /// What it begins with; all of it, without a star.
    begin: Vec<u8>,
    /// What comes between the stars, in this order.
    between: Vec<Finder<'static>>,
    /// What comes behind the last star; nothing without one.
    end: Option<Vec<u8>>,
}

impl AgentPattern {
    fn new(text: &str) -> AgentPattern {
        let mut parts: Vec<&str> = text.split('*').collect();
        let end = if parts.len() > 1 { parts.pop().map(|part| part.as_bytes().to_vec()) } else { None };
        let mut parts = parts.into_iter();
        let begin = parts.next().unwrap_or_default().as_bytes().to_vec();
        let between = parts.filter(|part| !part.is_empty()).map(|part| Finder::new(part).into_owned()).collect();
        AgentPattern { begin, between, end }
    }

    fn fits(&self, agent: &[u8]) -> bool {
        let Some(end) = &self.end else { return agent == self.begin };
        let Some(rest) = agent.strip_prefix(self.begin.as_slice()) else { return false };
        let Some(mut rest) = rest.strip_suffix(end.as_slice()) else { return false };
        for part in &self.between {
            let Some(at) = part.find(rest) else { return false };
            rest = rest.get(at + part.needle().len()..).unwrap_or_default();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_fits_as_a_whole_and_a_star_is_any_text() {
        for (pattern, agent, fits) in [
            ("kube-probe/*", "kube-probe/1.29", true),
            ("kube-probe/*", "x kube-probe/1.29", false),
            ("*UptimeRobot*", "Mozilla/5.0+(compatible; UptimeRobot/2.0)", true),
            ("UptimeRobot", "UptimeRobot/2.0", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*ba", "aba", false),
            ("*", "", true),
            ("", "", true),
            ("a**c", "abc", true),
        ] {
            assert_eq!(AgentPattern::new(pattern).fits(agent.as_bytes()), fits, "{pattern} {agent}");
        }
    }

    #[test]
    fn a_probe_has_a_name_and_a_condition() {
        let rule = |name: &str, agent: &str, address: &str, path: &str| {
            let list = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
            ProbeRule {
                name: name.to_owned(),
                agents: list(agent),
                addresses: list(address),
                paths: list(path),
                threshold_ms: None,
            }
        };
        let mistaken = |rule| Probes::new(&[rule]).err().map(|mistake| mistake.field.0);
        assert_eq!(mistaken(rule("uptime", "x*", "", "")), None);
        assert_eq!(mistaken(rule("a.b-c", "", "10.0.0.0/8", "/healthz")), None);
        for (wrong, field) in [
            (rule("uptime", "", "", ""), ""),
            (rule("up time", "x", "", ""), "name"),
            (rule("other", "x", "", ""), "name"),
            (rule("", "x", "", ""), "name"),
            (rule("a", "", "10.0.0", ""), "address"),
            (rule("a", "", "", "healthz"), "path"),
            (rule("a", "", "", "/a?b"), "path"),
        ] {
            assert_eq!(mistaken(wrong.clone()), Some(field), "{wrong:?}");
        }
    }
}
