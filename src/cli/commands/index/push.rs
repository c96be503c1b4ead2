//! `index --push`: which destinations, how far back, and what came of it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;

use super::archives::{archives_of, warn_of_archives, warn_of_copies};
use super::creates::{Creating, limit_of_creates};
use crate::cli::answer::output::say;
use crate::cli::answer::window::{self, span_of_slots};
use crate::cli::args::IndexArguments;
use crate::cli::input::carbon_conf::folder_of_carbon;
use crate::cli::input::context::Context;
use crate::cli::input::known_series::CarbonSeriesSource;
use crate::cli::input::resending::{account_beside, send_beside, sent_slots};
use crate::cli::input::settings;
use crate::daemon::backfill::{BackfillAccount, Pushed, Sending, SentFrom, send_owed, slots_in};
use crate::daemon::{DestinationSettings, Notice, Say};
use crate::error::{Error, Result};
use crate::report::count;
use crate::store::{View, Writer};
use crate::time::{Clock, SystemClock, Timestamp, Window, parse_duration};

/// How much of a window is looked through at a time.
const STEP: Duration = Duration::from_secs(3600);

/// One destination of the command, until a store is open.
struct AskedDestination {
    settings: DestinationSettings,
    /// How far back its carbon keeps points.
    kept: Duration,
    /// The folder of its carbon's configuration.
    conf: Option<PathBuf>,
    /// Who can say which series it knows.
    known: Option<CarbonSeriesSource>,
}

/// The destinations of one command; none without --push.
pub(super) struct Accounts {
    asked: Vec<AskedDestination>,
    /// Those of a store that is open, in the same order.
    accounts: Vec<BackfillAccount>,
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
                None => Ok(Accounts { asked: Vec::new(), accounts: Vec::new(), window: None }),
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
        for (settings, carbon) in settings::destinations(config)?.into_iter().zip(&config.carbons) {
            let kept = asked.or(carbon.retention).unwrap_or(Duration::MAX);
            let (conf, known) = (folder_of_carbon(carbon), CarbonSeriesSource::of_section(carbon)?);
            destinations.push(AskedDestination { settings, kept, conf, known });
        }
        Ok(Accounts { asked: destinations, accounts: Vec::new(), window })
    }

    /// Go on where the store says that an earlier push stopped.
    pub(super) fn open(&mut self, view: &View) {
        for asked in &self.asked {
            self.accounts.push(BackfillAccount::new(asked.settings.clone(), asked.kept, view));
        }
    }

    /// Whether a window is all that is to be sent, for which a reader's view of the store is enough.
    pub(super) fn is_window_alone(&self, arguments: &IndexArguments) -> bool {
        arguments.files.is_empty() && arguments.push && self.window.is_some()
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
            let now = SystemClock.now();
            for slot in window_slots(writer.view(), window)? {
                self.accounts.iter_mut().for_each(|account| account.owe(slot, now));
            }
        }
        let owed = self.accounts.iter().map(BackfillAccount::owed).max().unwrap_or(0);
        let mut prospects = Vec::new();
        for (account, asked) in self.accounts.iter_mut().zip(&self.asked) {
            prospects.push(prepare(account, asked, arguments, writer.view())?);
        }
        let bar = slots_bar(owed as u64);
        let aloud: Say = Arc::new(|notice: &Notice| say(&format!("spikeline: {notice}")));
        let sending = Sending {
            rate: arguments.rate,
            clock: &SystemClock,
            say: &aloud,
            progress: &|left| bar.set_position((owed as u64).saturating_sub(left)),
        };
        let pushed = send_owed(&mut SentFrom::Writer(writer), &mut self.accounts, &sending);
        bar.finish_and_clear();
        let mut failed = Vec::new();
        for ((pushed, account), prospect) in pushed?.iter().zip(&self.accounts).zip(prospects) {
            say(&sent_words(pushed, account, &prospect));
            failed.extend(lost_words(pushed, &prospect));
            if let Some(why) = &pushed.failed {
                let left = format!("carbon {}: {} slots are still owed: {why}", pushed.address, pushed.owed);
                say(&format!("{left}\n  help: `spikeline index --push{}` sends the rest", config_flag(context)));
                failed.push(left);
            }
        }
        Ok(failed)
    }

    /// Send a window of a store that another process writes; what was not sent is said, and handed back a line each.
    pub(super) fn push_beside(self, context: &Context, arguments: &IndexArguments) -> Result<Vec<String>> {
        let mut failed = Vec::new();
        let Some(window) = self.window else { return Ok(failed) };
        for asked in &self.asked {
            let view = context.view()?;
            let slots = window_slots(&view, window)?;
            let sent = sent_slots(&view, &asked.settings, &slots);
            let mut account = account_beside(&view, &asked.settings, asked.kept, &sent);
            let prospect = prepare(&mut account, asked, arguments, &view)?;
            let (pushed, account) = send_beside(context, view, account, arguments.rate)?;
            let left = slots.len() - sent.len();
            let daemons = match left {
                0 => String::new(),
                _ => format!("; {} slots are left to the daemon, which has not sent them yet", count(left as u64)),
            };
            say(&format!("{}{daemons}", sent_words(&pushed, &account, &prospect)));
            failed.extend(lost_words(&pushed, &prospect));
            if let Some(why) = &pushed.failed {
                let left = format!("carbon {}: {} slots were not sent: {why}", pushed.address, pushed.owed);
                say(&format!("{left}\n  help: give the same command again"));
                failed.push(left);
            }
        }
        Ok(failed)
    }
}

