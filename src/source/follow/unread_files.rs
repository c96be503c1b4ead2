//! What cannot be read, and since when: the account of it, from which answers know what they lack.
//!
//! Each step of a poll reports what it could not read ([`Unreadable`]). At the poll's end the reports are compared with what is held:
//! what is new begins a span, what was read after all is withdrawn, and a file that was rotated away unread leaves a span that ends. What
//! a span is about may be a generation that waits to be found, a file by its inode, or a path of which not even that is known.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::facts::LogFacts;
use super::horizon::TIME_LAG;
use super::new_files::SettledFiles;
use super::poll::{Poll, Unreadable};
use super::resume::AwaitedGenerations;
use crate::source::file::{FileStatus, leads_to};
use crate::source::generation::DeviceInode;
use crate::source::identity::siblings::{base_of, siblings};
use crate::source::unread_span::{UnreadCause, UnreadSpan, times_apart};
use crate::time::Timestamp;
use std::ops::ControlFlow;

/// So many spans of one path that are over are told apart; then the oldest become one.
const SPANS_OF_PATH: usize = 64;

/// A span as it is held.
#[derive(Debug)]
struct HeldSpan {
    span: UnreadSpan,
    /// It was reported in this poll.
    is_reported: bool,
}

/// What became of a span at the end of a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpanFate {
    Stays,
    /// It was read, or the ledger of its generation says what is lost.
    Withdrawn,
    /// The file is not at its path any more.
    Over,
}

/// A rotated file that no run had seen and that is being read now.
#[derive(Debug)]
struct OpenedFile {
    base: PathBuf,
    key: String,
    written: Timestamp,
    device_inode: DeviceInode,
}

/// The account.
#[derive(Debug, Default)]
pub(crate) struct UnreadFiles {
    spans: Vec<HeldSpan>,
    opened: Vec<OpenedFile>,
    next_number: u32,
    /// When the last whole poll was: what was not reported then could be read then.
    last_look: Option<Timestamp>,
}

impl UnreadFiles {
    /// Goes on with what earlier runs could not read.
    pub(crate) fn new(known: Vec<UnreadSpan>) -> UnreadFiles {
        let next_number = known.iter().map(|span| span.number.saturating_add(1)).max().unwrap_or(0);
        let spans = known.into_iter().map(|span| HeldSpan { span, is_reported: false }).collect();
        UnreadFiles { spans, opened: Vec::new(), next_number, last_look: None }
    }

    /// The files that could not be read and were rotated away.
    pub(crate) fn files_left(&self) -> HashSet<DeviceInode> {
        let left = self.spans.iter().filter(|held| !held.span.is_lasting() && held.span.generation.is_none());
        left.filter_map(|held| held.span.device_inode).collect()
    }

    /// Whether this is the first whole poll.
    pub(crate) fn is_first_look(&self) -> bool {
        self.last_look.is_none()
    }

    /// A rotated file that no run had seen is read from now on: it may be one that could not be read before it was packed.
    pub(crate) fn note_opened(&mut self, path: &Path, key: &str, status: FileStatus) {
        let (base, written) = (base_of(path), status.modified());
        self.opened.push(OpenedFile { base, key: key.to_owned(), written, device_inode: status.device_inode });
    }

