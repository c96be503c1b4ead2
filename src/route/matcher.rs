//! One worker's way from a request to its route: a cache in front of the rules and of the shared names.
//!
//! Without rules the key is the path's template: few keys, however many paths. With rules, whatever they look at is
//! put before it; the template stays in place of the path as long as no rule can tell two paths of one template apart
//! (see `Pattern::sees_through_folds`). A rule whose name has captures of the path then needs a second look-up, by what
//! it captured.

use std::sync::Arc;

use super::RouteId;
use super::cache::Cache;
use super::condition::Facts;
use super::fold::fold;
use super::interner::Routes;
use super::name::encode_path;
use super::request::{Request, Subject, bare_host, without_query};
use super::router::{Compiled, Router};

/// A request's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matched {
    /// The route.
    pub id: RouteId,
    /// From how many milliseconds on a request is slow, if the rule says so.
    pub threshold_ms: Option<u64>,
    /// The rule that named it, counted from 0; none if the path's template did.
    pub rule: Option<u16>,
}

/// Routes requests; one for each worker.
#[derive(Debug)]
pub struct Matcher {
    router: Arc<Router>,
    routes: Arc<Routes>,
    /// From the key of a request to its route, or to the rule that has to name it.
    answers: Cache<Answer>,
    /// From a rule and its captures to the route.
    named: Cache<Found>,
    key: Vec<u8>,
    overflow: u64,
}

/// A route, and whether a request got there because the cap was reached.
#[derive(Debug, Clone, Copy)]
struct Found {
    id: RouteId,
    over_cap: bool,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Template(Found),
    Rule(u16, Found),
    /// The rule's name depends on what it captures of the path, which the key does not tell.
    Captures(u16),
}

impl Matcher {
    /// A matcher with an empty cache.
    pub fn new(router: Arc<Router>, routes: Arc<Routes>) -> Matcher {
        Matcher { router, routes, answers: Cache::new(), named: Cache::new(), key: Vec::new(), overflow: 0 }
    }

    /// How many requests fell to `other`, because the cap was reached before their route was seen.
    pub fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The route of a request.
    #[inline]
    pub fn route(&mut self, request: &Request<'_>) -> Matched {
        let subject = request.subject();
        self.key.clear();
        let answer = if self.router.is_empty() {
            push_template(subject, request.status, &mut self.key);
            let hash = self.answers.hash(&self.key);
            match self.answers.get(&self.key, hash) {
                Some(answer) => answer,
                None => {
                    let answer = Answer::Template(intern(&self.routes, &encode_path(&self.key)));
                    self.answers.put(&self.key, hash, answer);
                    answer
                }
            }
        } else {
            return self.route_by_rules(request, subject);
        };
        self.matched(answer, None)
    }

    fn route_by_rules(&mut self, request: &Request<'_>, subject: Subject<'_>) -> Matched {
        let facts = facts(request, subject, &self.router);
        let by_fold = self.push_key(&facts, subject);
        let hash = self.answers.hash(&self.key);
        let answer = match self.answers.get(&self.key, hash) {
            Some(answer) => answer,
            None => {
                let answer = self.ask(&facts, subject, by_fold);
                self.answers.put(&self.key, hash, answer);
                answer
            }
        };
        self.matched(answer, Some(&facts))
    }

    /// Asks the rules, and if none matches the template.
    fn ask(&self, facts: &Facts<'_>, subject: Subject<'_>, by_fold: bool) -> Answer {
        match self.router.first(facts) {
            Some((at, rule)) if by_fold && rule.name.uses_path() => Answer::Captures(at),
            Some((at, rule)) => Answer::Rule(at, intern(&self.routes, &rule.name.assemble(&rule.conditions, facts))),
            None => {
                let mut template = Vec::new();
                push_template(subject, facts.status, &mut template);
                Answer::Template(intern(&self.routes, &encode_path(&template)))
            }
        }
    }

