//! Follows logs that grow: polled by its owner, it says what there is new, and of which generation.
//!
//! Who may call whom: only the rest of the crate calls the [`Follower`]; it takes each poll through its steps, and each step asks
//! the parts. A part owns what it knows and answers questions about it:
//!
//! - [`patterns`]: which paths are to be followed now.
//! - [`open_logs`]: the generations that are being read, each an [`open_log`]; [`closed`]: those that are not any more.
//! - [`horizon`]: up to when all was read. These four are the [`facts`] that the other parts decide by.
//! - [`resume`]: the generations of an earlier run that wait to be found again.
//! - [`discovery`]: what came and went unseen, between two looks ([`last_look`]) or two runs ([`missed_rotation`]); which rotated files
//!   are [`undecided`], and which are [`new_files`].
//!   To find them among many, [`known_logs`] and [`new_beginnings`] know all by their first bytes.
//! - [`unread_files`]: what cannot be read, and since when; [`span_fate`] says what becomes of one of its spans, [`span_index`] and
//!   [`sought_spans`] find one among many.
//! - [`replaced`]: what a new file at a followed path is to the log that was read there.
//! - [`rotation`]: what becomes of an open log whose file is renamed, copied and truncated, or written no more.
//!
//! - [`short_copy`]: what ends before what was read of its log, and is a copy of it nevertheless.
//!
//! [`settings`] and [`poll`] are what all of them are given.

mod closed;
mod discovery;
mod facts;
mod horizon;
mod known_logs;
mod last_look;
mod missed_rotation;
mod new_beginnings;
mod new_files;
mod open_log;
mod open_logs;
mod patterns;
mod poll;
mod put_off;
mod replaced;
mod resume;
mod rotation;
mod settings;
mod short_copy;
mod sought_spans;
mod span_fate;
mod span_index;
mod undecided;
mod unread_files;

use std::collections::{HashMap, HashSet};
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

pub use self::settings::{FollowSettings, PollProgress, WatchedLog};

use self::closed::ClosedGenerations;
use self::discovery::Discovery;
use self::facts::LogFacts;
use self::horizon::Horizon;
use self::missed_rotation::MissedRotation;
use self::new_beginnings::NewBeginnings;
use self::new_files::{NewFile, OpenedFile, new_at_paths, open_new_file};
use self::open_log::{OpenLog, StatusChange};
use self::open_logs::{LogTurn, OpenLogs, ReplaceableLogs};
use self::patterns::{Patterns, WatchedPath, names_by_inode};
use self::poll::{Emit, Poll, Problems, Unreadable};
use self::replaced::{NewBeginning, go_on_in_copy, go_on_in_replacement, goes_on_where_it_was};
use self::resume::{AwaitedGenerations, ResumeOutcome};
use self::rotation::{NameChange, find_copy, is_out_of_sight, is_over, update_name};
use self::unread_files::UnreadFiles;
use crate::error::{Error, Result};
use crate::source::blocks::event::{FinishReason, LogEvent};
use crate::source::file::{leads_to, real_path};
use crate::source::generation::{DeviceInode, Generation, GenerationId};
use crate::source::identity::homes::home_of;
use crate::source::identity::listing::FolderListings;
use crate::source::unread_span::{LostStretch, UnreadCause, UnreadSpan};
use crate::time::{Timestamp, Window};

/// A poll gives out at most as many bytes as this many blocks, so that its owner stays responsive; and at most so many blocks, or one of
/// each log: what a poll reads is not less than what it costs to look at so many logs.
const BLOCKS_PER_POLL: usize = 16;

/// Rotated files that wait for others to be read are taken in so many times in a poll.
const ROUNDS_PER_POLL: usize = 16;

/// How often globs are expanded, and the new names of rotated files looked for.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// Follows the logs that match some patterns, through rotation and restarts.
#[derive(Debug)]
pub struct Follower {
    settings: Arc<FollowSettings>,
    facts: LogFacts,
    awaited: AwaitedGenerations,
    discovery: Discovery,
    unread: UnreadFiles,
    /// What was lost since the last poll.
    lost: Vec<LostStretch>,
    problems: Problems,
    /// Whether there was a poll before.
    started: bool,
    /// When a poll last looked around: expanded globs and listed directories.
    looked_around: Option<Timestamp>,
    /// New logs are begun at their end: the settings want it, and this is the first look.
    at_end: bool,
}

