//! A random history against the follower: writes with torn lines, rotations of both kinds, compression, deletion
//! of what was read, polls, and crashes that forget any suffix of the events since the last commit. Every line carries
//! a number, so loss and duplicates are arithmetic.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::ops::ControlFlow;

use spikeline::source::{FinishReason, FollowSettings};
use spikeline::time::{Clock, SystemClock};

use crate::rig::{Rig, Store, line};

/// xorshift64*, seeded by the case's number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).unwrap()
    }
}

/// The writer, the rotation and the daemon.
struct History {
    rig: Rig,
    dice: Dice,
    /// What nginx holds open: it goes on there until it is told to open its log again.
    writer: File,
    written: usize,
    /// The rest of a line of which the first part was written.
    torn: String,
    /// Lines that were truncated away without a copy, before they were read and committed.
    forgiven: BTreeSet<usize>,
    log: Vec<String>,
}

impl History {
    fn new(seed: u64) -> History {
        let settings = FollowSettings { block_limit: 200, ..FollowSettings::default() };
        let mut rig = Rig::with(&["access.log"], settings);
        let writer = rig.append("access.log", "");
        // The first start is before the first line, so that every line is due.
        rig.poll();
        let dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        History { rig, dice, writer, written: 0, torn: String::new(), forgiven: BTreeSet::new(), log: Vec::new() }
    }

