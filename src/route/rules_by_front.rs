//! Which rules a path can meet, where there are many: those whose template begins as the path does.
//!
//! Rules are tried in their order, and the first that matches wins; this only leaves out those that cannot match. What every path of a
//! template begins with is known (its literal front), so the rules of one front are looked up by the path's first bytes, once for
//! each length that fronts have. Rules without a template have an empty front and are always asked.

use std::collections::{BTreeSet, HashMap};

/// Fewer rules are faster tried one by one.
const LEAST_RULES: usize = 64;

/// The rules by their fronts.
#[derive(Debug, Clone, Default)]
pub(super) struct RulesByFront {
    /// The lengths that fronts have, the shortest first.
    lengths: Vec<usize>,
    /// For each front its rules, in their order.
    rules: HashMap<Box<[u8]>, Vec<u16>>,
}

impl RulesByFront {
    /// Of the front of each rule; nothing if there are too few of them.
    pub(super) fn new<'f>(fronts: impl ExactSizeIterator<Item = &'f [u8]>) -> Option<RulesByFront> {
        if fronts.len() < LEAST_RULES {
            return None;
        }
        let (mut lengths, mut rules) = (BTreeSet::new(), HashMap::<Box<[u8]>, Vec<u16>>::new());
        for (rule, front) in (0..).zip(fronts) {
            lengths.insert(front.len());
            rules.entry(Box::from(front)).or_default().push(rule);
        }
        Some(RulesByFront { lengths: lengths.into_iter().collect(), rules })
    }

    /// The first rule, among those that a path may meet, that is `met`. Without a path only rules without a template are asked.
    pub(super) fn first_met(&self, path: Option<&[u8]>, met: impl Fn(u16) -> bool) -> Option<u16> {
        let path = path.unwrap_or_default();
        let mut first: Option<u16> = None;
        for length in &self.lengths {
            let Some(front) = path.get(..*length) else { break };
            let Some(rules) = self.rules.get(front) else { continue };
            let earlier = rules.iter().copied().take_while(|rule| first.is_none_or(|first| *rule < first));
            first = earlier.into_iter().find(|rule| met(*rule)).or(first);
        }
        first
    }
}
