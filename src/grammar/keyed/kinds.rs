//! Lines of several kinds in one log: of two programs, or of a log_format that was changed. What a key holds in lines of one kind says
//! nothing about the same key in those of another.
//!
//! Two lines are of one kind unless a part of the record stands under other keys in the one than in the other (`reqtime`,
//! `request_time`), or only one says how long its request took, which nginx always does. A key that one of them lacks makes no kind:
//! shippers leave out what is empty.

use std::collections::{BTreeMap, BTreeSet};

use super::spec::VariableKey;
use super::usual_keys::{ROLES, Role};
use super::{Keyed, KeyedSyntax, KeyedValues, json, ltsv};

/// For each role the keys that may play it in a line: variable and rank, which no two keys share.
type RoleKeys = [BTreeSet<(u16, u8)>; ROLES.len()];

/// The lines of each kind, the most frequent kind first; those that are no requests are of none.
pub(super) fn lines_by_kind<'l>(keyed: &Keyed, lines: &[&'l [u8]]) -> Vec<Vec<&'l [u8]>> {
    let mut alike: BTreeMap<RoleKeys, Vec<&'l [u8]>> = BTreeMap::new();
    let (mut spans, mut state, mut text) = (vec![(0, 0); keyed.slots()], KeyedValues::default(), Vec::new());
    for line in lines {
        if keyed.cut(line, &mut state, &mut spans, &mut text).is_ok() {
            alike.entry(role_keys(keyed, line)).or_default().push(line);
        }
    }
    let mut frequent: Vec<(RoleKeys, Vec<&[u8]>)> = alike.into_iter().collect();
    frequent.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.len()));
    let mut kinds: Vec<(RoleKeys, Vec<&[u8]>)> = Vec::new();
    for (keys, mut lines) in frequent {
        match kinds.iter_mut().find(|(known, _)| !are_different(known, &keys)) {
            Some((known, held)) => {
                for (known, keys) in known.iter_mut().zip(keys) {
                    known.extend(keys);
                }
                held.append(&mut lines);
            }
            None => kinds.push((keys, lines)),
        }
    }
    kinds.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.len()));
    kinds.into_iter().map(|(_, lines)| lines).collect()
}

fn role_keys(keyed: &Keyed, line: &[u8]) -> RoleKeys {
    let mut found = RoleKeys::default();
    each_value(keyed.syntax, line, &mut |path, _| {
        let Some(target) = keyed.map.get(path) else { return };
        for (players, keys) in keyed.roles.iter().zip(&mut found) {
            if players.contains(&usize::from(target.variable)) {
                keys.insert((target.variable, target.rank));
            }
        }
    });
    found
}

/// Every key of a line with its value.
fn each_value<'l>(syntax: KeyedSyntax, line: &'l [u8], each: &mut dyn FnMut(&[u8], &'l [u8])) {
    let mut give = |path: &[u8], span: (u32, u32), _: json::ValueForm| {
        each(path, line.get(span.0 as usize..span.1 as usize).unwrap_or_default());
    };
    // What does not scan is rejected when it is read.
    let _ = match syntax {
        KeyedSyntax::Json => json::scan(line, &mut give),
        KeyedSyntax::Ltsv => ltsv::scan(line, &mut give),
    };
}

fn are_different(one: &RoleKeys, other: &RoleKeys) -> bool {
    let time = Role::RequestTime as usize;
    let timed = |keys: &RoleKeys| keys.get(time).is_some_and(|keys| !keys.is_empty());
    let elsewhere = |(one, other): (&BTreeSet<_>, &BTreeSet<_>)| {
        !one.is_empty() && !other.is_empty() && one.intersection(other).next().is_none()
    };
    timed(one) != timed(other) || one.iter().zip(other).any(elsewhere)
}

/// What the values of a key that may hold `$uri` look like, in lines of one kind.
#[derive(Default)]
struct SeenTargets {
    /// Some have arguments, which `$uri` has not.
    queried: bool,
    /// Some have bytes that a client sends escaped.
    decoded: bool,
}

/// The keys that are thought to hold `$uri` but hold no such: with arguments in every kind of lines, and escaped, they hold
/// `$request_uri`; else it is not known which of the two they hold, and they are targets under their own names.
pub(super) fn find_targets(keyed: &Keyed, lines: &[&[u8]]) -> Vec<VariableKey> {
    let said: BTreeSet<&str> = keyed.spec.iter().map(|key| key.key.as_str()).collect();
    let uri = keyed.variables.iter().position(|variable| variable.name == "uri");
    let of_uri = |path: &[u8]| keyed.map.get(path).is_some_and(|target| Some(usize::from(target.variable)) == uri);
    let mut keys: BTreeMap<String, Vec<SeenTargets>> = BTreeMap::new();
    for kind in lines_by_kind(keyed, lines) {
        let mut of_kind: BTreeMap<String, SeenTargets> = BTreeMap::new();
        for line in kind {
            each_value(keyed.syntax, line, &mut |path, value| {
                let Some(path) = std::str::from_utf8(path).ok().filter(|path| of_uri(path.as_bytes())) else { return };
                let seen = of_kind.entry(path.to_owned()).or_default();
                seen.queried |= value.contains(&b'?');
                seen.decoded |= value.iter().any(|byte| *byte == b' ' || !byte.is_ascii());
            });
        }
        for (key, seen) in of_kind {
            keys.entry(key).or_default().push(seen);
        }
    }
    let mut targets = Vec::new();
    for (key, kinds) in keys.into_iter().filter(|(key, _)| !said.contains(key.as_str())) {
        if kinds.iter().any(|seen| seen.queried) {
            let certain = kinds.iter().all(|seen| seen.queried && !seen.decoded);
            targets.push(VariableKey::in_seconds(if certain { "request_uri" } else { &key }, &key));
        }
    }
    targets
}
