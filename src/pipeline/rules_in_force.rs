//! Since when what was counted was counted by the rules of now: a configuration changes, and slots keep the routes that their requests
//! had then.

use std::collections::HashMap;
use std::sync::Arc;

use super::interpreting::Interpreting;
use super::kept::{AskedRules, CountedBy, counted_by};
use super::line_readers::LineReaders;
use super::retrieve;
use crate::error::Result;
use crate::record::Needs;
use crate::store::{BlockSummary, View, WindowMatch};
use crate::time::{Timestamp, Window};

/// What is said of a window of which a part was counted by other rules.
pub fn other_rules_words(until: Timestamp) -> String {
    format!(
        "what ended before {until} was counted by other [[route]], [[probe]] or [slow] rules than those of now; \
         `spikeline report` counts it anew from its lines"
    )
}

/// The end of the last slot of a window that has requests which were counted by other rules than those of `now`; nothing if none has.
/// Lines are read with `with`, of the block in which rules changed.
///
/// # Errors
/// If a segment cannot be read or is damaged.
pub fn other_rules_until(
    view: &View,
    window: Window,
    now: AskedRules,
    with: &Interpreting,
) -> Result<Option<Timestamp>> {
    if counted_by(view, window, WindowMatch::End, now)? != CountedBy::Others {
        return Ok(None);
    }
    let (mut last, mut changing) = (None, Vec::new());
    for block in view.blocks(window, WindowMatch::End, None)? {
        match others_end(view, &block, now) {
            None => {}
            Some(end) if end >= block.until => last = last.max(Some(block.max_end)),
            Some(end) => changing.push(ChangingBlock { block, end }),
        }
    }
    last = last.max(last_of_others(view, window, &changing, with)?);
    let in_window = last.map(|last| last.min(window.until.minus(std::time::Duration::from_millis(1))));
    let interval = view.settings().interval;
    Ok(in_window.filter(|last| *last >= window.from).map(|last| last.slot(interval).plus(interval)))
}

/// The rules by which the newest lines were counted, where nothing else says which are meant.
///
/// # Errors
/// If a segment cannot be read or is damaged.
pub fn newest_rules(view: &View, window: Window) -> Result<Option<AskedRules>> {
    let mut blocks = view.blocks(window, WindowMatch::End, None)?;
    blocks.sort_unstable_by_key(|block| (block.max_end, block.until));
    let reading =
        blocks.last().and_then(|block| view.reading_at(block.generation, block.until.saturating_sub(1)).reading);
    Ok(reading.map(|(_, reading)| AskedRules { rules: reading.rules, series: None }))
}

/// A block of which lines up to here were counted by other rules, and later ones were not.
struct ChangingBlock {
    block: BlockSummary,
    end: u64,
}

/// Where the last stretch of a block ends that was counted by others.
fn others_end(view: &View, block: &BlockSummary, now: AskedRules) -> Option<u64> {
    let (mut at, mut end) = (block.first, None);
    while at < block.until {
        let stretch = view.reading_at(block.generation, at);
        if stretch.reading.is_some_and(|(_, reading)| now.is_other(reading)) {
            end = Some(stretch.until);
        }
        at = stretch.until;
    }
    end
}

/// When the last request ended, within the window, that was counted by others; that of the whole block where its lines are gone.
fn last_of_others(
    view: &View,
    window: Window,
    changing: &[ChangingBlock],
    with: &Interpreting,
) -> Result<Option<Timestamp>> {
    let mut readers = LineReaders::new(with.clone(), Arc::new(|_| Needs::latency()), HashMap::new());
    let mut last = None;
    for ChangingBlock { block, end } in changing {
        let mut of_block = None;
        let missing = retrieve::scan(view, std::slice::from_ref(block), &mut readers, &mut |line| {
            if line.locator.offset < *end && window.contains(line.seen.record.end) {
                of_block = of_block.max(Some(line.seen.record.end));
            }
        })?;
        last = last.max(if missing.messages().is_empty() { of_block } else { Some(block.max_end) });
    }
    Ok(last)
}
