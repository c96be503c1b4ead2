//! The link to one destination: connects when there is something to send, notices when it is gone, waits before it
//! tries again, and never claims that a batch was sent when only a part may have been.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::chunks::Chunks;
use super::connection::{Connection, OpenError};
use super::destination::Destination;
use super::endpoints::Endpoints;
use super::points::Points;
use super::protocol::Transport;
use crate::error::Error;

/// A datagram socket is made anew after this, since nothing would ever tell it that the name has a new address.
const DATAGRAM_AGE: Duration = Duration::from_secs(60);

/// One destination's link. A send blocks for at most the time-out to connect (and the resolver's), then the time-out to
/// write for each chunk.
#[derive(Debug)]
pub struct Link {
    destination: Destination,
    endpoints: Endpoints,
    connection: Option<Connection>,
    /// When `connection` was opened, or last tried.
    opened: Option<Instant>,
    ever_connected: bool,
    reconnected: bool,
    backoff: Backoff,
    down: Option<(Instant, String)>,
    counters: LinkCounters,
    /// Reused for every chunk.
    chunk: Vec<u8>,
}

/// What a link has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkCounters {
    /// Points of batches that the operating system took whole.
    pub points_sent: u64,
    /// Bytes of these batches.
    pub bytes_sent: u64,
    /// Points that alone exceed a datagram and were left out.
    pub points_too_long: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Failed connects and failed batches (not the waiting in between).
    pub failures: u64,
}

/// What a link is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing was sent yet, so nothing is known.
    Untried,
    /// Open, as far as is known.
    Connected,
    /// Not open.
    Down {
        /// Since when.
        since: Instant,
        /// Why, in words.
        last_error: String,
        /// Before this nothing is tried; sends return [`SendStep::Wait`].
        next_try: Instant,
    },
}

/// What a batch failed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendStep {
    /// Nothing was tried: the time for the next try has not come.
    Wait,
    /// Looking the name up.
    Resolve,
    /// Connecting.
    Connect,
    /// Writing: a part may have arrived.
    Write,
    /// Writing took longer than the time-out: the other side does not read. A part may have arrived.
    Stall,
}

/// A batch counts as unsent, whatever part of it may have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendError {
    /// The destination, as configured.
    pub address: String,
    /// Which step failed.
    pub step: SendStep,
    /// The reason, in the operating system's words; for [`SendStep::Wait`] that of the failure before.
    pub cause: String,
}

impl Link {
    /// A link that has not connected yet. `seed` spreads the retries; take a different one per host and destination.
    pub fn new(destination: Destination, seed: u64) -> Link {
        let endpoints = Endpoints::new(&destination, seed);
        Link {
            destination,
            endpoints,
            connection: None,
            opened: None,
            ever_connected: false,
            reconnected: false,
            backoff: Backoff::new(seed),
            down: None,
            counters: LinkCounters::default(),
            chunk: Vec::new(),
        }
    }

    /// Where it goes.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Whether a send would try something at `now` rather than return [`SendStep::Wait`].
    pub fn ready(&self, now: Instant) -> bool {
        self.connection.is_some() || self.backoff.is_ready(now)
    }

