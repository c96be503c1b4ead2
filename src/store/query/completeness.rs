//! What the store knows to be lacking of a window.
//!
//! A rejected line has no time. It was written between the requests around it in its log, so a block keeps the latest
//! end before and the next end behind its rejected lines; where it has no request on one side, the blocks beside it
//! tell, and at the end of a log that is still written the time is open. The answer errs to one side only: a window
//! may be told of lines that turn out to lie beside it, but no line that lies in it is kept from it.

use crate::error::Result;
use crate::grammar::RejectedStretch;
use crate::source::UnreadSpan;
use crate::source::generation::GenerationId;
use crate::store::commit::block_summary::{BlockKey, BlockRejects, BlockSummary};
use crate::store::commit::ledger::{Loss, LossCause};
use crate::store::entry_query::WindowMatch;
use crate::store::journal::memtable::Memtable;
use crate::store::journal::state::StoreState;
use crate::store::query::sealed::SealedSegments;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Lines of one log that could not be read, in the blocks of it that reach into a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadLines {
    /// The log.
    pub generation: GenerationId,
    /// Lines that do not fit their format.
    pub rejected: u64,
    /// Lines over the length bound.
    pub too_long: u64,
    /// The offset of the first of them, and that of the last.
    pub offsets: (u64, u64),
    /// Between when they were written; an unknown edge is all of time.
    pub between: Window,
    /// In some block they are many ([`RejectedStretch::is_many`]): the log may be in another format there.
    pub are_many: bool,
}

/// What is known of a window besides its requests. Losses whose time is not known count for every window that they may
/// concern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowGaps {
    /// Lines that could not be read, by log.
    pub unread: Vec<UnreadLines>,
    /// Stretches of logs that were lost, by log.
    pub lost: Vec<(GenerationId, Loss)>,
    /// When logs were not read.
    pub spans: Vec<UnreadSpan>,
    /// Logs with requests in the window whose format says times to the second only.
    pub whole_seconds: Vec<GenerationId>,
    /// Logs with requests in the window whose times name no zone.
    pub zoneless: Vec<GenerationId>,
}

/// What of a block's lines is no request, after those that were rejected were read again.
struct LeftRejects {
    rejects: BlockRejects,
    /// Those of its lines that are, by any reading.
    requests: u64,
    /// Where the first of these begins, and behind the last.
    first: u64,
    until: u64,
    /// Where the first and the last of those that are left stand is known.
    are_placed: bool,
}

/// The query: what is known of blocks, losses and logs.
pub struct Completeness<'v> {
    sealed: &'v SealedSegments,
    memtable: &'v Memtable,
    state: &'v StoreState,
}

