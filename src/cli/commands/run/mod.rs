//! `spikeline run`: the daemon, from its start over any number of reloads to its end.

mod beginning;
mod message_log;
mod page_server;
mod rate_limit;
mod service;
mod signals;

use std::sync::Arc;

use crate::cli::answer::Answer;
use crate::cli::args::RunArguments;
use crate::cli::input::context::Context;
use crate::cli::input::event_settings::event_settings;
use crate::daemon::{Beat, DaemonSettings, EventWatch, Notice, RunningDaemon, Say, SyslogReceivers};
use crate::error::Result;
use crate::time::{Clock, SystemClock};
use beginning::{say_beginning, settings_of};
use message_log::MessageLog;
use page_server::{restart_page, start_page};
use service::ServiceManager;
use signals::{Orders, SignalThread};

/// Runs until SIGTERM or SIGINT (or SIGHUP, where a terminal went away), or until the daemon fails.
///
/// A reload is an orderly restart within: the daemon stops at a commit, and another goes on from its positions. So there is no state in
/// which half of a configuration is in force, and no line that both or neither read. The settings are made and validated before the old
/// daemon is told to stop; should the new one not open all the same, the old settings are taken again.
pub(super) fn run(context: &Context, arguments: &RunArguments) -> Result<Answer> {
    let log = Arc::new(MessageLog::new(arguments.log, arguments.quiet));
    let service = Arc::new(ServiceManager::default());
    let own = Arc::clone(&log);
    let say: Say = Arc::new(move |notice: &Notice| own.write(notice));
    let mut settings = settings_of(context, &say)?;
    let orders = Arc::new(Orders::new());
    let signals = SignalThread::start(context, &orders, &say, &service)?;
    say_beginning(context, &settings, &say)?;
    let beat = beat_of(&service, &log);
    let listen = arguments.listen.as_deref();
    let mut page = start_page(context, listen, &settings, &say)?;
    let mut watch = watch_events(context, listen, &settings, &say)?;
    let mut receivers = SyslogReceivers::default();
    let mut daemon = open(settings.clone(), &mut receivers, &say)?;
    let ended = loop {
        orders.note_followed(&settings);
        service.tell_ready();
        let ended = daemon.run(&orders.stop, &beat);
        let next = match &ended {
            Ok(_) => orders.take_next(),
            // What was not committed is read again: nothing to stop for.
            Err(_) => None,
        };
        let Some(next) = next else { break ended };
        (daemon, settings) = reopen(next, settings, &mut receivers, &say, &service)?;
        // Its address is free before it is asked for again.
        drop(page.take());
        let renewed = context.named().again();
        drop(watch.take());
        watch = watch_events(&renewed, listen, &settings, &say).unwrap_or_else(|error| {
            say(&Notice::EventFailed(error));
            None
        });
        page = restart_page(&context.named().again(), listen, &settings, &say);
    };
    drop((page, watch));
    service.tell_stopping();
    signals.stop();
    say(&Notice::Stopped(ended?));
    Ok(Answer::Found)
}

/// Tells a Graphite of events, if one is to be told.
fn watch_events(
    context: &Context,
    listen: Option<&str>,
    daemon: &DaemonSettings,
    say: &Say,
) -> Result<Option<EventWatch>> {
    let Some(settings) = event_settings(context, daemon.store.clone(), listen)? else { return Ok(None) };
    EventWatch::start(settings, say).map(Some)
}

/// Receivers that are wanted before as well go on, so that a reload loses nothing of what they receive.
fn open(mut settings: DaemonSettings, receivers: &mut SyslogReceivers, say: &Say) -> Result<RunningDaemon> {
    receivers.apply(&settings.receiving.logs)?;
    settings.receiving.losses = receivers.losses();
    RunningDaemon::open(settings, Arc::new(SystemClock), say)
}

/// The daemon that goes on with `next`, or, if that cannot be, with what was in force before; with the settings it has.
fn reopen(
    next: DaemonSettings,
    before: DaemonSettings,
    receivers: &mut SyslogReceivers,
    say: &Say,
    service: &ServiceManager,
) -> Result<(RunningDaemon, DaemonSettings)> {
    match open(next.clone(), receivers, say) {
        Ok(daemon) => {
            say(&Notice::Reloaded { logs: next.logs.len() });
            service.note_reload(None);
            Ok((daemon, next))
        }
        Err(error) => {
            service.note_reload(Some(&error));
            say(&Notice::ReloadFailed(error));
            Ok((open(before.clone(), receivers, say)?, before))
        }
    }
}

/// What happens every few seconds: the service manager hears that the daemon lives, and how it goes.
fn beat_of(service: &Arc<ServiceManager>, log: &Arc<MessageLog>) -> Beat {
    let (service, log) = (Arc::clone(service), Arc::clone(log));
    Arc::new(move |pulse| {
        service.tell_alive(pulse, SystemClock.now());
        log.flush();
    })
}
