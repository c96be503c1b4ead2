//! What the first lines of a log say about its keys beyond the usual names.
//!
//! Keys without a name of nginx's become variables of their own name, so that `records` shows every field. A key such as
//! `duration` becomes `$request_time` only if all of its values have the shape that nginx gives a duration, seconds with
//! exactly three decimals: what counts in milliseconds has another. Or each value names its unit itself (`310ms`).

use std::collections::BTreeMap;

use super::duration_unit::split_unit;
use super::finest::finest_time;
use super::json::{self, ValueForm};
use super::key_map::KeyTarget;
use super::kinds::find_targets;
use super::spec::{KeyedSpec, VariableKey};
use super::usual_keys::{MAYBE_SECONDS, ROLES, Role, squeezed};
use super::{Keyed, KeyedSyntax, ltsv};
use crate::grammar::line::ValueSpan;
use crate::grammar::variables::DurationUnit;
use crate::grammar::variables::VariableKind;

/// At most so many keys become variables of their own.
const KEYS: usize = 200;

/// What is known of a key.
#[derive(Debug, Default)]
struct SeenKey {
    order: usize,
    values: usize,
    numbers: usize,
    /// Values whose unit is certain: as nginx writes seconds, or with the unit behind the number.
    certain: usize,
}

/// The keyed format of a log that begins with `lines`.
pub(super) fn learn_keys(keyed: &Keyed, lines: &[&[u8]]) -> Keyed {
    let met = meet_keys(keyed, lines);
    let mut names: Vec<(&String, &SeenKey)> = met.iter().collect();
    names.sort_unstable_by_key(|(_, met)| met.order);
    let mut more = Vec::new();
    for (variable, keys) in MAYBE_SECONDS {
        for key in keys.iter().flat_map(|key| [(*key).to_owned(), squeezed(key)]) {
            let known = more.iter().any(|(known, _): &(VariableKey, VariableKind)| known.key == key);
            if let Some(met) = met.get(&key)
                && met.certain > 0
                && met.certain == met.values
                && !known
            {
                more.push((VariableKey::in_seconds(variable, &key), VariableKind::Text));
            }
        }
    }
    for (name, met) in names.into_iter().filter(|(name, _)| keyed.map.get(name.as_bytes()).is_none()) {
        let kind =
            if met.numbers > 0 && met.numbers == met.values { VariableKind::Decimal } else { VariableKind::Text };
        more.push((VariableKey::in_seconds(name, name), kind));
    }
    let spec = || KeyedSpec { syntax: keyed.syntax, keys: keyed.spec.clone() };
    let targets = find_targets(&Keyed::build(spec(), None, &more, &[]), lines);
    let held = keyed.map.iter().filter(|(key, _)| met.contains_key(*key));
    // Those of keys that hold another target are kept too: later lines may have another key of theirs.
    let variable_of = |target: KeyTarget| keyed.variables.get(usize::from(target.variable));
    let moved = targets.iter().map(|target| target.variable.as_str());
    let seen: Vec<&str> = held
        .filter_map(|(_, target)| variable_of(target))
        .map(|variable| variable.name.as_str())
        .chain(moved)
        .collect();
    let usual = keyed.usual_variables().filter(|variable| seen.contains(variable) || is_needed(variable, &seen));
    let usual = usual.map(str::to_owned).collect();
    let learnt = Keyed::build(spec(), Some(usual), &more, &targets);
    let finest = finest_time(&learnt, lines);
    let held = |role: Role| {
        let players = learnt.roles.get(role as usize).map_or(&[][..], Vec::as_slice);
        let names = players.iter().filter_map(|player| learnt.variables.get(*player));
        met.is_empty() || names.map(|variable| variable.name.as_str()).any(|name| is_held(name, &seen, &more))
    };
    let of_status_alone = !held(Role::Request) && !held(Role::Target);
    let untimed = !held(Role::RequestTime);
    learnt.with_finest(finest).lacking(of_status_alone, untimed)
}