impl Follower {
    /// Follows `watched`. `known` are the generations of the store, none at the first start; `read_until` is when all
    /// there was had been read last, as the store knows: rotated files written after that are read too, if they hold none of
    /// `known`.
    pub fn new(
        watched: Vec<WatchedLog>,
        known: Vec<Generation>,
        read_until: Option<Timestamp>,
        settings: FollowSettings,
    ) -> Follower {
        let facts = LogFacts::new(
            Patterns::new(watched),
            OpenLogs::new(settings.open_files),
            ClosedGenerations::new(known),
            Horizon::new(read_until),
        );
        Follower {
            settings: Arc::new(settings),
            facts,
            awaited: AwaitedGenerations::default(),
            discovery: Discovery::default(),
            unread: UnreadFiles::default(),
            lost: Vec::new(),
            problems: Problems::default(),
            started: false,
            looked_around: None,
            at_end: false,
        }
    }

    /// Goes on with the account of what earlier runs could not read.
    #[must_use]
    pub fn with_unread(mut self, known: Vec<UnreadSpan>) -> Follower {
        self.unread = UnreadFiles::new(known);
        self
    }

    /// Of these generations no file was left when earlier runs looked for them.
    #[must_use]
    pub fn with_given_up(mut self, given_up: HashSet<GenerationId>) -> Follower {
        self.facts.closed.give_up(given_up);
        self
    }

    /// Between these times, about, these generations were truncated or deleted while earlier runs read them.
    #[must_use]
    pub fn with_cut(mut self, cut: HashMap<GenerationId, Window>) -> Follower {
        self.facts.closed.note_cut(cut);
        self
    }

    /// Takes a block's buffer back, so that the next block touches no fresh memory.
    pub fn recycle(&mut self, bytes: Vec<u8>) {
        self.facts.open.recycle(bytes);
    }

    /// Looks at every file and gives out what is new, at most some blocks. `emit` says `Break` to have the poll
    /// return early; the event it was given counts as taken.
    ///
    /// # Errors
    /// None at present: what is wrong with one file is an [`LogEvent::Problem`] and does not stop the others.
    pub fn poll(&mut self, now: Timestamp, emit: &mut Emit<'_>) -> Result<PollProgress> {
        let around = self.looked_around.is_none_or(|at| now < at || now >= at.plus(LOOK_AROUND));
        if around {
            self.looked_around = Some(now);
        }
        let problems = std::mem::take(&mut self.problems);
        let (settings, before) = (Arc::clone(&self.settings), self.unread.last_poll());
        let (unread, listings) = (Vec::new(), FolderListings::default());
        let is_in_doubt = false;
        let mut poll = Poll { now, around, settings, problems, listings, before, unread, is_in_doubt, emit };
        let mut progress = PollProgress::default();
        let _ = self.take_steps(&mut poll, &mut progress);
        self.problems = poll.problems;
        progress.listed = poll.listings.take_listed();
        Ok(progress)
    }

    /// Something of a log was lost before it could be written; the next poll says so.
    pub fn note_lost(&mut self, lost: LostStretch) {
        self.lost.push(lost);
    }

