//! Faults that a real carbon cannot be made to show: it refuses, does not answer, does not read, resets, closes.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use spikeline::carbon::{Chunks, Link, LinkState, Owed, Points, Protocol, SendStep};
use spikeline::error::Error;
use spikeline::time::Timestamp;

use crate::destination;
use crate::peer::free_ports;

/// Later than any wait after a failure.
const LATER: Duration = Duration::from_secs(31);

fn batch(count: usize) -> Points {
    let mut points = Points::new();
    for n in 0..count {
        let path = format!("nginx.web1.some.route.with.a.longish.name.r{n}.request_time.p99");
        assert!(points.push(&path, n as f64, Timestamp::from_secs(1_322_661_900)));
    }
    points
}

/// More than all buffers between two sockets of this machine hold.
fn big() -> Points {
    batch(100_000)
}

fn lines(points: &Points) -> Vec<u8> {
    let (mut chunks, mut chunk, mut all) = (Chunks::new(Protocol::Plaintext, points), Vec::new(), Vec::new());
    while chunks.next_into(&mut chunk) > 0 {
        all.extend_from_slice(&chunk);
    }
    all
}

fn listen() -> (TcpListener, Link) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, Link::new(destination(&address, Protocol::Plaintext), 3))
}

fn read_exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut got = vec![0; length];
    stream.read_exact(&mut got).unwrap();
    got
}

/// Take one connection and read so much from it. The connection comes back as well: closed at once, its end could be
/// noticed before the send is over, and the batch would rightly count as unsent.
fn accept_and_read(listener: &TcpListener, length: usize) -> (Vec<u8>, TcpStream) {
    let (mut stream, _) = listener.accept().unwrap();
    (read_exactly(&mut stream, length), stream)
}

#[test]
fn refused_then_there() {
    let [port] = free_ports();
    let address = format!("127.0.0.1:{port}");
    let mut link = Link::new(destination(&address, Protocol::Plaintext), 3);
    let (points, now) = (batch(3), Instant::now());
    assert!(link.ready(now));
    assert_eq!(link.send(&Points::new(), now), Ok(()), "nothing to send needs no connection");
    assert_eq!(link.state(), LinkState::Untried);

    let error = link.send(&points, now).unwrap_err();
    assert_eq!(error.step, SendStep::Connect);
    let message = Error::from(error).to_string();
    assert!(message.contains(&address) && message.contains("help: "), "{message}");
    let LinkState::Down { since, next_try, .. } = link.state() else { panic!("not down") };
    let before = next_try.checked_sub(Duration::from_millis(1)).unwrap();
    assert!(link.ready(next_try) && !link.ready(before));
    assert_eq!(link.send(&points, before).unwrap_err().step, SendStep::Wait);
    assert_eq!(link.counters().failures, 1, "waiting is no failure");

    assert_eq!(link.send(&points, now + LATER).unwrap_err().step, SendStep::Connect);
    let LinkState::Down { since: same, .. } = link.state() else { panic!("not down") };
    assert_eq!(since, same);

    let listener = TcpListener::bind(address).unwrap();
    let reader = thread::spawn(move || accept_and_read(&listener, lines(&batch(3)).len()));
    link.send(&points, now + LATER * 2).unwrap();
    assert_eq!(reader.join().unwrap().0, lines(&points));
    assert_eq!(link.state(), LinkState::Connected);
    assert!(!link.reconnected(), "the first connection has nothing to make good");
    assert_eq!((link.counters().points_sent, link.counters().failures), (3, 2));
}

#[test]
fn a_full_backlog_is_a_time_out() {
    let (listener, _) = listen();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    // With these the queue is full and the kernel drops further handshakes.
    let short = Duration::from_millis(300);
    let queued: Vec<_> = (0..8).map_while(|_| TcpStream::connect_timeout(&address, short).ok()).collect();
    assert!(queued.len() < 8);
    let mut to = destination(&address.to_string(), Protocol::Plaintext);
    to.connect_timeout = short;
    assert_eq!(Link::new(to, 1).send(&batch(1), Instant::now()).unwrap_err().step, SendStep::Connect);
}

#[test]
fn a_black_hole_is_given_up_and_the_batch_goes_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    sockopt::set_socket_recv_buffer_size(&listener, 16 * 1024).unwrap();
    let mut to = destination(&listener.local_addr().unwrap().to_string(), Protocol::Plaintext);
    // Longer than the longest first wait, so that the two can be told apart below.
    to.write_timeout = Duration::from_millis(600);
    let mut link = Link::new(to, 1);
    let points = big();
    let now = Instant::now();
    assert_eq!(link.send(&points, now).unwrap_err().step, SendStep::Stall);
    assert!(matches!(link.state(), LinkState::Down { .. }));
    assert_eq!(link.counters().points_sent, 0);
    let LinkState::Down { next_try, .. } = link.state() else { panic!("not down") };
    assert!(next_try >= now + Duration::from_millis(600), "the wait begins after the time-out, not before it");

    let hole = listener.accept().unwrap();
    let all = lines(&points);
    let length = all.len();
    let reader = thread::spawn(move || accept_and_read(&listener, length));
    link.send(&points, now + LATER).unwrap();
    assert!(reader.join().unwrap().0 == all);
    assert!(link.reconnected() && !link.reconnected());
    assert_eq!(link.counters().points_sent, 100_000);
    drop(hole);
}

#[test]
fn a_reset_in_mid_batch_leaves_the_whole_batch_unsent() {
    let (listener, mut link) = listen();
    let points = big();
    let all = lines(&points);
    let length = all.len();
    let peer = thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        read_exactly(&mut first, 100_000);
        drop(first); // With bytes unread, that is a reset.
        accept_and_read(&listener, length)
    });
    let now = Instant::now();
    assert_eq!(link.send(&points, now).unwrap_err().step, SendStep::Write);
    assert_eq!((link.counters().points_sent, link.counters().failures), (0, 1));
    link.send(&points, now + LATER).unwrap();
    assert!(peer.join().unwrap().0 == all);
    assert!(link.reconnected());
}

