//! What the probes do to real lines: lines a probe, probes that catch nothing and why that may be.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::findings::{Findings, percent};
use crate::cli::config::{Config, ProbeSection};
use crate::cli::input::routing;
use crate::error::Result;
use crate::grammar::Format;
use crate::pipeline::{Interpreter, Interpreting};
use crate::record::Needs;
use crate::report::count;
use crate::route::{PROBE_NODE, ProbeRule, Probes, Router, Routes};

/// Lines counted by probe, over all logs looked at.
pub(super) struct ProbedLines {
    probes: Vec<LinesOfProbe>,
}

/// One probe, and the lines that it caught or that others took from it.
struct LinesOfProbe {
    /// Of its series.
    name: String,
    /// File and line.
    place: String,
    agents: Vec<String>,
    /// The probe without the others; and with any text around what it says of the agent.
    alone: [Option<Interpreting>; 2],
    caught: u64,
    /// Lines that it would catch without the others, and with any text around.
    would: [u64; 2],
    /// Variables that it looks at and a log lacks.
    lacking: BTreeSet<&'static str>,
}

/// What reads the lines of one log for the probes that caught none yet.
pub(super) struct AloneProbes(Vec<[Option<Interpreter>; 2]>);

impl ProbedLines {
    pub(super) fn new(config: &Config, with: &Interpreting) -> ProbedLines {
        ProbedLines { probes: config.probes.iter().map(|section| LinesOfProbe::new(section, with)).collect() }
    }

    /// Ready for the lines of a log.
    pub(super) fn counting(&mut self, format: &Format, probes: &Probes) -> AloneProbes {
        let reader = |with: &Interpreting| Interpreter::new(format, Needs::latency(), with).ok();
        let mut alone = Vec::new();
        for (at, probe) in self.probes.iter_mut().enumerate() {
            probe.lacking.extend(probes.lacking(at, format));
            alone.push(probe.alone.each_ref().map(|with| with.as_ref().and_then(reader)));
        }
        AloneProbes(alone)
    }

    /// A line of the probe of that number.
    pub(super) fn count(&mut self, probe: u16) {
        if let Some(probe) = self.probes.get_mut(usize::from(probe)) {
            probe.caught += 1;
        }
    }

    /// Reads a block once more for each probe that caught nothing.
    pub(super) fn read_unused(&mut self, alone: &mut AloneProbes, block: &[u8]) {
        for (probe, readers) in self.probes.iter_mut().zip(&mut alone.0) {
            if probe.caught > 0 {
                continue;
            }
            for (reader, would) in readers.iter_mut().zip(&mut probe.would) {
                let Some(reader) = reader else { continue };
                reader.read_block(block, |_, _, seen, _| {
                    *would += u64::from(seen.is_ok_and(|seen| seen.matched.probe.is_some()));
                });
            }
        }
    }

    /// Lines that any probe caught.
    pub(super) fn caught(&self) -> u64 {
        self.probes.iter().map(|probe| probe.caught).sum()
    }

    /// How many series these are.
    pub(super) fn count_series(&self) -> usize {
        let caught = self.probes.iter().filter(|probe| probe.caught > 0);
        caught.map(|probe| probe.name.as_str()).collect::<BTreeSet<&str>>().len()
    }

    /// Tell what the probes did to so many lines.
    pub(super) fn tell(&self, lines: u64, findings: &mut Findings) -> Result<()> {
        if self.probes.is_empty() {
            return Ok(());
        }
        let caught = self.caught();
        findings.fine(&format!(
            "probes: {} of {} lines are of monitoring, and in no route",
            percent(caught, lines),
            count(lines)
        ))?;
        let width = count(self.probes.iter().map(|probe| probe.caught).max().unwrap_or(0)).len();
        for probe in &self.probes {
            findings.detail(&format!("{:>width$}  {}", count(probe.caught), probe.name))?;
        }
        if caught == lines {
            findings.note_with_help(
                "probes: every line is of monitoring: the routes have none",
                "give [[probe]] a narrower `agent`, `address` or `path`",
            )?;
        }
        for probe in &self.probes {
            if probe.caught == 0 {
                probe.tell_unused(findings)?;
            }
        }
        Ok(())
    }
}

impl LinesOfProbe {
    fn new(section: &ProbeSection, with: &Interpreting) -> LinesOfProbe {
        let rule = routing::probe(section);
        let around = |agent: &String| format!("*{}*", agent.trim_matches('*'));
        let wider = ProbeRule { agents: rule.agents.iter().map(around).collect(), ..rule.clone() };
        LinesOfProbe {
            name: format!("{PROBE_NODE}.{}", rule.name),
            place: format!("{}:{}", section.place.path.display(), section.place.line),
            alone: [alone(&rule, with), if wider == rule { None } else { alone(&wider, with) }],
            agents: rule.agents,
            caught: 0,
            would: [0; 2],
            lacking: BTreeSet::new(),
        }
    }

    /// A probe that caught nothing: nothing is like it, probes before it take all, or a log does not say what it looks at.
    fn tell_unused(&self, findings: &mut Findings) -> Result<()> {
        let LinesOfProbe { name, place, agents, would: [alone, wider], lacking, .. } = self;
        if *alone > 0 {
            let what = format!("`{name}` ({place}) is shadowed: probes before it take all {} lines", count(*alone));
            return findings.note_with_help(&what, "move it before them, or give them a narrower condition");
        }
        let what = format!("`{name}` ({place}) catches none of these lines");
        if *wider > 0 {
            let meant: Vec<String> = agents.iter().map(|agent| format!("`*{}*`", agent.trim_matches('*'))).collect();
            let help = format!("`agent` is the whole agent: {} would catch {}", meant.join(", "), count(*wider));
            return findings.note_with_help(&what, &help);
        }
        match lacking.iter().next() {
            Some(variable) => {
                findings.note_with_help(&what, &format!("add ${variable} to the log_format: it looks at that"))
            }
            None => findings.note(&what),
        }
    }
}

/// What reads lines with this probe and no other rule.
fn alone(rule: &ProbeRule, with: &Interpreting) -> Option<Interpreting> {
    let probes = Probes::new(std::slice::from_ref(rule)).ok()?;
    Some(Interpreting {
        router: Arc::new(Router::default().with_probes(probes)),
        routes: Arc::new(Routes::new(2)),
        threshold_ms: with.threshold_ms,
        conditions: Arc::default(),
    })
}
