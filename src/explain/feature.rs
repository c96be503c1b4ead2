//! What may set requests apart: fields and their values, numbered.
//!
//! A *feature* is one value of one field. Some follow from others (an address is in its nets, a route is one of a template's, a
//! size is above smaller ones): a request holds the first, its number leads to the rest. The features that imply one are
//! disjoint: no request holds two of them, so that what is counted of them may be added up.

use std::collections::HashMap;

/// The number of a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeatureId(pub u32);

/// The number of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u16);

/// What a field has to do with how long a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldSide {
    /// Who asks, and for what: the client's.
    Asked,
    /// Who answers, and how.
    Answered,
    /// What came of it: a status, a size. It lives where the slow ones live, and is named only where nothing else is.
    Outcome,
}

/// What the values of a field are, as far as it decides how one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ValueForm {
    /// Text.
    #[default]
    Text,
    /// Addresses, and the nets that they are in.
    Address,
    /// Whole numbers.
    Number,
    /// Classes of numbers: `>=4096`.
    Class,
}

/// A field, by which requests are set apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// As answers name it: nginx's variable, or `route`, `query:KEY`, `agent_family`.
    pub name: String,
    /// What it has to do with the time.
    pub side: FieldSide,
    /// Of fields that set the same requests apart the one of the lower rank is named.
    pub rank: u8,
    /// Fields with the same family say the same thing more or less finely, and are not paired.
    pub family: &'static str,
    /// What its values are.
    pub(super) form: ValueForm,
    by_text: HashMap<Box<[u8]>, FeatureId>,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// The field.
    pub field: FieldId,
    /// As the log has it, its escapes undone.
    pub text: Box<[u8]>,
    /// The features that follow from it.
    pub implies: Vec<FeatureId>,
    /// Whether a request holds it itself: else it only follows from others.
    pub(super) is_held: bool,
}

/// So many values of a field are told apart; what comes after them is not looked at.
const MOST_VALUES: usize = 1 << 17;

/// So many fields are told apart: query keys are a stranger's.
const MOST_FIELDS: usize = 400;

/// So many bytes of a value count.
pub(super) const MOST_BYTES: usize = 200;

/// What is one of several parts may have so many times as many: which of them come too late is known when the parts are put together.
const OF_PART: usize = 8;

/// All fields and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Features {
    fields: Vec<Field>,
    by_name: HashMap<String, FieldId>,
    features: Vec<Feature>,
    is_part: bool,
}

impl Features {
    /// Those of a part, to be put together with others.
    pub(super) fn of_part() -> Features {
        Features { is_part: true, ..Features::default() }
    }

    fn times_as_many(&self) -> usize {
        if self.is_part { OF_PART } else { 1 }
    }

    /// The field of that name, a new one if it is new. None if there are too many.
    pub fn field(&mut self, name: &str, side: FieldSide, rank: u8, family: &'static str) -> Option<FieldId> {
        if let Some(id) = self.by_name.get(name) {
            return Some(*id);
        }
        if self.fields.len() >= MOST_FIELDS * self.times_as_many() {
            return None;
        }
        let id = FieldId(u16::try_from(self.fields.len()).ok()?);
        self.fields.push(Field {
            name: name.to_owned(),
            side,
            rank,
            family,
            form: ValueForm::Text,
            by_text: HashMap::new(),
        });
        self.by_name.insert(name.to_owned(), id);
        Some(id)
    }

    /// The field that is called as one of another numbering, a new one like it if it is new.
    pub(super) fn field_like(&mut self, other: &Field) -> Option<FieldId> {
        let id = self.field(&other.name, other.side, other.rank, other.family)?;
        self.set_form(id, other.form);
        Some(id)
    }

    /// Say what the values of a field are.
    pub(super) fn set_form(&mut self, id: FieldId, form: ValueForm) {
        if let Some(field) = self.fields.get_mut(usize::from(id.0)) {
            field.form = form;
        }
    }

    /// The number of a value, and whether it is new. None if the field has too many.
    pub fn feature(&mut self, field: FieldId, text: &[u8]) -> Option<(FeatureId, bool)> {
        let text = text.get(..MOST_BYTES).unwrap_or(text);
        let most = MOST_VALUES * self.times_as_many();
        let of = self.fields.get_mut(usize::from(field.0))?;
        if let Some(id) = of.by_text.get(text) {
            return Some((*id, false));
        }
        if of.by_text.len() >= most {
            return None;
        }
        let id = FeatureId(u32::try_from(self.features.len()).ok()?);
        of.by_text.insert(text.into(), id);
        self.features.push(Feature { field, text: text.into(), implies: Vec::new(), is_held: false });
        Some((id, true))
    }

    /// The number of a value that a request holds itself, and whether it is the first that does: what follows from it is then to be said.
    pub(super) fn held_feature(&mut self, field: FieldId, text: &[u8]) -> Option<(FeatureId, bool)> {
        let (id, _) = self.feature(field, text)?;
        let feature = self.features.get_mut(id.0 as usize)?;
        Some((id, !std::mem::replace(&mut feature.is_held, true)))
    }

    /// The same fields without values, for a part of them.
    pub(super) fn without_values(&self) -> Features {
        let mut fields = self.fields.clone();
        for field in &mut fields {
            field.by_text = HashMap::new();
        }
        Features { fields, by_name: self.by_name.clone(), features: Vec::new(), is_part: self.is_part }
    }

    /// From now on what holds `id` also holds `implied`.
    pub fn imply(&mut self, id: FeatureId, implied: FeatureId) {
        if let Some(feature) = self.features.get_mut(id.0 as usize)
            && !feature.implies.contains(&implied)
        {
            feature.implies.push(implied);
        }
    }

    /// A feature.
    pub fn get(&self, id: FeatureId) -> Option<&Feature> {
        self.features.get(id.0 as usize)
    }

    /// The field of a feature.
    pub fn field_of(&self, id: FeatureId) -> Option<&Field> {
        self.fields.get(usize::from(self.get(id)?.field.0))
    }

    /// All features, by number.
    pub fn all(&self) -> impl Iterator<Item = (FeatureId, &Feature)> {
        (0..).map(FeatureId).zip(&self.features)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.features.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty()
    }

    /// Which features a request may hold so that it holds `id`.
    pub fn holders(&self, id: FeatureId) -> Holders {
        let mut held = vec![false; self.features.len()];
        for ((own, feature), held) in self.all().zip(&mut held) {
            *held = own == id || feature.implies.contains(&id);
        }
        Holders(held)
    }
}

/// By number, whether who holds a feature holds the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holders(Vec<bool>);

impl Holders {
    /// From now on who holds this one counts as well.
    pub(super) fn add(&mut self, id: FeatureId) {
        if let Some(held) = self.0.get_mut(id.0 as usize) {
            *held = true;
        }
    }

    /// Those of who holds it.
    pub(super) fn ids(&self) -> impl Iterator<Item = FeatureId> {
        (0..).zip(&self.0).filter(|(_, held)| **held).map(|(id, _)| FeatureId(id))
    }

    /// Whether a request with these features holds it.
    pub fn hold(&self, features: &[FeatureId]) -> bool {
        features.iter().any(|id| self.0.get(id.0 as usize).copied().unwrap_or(false))
    }
}
