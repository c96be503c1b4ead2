//! What a keyed format has besides its text: what the lines of its log, or the rules, taught it. Written down, so that the same
//! lines can be read the same way later, when the log that taught it is gone.

use serde::{Deserialize, Serialize};

use super::Keyed;
use super::spec::{KeyedSpec, VariableKey};
use crate::grammar::variables::{DurationUnit, VariableKind};

/// What was learnt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LearntKeys {
    /// Those of the usual variables that it has; nothing if it has all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usual: Option<Vec<String>>,
    /// Keys that are not usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    more: Vec<LearntKey>,
    /// Keys of targets that hold another variable than the usual one, behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    targets: Vec<(String, String)>,
    /// The time that goes before the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finest: Option<String>,
    /// No line says what was requested.
    #[serde(default, skip_serializing_if = "is_false")]
    of_status_alone: bool,
    /// No line says how long a request took.
    #[serde(default, skip_serializing_if = "is_false")]
    untimed: bool,
}

/// A key that is not usual, and the variable that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LearntKey {
    variable: String,
    key: String,
    unit: String,
    /// Its values are numbers.
    #[serde(default, skip_serializing_if = "is_false")]
    decimal: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Keyed {
    /// What it has besides its text.
    pub(crate) fn learnt_keys(&self) -> LearntKeys {
        let mut more = Vec::new();
        for (VariableKey { variable, key, unit }, kind) in &self.more {
            more.push(LearntKey {
                variable: variable.clone(),
                key: key.clone(),
                unit: unit.name().to_owned(),
                decimal: *kind == VariableKind::Decimal,
            });
        }
        LearntKeys {
            usual: self.usual.clone(),
            more,
            targets: self.targets.iter().map(|key| (key.variable.clone(), key.key.clone())).collect(),
            finest: self.finest.clone(),
            of_status_alone: self.of_status_alone,
            untimed: self.untimed,
        }
    }

    /// The format of the same text that was taught this; nothing if it has a unit that is not known here.
    pub(crate) fn taught(&self, learnt: LearntKeys) -> Option<Keyed> {
        let mut more = Vec::new();
        for LearntKey { variable, key, unit, decimal } in learnt.more {
            let unit = DurationUnit::from_name(&unit)?;
            let kind = if decimal { VariableKind::Decimal } else { VariableKind::Text };
            more.push((VariableKey { variable, key, unit }, kind));
        }
        let spec = KeyedSpec { syntax: self.syntax, keys: self.spec.clone() };
        let targets: Vec<VariableKey> =
            learnt.targets.iter().map(|(variable, key)| VariableKey::in_seconds(variable, key)).collect();
        let taught = Keyed::build(spec, learnt.usual, &more, &targets).with_finest(learnt.finest);
        Some(taught.lacking(learnt.of_status_alone, learnt.untimed))
    }
}
