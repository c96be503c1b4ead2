//! What is said to lack of a window, against a search through every line.

use crate::source::generation::{DeviceInode, Fingerprint, Generation, GenerationId};
use crate::store::tests::support::memory_medium::Memory;
use crate::store::tests::support::traffic::{Dice, settings};
use crate::store::*;
use crate::time::{Timestamp, Window};
use proptest::prelude::*;
use std::sync::Arc;

/// A line of the one log: when it was written, where it is, and whether it could be read.
struct WrittenLine {
    at: i64,
    offset: u64,
    is_request: bool,
}

const LENGTH: u64 = 90_000;

/// Lines as they are written, a few a block; stretches of rejected ones cover whole blocks.
fn written(count: u64, dice: &mut Dice) -> Vec<WrittenLine> {
    let (mut at, mut is_request) = (0, true);
    let mut lines = Vec::new();
    for number in 0..count {
        at += i64::try_from(dice.roll(3_000)).unwrap();
        is_request = if dice.roll(4) == 0 { dice.roll(2) == 0 } else { is_request };
        lines.push(WrittenLine { at, offset: number * LENGTH, is_request });
    }
    lines
}

/// What the pipeline says of lines that start in one block.
fn summary(number: u64, lines: &[&WrittenLine]) -> BlockSummary {
    let mut block = BlockSummary::empty(GenerationId(1), u32::try_from(number).unwrap());
    for (place, line) in lines.iter().enumerate() {
        let at = Timestamp(line.at);
        if line.is_request {
            block.lines += 1;
            block.first = block.first.min(line.offset);
            block.until = block.until.max(line.offset + LENGTH);
            block.min_start = block.min_start.min(at);
            block.min_end = block.min_end.min(at);
            block.max_end = block.max_end.max(at);
            continue;
        }
        let rejects = block.rejects.get_or_insert(BlockRejects::NONE);
        rejects.rejected += 1;
        rejects.first = rejects.first.min(line.offset);
        rejects.last = rejects.last.max(line.offset);
        if let Some(before) = lines[..place].iter().rfind(|line| line.is_request) {
            rejects.after = rejects.after.min(Timestamp(before.at));
        }
        if let Some(next) = lines[place..].iter().find(|line| line.is_request) {
            rejects.before = rejects.before.max(Timestamp(next.at));
        }
    }
    block
}

