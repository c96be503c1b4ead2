//! `index --push`: which destinations, how far back, and what came of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;

use super::archives::{archives_of, warn_of_archives, warn_of_copies};
use crate::cli::answer::output::say;
use crate::cli::answer::window::{self, span_of_slots};
use crate::cli::args::IndexArguments;
use crate::cli::input::context::Context;
use crate::cli::input::settings;
use crate::daemon::backfill::{BackfillAccount, Pushed, Sending, send_owed, slots_in};
use crate::daemon::{DestinationSettings, Notice, Say};
use crate::error::{Error, Result};
use crate::report::count;
use crate::store::{View, Writer};
use crate::time::{Clock, SystemClock, Timestamp, Window, parse_duration};

/// How much of a window is looked through at a time.
const STEP: Duration = Duration::from_secs(3600);

/// The destinations of one command; none without --push.
pub(super) struct Accounts {
    /// Each with how far back its carbon keeps points, and the folder of its configuration; until a store is open.
    destinations: Vec<(DestinationSettings, Duration, Option<PathBuf>)>,
    accounts: Vec<BackfillAccount>,
    /// The folder of the configuration of each one's carbon.
    confs: Vec<Option<PathBuf>>,
    window: Option<Window>,
}

impl Accounts {
    /// Whatever is wrong with how the push was asked for is said here, before a store is opened or a file read.
    pub(super) fn new(context: &Context, arguments: &IndexArguments) -> Result<Accounts> {
        let none = Window { from: Timestamp(0), until: Timestamp(0) };
        let asked = window::window(&arguments.window, context.now, none)?;
        let window = if asked == none { None } else { Some(asked) };
        if !arguments.push {
            return match window {
                Some(_) => Err(Error::usage("a window is for --push").remedy("FILEs are taken in whole")),
                None => {
                    Ok(Accounts { destinations: Vec::new(), accounts: Vec::new(), confs: Vec::new(), window: None })
                }
            };
        }
        let config = context.config()?;
        if config.carbons.is_empty() {
            return Err(Error::usage("there is no carbon to push to").remedy(
                "write a [[carbon]] section with its address into the configuration and name it with --config",
            ));
        }
        let asked = arguments.max_age.as_deref().map(parse_duration).transpose();
        let asked = asked.map_err(|error| {
            Error::usage(format!("--max-age: expected {} at byte {}", error.expected, error.offset))
                .remedy("for example --max-age 30d")
        })?;
        let mut destinations = Vec::new();
        for (destination, carbon) in settings::destinations(config)?.into_iter().zip(&config.carbons) {
            let kept = asked.or(carbon.retention).unwrap_or(Duration::MAX);
            let conf = carbon.conf.as_ref().map(|folder| folder.value.clone());
            destinations.push((destination, kept, conf));
        }
        Ok(Accounts { destinations, accounts: Vec::new(), confs: Vec::new(), window })
    }

    /// Go on where the store says that an earlier push stopped.
    pub(super) fn open(&mut self, view: &View) {
        for (destination, kept, conf) in self.destinations.drain(..) {
            self.confs.push(conf);
            self.accounts.push(BackfillAccount::new(destination, kept, view));
        }
    }

    /// What taking files in makes the destinations owed.
    pub(super) fn as_mut(&mut self) -> &mut [BackfillAccount] {
        &mut self.accounts
    }

    /// Send all that is owed; what stayed behind is said, and handed back a line each.
    pub(super) fn push(
        mut self,
        context: &Context,
        arguments: &IndexArguments,
        writer: &mut Writer,
    ) -> Result<Vec<String>> {
        if let Some(window) = self.window {
            self.owe(writer.view(), window)?;
        }
        let owed = self.accounts.iter().map(BackfillAccount::owed).max().unwrap_or(0);
        for (account, conf) in self.accounts.iter_mut().zip(&self.confs) {
            if let Some(conf) = conf.as_ref().filter(|_| account.settings.archives.is_empty()) {
                account.settings.archives = archives_of(conf, &account.settings, writer.view());
            }
            warn_of_archives(account);
            warn_of_copies(account);
        }
        let bar = slots_bar(owed as u64);
        let aloud: Say = Arc::new(|notice: &Notice| say(&format!("spikeline: {notice}")));
        let sending = Sending {
            rate: arguments.rate,
            clock: &SystemClock,
            say: &aloud,
            progress: &|left| bar.set_position((owed as u64).saturating_sub(left)),
        };
        let pushed = send_owed(writer, &mut self.accounts, &sending);
        bar.finish_and_clear();
        let mut failed = Vec::new();
        for (pushed, account) in pushed?.iter().zip(&self.accounts) {
            say(&sent_words(pushed, account));
            if let Some(why) = &pushed.failed {
                let left = format!("carbon {}: {} slots are still owed: {why}", pushed.address, pushed.owed);
                say(&format!("{left}\n  help: `spikeline index --push{}` sends the rest", config_flag(context)));
                failed.push(left);
            }
        }
        Ok(failed)
    }

    /// All slots of a window that the store has.
    fn owe(&mut self, view: &View, window: Window) -> Result<()> {
        let Some((first, last)) = span_of_slots(view) else { return Ok(()) };
        let (mut from, until) = (window.from.max(first), window.until.min(last.plus_millis(1)));
        let now = SystemClock.now();
        while from < until {
            let step = Window { from, until: until.min(from.plus(STEP)) };
            for slot in slots_in(view, step)? {
                for account in &mut self.accounts {
                    account.owe(slot, now);
                }
            }
            from = step.until;
        }
        Ok(())
    }
}

/// What one destination got, and what it was not sent.
fn sent_words(pushed: &Pushed, account: &BackfillAccount) -> String {
    let untimely = match account.untimely() {
        0 => String::new(),
        slots => format!("; {} slots are older than it keeps points, and were not sent", count(slots)),
    };
    let expired = match account.expired() {
        0 => String::new(),
        slots => {
            format!("; {} slots are of a time that retention removed from the store, and were not sent", count(slots))
        }
    };
    let rolled_up = match pushed.rolled_up {
        0 => String::new(),
        steps => format!(", some of them as {} steps of coarser archives", count(steps)),
    };
    format!(
        "carbon {}: {} slots sent whole{rolled_up}, {} points{untimely}{expired}",
        pushed.address,
        count(pushed.slots),
        count(pushed.points)
    )
}

/// The configuration as it has to be named again.
fn config_flag(context: &Context) -> String {
    match context.config_path() {
        Some(path) => format!(" --config {}", path.display()),
        None => String::new(),
    }
}

/// indicatif draws to stderr, and only if that is a terminal.
fn slots_bar(slots: u64) -> ProgressBar {
    if slots < 100 { ProgressBar::hidden() } else { ProgressBar::new(slots) }
}
