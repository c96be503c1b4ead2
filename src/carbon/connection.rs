//! One open socket to carbon: connecting, writing with a time-out, and noticing that the other side is gone.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, sockopt};

use super::destination::Destination;
use super::endpoints::Endpoints;
use super::protocol::Transport;

/// Bytes that may wait in the operating system (which doubles the figure): what it holds is not yet delivered and is
/// lost with the connection, so the less the better.
const SEND_BUFFER: usize = 128 * 1024;

/// Unanswered data (`TCP_USER_TIMEOUT`) for so long means that the connection is dead; Linux alone would take 15 min.
const DEAD: Duration = Duration::from_secs(30);

/// Silence after which the other side is probed, and the time between three probes.
const PROBE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// An open socket.
#[derive(Debug)]
pub(super) enum Connection {
    /// For lines and pickles.
    Stream(TcpStream),
    /// For datagrams; connected, so that "port unreachable" comes back as an error.
    Datagrams(UdpSocket),
}

/// At which step opening failed.
pub(super) enum OpenError {
    Resolve(io::Error),
    Connect(io::Error),
}

impl Connection {
    /// Look the name up and connect to the first of its addresses that answers.
    pub(super) fn open(destination: &Destination, endpoints: &mut Endpoints) -> Result<Connection, OpenError> {
        let addresses = endpoints.look_up(destination).map_err(OpenError::Resolve)?;
        let deadline = Instant::now().checked_add(destination.connect_timeout);
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let mut untried = u32::try_from(addresses.len()).unwrap_or(1);
        for address in addresses {
            // Every address gets its share of what is left, so that a dead first one does not eat it all.
            let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            let share = (left / untried.max(1)).max(Duration::from_millis(1));
            untried = untried.saturating_sub(1);
            let opened = match destination.protocol.transport() {
                Transport::Stream => connect_stream(address, share).map(Connection::Stream),
                Transport::Datagrams => {
                    connect_datagrams(address, destination.write_timeout).map(Connection::Datagrams)
                }
            };
            match opened {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(OpenError::Connect(last))
    }

    /// Whom it is connected to.
    pub(super) fn peer(&self) -> io::Result<SocketAddr> {
        match self {
            Connection::Stream(stream) => stream.peer_addr(),
            Connection::Datagrams(socket) => socket.peer_addr(),
        }
    }

    /// Whether the other side has closed or reset, or its port is unreachable, as far as is known without waiting.
    /// Carbon never says anything, so whatever it does say is read away: a close might stand behind it.
    pub(super) fn check_alive(&self) -> io::Result<()> {
        let mut heard = [0u8; 4096];
        for _ in 0..64 {
            let got = match self {
                Connection::Stream(stream) => rustix::net::recv(stream, &mut heard, RecvFlags::DONTWAIT),
                Connection::Datagrams(socket) => rustix::net::recv(socket, &mut heard, RecvFlags::DONTWAIT),
            };
            match (got, self) {
                (Ok((0, _)), Connection::Stream(_)) => {
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the other side"));
                }
                (Ok(_) | Err(Errno::INTR), _) => {}
                (Err(Errno::AGAIN), _) => return Ok(()),
                (Err(error), _) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Write one chunk whole within `timeout`. After an error an unknown part of it is on its way, so the connection
    /// has to be given up.
    pub(super) fn write_chunk(&mut self, chunk: &[u8], timeout: Duration) -> io::Result<()> {
        match self {
            Connection::Stream(stream) => write_within(stream, chunk, timeout),
            Connection::Datagrams(socket) => match socket.send(chunk)? {
                sent if sent == chunk.len() => Ok(()),
                _ => Err(io::ErrorKind::WriteZero.into()),
            },
        }
    }
}

fn connect_stream(address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, timeout)?;
    // Linux can connect a socket to itself when nobody listens on a port that it hands out to clients.
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::Error::from_raw_os_error(Errno::CONNREFUSED.raw_os_error()));
    }
    stream.set_nodelay(true)?;
    sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, PROBE.0)?;
    sockopt::set_tcp_keepintvl(&stream, PROBE.1)?;
    sockopt::set_tcp_keepcnt(&stream, 3)?;
    sockopt::set_tcp_user_timeout(&stream, u32::try_from(DEAD.as_millis()).unwrap_or(u32::MAX))?;
    Ok(stream)
}

fn connect_datagrams(address: SocketAddr, timeout: Duration) -> io::Result<UdpSocket> {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(address)?;
    socket.set_write_timeout(Some(timeout.max(Duration::from_millis(1))))?;
    Ok(socket)
}

/// `write_all` with a bound on the whole, not on every part: a reader that takes a byte now and then also runs out.
fn write_within(stream: &mut TcpStream, chunk: &[u8], timeout: Duration) -> io::Result<()> {
    let began = Instant::now();
    let mut rest = chunk;
    while !rest.is_empty() {
        let left = timeout.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(io::ErrorKind::TimedOut.into()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