impl<'v> Completeness<'v> {
    pub(crate) fn new(sealed: &'v SealedSegments, memtable: &'v Memtable, state: &'v StoreState) -> Completeness<'v> {
        Completeness { sealed, memtable, state }
    }

    /// What lacks of a window, by the ends of requests.
    ///
    /// # Errors
    /// If a segment cannot be read or is damaged; see `View::skip_damaged`.
    pub fn gaps(&self, window: Window) -> Result<WindowGaps> {
        let summaries = self.summaries_near(window)?;
        let mut gaps = WindowGaps::default();
        let mut unread: BTreeMap<GenerationId, UnreadLines> = BTreeMap::new();
        for block in summaries.values() {
            let ledger = self.state.ledgers.get(&block.generation);
            let says_whole_seconds = matches!(ledger, Some(ledger) if ledger.whole_seconds);
            if says_whole_seconds && block.may_end_in(window) && gaps.whole_seconds.last() != Some(&block.generation) {
                gaps.whole_seconds.push(block.generation);
            }
            let is_zoneless = matches!(ledger, Some(ledger) if ledger.zoneless);
            if is_zoneless && block.may_end_in(window) && gaps.zoneless.last() != Some(&block.generation) {
                gaps.zoneless.push(block.generation);
            }
            let Some(left) = self.left_rejects(block)? else { continue };
            let rejects = &left.rejects;
            let (after, before) = self.written_between(block, rejects, &summaries);
            if window.overlaps(after, before) {
                let held = unread.entry(block.generation).or_insert_with(|| UnreadLines::none(block.generation));
                held.add(rejects, Window { from: after, until: before });
                // A log without requests between two that ended at one moment: in no time at all nothing can be missing.
                held.are_many |= (after < before || block.lines > 0) && self.are_many(block, &left);
            }
        }
        for id in self.unfit() {
            if self.was_read_again(id) {
                unread.remove(&id);
            }
        }
        gaps.unread = unread.into_values().collect();
        for (&id, ledger) in &self.state.ledgers {
            let read = self.state.position(id);
            for loss in ledger.missed_at(read) {
                if window.overlaps(loss.after, loss.before) {
                    gaps.lost.push((id, *loss));
                }
            }
        }
        for span in self.state.spans_unread.values() {
            if window.overlaps(span.from, span.end()) {
                gaps.spans.push(span.clone());
            }
        }
        Ok(gaps)
    }

    /// The generations of whose lines not one fitted the format they were read in. It was the wrong one, or they are no access logs.
    pub fn unfit(&self) -> HashSet<GenerationId> {
        let mut unfit = HashSet::new();
        for (&id, ledger) in &self.state.ledgers {
            if ledger.parsed == 0 && !ledger.rejected.is_empty() {
                unfit.insert(id);
            }
        }
        unfit
    }

    /// The lines of a block that are no requests, but for those that became some when they were read again.
    fn left_rejects(&self, block: &BlockSummary) -> Result<Option<LeftRejects>> {
        let readings = &self.state.readings;
        if block.rejects.is_none() || readings.again_of(block.generation).is_some() {
            return Ok(None);
        }
        let Some(rejects) = block.rejects else { return Ok(None) };
        let (requests, first, until) = (u64::from(block.lines), block.first, block.until);
        let mut left = LeftRejects { rejects, requests, first, until, are_placed: true };
        let mut placed = Vec::new();
        for again in readings.read_again(block.generation) {
            let (mut held, key) = (Memtable::default(), (again, block.number));
            // What stands before the next one is the block itself, if it is there.
            let next = (again, block.number.saturating_add(1));
            self.sealed.each_summary_beside(next, |near| held.add_block(near))?;
            if let Some(near) = self.memtable.blocks.get(&key) {
                held.add_block(near.clone());
            }
            let Some(near) = held.blocks.get(&key) else { continue };
            left.rejects.rejected = left.rejects.rejected.saturating_sub(near.lines);
            left.requests += u64::from(near.lines);
            (left.first, left.until) = (left.first.min(near.first), left.until.max(near.until));
            left.are_placed &= near.lines == 0;
            placed.extend(near.rejects);
        }
        // Which of them are left is known where one reading saw just as many.
        if let Some(seen) = placed.into_iter().find(|seen| seen.rejected == left.rejects.rejected)
            && left.rejects.too_long == 0
        {
            (left.rejects.first, left.rejects.last, left.are_placed) = (seen.first, seen.last, true);
        }
        Ok((left.rejects.rejected > 0 || left.rejects.too_long > 0).then_some(left))
    }

    /// Whether the rejected lines of a block are many.
    fn are_many(&self, block: &BlockSummary, left: &LeftRejects) -> bool {
        let LeftRejects { rejects, requests, first, until, are_placed } = left;
        // By the length of a request's line.
        let length = until.saturating_sub(*first).checked_div(*requests).unwrap_or(1).max(1);
        let between = rejects.last.saturating_sub(rejects.first) / length + 1;
        let stretch = RejectedStretch {
            requests: *requests,
            rejected: u64::from(rejects.rejected) + u64::from(rejects.too_long),
            between: if *are_placed { between } else { 0 },
            are_last: *are_placed && rejects.first >= *until,
        };
        let parsed = self.state.ledgers.get(&block.generation).map_or(0, |ledger| ledger.parsed);
        if parsed == 0 && *requests == 0 { stretch.is_many_of_log() } else { stretch.is_many() }
    }

    /// The generations of which something was given up behind what was read of them.
    pub fn given_up(&self) -> HashSet<GenerationId> {
        let mut given_up = HashSet::new();
        for (&id, ledger) in &self.state.ledgers {
            let mut missed = ledger.missed_at(self.state.position(id));
            if missed.any(|loss| loss.cause == LossCause::Gone) {
                given_up.insert(id);
            }
        }
        given_up
    }

    /// Between when, about, the logs were truncated or deleted that were: from the last line that was read to when it was noticed.
    pub fn cut(&self) -> HashMap<GenerationId, Window> {
        let mut cut: HashMap<GenerationId, Window> = HashMap::new();
        for (&id, ledger) in &self.state.ledgers {
            for loss in ledger.losses.iter().filter(|loss| loss.cause.is_cut()) {
                let held = cut.entry(id).or_insert(Window { from: loss.after, until: loss.before });
                *held = Window { from: held.from.min(loss.after), until: held.until.max(loss.before) };
            }
        }
        cut
    }

    /// Whether a log that began alike was read later, and some of its lines became requests: the one that was read in the
    /// wrong format then lacks nothing.
    fn was_read_again(&self, id: GenerationId) -> bool {
        let Some(unfit) = self.state.generation(id) else { return false };
        for held in &self.state.generations {
            let parsed = matches!(self.state.ledgers.get(&held.id), Some(ledger) if ledger.parsed > 0);
            if held.id > id && held.fingerprint == unfit.fingerprint && parsed {
                return true;
            }
        }
        false
    }

    /// Summaries of the blocks that may reach into `window`, and of those next to blocks without a request, which have
    /// no time of their own.
    fn summaries_near(&self, window: Window) -> Result<BlocksByKey> {
        let mut merged = Memtable::default();
        self.sealed.each_summary(window, WindowMatch::End, |block| merged.add_block(block))?;
        for block in self.memtable.blocks.values() {
            merged.add_block(block.clone());
        }
        let mut beside = Memtable::default();
        for key in self.edges_around(window)? {
            if !merged.blocks.contains_key(&key) {
                self.sealed.each_summary_with(key, |near| beside.add_block(near))?;
            }
        }
        for block in merged.blocks.values() {
            // Stretches of such blocks end where others begin, so few of them are asked for.
            if is_lonely(&merged.blocks, block) && is_at_an_end(&merged.blocks, block.key()) {
                self.sealed.each_summary_beside(block.key(), |near| beside.add_block(near))?;
            }
        }
        for (key, block) in beside.blocks {
            merged.blocks.entry(key).or_insert(block);
        }
        Ok(merged.blocks)
    }

    /// Of each log the last block before `window` and the first behind it, where these are at the edges of what is read together: the
    /// rejected lines between them may lie in the window, in which neither has a request.
    fn edges_around(&self, window: Window) -> Result<BTreeSet<BlockKey>> {
        let around = self.sealed.groups_around(window)?;
        let (mut last, mut first) = (HashMap::new(), HashMap::new());
        for key in around.before {
            let held = last.entry(self.log_of(key.0)).or_insert(key);
            *held = (*held).max(key);
        }
        for key in around.behind {
            let held = first.entry(self.log_of(key.0)).or_insert(key);
            *held = (*held).min(key);
        }
        Ok(last.into_values().chain(first.into_values()).collect())
    }

    /// Between when the rejected lines of a block were written: as near as their neighbours tell.
    fn written_between(
        &self,
        block: &BlockSummary,
        rejects: &BlockRejects,
        near: &BlocksByKey,
    ) -> (Timestamp, Timestamp) {
        let (mut after, mut before) = (rejects.after, rejects.before);
        if rejects.first < block.first {
            // A log that nothing of this window stands before may have begun at any time before.
            let own = if block.lines > 0 { block.min_end } else { Timestamp(i64::MIN) };
            after = after.min(match timed_before(near, block.key()) {
                Some(near) => near.max_end,
                None => own,
            });
            before = before.max(own);
        }
        if rejects.last >= block.until {
            let own = if block.lines > 0 { block.max_end } else { after };
            after = after.min(own);
            let open = !self.state.is_finished(block.generation) || block.lines == 0;
            before = before.max(match self.timed_after_in_log(near, block) {
                Some(near) => near.min_end.max(own),
                None if open => Timestamp(i64::MAX),
                None => own,
            });
        }
        // Lines come out of order: what was before may have ended later.
        (after.min(before), before.max(after))
    }

    /// The nearest block with a request behind this one, in the same log or in the one that it was rotated for.
    fn timed_after_in_log<'b>(&self, near: &'b BlocksByKey, block: &BlockSummary) -> Option<&'b BlockSummary> {
        for (_, later) in near.range(block.key()..) {
            let is_other = later.key() != block.key();
            if is_other && later.lines > 0 && self.same_log(later.generation, block.generation) {
                return Some(later);
            }
        }
        None
    }

    /// Whether two generations are of one log: the later one then goes on where the earlier one ended.
    fn same_log(&self, one: GenerationId, other: GenerationId) -> bool {
        one == other || self.log_of(one) == self.log_of(other)
    }

    /// The name of the log that a generation is of.
    fn log_of(&self, id: GenerationId) -> Option<&str> {
        Some(&self.state.generation(id)?.log)
    }
}

