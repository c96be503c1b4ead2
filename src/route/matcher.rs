//! One worker's way from a request to its route: a cache in front of the rules and of the shared names.
//!
//! The key is the path's template, and before it whatever else the rules look at: few keys, however many paths. That
//! is right as long as no rule can tell two paths of one template apart (see `Pattern::can_judge_templates`); where one
//! can, only paths that folding left as they were are answered from the cache. Where a rule's name has captures of the
//! path, the cache knows the rule, and the captures lead to the name. Where nginx's locations name what no rule does, the
//! cache knows only that no rule does; [`LocationFinder`] remembers the rest.

use std::sync::Arc;

use super::RouteId;
use super::cache::AnswerCache;
use super::graphite_name::encode_path;
use super::location::LocationFinder;
use super::merit::RouteMerit;
use super::query::without_query;
use super::request::{Request, TargetForm, bare_host};
use super::router::{CompiledRule, Router};
use super::routes::Routes;
use super::rules::condition::RequestFacts;
use super::series_name::out_of_the_way;
use super::template::{fold_path, template_of};
use crate::grammar::Format;

/// A request's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The route.
    pub id: RouteId,
    /// From how many milliseconds on a request is slow, if the rule says so.
    pub threshold_ms: Option<u64>,
    /// The rule that named it, counted from 0; none if the path's template did.
    pub rule: Option<u16>,
    /// The probe that the request is of, counted from 0: then it is in no route but in the probe's series.
    pub probe: Option<u16>,
}

/// Routes requests; one for each worker.
#[derive(Debug)]
pub struct Matcher {
    router: Arc<Router>,
    answers: AnswerCache<CachedAnswer>,
    names: WorkerNames,
    located: Option<LocationFinder>,
    /// The routes of locations: by twice their number, plus one for upgraded connections.
    of_locations: Vec<Option<NumberedRoute>>,
    key: Vec<u8>,
    overflow: u64,
    /// The format has no request: all of its lines are of one route.
    unlogged: bool,
}

/// What a key leads to.
#[derive(Debug, Clone, Copy)]
enum CachedAnswer {
    /// A route, and the rule that named it.
    Route(NumberedRoute, Option<u16>),
    /// A rule whose name depends on what it captures of the path, which the key does not tell.
    Captures(u16),
    /// No rule: the location or the template names the route.
    NoRule,
}

/// A route, and why a request got there if it was because the cap was reached.
#[derive(Debug, Clone, Copy)]
struct NumberedRoute {
    id: RouteId,
    refusal: Option<Refusal>,
}

/// The name had no place for a request of this merit.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    merit: RouteMerit,
    /// As of [`Routes::freed`] then.
    freed: u64,
}

/// The template at the end of a key.
#[derive(Debug, Clone, Copy)]
struct KeyTemplate {
    start: usize,
    /// Where the path's part ends; a marker may follow.
    end: usize,
    /// Nothing was cut off.
    whole: bool,
}

impl Matcher {
    /// A matcher with an empty cache.
    pub fn new(router: Arc<Router>, routes: Arc<Routes>) -> Matcher {
        let (known, key) = (AnswerCache::new(), Vec::new());
        let names = WorkerNames { routes, taken: router.taken_nodes(), known, key, merit: RouteMerit::Answered };
        let located = router.locations().map(|locations| LocationFinder::new(locations.clone()));
        let (answers, key) = (AnswerCache::new(), Vec::new());
        Matcher { router, answers, names, located, of_locations: Vec::new(), key, overflow: 0, unlogged: false }
    }

    /// The same for lines of a format, which locations have to know: how it is escaped, and what its target is.
    #[must_use]
    pub fn of_format(mut self, format: &Format) -> Matcher {
        self.located = self.located.map(|located| located.of_format(format));
        self.unlogged = !format.tells_request();
        self
    }

    /// How many requests fell to `other`, because the cap was reached before their route was seen.
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// How many keys the caches hold, and how many bytes they take.
    #[cfg(test)]
    pub(super) fn cached_size(&self) -> (usize, usize) {
        let located = self.located.as_ref().map_or([(0, 0); 2], LocationFinder::cached_sizes);
        let caches = [[self.answers.size(), self.names.known.size()], located];
        let sum = |all: (usize, usize), one: &(usize, usize)| (all.0 + one.0, all.1 + one.1);
        caches.iter().flatten().fold((0, 0), sum)
    }

    /// The route of a request.
    #[inline(always)]
    pub fn route(&mut self, request: &Request<'_>) -> Matched {
        let subject = if self.unlogged { TargetForm::Fixed("{unlogged}") } else { request.subject() };
        self.key.clear();
        self.names.merit = RouteMerit::of(request.status, request.took_ms);
        let (found, rule) = if !self.router.is_empty() {
            self.route_by_rules(request, subject)
        } else if let Some(found) = self.located.is_some().then(|| self.route_by_location(request, subject)).flatten() {
            (found, None)
        } else {
            self.route_by_path(request, subject)
        };
        self.overflow += u64::from(found.refusal.is_some());
        let threshold_ms = rule.and_then(|rule| self.router.threshold_ms(rule));
        Matched { id: found.id, threshold_ms, rule, probe: None }
    }

