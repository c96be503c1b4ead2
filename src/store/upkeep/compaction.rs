//! Segments merged into fewer and larger ones, their cells rolled up: which are due, and how it is done.
//!
//! Everything in a segment adds up or is a set, so any segments may be merged; those near each other in time are, so that
//! what a segment holds grows old together. The sources stay as they are until the manifest names the result.
//!
//! ```text
//! sealed, sealed, ..  ->  one detail segment (fine and minute cells, entries, summaries, lines)
//!                         and one rolled segment (cells of ten minutes and hours)
//! detail, detail, ..  ->  detail          rolled, rolled, ..  ->  rolled
//! ```
//!
//! Detail and roll-ups are apart so that the one can be thrown away long before the other. Sizes grow by merging what
//! is alike in kind and near in time, so a byte is written some three times in its life (a test below counts it).

use crate::error::{Error, Result};
use crate::histogram::{Buckets, Cell};
use crate::route::RouteId;
use crate::source::generation::GenerationId;
use crate::store::commit::archived_lines;
use crate::store::commit::archived_lines::LineKey;
use crate::store::commit::block_summary::BlockSummary;
use crate::store::commit::entry::Entry;
use crate::store::disk::medium::Medium;
use crate::store::encoding::bytes::{Decoder, Encoder};
use crate::store::encoding::cell_codec::{decode_cell, encode_cell};
use crate::store::query::rank;
use crate::store::resolution::{RESOLUTIONS, Resolution};
use crate::store::segment::info::{SegmentInfo, SegmentKind};
use crate::store::segment::reader::Segment;
use crate::store::segment::streams::{CellStream, LineStream};
use crate::store::settings::StoreSettings;
use crate::store::upkeep::compaction_output::{CompactionOutput, Inherited};
use crate::store::upkeep::rollup::Rollup;
use crate::time::Timestamp;
use std::collections::{BTreeMap, HashSet};

const DAY: i64 = 86_400_000;

/// How large merged segments become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CompactionLimits {
    /// Entries: they are all in memory while segments are merged.
    pub(crate) entries: u64,
    /// Bytes of the sources.
    pub(crate) bytes: u64,
    /// Milliseconds from the oldest cell to the newest; more in roll-ups, since they are kept longer.
    pub(crate) span: i64,
    pub(crate) rolled_span: i64,
    /// So many sealed, or merged, segments are merged even if they make a small one.
    pub(crate) sealed: usize,
    pub(crate) merged: usize,
    /// At the end of taking in logs nothing is done for fewer bytes than this: a query goes through them in a moment.
    pub(crate) worth: u64,
}

impl Default for CompactionLimits {
    fn default() -> CompactionLimits {
        CompactionLimits {
            entries: 1 << 19,
            bytes: 32 << 20,
            span: DAY,
            rolled_span: 32 * DAY,
            sealed: 16,
            merged: 8,
            worth: 1 << 20,
        }
    }
}

/// Of the bytes that a store may have one segment is at most such a part: segments go whole.
const PART_OF_KEPT: u64 = 8;

/// Smaller segments than this are not worth it, however little is kept.
const LEAST_BYTES: u64 = 64 << 10;

impl CompactionLimits {
    /// The same for a store of which so many bytes are kept.
    pub(crate) fn within(self, keep_bytes: Option<u64>) -> CompactionLimits {
        let most = keep_bytes.map_or(u64::MAX, |bytes| (bytes / PART_OF_KEPT).max(LEAST_BYTES));
        CompactionLimits { bytes: self.bytes.min(most), ..self }
    }
}

/// A set of segments of one kind that would make one.
#[derive(Debug, Default)]
struct CompactionGroup {
    numbers: Vec<u64>,
    entries: u64,
    bytes: u64,
    slots: Option<(Timestamp, Timestamp)>,
    newest: Timestamp,
}

