//! Formats whose values are found by their keys, in any order: JSON lines and LTSV, as log shippers re-serialise them or
//! nginx writes them by a `log_format` that nobody has at hand.
//!
//! What a line says:
//!
//! - a variable is held by one of several keys; of those that a line has, the best by the list wins, and of the same key
//!   twice the last (as nearly every JSON reader has it). Nested keys are dotted paths, so `{"a":{"b":1}}` and
//!   `{"a.b":1}` are the same. The case of keys does not matter;
//! - `null`, empty, `-` and missing are absent. Numbers may be quoted; JSON's exponents are written out. An array is a
//!   list of attempts, arrays in an array are redirects;
//! - a part of the record (its end, its target, ..) is the best variable present that can play it ([`usual_keys::ROLES`]);
//! - a line without an end, or with neither request, target nor status, is not a request's.
//!
//! Values stand in the *text*: the line itself, or, where one had to be unescaped, converted or joined, a copy of the line
//! with such values behind it.

mod compiler;
mod duration_unit;
mod finest;
mod json;
mod json_string;
mod key_map;
mod key_path;
mod kinds;
mod learn;
mod learnt_keys;
mod ltsv;
mod spec;
mod usual_keys;
mod values;

pub(crate) use json::{ValueForm, scan as scan_json};
pub(crate) use json_string::{decode as decode_json, string as json_string};
pub(crate) use learnt_keys::LearntKeys;
pub(crate) use spec::KeyedSyntax;
pub(crate) use usual_keys::Role;
pub(in crate::grammar) use usual_keys::usual_variable;
pub(crate) use values::KeyedValues;

use std::ops::Range;

use crate::grammar::format_error::FormatError;
use crate::grammar::line::{CutFailure, MAX_LINE, RejectReason, ValueSpan};
use crate::grammar::variables::{DurationUnit, Roles, TimeNotation, Variable, VariableKind};
use compiler::KeyedCompiler;
use key_map::KeyMap;
use spec::KeyedSpec;
use usual_keys::{JSON_NAMES, LTSV_NAMES, NAMES, ROLES, WITH_UNIT};

/// A compiled keyed format.
#[derive(Debug, Clone)]
pub(crate) struct Keyed {
    syntax: KeyedSyntax,
    spec: Vec<spec::VariableKey>,
    /// Those of the usual variables that it has; nothing if it has all.
    usual: Option<Vec<String>>,
    /// Keys that were learnt.
    more: Vec<(spec::VariableKey, VariableKind)>,
    /// Keys of targets that hold another variable than the usual one.
    targets: Vec<spec::VariableKey>,
    map: KeyMap,
    variables: Vec<Variable>,
    /// For each role the variables that can play it, as indexes.
    roles: [Vec<usize>; ROLES.len()],
    /// The time that is finer than a better-known one of the same lines, and goes before it.
    finest: Option<String>,
    /// No line that it learnt from says what was requested.
    of_status_alone: bool,
    /// No line that it learnt from says how long a request took.
    untimed: bool,
    /// Something with a time is around its lines.
    in_wrapper: bool,
}

/// Whether a person may say that `key` (with its unit after a colon) holds `variable`.
///
/// # Errors
/// What is wrong, and what mends it.
pub fn check_key(variable: &str, key: &str) -> Result<(), (String, String)> {
    spec::parse_key(variable, key).map(drop)
}

impl Keyed {
    /// Compiles the text of a keyed format; None if it is not one.
    pub(super) fn compile(text: &str) -> Option<Result<Keyed, FormatError>> {
        Some(spec::parse(text)?.map(|spec| Keyed::build(spec, None, &[], &[])))
    }