/// Whether a key of the lines holds the variable, one of the usual or one that was learnt.
fn is_held(variable: &str, seen: &[&str], more: &[(VariableKey, VariableKind)]) -> bool {
    seen.contains(&variable) || more.iter().any(|(key, _)| key.variable == variable)
}

/// The first that can play a role is kept, though not seen, if no other one was: a later line may have it.
fn is_needed(variable: &str, seen: &[&str]) -> bool {
    let player = |players: &&&[&str]| players.first() == Some(&variable);
    // A target that is `$uri` in some lines need not be the head's.
    variable == "uri" || ROLES.iter().filter(player).any(|players| !players.iter().any(|player| seen.contains(player)))
}

/// The keys of the lines, with what their values look like.
fn meet_keys(keyed: &Keyed, lines: &[&[u8]]) -> BTreeMap<String, SeenKey> {
    let mut met: BTreeMap<String, SeenKey> = BTreeMap::new();
    for line in lines {
        let mut each = |path: &[u8], span: ValueSpan, form: ValueForm| {
            let Ok(path) = std::str::from_utf8(path) else { return };
            let order = met.len();
            if order >= KEYS && !met.contains_key(path) {
                return;
            }
            let known = met.entry(path.to_owned()).or_insert_with(|| SeenKey { order, ..SeenKey::default() });
            let value = line.get(span.0 as usize..span.1 as usize).unwrap_or_default();
            if form != ValueForm::Absent {
                known.values += 1;
                known.numbers += usize::from(is_number(value));
                known.certain += usize::from(as_nginx(value) || split_unit(value).is_some());
            }
        };
        // What does not scan is rejected when it is read.
        let _ = match keyed.syntax {
            KeyedSyntax::Json => json::scan(line, &mut each),
            KeyedSyntax::Ltsv => ltsv::scan(line, &mut each),
        };
    }
    met
}

fn is_number(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.parse::<serde_json::Number>().is_ok())
}

/// A list of durations with exactly three decimals each.
fn as_nginx(value: &[u8]) -> bool {
    let duration = |member: &[u8]| {
        let whole = member.iter().take_while(|byte| byte.is_ascii_digit()).count();
        whole > 0
            && member.len() == whole + 4
            && matches!(member.get(whole..), Some([b'.', digits @ ..]) if digits.iter().all(u8::is_ascii_digit))
    };
    let members = || value.split(|byte| b", :".contains(byte)).filter(|member| !member.is_empty());
    members().any(duration) && members().all(|member| member == b"-" || duration(member))
}

/// The keys of the lines that are known or were learnt, in the order in which they come.
pub(super) fn keys_in<'k>(keyed: &'k Keyed, lines: &[&[u8]]) -> Vec<&'k str> {
    let met = meet_keys(keyed, lines);
    let mut keys: Vec<(usize, &str)> =
        keyed.map.iter().filter_map(|(key, _)| Some((met.get(key)?.order, key))).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, key)| key).collect()
}

/// For each role the variable that plays it in `lines` and the key that holds it, with its unit, for people. A key whose value
/// is absent in all of them (no request had an upstream) plays it if no other does.
pub(super) fn held_keys(keyed: &Keyed, lines: &[&[u8]]) -> [Option<(usize, String)>; ROLES.len()] {
    let met = meet_keys(keyed, lines);
    keyed.roles.each_ref().map(|players| {
        let keys = |player: usize| keyed.map.iter().filter(move |(_, target)| usize::from(target.variable) == player);
        let best = |player: usize, least: usize| {
            let held = keys(player).filter(|(key, _)| met.get(*key).is_some_and(|met| met.values >= least));
            let (key, target) = held.min_by_key(|(_, target)| target.rank)?;
            let unit = if target.unit == DurationUnit::Seconds {
                String::new()
            } else {
                format!(" in {}", target.unit.name())
            };
            Some((player, format!("{key}{unit}")))
        };
        let with = |least: usize| players.iter().find_map(|&player| best(player, least));
        with(1).or_else(|| with(0))
    })
}