    /// Ends early when the owner has enough; whatever is not done then, the next poll does.
    fn take_steps(&mut self, poll: &mut Poll<'_>, progress: &mut PollProgress) -> ControlFlow<()> {
        if !self.started {
            self.started = true;
            self.begin_run(poll);
        }
        while let Some(lost) = self.lost.pop() {
            self.unread.note_lost(lost, poll)?;
        }
        self.resume_awaited(poll)?;
        self.look_at_open_logs(poll)?;
        self.look_at_paths(poll)?;
        for _ in 0..ROUNDS_PER_POLL {
            progress.caught_up = self.read_open_logs(poll, progress)?;
            self.finish_quiet_logs(poll)?;
            if !progress.caught_up || self.discovery.put_off.is_empty() {
                break;
            }
            progress.caught_up = false;
            self.take_in_put_off(poll)?;
        }
        progress.undecided =
            poll.is_in_doubt || self.discovery.is_undecided(self.looked_around, self.settings.rotate_grace);
        if progress.caught_up && !progress.undecided {
            self.facts.horizon.all_was_read(self.facts.open.last_written());
        }
        let all_is_read = progress.caught_up && !progress.undecided;
        self.unread.settle(&self.facts, &self.awaited, &self.discovery.settled, all_is_read, poll)
    }

    /// The first look: remembers where rotated files may have been missed, and awaits every unfinished generation of the earlier
    /// run. All of them are awaited before one is looked for, so that none is forgotten if the owner ends the poll early.
    fn begin_run(&mut self, poll: &mut Poll<'_>) {
        let Follower { facts, discovery, awaited, unread, settings, .. } = self;
        unread.begin_run(&facts.horizon, settings.rotate_grace);
        let (seen, _) = facts.patterns.look_at_paths(true);
        let mut named: Vec<WatchedPath> = seen.into_iter().map(WatchedPath::from).collect();
        for gone in facts.patterns.rotated_away(settings) {
            discovery.watch_while_gone(&gone.path, &gone.key, poll.now);
            named.push(gone);
        }
        for log in &mut named {
            log.path = real_path(&log.path);
        }
        if facts.closed.is_empty() && facts.horizon.is_first_run() {
            discovery.disregard_rotated(&named, poll);
            self.at_end = !settings.from_start;
        }
        discovery.suspect_since_last_run(named, facts, poll.now);
        awaited.await_all(facts.closed.take_unfinished(&facts.patterns), poll.now);
    }

