//! The socket, the threads, and how many may be connected for how long.
//!
//! Everything is on threads named `http` that give way to all others (nice 10). Whoever connects and says nothing is closed after
//! [`HEADER_TIME`]; when all places are taken, one who connects takes the place of the one that has been idle longest, so that ten
//! thousand who say nothing keep nobody out.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router as PathRouter;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::{Notify, watch};

use super::exchange::{AT_ONCE, Exchange, paths};
use super::guard::Guard;
use super::idle_watch::IdleWatch;
use super::reader::SharedStore;
use super::settings::HttpSettings;
use crate::error::{Error, Result};

/// The head of a request must have come after this, from when the connection is made or the last answer was sent.
const HEADER_TIME: Duration = Duration::from_secs(20);

/// Some of an answer must be taken within this.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// A connection is over after this, whatever it does.
const LONGEST_CONNECTION: Duration = Duration::from_secs(3600);

/// The head of a request may be this long.
const LONGEST_HEAD: usize = 64 << 10;

/// At a stop, what is being answered may take this long.
const STOP_TIME: Duration = Duration::from_millis(500);

/// How often what nobody asked for is dropped.
const SWEEP: Duration = Duration::from_secs(15);

/// How much less than other threads these are worth.
const NICE: i32 = 10;

/// Take the address.
///
/// # Errors
/// It is taken, or not one of this machine, or not for this user.
pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    let refused = |error: std::io::Error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program (another spikeline?) listens there: give another port with --listen ADDR:PORT, or \"off\""
            }
            std::io::ErrorKind::AddrNotAvailable => "give an address of this machine, such as 127.0.0.1:8417",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 are root's: give another, such as 8417",
            _ => "give another address with --listen ADDR:PORT",
        };
        Error::failed(format!("cannot listen on {address}: {error}")).remedy(remedy)
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct HttpServer {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl HttpServer {
    /// Serve on a socket that [`bind`] gave.
    ///
    /// # Errors
    /// Threads cannot be started.
    pub fn start(listener: TcpListener, settings: HttpSettings) -> Result<HttpServer> {
        let failed = |error: std::io::Error| Error::failed(format!("cannot start the server's threads: {error}"));
        let address = listener.local_addr().map_err(failed)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(AT_ONCE)
            .thread_name("http")
            .on_thread_start(give_way)
            .enable_io()
            .enable_time()
            .build()
            .map_err(failed)?;
        let HttpSettings { guard, connections, site } = settings;
        let exchange = Arc::new(Exchange::new(Guard::new(guard, address), SharedStore::new(site)));
        let (stop, stopped) = watch::channel(false);
        let serve = move || {
            runtime.block_on(accept_all(listener, exchange, connections.max(1), stopped));
            // A thread that is in the middle of a long question is left to itself.
            runtime.shutdown_timeout(STOP_TIME);
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(serve).map_err(failed)?;
        Ok(HttpServer { address, stop, thread: Some(thread) })
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        // Nobody listens any more if it ended by itself.
        let _ended = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
    }
}

/// Ingestion goes first.
fn give_way() {
    let _as_it_was = rustix::process::setpriority_process(None, NICE);
}

/// Accept until told to stop.
async fn accept_all(listener: TcpListener, exchange: Arc<Exchange>, places: usize, mut stopped: watch::Receiver<bool>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let paths = paths(&exchange);
    let crowd = Arc::new(Crowd::default());
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    crowd.make_room(places);
                    tokio::spawn(converse(stream, paths.clone(), Arc::clone(&crowd), stopped.clone()));
                }
                // Out of files, mostly: those who are connected go first.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            _ = sweep.tick() => exchange.store.forget_unused(),
            _ = stopped.changed() => return,
        }
    }
}

/// All that is said on one connection.
async fn converse(stream: TcpStream, paths: PathRouter, crowd: Arc<Crowd>, mut stopped: watch::Receiver<bool>) {
    let guest = crowd.enter();
    let _no_delay = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(paths);
    let own = Arc::clone(&guest);
    let service = hyper::service::service_fn(move |request| {
        own.is_busy();
        let (answering, own) = (hyper::service::Service::call(&inner, request), Arc::clone(&own));
        async move {
            let answer = answering.await;
            own.is_idle();
            answer
        }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_buf_size(LONGEST_HEAD).half_close(false);
    let connection = http.serve_connection(TokioIo::new(IdleWatch::new(stream, WRITE_TIME)), service);
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = guest.leave.notified() => {}
        () = tokio::time::sleep(LONGEST_CONNECTION) => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _late = tokio::time::timeout(STOP_TIME / 2, connection).await;
        }
    }
    crowd.go(&guest);
}

/// Who is connected.
#[derive(Debug, Default)]
struct Crowd {
    guests: Mutex<HashMap<u64, Arc<Guest>>>,
    /// Counts all that happens, to know what was longest ago.
    happened: Arc<AtomicU64>,
}

/// One connection.
#[derive(Debug)]
struct Guest {
    number: u64,
    happened: Arc<AtomicU64>,
    /// When it became idle; 0 while it is being answered.
    idle_since: AtomicU64,
    leave: Notify,
}

impl Guest {
    fn is_busy(&self) {
        self.idle_since.store(0, Ordering::Relaxed);
    }

    fn is_idle(&self) {
        self.idle_since.store(self.happened.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

impl Crowd {
    fn enter(&self) -> Arc<Guest> {
        let number = self.happened.fetch_add(1, Ordering::Relaxed) + 1;
        let idle_since = AtomicU64::new(number);
        let guest = Arc::new(Guest { number, happened: Arc::clone(&self.happened), idle_since, leave: Notify::new() });
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).insert(number, Arc::clone(&guest));
        guest
    }

    fn go(&self, guest: &Guest) {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).remove(&guest.number);
    }

    /// If all places are taken: the one that has been idle longest leaves, or, where all are being answered, the oldest.
    fn make_room(&self, places: usize) {
        let mut guests = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        while guests.len() >= places {
            let since = |guest: &&Arc<Guest>| match guest.idle_since.load(Ordering::Relaxed) {
                0 => (1, guest.number),
                idle_since => (0, idle_since),
            };
            let Some(number) = guests.values().min_by_key(since).map(|guest| guest.number) else { return };
            if let Some(guest) = guests.remove(&number) {
                guest.leave.notify_one();
            }
        }
    }
}
