//! All rules, compiled, and what they need to see of a request.

use std::sync::Arc;

use super::location::{Locations, SERVER_VARIABLES, ServerHints};
use super::probes::probe_rule::{PROBE_NODE, Probes};
use super::rules::condition::{Conditions, RequestFacts};
use super::rules::rule::{Rule, RuleError, RuleMistake};
use super::rules::rule_name::{CaptureSource, RuleName};
use super::rules_by_front::RulesByFront;
use super::series::series_template::SeriesTemplates;
use xxhash_rust::xxh3::xxh3_64;

/// The rules, in order: the first that matches names the route.
#[derive(Debug, Clone, Default)]
pub struct Router {
    rules: Vec<CompiledRule>,
    /// Where there are many rules, those that a path can meet.
    by_front: Option<Arc<RulesByFront>>,
    variables: Vec<String>,
    pub(super) looks_at: RulesLookAt,
    /// What names requests that no rule does.
    locations: Option<Locations>,
    /// Whether logs that nginx's configuration does not name may be of any of its servers.
    any_log: bool,
    /// So many of the variables are those that rules look at; locations look at the others.
    of_rules: usize,
    /// Where [`SERVER_VARIABLES`] stand among the variables.
    at: [usize; 3],
    /// See [`Router::fingerprint`].
    fingerprint: u64,
    /// What is counted beside the routes.
    series: Arc<SeriesTemplates>,
    /// What is counted instead of in a route.
    probes: Arc<Probes>,
}

/// Which parts of a request can make a difference to the rules.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RulesLookAt {
    pub(super) method: bool,
    pub(super) host: bool,
    pub(super) status: bool,
    /// The path as it is; otherwise its fold is enough to find the rule.
    pub(super) raw_path: bool,
}

