//! The names of the store's files, relative to its folder. FORMAT.md says what is in each.

use crate::source::generation::GenerationId;

/// The file that a writer locks.
pub(crate) const LOCK: &str = "LOCK";

/// The manifest's file.
pub(crate) const MANIFEST: &str = "manifest";

/// What is written before it takes the manifest's name.
pub(crate) const MANIFEST_TEMPORARY: &str = "manifest.tmp";

/// The folder of segments, and of the ranges of lines that they were made of.
pub(crate) const SEGMENTS: &str = "segments";

/// How the names of damaged files end that were set aside.
pub(crate) const DAMAGED: &str = ".damaged";

/// The folder of restart points.
pub(crate) const POINTS: &str = "points";

/// How the names of journals begin.
pub(crate) const JOURNAL: &str = "journal-";

/// The file of a journal.
pub(crate) fn journal_file(number: u64) -> String {
    format!("{JOURNAL}{number}")
}

/// The number of the journal that a file of this name is.
pub(crate) fn journal_number(name: &str) -> Option<u64> {
    name.strip_prefix(JOURNAL)?.parse().ok()
}

/// The file of a segment.
pub(crate) fn segment_file(number: u64) -> String {
    format!("{SEGMENTS}/{number}.seg")
}

/// The file beside a segment that says which lines it was made of.
pub(crate) fn ranges_file(number: u64) -> String {
    format!("{SEGMENTS}/{number}.ranges")
}

/// Both files of each of these segments.
pub(crate) fn segment_files(numbers: &[u64]) -> Vec<String> {
    numbers.iter().flat_map(|number| [segment_file(*number), ranges_file(*number)]).collect()
}

/// The number of the segment that a file in [`SEGMENTS`] belongs to, if it belongs to one.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    name.strip_suffix(".seg").or(name.strip_suffix(".ranges"))?.parse().ok()
}

/// The file of a generation's restart points.
pub(crate) fn points_file(id: GenerationId) -> String {
    format!("{POINTS}/{}.pts", id.0)
}

/// What this process writes before it takes the name of [`points_file`].
pub(crate) fn points_temporary(id: GenerationId) -> String {
    format!("{POINTS}/{}-{}.tmp", id.0, std::process::id())
}

/// The generation whose restart points a file in [`POINTS`] holds.
pub(crate) fn points_generation(name: &str) -> Option<GenerationId> {
    name.strip_suffix(".pts")?.parse().ok().map(GenerationId)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_file_is_known_by_its_name(number: u64, id: u32) {
            prop_assert_eq!(journal_number(&journal_file(number)), Some(number));
            for file in segment_files(&[number]) {
                prop_assert_eq!(file.strip_prefix("segments/").and_then(segment_number), Some(number));
            }
            let id = GenerationId(id);
            prop_assert_eq!(points_file(id).strip_prefix("points/").and_then(points_generation), Some(id));
        }
    }

    /// What a writer does not know it leaves alone when it clears away leftovers.
    #[test]
    fn other_names_belong_to_nothing() {
        for name in
            ["manifest", "journal", "journal-", "journal-x", "2.seg.damaged", "2", "x.seg", "7-123.tmp", "-1.pts"]
        {
            assert_eq!(
                (journal_number(name), segment_number(name), points_generation(name)),
                (None, None, None),
                "{name}"
            );
        }
    }
}
