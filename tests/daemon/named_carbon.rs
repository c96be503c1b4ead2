//! A carbon that DNS names: fail-over, an answer that changes, and a resolver that says nothing.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::points::{KEYS, this_second};
use crate::rig::{Rig, until};
use crate::sink::Sink;
use support::log::Request;

/// A made-up name server on a port of its own: of SRV it answers these targets, of TXT this text, and every name is 127.0.0.1; it says
/// nothing at all while it has neither.
#[derive(Clone)]
struct Names {
    address: SocketAddr,
    said: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    /// Priority, weight, port.
    targets: Vec<(u16, u16, u16)>,
    text: String,
    asked: usize,
}

const TTL: u32 = 1;

impl Names {
    fn new() -> Names {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let names = Names { address: socket.local_addr().unwrap(), said: Arc::default() };
        let served = names.clone();
        // The thread ends with the test's process.
        std::thread::spawn(move || {
            let mut asked = [0; 1024];
            while let Ok((length, from)) = socket.recv_from(&mut asked) {
                if let Some(answer) = served.answer(&asked[..length]) {
                    socket.send_to(&answer, from).unwrap();
                }
            }
        });
        names
    }

    fn say(&self, targets: &[(u16, u16, u16)], text: &str) {
        let mut said = self.said.lock().unwrap();
        (said.targets, said.text) = (targets.to_vec(), text.to_owned());
    }

    fn asked(&self) -> usize {
        self.said.lock().unwrap().asked
    }

    /// RFC 1035, 4.1: one question, its answers with the name by a pointer to it.
    fn answer(&self, asked: &[u8]) -> Option<Vec<u8>> {
        let mut said = self.said.lock().unwrap();
        said.asked += 1;
        let name_end = 12 + asked[12..].iter().position(|&byte| byte == 0)? + 1;
        let kind = u16::from_be_bytes([asked[name_end], asked[name_end + 1]]);
        let mut records: Vec<Vec<u8>> = Vec::new();
        match kind {
            33 => {
                for (priority, weight, port) in &said.targets {
                    let mut data = Vec::new();
                    for number in [priority, weight, port] {
                        data.extend_from_slice(&number.to_be_bytes());
                    }
                    data.extend_from_slice(b"\x06carbon\x04test\x00");
                    records.push(data);
                }
            }
            16 if !said.text.is_empty() => {
                records.push([&[u8::try_from(said.text.len()).unwrap()], said.text.as_bytes()].concat());
            }
            1 => records.push(vec![127, 0, 0, 1]),
            _ => {}
        }
        if said.targets.is_empty() && said.text.is_empty() {
            return None;
        }
        let mut answer = asked[..2].to_vec();
        answer.extend_from_slice(&[0x85, 0x80, 0, 1, 0, u8::try_from(records.len()).unwrap(), 0, 0, 0, 0]);
        answer.extend_from_slice(&asked[12..name_end + 4]);
        for data in records {
            answer.extend_from_slice(&[0xc0, 12]);
            answer.extend_from_slice(&kind.to_be_bytes());
            answer.extend_from_slice(&[0, 1]);
            answer.extend_from_slice(&TTL.to_be_bytes());
            answer.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
            answer.extend_from_slice(&data);
        }
        Some(answer)
    }

    fn section(&self, address: &str) -> String {
        format!("[[carbon]]\naddress = \"{address}\"\nresolver = \"{}\"\nconnect_timeout = \"1s\"\n", self.address)
    }
}

/// A port that nobody listens on.
fn dead_port() -> u16 {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Log a request of this second, and wait until its slot is there.
fn arrives(rig: &Rig, sink: &Sink) {
    let second = this_second();
    rig.log(&[Request::new(second, 40, "/slow")]);
    let count = || sink.last("nginx.web1.slow.requests.count", second / 1000);
    until("the slot", count, |count| count.is_some_and(|count| count > 0.0));
}

#[test]
fn a_service_is_found_fails_over_by_priority_and_is_followed_when_the_answer_changes() {
    let (names, first, second) = (Names::new(), Sink::new(), Sink::new());
    names.say(&[(20, 0, first.address.port()), (10, 5, dead_port())], "");
    let rig = Rig::new(KEYS, &names.section("srv:_graphite._tcp.carbon.test"));
    let daemon = rig.start();
    daemon.until_said("store ");
    arrives(&rig, &first);
    // The connection holds, and DNS says within its TTL that carbon is elsewhere.
    names.say(&[(10, 5, second.address.port())], "");
    arrives(&rig, &second);
    // Now DNS says nothing any more: what is connected serves on.
    names.say(&[], "");
    arrives(&rig, &second);
    assert!(daemon.stop().success());
}

#[test]
fn a_text_names_hosts_in_their_order() {
    let (names, first, second) = (Names::new(), Sink::new(), Sink::new());
    let port = |sink: &Sink| sink.address.port();
    names.say(&[], &format!("carbon.test:{};carbon.test:{};127.0.0.1:{}", dead_port(), port(&first), port(&second)));
    let rig = Rig::new(KEYS, &names.section("txt:carbon.s.test"));
    let daemon = rig.start();
    daemon.until_said("store ");
    arrives(&rig, &first);
    assert!(second.points().is_empty());
    names.say(&[], &format!("127.0.0.1:{}", port(&second)));
    arrives(&rig, &second);
    assert!(daemon.stop().success());
    let run = rig.ask(&["check"]);
    assert!(run.out.contains(&format!("DNS names 127.0.0.1:{}", port(&second))), "{}", run.out);
}

#[test]
fn a_silent_resolver_holds_nothing_up_and_what_is_owed_comes_when_it_speaks() {
    let (names, sink) = (Names::new(), Sink::new());
    let rig = Rig::new(KEYS, &names.section("srv:_graphite._tcp.carbon.test"));
    let daemon = rig.start();
    daemon.until_said("store ");
    let second = this_second();
    rig.log(&[Request::new(second, 40, "/slow")]);
    until("a question", || names.asked(), |asked| *asked > 0);
    let began = Instant::now();
    assert!(daemon.stop().success());
    // It says its last words for a second and a half at most; a look-up of three would show.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    rig.until_counted(1);
    let daemon = rig.start();
    names.say(&[(1, 1, sink.address.port())], "");
    let count = || sink.last("nginx.web1.slow.requests.count", second / 1000);
    until("what was owed", count, |count| *count == Some(1.0));
    assert!(daemon.stop().success());
}
