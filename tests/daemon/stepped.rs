//! The daemon in this process, with a clock that steps when it is told to: minutes pass without waiting for them.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use spikeline::carbon::{Destination, Naming, Protocol, SendMode};
use spikeline::daemon::{self, DaemonSettings, DestinationSettings, Log, Say};
use spikeline::grammar::{Escape, Format};
use spikeline::route::Router;
use spikeline::store::{Retention, StoreAccess};
use spikeline::time::{Clock, SystemClock, Timestamp};

use crate::rig::Rig;
use crate::sink::Sink;
use support::log::EXACT;

/// The machine's clock, and how far it is off.
#[derive(Default)]
pub(crate) struct Steps(AtomicI64);

impl Steps {
    /// Forward, or back.
    pub(crate) fn step(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A daemon over a rig's `a.log` and store.
pub(crate) struct Stepped {
    pub(crate) clock: Arc<Steps>,
    stop: Option<crossbeam_channel::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    said: Arc<Mutex<String>>,
}

impl Stepped {
    pub(crate) fn start(rig: &Rig, clock: &Arc<Steps>, sink: Option<&Sink>) -> Stepped {
        let settings = settings(rig, sink);
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let say: Say = Arc::new(move |line| heard.lock().unwrap().push_str(&format!("{line}\n")));
        let (stop, stopped) = crossbeam_channel::bounded(1);
        let own = Arc::clone(clock);
        let run = move || {
            daemon::run(settings, own, &say, &stopped).unwrap();
        };
        let thread = Some(std::thread::spawn(run));
        Stepped { clock: Arc::clone(clock), stop: Some(stop), thread, said }
    }

    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// As by SIGTERM.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Stepped {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn settings(rig: &Rig, sink: Option<&Sink>) -> DaemonSettings {
    let destination = |sink: &Sink| DestinationSettings {
        account: sink.address.to_string(),
        destination: Destination::new(sink.address.to_string(), Protocol::Plaintext).unwrap(),
        naming: Naming::new("nginx", "web1", false).unwrap(),
        spool: Duration::from_secs(86_400),
        send: SendMode::Changed,
        delay: Duration::ZERO,
        archives: Vec::new(),
    };
    DaemonSettings {
        formats: None,
        own_totals: Arc::default(),
        store: rig.folder.path("store"),
        interval: Duration::from_secs(10),
        lateness: Duration::from_secs(60),
        poll: Duration::from_millis(20),
        max_line: 1 << 20,
        routes_max: 100,
        threshold_ms: 1000,
        slowest: 5,
        server_errors: true,
        logs: vec![Log {
            pattern: rig.folder.path("a.log").to_str().unwrap().to_owned(),
            format: Format::compile("given", EXACT, Escape::Default).unwrap(),
        }],
        receiving: spikeline::daemon::Receiving::default(),
        archived: Vec::new(),
        rotated: std::collections::HashMap::new(),
        retention: Retention::default(),
        access: StoreAccess::default(),
        router: Arc::new(Router::new(Vec::new()).unwrap()),
        destinations: sink.map(destination).into_iter().collect(),
        #[cfg(feature = "otlp")]
        otlp: Vec::new(),
    }
}
