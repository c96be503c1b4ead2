//! What the store knows to be lacking of a window.

use crate::error::Result;
use crate::source::generation::{Generation, GenerationId};
use crate::store::commit::block_summary::{BlockRejects, BlockSummary};
use crate::store::commit::ledger::{Ledger, Loss, LossCause};
use crate::store::entry_query::WindowMatch;
use crate::store::journal::memtable::Memtable;
use crate::store::journal::state::StoreState;
use crate::store::query::sealed::SealedSegments;
use crate::time::{Timestamp, Window};
use std::collections::{BTreeMap, HashSet};

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
}

/// What is known of a window besides its requests. Losses whose time is not known count for every window that they may
/// concern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowGaps {
    /// Lines that could not be read, by log.
    pub unread: Vec<UnreadLines>,
    /// Stretches of logs that were lost, by log.
    pub lost: Vec<(GenerationId, Loss)>,
    /// Logs with requests in the window whose format says times to the second only.
    pub whole_seconds: Vec<GenerationId>,
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
        let mut account = WindowGaps::default();
        let mut unread: BTreeMap<GenerationId, UnreadLines> = BTreeMap::new();
        for block in summaries.values() {
            let says_whole_seconds =
                self.state.ledgers.get(&block.generation).is_some_and(|ledger| ledger.whole_seconds);
            if says_whole_seconds && block.may_end_in(window) && account.whole_seconds.last() != Some(&block.generation)
            {
                account.whole_seconds.push(block.generation);
            }
            let Some(rejects) = &block.rejects else { continue };
            let (after, before) = self.written_between(block, rejects, &summaries);
            if window.overlaps(after, before) {
                add_unread(&mut unread, block.generation, rejects, Window { from: after, until: before });
            }
        }
        // One that was read again in the right format lacks nothing.
        let held = |id: GenerationId| self.state.generations.iter().find(move |held| held.id == id);
        for id in self.unfit() {
            let again = |it: &Generation| it.id > id && held(id).is_some_and(|held| held.fingerprint == it.fingerprint);
            let parsed = |it: &Generation| self.state.ledgers.get(&it.id).is_some_and(|ledger| ledger.parsed > 0);
            if self.state.generations.iter().any(|it| again(it) && parsed(it)) {
                unread.remove(&id);
            }
        }
        account.unread = unread.into_values().collect();
        for (&id, ledger) in &self.state.ledgers {
            // A log that was read beyond a loss was found again: `spikeline index` took in the rest. What was read and damaged is not.
            let read = self.state.generations.binary_search_by_key(&id, |held| held.id).ok();
            let read = read.and_then(|at| self.state.generations.get(at)).map_or(0, |held| held.position);
            let stands = |loss: &&Loss| {
                loss.cause == LossCause::Damaged || read <= loss.offset || read < loss.offset.saturating_add(loss.bytes)
            };
            let losses = ledger.losses.iter().filter(stands).filter(|loss| window.overlaps(loss.after, loss.before));
            account.lost.extend(losses.map(|loss| (id, *loss)));
        }
        Ok(account)
    }

    /// The generations of whose lines not one fitted the format they were read in. It was the wrong one, or they are no access logs.
    pub fn unfit(&self) -> HashSet<GenerationId> {
        let unfit = |ledger: &Ledger| ledger.parsed == 0 && !ledger.rejected.is_empty();
        self.state.ledgers.iter().filter(|(_, ledger)| unfit(ledger)).map(|(&id, _)| id).collect()
    }

    /// Summaries of the blocks that may reach into `window`, and of those next to blocks without a request, which have
    /// no time of their own.
    fn summaries_near(&self, window: Window) -> Result<BTreeMap<(GenerationId, u32), BlockSummary>> {
        let mut merged = Memtable::default();
        self.sealed.each_summary(window, WindowMatch::End, |block| merged.add_block(block))?;
        self.memtable.blocks.values().for_each(|block| merged.add_block(block.clone()));
        let timed = |block: &&BlockSummary| block.lines > 0;
        let lonely = |block: &&BlockSummary| {
            let id = block.generation;
            let before = merged.blocks.range((id, 0)..block.key()).rev().map(|(_, near)| near).any(|near| timed(&near));
            let after = merged.blocks.range(block.key()..(id, u32::MAX)).any(|(_, near)| timed(&near));
            block.lines == 0 && !(before && after)
        };
        // Stretches of such blocks end where others begin, so few of them are asked for.
        let lonely: Vec<_> = merged.blocks.values().filter(lonely).map(BlockSummary::key).collect();
        let ends = lonely.iter().filter(|(id, number)| {
            let next = |number: Option<u32>| number.is_some_and(|number| merged.blocks.contains_key(&(*id, number)));
            !next(number.checked_sub(1)) || !next(number.checked_add(1))
        });
        let mut beside = Memtable::default();
        for &key in ends {
            self.sealed.each_summary_beside(key, |block| beside.add_block(block))?;
        }
        for (key, block) in beside.blocks {
            merged.blocks.entry(key).or_insert(block);
        }
        Ok(merged.blocks)
    }

    /// Between when the rejected lines of a block were written: as near as their neighbours tell.
    fn written_between(
        &self,
        block: &BlockSummary,
        rejects: &BlockRejects,
        near: &BTreeMap<(GenerationId, u32), BlockSummary>,
    ) -> (Timestamp, Timestamp) {
        let id = block.generation;
        let (mut after, mut before) = (rejects.after, rejects.before);
        if rejects.first < block.first {
            let known = near.range((id, 0)..block.key()).rev().map(|(_, near)| near).find(|near| near.lines > 0);
            let own = (block.lines > 0).then_some(block.min_end);
            after = after.min(known.map(|near| near.max_end).or(own).unwrap_or(Timestamp(i64::MIN)));
            // A log that nothing of this window stands before may have begun at any time before.
            before = before.max(own.unwrap_or(Timestamp(i64::MIN)));
        }
        if rejects.last >= block.until {
            let mut later = near.range(block.key()..).map(|(_, near)| near).filter(|near| near.key() != block.key());
            let known = later.find(|near| near.lines > 0 && self.same_log(near.generation, id));
            let own = if block.lines > 0 { block.max_end } else { after };
            after = after.min(own);
            let open = !self.state.is_finished(id) || block.lines == 0;
            before = before.max(match known {
                Some(near) => near.min_end.max(own),
                None if open => Timestamp(i64::MAX),
                None => own,
            });
        }
        (after.min(before), before)
    }

    /// Whether two generations are of one log: the later one then goes on where the earlier one ended.
    fn same_log(&self, one: GenerationId, other: GenerationId) -> bool {
        let log = |id| self.state.generations.iter().find(|held: &&Generation| held.id == id).map(|held| &held.log);
        one == other || log(one) == log(other)
    }
}

/// Count the rejected lines of one more block of a log.
fn add_unread(
    unread: &mut BTreeMap<GenerationId, UnreadLines>,
    generation: GenerationId,
    rejects: &BlockRejects,
    between: Window,
) {
    let own = unread.entry(generation).or_insert(UnreadLines {
        generation,
        rejected: 0,
        too_long: 0,
        offsets: (rejects.first, rejects.last),
        between,
    });
    own.rejected += u64::from(rejects.rejected);
    own.too_long += u64::from(rejects.too_long);
    own.offsets = (own.offsets.0.min(rejects.first), own.offsets.1.max(rejects.last));
    own.between.from = own.between.from.min(between.from);
    own.between.until = own.between.until.max(between.until);
}

impl Loss {
    /// Whether something is known to be lost, not only possible.
    pub fn is_known(&self) -> bool {
        self.cause != LossCause::Copied
    }
}
