//! The features of requests that several threads read, put together.

use super::feature::{FeatureId, Features};

/// The features of several parts in one numbering: they are numbered as they are asked for.
pub(super) struct MergedFeatures {
    features: Features,
    /// Of each part, by the number there; nothing of what was not asked for.
    known: Vec<Vec<Option<FeatureId>>>,
}

impl MergedFeatures {
    pub(super) fn new(parts: usize) -> MergedFeatures {
        MergedFeatures { features: Features::default(), known: vec![Vec::new(); parts] }
    }

    /// Some of the features of one part, whose fields keep their numbers.
    pub(super) fn within(part: &Features) -> MergedFeatures {
        MergedFeatures { features: part.without_values(), ..MergedFeatures::new(1) }
    }

    pub(super) fn into_features(self) -> Features {
        self.features
    }

    /// The number of what is `id` in a part, and from now on what follows from it. None if its field has too many values.
    pub(super) fn of(&mut self, part: usize, of: &Features, id: FeatureId) -> Option<FeatureId> {
        let at = id.0 as usize;
        if let Some(Some(known)) = self.known.get(part).and_then(|known| known.get(at)) {
            return Some(*known);
        }
        let (feature, field) = (of.get(id)?, of.field_of(id)?);
        let own = self.features.field_like(field)?;
        let (merged, _) = self.features.held_feature(own, &feature.text)?;
        for implied in &feature.implies {
            if let Some(implied) = self.add(of, *implied) {
                self.features.imply(merged, implied);
            }
        }
        let known = self.known.get_mut(part)?;
        if known.len() <= at {
            known.resize(at.max(of.len().saturating_sub(1)) + 1, None);
        }
        *known.get_mut(at)? = Some(merged);
        Some(merged)
    }

    fn add(&mut self, of: &Features, id: FeatureId) -> Option<FeatureId> {
        let (feature, field) = (of.get(id)?, of.field_of(id)?);
        let own = self.features.field_like(field)?;
        self.features.feature(own, &feature.text).map(|(id, _)| id)
    }
}