    /// Ends a poll: takes in what it could not read. `all_is_read`: it read all there was to its end, and is in no doubt about any file.
    pub(crate) fn settle(
        &mut self,
        facts: &LogFacts,
        awaited: &AwaitedGenerations,
        settled: &SettledFiles,
        all_is_read: bool,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<()> {
        let is_first = self.is_first_look();
        if is_first {
            self.leave_unwatched(facts, poll)?;
        }
        for held in &mut self.spans {
            held.is_reported = false;
        }
        for report in std::mem::take(&mut poll.unread) {
            self.take_report(report, facts, poll)?;
        }
        let (mut at, mut kept) = (0, Vec::new());
        while at < self.spans.len() {
            match self.fate_of(at, facts, awaited, settled, all_is_read) {
                SpanFate::Stays => {}
                SpanFate::Withdrawn => self.withdraw(at, poll)?,
                SpanFate::Over => self.end_span(at, poll.now, poll)?,
            }
            at += 1;
        }
        if all_is_read {
            for opened in std::mem::take(&mut self.opened) {
                self.match_opened(&opened, poll)?;
            }
        }
        kept.append(&mut self.spans);
        kept.retain(|held| !held.span.is_withdrawn);
        self.spans = kept;
        self.last_look = Some(poll.now);
        ControlFlow::Continue(())
    }

    /// At a start: the logs that are configured no more are missing no longer than the configuration named them.
    fn leave_unwatched(&mut self, facts: &LogFacts, poll: &mut Poll<'_>) -> ControlFlow<()> {
        for at in 0..self.spans.len() {
            let Some(HeldSpan { span, .. }) = self.spans.get(at) else { break };
            if facts.patterns.has_key(&span.log) || !span.is_lasting() || span.cause == UnreadCause::Unfinished {
                continue;
            }
            // There never was such a file: the path was mistyped.
            if span.cause == UnreadCause::Absent && span.device_inode.is_none() && span.generation.is_none() {
                self.withdraw(at, poll)?;
                continue;
            }
            let until = facts.horizon.read_until().unwrap_or(poll.now).max(span.from);
            self.end_span(at, until, poll)?;
        }
        ControlFlow::Continue(())
    }

    /// Something could not be read in this poll.
    fn take_report(&mut self, report: Unreadable, facts: &LogFacts, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let known = self.spans.iter_mut().find(|held| is_about(&held.span, &report));
        if let Some(held) = known {
            held.is_reported = true;
            let span = &mut held.span;
            let changed = UnreadSpan {
                device_inode: report.device_inode.or(span.device_inode),
                generation: report.generation.or(span.generation),
                // One that was rotated away may be written for a while still.
                until: match (span.until, report.until) {
                    (Some(known), Some(now)) if now > known.plus(TIME_LAG) => Some(now),
                    (Some(known), _) => Some(known),
                    (None, now) => now.map(|until| until.max(span.from)),
                },
                path: if is_at(span, &span.path) { span.path.clone() } else { report.path },
                cause: report.cause,
                why: report.why,
                ..span.clone()
            };
            if changed == *span {
                return ControlFlow::Continue(());
            }
            *span = changed.clone();
            return poll.tell_unread(changed);
        }
        let from = report.from.unwrap_or_else(|| self.begin_of(&report, facts, poll));
        let span = UnreadSpan {
            number: self.next_number,
            log: report.key,
            path: report.path,
            device_inode: report.device_inode,
            generation: report.generation,
            from: from.min(report.until.unwrap_or(from)),
            until: report.until,
            cause: report.cause,
            why: report.why,
            is_withdrawn: false,
        };
        self.next_number = self.next_number.saturating_add(1);
        self.spans.push(HeldSpan { span: span.clone(), is_reported: true });
        poll.tell_unread(span)
    }

    /// Since when something could not be read that could be read, or was not there, at the last look. At the first look of a run that is
    /// when the earlier ones had read all, or, of a log that none knew, when the file was made or the run began.
    fn begin_of(&self, report: &Unreadable, facts: &LogFacts, poll: &Poll<'_>) -> Timestamp {
        if let Some(at) = self.last_look {
            return at;
        }
        let is_known = facts.closed.iter().chain(facts.open.generations()).any(|known| known.log == report.key);
        match facts.horizon.read_until() {
            Some(read_until) if is_known || report.generation.is_some() => read_until.min(poll.now),
            _ => created(&report.path).map_or(poll.now, |created| created.min(poll.now)),
        }
    }

    /// What becomes of a span at the end of a poll in which it was reported or not.
    fn fate_of(
        &self,
        at: usize,
        facts: &LogFacts,
        awaited: &AwaitedGenerations,
        settled: &SettledFiles,
        all_is_read: bool,
    ) -> SpanFate {
        let Some(HeldSpan { span, is_reported: false }) = self.spans.get(at) else { return SpanFate::Stays };
        if span.is_withdrawn {
            return SpanFate::Stays;
        }
        let read_now = if all_is_read { SpanFate::Withdrawn } else { SpanFate::Stays };
        if let Some(id) = span.generation {
            let is_waiting = awaited.generations().any(|generation| generation.id == id);
            if is_waiting || !facts.patterns.has_key(&span.log) {
                return SpanFate::Stays;
            }
            // Else it is open, and read; or it was given up, and its ledger says so.
            return read_now;
        }
        let is_open = |inode: DeviceInode| facts.open.is_open(inode);
        if span.device_inode.is_some_and(is_open) {
            return read_now;
        }
        let status = FileStatus::of_path(&span.path);
        if !span.is_lasting() {
            // It holds what was read, as is known now that it can be looked into.
            let is_known =
                |status: &FileStatus| Some(status.device_inode) == span.device_inode && settled.is_settled(*status);
            return if status.is_ok_and(|status| is_known(&status)) { read_now } else { SpanFate::Stays };
        }
        match (status, span.device_inode) {
            (Ok(status), Some(inode)) if status.device_inode != inode => SpanFate::Over,
            (Ok(_), _) => read_now,
            (Err(error), _) if error.kind() == ErrorKind::NotFound && span.cause != UnreadCause::Absent => {
                SpanFate::Over
            }
            (Err(_), _) => SpanFate::Stays,
        }
    }

    /// Nothing is missing of it any more.
    fn withdraw(&mut self, at: usize, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let Some(HeldSpan { span, .. }) = self.spans.get_mut(at) else { return ControlFlow::Continue(()) };
        span.is_withdrawn = true;
        let span = span.clone();
        poll.no_problem(&span.path);
        poll.tell_unread(span)
    }

    /// What is missing of it was written before `until`.
    fn end_span(&mut self, at: usize, until: Timestamp, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let Some(HeldSpan { span, .. }) = self.spans.get_mut(at) else { return ControlFlow::Continue(()) };
        span.until = Some(until.max(span.from));
        let (span, path) = (span.clone(), span.path.clone());
        poll.tell_unread(span)?;
        self.merge_oldest(&path, poll)
    }

    /// Makes one of the two oldest spans of a path that are over, if there are too many.
    fn merge_oldest(&mut self, path: &Path, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let is_over = |held: &&mut HeldSpan| {
            held.span.path == path
                && !held.span.is_lasting()
                && !held.span.is_withdrawn
                && held.span.generation.is_none()
        };
        let mut over: Vec<&mut HeldSpan> = self.spans.iter_mut().filter(is_over).collect();
        if over.len() <= SPANS_OF_PATH {
            return ControlFlow::Continue(());
        }
        over.sort_by_key(|held| held.span.from);
        let [first, second, ..] = over.as_mut_slice() else { return ControlFlow::Continue(()) };
        second.span.from = first.span.from;
        second.span.until = second.span.until.max(first.span.until);
        second.span.device_inode = None;
        first.span.is_withdrawn = true;
        let (first, second) = (first.span.clone(), second.span.clone());
        poll.tell_unread(second)?;
        poll.tell_unread(first)
    }

    /// A rotated file was read that has another inode than any that could not be: it was packed or copied since. It is the one whose
    /// span ends when it was written last.
    fn match_opened(&mut self, opened: &OpenedFile, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let beside = siblings(&opened.base).unwrap_or_default();
        let mut best: Option<(i64, usize)> = None;
        for (at, HeldSpan { span, .. }) in self.spans.iter().enumerate() {
            let Some(until) = span.until.filter(|_| !span.is_withdrawn && span.generation.is_none()) else { continue };
            let is_there = beside.iter().any(|file| Some(file.status.device_inode) == span.device_inode);
            let is_of_log = span.log == opened.key && base_of(&span.path).file_name() == opened.base.file_name();
            if !is_of_log || is_there || span.device_inode == Some(opened.device_inode) {
                continue;
            }
            if let Some(apart) = times_apart(span.from, until, opened.written)
                && best.is_none_or(|(least, _)| apart < least)
            {
                best = Some((apart, at));
            }
        }
        match best {
            Some((_, at)) => self.withdraw(at, poll),
            None => ControlFlow::Continue(()),
        }
    }
}

/// Whether a path leads to the file of a span, as far as that is known.
fn is_at(span: &UnreadSpan, path: &Path) -> bool {
    span.device_inode.is_none_or(|inode| leads_to(path, inode))
}

/// Whether a report is about what a span is about.
fn is_about(span: &UnreadSpan, report: &Unreadable) -> bool {
    if span.is_withdrawn {
        return false;
    }
    let same_generation = span.generation.is_some() && span.generation == report.generation;
    let same_file = span.device_inode.is_some() && span.device_inode == report.device_inode;
    let is_unnamed = span.device_inode.is_none() || report.device_inode.is_none();
    let same_path = span.is_lasting() && report.until.is_none() && is_unnamed && span.path == report.path;
    same_generation || same_file || same_path
}

/// When the file at a path was made, as far as the file system says.
fn created(path: &Path) -> Option<Timestamp> {
    let since_epoch = std::fs::metadata(path).ok()?.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp(0).plus(since_epoch))
}
