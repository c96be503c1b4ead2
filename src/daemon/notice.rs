//! What the daemon tells its owner. A notice is a value; its text is made here and nowhere else, so whoever listens can tell one from
//! another by what it is and not by its words.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "otlp")]
use super::otlp_notice::OtlpNotice;
use super::stopped::Stopped;
use crate::carbon::{DeliveryDoubt, SendError};
use crate::error::Error;
use crate::report::counted;
use crate::time::{SpelledDuration, Timestamp};

/// Where the notices go, from whichever thread they come.
pub type Say = Arc<dyn Fn(&Notice) + Send + Sync>;

/// One thing that happened. As text it is one line, or more where an error brings its remedy along; never with a newline at its end.
#[derive(Debug, Clone)]
pub enum Notice {
    /// The daemon begins.
    Started {
        /// Of the program.
        version: &'static str,
        /// The store's folder.
        store: PathBuf,
        /// How many logs are to be followed, patterns counted as one.
        logs: usize,
    },
    /// What there is to know about the configuration, and nginx's, at a start.
    Remark(String),
    /// How long after its end a slot is sent to a carbon.
    SlotDelay {
        /// `host:port`.
        address: String,
        /// So long.
        delay: Duration,
    },
    /// The configuration is read anew.
    Reloading,
    /// The new configuration is in force.
    Reloaded {
        /// How many logs it has.
        logs: usize,
    },
    /// The new configuration is wrong or cannot be worked by; the one before stays in force.
    ReloadFailed(Error),
    /// The page is served.
    PageServed {
        /// `host:port`.
        address: String,
    },
    /// The page cannot be served; all else goes on.
    PageFailed(Error),
    /// A graph was told that a route left its usual range.
    EventPosted {
        /// What it was told.
        what: String,
    },
    /// A graph cannot be told of events; it is tried again, and said once.
    EventFailed(Error),
    /// The daemon ended because it was told to.
    Stopped(Stopped),
    /// Messages of one kind were too many, and not all were printed.
    HeldBack {
        /// The kind's name.
        kind: &'static str,
        /// How many were not.
        count: u64,
    },
    /// A log was found and is read from now on; at a start this is said of every log.
    Following {
        /// Where it is.
        path: PathBuf,
        /// From this byte on: 0 of a log that is new.
        position: u64,
    },
    /// One log cannot be read; the others are.
    LogFailed {
        /// Where it is.
        path: PathBuf,
        /// Why.
        error: Error,
    },
    /// A log that could not be read was read after all.
    LogReadAfterAll {
        /// Where it is.
        path: PathBuf,
        /// Since when it was missing.
        from: Timestamp,
    },
    /// A log that could not be read was rotated away, or is gone.
    LogLeftUnread {
        /// Where it was.
        path: PathBuf,
        /// Since when it is missing.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Of a log that is received something was lost on the way.
    LinesLost {
        /// Where it comes from.
        path: PathBuf,
        /// It was lost after this.
        from: Timestamp,
        /// And before this.
        until: Timestamp,
        /// Why.
        why: String,
    },
    /// Looking at the logs failed as a whole; it is tried again with the next poll.
    LookFailed(Error),
    /// Of the last lines more than half were rejected: the configuration is wrong, or nginx's has changed. Said once until it is better.
    MostRejected {
        /// How many lines.
        rejected: u64,
        /// Of how many: all that were read in the last slot that had any.
        read: u64,
    },
    /// nginx.conf says another format of a log by now.
    FormatChanged {
        /// The log's path or pattern.
        log: String,
    },
    /// nginx.conf was changed and cannot be read: formats stay as they are.
    FormatsUnread(Error),
    /// nginx.conf does not name a log any more, or in a format that cannot be counted by: it is read as before.
    FormatLeft {
        /// The log's path or pattern.
        log: String,
    },
    /// Lines fit a log's format before and after its change, and say something else in each. Said once of a change.
    LinesUndecided {
        /// The log's path or pattern.
        log: String,
        /// How many lines at first.
        lines: u64,
    },
    /// The end of the journal did not survive the last stop.
    JournalCut {
        /// How many bytes of it.
        bytes: u64,
    },
    /// Others may, or could until now, read the store or write in a folder above it.
    StoreExposed(Error),
    /// The store is another's, or nobody's, now: the daemon ends.
    StoreLost(Error),
    /// A commit failed. Said once until one succeeds again; each is tried anew.
    CommitFailed(Error),
    /// The first commit after [`Notice::CommitFailed`] that succeeded.
    CommittedAgain,
    /// The journal could not be made a segment; it stays as it is.
    SealFailed(Error),
    /// Merging segments or dropping old ones failed; all stay as they are.
    UpkeepFailed(Error),
    /// Segments went as the retention says.
    SegmentsDropped {
        /// How many.
        segments: usize,
        /// Their bytes on disk.
        bytes: u64,
    },
    /// The store could not be read for a slot on its way to carbon.
    SlotIncomplete(Error),
    /// The first batch to a carbon, or the first after [`Notice::CarbonFailed`], went through.
    CarbonConnected {
        /// `host:port`.
        address: String,
        /// How many slots it is still owed.
        owed: usize,
    },
    /// A batch to a carbon failed. Said once until one goes through.
    CarbonFailed(SendError),
    /// A carbon that gets each slot once was reconnected to, and gets some again.
    SentAgain {
        /// `host:port`.
        address: String,
        /// Of what was handed over before.
        doubt: DeliveryDoubt,
    },
    /// Requests fell to `other`, since their routes got no place. Said once.
    RoutesFull {
        /// How many routes there are.
        routes: usize,
    },
    /// Requests fell to the `other` of a series, since their members got no place. Said once.
    SeriesFull,
    /// Lines came after their slots went to a carbon that gets each once.
    LateUnsent {
        /// `host:port`.
        address: String,
        /// How many lines.
        lines: u64,
        /// Where the first of their slots begins.
        from: Timestamp,
        /// Where the last of them ends.
        until: Timestamp,
    },
    /// A carbon will not get what is beyond its spool.
    SpoolOverflowed {
        /// `host:port`.
        address: String,
        /// Where the first of these slots begins.
        from: Timestamp,
        /// Where the last of them ends.
        until: Timestamp,
    },
    /// A slot of the past could not be sent; it is tried again a few times.
    BackfillSendFailed(SendError),
    /// A carbon that is owed slots is not configured any more: they would be sent to nobody, without a word.
    CarbonLeftBehind {
        /// What the store knows it by.
        destination: String,
        /// How many slots it is owed.
        slots: usize,
        /// Where the first of them begins.
        from: Timestamp,
        /// Where the last of them ends.
        until: Timestamp,
    },
    /// Of what goes to a collector of OTLP.
    #[cfg(feature = "otlp")]
    Otlp(OtlpNotice),
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Started { version, store, logs } => {
                write!(f, "spikeline {version}: store {}, {}", store.display(), counted(*logs as u64, "log"))
            }
            Notice::Remark(text) => write!(f, "{text}"),
            Notice::SlotDelay { address, delay } => {
                write!(f, "carbon {address}: a slot is sent {} after its end", SpelledDuration(*delay))
            }
            Notice::Reloading => write!(f, "SIGHUP: the configuration is read anew"),
            Notice::Reloaded { logs } => {
                write!(f, "the new configuration is in force, {}", counted(*logs as u64, "log"))
            }
            Notice::ReloadFailed(error) => {
                write!(f, "the configuration before stays in force, as the new one cannot be: {error}")
            }
            Notice::PageServed { address } => write!(f, "the page is at http://{address}/"),
            Notice::EventPosted { what } => write!(f, "event posted: {what}"),
            Notice::EventFailed(error) => write!(f, "an event cannot be posted, and is tried again: {error}"),
            Notice::PageFailed(error) => write!(f, "there is no page: {error}"),
            Notice::Stopped(Stopped::Committed) => write!(f, "stopped; everything read is committed"),
            Notice::Stopped(Stopped::Early) => {
                write!(f, "stopped; what was under way and is not committed is read again at the next start")
            }
            Notice::HeldBack { kind, count } => {
                write!(f, "{count} more messages of the kind {kind} in the last minute were not printed")
            }
            Notice::Following { path, position: 0 } => write!(f, "following {}", path.display()),
            Notice::Following { path, position } => write!(f, "following {} from byte {position}", path.display()),
            Notice::LogFailed { path, error } => write!(f, "log {}: {error}", path.display()),
            Notice::LogReadAfterAll { path, from } => {
                write!(f, "log {}: read after all; nothing of it is missing since {from}", path.display())
            }
            Notice::LogLeftUnread { path, from, until } => write!(
                f,
                "log {}: what was written to it from {from} to {until} was left unread, and is missing; `spikeline index` takes it in, if the \
                 file is somewhere",
                path.display()
            ),
            Notice::LinesLost { path, from, until, why } => {
                write!(f, "log {}: of what was sent from {from} to {until} some is missing: {why}", path.display())
            }
            Notice::LookFailed(error) => write!(f, "{error}"),
            Notice::MostRejected { rejected, read } => write!(
                f,
                "{rejected} of the last {read} lines do not fit their log's format; `spikeline check` shows where and why"
            ),
            Notice::FormatChanged { log } => write!(
                f,
                "log {log}: nginx.conf says another log_format by now; from here on each line is read in the one that it is in"
            ),
            Notice::FormatsUnread(error) => {
                write!(f, "nginx.conf was changed and cannot be read, so that all formats stay as they are: {error}")
            }
            Notice::FormatLeft { log } => write!(
                f,
                "log {log}: nginx.conf was changed and names it no more, or in a format that cannot be counted by; it is read as before \
                 (`spikeline check` says why)"
            ),
            Notice::LinesUndecided { log, lines } => write!(
                f,
                "log {log}: {lines} lines fit its log_format before and after the change, with other values in each; such are rejected \
                 until a line tells that nginx has taken the new one up"
            ),
            Notice::JournalCut { bytes } => write!(
                f,
                "store: the last {bytes} bytes of its journal were torn or damaged and do not count; their lines are read again"
            ),
            Notice::StoreExposed(error) => write!(f, "store: {error}"),
            Notice::StoreLost(error) => write!(f, "store: {error}; nothing more is written, and the daemon ends"),
            Notice::CommitFailed(error) => {
                write!(f, "store: {error}; reading and carbon go on, the commit is tried every second")
            }
            Notice::CommittedAgain => write!(f, "store: written again; nothing was lost"),
            Notice::SealFailed(error) => write!(f, "store: {error}; it is tried again with the next commit"),
            Notice::UpkeepFailed(error) => write!(f, "store: {error}; nothing is lost, and it is tried again"),
            Notice::SegmentsDropped { segments, bytes } => {
                let mib = bytes >> 20;
                write!(f, "store: {segments} of the oldest segments ({mib} MiB) went, as [retention] says")
            }
            Notice::SlotIncomplete(error) => write!(f, "store: {error}; that slot's points are incomplete"),
            Notice::CarbonConnected { address, owed: 0 } => write!(f, "carbon {address}: connected"),
            Notice::CarbonConnected { address, owed } => write!(f, "carbon {address}: connected; {owed} slots owed"),
            Notice::CarbonFailed(error) => write!(f, "{error}; slots are kept and sent when it is back"),
            Notice::SentAgain { address, doubt } => write!(
                f,
                "carbon {address}: the connection broke; {} slots of the last 30 s before that are sent again, as TCP may have lost them, and \
                 {} before these are not (send = \"final\"): if carbon had hung, they are missing there; `spikeline verify --graphite` tells",
                doubt.owed_again, doubt.taken_as_read
            ),
            Notice::SeriesFull => write!(
                f,
                "the members of [[series]] have all their places, and some requests are counted in a series' `other`; raise routes_max, or \
                 take a field with fewer values"
            ),
            Notice::RoutesFull { routes } => write!(
                f,
                "{routes} routes are known, and some requests are counted in `other` from now on: name what matters by [[route]], or raise `routes_max`. \
                 A route gets a place by a request that took a second or failed; the last eighth of the places is for these, and what was \
                 refused (4xx) gets none of the last half"
            ),
            Notice::LateUnsent { address, lines, from, until } => write!(
                f,
                "carbon {address}: {lines} lines of {from} to {until} came after their slots were final and sent; they are in the store, \
                 but not in what this carbon has (send = \"final\"); a longer `lateness` waits for such lines"
            ),
            Notice::SpoolOverflowed { address, from, until } => write!(
                f,
                "carbon {address}: slots of {from} to {until} are beyond its `spool` and are not sent; `spikeline index --push --from {from} \
                 --until {until}` sends those that the store has"
            ),
            Notice::BackfillSendFailed(error) => write!(f, "{error}"),
            Notice::CarbonLeftBehind { destination, slots, from, until } => write!(
                f,
                "carbon {destination} is owed {slots} slots and is not in the configuration any more; `spikeline index --push \
                 --from {from} --until {until}` sends these slots to those that are"
            ),
            #[cfg(feature = "otlp")]
            Notice::Otlp(notice) => notice.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::SendStep;

    /// Scripts and people look for these texts in the journal of the machine: they change with an entry in the CHANGELOG only.
    #[test]
    fn the_texts_stay_as_they_are() {
        let error = || Error::failed("cannot write: disk full").at("/s/journal");
        let refused =
            || SendError { address: "c:2003".to_owned(), step: SendStep::Connect, cause: "refused".to_owned() };
        let cases = [
            (Notice::Following { path: "/l/a.log".into(), position: 0 }, "following /l/a.log"),
            (Notice::Following { path: "/l/a.log".into(), position: 7 }, "following /l/a.log from byte 7"),
            (
                Notice::ReloadFailed(error()),
                "the configuration before stays in force, as the new one cannot be: /s/journal: cannot write: disk full",
            ),
            (
                Notice::LogFailed { path: "/l/a.log".into(), error: error() },
                "log /l/a.log: /s/journal: cannot write: disk full",
            ),
            (
                Notice::LogReadAfterAll { path: "/l/a.log".into(), from: Timestamp::from_secs(1_322_661_900) },
                "log /l/a.log: read after all; nothing of it is missing since 2011-11-30T14:05:00.000Z",
            ),
            (
                Notice::LogLeftUnread {
                    path: "/l/a.log".into(),
                    from: Timestamp::from_secs(1_322_661_900),
                    until: Timestamp::from_secs(1_322_661_930),
                },
                "log /l/a.log: what was written to it from 2011-11-30T14:05:00.000Z to 2011-11-30T14:05:30.000Z was left unread, and is \
                 missing; `spikeline index` takes it in, if the file is somewhere",
            ),
            (
                Notice::LinesLost {
                    path: "syslog:127.0.0.1:5514".into(),
                    from: Timestamp::from_secs(1_322_661_900),
                    until: Timestamp::from_secs(1_322_661_930),
                    why: "7 datagrams were dropped".to_owned(),
                },
                "log syslog:127.0.0.1:5514: of what was sent from 2011-11-30T14:05:00.000Z to 2011-11-30T14:05:30.000Z some is \
                 missing: 7 datagrams were dropped",
            ),
            (Notice::LookFailed(error()), "/s/journal: cannot write: disk full"),
            (
                Notice::MostRejected { rejected: 6, read: 10 },
                "6 of the last 10 lines do not fit their log's format; `spikeline check` shows where and why",
            ),
            (
                Notice::JournalCut { bytes: 77 },
                "store: the last 77 bytes of its journal were torn or damaged and do not count; their lines are read again",
            ),
            (
                Notice::CommitFailed(error()),
                "store: /s/journal: cannot write: disk full; reading and carbon go on, the commit is tried every second",
            ),
            (Notice::CommittedAgain, "store: written again; nothing was lost"),
            (
                Notice::SealFailed(error()),
                "store: /s/journal: cannot write: disk full; it is tried again with the next commit",
            ),
            (
                Notice::UpkeepFailed(error()),
                "store: /s/journal: cannot write: disk full; nothing is lost, and it is tried again",
            ),
            (
                Notice::SegmentsDropped { segments: 2, bytes: (3 << 20) + 1 },
                "store: 2 of the oldest segments (3 MiB) went, as [retention] says",
            ),
            (
                Notice::SlotIncomplete(error()),
                "store: /s/journal: cannot write: disk full; that slot's points are incomplete",
            ),
            (Notice::CarbonConnected { address: "c:2003".to_owned(), owed: 0 }, "carbon c:2003: connected"),
            (
                Notice::CarbonConnected { address: "c:2003".to_owned(), owed: 3 },
                "carbon c:2003: connected; 3 slots owed",
            ),
            (
                Notice::CarbonFailed(refused()),
                "carbon c:2003: cannot connect: refused; slots are kept and sent when it is back",
            ),
            (
                Notice::SentAgain {
                    address: "c:2003".to_owned(),
                    doubt: DeliveryDoubt { owed_again: 3, taken_as_read: 17 },
                },
                "carbon c:2003: the connection broke; 3 slots of the last 30 s before that are sent again, as TCP may have lost them, and \
                 17 before these are not (send = \"final\"): if carbon had hung, they are missing there; `spikeline verify --graphite` tells",
            ),
            (
                Notice::LateUnsent {
                    address: "c:2003".to_owned(),
                    lines: 3,
                    from: Timestamp::from_secs(1_322_661_900),
                    until: Timestamp::from_secs(1_322_661_930),
                },
                "carbon c:2003: 3 lines of 2011-11-30T14:05:00.000Z to 2011-11-30T14:05:30.000Z came after their slots were final and \
                 sent; they are in the store, but not in what this carbon has (send = \"final\"); a longer `lateness` waits for such lines",
            ),
            (
                Notice::SpoolOverflowed {
                    address: "c:2003".to_owned(),
                    from: Timestamp::from_secs(1_322_661_900),
                    until: Timestamp::from_secs(1_322_661_930),
                },
                "carbon c:2003: slots of 2011-11-30T14:05:00.000Z to 2011-11-30T14:05:30.000Z are beyond its `spool` and are not sent; \
                 `spikeline index --push --from 2011-11-30T14:05:00.000Z --until 2011-11-30T14:05:30.000Z` sends \
                 those that the store has",
            ),
            (Notice::BackfillSendFailed(refused()), "carbon c:2003: cannot connect: refused"),
            (
                Notice::CarbonLeftBehind {
                    destination: "c:2003".to_owned(),
                    slots: 3,
                    from: Timestamp::from_secs(1_322_661_900),
                    until: Timestamp::from_secs(1_322_661_930),
                },
                "carbon c:2003 is owed 3 slots and is not in the configuration any more; `spikeline index --push --from \
                 2011-11-30T14:05:00.000Z --until 2011-11-30T14:05:30.000Z` sends these slots to those that are",
            ),
        ];
        for (notice, text) in cases {
            assert_eq!(notice.to_string(), text);
        }
    }
}
