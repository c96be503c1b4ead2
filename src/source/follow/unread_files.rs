//! What cannot be read, and since when: the account of it, from which answers know what they lack.
//!
//! Each step of a poll reports what it could not read ([`Unreadable`]). At the poll's end the reports are compared with what is held:
//! what is new begins a span, what was read after all is withdrawn, and a file that was rotated away unread leaves a span that ends. What
//! a span is about may be a generation that waits to be found, a file by its inode, or a path of which not even that is known.

use std::collections::HashSet;
use std::path::Path;

use super::facts::LogFacts;
use super::horizon::{Horizon, is_created_after};
use super::new_files::SettledFiles;
use super::poll::{Poll, Unreadable};
use super::resume::AwaitedGenerations;
use super::span_fate::{SpanFate, SpanFates, is_same};
use super::span_index::{HeldSpan, SpanIndex, is_about};
use crate::source::file::{FileStatus, TIME_LAG, created, leads_to};
use crate::source::file_of_log::FileOfLog;
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::homes::home_of;
use crate::source::unread_span::{LostStretch, UnreadCause, UnreadSpan};
use crate::time::Timestamp;
use std::ops::ControlFlow;
use std::time::Duration;

/// So many spans of one path that are over are told apart; then the oldest become one.
const SPANS_OF_PATH: usize = 64;

/// The account.
#[derive(Debug, Default)]
pub(crate) struct UnreadFiles {
    spans: Vec<HeldSpan>,
    next_number: u32,
    /// When the last whole poll was: what was not reported then could be read then.
    last_look: Option<Timestamp>,
}

impl UnreadFiles {
    /// Goes on with what earlier runs could not read.
    pub(crate) fn new(known: Vec<UnreadSpan>) -> UnreadFiles {
        let next_number = known.iter().map(|span| span.number.saturating_add(1)).max().unwrap_or(0);
        let spans = known.into_iter().map(|span| HeldSpan { is_by_file: true, ..HeldSpan::new(span) }).collect();
        UnreadFiles { spans, next_number, last_look: None }
    }

    /// At a start: notes which files may have been written after the last run had read all, though they were rotated before.
    pub(crate) fn begin_run(&mut self, horizon: &Horizon, grace: Duration) {
        let Some(read_until) = horizon.read_until() else { return };
        for HeldSpan { span, is_open_ended, .. } in &mut self.spans {
            let is_of_file =
                span.generation.is_none() && span.device_inode.is_some_and(|inode| inode != inode.of_none());
            *is_open_ended = is_of_file && span.until.is_some_and(|until| until.plus(grace) >= read_until);
        }
    }

    /// Something was lost that will never be found.
    pub(crate) fn note_lost(&mut self, lost: LostStretch, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let LostStretch { key, path, from, until, why } = lost;
        let span = UnreadSpan {
            number: self.next_number,
            log: key,
            path: path.clone(),
            device_inode: None,
            generation: None,
            from,
            until: Some(until),
            cause: UnreadCause::Denied,
            why,
            is_withdrawn: false,
        };
        self.next_number = self.next_number.saturating_add(1);
        self.spans.push(HeldSpan::new(span.clone()));
        poll.tell_unread(span)?;
        self.merge_oldest(&path, poll)
    }

    /// What is missing of files, wherever they are by now, and of paths that cannot be looked at: a rotated file that may hold it is looked
    /// into, however old it is.
    pub(crate) fn sought_spans(&self, now: Timestamp) -> Vec<UnreadSpan> {
        let mut sought = Vec::new();
        for span in self.spans.iter().map(|held| held.at_most(now)) {
            match span.generation {
                None if span.device_inode.is_some() || span.is_lasting() => sought.push(span.clone()),
                // The log is found by what was read of it; what was rotated after it is not.
                Some(_) if span.is_lasting() => {
                    sought.push(UnreadSpan { generation: None, device_inode: None, ..span.clone() });
                }
                _ => {}
            }
        }
        sought
    }

