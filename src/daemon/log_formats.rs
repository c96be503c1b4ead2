//! What reads the lines of each log, and which formats it may be in while that changes.
//!
//! A log is known to the store by the format that it was read in; if the configuration says another, nobody knows at which line the one ends
//! and the other begins. So its lines are read in either (`Format::following`), until no line of the old one can come any more: that only
//! lines tell, for a start or a reload of the daemon says nothing of nginx. The same
//! when nginx.conf changes while the daemon runs: it is looked at after a block was read and before it is counted, so that what is counted
//! by the known formats alone was written before the change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::notice::{Notice, Say};
use crate::error::Result;
use crate::grammar::{EarlierFormat, Format, read_format};
use crate::pipeline::{ChangeEvidence, Interpreter};
use crate::source::generation::GenerationId;
use crate::store::View;
use crate::time::Timestamp;

/// nginx.conf as it is now, if it was changed since it was read last.
pub type FormatWatch = Arc<dyn Fn() -> Option<Result<FormatNews>> + Send + Sync>;

/// What a changed nginx.conf says of the logs that are followed.
#[derive(Debug)]
pub struct FormatNews {
    /// The formats that can be counted by, by the logs' patterns.
    pub formats: HashMap<String, Format>,
    /// The patterns of those that it names no more, or in a format that cannot.
    pub left: Vec<String>,
}

/// Clocks of nginx and in its lines may be so far apart: `$time_local` knows seconds, and a worker looks at the clock now and then.
const MARGIN: Duration = Duration::from_secs(5);

/// A bound that is lowered by less than this is left as it is.
const WORTH_LOWERING: Duration = Duration::from_secs(1);

/// For so long old workers may take to end what they have begun.
const WORKERS_END_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// nginx takes longer to reload than this, so that no line of a new format is older.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What reads each log's lines.
pub(super) struct LogFormats {
    by_log: HashMap<String, FormatOfLog>,
    watch: Option<FormatWatch>,
    looked_at: Option<Instant>,
    say: Say,
}

/// What reads the lines of one log, or of all files of a pattern.
pub(super) struct FormatOfLog {
    pub(super) interpreter: Interpreter,
    /// How often it was another.
    pub(super) changes: u32,
    /// It was said that lines could not be decided about.
    is_undecided_said: bool,
    /// A bound was found to be too low, so that no other is believed: more than one nginx writes it, or nginx went back.
    is_contradicted: bool,
}

/// What lines told of when the format before was written last.
enum ChangeBound {
    /// Nothing new.
    AsKnown,
    /// No request that began after this is in it.
    Until(Timestamp),
    /// A line says otherwise than those before it.
    Contradicted,
}

impl LogFormats {
    /// By the formats of now, and those that the store's logs were read in last.
    pub(super) fn new(
        interpreters: HashMap<String, Interpreter>,
        watch: Option<FormatWatch>,
        view: &View,
        now: Timestamp,
        say: Say,
    ) -> LogFormats {
        let mut by_log = HashMap::new();
        let mut earlier = earlier_formats(view, now);
        for (log, interpreter) in interpreters {
            let mut of_log = FormatOfLog { interpreter, changes: 0, is_undecided_said: false, is_contradicted: false };
            if let Some(mut earlier) = earlier.remove(&log) {
                // Lines are unwrapped before they are told apart.
                earlier.retain(|of| of.format.wrapper() == of_log.interpreter.format().wrapper());
                let format = of_log.interpreter.format().following_all(earlier);
                if format.earlier().is_some() {
                    // It was read in before, so that it can be again.
                    let _by_its_own = of_log.read_in(&format);
                }
            }
            by_log.insert(log, of_log);
        }
        LogFormats { by_log, watch, looked_at: None, say }
    }

    /// What reads the lines of a log, by its key.
    pub(super) fn of_log(&mut self, log: &str) -> Option<&mut FormatOfLog> {
        self.by_log.get_mut(log)
    }

    /// Looks whether nginx.conf was changed; to be called when a block was read and is not counted yet.
    pub(super) fn look(&mut self) {
        let Some(watch) = &self.watch else { return };
        if self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        self.looked_at = Some(Instant::now());
        match watch() {
            None => {}
            Some(Err(error)) => (self.say)(&Notice::FormatsUnread(error)),
            Some(Ok(FormatNews { formats, left })) => {
                for (log, format) in formats {
                    self.change(log, &format);
                }
                for log in left {
                    if self.by_log.contains_key(&log) {
                        (self.say)(&Notice::FormatLeft { log });
                    }
                }
            }
        }
    }