/// A rule, compiled.
#[derive(Debug, Clone)]
pub(super) struct CompiledRule {
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
        router.of_rules = router.variables.len();
        router.by_front = RulesByFront::new(router.rules.iter().map(|rule| rule.conditions.front())).map(Arc::new);
        router.fingerprint = rules_fingerprint(&rules);
        Ok(router)
    }

    /// The same, with nginx's locations for requests that no rule names. `any_log`: also for logs that nginx's
    /// configuration does not name, which then may be of any of its servers.
    #[must_use]
    pub fn with_locations(mut self, locations: Locations, any_log: bool) -> Router {
        for (at, name) in self.at.iter_mut().zip(SERVER_VARIABLES) {
            *at = self.variables.iter().position(|known| known == name).unwrap_or(self.variables.len());
            if *at == self.variables.len() {
                self.variables.push(name.to_owned());
            }
        }
        let mut mixed = self.fingerprint.to_le_bytes().to_vec();
        mixed.extend_from_slice(&locations.fingerprint().to_le_bytes());
        mixed.push(u8::from(any_log));
        Router { locations: Some(locations), any_log, fingerprint: xxh3_64(&mixed), ..self }
    }

    /// The same with series beside the routes.
    #[must_use]
    pub fn with_series(self, series: SeriesTemplates) -> Router {
        Router { series: Arc::new(series), ..self }
    }

    /// The series beside the routes.
    pub fn series(&self) -> &Arc<SeriesTemplates> {
        &self.series
    }

    /// The same with requests of monitoring out of the routes.
    #[must_use]
    pub fn with_probes(self, probes: Probes) -> Router {
        if probes.is_empty() {
            return self;
        }
        let mixed = [self.fingerprint.to_le_bytes(), probes.fingerprint().to_le_bytes()].concat();
        Router { probes: Arc::new(probes), fingerprint: xxh3_64(&mixed), ..self }
    }

    /// The requests of monitoring, which are in no route.
    pub fn probes(&self) -> &Arc<Probes> {
        &self.probes
    }

    /// The first nodes of series and probes, which routes give way to.
    pub fn taken_nodes(&self) -> Vec<String> {
        let mut nodes = self.series.first_nodes().to_vec();
        if !self.probes.is_empty() {
            nodes.push(PROBE_NODE.to_owned());
        }
        nodes
    }

    /// The same for the lines of one log, given by its path or pattern: only the servers that write it count.
    #[must_use]
    pub fn of_log(self: &Arc<Router>, log: &str) -> Arc<Router> {
        let Some(locations) = &self.locations else { return Arc::clone(self) };
        let locations = match locations.of_log(log) {
            None if self.any_log => Some(locations.clone()),
            of_log => of_log,
        };
        Arc::new(Router { locations, ..Router::clone(self) })
    }

    /// nginx's locations.
    pub(super) fn locations(&self) -> Option<&Locations> {
        self.locations.as_ref()
    }

    /// What a request says about its server.
    pub(super) fn server_hints<'a>(&self, facts: &RequestFacts<'a>) -> ServerHints<'a> {
        let [server_name, server_port, scheme] = self.at.map(|at| facts.variable(at));
        ServerHints { host: facts.host, server_name, server_port, scheme }
    }

    /// Compiles the `at`th rule, and notes what it looks at.
    fn add(&mut self, at: usize, rule: &Rule) -> Result<(), RuleMistake> {
        if at >= usize::from(u16::MAX) {
            return Err(
                RuleMistake::new("name", "there are more than 65,535 rules").remedy("use captures in their names")
            );
        }
        let conditions = Conditions::new(rule, &mut self.variables)?;
        let name = RuleName::new(&rule.name, &conditions)?;
        self.looks_at.method |= !conditions.methods.is_empty() || name.uses(CaptureSource::Method);
        self.looks_at.host |= conditions.host.is_some() || name.uses(CaptureSource::Host);
        self.looks_at.status |= !conditions.status.is_empty() || name.uses(CaptureSource::Status);
        self.looks_at.raw_path |= conditions.needs_raw_path();
        self.rules.push(CompiledRule { conditions, name, threshold_ms: rule.threshold_ms });
        Ok(())
    }

    /// The log variables that rules look at, without `$`; [`super::Request::variables`] has their values in this order.
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Those of the [`variables`](Self::variables) that rules look at, not only locations where a log has them.
    pub fn variables_of_rules(&self) -> &[String] {
        self.variables.get(..self.of_rules).unwrap_or_default()
    }

    /// Whether nginx's locations name what no rule does.
    pub fn names_by_location(&self) -> bool {
        self.locations.is_some()
    }

    /// Whether a rule looks at the host.
    pub fn rules_need_host(&self) -> bool {
        self.looks_at.host
    }

    /// Whether rules or locations look at the host.
    pub fn needs_host(&self) -> bool {
        self.looks_at.host || self.locations.is_some()
    }

    /// The threshold of a rule, as [`super::Matched::rule`] numbers it.
    pub fn threshold_ms(&self, rule: u16) -> Option<u64> {
        self.rule(rule)?.threshold_ms
    }

    /// A hash of rules, locations and probes: under the same a request has the same route and threshold.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The thresholds of rules and probes, each with the route that it names; nothing where that depends on the request.
    pub fn thresholds(&self) -> Vec<(Option<String>, u64)> {
        let mut thresholds = Vec::new();
        for rule in &self.rules {
            if let Some(threshold) = rule.threshold_ms {
                thresholds.push((rule.name.fixed(), threshold));
            }
        }
        thresholds.extend(self.probes.thresholds().map(|(series, threshold)| (Some(series.to_owned()), threshold)));
        thresholds
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// A rule by its number.
    pub(super) fn rule(&self, rule: u16) -> Option<&CompiledRule> {
        self.rules.get(usize::from(rule))
    }

    /// The first rule that a request meets.
    pub(super) fn first_rule(&self, facts: &RequestFacts<'_>) -> Option<(u16, &CompiledRule)> {
        let Some(by_front) = &self.by_front else {
            return (0..).zip(&self.rules).find(|(_, rule)| rule.conditions.are_met_by(facts));
        };
        let met = |at| self.rule(at).is_some_and(|rule| rule.conditions.are_met_by(facts));
        let at = by_front.first_met(facts.path, met)?;
        Some((at, self.rule(at)?))
    }
}

/// A hash of what the rules say, in their order.
fn rules_fingerprint(rules: &[Rule]) -> u64 {
    let mut text = String::new();
    for Rule { name, method, host, path, regex, status, variables, threshold_ms } in rules {
        let said = format!("{:?}\n", (name, method, host, path, regex, status, variables, threshold_ms));
        text.push_str(&said);
    }
    xxh3_64(text.as_bytes())
}
