//! `spikeline run`: the daemon.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::cli::answer::Answer;
use crate::cli::answer::completeness::zone_words;
use crate::cli::answer::output::say;
use crate::cli::answer::untimed::say_untimed;
use crate::cli::args::RunArguments;
use crate::cli::input::context::Context;
use crate::cli::input::files::pattern_assumes_zone;
use crate::cli::input::{http_settings, settings};
use crate::daemon::{self, Notice, Say, Stopped};
use crate::error::{Error, Result};
use crate::http::{HttpServer, bind};
use crate::time::{SpelledDuration, SystemClock};

/// The signals that are heeded, or heard so that they end nothing.
const SIGNALS: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM];

/// Runs until SIGTERM or SIGINT (or SIGHUP, where a terminal went away), or until the daemon fails. The signals have a
/// thread of their own, which turns the first into the daemon's stop; so a write in progress is never interrupted.
pub(super) fn run(context: &Context, arguments: &RunArguments) -> Result<Answer> {
    let settings = settings::daemon_settings(context)?;
    let folder = settings.store.clone();
    let store = folder.display();
    let (stop_sender, stop) = crossbeam_channel::bounded(1);
    let mut signals = Signals::new(SIGNALS).map_err(|error| Error::failed(format!("signals: {error}")))?;
    let signals_handle = signals.handle();
    let waiting = std::thread::spawn(move || {
        for signal in signals.forever() {
            // A terminal that goes away is a reason to stop; a script that sends this to all daemons after a rotation
            // is none.
            if signal == SIGHUP && !std::io::stderr().is_terminal() {
                say("spikeline: SIGHUP: the configuration is read at the start only: restart to have it read anew; \
                     rotated logs are noticed without a signal");
                continue;
            }
            // What other daemons reopen their logs by; unheeded it would end this one.
            if [SIGUSR1, SIGUSR2, SIGALRM].contains(&signal) {
                continue;
            }
            // Nobody listens any more if the daemon ended by itself.
            let _ended = stop_sender.send(());
            return;
        }
    });
    if !arguments.quiet {
        say(&format!("spikeline {}: store {store}, {} log(s)", env!("CARGO_PKG_VERSION"), settings.logs.len()));
        for log in settings.logs.iter().filter(|log| !log.format.is_keyed()) {
            say_untimed(&log.pattern, &log.format, log.format.roles());
        }
        for log in settings.logs.iter().filter(|log| pattern_assumes_zone(&log.pattern, &log.format)) {
            say(&format!("spikeline: log {}: {}", log.pattern, zone_words()));
        }
        for carbon in settings.destinations.iter().filter(|carbon| !carbon.delay.is_zero()) {
            let (address, delay) = (&carbon.destination.address, SpelledDuration(carbon.delay));
            say(&format!("spikeline: carbon {address}: a slot is sent {delay} after its end"));
        }
        if let Some(conf) = context.nginx()? {
            conf.say(context.config()?);
        }
    }
    let quiet = arguments.quiet;
    let aloud: Say = Arc::new(move |notice: &Notice| {
        if !quiet || !matches!(notice, Notice::Following { .. }) {
            say(&format!("spikeline: {notice}"));
        }
    });
    let server = start_server(context, arguments, folder.clone())?;
    let ended = daemon::run(settings, Arc::new(SystemClock), &aloud, &stop);
    drop(server);
    signals_handle.close();
    let _joined = waiting.join();
    match ended? {
        Stopped::Committed if arguments.quiet => {}
        Stopped::Committed => say("spikeline: stopped; everything read is committed"),
        Stopped::Early => {
            say("spikeline: stopped; what was under way and is not committed is read again at the next start")
        }
    }
    Ok(Answer::Found)
}

/// Serve the page. That the address is taken is said, and is no reason not to run.
fn start_server(context: &Context, arguments: &RunArguments, store: PathBuf) -> Result<Option<HttpServer>> {
    let Some(address) = http_settings::listen(context, arguments.listen.as_deref())? else { return Ok(None) };
    let config = context.config_path().map(|path| format!(" --config {}", path.display()));
    let settings = http_settings::http_settings(context, store, config.unwrap_or_default())?;
    match bind(address).and_then(|listener| HttpServer::start(listener, settings)) {
        Ok(server) => {
            if !arguments.quiet {
                say(&format!("spikeline: the page is at http://{}/", server.address));
            }
            Ok(Some(server))
        }
        Err(error) => {
            say(&format!("spikeline: there is no page: {error}"));
            Ok(None)
        }
    }
}
