//! All rules, compiled, and what they need to see of a request.

use super::condition::{Conditions, Facts};
use super::rule::{Mistake, Rule, RuleError};
use super::rule_name::{RuleName, Source};

/// The rules, in order: the first that matches names the route.
#[derive(Debug, Clone, Default)]
pub struct Router {
    rules: Vec<Compiled>,
    variables: Vec<String>,
    pub(super) looks_at: LooksAt,
}

/// Which parts of a request can make a difference to the rules.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LooksAt {
    pub(super) method: bool,
    pub(super) host: bool,
    pub(super) status: bool,
    /// The path as it is; otherwise its fold is enough to find the rule.
    pub(super) raw_path: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) conditions: Conditions,
    pub(super) name: RuleName,
    pub(super) threshold_ms: Option<u64>,
}

impl Router {
    /// Compiles the rules. Without any, every route is a template of the path.
    pub fn new(rules: Vec<Rule>) -> Result<Router, RuleError> {
        let mut router = Router::default();
        for (at, rule) in rules.iter().enumerate() {
            router.add(at, rule).map_err(|mistake| mistake.in_rule(at))?;
        }
        Ok(router)
    }

    fn add(&mut self, at: usize, rule: &Rule) -> Result<(), Mistake> {
        if at >= usize::from(u16::MAX) {
            return Err(Mistake::new("name", "there are more than 65,535 rules").remedy("use captures in their names"));
        }
        let conditions = Conditions::new(rule, &mut self.variables)?;
        let name = RuleName::new(&rule.name, &conditions)?;
        self.looks_at.method |= !conditions.methods.is_empty() || name.sources().any(|it| it == Source::Method);
        self.looks_at.host |= conditions.host.is_some() || name.sources().any(|it| it == Source::Host);
        self.looks_at.status |= !conditions.status.is_empty() || name.sources().any(|it| it == Source::Status);
        self.looks_at.raw_path |= conditions.needs_raw_path();
        self.rules.push(Compiled { conditions, name, threshold_ms: rule.threshold_ms });
        Ok(())
    }

    /// The log variables that rules look at, without `$`; [`super::Request::variables`] has their values in this order.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Whether rules look at the host.
    pub fn needs_host(&self) -> bool {
        self.looks_at.host
    }

    /// The threshold of a rule, as [`super::Matched::rule`] numbers it.
    pub fn threshold_ms(&self, rule: u16) -> Option<u64> {
        self.rule(rule)?.threshold_ms
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn rule(&self, rule: u16) -> Option<&Compiled> {
        self.rules.get(usize::from(rule))
    }

    /// The first rule that a request meets.
    pub(super) fn first(&self, facts: &Facts<'_>) -> Option<(u16, &Compiled)> {
        (0..).zip(&self.rules).find(|(_, rule)| rule.conditions.hold(facts))
    }
}
