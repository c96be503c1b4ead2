//! All that the daemon works by. Whoever fills this in has validated it.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::log_formats::FormatWatch;
use super::own_totals::OwnTotals;
use super::received_losses::ReceivedLosses;
use crate::carbon::{Archive, Destination, Naming, SendMode};
use crate::grammar::Format;
#[cfg(feature = "otlp")]
use crate::otlp::{ExportForm, OtlpDestination};
use crate::pipeline::SlotSettings;
use crate::route::Router;
use crate::source::LostStretch;
use crate::store::{Retention, StoreAccess};
use crate::time::Timestamp;

/// One log to follow.
#[derive(Debug, Clone)]
pub struct Log {
    /// The path or glob.
    pub pattern: String,
    /// Its format.
    pub format: Format,
}

/// One carbon to push to: a `[[carbon]]` section.
#[derive(Debug, Clone)]
pub struct DestinationSettings {
    /// What the store knows it by: its address, for a second one at the same address with its names.
    pub account: String,
    /// Where and how.
    pub destination: Destination,
    /// How metrics are named there.
    pub naming: Naming,
    /// How much of the past is kept for it while it is away.
    pub spool: Duration,
    /// When a slot is sent.
    pub send: SendMode,
    /// How long after its end a slot is sent at the earliest.
    pub delay: Duration,
    /// What carbon keeps, the finest first; nothing where that is not known.
    pub archives: Vec<Archive>,
}

/// One collector to send to: an `[[otlp]]` section.
#[cfg(feature = "otlp")]
#[derive(Debug, Clone)]
pub struct OtlpSettings {
    /// What the store knows it by: its address; of one that is sent to several times also which.
    pub account: String,
    /// Where and how.
    pub destination: OtlpDestination,
    /// What is sent.
    pub form: ExportForm,
    /// How much of the past is kept for it while it is away.
    pub spool: Duration,
    /// How long after its end a slot is sent at the earliest; never before it is final.
    pub delay: Duration,
}

/// Where syslog is listened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAt {
    /// UDP.
    Udp(SocketAddr),
    /// A UNIX datagram socket.
    Unix(PathBuf),
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAt::Udp(address) => write!(f, "syslog:{address}"),
            ListenAt::Unix(path) => write!(f, "syslog:unix:{}", path.display()),
        }
    }
}

/// A log that is received rather than written by nginx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLogSettings {
    /// Where it is written to, which is its pattern among the logs.
    pub log: String,
    /// Where it comes from.
    pub at: ListenAt,
    /// About so many bytes of it are kept.
    pub keep: u64,
}

impl ReceivedLogSettings {
    /// Something of it that was lost.
    pub(super) fn lost(&self, from: Timestamp, until: Timestamp, why: String) -> LostStretch {
        LostStretch { key: self.log.clone(), path: PathBuf::from(self.at.to_string()), from, until, why }
    }
}

/// The logs that are received, and what was lost of them.
#[derive(Debug, Clone, Default)]
pub struct Receiving {
    /// The logs.
    pub logs: Vec<ReceivedLogSettings>,
    /// What was lost.
    pub losses: Arc<ReceivedLosses>,
}

/// What [`run`](super::run) is given.
#[derive(Clone)]
pub struct DaemonSettings {
    /// The store's folder.
    pub store: PathBuf,
    /// Length of a slot.
    pub interval: Duration,
    /// After this a slot is final unless a late line changes it.
    pub lateness: Duration,
    /// How often the logs are looked at.
    pub poll: Duration,
    /// Longest line, in bytes.
    pub max_line: u64,
    /// The cap on routes.
    pub routes_max: usize,
    /// Default threshold of a slow request, in milliseconds.
    pub threshold_ms: u64,
    /// Slowest requests kept per route and slot.
    pub slowest: u32,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
    /// The logs.
    pub logs: Vec<Log>,
    /// Looks whether nginx.conf says another format of them by now.
    pub formats: Option<FormatWatch>,
    /// Those of them that are received by syslog.
    pub receiving: Receiving,
    /// The patterns of those whose slow lines are kept in the store.
    pub archived: Vec<String>,
    /// Globs of what the rotation of a log moves to other directories, by its pattern.
    pub rotated: HashMap<String, Vec<String>>,
    /// How much of the past the store keeps.
    pub retention: Retention,
    /// Who may read the store.
    pub access: StoreAccess,
    /// The rules.
    pub router: Arc<Router>,
    /// The carbons.
    pub destinations: Vec<DestinationSettings>,
    /// The collectors of OpenTelemetry.
    #[cfg(feature = "otlp")]
    pub otlp: Vec<OtlpSettings>,
    /// Where its own metrics add up for others to read.
    pub own_totals: Arc<OwnTotals>,
}

impl DaemonSettings {
    /// How lines are counted into slots.
    pub(super) fn slots(&self) -> SlotSettings {
        SlotSettings { interval: self.interval, slowest: self.slowest as usize, server_errors: self.server_errors }
    }
}