impl CompactionGroup {
    /// The first and last slot that the group would have with `info`.
    fn slots_with(&self, info: &SegmentInfo) -> Option<(Timestamp, Timestamp)> {
        let bounds = if info.counts.first() == Some(&0) { &info.entries } else { &info.cells };
        let own = (bounds.min_end <= bounds.max_end).then_some((bounds.min_end, bounds.max_end));
        match (self.slots, own) {
            (Some((first, last)), Some((from, until))) => Some((first.min(from), last.max(until))),
            (one, other) => one.or(other),
        }
    }

    /// Whether the group would stay within the limits with `info`; any segment fits an empty one.
    fn has_room(&self, info: &SegmentInfo, limits: &CompactionLimits) -> bool {
        let span = match self.slots_with(info) {
            Some((first, last)) => last.0.saturating_sub(first.0),
            None => 0,
        };
        let most = if info.kind == SegmentKind::Rolled { limits.rolled_span } else { limits.span };
        let [_, entries, _] = info.counts;
        self.numbers.is_empty()
            || (self.entries + entries <= limits.entries && self.bytes + info.length <= limits.bytes && span <= most)
    }

    fn add(&mut self, info: &SegmentInfo) {
        let [_, entries, _] = info.counts;
        self.slots = self.slots_with(info);
        self.numbers.push(info.number);
        self.entries += entries;
        self.bytes += info.length;
        self.newest = self.newest.max(info.newest());
    }
}

/// The numbers of segments that are to be merged next; none if all is well.
pub(crate) fn choose_due<'i>(
    segments: impl Iterator<Item = &'i SegmentInfo> + Clone,
    limits: &CompactionLimits,
    now: Timestamp,
) -> Option<Vec<u64>> {
    for kind in [SegmentKind::Sealed, SegmentKind::Detail, SegmentKind::Rolled] {
        let mut own: Vec<&SegmentInfo> = segments.clone().filter(|info| info.kind == kind).collect();
        own.sort_by_key(|info| (info.newest(), info.number));
        let due = choose_due_of_kind(kind, &own, limits, now);
        if due.is_some() {
            return due;
        }
    }
    None
}

/// The same among segments of one kind, oldest first: neighbours in time are gathered until no more fit together.
fn choose_due_of_kind(
    kind: SegmentKind,
    segments: &[&SegmentInfo],
    limits: &CompactionLimits,
    now: Timestamp,
) -> Option<Vec<u64>> {
    let mut group = CompactionGroup::default();
    for info in segments {
        if group.has_room(info, limits) {
            group.add(info);
            continue;
        }
        // It cannot become larger. What is sealed gets its roll-ups even if it stays alone.
        if group.numbers.len() >= if kind == SegmentKind::Sealed { 1 } else { 2 } {
            return Some(group.numbers);
        }
        group = CompactionGroup::default();
        group.add(info);
    }
    let is_old = group.newest < now.plus_millis(-limits.span);
    let is_due = match kind {
        SegmentKind::Sealed => {
            let full = group.entries >= limits.entries || group.bytes >= limits.bytes;
            full || group.numbers.len() >= limits.sealed || (is_old && !group.numbers.is_empty())
        }
        _ => group.numbers.len() >= limits.merged,
    };
    is_due.then_some(group.numbers)
}

/// Write and sync what `sources`, all of one kind, come to: numbered `detail` and `rolled`, whichever there is.
///
/// # Errors
/// If a source is damaged, or a file cannot be written.
pub(crate) fn merge_segments(
    medium: &dyn Medium,
    sources: &[&Segment],
    settings: &StoreSettings,
    detail: u64,
    rolled: u64,
) -> Result<Vec<SegmentInfo>> {
    let kind = sources.first().map_or(SegmentKind::Sealed, |segment| segment.info.kind);
    let inherited = Inherited::from_sources(medium, sources)?;
    if kind == SegmentKind::Rolled {
        let mut output = CompactionOutput::create(medium, rolled, SegmentKind::Rolled, &inherited)?;
        for resolution in [Resolution::TenMinutes, Resolution::Hour] {
            each_cell(medium, sources, resolution, |slot, route, cell| output.add_cell(resolution, slot, route, cell))?;
        }
        return Ok(vec![output.finish()?]);
    }
    let mut output = CompactionOutput::create(medium, detail, SegmentKind::Detail, &inherited)?;
    let has_cells = sources.iter().any(|segment| segment.info.counts.first() != Some(&0));
    let has_coarse = RESOLUTIONS.into_iter().any(|own| own.is_coarse() && own.is_kept(settings.interval));
    let mut coarser = None;
    if kind == SegmentKind::Sealed && has_cells && has_coarse {
        coarser = Some(CompactionOutput::create(medium, rolled, SegmentKind::Rolled, &inherited)?);
    }
    merge_fine_cells(medium, sources, settings, &mut output, coarser.as_mut())?;
    merge_details(medium, sources, settings, &mut output)?;
    let mut infos = vec![output.finish()?];
    if let Some(coarser) = coarser {
        infos.push(coarser.finish()?);
    }
    Ok(infos)
}

