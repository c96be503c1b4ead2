//! The keys of a format, those that are usual, given or learnt, as they become variables and a map.

use super::key_map::{KeyMap, KeyTarget};
use super::spec::VariableKey;
use super::usual_keys::squeezed;
use crate::grammar::variables::{DurationUnit, Variable, VariableKind};

/// What is known of a key or given by a person: compiled to a map.
pub(super) struct KeyedCompiler<'t> {
    pub(super) variables: Vec<Variable>,
    pub(super) map: KeyMap,
    pub(super) ranks: Vec<u8>,
    /// Keys that hold another variable than the usual one.
    pub(super) elsewhere: &'t [VariableKey],
}

impl KeyedCompiler<'_> {
    fn variable_index(&mut self, name: &str) -> usize {
        self.variables.iter().position(|known| known.name == name).unwrap_or_else(|| {
            // What may be a number of any kind, or a text: a time under a name of its own.
            let kind =
                if matches!(name, "time" | "@timestamp") { VariableKind::Decimal } else { VariableKind::of_name(name) };
            self.variables.push(Variable { name: name.to_owned(), kind });
            self.ranks.push(0);
            self.variables.len() - 1
        })
    }

    pub(super) fn add_key(&mut self, name: &str, key: &str, unit: DurationUnit) {
        if self.elsewhere.iter().any(|other| other.key == key) {
            return;
        }
        let variable = self.variable_index(name);
        let Some(rank) = self.ranks.get_mut(variable) else { return };
        let target = KeyTarget { variable: u16::try_from(variable).unwrap_or(u16::MAX), rank: *rank, unit };
        *rank = rank.saturating_add(1).min(u8::MAX - 1);
        self.map.insert(key, target);
    }

    /// The keys as camelCase writes them, where that is not a name of its own.
    pub(super) fn add_squeezed(&mut self, name: &str, keys: &[&str], unit: DurationUnit) {
        for key in keys.iter().filter(|key| key.contains('_')) {
            self.add_key(name, &squeezed(key), unit);
        }
    }
}
