//! What the route rules do to real lines: lines a rule, rules that match nothing or are shadowed, what no rule names.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::findings::{Findings, percent};
use super::locations::{self, Located};
use super::probe_lines::{AloneProbes, ProbedLines};
use crate::cli::config::{Config, RouteSection};
use crate::cli::input::routing;
use crate::error::Result;
use crate::grammar::{Format, Reject};
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::report::{count, counted, terminal_safe};
use crate::route::{RouteId, Router, Routes, cap::OTHER, readable_name};

/// Templates without a rule that are told.
const TOP: usize = 10;

/// Of so many rules each is also tried without the others, to tell one that is shadowed from one that nothing matches.
const ALONE: usize = 200;

/// Bytes of an example target that are kept.
const TARGET: usize = 200;

/// From this share of the cap on it is said that the cap is near.
const NEAR: f64 = 0.8;

/// Lines counted by rule and route, over all logs looked at.
pub(super) struct Coverage {
    /// How routes are found, with a table of names of its own.
    pub(super) with: Interpreting,
    cap: usize,
    lines: u64,
    rules: Vec<RuleLines>,
    probes: ProbedLines,
    /// nginx's locations, if routes are named by them.
    located: Vec<Located>,
    /// Whether a log that was looked at is one of nginx's.
    of_nginx: bool,
    /// What no rule names, by route: lines, and a target.
    unnamed: HashMap<RouteId, (u64, Vec<u8>)>,
}

/// One rule, and the lines that it got or that others took from it.
struct RuleLines {
    /// The name in the configuration.
    name: String,
    /// File and line.
    place: String,
    /// The rule without the others.
    alone: Option<Interpreting>,
    /// Lines that it named.
    named: u64,
    /// Lines that it would name, by the earlier rule that took them; counted while it has named none.
    taken: BTreeMap<u16, u64>,
}

/// One log's lines on their way into a [`Coverage`].
pub(super) struct Counting<'c> {
    coverage: &'c mut Coverage,
    interpreter: Interpreter,
    alone: Vec<Option<Interpreter>>,
    alone_probes: AloneProbes,
    /// The rule of each line of the present block.
    rules: Vec<Option<u16>>,
}

impl Coverage {
    pub(super) fn new(config: &Config, with: &Interpreting, located: Vec<Located>) -> Coverage {
        let mut rules = Vec::new();
        for (number, section) in config.routes.iter().enumerate() {
            rules.push(RuleLines::new(section, with, number < ALONE));
        }
        let cap = config.routes_max as usize;
        let (probes, unnamed) = (ProbedLines::new(config, with), HashMap::new());
        Coverage { with: with.clone(), cap, lines: 0, rules, probes, located, of_nginx: false, unnamed }
    }