    /// The format of a spec, with those of the usual variables that `usual` names (all, if nothing), further keys, and keys of
    /// targets that hold another variable than the usual one.
    fn build(
        spec: KeyedSpec,
        usual: Option<Vec<String>>,
        more: &[(spec::VariableKey, VariableKind)],
        targets: &[spec::VariableKey],
    ) -> Keyed {
        let wanted = |variable: &str| usual.as_ref().is_none_or(|usual| usual.iter().any(|known| known == variable));
        let mut compiling =
            KeyedCompiler { variables: Vec::new(), map: KeyMap::default(), ranks: Vec::new(), elsewhere: targets };
        for key in &spec.keys {
            compiling.add_key(&key.variable, &key.key, key.unit);
        }
        let own = Keyed::own_names(spec.syntax);
        for (variable, keys) in own.iter().chain(NAMES).filter(|(variable, _)| wanted(variable)) {
            for key in *keys {
                compiling.add_key(variable, key, DurationUnit::Seconds);
            }
        }
        for (variable, keys, unit) in WITH_UNIT {
            for key in *keys {
                compiling.add_key(variable, key, *unit);
            }
        }
        for (variable, keys) in own.iter().chain(NAMES).filter(|(variable, _)| wanted(variable)).copied() {
            compiling.add_squeezed(variable, keys, DurationUnit::Seconds);
        }
        for (variable, keys, unit) in WITH_UNIT {
            compiling.add_squeezed(variable, keys, *unit);
        }
        compiling.elsewhere = &[];
        for key in targets {
            compiling.add_key(&key.variable, &key.key, key.unit);
        }
        for (key, kind) in more {
            compiling.add_key(&key.variable, &key.key, key.unit);
            if let Some(variable) = compiling.variables.iter_mut().find(|known| known.name == key.variable)
                && variable.kind == VariableKind::Text
            {
                variable.kind = *kind;
            }
        }
        let KeyedCompiler { variables, map, .. } = compiling;
        let index = |name: &&str| variables.iter().position(|known| known.name == **name);
        let mut roles = ROLES.map(|names| names.iter().filter_map(index).collect::<Vec<usize>>());
        if let Some(players) = roles.get_mut(Role::Target as usize) {
            for player in targets.iter().filter_map(|key| index(&key.variable.as_str())) {
                if !players.contains(&player) {
                    players.push(player);
                }
            }
        }
        Keyed {
            syntax: spec.syntax,
            spec: spec.keys,
            usual,
            more: more.to_vec(),
            targets: targets.to_vec(),
            map,
            variables,
            roles,
            finest: None,
            of_status_alone: false,
            untimed: false,
            in_wrapper: false,
        }
    }