/// What will become of what is sent.
#[derive(Default)]
struct PushProspect {
    /// Slots that may be too old for the finest archive, where nobody says how far that reaches back.
    doubtful: usize,
    /// It is said that the archives do not take slots as they are.
    is_misfiled: bool,
    /// Series that carbon has not made.
    unmade: u64,
}

/// What is known of a carbon before it is sent to: its archives, and which series are new to it.
fn prepare(
    account: &mut BackfillAccount,
    asked: &AskedDestination,
    arguments: &IndexArguments,
    view: &View,
) -> Result<PushProspect> {
    let mut prospect = PushProspect::default();
    if let Some(conf) = asked.conf.as_ref().filter(|_| account.settings.archives.is_empty() && account.owed() > 0) {
        let archives = archives_of(conf, &account.settings, view);
        prospect.is_misfiled = archives.is_none();
        account.settings.archives = archives.unwrap_or_default();
    }
    prospect.doubtful = warn_of_archives(account);
    warn_of_copies(account);
    let limit = match arguments.creates {
        Some(limit) => Some(limit).filter(|limit| *limit > 0),
        None => asked.conf.as_deref().and_then(limit_of_creates),
    };
    let creating = Creating {
        limit,
        is_limit_known: arguments.creates.is_some() || asked.conf.is_some(),
        known: asked.known.as_ref(),
    };
    prospect.unmade = creating.create(account, view)?;
    Ok(prospect)
}

/// All slots of a window that the store has.
fn window_slots(view: &View, window: Window) -> Result<BTreeSet<Timestamp>> {
    let mut slots = BTreeSet::new();
    let Some((first, last)) = span_of_slots(view) else { return Ok(slots) };
    let (mut from, until) = (window.from.max(first), window.until.min(last.plus_millis(1)));
    while from < until {
        let step = Window { from, until: until.min(from.plus(STEP)) };
        slots.extend(slots_in(view, step)?);
        from = step.until;
    }
    Ok(slots)
}

/// What one destination got, and what it was not sent.
fn sent_words(pushed: &Pushed, account: &BackfillAccount, prospect: &PushProspect) -> String {
    // Of what may fall into a coarser archive nobody can say that it is kept whole.
    let (whole, doubts) = match (prospect.doubtful, prospect.is_misfiled || prospect.unmade > 0) {
        (0, false) => (" whole", String::new()),
        (0, true) => ("", "; not all of them are kept, see above".to_owned()),
        (old, _) => {
            ("", format!("; of the {} that are older than 1h carbon may keep one of several", count(old as u64)))
        }
    };
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
        "carbon {}: {} slots sent{whole}{rolled_up}, {} points{doubts}{untimely}{expired}",
        pushed.address,
        count(pushed.slots),
        count(pushed.points)
    )
}

/// What is lost for certain, if anything is.
fn lost_words(pushed: &Pushed, prospect: &PushProspect) -> Option<String> {
    let (address, unmade) = (&pushed.address, count(prospect.unmade));
    (prospect.unmade > 0).then(|| format!("carbon {address}: points of {unmade} series that it has not made"))
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
