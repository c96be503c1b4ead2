//! What a crash left between writing a file and naming it in the manifest.

use crate::source::generation::Generation;
use crate::store::disk::layout;
use crate::store::disk::layout::MANIFEST_TEMPORARY;
use crate::store::disk::medium::Medium;
use crate::store::manifest::Manifest;

/// Remove the files that a settled manifest does not name. One that cannot be removed is no harm: the next writer tries again.
pub(super) fn remove_leftovers(medium: &dyn Medium, manifest: &Manifest, generations: &[Generation]) {
    let journal = layout::journal_file(manifest.journal);
    for name in medium.list("").unwrap_or_default() {
        if (layout::journal_number(&name).is_some() && name != journal) || name == MANIFEST_TEMPORARY {
            let _left_behind = medium.remove(&name);
        }
    }
    for name in medium.list(layout::SEGMENTS).unwrap_or_default() {
        let Some(number) = layout::segment_number(&name) else { continue };
        if !manifest.names(number) {
            let _left_behind = medium.remove(&format!("{}/{name}", layout::SEGMENTS));
        }
    }
    for name in medium.list(layout::POINTS).unwrap_or_default() {
        let is_known = |id| generations.iter().any(|held| held.id == id);
        if name.ends_with(".tmp") || layout::points_generation(&name).is_some_and(|id| !is_known(id)) {
            let _left_behind = medium.remove(&format!("{}/{name}", layout::POINTS));
        }
    }
}