    /// The names of the usual variables of its syntax.
    fn usual_variables(&self) -> impl Iterator<Item = &'static str> + use<> {
        Keyed::own_names(self.syntax).iter().chain(NAMES).map(|(variable, _)| *variable)
    }

    fn own_names(syntax: KeyedSyntax) -> &'static [usual_keys::VariableKeys] {
        match syntax {
            KeyedSyntax::Json => JSON_NAMES,
            KeyedSyntax::Ltsv => LTSV_NAMES,
        }
    }

    /// Whether its lines need no time of their own.
    pub(crate) fn is_in_wrapper(&self) -> bool {
        self.in_wrapper
    }

    /// Whose lines need no time of their own, if what is wrapped around them has one.
    pub(crate) fn in_wrapper(self, in_wrapper: bool) -> Keyed {
        Keyed { in_wrapper, ..self }
    }

    /// With this time before the others.
    fn with_finest(mut self, finest: Option<String>) -> Keyed {
        let index = finest.as_ref().and_then(|name| self.variables.iter().position(|known| known.name == *name));
        if let (Some(index), Some(players)) = (index, self.roles.get_mut(Role::End as usize)) {
            players.retain(|player| *player != index);
            players.insert(0, index);
        }
        Keyed { finest, ..self }
    }

    fn lacking(self, of_status_alone: bool, untimed: bool) -> Keyed {
        Keyed { of_status_alone, untimed, ..self }
    }

    /// Whether its lines may say how long a request took.
    pub(crate) fn tells_request_time(&self) -> bool {
        !self.untimed
    }

    /// Whether its lines may say what was requested.
    pub(crate) fn tells_request(&self) -> bool {
        !self.of_status_alone
    }

    /// How its values are labelled.
    pub(crate) fn syntax(&self) -> KeyedSyntax {
        self.syntax
    }

    /// The variables that its keys hold.
    pub(super) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// How many values a line has: those of the variables, and then those of the roles.
    pub(crate) fn slots(&self) -> usize {
        self.variables.len() + ROLES.len()
    }

    /// The place of a role's value.
    pub(crate) fn slot_of(&self, role: Role) -> usize {
        self.variables.len() + role as usize
    }

    /// The roles, each by the best variable that can play it.
    pub(super) fn roles(&self) -> Roles {
        Keyed::roles_of_players(self.roles.each_ref().map(|variables| variables.first().copied()))
    }

    /// The roles, each by the best variable that these lines of a log have for it.
    pub(super) fn roles_in(&self, lines: &[&[u8]]) -> Roles {
        Keyed::roles_of_players(learn::held_keys(self, lines).map(|held| held.map(|(variable, _)| variable)))
    }

    fn roles_of_players(roles: [Option<usize>; ROLES.len()]) -> Roles {
        let [end, time, response, connect, header, request, method, target, protocol, status, bytes, host] = roles;
        Roles {
            end: end.map(|end| (end, TimeNotation::Any)),
            request_time: time,
            upstream: [response, connect, header],
            request,
            method,
            target,
            protocol,
            status,
            bytes,
            host,
            units: Default::default(),
            absent: Default::default(),
        }
    }

    /// Finds the values of `line` (without line end) and leaves their spans in `spans`, which has [`Keyed::slots`]. Whether
    /// they are spans of `text`, which then begins with the line, and not of the line itself.
    pub(crate) fn cut(
        &self,
        line: &[u8],
        state: &mut KeyedValues,
        spans: &mut [ValueSpan],
        text: &mut Vec<u8>,
    ) -> Result<bool, CutFailure> {
        let failed = |at, reason| Err(CutFailure { step: 0, at, reason });
        if line.len() > MAX_LINE {
            return failed(MAX_LINE, RejectReason::LineTooLong);
        }
        if let Some(nul) = memchr::memchr(0, line) {
            return failed(nul, RejectReason::Torn);
        }
        if line.is_empty() {
            return failed(0, RejectReason::EmptyLine);
        }
        state.begin_line(self.variables.len());
        let mut each = |path: &[u8], span: ValueSpan, form: ValueForm| {
            if let Some(target) = self.map.get(path) {
                state.hold_value(target, span, form);
            }
        };
        match self.syntax {
            KeyedSyntax::Json => json::scan(line, &mut each)?,
            KeyedSyntax::Ltsv => ltsv::scan(line, &mut each)?,
        }
        let copied = self.settle_line(line, state, spans, text);
        let present = |role: Role| spans.get(self.slot_of(role)).is_some_and(|span| span.0 < span.1);
        let request = [Role::Request, Role::Target, Role::Status].into_iter().any(present);
        if !(present(Role::End) || self.in_wrapper) || !request {
            return failed(0, RejectReason::KeyMissing);
        }
        Ok(copied)
    }

    /// What a line that cannot be read lacks, for [`RejectReason::KeyMissing`].
    pub(super) fn explain_lack(&self, line: &[u8]) -> String {
        let (mut state, mut spans, mut text) = (KeyedValues::default(), vec![(0, 0); self.slots()], Vec::new());
        // It has failed before; what it found is asked for now.
        let _ = self.cut(line, &mut state, &mut spans, &mut text);
        let present = |role: Role| spans.get(self.slot_of(role)).is_some_and(|span| span.0 < span.1);
        let keys = |role: Role| {
            let players = self.roles.get(role as usize).map_or(&[][..], Vec::as_slice);
            let of = |variable: usize| self.map.iter().filter(move |(_, held)| usize::from(held.variable) == variable);
            let keys: Vec<&str> =
                players.iter().flat_map(|&variable| of(variable)).map(|(key, _)| key).take(8).collect();
            keys.join(", ")
        };
        if !present(Role::End) {
            format!("no key says when the request ended (looked for {}, ..)", keys(Role::End))
        } else {
            let (request, status) = (keys(Role::Request), keys(Role::Status));
            format!("no key tells of a request (looked for {request}, {status}, ..)")
        }
    }

    /// For each part of a record that these lines of a log have: the variable, and the key that holds it with its unit.
    pub(super) fn held_keys(&self, lines: &[&[u8]]) -> Vec<(String, String)> {
        let named = |(variable, key): (usize, String)| Some((self.variables.get(variable)?.name.clone(), key));
        learn::held_keys(self, lines).into_iter().flatten().filter_map(named).collect()
    }

    /// These lines of a log, those of each kind together: see [`kinds`].
    pub(super) fn lines_by_kind<'l>(&self, lines: &[&'l [u8]]) -> Vec<Vec<&'l [u8]>> {
        kinds::lines_by_kind(self, lines)
    }

    /// The keys that these lines have, in their order, of those that are known or were learnt.
    pub(super) fn keys_in(&self, lines: &[&[u8]]) -> Vec<&str> {
        learn::keys_in(self, lines)
    }

    /// Where in `line` each value stands as it was logged, from left to right, with its variable.
    pub(super) fn fields(
        &self,
        line: &[u8],
        spans: &mut [ValueSpan],
    ) -> Result<Vec<(usize, Range<usize>)>, CutFailure> {
        let mut state = KeyedValues::default();
        self.cut(line, &mut state, spans, &mut Vec::new())?;
        let mut fields: Vec<(usize, Range<usize>)> = state.logged_spans().collect();
        fields.sort_by_key(|(_, span)| (span.start, span.end));
        // One key may hold several variables; none is shown over another.
        let mut end = 0;
        fields.retain(|(_, span)| {
            let apart = span.start >= end;
            end = end.max(span.end);
            apart
        });
        Ok(fields)
    }

    /// With these variables as well, held by the keys of the same name, where they are not known yet.
    pub(super) fn with_keys_of(&self, names: &[String]) -> Keyed {
        let unknown = names.iter().filter(|name| !self.variables.iter().any(|known| known.name == **name));
        let keys =
            unknown.map(|name| (spec::VariableKey::in_seconds(name, &name.to_ascii_lowercase()), VariableKind::Text));
        let more: Vec<_> = self.more.iter().cloned().chain(keys).collect();
        Keyed::build(KeyedSpec { syntax: self.syntax, keys: self.spec.clone() }, None, &more, &self.targets)
            .with_finest(self.finest.clone())
            .lacking(self.of_status_alone, self.untimed)
    }

    /// The format that these lines of a log call for, and what was taken on trust: see [`learn`].
    pub(super) fn learnt_from(&self, lines: &[&[u8]]) -> Keyed {
        learn::learn_keys(self, lines)
    }
}