/// Merged summaries by log and number. Those of one log stand together, as its blocks do in the file.
type BlocksByKey = BTreeMap<BlockKey, BlockSummary>;

/// Whether a block has no request, nor a block with one on both of its sides: then nothing at hand says between when its
/// lines were written.
fn is_lonely(blocks: &BlocksByKey, block: &BlockSummary) -> bool {
    let key = block.key();
    block.lines == 0 && (timed_before(blocks, key).is_none() || timed_after(blocks, key).is_none())
}

/// Whether the block before or the block behind this one is not at hand.
fn is_at_an_end(blocks: &BlocksByKey, key: BlockKey) -> bool {
    let (id, number) = key;
    let is_held = |number: Option<u32>| matches!(number, Some(number) if blocks.contains_key(&(id, number)));
    !is_held(number.checked_sub(1)) || !is_held(number.checked_add(1))
}

/// The nearest block with a request before this one of the same log.
fn timed_before(blocks: &BlocksByKey, key: BlockKey) -> Option<&BlockSummary> {
    let (_, block) = blocks.range((key.0, 0)..key).rfind(|(_, block)| block.lines > 0)?;
    Some(block)
}

/// The nearest block with a request of the same log, this one or behind it.
fn timed_after(blocks: &BlocksByKey, key: BlockKey) -> Option<&BlockSummary> {
    let (_, block) = blocks.range(key..(key.0, u32::MAX)).find(|(_, block)| block.lines > 0)?;
    Some(block)
}

impl UnreadLines {
    /// Of a log of which no block was looked at yet.
    fn none(generation: GenerationId) -> UnreadLines {
        let between = Window { from: Timestamp(i64::MAX), until: Timestamp(i64::MIN) };
        UnreadLines { generation, rejected: 0, too_long: 0, offsets: (u64::MAX, 0), between, are_many: false }
    }

    /// Count the rejected lines of one more block of the log.
    fn add(&mut self, rejects: &BlockRejects, between: Window) {
        self.rejected += u64::from(rejects.rejected);
        self.too_long += u64::from(rejects.too_long);
        self.offsets = (self.offsets.0.min(rejects.first), self.offsets.1.max(rejects.last));
        self.between.from = self.between.from.min(between.from);
        self.between.until = self.between.until.max(between.until);
    }
}

impl Loss {
    /// Whether something is known to be lost, not only possible.
    pub fn is_known(&self) -> bool {
        self.cause != LossCause::Copied
    }
}
