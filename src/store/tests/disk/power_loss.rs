//! Loss of power at every call of a long random history: whatever was not synced is lost, torn or reordered; the store
//! opens, and after reading on from where it stands equals the uninterrupted run.

use crate::store::tests::support::history::{History, Run, Step};
use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::Dice;
use crate::store::*;
use std::io::ErrorKind;
use std::sync::Arc;

/// How many losses of power are tried; `SPIKELINE_CRASHES=100000 cargo test --lib power_loss` tries more.
fn crashes(otherwise: usize) -> usize {
    std::env::var("SPIKELINE_CRASHES").map_or(otherwise, |count| count.parse().unwrap())
}

/// The power goes once more while the writer that opens the store after it is at work, and perhaps again.
fn again(history: &History, mut memory: Memory, dice: &mut Dice) -> Memory {
    while dice.roll(3) == 0 {
        memory.fail_at(1 + dice.up_to(16), Fault::Onwards(ErrorKind::Other));
        if let Ok(mut writer) = history.open(&memory) {
            let _interrupted = writer.seal();
            let _interrupted = writer.maintain(writer.view().last_commit().unwrap_or_default(), false);
        }
        memory = memory.crash(&mut |most| dice.up_to(most));
    }
    memory
}

#[test]
fn fault_27_power_loss_at_every_call_loses_tears_and_reorders_what_was_not_synced() {
    let wanted = crashes(2_000);
    // More histories rather than more of the same, but several outcomes of each moment.
    let (length, outcomes) = if wanted > 10_000 { (300, 4) } else { (110, 2) };
    let (mut tried, mut calls) = (0, 0);
    for seed in 1.. {
        let history = History::new(seed, length);
        let mut dice = Dice(seed + 77);
        let mut run = Run::new(&history, Memory::default(), 0);
        run.memory.record();
        for (number, &step) in history.steps.iter().enumerate() {
            let before = run.read;
            assert!(run.step(step, 1), "seed {seed}, step {number}: {:?}", run.said);
            for (call, moment) in run.memory.recorded().into_iter().enumerate() {
                calls += 1;
                for outcome in 0..outcomes {
                    let place = format!("seed {seed}, step {number} {step:?}, call {call}, outcome {outcome}");
                    let left = moment.crash(&mut |most| dice.up_to(most));
                    let had = View::open_on(Arc::new(left.clone())).map(|view| {
                        history.check_points(&view);
                        history.read_by(&view)
                    });
                    let left = again(&history, left, &mut dice);
                    let checked = std::panic::AssertUnwindSafe(|| history.check(&left, &mut dice));
                    let read = std::panic::catch_unwind(checked).unwrap_or_else(|_| panic!("{place}"));
                    assert!(before <= read && read <= run.read, "{place}: {read} of {before} to {}", run.read);
                    // Only before there is a store at all a reader finds none.
                    assert!(had.as_ref().map_or(before == 0, |had| *had == read), "{place}: {had:?}, {read}");
                    tried += 1;
                }
            }
        }
        assert_eq!(history.check(&run.memory, &mut dice), history.len());
        if tried >= wanted {
            break;
        }
    }
    say(&format!("{tried} losses of power at {calls} calls"));
}

/// A process that is killed leaves what it wrote, and what it had not yet done.
#[test]
fn fault_26_killed_at_every_call_it_equals_an_uninterrupted_run() {
    for seed in 1..=(crashes(2_000) / 2_000).clamp(1, 40) {
        let history = History::new(2_000 + u64::try_from(seed).unwrap(), 120);
        let mut dice = Dice(3);
        let mut run = Run::new(&history, Memory::default(), 0);
        run.memory.record();
        for (number, &step) in history.steps.iter().enumerate() {
            let before = run.read;
            assert!(run.step(step, 1), "{:?}", run.said);
            for (call, moment) in run.memory.recorded().into_iter().enumerate() {
                let place = format!("seed {seed}, step {number} {step:?}, call {call}");
                let checked = std::panic::AssertUnwindSafe(|| history.check(&moment, &mut dice));
                let read = std::panic::catch_unwind(checked).unwrap_or_else(|_| panic!("{place}"));
                assert!(before <= read && read <= run.read, "{place}: {read} of {before} to {}", run.read);
            }
        }
    }
}

fn say(what: &str) {
    eprintln!("{what}");
}

/// As Linux does it: a sync fails, what it was for is dropped, and the next sync succeeds. Also the next process, which
/// reads what it sees, must not build upon that.
#[test]
fn fault_29_what_a_failed_fsync_was_for_is_never_trusted_again() {
    let mut tried = 0;
    for seed in 1..=(2 * crashes(2_000) / 2_000).clamp(2, 60) {
        let history = History::new(1_000 + u64::try_from(seed).unwrap(), 60);
        let mut dice = Dice(5);
        let mut run = Run::new(&history, Memory::default(), 0);
        for (number, &step) in history.steps.iter().enumerate() {
            let (before, read) = (run.memory.copy(), run.read);
            assert!(run.step(step, 1), "{:?}", run.said);
            let whole = before.copy();
            assert!(Run::new(&history, whole.clone(), read).step(step, 1));
            for call in 1..=whole.calls() - before.calls() {
                let place = format!("seed {seed}, step {number} {step:?}, call {call}");
                let memory = before.copy();
                // All of its calls from then on fail, and it is killed; or only this one does.
                let killed = dice.roll(3) == 0;
                memory.fail_at(call, if killed { Fault::Onwards(ErrorKind::Other) } else { Fault::Os(5) });
                let mut other = Run::new(&history, memory.clone(), read);
                let succeeded = other.step(step, 1);
                memory.mend();
                // This process goes on, or another takes its place; then more is committed, and the power goes.
                if dice.roll(2) == 0 {
                    memory.forget();
                }
                if killed || dice.roll(2) == 0 {
                    other = Run::new(&history, memory.clone(), 0);
                    assert!(other.step(Step::Reopen, 2), "{place}: {:?}", other.said);
                    other.read = history.read_by(&View::open_on(Arc::new(memory.clone())).unwrap());
                    assert!(other.read >= read, "{place}");
                }
                assert!(succeeded || other.step(step, 3), "{place}: {:?}", other.said);
                assert!(other.step(Step::Commit(3), 3), "{place}: {:?}", other.said);
                if dice.roll(2) == 0 {
                    memory.forget();
                }
                let told = other.read;
                let left = memory.crash(&mut |most| dice.up_to(most));
                let checked = std::panic::AssertUnwindSafe(|| history.check(&left, &mut dice));
                let read = std::panic::catch_unwind(checked).unwrap_or_else(|_| panic!("{place}"));
                assert_eq!(read, told, "{place}: what a commit said to be durable is");
                tried += 1;
            }
        }
    }
    say(&format!("{tried} failed calls, each followed by a loss of power"));
}