    fn matched(&mut self, answer: Answer, facts: Option<&Facts<'_>>) -> Matched {
        let (found, rule) = match answer {
            Answer::Template(found) => (found, None),
            Answer::Rule(rule, found) => (found, Some(rule)),
            Answer::Captures(rule) => (self.by_captures(rule, facts), Some(rule)),
        };
        self.overflow += u64::from(found.over_cap);
        let threshold_ms = rule.and_then(|rule| self.router.threshold_ms(rule));
        Matched { id: found.id, threshold_ms, rule }
    }

    /// The route of a rule whose name depends on what it captures.
    fn by_captures(&mut self, at: u16, facts: Option<&Facts<'_>>) -> Found {
        let (Some(Compiled { name, conditions, .. }), Some(facts)) = (self.router.rule(at), facts) else {
            // Only a rule that exists, asked with facts, yields this answer.
            return intern(&self.routes, super::name::OTHER);
        };
        self.key.clear();
        self.key.extend_from_slice(&at.to_le_bytes());
        let key = &mut self.key;
        name.values(conditions, facts, |value| push_field(Some(value), key));
        let hash = self.named.hash(&self.key);
        if let Some(found) = self.named.get(&self.key, hash) {
            return found;
        }
        let found = intern(&self.routes, &name.assemble(conditions, facts));
        self.named.put(&self.key, hash, found);
        found
    }

    /// Builds the key: all that rules can tell requests apart by. Whether the template stands in it for the path.
    fn push_key(&mut self, facts: &Facts<'_>, subject: Subject<'_>) -> bool {
        let looks_at = self.router.looks_at;
        let key = &mut self.key;
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
        for at in 0..self.router.variables().len() {
            push_field(facts.variable(at), key);
        }
        let before = key.len();
        if !looks_at.raw_path {
            key.push(b'f');
            if push_template(subject, facts.status, key) {
                return true;
            }
            // Cut with `{rest}`: the template no longer tells what a rule might see.
            key.truncate(before);
        }
        match subject {
            Subject::Fixed(template) => {
                key.push(b'f');
                key.extend_from_slice(template.as_bytes());
            }
            Subject::Path { .. } => {
                // A 101 has a template of its own.
                key.push(if facts.status == Some(101) { b'u' } else { b'r' });
                key.extend_from_slice(facts.path.unwrap_or_default());
            }
        }
        false
    }
}

/// Appends the template of what a request asks for. Whether all of the path is in it.
#[inline]
fn push_template(subject: Subject<'_>, status: Option<u16>, out: &mut Vec<u8>) -> bool {
    match subject {
        Subject::Fixed(template) => {
            out.extend_from_slice(template.as_bytes());
            true
        }
        Subject::Path { path, .. } => {
            let start = out.len();
            let whole = fold(path, out);
            if status == Some(101) {
                // An upgraded connection lasts as long as its client likes: kept out of the path's own latency.
                if out.len() > start + 1 {
                    out.push(b'/');
                }
                out.extend_from_slice(b"{101}");
            }
            whole
        }
    }
}

fn facts<'a>(request: &Request<'a>, subject: Subject<'a>, router: &Router) -> Facts<'a> {
    let (path, authority) = match subject {
        Subject::Path { path, authority } => (Some(without_query(path)), authority),
        Subject::Fixed(_) => (None, None),
    };
    let host = if router.needs_host() { authority.or(request.host).map(bare_host) } else { None };
    // What nginx could not read as a request has no method either, whatever the log says.
    let method: &[u8] = if request.malformed { b"" } else { request.method };
    Facts { method, host, path, status: request.status, variables: request.variables }
}

/// Appends a field so that no two sequences of fields look the same.
fn push_field(field: Option<&[u8]>, key: &mut Vec<u8>) {
    let length = field.map_or(u64::MAX, |field| field.len() as u64);
    key.extend_from_slice(&length.to_le_bytes());
    key.extend_from_slice(field.unwrap_or_default());
}

fn intern(routes: &Routes, name: &str) -> Found {
    let (id, over_cap) = routes.resolve(name);
    Found { id, over_cap }
}