    /// The route of a request where there are neither rules nor locations: its template names it. The common case, so a path
    /// that folding leaves as it is is looked up without a copy.
    #[inline(always)]
    fn route_by_path(&mut self, request: &Request<'_>, subject: TargetForm<'_>) -> (NumberedRoute, Option<u16>) {
        let key = match subject {
            TargetForm::Path { path, .. } if request.status != Some(101) => template_of(path, &mut self.key),
            _ => {
                push_template(subject, request.status, &mut self.key);
                &self.key
            }
        };
        let hash = self.answers.hash(key);
        if let Some(CachedAnswer::Route(found, rule)) = self.answers.get(key, hash)
            && self.names.holds(found)
        {
            return (found, rule);
        }
        let found = self.names.intern(&encode_path(key));
        self.answers.put(key, hash, CachedAnswer::Route(found, None));
        (found, None)
    }

    /// The route of a request, and its rule, where there are rules. The key is all that rules can tell requests apart by.
    #[inline(never)]
    fn route_by_rules(&mut self, request: &Request<'_>, subject: TargetForm<'_>) -> (NumberedRoute, Option<u16>) {
        let facts = read_facts(request, subject, &self.router);
        push_fields(&facts, &self.router, &mut self.key);
        let template = push_template(subject, facts.status, &mut self.key);
        let sure = template.whole && (!self.router.looks_at.raw_path || self.key_tells_path(template, &facts));
        if !sure {
            // Such paths are too many to be remembered one by one.
            return self.ask_rules(&facts, template);
        }
        let hash = self.answers.hash(&self.key);
        match self.answers.get(&self.key, hash) {
            Some(CachedAnswer::Route(found, rule)) if self.names.holds(found) => return (found, rule),
            Some(CachedAnswer::Captures(at)) => {
                if let Some(rule) = self.router.rule(at) {
                    return (self.names.rule_route(at, rule, &facts), Some(at));
                }
            }
            Some(CachedAnswer::NoRule) => return (self.route_without_rule(&facts, template), None),
            Some(CachedAnswer::Route(..)) | None => {}
        }
        let (found, rule) = self.ask_rules(&facts, template);
        let answer = match rule.and_then(|at| Some((at, self.router.rule(at)?))) {
            Some((at, rule)) if rule.name.uses_path() && !self.key_tells_path(template, &facts) => {
                CachedAnswer::Captures(at)
            }
            None if self.located.is_some() => CachedAnswer::NoRule,
            _ => CachedAnswer::Route(found, rule),
        };
        self.answers.put(&self.key, hash, answer);
        (found, rule)
    }

    /// The route of the location that the request entered.
    #[inline(never)]
    fn route_by_location(&mut self, request: &Request<'_>, subject: TargetForm<'_>) -> Option<NumberedRoute> {
        let facts = read_facts(request, subject, &self.router);
        self.location_route(&facts)
    }

    /// The route of the location that a request with a path entered; nothing where the line leaves that open.
    fn location_route(&mut self, facts: &RequestFacts<'_>) -> Option<NumberedRoute> {
        let located = self.located.as_mut()?;
        let number = located.find_route(&self.router.server_hints(facts), facts.path?, facts.status)?;
        let upgraded = facts.status == Some(101);
        let at = number as usize * 2 + usize::from(upgraded);
        if let Some(Some(found)) = self.of_locations.get(at)
            && self.names.holds(*found)
        {
            return Some(*found);
        }
        self.names.merit = RouteMerit::Costly;
        let name = located.route_name(number);
        let found = if upgraded { self.names.intern(&format!("{name}.__101")) } else { self.names.intern(name) };
        if self.of_locations.len() <= at {
            self.of_locations.resize(at + 1, None);
        }
        if let Some(known) = self.of_locations.get_mut(at) {
            *known = Some(found);
        }
        Some(found)
    }

    /// The route of a request that no rule names.
    fn route_without_rule(&mut self, facts: &RequestFacts<'_>, template: KeyTemplate) -> NumberedRoute {
        match self.location_route(facts) {
            Some(found) => found,
            None => self.names.template_route(self.key.get(template.start..).unwrap_or_default()),
        }
    }

    /// Asks the rules, and if none matches the location or the template.
    fn ask_rules(&mut self, facts: &RequestFacts<'_>, template: KeyTemplate) -> (NumberedRoute, Option<u16>) {
        match self.router.first_rule(facts) {
            Some((at, rule)) => (self.names.rule_route(at, rule, facts), Some(at)),
            None => (self.route_without_rule(facts, template), None),
        }
    }

    /// Whether folding left the path as it was, so that the key tells it.
    fn key_tells_path(&self, template: KeyTemplate, facts: &RequestFacts<'_>) -> bool {
        facts.path.is_none_or(|path| self.key.get(template.start..template.end) == Some(path))
    }
}