    /// Looks for the generations that wait to be found, and goes on with those that are.
    fn resume_awaited(&mut self, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let mut from = 0;
        while let Some(outcome) = self.awaited.next_outcome(&mut from, &self.facts, poll)? {
            match outcome {
                ResumeOutcome::Found { generation, file, is_copy } => {
                    self.facts.go_on(generation, *file, is_copy, poll)?
                }
                ResumeOutcome::Gone(generation) => {
                    let id = generation.id;
                    let goes_on = goes_on_where_it_was(&generation);
                    let reason = if goes_on { FinishReason::Rotated } else { FinishReason::Vanished };
                    self.facts.note_cut(id, reason, poll);
                    self.facts.closed.finish(generation, reason);
                    poll.tell(LogEvent::Finished { generation: id, unread: 0, reason })?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Looks at the status of every open file.
    fn look_at_open_logs(&mut self, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let mut moved = Vec::new();
        for id in self.facts.open.ids() {
            let Some(log) = self.facts.open.get_mut(id) else { continue };
            match log.look_at_status(poll.now) {
                Ok(StatusChange::Unchanged | StatusChange::Changed(None)) => {}
                Ok(StatusChange::Changed(Some(fingerprint))) => {
                    poll.tell(LogEvent::Fingerprint { generation: id, fingerprint })?;
                }
                Ok(StatusChange::Truncated) => self.end_truncated(id, poll)?,
                Ok(StatusChange::Elsewhere) => moved.extend(self.await_moved(id, poll)),
                Err(error) => self.set_aside(id, &error, poll)?,
            }
            self.facts.open.spare_descriptor(id);
        }
        if moved.is_empty() {
            return ControlFlow::Continue(());
        }
        // As after a stop: before anything else is taken for a new log.
        self.awaited.await_all(moved, poll.now);
        self.resume_awaited(poll)
    }

    /// The generation of a log whose descriptor was given back and whose path does not lead to it any more: its file is to be found.
    fn await_moved(&mut self, id: GenerationId, poll: &Poll<'_>) -> Option<Generation> {
        let log = self.facts.open.remove(id)?;
        self.discovery.may_have_missed(MissedRotation::of_log(&log, &self.facts.horizon, poll.now));
        Some(log.generation)
    }

    /// Reading an open file failed. A compressed one is set aside until it changes; a plain one is tried again.
    fn set_aside(&mut self, id: GenerationId, error: &io::Error, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let Some(log) = self.facts.open.get(id) else { return ControlFlow::Continue(()) };
        if !log.is_plain() {
            let Some(OpenLog { generation, .. }) = self.facts.open.remove(id) else { return ControlFlow::Continue(()) };
            self.awaited.await_change(generation, &self.facts, poll);
            return ControlFlow::Continue(());
        }
        if error.raw_os_error() == Some(rustix::io::Errno::STALE.raw_os_error()) {
            let unread = log.seen_size() - log.generation.position;
            return self.facts.finish(id, unread, FinishReason::Vanished, poll);
        }
        let error = Error::io("read it", &log.generation.path, error);
        poll.cannot_read(Unreadable::of_generation(&log.generation, UnreadCause::Denied, &error), error)
    }

    /// A file was truncated. If a copy of it is found, the generation is read on there, else it ends; the file itself holds a new
    /// generation from now on.
    fn end_truncated(&mut self, id: GenerationId, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let LogFacts { open, horizon, .. } = &mut self.facts;
        let Some(log) = open.get(id) else { return ControlFlow::Continue(()) };
        // Whatever status the file has from now on, its new content was not read.
        self.discovery.settled.unsettle(log.status.device_inode);
        let as_read = log.as_read();
        // Twice, since the copy may be made or renamed while the directory is listed, or after.
        let mut copy = find_copy(&as_read, open, &poll.settings, &mut poll.listings);
        if copy.is_none() && poll.listings.is_renewed(&as_read.path, poll.settings.elsewhere_of(&as_read.log)) {
            copy = find_copy(&as_read, open, &poll.settings, &mut poll.listings);
        }
        self.discovery.may_have_missed(MissedRotation::of_log(log, horizon, poll.now));
        let Some(copy) = copy else {
            // Its beginning was cut off: what follows the last bytes that were read will be read.
            if goes_on_where_it_was(&log.generation) {
                return self.facts.finish(id, 0, FinishReason::Rotated, poll);
            }
            let lost = log.seen_size() - log.generation.position;
            if is_out_of_sight(&as_read, &self.facts, poll) {
                return self.await_copy(id, poll);
            }
            return self.facts.finish(id, lost, FinishReason::Truncated { lost }, poll);
        };
        let Some(log) = open.get_mut(id) else { return ControlFlow::Continue(()) };
        log.switch_to(copy, poll.now);
        let Generation { path, device_inode, .. } = log.generation.clone();
        open.note_file(id);
        poll.tell(LogEvent::Moved { generation: id, path, device_inode })
    }

    /// A log was truncated while its folder is not there, or closed: a copy may be in it, and is looked for when it is back.
    fn await_copy(&mut self, id: GenerationId, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let Some(log) = self.facts.open.remove(id) else { return ControlFlow::Continue(()) };
        self.awaited.await_all(vec![self.facts.closed.remember(log)], poll.now);
        self.resume_awaited(poll)
    }

    /// Looks at the watched paths: which file each leads to now, and which of these are new.
    fn look_at_paths(&mut self, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let (seen, problems) = self.facts.patterns.look_at_paths(poll.around);
        for problem in problems {
            problem.tell(poll)?;
        }
        self.discovery.compare_with_last_look(&seen, &self.facts, poll);
        let names = names_by_inode(&seen);
        for id in self.facts.open.ids() {
            let LogFacts { open, horizon, .. } = &mut self.facts;
            let Some(log) = open.get_mut(id) else { continue };
            let names = names.get(&log.status.device_inode).map(Vec::as_slice).unwrap_or_default();
            let NameChange { moved, missed } = update_name(log, names, horizon, poll);
            if let Some(missed) = missed {
                self.discovery.may_have_missed(missed);
            }
            if let Some(moved) = moved {
                poll.tell(moved)?;
            }
        }
        let mut new = new_at_paths(seen, &self.facts.open, poll)?;
        let seen = self.unread.last_look(&self.facts, poll.now);
        self.discovery.seek(self.unread.sought_spans(poll.now), seen, poll.now);
        new.extend(self.discovery.find_unseen(&self.facts, &self.awaited, poll)?);
        self.take_in_all(new, poll)?;
        self.at_end = false;
        ControlFlow::Continue(())
    }

    /// Begins with the new files, in the order in which they were written.
    fn take_in_all(&mut self, mut new: Vec<NewFile>, poll: &mut Poll<'_>) -> ControlFlow<()> {
        new.sort_by(|one, other| (one.status.modified, &one.path).cmp(&(other.status.modified, &other.path)));
        let live: HashSet<DeviceInode> =
            new.iter().filter(|file| file.is_live).map(|file| file.status.device_inode).collect();
        let is_any_rotated = new.iter().any(|file| !file.is_live && file.continues.is_none());
        let begun = if is_any_rotated { NewBeginnings::of(&new) } else { NewBeginnings::default() };
        let replaceable = self.facts.open.replaceable();
        for file in new {
            if file.continues.is_some() {
                go_on_in_copy(&file, &mut self.facts.open, poll)?;
                continue;
            }
            // Another name of one of them.
            if !file.is_live && live.contains(&file.status.device_inode) {
                continue;
            }
            // Nothing was read yet that could tell a copy from a log of its own.
            if !file.is_live && begun.is_any_alike(&file.path) {
                self.discovery.settled.settle(file.status);
                continue;
            }
            if !file.is_live && self.facts.open.is_full() {
                self.discovery.put_off.push(file);
                continue;
            }
            self.take_in(file, &replaceable, poll)?;
        }
        ControlFlow::Continue(())
    }

    /// Begins with those rotated files that had to wait, as many as there is room for.
    fn take_in_put_off(&mut self, poll: &mut Poll<'_>) -> ControlFlow<()> {
        while !self.facts.open.is_full() {
            let Some(file) = self.discovery.put_off.next() else { break };
            // It was compared when it was found; whatever is at its path now is to be, too.
            if !leads_to(&file.path, file.status.device_inode) {
                continue;
            }
            self.take_in(file, &ReplaceableLogs::default(), poll)?;
        }
        ControlFlow::Continue(())
    }

    /// Opens a file that is not open yet and begins a generation with it, unless it was read already.
    fn take_in(&mut self, file: NewFile, replaceable: &ReplaceableLogs, poll: &mut Poll<'_>) -> ControlFlow<()> {
        let (facts, settled) = (&mut self.facts, &mut self.discovery.settled);
        let behind = match file.is_live {
            true => go_on_in_replacement(&file, replaceable, facts, settled, poll)?,
            false => NewBeginning::default(),
        };
        if behind.is_taken {
            return ControlFlow::Continue(());
        }
        let Follower { discovery, facts, awaited, at_end, .. } = self;
        let opened = open_new_file(&file, behind.place, *at_end, &mut discovery.settled, facts, awaited, poll);
        let (log, held) = match opened {
            Ok(OpenedFile { log, held, is_awaited }) => {
                poll.is_in_doubt |= is_awaited;
                (log, held)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return ControlFlow::Continue(()),
            Err(error) => {
                let error = Error::io("read it", &file.path, &error);
                return poll.cannot_read(file.unreadable(&error, &facts.horizon), error);
            }
        };
        let NewFile { path, is_live, key, .. } = file;
        // It was away, and given up.
        let found_again = held.filter(|held| facts.closed.find_again(*held));
        let found_again = found_again.map(|generation| LogEvent::FoundAgain { generation });
        let Some(mut log) = log else {
            return found_again.map_or(ControlFlow::Continue(()), |found| poll.tell(found));
        };
        if is_live && !log.is_plain() {
            let error = Error::failed("is compressed, so it cannot be followed while it is written").at(&path);
            let remedy = "drop `gzip=` from access_log, or take it in later with `spikeline index`";
            let is_named = facts.patterns.names_plainly(&path);
            let report = Unreadable::at_path(&path, &key, UnreadCause::Denied, &error);
            poll.unread.extend(is_named.then_some(report));
            return poll.tell_problem(&path, error.remedy(remedy));
        }
        poll.no_problem(&path);
        discovery.settled.settle(log.status);
        if let Some(packer) = log.unread_packer() {
            let error = Error::failed(format!("is packed by {packer}, which is not read")).at(&path);
            let remedy = "unpack it, or pack it with gzip, zstd, xz or bzip2; `spikeline index` takes it in then";
            return poll.tell_problem(&path, error.remedy(remedy));
        }
        log.generation.id = facts.closed.next_id();
        let (generation, status) = (log.generation.clone(), log.status);
        log.origin = if is_live { path.clone() } else { home_of(&path, &key) };
        log.live = is_live.then(|| path.clone());
        facts.open.push(log);
        if is_live {
            facts.note_begun(&generation);
        }
        // All are told in any case: none holds without the others.
        let told = match is_live {
            true => ControlFlow::Continue(()),
            false => self.unread.begin_reading(&path, status, &generation, &self.facts, poll),
        };
        let discovered = poll.tell(LogEvent::Discovered(generation));
        // Not before: what is behind the place is lost until it is known that it is being read.
        found_again.map_or(ControlFlow::Continue(()), |found| poll.tell(found))?;
        discovered?;
        told
    }

    /// Gives every open log its turn, block by block; whether all were read to their end.
    fn read_open_logs(&mut self, poll: &mut Poll<'_>, progress: &mut PollProgress) -> ControlFlow<(), bool> {
        let limit = self.settings.block_limit.max(1);
        let most = BLOCKS_PER_POLL.saturating_mul(limit);
        let smallest = (most / self.facts.open.len().max(BLOCKS_PER_POLL)).max(1);
        let mut budget = most;
        // How many logs in a row had nothing to read.
        let mut idle = 0;
        while idle < self.facts.open.len() {
            if budget == 0 {
                return ControlFlow::Continue(false);
            }
            let Some(turn) = self.facts.open.read_next() else { break };
            match turn {
                LogTurn::Idle => idle += 1,
                LogTurn::Held => {
                    idle = 0;
                    budget = budget.saturating_sub(self.settings.block_limit.max(1));
                }
                LogTurn::Read(event) => {
                    idle = 0;
                    match &event {
                        LogEvent::TooLong { length, .. } => progress.read_bytes += length,
                        LogEvent::Block(block) => {
                            budget = budget.saturating_sub(block.bytes.len().clamp(smallest, limit));
                            progress.read_bytes += block.bytes.len() as u64;
                        }
                        _ => {}
                    }
                    poll.tell(event)?;
                }
                LogTurn::Truncated(id) => {
                    idle = 0;
                    self.end_truncated(id, poll)?;
                }
                LogTurn::Fault(id, error) => {
                    // It stays open, and has nothing to give now.
                    idle += 1;
                    self.set_aside(id, &error, poll)?;
                }
            }
        }
        ControlFlow::Continue(true)
    }

    /// Finishes the logs that were rotated away, are read to their end and have been quiet for long enough.
    fn finish_quiet_logs(&mut self, poll: &mut Poll<'_>) -> ControlFlow<()> {
        for id in self.facts.open.ids() {
            let Some(log) = self.facts.open.get(id) else { continue };
            let is_quiet = log.live.is_none() && log.is_read() && is_over(log, &self.facts, poll);
            // Of one that was deleted a longer copy may be there.
            let is_done = is_quiet && !(log.status.deleted && self.unread.is_any_hidden(&log.generation.log, poll));
            let Some(log) = self.facts.open.get_mut(id).filter(|_| is_done) else { continue };
            let rest = log.give_rest();
            let reason = match log.truncated_at {
                Some(size) => FinishReason::Truncated { lost: size.saturating_sub(log.generation.position) },
                None => FinishReason::Rotated,
            };
            if let Some(event) = rest {
                poll.tell(event)?;
            }
            self.facts.finish(id, 0, reason, poll)?;
        }
        ControlFlow::Continue(())
    }
}
