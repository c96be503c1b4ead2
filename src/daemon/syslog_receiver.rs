//! Receives what nginx sends by `access_log syslog:`, over UDP or a UNIX socket, and writes it to a log that is then followed as any.
//!
//! A receiver outlives reloads: its socket stays open while the daemon behind it is another. What is lost on the way is counted as far as
//! the kernel tells (`drops` of `/proc/net/udp`, proc(5)), and handed to whoever follows the log, who says it as missing.
//!
//! Of a UNIX socket it tells nothing: where the queue is full, or what one sender has in it is more than its send buffer, the sender is refused,
//! and nginx throws the line away. But as long as no more came between two moments in which nothing was there than either takes, nobody was
//! refused; else lines may be missing, which is said too.

use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use rustix::io::Errno;
use rustix::net::{RecvFlags, sockopt};

use super::received_log::ReceivedLog;
use super::received_losses::ReceivedLosses;
use super::settings::{ListenAt, ReceivedLogSettings};
use super::threads::spawn_detached;
use crate::error::{Error, Result};
use crate::time::{Clock, SystemClock, Timestamp};

/// What the kernel is asked to hold while this is not reading; it gives what `net.core.rmem_max` allows.
const BUFFER: usize = 8 << 20;

/// The longest datagram there is.
const DATAGRAM: usize = 64 << 10;

/// What was received is written when it is so much, or when no more is there.
const WRITE_AT: usize = 256 << 10;

/// So long a datagram is waited for before it is looked whether to end.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the queue of a UNIX socket takes, of those made from now on.
const QUEUE_LENGTH: &str = "/proc/sys/net/unix/max_dgram_qlen";

/// The kernel's own value of that.
const LEAST_QUEUE: u64 = 10;

/// What a sender may have in queues, of those that are made from now on. nginx leaves it as it is.
const SEND_BUFFER: &str = "/proc/sys/net/core/wmem_default";

/// The usual value of that.
const USUAL_SEND_BUFFER: u64 = 212_992;

/// The kernel is asked for what it dropped this often.
const LOOK: Duration = Duration::from_secs(1);

/// The receivers that run.
#[derive(Default)]
pub struct SyslogReceivers {
    running: Vec<RunningReceiver>,
    losses: Arc<ReceivedLosses>,
}

/// One of them, which ends when this is dropped.
struct RunningReceiver {
    settings: ReceivedLogSettings,
    _halt: Sender<()>,
    ended: Receiver<()>,
}

impl SyslogReceivers {
    /// What they lose.
    pub fn losses(&self) -> Arc<ReceivedLosses> {
        Arc::clone(&self.losses)
    }

    /// Have those run that are wanted and no others; one that runs already goes on, without losing anything.
    ///
    /// # Errors
    /// An address that cannot be listened at.
    pub fn apply(&mut self, wanted: &[ReceivedLogSettings]) -> Result<()> {
        let mut left = Vec::new();
        for running in std::mem::take(&mut self.running) {
            if wanted.contains(&running.settings) { self.running.push(running) } else { left.push(running) }
        }
        for RunningReceiver { _halt: halt, ended, .. } in left {
            drop(halt);
            // Its address may be wanted by the next one.
            let _ended = ended.recv_timeout(PATIENCE * 3);
        }
        for settings in wanted {
            if self.running.iter().any(|running| running.settings == *settings) {
                continue;
            }
            let socket = ListeningSocket::open(&settings.at)?;
            let mut log = ReceivedLog::new(PathBuf::from(&settings.log), settings.keep);
            log.prepare().map_err(|error| Error::io("make the log that is received", &settings.log, &error))?;
            self.losses.begin(&settings.log, SystemClock.now());
            let (halt, halted) = bounded(0);
            let (end, ended) = bounded::<()>(0);
            let (own, losses) = (settings.clone(), Arc::clone(&self.losses));
            spawn_detached("syslog", move || {
                receive(&socket, log, &own, &losses, &halted);
                drop(socket);
                drop(end);
            })?;
            self.running.push(RunningReceiver { settings: settings.clone(), _halt: halt, ended });
        }
        Ok(())
    }
}

/// A socket that datagrams come to.
enum ListeningSocket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl ListeningSocket {
    fn open(at: &ListenAt) -> Result<ListeningSocket> {
        let failed = |error: &io::Error| {
            let what = format!("cannot listen at {at}: {error}");
            Error::failed(what)
                .remedy("is another syslog listening there? `ss -lunp` shows who; choose another address")
        };
        let socket = match at {
            ListenAt::Udp(address) => ListeningSocket::Udp(UdpSocket::bind(address).map_err(|error| failed(&error))?),
            ListenAt::Unix(path) => ListeningSocket::Unix(bind_unix(path).map_err(|error| failed(&error))?),
        };
        // A larger buffer helps, and is no reason to fail.
        if sockopt::set_socket_recv_buffer_size_force(socket.as_fd(), BUFFER).is_err() {
            let _as_allowed = sockopt::set_socket_recv_buffer_size(socket.as_fd(), BUFFER);
        }
        sockopt::set_socket_timeout(socket.as_fd(), sockopt::Timeout::Recv, Some(PATIENCE))
            .map_err(|error| failed(&error.into()))?;
        Ok(socket)
    }

