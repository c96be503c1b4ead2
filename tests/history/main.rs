//! Random histories against the whole: real files, written, rotated by every scheme, compressed, deleted and truncated;
//! the real daemon (its parts, driven one step at a time by a clock moved by hand), stopped and crashed between any two
//! steps; and every answer that its store gives, held against the documents that were written.
//!
//! What must hold at every question: the lines that the store says it has read are, byte for byte, lines of the
//! documents, none of them twice; cells, slow entries, raw lines and the ledger are exactly what these lines come to.
//!
//! What may be lost, and how exactly the ledger knows it:
//!
//! - A document that is in some file under a name that rotation gives is read to its end, whatever happened meanwhile.
//! - One that was truncated while the daemon ran, and is in no copy, loses what was not given out. The ledger says
//!   to the byte how much of that some look of this daemon *saw* (the file's size at its last look).
//! - What was written after the last look and was gone at the next is in no one's knowledge. The ledger says where
//!   and between when, with no bytes.
//! - One that was gone when a daemon started loses what was not committed; how much, nobody knows. The ledger says where
//!   and between when.
//! - Lines lost of a document that was named lie in windows of which the store says that something lacks.
//! - A document that no look ever saw, and that is gone, is not known to have been. Nor is what was written after a copy
//!   that is all that was ever seen of it, or after a copy whose original is gone too.
//! - A packed log that nobody could read, and that ends before what was read of one that was truncated or is gone, may be a copy of that one. It
//!   is left to `index`, and said to be missing.
//! - A copy may end within a line. That is held back until the copy is known to be all there is: it is not due at once.
//!
//! Logs are denied and allowed again, and their folder is away and back: what was written meanwhile is said to be missing, and nothing
//! is once it was read. Rotated ones may have a folder of their own.
//!
//! What is left out, since no one could tell: nginx going on for more than the grace in a log that was renamed without a
//! new one being made; a log that is gone and of which no more was read than another begins with, byte for byte (the other one is it); a crash within
//! seconds of a `copytruncate` that took lines which had been read and are not in the copy (afterwards only the daemon that read them knows the copy for one); a log with two names (hard links) that is
//! compressed under one of them, or loses the one it is known by; a file that gets the inode of a deleted one, which only the
//! time tells at which it was made (`tests/source/unread.rs`), and that time is not of this clock. Retention is off: that is the store's own model's.
//!
//! `SPIKELINE_HISTORIES=100000` sets how many histories are run, `SPIKELINE_HISTORY_FROM=7` the first seed,
//! `SPIKELINE_HISTORY=7` runs that one alone and asks everything after every step. `SPIKELINE_HISTORY_LOG=file` keeps account
//! of a long run. Each history has 200 steps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test says what went wrong by panicking"
)]

mod answers;
mod dice;
mod disk;
mod document;
mod machine;
mod story;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use story::Story;

const STEPS: usize = 200;

/// So many failures end a run.
const ENOUGH: usize = 20;

thread_local! {
    static CAUSE: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

/// What a run came to.
#[derive(Default)]
struct Outcome {
    done: u64,
    steps: BTreeMap<&'static str, u64>,
    failed: Vec<u64>,
}

/// Runs one history, asking everything after every step if `closely`; if it fails, what happened in it.
fn run(seed: u64, closely: bool) -> Result<BTreeMap<&'static str, u64>, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut story = None;
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let story = story.insert(Story::new(seed, folder.path()));
        for _ in 0..STEPS {
            story.step();
            if closely {
                story.ask_all();
            }
        }
        story.end();
    }));
    match ended {
        Ok(()) => Ok(story.map(|story| story.steps).unwrap_or_default()),
        Err(_) => {
            let told = story.map(|story| story.tell()).unwrap_or_default();
            Err(format!("{told}\nhistory {seed}: {}", CAUSE.take()))
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|value| value.parse().ok())
}

#[test]
fn every_answer_holds_whatever_happens() {
    // A failure is told with its story.
    std::panic::set_hook(Box::new(|failure| CAUSE.set(failure.to_string())));
    if let Some(seed) = number("SPIKELINE_HISTORY") {
        let failed = support::nobody::as_nobody(|| run(seed, true)).err();
        drop(std::panic::take_hook());
        assert!(failed.is_none(), "{}", failed.unwrap_or_default());
        return;
    }
    let from = number("SPIKELINE_HISTORY_FROM").unwrap_or(1);
    let until = from + number("SPIKELINE_HISTORIES").unwrap_or(40);
    let log = std::env::var_os("SPIKELINE_HISTORY_LOG").map(|path| Mutex::new(File::create(path).unwrap()));
    let (next, outcome) = (AtomicU64::new(from), Mutex::new(Outcome::default()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                support::nobody::become_nobody();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= until || outcome.lock().unwrap().failed.len() >= ENOUGH {
                        return;
                    }
                    let ended = run(seed, false);
                    let mut outcome = outcome.lock().unwrap();
                    outcome.done += 1;
                    let say = |text: &str| {
                        if let Some(log) = &log {
                            writeln!(log.lock().unwrap(), "{text}").unwrap();
                        }
                    };
                    match ended {
                        Ok(steps) => steps.into_iter().for_each(|(step, times)| {
                            *outcome.steps.entry(step).or_default() += times;
                        }),
                        Err(story) => {
                            if outcome.failed.is_empty() {
                                eprintln!("{story}");
                            }
                            say(&story);
                            outcome.failed.push(seed);
                        }
                    }
                    if outcome.done.is_multiple_of(1000) {
                        let (done, failed) = (outcome.done, &outcome.failed);
                        say(&format!(
                            "{done} histories in {:?}, failed {failed:?}, {:?}",
                            began.elapsed(),
                            outcome.steps
                        ));
                    }
                }
            });
        }
    });
    drop(std::panic::take_hook());
    let Outcome { done, steps, failed } = outcome.into_inner().unwrap();
    let account = format!("{done} histories in {:?}: {steps:?}; failed: {failed:?}", began.elapsed());
    eprintln!("{account}");
    if let Some(log) = &log {
        writeln!(log.lock().unwrap(), "{account}").unwrap();
    }
    assert!(failed.is_empty(), "failed; to see one alone: SPIKELINE_HISTORY={}", failed[0]);
}