/// The peer takes one batch, says `words`, closes; the next batch must go over a new connection, whole.
fn closes_while_idle(words: &'static [u8]) {
    let (listener, mut link) = listen();
    let (one, two) = (batch(5), batch(7));
    let (length, now) = (lines(&one).len(), Instant::now());
    let peer = thread::spawn(move || (accept_and_read(&listener, length), listener));
    link.send(&one, now).unwrap();
    let ((got, mut first), listener) = peer.join().unwrap();
    assert_eq!(got, lines(&one));
    first.write_all(words).unwrap();
    drop(first);
    let length = lines(&two).len();
    let reader = thread::spawn(move || accept_and_read(&listener, length));
    link.send(&two, now).unwrap();
    assert_eq!(reader.join().unwrap().0, lines(&two));
    assert!(link.reconnected());
    let counters = link.counters();
    assert_eq!((counters.reconnects, counters.failures, counters.points_sent), (1, 0, 12));
}

#[test]
fn a_close_while_idle_is_noticed_before_writing() {
    closes_while_idle(b"");
}

#[test]
fn a_close_behind_words_is_noticed_too() {
    closes_while_idle(&[b'x'; 10_000]);
}

/// Where slot 0 begins.
const FIRST: i64 = 1_322_661_900;

/// Sends the slots of `numbers`, ten seconds apart by `clock`, and whatever is owed again.
fn send_slots(link: &mut Link, owed: &mut Owed, numbers: Range<i64>, clock: &mut Instant) {
    for number in numbers {
        owed.owe(Timestamp::from_secs(FIRST + 10 * number));
        *clock += Duration::from_secs(10);
        while let Some(slot) = owed.next(Timestamp(i64::MAX)) {
            let mut points = Points::new();
            for series in 0..100 {
                assert!(points.push(&format!("nginx.web1.some.route.r{series}.request_time.p99"), 1.0, slot));
            }
            let before = link.counters().bytes_sent;
            let sent = link.send(&points, *clock);
            if link.reconnected() {
                owed.reconnected(*clock);
            }
            sent.unwrap();
            owed.hand_over(link.counters().bytes_sent - before);
            owed.delivered(slot, *clock);
        }
    }
}

/// The slots of which a peer has read some line.
fn slots_in(text: &[u8]) -> BTreeSet<i64> {
    let lines = str::from_utf8(text).unwrap().lines();
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap() - FIRST)
        .map(|second| second / 10)
        .collect()
}

#[test]
fn what_a_peer_that_hung_for_minutes_and_died_had_not_read_is_sent_again() {
    let (listener, mut link) = listen();
    let (mut owed, mut clock) = (Owed::new(8640), Instant::now());
    let (heard, hears) = channel();
    let (go_on, waits) = channel::<()>();
    let peer = thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        let mut some = vec![0; 20_000];
        first.read_exact(&mut some).unwrap();
        heard.send(()).unwrap();
        // It reads no more, and dies: what its kernel has taken is gone.
        waits.recv().unwrap();
        drop(first);
        heard.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        let mut rest = Vec::new();
        second.read_to_end(&mut rest).unwrap();
        some.truncate(some.iter().rposition(|byte| *byte == b'\n').unwrap());
        (slots_in(&some), slots_in(&rest))
    });
    send_slots(&mut link, &mut owed, 0..10, &mut clock);
    hears.recv().unwrap();
    send_slots(&mut link, &mut owed, 10..40, &mut clock);
    go_on.send(()).unwrap();
    hears.recv().unwrap();
    send_slots(&mut link, &mut owed, 40..41, &mut clock);
    drop(link);
    let (first, second) = peer.join().unwrap();
    assert!(first.len() < 10, "the peer hung soon: {first:?}");
    let missing: Vec<i64> = (0..41).filter(|slot| !first.contains(slot) && !second.contains(slot)).collect();
    assert_eq!(missing, Vec::<i64>::new(), "slots that nobody has read");
}

#[test]
fn ipv6_is_spoken() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        eprintln!("skipped: this machine has no IPv6");
        return;
    };
    let mut link = Link::new(destination(&listener.local_addr().unwrap().to_string(), Protocol::Plaintext), 1);
    let points = batch(3);
    let length = lines(&points).len();
    let reader = thread::spawn(move || accept_and_read(&listener, length));
    link.send(&points, Instant::now()).unwrap();
    assert_eq!(reader.join().unwrap().0, lines(&points));
}

#[test]
fn datagrams_into_nothing_are_an_error() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut link = Link::new(destination(&socket.local_addr().unwrap().to_string(), Protocol::Udp), 1);
    let now = Instant::now();
    link.send(&batch(100), now).unwrap();
    let mut datagram = [0; 2000];
    let length = socket.recv(&mut datagram).unwrap();
    assert!(length <= 1400 && datagram[..length].ends_with(b"\n"));
    drop(socket);
    // A single datagram: only the look after it can tell.
    assert_eq!(link.send(&batch(1), now).unwrap_err().step, SendStep::Write);
    assert_eq!(link.counters().points_sent, 100);
}

#[test]
fn a_name_that_does_not_exist_is_looked_up_again_each_time() {
    let mut link = Link::new(destination("no-such-host.invalid:2003", Protocol::Plaintext), 1);
    let now = Instant::now();
    for n in 1..=2 {
        assert_eq!(link.send(&batch(1), now + LATER * n).unwrap_err().step, SendStep::Resolve);
    }
}
