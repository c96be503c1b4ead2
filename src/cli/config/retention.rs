//! `[retention]`: how much of the past the store keeps.

use std::time::Duration;

use super::position::Placed;
use super::section::Section;
use crate::store::Retention;

/// What may stand in the section.
pub(super) const KEYS: [&str; 3] = ["keep", "keep_histograms", "keep_size"];

/// A store may grow to this many bytes unless another size is given.
const KEEP_BYTES: u64 = 10 << 30;

/// What goes less than this long after it came would go before carbon has it, and before it is rolled up.
const LEAST: Duration = Duration::from_secs(86_400);

/// Without the section: for ever, as long as it fits.
pub(super) fn default() -> Retention {
    Retention { keep: None, keep_histograms: None, keep_bytes: Some(KEEP_BYTES) }
}

/// The section. Histograms are never kept shorter than the details that they are made of.
pub(super) fn read_retention(section: &mut Section<'_>) -> Retention {
    let keep = section.duration("keep", "90d", LEAST);
    let keep_histograms = section.duration("keep_histograms", "400d", LEAST);
    if let Some(histograms) = &keep_histograms {
        match &keep {
            None => {
                let what = "`keep_histograms` without `keep`: everything is kept for ever";
                section.mistake_at(histograms, what, "give `keep` too, for example `keep = \"90d\"`");
            }
            Some(keep) if keep.value > histograms.value => {
                let what = "`keep_histograms` is shorter than `keep`";
                section.mistake_at(histograms, what, "make it at least as long: histograms are the smallest part");
            }
            Some(_) => {}
        }
    }
    let keep_size = section.size("keep_size", "10GiB");
    Retention {
        keep: keep.map(Placed::into_value),
        keep_histograms: keep_histograms.map(Placed::into_value),
        keep_bytes: Some(keep_size.map_or(KEEP_BYTES, Placed::into_value)),
    }
}