    /// Ready for the lines of a log, which is named as it is configured; None if the format does not say when a request
    /// ended.
    pub(super) fn counting(&mut self, format: &Format, log: &str) -> Option<Counting<'_>> {
        let of_log = self.with.for_log(log);
        let main = Interpreter::new(format, Needs::latency(), &of_log).ok()?;
        self.of_nginx |= of_log.router.names_by_location();
        let mut alone = Vec::new();
        for rule in &self.rules {
            alone.push(match &rule.alone {
                Some(with) => Interpreter::new(format, Needs::latency(), with).ok(),
                None => None,
            });
        }
        let alone_probes = self.probes.counting(format, of_log.router.probes());
        Some(Counting { coverage: self, interpreter: main, alone, alone_probes, rules: Vec::new() })
    }

    /// Tell what the rules did.
    pub(super) fn tell(&self, findings: &mut Findings) -> Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        let known = self.with.routes.len() - self.probes.count_series();
        // What is of monitoring is in no route.
        let of_routes = self.lines - self.probes.caught();
        let lines = count(of_routes);
        let by_location = self.of_nginx && !self.located.is_empty();
        if self.rules.is_empty() && by_location {
            // The locations say it.
        } else if self.rules.is_empty() {
            findings.fine(&format!(
                "routes: no rules; the paths of {lines} lines fold to {} routes",
                count(known as u64)
            ))?;
        } else {
            let named = self.named_by_rules();
            findings.fine(&format!(
                "routes: {} of {lines} lines are named by {}, {} by their path",
                percent(named, of_routes),
                counted(self.rules.len() as u64, "rule"),
                count(of_routes - named)
            ))?;
            // The greatest number is the widest.
            let most = self.rules.iter().map(RuleLines::named).max().unwrap_or(0);
            let width = count(most).len();
            for rule in &self.rules {
                findings.detail(&format!("{:>width$}  {}", count(rule.named), rule.name))?;
            }
        }
        if by_location {
            locations::tell_locations(&self.lines_of_locations(), of_routes, self.named_by_rules(), findings)?;
        }
        // Details stand under what they are of: those of routes before the probes.
        self.tell_unnamed(findings)?;
        self.probes.tell(self.lines, findings)?;
        for rule in &self.rules {
            if rule.named == 0 {
                self.tell_unused(rule, findings)?;
            }
        }
        self.tell_cap(known, findings)
    }

    /// Lines that any rule names.
    fn named_by_rules(&self) -> u64 {
        self.rules.iter().map(RuleLines::named).sum()
    }

    /// nginx's locations, each with the lines that it served.
    fn lines_of_locations(&self) -> Vec<(&Located, u64)> {
        let mut lines_of = Vec::new();
        for located in &self.located {
            let mut lines = 0;
            for route in located.routes() {
                lines += self.of_route(&route);
            }
            lines_of.push((located, lines));
        }
        lines_of
    }

    /// Lines that no rule names of the route of that name.
    fn of_route(&self, name: &str) -> u64 {
        let Some(id) = self.with.routes.find(name) else { return 0 };
        match self.unnamed.get(&id) {
            Some((lines, _)) => *lines,
            None => 0,
        }
    }

    /// A rule that named nothing: nothing matches it, or earlier rules take all that would.
    fn tell_unused(&self, rule: &RuleLines, findings: &mut Findings) -> Result<()> {
        let RuleLines { name, place, taken, .. } = rule;
        if rule.alone.is_none() {
            return findings.note(&format!(
                "route `{name}` ({place}) names none of these lines: nothing matches it, or rules before it take all that would (of more than \
                 {ALONE} rules that is not looked into)"
            ));
        }
        let lost: u64 = taken.values().sum();
        if lost == 0 {
            return findings.note(&format!("route `{name}` ({place}) matches nothing in these lines"));
        }
        let mut by = Vec::new();
        for (rule, lines) in taken {
            let earlier = self.rules.get(usize::from(*rule)).map_or("?", RuleLines::name);
            by.push(format!("`{earlier}` took {}", count(*lines)));
        }
        let what = format!(
            "route `{name}` ({place}) is shadowed: it would match {} lines, but rules before it take them all: {}",
            count(lost),
            by.join(", ")
        );
        findings.note_with_help(&what, "move it before them, or give them a narrower condition")
    }

    /// The most frequent routes that are named by their path, with a target to write a rule by.
    fn tell_unnamed(&self, findings: &mut Findings) -> Result<()> {
        let of_locations: HashSet<String> = self.located.iter().flat_map(Located::routes).collect();
        let mut routes: Vec<(Reverse<u64>, Arc<str>, &[u8])> = Vec::new();
        for (id, (lines, target)) in &self.unnamed {
            let Some(name) = self.with.routes.name(*id) else { continue };
            if *name != *OTHER && !of_locations.contains(&*name) {
                routes.push((Reverse(*lines), name, target));
            }
        }
        if routes.is_empty() {
            return Ok(());
        }
        routes.sort_unstable();
        let what = match (!self.of_nginx || self.located.is_empty(), self.rules.is_empty()) {
            (true, true) => "the most frequent",
            (true, false) => "the most frequent without a rule",
            (false, _) => "the most frequent without a location",
        };
        findings.detail(&format!("{what}, with a target of each:"))?;
        let shown = routes.get(..TOP).unwrap_or(&routes);
        let (mut width, mut names) = (1, 0);
        for (Reverse(lines), name, _) in shown {
            width = width.max(count(*lines).len());
            names = names.max(readable_name(name).chars().count()).min(40);
        }
        for (Reverse(lines), name, target) in shown {
            let target: String = terminal_safe(target).chars().take(40).collect();
            let name = readable_name(name);
            findings.detail(&format!("{:>width$}  {name:names$}  {target}", count(*lines)))?;
        }
        match routes.len().saturating_sub(TOP) {
            0 => Ok(()),
            rest => findings.detail(&format!("and {} more", count(rest as u64))),
        }
    }

    /// How near the routes are to `routes_max`. Lines that fell to `other` cannot be told apart afterwards, so that is
    /// wrong.
    fn tell_cap(&self, known: usize, findings: &mut Findings) -> Result<()> {
        let cap = count(self.cap as u64);
        let other = self.of_route(OTHER);
        let overflow = if self.with.routes.overflow() > 0 { other } else { 0 };
        if overflow > 0 {
            let what = format!(
                "routes: {} of {} lines fell to `other`, since there are more than routes_max = {cap} routes",
                count(overflow),
                count(self.lines)
            );
            let help = "write [[route]] rules for paths that differ in every request, or raise routes_max";
            return findings.wrong_with_help(&what, help);
        }
        if known as f64 >= NEAR * self.cap as f64 {
            findings.note(&format!(
                "routes: {} of at most routes_max = {cap}; what comes after falls to `other`",
                count(known as u64)
            ))?;
        }
        Ok(())
    }
}