    /// What tells whether a sender may have been refused, where that is so and the kernel does not say how often.
    fn queue_watch(&self) -> Option<FullQueueWatch> {
        let ListeningSocket::Unix(_) = self else { return None };
        let (length, room) = (number_in(QUEUE_LENGTH), number_in(SEND_BUFFER));
        Some(FullQueueWatch::new(length.unwrap_or(LEAST_QUEUE), room.unwrap_or(USUAL_SEND_BUFFER), SystemClock.now()))
    }

    /// How many datagrams the kernel dropped so far, since nobody took them; nothing where it does not say.
    fn dropped(&self) -> Option<u64> {
        let ListeningSocket::Udp(socket) = self else { return None };
        let table = if socket.local_addr().ok()?.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
        let inode = rustix::fs::fstat(socket).ok()?.st_ino.to_string();
        let text = std::fs::read_to_string(table).ok()?;
        drops_of(&text, &inode)
    }
}

impl AsFd for ListeningSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            ListeningSocket::Udp(socket) => socket.as_fd(),
            ListeningSocket::Unix(socket) => socket.as_fd(),
        }
    }
}

/// A socket at a path; one that a daemon left there which is no more is replaced, one that is listened at is not. nginx's workers are another
/// user.
fn bind_unix(path: &Path) -> io::Result<UnixDatagram> {
    let bound = match UnixDatagram::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let tried = UnixDatagram::unbound()?.connect(path);
            // Any other error is of somebody who listens, if not for datagrams, or not to us.
            let alone = tried.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
            let is_socket = std::fs::symlink_metadata(path)
                .is_ok_and(|found| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()));
            if !alone || !is_socket {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixDatagram::bind(path)?
        }
        bound => bound?,
    };
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666))?;
    Ok(bound)
}

/// The number that a file of proc(5) is.
fn number_in(path: &str) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// `drops` of the socket with this inode in a table of proc(5): the tenth and the last field of its line.
fn drops_of(table: &str, inode: &str) -> Option<u64> {
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.get(9) == Some(&inode) {
            return fields.last()?.parse().ok();
        }
    }
    None
}

/// Write what comes until `halted` is disconnected.
fn receive(
    socket: &ListeningSocket,
    mut log: ReceivedLog,
    settings: &ReceivedLogSettings,
    losses: &ReceivedLosses,
    halted: &Receiver<()>,
) {
    let mut datagram = vec![0; DATAGRAM];
    let mut lines = Vec::with_capacity(WRITE_AT + DATAGRAM);
    let mut drops = DropWatch {
        known: socket.dropped().unwrap_or(0),
        unwritten: 0,
        fault: None,
        queue: socket.queue_watch(),
        since: SystemClock.now(),
        looked: Instant::now(),
    };
    while halted.try_recv() != Err(TryRecvError::Disconnected) {
        let mut flags = RecvFlags::empty();
        let mut held = 0_u64;
        while lines.len() < WRITE_AT {
            match rustix::net::recv(socket, &mut datagram, flags) {
                Ok((length, _)) => {
                    push_line(datagram.get(..length).unwrap_or_default(), &mut lines);
                    held += 1;
                    drops.take_one(length);
                }
                Err(Errno::INTR) => {}
                // Nothing (more) is there; or an earlier answer of ours could not be delivered, which there is none of.
                Err(_) => {
                    drops.see_empty(SystemClock.now());
                    break;
                }
            }
            // The first is waited for, and what is there already comes with it.
            flags = RecvFlags::DONTWAIT;
        }
        if !lines.is_empty()
            && let Err(error) = log.write(&lines)
        {
            drops.unwritten += held;
            drops.fault = Some(error);
        }
        lines.clear();
        if drops.looked.elapsed() >= LOOK {
            drops.look(socket, settings, losses);
        }
    }
    drops.look(socket, settings, losses);
}

/// Whether somebody who sends to a UNIX socket can have been refused.
struct FullQueueWatch {
    length: u64,
    room: u64,
    /// How many came since nothing was there.
    run: u64,
    /// What these took of the senders' buffers, at most.
    held: u64,
    /// When nothing was there last.
    empty: Timestamp,
    /// Since when somebody may have been refused.
    full: Option<Timestamp>,
}

impl FullQueueWatch {
    /// Of a queue of so many datagrams, and senders that may have so many bytes in it.
    fn new(length: u64, room: u64, now: Timestamp) -> FullQueueWatch {
        FullQueueWatch { length, room, run: 0, held: 0, empty: now, full: None }
    }

    /// A datagram was taken.
    fn take_one(&mut self, length: usize) {
        self.run += 1;
        // What the kernel counts for it (`truesize` of an sk_buff) is less: a power of two for its bytes with what it adds, and its head.
        self.held += 2 * (length as u64).next_power_of_two() + 1024;
        if self.run > self.length || self.held >= self.room {
            self.full = Some(self.full.map_or(self.empty, |full| full.min(self.empty)));
        }
    }