/// The shared names, as one worker knows them.
#[derive(Debug)]
struct WorkerNames {
    routes: Arc<Routes>,
    /// What routes give way to.
    taken: Vec<String>,
    /// From a rule and the values of its captures, or from a template.
    known: AnswerCache<NumberedRoute>,
    key: Vec<u8>,
    /// Of the request at hand.
    merit: RouteMerit,
}

/// Stands where a rule's number stands in the keys of [`WorkerNames`]; no rule has it.
const NO_RULE: u16 = u16::MAX;

impl WorkerNames {
    /// The route that a rule names, remembered by the rule and what it captured.
    fn rule_route(&mut self, at: u16, rule: &CompiledRule, facts: &RequestFacts<'_>) -> NumberedRoute {
        if !rule.name.has_captures() {
            self.merit = RouteMerit::Costly;
        }
        self.key.clear();
        self.key.extend_from_slice(&at.to_le_bytes());
        rule.name.visit_captures(&rule.conditions, facts, |value| push_field(Some(value), &mut self.key));
        self.get_or_intern(|| rule.name.assemble(&rule.conditions, facts))
    }

    /// The route that a template names.
    fn template_route(&mut self, template: &[u8]) -> NumberedRoute {
        self.key.clear();
        self.key.extend_from_slice(&NO_RULE.to_le_bytes());
        self.key.extend_from_slice(template);
        self.get_or_intern(|| encode_path(template))
    }

    /// The route under the key at hand; `name` is asked only if it is not known.
    fn get_or_intern(&mut self, name: impl FnOnce() -> String) -> NumberedRoute {
        let hash = self.known.hash(&self.key);
        if let Some(found) = self.known.get(&self.key, hash)
            && self.holds(found)
        {
            return found;
        }
        let found = self.intern(&name());
        self.known.put(&self.key, hash, found);
        found
    }

    /// The number of a name in the table that all workers share. It takes a lock: ask the caches first.
    fn intern(&self, name: &str) -> NumberedRoute {
        let freed = self.routes.freed();
        let given_way = out_of_the_way(name, &self.taken);
        let (id, over_cap) = self.routes.number_or_other(given_way.as_deref().unwrap_or(name), self.merit);
        NumberedRoute { id, refusal: over_cap.then_some(Refusal { merit: self.merit, freed }) }
    }

    /// Whether a remembered route is that of the request at hand: one that was refused may be let in by now.
    #[inline(always)]
    fn holds(&self, found: NumberedRoute) -> bool {
        found.refusal.is_none_or(|refusal| self.merit <= refusal.merit && refusal.freed == self.routes.freed())
    }
}

/// What rules and locations look at of a request: the host without port, the path without query.
fn read_facts<'a>(request: &Request<'a>, subject: TargetForm<'a>, router: &Router) -> RequestFacts<'a> {
    let (path, authority) = match subject {
        TargetForm::Path { path, authority } => (Some(without_query(path)), authority),
        TargetForm::Fixed(_) => (None, None),
    };
    let host = if router.needs_host() { authority.or(request.host).map(bare_host) } else { None };
    // What nginx could not read as a request has no method either, whatever the log says.
    let method: &[u8] = if request.malformed { b"" } else { request.method };
    RequestFacts { method, host, path, status: request.status, variables: request.variables }
}

/// Appends all but the path that rules can tell requests apart by.
fn push_fields(facts: &RequestFacts<'_>, router: &Router, key: &mut Vec<u8>) {
    let looks_at = router.looks_at;
    if looks_at.status {
        // No status is 65,535: no rule can mean that.
        key.extend_from_slice(&facts.status.unwrap_or(u16::MAX).to_le_bytes());
    }
    if looks_at.method {
        push_field(Some(facts.method), key);
    }
    if looks_at.host {
        push_field(facts.host, key);
    }
    for at in 0..router.variables().len() {
        push_field(facts.variable(at), key);
    }
}

/// Appends a field so that no two sequences of fields look the same.
fn push_field(field: Option<&[u8]>, key: &mut Vec<u8>) {
    let length = field.map_or(u64::MAX, |field| field.len() as u64);
    key.extend_from_slice(&length.to_le_bytes());
    key.extend_from_slice(field.unwrap_or_default());
}

/// Appends the template of what a request asks for.
#[inline]
fn push_template(subject: TargetForm<'_>, status: Option<u16>, out: &mut Vec<u8>) -> KeyTemplate {
    let start = out.len();
    match subject {
        TargetForm::Fixed(template) => {
            out.extend_from_slice(template.as_bytes());
            KeyTemplate { start, end: out.len(), whole: true }
        }
        TargetForm::Path { path, .. } => {
            let whole = fold_path(path, out);
            let end = out.len();
            if status == Some(101) {
                // An upgraded connection lasts as long as its client likes: kept out of the path's own latency.
                if end > start + 1 {
                    out.push(b'/');
                }
                out.extend_from_slice(b"{101}");
            }
            KeyTemplate { start, end, whole }
        }
    }
}