/// The cells of the store's interval of all sources; what they add up to in minutes goes beside them, and in longer slots to
/// `coarser`, unless the sources gave theirs away before.
fn merge_fine_cells(
    medium: &dyn Medium,
    sources: &[&Segment],
    settings: &StoreSettings,
    output: &mut CompactionOutput<'_>,
    mut coarser: Option<&mut CompactionOutput<'_>>,
) -> Result<()> {
    let mut rollup = Rollup::new(settings.interval);
    each_cell(medium, sources, Resolution::Fine, |slot, route, cell| {
        let mut add_rolled_up = |resolution, slot, route, cell: &[u8]| {
            add_to_either(output, coarser.as_deref_mut(), resolution, slot, route, cell)
        };
        let Ok(added) = rollup.add_cell(slot, route, cell, &mut add_rolled_up) else { return Err(malformed(medium)) };
        added?;
        output.add_cell(Resolution::Fine, slot, route, cell)
    })?;
    rollup.finish(&mut |resolution, slot, route, cell: &[u8]| {
        add_to_either(output, coarser.as_deref_mut(), resolution, slot, route, cell)
    })
}

/// A cell of minutes beside the finer ones; one of a coarse resolution to `coarser`, if there is one.
fn add_to_either(
    output: &mut CompactionOutput<'_>,
    coarser: Option<&mut CompactionOutput<'_>>,
    resolution: Resolution,
    slot: Timestamp,
    route: RouteId,
    cell: &[u8],
) -> Result<()> {
    if !resolution.is_coarse() {
        return output.add_cell(resolution, slot, route, cell);
    }
    match coarser {
        Some(coarser) => coarser.add_cell(resolution, slot, route, cell),
        None => Ok(()),
    }
}

/// Entries, summaries and lines of all sources.
fn merge_details(
    medium: &dyn Medium,
    sources: &[&Segment],
    settings: &StoreSettings,
    output: &mut CompactionOutput<'_>,
) -> Result<()> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut blocks: BTreeMap<(GenerationId, u32), BlockSummary> = BTreeMap::new();
    for segment in sources {
        let (own, summaries) = segment.read_contents(medium)?;
        entries.extend(own);
        for block in summaries {
            match blocks.get_mut(&block.key()) {
                Some(known) => known.merge(&block),
                None => drop(blocks.insert(block.key(), block)),
            }
        }
    }
    // A single segment was pruned when it was sealed, by the K of then.
    if sources.len() > 1 {
        entries = rank::prune_entries(&entries, settings);
    }
    let blocks: Vec<BlockSummary> = blocks.into_values().collect();
    let added = output.builder.add_entries(&entries);
    output.name_failure(added)?;
    let added = output.builder.add_summaries(&blocks);
    output.name_failure(added)?;
    if sources.iter().all(|segment| segment.info.lines == 0) {
        return Ok(());
    }
    merge_lines(medium, sources, &archived_lines::line_keys(&entries), output)
}

