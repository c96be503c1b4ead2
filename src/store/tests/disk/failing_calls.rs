//! The n-th call fails, for every n of a long history and for every way to fail: no panic, no corruption, a word that
//! says what and where, and the same answers once it goes on. Of readers: the right answer, or an error.

use crate::store::tests::support::history::{History, Run, Step};
use crate::store::tests::support::memory_medium::{Fault, Memory};
use crate::store::tests::support::traffic::{Dice, asked};
use crate::store::*;
use crate::time::Window;
use rustix::io::Errno;
use std::sync::Arc;

fn writing() -> Vec<Fault> {
    let numbers = [Errno::IO, Errno::NOSPC, Errno::INTR, Errno::ACCESS, Errno::MFILE, Errno::DQUOT];
    let mut faults: Vec<Fault> = numbers.into_iter().map(|errno| Fault::Os(errno.raw_os_error())).collect();
    faults.push(Fault::Short);
    faults
}

fn reading() -> Vec<Fault> {
    [Errno::IO, Errno::INTR, Errno::ACCESS, Errno::MFILE, Errno::NOMEM]
        .into_iter()
        .map(|errno| Fault::Os(errno.raw_os_error()))
        .collect()
}

/// All ways to fail, or one in turn: all are some minutes.
fn some(faults: Vec<Fault>, turn: usize) -> Vec<Fault> {
    if std::env::var_os("SPIKELINE_CRASHES").is_some() { faults } else { vec![faults[turn % faults.len()]] }
}

fn clear_words(run: &Run<'_>, place: &str) {
    for error in &run.said {
        assert!(error.place().is_some_and(|place| place.path.starts_with("/memory")), "{place}: {error}");
        assert!(error.what().starts_with("cannot ") || error.what().starts_with("damaged"), "{place}: {error}");
    }
}

#[test]
fn fault_31_every_call_of_a_writer_fails_in_every_way() {
    let history = History::new(31, 90);
    let mut dice = Dice(31);
    let mut run = Run::new(&history, Memory::default(), 0);
    let mut tried = 0;
    for (number, &step) in history.steps.iter().enumerate() {
        let (before, read) = (run.memory.copy(), run.read);
        assert!(run.step(step, 1), "{:?}", run.said);
        // A writer of its own, which opens the store first.
        let whole = before.copy();
        assert!(Run::new(&history, whole.clone(), read).step(step, 1));
        let (writes, reads) = (whole.calls() - before.calls(), whole.reads() - before.reads());
        let mut each = |call: usize, fault: Fault, is_read: bool| {
            let place = format!("step {number} {step:?}, call {call}, {fault:?}, reading: {is_read}");
            let memory = before.copy();
            if is_read {
                memory.fail_read_at(call, fault)
            } else {
                memory.fail_at(call, fault)
            }
            let mut other = Run::new(&history, memory.clone(), read);
            let went_on = other.step(step, 3) && other.step(Step::Commit(2), 2);
            clear_words(&other, &place);
            assert!(went_on, "{place}: {:?}", other.said);
            memory.mend();
            let told = other.read;
            let left = match dice.roll(3) {
                0 => memory.crash(&mut |most| dice.up_to(most)),
                1 => {
                    memory.forget();
                    memory
                }
                _ => memory,
            };
            let checked = std::panic::AssertUnwindSafe(|| history.check(&left, &mut dice));
            let read = std::panic::catch_unwind(checked).unwrap_or_else(|_| panic!("{place}"));
            assert_eq!(read, told, "{place}");
            tried += 1;
        };
        for call in 1..=writes {
            some(writing(), number + call).into_iter().for_each(|fault| each(call, fault, false));
        }
        for call in 1..=reads {
            some(reading(), number + call).into_iter().for_each(|fault| each(call, fault, true));
        }
    }
    assert!(tried > 900, "{tried}");
}

#[test]
fn fault_31_every_call_of_a_reader_fails_and_no_answer_is_wrong() {
    let history = History::new(8, 70);
    let mut run = Run::new(&history, Memory::default(), 0);
    let (mut answered, mut failed) = (0, 0);
    for (number, &step) in history.steps.iter().enumerate() {
        assert!(run.step(step, 1), "{:?}", run.said);
        if number % 14 != 13 {
            continue;
        }
        let memory = run.memory.copy();
        let windows = history.windows(Window::ALL.from);
        let expected = asked(&View::open_on(Arc::new(memory.clone())).unwrap(), &windows);
        for call in 1..=memory.reads() - run.memory.reads() {
            for fault in some(reading(), call) {
                memory.fail_read_at(call, fault);
                let view = match View::open_on(Arc::new(memory.clone())) {
                    Ok(view) => view,
                    Err(error) => {
                        assert!(error.place().is_some(), "{error}");
                        failed += 1;
                        continue;
                    }
                };
                for (answer, right) in asked(&view, &windows).into_iter().zip(&expected) {
                    match answer {
                        Ok(answer) => {
                            assert!(answer == *right.as_ref().unwrap(), "step {number}, call {call}, {fault:?}");
                            answered += 1;
                        }
                        Err(error) => {
                            assert!(error.place().is_some() && error.what().starts_with("cannot "), "{error}");
                            failed += 1;
                        }
                    }
                }
                memory.mend();
            }
        }
    }
    assert!(answered > 1_000 && failed > 20, "{answered} answered, {failed} failed");
}