    /// Write the whole batch, connecting first if need be.
    ///
    /// Ok means that the operating system took all of it and that no close or reset had come back by then; carbon
    /// itself confirms nothing, see [`Link::reconnected`].
    ///
    /// # Errors
    /// Any failure means that the whole batch has to be sent again; the connection is then closed and the next try
    /// is due after a wait of up to 0.5 s, doubling up to 30 s until a batch goes through.
    pub fn send(&mut self, points: &Points, now: Instant) -> Result<(), SendError> {
        if points.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        self.drop_if_gone(now);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open_connection(now, began)?,
        };
        match write_points(&mut connection, &self.destination, points, &mut self.chunk) {
            Ok(written) => {
                self.connection = Some(connection);
                self.backoff.note_success();
                self.counters.points_sent += (points.len() as u64).saturating_sub(written.points_too_long);
                self.counters.bytes_sent += written.bytes;
                self.counters.points_too_long += written.points_too_long;
                Ok(())
            }
            Err(error) => {
                let step = if error.kind() == io::ErrorKind::TimedOut { SendStep::Stall } else { SendStep::Write };
                Err(self.note_failure(step, &error, now + began.elapsed()))
            }
        }
    }

    /// Whether a connection was opened, other than the first, since this was last asked. What was sent shortly before
    /// the old one broke may be lost although its send was Ok: send it again ([`super::Owed::reconnected`]).
    pub fn reconnected(&mut self) -> bool {
        std::mem::take(&mut self.reconnected)
    }

    /// What it is doing, as of the last send.
    pub fn state(&self) -> LinkState {
        match (&self.connection, &self.down) {
            (Some(_), _) => LinkState::Connected,
            (None, Some((since, error))) => LinkState::Down {
                since: *since,
                last_error: error.clone(),
                next_try: self.backoff.next_attempt().unwrap_or(*since),
            },
            (None, None) => LinkState::Untried,
        }
    }

    /// What it has done.
    pub fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// Close a connection that the other side left while it was idle. That costs nobody a batch, so it is not a failure
    /// and the new connection is tried at once.
    fn drop_if_gone(&mut self, now: Instant) {
        let Some(connection) = &self.connection else {
            return;
        };
        if let Err(error) = connection.check_alive() {
            self.connection = None;
            self.down = Some((now, error.to_string()));
        } else if self.destination.protocol.transport() == Transport::Datagrams
            && self.opened.is_some_and(|opened| now.saturating_duration_since(opened) >= DATAGRAM_AGE)
        {
            // Not a reconnect: nothing broke. If the name is gone for the moment, the old address still serves.
            if let Ok(fresh) = Connection::open(&self.destination, &mut self.endpoints) {
                self.connection = Some(fresh);
            }
            self.opened = Some(now);
        } else if self.endpoints.is_over(Instant::now()) {
            self.leave_if_moved(connection.peer().ok());
        }
    }

    /// The TTL of the answer is over by which the connection was made: if DNS no longer names whom it leads to, it is left, and the next one
    /// is made at once. If nobody answers, what is connected serves on.
    fn leave_if_moved(&mut self, peer: Option<SocketAddr>) {
        if peer.is_none_or(|peer| self.endpoints.is_left(peer, &self.destination)) {
            self.connection = None;
        }
    }

    fn open_connection(&mut self, now: Instant, began: Instant) -> Result<Connection, SendError> {
        if !self.backoff.is_ready(now) {
            let cause = self.down.as_ref().map(|(_, error)| error.clone()).unwrap_or_default();
            return Err(SendError { address: self.destination.address.clone(), step: SendStep::Wait, cause });
        }
        let connection = Connection::open(&self.destination, &mut self.endpoints).map_err(|error| {
            let at = now + began.elapsed();
            match error {
                OpenError::Resolve(error) => self.note_failure(SendStep::Resolve, &error, at),
                OpenError::Connect(error) => self.note_failure(SendStep::Connect, &error, at),
            }
        })?;
        if self.ever_connected {
            self.counters.reconnects += 1;
            self.reconnected = true;
        }
        self.ever_connected = true;
        self.opened = Some(now);
        Ok(connection)
    }

    /// Note a failure at `at`, with no connection left.
    fn note_failure(&mut self, step: SendStep, error: &io::Error, at: Instant) -> SendError {
        let cause = error.to_string();
        self.counters.failures += 1;
        let since = self.backoff.next_attempt().and(self.down.as_ref()).map_or(at, |(since, _)| *since);
        self.down = Some((since, cause.clone()));
        self.backoff.note_failure(at);
        SendError { address: self.destination.address.clone(), step, cause }
    }
}

/// What was written of a batch.
struct WrittenBatch {
    bytes: u64,
    points_too_long: u64,
}

/// Write all chunks, then look once more for a close or reset: what it says of the points is that they are lost.
fn write_points(
    connection: &mut Connection,
    destination: &Destination,
    points: &Points,
    chunk: &mut Vec<u8>,
) -> io::Result<WrittenBatch> {
    let mut bytes = 0;
    let mut chunks = Chunks::new(destination.protocol, points);
    while chunks.next_into(chunk) > 0 {
        connection.write_chunk(chunk, destination.write_timeout)?;
        bytes += chunk.len() as u64;
    }
    connection.check_alive()?;
    Ok(WrittenBatch { bytes, points_too_long: chunks.too_long() })
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            SendStep::Wait => "waiting before the next try",
            SendStep::Resolve => "cannot look up the name",
            SendStep::Connect => "cannot connect",
            SendStep::Write => "the connection broke while writing",
            SendStep::Stall => "accepts but does not read",
        };
        write!(f, "carbon {}: {step}: {}", self.address, self.cause)
    }
}

impl std::error::Error for SendError {}

impl From<SendError> for Error {
    fn from(error: SendError) -> Error {
        let remedy = match error.step {
            SendStep::Wait => "nothing to do: what is owed is kept and sent later",
            SendStep::Resolve => "check the name in `address` and this host's resolver; what is owed is kept",
            SendStep::Connect => {
                "check that carbon listens there (`ss -ltn`) and no firewall is between; what is owed is kept"
            }
            SendStep::Write => "look into carbon's log (creates.log, console.log); what is owed is kept and sent again",
            SendStep::Stall => {
                "carbon's cache may be full or its disk slow (MAX_CACHE_SIZE, USE_FLOW_CONTROL); what is owed is kept"
            }
        };
        Error::failed(error.to_string()).remedy(remedy)
    }
}