/// The archived lines of `kept` entries of all sources, each once: the same line may have been taken in with several.
fn merge_lines(
    medium: &dyn Medium,
    sources: &[&Segment],
    kept: &HashSet<LineKey>,
    output: &mut CompactionOutput<'_>,
) -> Result<()> {
    let mut streams = Vec::with_capacity(sources.len());
    for segment in sources {
        streams.push(LineStream::new(segment, medium)?);
    }
    while let Some(key) = streams.iter().filter_map(LineStream::key).min() {
        let mut written = false;
        for stream in &mut streams {
            while let Some((own, line)) = stream.get()
                && *own == key
            {
                if !written && kept.contains(&key) {
                    let added = output.builder.add_line(key, line);
                    output.name_failure(added)?;
                }
                written = true;
                stream.step()?;
            }
        }
    }
    Ok(())
}

/// The cells of a resolution of all sources, merged, by slot and route.
fn each_cell(
    medium: &dyn Medium,
    sources: &[&Segment],
    resolution: Resolution,
    mut each: impl FnMut(Timestamp, RouteId, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut streams = Vec::with_capacity(sources.len());
    for segment in sources {
        streams.push(CellStream::new(segment, medium, resolution)?);
    }
    let (mut own, mut room) = (Vec::new(), Buckets::default());
    while let Some(next) = streams.iter().filter_map(CellStream::key).min() {
        let (slot, route) = next;
        own.clear();
        for (at, stream) in streams.iter().enumerate() {
            if stream.key() == Some(next) {
                own.push(at);
            }
        }
        // A cell that one source alone has is copied as it is: most are, as sources are neighbours in time.
        if let [only] = own[..] {
            each(slot, route, cell_at_hand(&streams, only))?;
        } else {
            let mut merged = Cell::default();
            for &at in &own {
                let Ok(cell) = decode_cell(&mut Decoder::new(cell_at_hand(&streams, at))) else {
                    return Err(malformed(medium));
                };
                merged.merge(&cell);
            }
            let mut out = Encoder::default();
            encode_cell(&merged, &mut room, &mut out);
            each(slot, route, &out.bytes)?;
        }
        for &at in &own {
            if let Some(stream) = streams.get_mut(at) {
                stream.step()?;
            }
        }
    }
    Ok(())
}

/// The bytes of the cell that a stream stands at.
fn cell_at_hand<'s>(streams: &'s [CellStream<'_>], at: usize) -> &'s [u8] {
    match streams.get(at).and_then(CellStream::get) {
        Some((.., cell)) => cell,
        None => &[],
    }
}

fn malformed(medium: &dyn Medium) -> Error {
    Error::failed("a malformed cell in a segment that is merged").at(medium.root())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::segment::info::TimeBounds;
    use proptest::prelude::*;

    fn info(number: u64, kind: SegmentKind, from: i64, until: i64, length: u64, entries: u64) -> SegmentInfo {
        let mut info = SegmentInfo::empty(number, kind, Timestamp(until));
        info.cells = TimeBounds { min_start: Timestamp(from), min_end: Timestamp(from), max_end: Timestamp(until) };
        info.length = length;
        info.counts = [1, entries, 1];
        info
    }

    /// One that was larger than what is kept took nearly all with it when it went.
    #[test]
    fn a_merged_segment_is_a_small_part_of_what_is_kept() {
        let limits = CompactionLimits::default();
        assert_eq!(limits.within(None).bytes, limits.bytes);
        assert_eq!(limits.within(Some(10 << 30)).bytes, limits.bytes);
        assert_eq!(limits.within(Some(16 << 20)).bytes, 2 << 20);
        assert_eq!(limits.within(Some(0)).bytes, LEAST_BYTES);
    }

    /// Days of sealing every `minutes`; how many segments there are in the end, and how often a byte was written.
    fn sealed_for(days: i64, minutes: i64, length: u64, entries: u64) -> (usize, f64) {
        let limits = CompactionLimits::default();
        let mut segments: Vec<SegmentInfo> = Vec::new();
        let (mut next, mut sealed, mut written) = (0, 0, 0);
        let step = minutes * 60_000;
        for at in 0..days * DAY / step {
            segments.push(info(next, SegmentKind::Sealed, at * step, (at + 1) * step - 1, length, entries));
            sealed += length;
            next += 1;
            while let Some(due) = choose_due(segments.iter(), &limits, Timestamp((at + 1) * step)) {
                let (own, rest): (Vec<SegmentInfo>, Vec<SegmentInfo>) =
                    segments.into_iter().partition(|i| due.contains(&i.number));
                segments = rest;
                assert_eq!(own.len(), due.len());
                let mut slots = TimeBounds::EMPTY;
                own.iter().for_each(|info| slots.add(&info.cells));
                let sum = |of: fn(&SegmentInfo) -> u64| own.iter().map(of).sum::<u64>();
                let (bytes, entries) = (sum(|info| info.length), sum(|info| info.counts[1]));
                let mut push = |kind, length, entries| {
                    segments.push(info(next, kind, slots.min_end.0, slots.max_end.0, length, entries));
                    (next, written) = (next + 1, written + length);
                };
                match own[0].kind {
                    SegmentKind::Sealed => {
                        push(SegmentKind::Detail, bytes, entries);
                        push(SegmentKind::Rolled, bytes / 20 + 1, 0);
                    }
                    kind => push(kind, bytes, entries),
                }
            }
        }
        (segments.len(), (written + sealed) as f64 / sealed as f64)
    }

    #[test]
    fn a_year_has_few_segments_each_written_few_times() {
        // Daily, of a quiet site; hourly; every ten minutes, which is 0.9 GB a day; and full of entries.
        for (days, minutes, length, entries, most) in [
            (365, 1440, 100_000, 500, 420),
            (365, 60, 3 << 20, 20_000, 1_600),
            (40, 10, 6 << 20, 50_000, 1_300),
            (40, 30, 4 << 20, 400_000, 2_100),
        ] {
            let (segments, written) = sealed_for(days, minutes, length, entries);
            assert!(segments <= most && written < 3.5, "every {minutes} minutes: {segments} segments, {written} times");
        }
    }

    proptest! {
        /// Only segments of one kind, each once, and not more of them together than one segment may become; and whatever is
        /// due is done after so many rounds, each of which leaves fewer to merge.
        #[test]
        fn what_is_merged_belongs_together(
            all in proptest::collection::vec((0usize..3, 0i64..90, 0i64..9, 0u64..9 << 20, 0u64..99_999), 0..60), now in 0i64..100,
        ) {
            let limits = CompactionLimits::default();
            let kinds = [SegmentKind::Sealed, SegmentKind::Detail, SegmentKind::Rolled];
            let mut segments = Vec::new();
            for (number, (kind, hour, hours, length, entries)) in (0..).zip(all) {
                let (from, until) = (hour * DAY / 24, (hour + hours) * DAY / 24);
                segments.push(info(number, kinds[kind], from, until, length, entries));
            }
            let mut rounds = 0;
            while let Some(due) = choose_due(segments.iter(), &limits, Timestamp(now * DAY / 24)) {
                let (own, rest): (Vec<_>, Vec<_>) = segments.into_iter().partition(|info| due.contains(&info.number));
                segments = rest;
                prop_assert_eq!(own.len(), due.len());
                prop_assert!(own.iter().all(|info| info.kind == own[0].kind));
                let (bytes, entries) = own.iter().fold((0, 0), |sums, info| (sums.0 + info.length, sums.1 + info.counts[1]));
                let first = own.iter().map(|info| info.cells.min_end).min().unwrap();
                let last = own.iter().map(|info| info.cells.max_end).max().unwrap();
                let span = if own[0].kind == SegmentKind::Rolled { limits.rolled_span } else { limits.span };
                let fits = bytes <= limits.bytes && entries <= limits.entries && last.0 - first.0 <= span;
                prop_assert!(fits || own.len() == 1);
                prop_assert!(own.len() > 1 || own[0].kind == SegmentKind::Sealed);
                // What is merged is of another kind, or is one where there were several.
                let number = 1000 + rounds;
                let kind = if own[0].kind == SegmentKind::Sealed { SegmentKind::Detail } else { own[0].kind };
                segments.push(info(number, kind, first.0, last.0, bytes, entries));
                rounds += 1;
                prop_assert!(rounds < 200);
            }
        }
    }
}