    /// A log is written in this format from some line on.
    fn change(&mut self, log: String, format: &Format) {
        let Some(of_log) = self.by_log.get_mut(&log) else { return };
        let known = of_log.interpreter.format();
        if known.reads_alike(format) || known.wrapper() != format.wrapper() {
            return;
        }
        let next = format.following(known, None);
        (of_log.is_undecided_said, of_log.is_contradicted) = (false, false);
        (self.say)(&match of_log.read_in(&next) {
            Ok(()) => Notice::FormatChanged { log },
            Err(_) => Notice::FormatLeft { log },
        });
    }

    /// Lines of a log were read: what they tell of the change of its format.
    pub(super) fn note_lines(&mut self, log: &str) {
        let Some(of_log) = self.by_log.get_mut(log) else { return };
        let evidence = of_log.interpreter.take_evidence();
        let Some(earlier) = of_log.interpreter.format().earlier().cloned() else { return };
        if evidence.undecided > 0 && !of_log.is_undecided_said {
            of_log.is_undecided_said = true;
            (self.say)(&Notice::LinesUndecided { log: log.to_owned(), lines: evidence.undecided });
        }
        let until = match of_log.bound_by(evidence, earlier.until) {
            ChangeBound::AsKnown => return,
            ChangeBound::Until(until) => Some(until),
            ChangeBound::Contradicted => None,
        };
        let next = of_log.interpreter.format().alone().following(&earlier.format, until);
        // A format that was compiled before compiles again.
        let _as_before = of_log.read_in(&next);
    }

    /// All that there was has been read, to requests that ended at `latest`, by the logs: formats of which no line can come are left.
    pub(super) fn note_all_read(&mut self, latest: Timestamp) {
        for of_log in self.by_log.values_mut() {
            let until = of_log.interpreter.format().earlier().and_then(|earlier| earlier.until);
            if until.is_some_and(|until| latest > until.plus(WORKERS_END_WITHIN)) {
                let _as_before = of_log.read_in(&of_log.interpreter.format().alone());
            }
        }
    }
}

impl FormatOfLog {
    /// From now on its lines are read in this one.
    fn read_in(&mut self, format: &Format) -> std::result::Result<(), crate::grammar::FormatError> {
        self.interpreter = self.interpreter.of_format(format)?;
        self.changes += 1;
        Ok(())
    }

    /// Until when requests of the format before began, as lines have told.
    fn bound_by(&mut self, evidence: ChangeEvidence, known: Option<Timestamp>) -> ChangeBound {
        let ChangeEvidence { first_after, last_before, .. } = evidence;
        let until = first_after.map(|first| first.plus(MARGIN));
        if self.is_contradicted {
            return ChangeBound::AsKnown;
        }
        let bound = known.into_iter().chain(until).min();
        if let (Some(bound), Some(before)) = (bound, last_before)
            && before > bound
        {
            self.is_contradicted = true;
            return if known.is_some() { ChangeBound::Contradicted } else { ChangeBound::AsKnown };
        }
        match until {
            Some(until) if known.is_none_or(|known| until.plus(WORTH_LOWERING) < known) => ChangeBound::Until(until),
            _ => ChangeBound::AsKnown,
        }
    }
}

/// The formats that the logs of a store were read in last, by the logs' keys, but for those of which no line can come any more.
fn earlier_formats(view: &View, now: Timestamp) -> HashMap<String, Vec<EarlierFormat>> {
    let read_until = view.read_until().or(view.last_commit()).map_or(now, |until| until.min(now));
    // Of a log that was ended (its file truncated, say) the next one is in the format that it ended in.
    let mut latest: HashMap<&str, GenerationId> = HashMap::new();
    for generation in view.generations() {
        let of_log = latest.entry(&generation.log).or_insert(generation.id);
        *of_log = generation.id.max(*of_log);
    }
    let mut known = HashSet::new();
    let mut by_log: HashMap<String, Vec<EarlierFormat>> = HashMap::new();
    for generation in view.generations() {
        let is_latest = latest.get(generation.log.as_str()) == Some(&generation.id);
        let Some(reading) = view.last_reading(generation.id).filter(|reading| reading.again.is_none()) else {
            continue;
        };
        if (generation.finished && !is_latest) || !known.insert((&generation.log, &reading.format)) {
            continue;
        }
        let Some(format) = read_format(&reading.format) else { continue };
        let earlier = by_log.entry(generation.log.clone()).or_default();
        earlier.push(EarlierFormat { format: format.alone(), until: None });
        let mut next = format.earlier();
        while let Some(EarlierFormat { format, until }) = next {
            if until.is_none_or(|until| read_until <= until.plus(WORKERS_END_WITHIN)) {
                earlier.push(EarlierFormat { format: format.alone(), until: *until });
            }
            next = format.earlier();
        }
    }
    by_log
}
