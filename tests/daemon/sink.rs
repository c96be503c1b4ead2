//! A made-up carbon: it takes plaintext lines and keeps the last value of each point, as whisper does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

/// What has arrived: by path and second the values in the order of their arrival.
pub(crate) type Points = BTreeMap<(String, i64), Vec<f64>>;

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    points: Arc<Mutex<Points>>,
}

impl Sink {
    pub(crate) fn new() -> Sink {
        Sink::listen("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn listen(address: SocketAddr) -> Sink {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let points = Arc::new(Mutex::new(Points::new()));
        let taken = Arc::clone(&points);
        // The threads end with the test's process.
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let taken = Arc::clone(&taken);
                std::thread::spawn(move || {
                    for line in BufReader::new(connection).lines().map_while(Result::ok) {
                        let fields: Vec<&str> = line.split(' ').collect();
                        let [path, value, second] = fields[..] else { panic!("not a point: {line:?}") };
                        let key = (path.to_owned(), second.parse().unwrap());
                        taken.lock().unwrap().entry(key).or_default().push(value.parse().unwrap());
                    }
                });
            }
        });
        Sink { address, points }
    }

    /// A `[[carbon]]` section that sends here.
    pub(crate) fn section(&self) -> String {
        section(self.address)
    }

    pub(crate) fn points(&self) -> Points {
        self.points.lock().unwrap().clone()
    }

    /// Lose everything, as a carbon that crashes.
    pub(crate) fn forget(&self) {
        self.points.lock().unwrap().clear();
    }

    /// The last value of a point.
    pub(crate) fn last(&self, path: &str, second: i64) -> Option<f64> {
        self.points().get(&(path.to_owned(), second)).and_then(|values| values.last().copied())
    }
}

pub(crate) fn section(address: SocketAddr) -> String {
    format!("[[carbon]]\naddress = \"{address}\"\n")
}