    fn step(&mut self) {
        match self.dice.roll(20) {
            0..=6 => self.write(),
            7..=10 => self.poll(),
            11..=12 => self.rename(),
            13 => self.copytruncate(),
            14 => self.reopen(),
            15 => self.compress(),
            16 => self.delete_read(),
            17..=18 => self.crash(),
            19 if self.dice.roll(4) == 0 => self.truncate(),
            _ => self.wait(),
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    fn write(&mut self) {
        let mut text = std::mem::take(&mut self.torn);
        for _ in 0..self.dice.roll(60) {
            text.push_str(&line(self.written));
            text.push('\n');
            self.written += 1;
        }
        if self.dice.roll(3) == 0 && text.len() > 10 {
            let cut = text.len() - 1 - self.dice.index(9);
            self.torn = text.split_off(cut);
        }
        self.writer.write_all(text.as_bytes()).unwrap();
        self.note(format!("write up to {} torn {}", self.written, self.torn.len()));
    }

    /// The rest of the torn line, as nginx writes it before it closes its log.
    fn complete(&mut self) {
        let torn = std::mem::take(&mut self.torn);
        self.writer.write_all(torn.as_bytes()).unwrap();
    }

    fn poll(&mut self) {
        self.rig.poll();
        self.note(format!("poll, {} lines", self.rig.store.lines.len()));
    }

    fn wait(&mut self) {
        self.rig.pass(61);
        self.note("wait");
    }

    /// Moves `access.log.N` up, up to the first gap.
    fn shift(&mut self) {
        let taken = |rig: &Rig, number: usize, end: &str| rig.path(&format!("access.log.{number}{end}")).exists();
        let last = (1..).find(|&number| !["", ".gz"].iter().any(|end| taken(&self.rig, number, end))).unwrap();
        for number in (1..last).rev() {
            for end in ["", ".gz"] {
                if taken(&self.rig, number, end) {
                    self.rig.rename(&format!("access.log.{number}{end}"), &format!("access.log.{}{end}", number + 1));
                }
            }
        }
    }

    fn rename(&mut self) {
        self.shift();
        self.rig.rename("access.log", "access.log.1");
        self.rig.append("access.log", "");
        let late = self.dice.roll(3) == 0;
        if !late {
            self.reopen();
        }
        self.note(format!("rename, USR1 late: {late}"));
    }

    fn reopen(&mut self) {
        self.complete();
        self.writer = OpenOptions::new().append(true).open(self.rig.path("access.log")).unwrap();
        self.note("reopen");
    }

    fn copytruncate(&mut self) {
        self.reopen();
        if self.dice.roll(2) == 0 {
            self.poll();
        }
        self.shift();
        self.rig.copytruncate("access.log", "access.log.1");
        self.note("copytruncate");
    }

    /// Truncates without a copy, after a look that may not have read all there is.
    fn truncate(&mut self) {
        self.reopen();
        self.rig.poll_once();
        let read: BTreeSet<usize> =
            self.rig.store.lines.iter().filter_map(|line| line.get(..8)?.parse().ok()).collect();
        self.forgiven.extend((0..self.written).filter(|number| !read.contains(number)));
        self.rig.truncate("access.log");
        self.note(format!("truncate, {} forgiven", self.forgiven.len()));
    }

    fn rotated(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(self.rig.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "access.log")
            .collect();
        names.sort();
        names
    }

    /// Compresses a rotated file that the writer has left.
    fn compress(&mut self) {
        self.reopen();
        let names: Vec<_> = self.rotated().into_iter().filter(|name| !name.ends_with(".gz")).collect();
        if !names.is_empty() {
            let name = names[self.dice.index(names.len())].clone();
            self.rig.gzip(&name);
            self.note(format!("gzip {name}"));
        }
    }

    /// Deletes the oldest rotated file, if all was read and no crash can bring a need for it back.
    fn delete_read(&mut self) {
        self.reopen();
        for _ in 0..3 {
            self.wait();
        }
        if let Some(name) = self.rotated().pop() {
            self.rig.remove(&name);
            self.note(format!("delete {name}"));
        }
    }

    /// Polls, but commits only a prefix of the events, and starts again from there.
    fn crash(&mut self) {
        let mut events = Vec::new();
        self.rig.now = self.rig.now.plus_millis(250);
        for _ in 0..self.dice.roll(4) {
            let limit = events.len() + self.dice.index(6);
            self.rig
                .follower
                .poll(self.rig.now, &mut |event| {
                    events.push(event);
                    if events.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
                .unwrap();
            self.rig.now = self.rig.now.plus_millis(if self.dice.roll(4) == 0 { 70_000 } else { 250 });
        }
        let kept = self.dice.index(events.len() + 1);
        for event in events.iter().take(kept) {
            self.rig.store.apply(event);
        }
        self.rig.last_commit = Some(SystemClock.now());
        self.rig.restart();
        self.note(format!("crash, {kept} of {} events committed", events.len()));
    }

    /// Lets everything come to its end; then every line must have come once.
    fn check(&mut self, seed: u64) {
        self.reopen();
        self.written += 1;
        let last = line(self.written - 1) + "\n";
        self.writer.write_all(last.as_bytes()).unwrap();
        for _ in 0..4 {
            self.wait();
        }
        let Store { lines, finished, generations, .. } = &self.rig.store;
        let numbers: Vec<usize> = lines.iter().map(|line| line[..8].parse().unwrap()).collect();
        let distinct: BTreeSet<_> = numbers.iter().copied().collect();
        let lost: Vec<_> =
            (0..self.written).filter(|number| !distinct.contains(number) && !self.forgiven.contains(number)).collect();
        let twice: Vec<_> =
            numbers.iter().filter(|number| numbers.iter().filter(|other| other == number).count() > 1).collect();
        let story = || format!("seed {seed}\n{}\n{generations:#?}\n{finished:?}", self.log.join("\n"));
        assert!(twice.is_empty(), "twice: {twice:?}\n{}", story());
        assert!(lost.is_empty(), "lost: {lost:?}\n{}", story());
        for (number, line) in numbers.iter().zip(lines) {
            assert_eq!(line, &crate::rig::line(*number), "{}", story());
        }
        if !self.forgiven.is_subset(&distinct) {
            let said = finished
                .iter()
                .any(|(_, _, reason)| matches!(reason, FinishReason::Truncated { .. } | FinishReason::Vanished));
            assert!(said, "a loss that no one reports\n{}", story());
        }
        for (_, unread, reason) in finished.iter().filter(|_| self.forgiven.is_empty()) {
            // What was deleted after it was read may have vanished before it was finished.
            let fine =
                matches!(reason, FinishReason::Rotated | FinishReason::Truncated { lost: 0 } | FinishReason::Vanished);
            assert!(fine && *unread == 0, "{reason:?}\n{}", story());
        }
        assert_eq!(self.rig.unfinished(), 1, "{}", story());
    }
}

#[test]
fn every_line_comes_exactly_once_whatever_happens() {
    let from = std::env::var("SPIKELINE_MODEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let cases = std::env::var("SPIKELINE_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(150);
    for seed in from..from + cases {
        let mut history = History::new(seed);
        for _ in 0..40 {
            history.step();
        }
        history.check(seed);
    }
}