    /// Whether a file of this log is there that cannot be read, as is known or was seen in this poll: it may be a copy of any that was deleted.
    pub(crate) fn is_any_hidden(&self, key: &str, poll: &Poll<'_>) -> bool {
        let is_seen =
            |report: &Unreadable| report.key == key && report.generation.is_none() && report.device_inode.is_some();
        let is_there = |span: &UnreadSpan| span.device_inode.is_some_and(|inode| leads_to(&span.path, inode));
        let spans = self.spans.iter().map(|held| &held.span).filter(|span| !span.is_withdrawn && span.log == key);
        poll.unread.iter().any(is_seen) || spans.filter(|span| span.generation.is_none()).any(is_there)
    }

    /// When all was looked at last, by this run or those before.
    pub(crate) fn last_look(&self, facts: &LogFacts, now: Timestamp) -> Timestamp {
        self.last_look.or(facts.horizon.read_until()).unwrap_or(now)
    }

    /// When the last whole poll was.
    pub(crate) fn last_poll(&self) -> Option<Timestamp> {
        self.last_look
    }

    /// Whether this is the first whole poll.
    pub(crate) fn is_first_look(&self) -> bool {
        self.last_look.is_none()
    }

    /// A rotated file that no run had seen is going to be read, as generation `id`. It may be the one of this inode that could not be, or
    /// one that is not there any more and was packed or copied: then that is missing until this was read.
    pub(crate) fn begin_reading(
        &mut self,
        path: &Path,
        status: FileStatus,
        generation: &Generation,
        facts: &LogFacts,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<()> {
        if self.spans.is_empty() {
            return ControlFlow::Continue(());
        }
        let (home, elsewhere) = (home_of(path, &generation.log), poll.settings.elsewhere_of(&generation.log));
        let beside = poll.listings.all_siblings(&home, elsewhere).unwrap_or_default();
        let (seen, now) = (self.last_look(facts, poll.now), poll.now);
        let is_there = |held: &&HeldSpan| {
            let HeldSpan { span, size, .. } = held;
            let Some(inode) = span.device_inode else { return true };
            // A new log may have got the inode of one that was packed and removed; file systems give it to the next file that is made. And
            // what became smaller was cut: what it held may have been copied before.
            let is_it = |at: &Path, status: FileStatus| {
                let is_whole = status.device_inode == inode && status.size >= *size;
                is_whole && !is_created_after(at, span.until.unwrap_or(seen), now)
            };
            let own = FileStatus::of_path(&span.path);
            beside.iter().any(|other| is_it(&other.path, other.status)) || own.is_ok_and(|own| is_it(&span.path, own))
        };
        let held = self.spans.iter().filter(|held| !held.span.is_withdrawn);
        let is_own = |HeldSpan { span, size, .. }: &HeldSpan| {
            span.generation.is_none() && status.size >= *size && is_same(span, path, status, now)
        };
        let own = held.clone().find(|held| is_own(held)).map(|held| held.span.number);
        let file = FileOfLog::new(path, &generation.log, status);
        let moved: Vec<_> = held.filter(|held| !is_there(held)).map(|held| held.at_most(now)).collect();
        let number = own.or_else(|| file.makes_up_for(moved.iter()));
        let at = self.spans.iter().position(|held| Some(held.span.number) == number);
        at.map_or(ControlFlow::Continue(()), |at| self.begin_span(at, generation.id, poll))
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
        let mut index = SpanIndex::of(&self.spans);
        for report in std::mem::take(&mut poll.unread) {
            self.take_report(report, &mut index, facts, poll)?;
        }
        let waiting = if self.spans.is_empty() { HashSet::new() } else { awaited.ids() };
        let seen = self.last_look(facts, poll.now);
        let fates = SpanFates { facts, waiting: &waiting, settled, all_is_read, seen, now: poll.now };
        for at in 0..self.spans.len() {
            let Some(held) = self.spans.get_mut(at) else { break };
            match fates.of(held) {
                SpanFate::Stays => {
                    let is_lost = std::mem::take(&mut held.is_open_ended) && !held.is_reported;
                    if is_lost && held.span.generation.is_none() {
                        held.span.device_inode = held.span.device_inode.map(DeviceInode::of_none);
                        self.end_span(at, poll.now, poll)?;
                    }
                }
                SpanFate::Withdrawn => self.withdraw(at, poll)?,
                SpanFate::Begun(id) => self.begin_span(at, id, poll)?,
                SpanFate::Over(until) => self.end_span(at, until, poll)?,
                SpanFate::Cut => {
                    held.span.device_inode = held.span.device_inode.map(DeviceInode::of_none);
                    self.end_span(at, poll.now, poll)?;
                }
            }
        }
        self.spans.retain(|held| !held.span.is_withdrawn);
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
    fn take_report(
        &mut self,
        report: Unreadable,
        index: &mut SpanIndex,
        facts: &LogFacts,
        poll: &mut Poll<'_>,
    ) -> ControlFlow<()> {
        let status = FileStatus::of_path(&report.path).ok();
        let own = status.filter(|status| Some(status.device_inode) == report.device_inode);
        let size = own.map_or(0, |status| status.size);
        let is_it = |at: &usize| self.spans.get(*at).is_some_and(|held| is_about(&held.span, &report));
        let known = index.candidates(&report).into_iter().find(is_it);
        if let Some((at, held)) = known.and_then(|at| Some((at, self.spans.get_mut(at)?))) {
            held.is_reported = true;
            held.size = held.size.max(size);
            let span = &mut held.span;
            let changed = UnreadSpan {
                device_inode: report.device_inode.or(span.device_inode),
                generation: report.generation.or(span.generation),
                // One that was rotated away may be written for a while still.
                until: match (span.until, report.until) {
                    (Some(known), Some(until)) if until > known.plus(TIME_LAG) => Some(until.min(poll.now).max(known)),
                    (Some(known), Some(_)) => Some(known),
                    // It cannot be read where it is written.
                    (Some(_), None) => None,
                    (None, until) => until.map(|until| until.min(poll.now).max(span.from)),
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
            index.note(at, span);
            return poll.tell_unread(changed);
        }
        let from = report.from.unwrap_or_else(|| self.begin_of(&report, facts, poll));
        let until = report.until.map(|until| until.min(poll.now));
        let span = UnreadSpan {
            number: self.next_number,
            log: report.key,
            path: report.path,
            device_inode: report.device_inode,
            generation: report.generation,
            from: from.min(until.unwrap_or(from)),
            until,
            cause: report.cause,
            why: report.why,
            is_withdrawn: false,
        };
        self.next_number = self.next_number.saturating_add(1);
        index.note(self.spans.len(), &span);
        self.spans.push(HeldSpan { is_reported: true, size, ..HeldSpan::new(span.clone()) });
        poll.tell_unread(span)
    }

    /// Since when something could not be read that could be read, or was not there, at the last look. At the first look of a run that is
    /// when the earlier ones had read all, or, of a log that none knew, when the file was made (if that is known), or the run began.
    fn begin_of(&self, report: &Unreadable, facts: &LogFacts, poll: &Poll<'_>) -> Timestamp {
        if let Some(at) = self.last_look {
            return at;
        }
        let is_known = facts.closed.iter().chain(facts.open.generations()).any(|known| known.log == report.key);
        match facts.horizon.read_until() {
            // One that is not there may have been there, and empty, when earlier runs looked.
            Some(read_until) if is_known || report.generation.is_some() || report.cause == UnreadCause::Absent => {
                read_until.min(poll.now)
            }
            // A time of the future is of another clock, and says nothing.
            read_until => {
                let made = created(&report.path).filter(|created| *created <= poll.now.plus(TIME_LAG));
                made.or(read_until).map_or(poll.now, |began| began.min(poll.now))
            }
        }
    }

    /// What is missing of it is in the file that this generation is read from.
    fn begin_span(&mut self, at: usize, id: GenerationId, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let Some(HeldSpan { span, is_by_file, .. }) = self.spans.get_mut(at) else {
            return ControlFlow::Continue(());
        };
        span.generation = Some(id);
        span.until = span.until.or(Some(poll.now.max(span.from)));
        *is_by_file = true;
        let span = span.clone();
        poll.tell_unread(span)
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
}

/// Whether a path leads to the file of a span, as far as that is known.
fn is_at(span: &UnreadSpan, path: &Path) -> bool {
    span.device_inode.is_none_or(|inode| leads_to(path, inode))
}
