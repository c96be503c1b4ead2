//! What the signals order: they have a thread of their own, so that a write in progress is never interrupted.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender};
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::{Handle, Signals};

use super::beginning::{say_remarks, settings_of};
use super::service::ServiceManager;
use crate::cli::input::context::Context;
use crate::daemon::{DaemonSettings, Notice, Say};
use crate::error::{Error, Result};

/// The signals that are heeded, or heard so that they end nothing.
const SIGNALS: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM];

/// What is to become of the daemon.
pub(super) struct Orders {
    /// Tells the daemon to stop; why, is in `state`.
    pub(super) stop: Receiver<()>,
    stopping: Sender<()>,
    state: Mutex<OrderState>,
}

#[derive(Default)]
struct OrderState {
    /// It is to end: nothing else counts any more.
    is_end: bool,
    /// It is to go on with these.
    next: Option<DaemonSettings>,
    /// The patterns of the logs that are followed.
    followed: Vec<String>,
}

impl Orders {
    pub(super) fn new() -> Orders {
        let (stopping, stop) = crossbeam_channel::bounded(1);
        Orders { stop, stopping, state: Mutex::default() }
    }

    /// What the daemon that was just stopped is to go on with; nothing if that was the end.
    pub(super) fn take_next(&self) -> Option<DaemonSettings> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_end {
            return None;
        }
        // Under the lock: whatever was ordered by now is taken with it.
        let _what_was_ordered = self.stop.try_recv();
        state.next.take()
    }

    /// These are followed now.
    pub(super) fn note_followed(&self, settings: &DaemonSettings) {
        let followed = settings.logs.iter().map(|log| log.pattern.clone()).collect();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).followed = followed;
    }

    /// A log that is followed, and that nginx.conf says a format of by which nobody can count: to leave it would lose what is still
    /// written in the format before.
    fn check_followed(&self, context: &Context) -> Result<()> {
        let Some(conf) = context.nginx()? else { return Ok(()) };
        let uncountable = conf.followed(&context.config()?.logs).uncountable;
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.followed.iter().find_map(|log| uncountable.get(log)) {
            Some(why) => Err(Error::usage(why.clone())
                .remedy("mend its log_format, or take the log out of what is followed: `access_log off`, or a [[log]] of its own")),
            None => Ok(()),
        }
    }

    fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_end = true;
        // Full: it is told to stop already.
        let _told = self.stopping.try_send(());
    }

    fn go_on_with(&self, settings: DaemonSettings) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.next = Some(settings);
        let _told = self.stopping.try_send(());
    }
}

/// The thread.
pub(super) struct SignalThread {
    handle: Handle,
    thread: JoinHandle<()>,
}

impl SignalThread {
    /// Listens from now on. At SIGHUP the files of `context` are read anew.
    pub(super) fn start(
        context: &Context,
        orders: &Arc<Orders>,
        say: &Say,
        service: &Arc<ServiceManager>,
    ) -> Result<SignalThread> {
        let mut signals = Signals::new(SIGNALS).map_err(|error| Error::failed(format!("signals: {error}")))?;
        let handle = signals.handle();
        let (orders, say, service) = (Arc::clone(orders), Arc::clone(say), Arc::clone(service));
        let named = context.named();
        let thread = std::thread::spawn(move || {
            for signal in signals.forever() {
                match signal {
                    // A terminal that goes away is a reason to stop; whoever sends this to a daemon wants it to read its
                    // configuration.
                    SIGHUP if !std::io::stderr().is_terminal() => reload(&named.again(), &orders, &say, &service),
                    // What other daemons reopen their logs by; unheeded it would end this one.
                    SIGUSR1 | SIGUSR2 | SIGALRM => {}
                    _ => return orders.end(),
                }
            }
        });
        Ok(SignalThread { handle, thread })
    }

    /// Listens no more.
    pub(super) fn stop(self) {
        self.handle.close();
        let _joined = self.thread.join();
    }
}

/// Reads everything anew. Only if all of it is right is the daemon told to stop and go on with it.
fn reload(context: &Context, orders: &Orders, say: &Say, service: &ServiceManager) {
    service.tell_reloading();
    say(&Notice::Reloading);
    let read = settings_of(context, say).and_then(|settings| {
        orders.check_followed(context)?;
        say_remarks(context, &settings, say)?;
        Ok(settings)
    });
    match read {
        Ok(settings) => orders.go_on_with(settings),
        Err(error) => {
            service.note_reload(Some(&error));
            say(&Notice::ReloadFailed(error));
            service.tell_ready();
        }
    }
}