    /// Nothing was there.
    fn see_empty(&mut self, now: Timestamp) {
        (self.run, self.held, self.empty) = (0, 0, now);
    }
}

/// What was lost since it was looked last: what the kernel dropped, and what could not be written.
struct DropWatch {
    known: u64,
    unwritten: u64,
    fault: Option<io::Error>,
    queue: Option<FullQueueWatch>,
    since: Timestamp,
    looked: Instant,
}

impl DropWatch {
    fn take_one(&mut self, length: usize) {
        if let Some(queue) = &mut self.queue {
            queue.take_one(length);
        }
    }

    fn see_empty(&mut self, now: Timestamp) {
        if let Some(queue) = &mut self.queue {
            queue.see_empty(now);
        }
    }

    fn look(&mut self, socket: &ListeningSocket, settings: &ReceivedLogSettings, losses: &ReceivedLosses) {
        let now = SystemClock.now();
        if let Some(dropped) = socket.dropped() {
            // The kernel's count is of 32 bits, and wraps.
            let lost = dropped.wrapping_sub(self.known) & 0xffff_ffff;
            if lost > 0 {
                let why =
                    format!("{lost} datagrams were dropped by the kernel: its buffer was full (net.core.rmem_max)");
                losses.add(settings.lost(self.since, now, why));
            }
            self.known = dropped;
        }
        if let Some(queue) = &mut self.queue
            && let Some(full) = queue.full.take()
        {
            let why = format!(
                "its queue of {} datagrams (net.unix.max_dgram_qlen), or nginx's send buffer of {} bytes (net.core.wmem_default), may have been \
                 full: nginx's error log says how many lines it could not send (`send() to syslog failed`, at the level warn)",
                queue.length, queue.room
            );
            losses.add(settings.lost(full.min(self.since), now, why));
        }
        if let Some(error) = self.fault.take() {
            let unwritten = std::mem::take(&mut self.unwritten);
            let why = format!("{unwritten} datagrams could not be written to {}: {error}", settings.log);
            losses.add(settings.lost(self.since, now, why));
        }
        (self.since, self.looked) = (now, Instant::now());
    }
}

/// A datagram is a line: nginx escapes line ends within one, so one that stands there is escaped as it would, and none forges a second.
fn push_line(datagram: &[u8], lines: &mut Vec<u8>) {
    let text = datagram.strip_suffix(b"\n").unwrap_or(datagram);
    if text.is_empty() {
        return;
    }
    for piece in text.split_inclusive(|&byte| byte == b'\n') {
        match piece.strip_suffix(b"\n") {
            Some(before) => {
                lines.extend_from_slice(before);
                lines.extend_from_slice(b"\\x0A");
            }
            None => lines.extend_from_slice(piece),
        }
    }
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_is_a_line_whatever_is_in_it() {
        let mut lines = Vec::new();
        for datagram in [&b"<190>a b"[..], b"c\n", b"", b"\n", b"d\n<190>forged\n"] {
            push_line(datagram, &mut lines);
        }
        assert_eq!(lines, b"<190>a b\nc\nd\\x0A<190>forged\n");
    }

    #[test]
    fn a_queue_that_was_never_filled_between_two_empty_moments_was_never_full() {
        let at = Timestamp::from_secs;
        let mut queue = FullQueueWatch::new(10, 100_000, at(0));
        for second in 1..100 {
            (0..10).for_each(|_| queue.take_one(300));
            queue.see_empty(at(second));
        }
        assert_eq!(queue.full, None);
        (0..11).for_each(|_| queue.take_one(300));
        queue.see_empty(at(103));
        (0..11).for_each(|_| queue.take_one(300));
        // It may have been full since nothing was there last, however long it was not looked since.
        assert_eq!(queue.full.take(), Some(at(99)));
    }

    /// As measured: so many datagrams of a length fill the usual send buffer of one sender.
    #[test]
    fn a_sender_whose_buffer_was_full_may_have_been_refused_however_long_the_queue_is() {
        for (length, fits) in [(300, 167), (800, 93), (2000, 49), (8000, 13), (25_000, 8)] {
            let mut queue = FullQueueWatch::new(512, USUAL_SEND_BUFFER, Timestamp(7));
            (0..fits).for_each(|_| queue.take_one(length));
            assert_eq!(queue.full, Some(Timestamp(7)), "{length}");
        }
    }

    #[test]
    fn drops_are_those_of_the_own_socket() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             1: 0100007F:158A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 111 2 0000000000000000 5\n\
             2: 0100007F:158B 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 222 2 0000000000000000 77\n";
        assert_eq!((drops_of(table, "222"), drops_of(table, "5"), drops_of("", "222")), (Some(77), None, None));
    }

    /// Whoever listens there, if not for datagrams, keeps its socket.
    #[test]
    fn a_socket_that_another_listens_at_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
        bind_unix(&path).unwrap_err();
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        drop(other);
        bind_unix(&path).unwrap();
    }
}