/// The same lines in commits of whole blocks, some of them sealed and merged.
fn stored(lines: &[WrittenLine], finished: bool, dice: &mut Dice) -> Writer {
    let mut writer = Writer::open_on(Arc::new(Memory::default()), settings()).unwrap();
    let mut rest: Vec<&WrittenLine> = lines.iter().collect();
    while let Some(first) = rest.first() {
        let number = first.offset / BLOCK_BYTES;
        let own: Vec<&WrittenLine>;
        (own, rest) = rest.into_iter().partition(|line| line.offset / BLOCK_BYTES == number);
        let parsed = own.iter().filter(|line| line.is_request).count() as u64;
        let rejected = own.len() as u64 - parsed;
        let mut ledger = Ledger { lines: own.len() as u64, parsed, ..Ledger::default() };
        if rejected > 0 {
            ledger.rejected.insert(1, rejected);
        }
        let mut commit = Commit { at: Timestamp(own[own.len() - 1].at), ..Commit::default() };
        commit.ledgers.push((GenerationId(1), ledger));
        commit.blocks.push(summary(number, &own));
        commit.generations.push(Generation {
            id: GenerationId(1),
            log: "access".to_owned(),
            path: "/var/log/nginx/access.log".into(),
            device_inode: DeviceInode { device: 1, inode: 1 },
            fingerprint: Fingerprint { length: 1, hash: 1 },
            position: own[own.len() - 1].offset + LENGTH,
            tail_hash: 0,
            finished: finished && rest.is_empty(),
        });
        writer.commit(&mut commit).unwrap();
        if dice.roll(3) == 0 {
            writer.seal().unwrap();
        }
    }
    writer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn rejected_lines_are_all_counted_and_a_log_of_nothing_else_is_called_so(
        seed in 1u64.., count in 1u64..60, finished: bool,
    ) {
        let mut dice = Dice(seed);
        let lines = written(count, &mut dice);
        let writer = stored(&lines, finished, &mut dice);
        let rejected = |window: Window| -> u64 {
            let gaps = writer.view().completeness().gaps(window).unwrap();
            gaps.unread.iter().map(|unread| unread.rejected).sum()
        };
        let all = lines.iter().filter(|line| !line.is_request).count() as u64;
        prop_assert_eq!(rejected(Window::ALL), all);
        // A log of which no line fits its format is not called one with requests.
        let none_fits = all > 0 && lines.iter().all(|line| !line.is_request);
        prop_assert_eq!(writer.view().completeness().unfit().contains(&GenerationId(1)), none_fits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]
    /// A line that could not be read may be said to concern a window that it does not, but never the other way round.
    #[test]
    fn no_rejected_line_of_a_window_is_left_out(
        seed in 1u64.., count in 1u64..60, finished: bool, from in -5_000i64..90_000, length in 1i64..40_000,
    ) {
        check_window(seed, count, finished, from, length);
    }
}

/// That all rejected lines of a window are said to concern it.
fn check_window(seed: u64, count: u64, finished: bool, from: i64, length: i64) {
    let mut dice = Dice(seed);
    let lines = written(count, &mut dice);
    let writer = stored(&lines, finished, &mut dice);
    let window = Window { from: Timestamp(from), until: Timestamp(from + length) };
    let gaps = writer.view().completeness().gaps(window).unwrap();
    let said: u64 = gaps.unread.iter().map(|unread| unread.rejected).sum();
    // Before the first request, and behind the last one of a log that is finished, nothing says when a line was written.
    let first = lines.iter().position(|line| line.is_request).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| line.is_request).unwrap_or(0);
    let is_known = |at: usize| at > first && (at < last || !finished);
    let own = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| !line.is_request && is_known(*at) && window.contains(Timestamp(line.at)));
    let own = own.count() as u64;
    assert!(said >= own, "{said} of {own}: {:?}", gaps.unread);
}

/// Blocks on both sides of a window in which no request ended, each in a segment of its own: the rejected lines between them.
#[test]
fn rejected_lines_between_sealed_blocks_are_not_left_out_of_a_window_without_requests() {
    for finished in [false, true] {
        check_window(6_408_563_112_381_395_045, 33, finished, 42_702, 1_526);
    }
}

/// A loss concerns the windows between when it can have happened; what was read beyond it later is no loss any more.
#[test]
fn a_loss_is_said_until_its_log_was_read_beyond_it() {
    let loss = |cause| Loss { offset: 100, bytes: 50, cause, after: Timestamp(1_000), before: Timestamp(2_000) };
    for (cause, position, is_lost) in [
        (LossCause::Truncated, 100, true),
        (LossCause::Unread, 149, true),
        (LossCause::Unread, 150, false),
        (LossCause::Gone, 400, false),
        (LossCause::Damaged, 400, true),
    ] {
        let mut writer = Writer::open_on(Arc::new(Memory::default()), settings()).unwrap();
        let mut commit = Commit::default();
        commit.ledgers.push((GenerationId(1), Ledger { losses: vec![loss(cause)], ..Ledger::default() }));
        commit.generations.push(Generation {
            id: GenerationId(1),
            log: "access".to_owned(),
            path: "/var/log/nginx/access.log".into(),
            device_inode: DeviceInode { device: 1, inode: 1 },
            fingerprint: Fingerprint { length: 1, hash: 1 },
            position,
            tail_hash: 0,
            finished: false,
        });
        writer.commit(&mut commit).unwrap();
        let lost = |from, until| {
            let window = Window { from: Timestamp(from), until: Timestamp(until) };
            writer.view().completeness().gaps(window).unwrap().lost
        };
        let expected = if is_lost { vec![(GenerationId(1), loss(cause))] } else { Vec::new() };
        assert_eq!(lost(1_500, 1_501), expected, "{cause:?} read to {position}");
        assert_eq!(lost(2_001, 9_000), [], "{cause:?}");
        assert_eq!(lost(0, 1_000), [], "{cause:?}");
    }
}