impl RuleLines {
    /// `tried`: also without the others.
    fn new(section: &RouteSection, with: &Interpreting, tried: bool) -> RuleLines {
        let alone = match Router::new(vec![routing::rule(section)]) {
            Ok(router) if tried => Some(Interpreting {
                router: Arc::new(router),
                routes: Arc::new(Routes::new(2)),
                threshold_ms: with.threshold_ms,
                conditions: Arc::default(),
            }),
            _ => None,
        };
        let name = section.name.value.clone();
        let place = format!("{}:{}", section.place.path.display(), section.place.line);
        RuleLines { name, place, alone, named: 0, taken: BTreeMap::new() }
    }

    /// The name in the configuration.
    fn name(&self) -> &str {
        &self.name
    }

    /// Lines that it named.
    fn named(&self) -> u64 {
        self.named
    }
}

impl Counting<'_> {
    /// Count a block of whole lines. `each` hears of every line: its offset in the block, and why it was rejected.
    pub(super) fn block(&mut self, block: &[u8], mut each: impl FnMut(usize, &[u8], Option<Reject>)) {
        let Counting { coverage, interpreter, alone, alone_probes, rules } = self;
        rules.clear();
        interpreter.read_block(block, |at, line, seen, _| {
            let Ok(seen) = seen else {
                rules.push(None);
                return each(at, line, seen.err());
            };
            each(at, line, None);
            coverage.lines += 1;
            rules.push(seen.matched.rule);
            if let Some(probe) = seen.matched.probe {
                return coverage.probes.count(probe);
            }
            match seen.matched.rule {
                Some(rule) => {
                    if let Some(rule) = coverage.rules.get_mut(usize::from(rule)) {
                        rule.named += 1;
                    }
                }
                None => {
                    let (lines, target) = coverage.unnamed.entry(seen.matched.id).or_default();
                    if *lines == 0 {
                        let whole = seen.record.target;
                        target.extend_from_slice(whole.get(..TARGET).unwrap_or(whole));
                    }
                    *lines += 1;
                }
            }
        });
        coverage.probes.read_unused(alone_probes, block);
        for (rule, alone) in coverage.rules.iter_mut().zip(alone) {
            let Some(alone) = alone else { continue };
            if rule.named > 0 {
                continue;
            }
            let mut taken_by = rules.iter();
            alone.read_block(block, |_, _, seen, _| {
                let by = taken_by.next().copied().flatten();
                if let (Ok(seen), Some(by)) = (seen, by)
                    && seen.matched.rule.is_some()
                {
                    *rule.taken.entry(by).or_default() += 1;
                }
            });
        }
    }
}
