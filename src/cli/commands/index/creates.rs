//! Which series are new to a carbon, and their creation no faster than it makes them.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::cli::answer::output::say;
use crate::cli::input::carbon_conf::CarbonDaemonConf;
use crate::cli::input::known_series::{CarbonSeriesSource, SeriesOfRoutes};
use crate::daemon::backfill::{BackfillAccount, create_series};
use crate::error::Result;
use crate::report::count;
use crate::store::View;
use crate::time::{Clock, SpelledDuration, SystemClock};

/// So long carbon may take from a point to the series' file.
const SETTLING: Duration = Duration::from_secs(2);

/// Carbon is given series that it does not make so often; the daemon's own new ones may have taken their places.
const TRIES: u32 = 3;

/// The limit that the carbon.conf of a folder has, if it has one.
pub(super) fn limit_of_creates(folder: &Path) -> Option<u32> {
    CarbonDaemonConf::read(folder).ok().flatten()?.creates_per_minute
}

/// How new series are made.
pub(super) struct Creating<'k> {
    /// So many a minute; none for no limit, or an unknown one.
    pub(super) limit: Option<u32>,
    /// Whether that there is no limit is known.
    pub(super) is_limit_known: bool,
    /// Who says which series there are.
    pub(super) known: Option<&'k CarbonSeriesSource>,
}

impl Creating<'_> {
    /// Say how many of the series that the account is owed are new to carbon, and make them where it has a limit. Gives how many it has not
    /// made although it was sent a point of each.
    pub(super) fn create(&self, account: &BackfillAccount, view: &View) -> Result<u64> {
        if account.owed() == 0 || (self.known.is_none() && self.limit.is_none() && self.is_limit_known) {
            return Ok(0);
        }
        let series = self.by_route(account, view)?;
        let carbon = format!("spikeline: carbon {}", account.settings.destination.address);
        let mut new = match self.unknown(account, &series) {
            Ok(Some(new)) => new,
            Ok(None) => series.clone(),
            Err(why) => {
                say(&format!("{carbon}: which series are new to it cannot be seen: {why}"));
                series.clone()
            }
        };
        let (all, many) = (count(number_of(&series)), count(number_of(&new)));
        let are_known = self.known.is_some();
        if number_of(&new) == 0 {
            return Ok(0);
        }
        let Some(limit) = self.limit else {
            let what = match are_known {
                true => format!("{carbon}: {many} of {all} series are new to it"),
                false => format!("{carbon}: some of {all} series may be new to it"),
            };
            let help = "\n  help: if it makes only so many series a minute (MAX_CREATES_PER_MINUTE in carbon.conf), points of the others are lost: \
                        give that number, `--creates 50`, or send again until `spikeline verify --graphite` is clean";
            say(&format!("{what}{}", if self.is_limit_known { "" } else { help }));
            return Ok(0);
        };
        let takes = SpelledDuration(Duration::from_secs(number_of(&new) * 66 / u64::from(limit.max(1))));
        let which = if are_known { format!("{many} of {all} series are") } else { format!("all {many} series may be") };
        say(&format!(
            "{carbon}: {which} new to it, and it makes {limit} a minute: one point of each goes first, for some {takes}"
        ));
        for _ in 0..TRIES {
            let wanted: BTreeSet<String> = new.values().flatten().cloned().collect();
            if let Some(error) = create_series(view, account, &wanted, limit, SystemClock.now())? {
                say(&format!("spikeline: {error}"));
                return Ok(0);
            }
            if !are_known {
                return Ok(0);
            }
            std::thread::sleep(SETTLING);
            new = match self.unknown(account, &series) {
                Ok(unknown) => unknown.unwrap_or_default(),
                Err(error) => {
                    say(&format!("spikeline: {error}\n  help: whether {carbon} made its new series is not known"));
                    return Ok(number_of(&new));
                }
            };
            if new.is_empty() {
                return Ok(0);
            }
        }
        let left = count(number_of(&new));
        say(&format!(
            "{carbon}: it has not made {left} of them: points of these are lost until it does\n  help: `spikeline verify --resend` sends what it \
             lacks until nothing is missing"
        ));
        Ok(number_of(&new))
    }

    /// The series that an account is owed, by their routes.
    fn by_route(&self, account: &BackfillAccount, view: &View) -> Result<SeriesOfRoutes> {
        let mut series = SeriesOfRoutes::new();
        for path in account.series(view, SystemClock.now())? {
            if let Ok(named) = account.settings.naming.read_series(&path) {
                series.entry(named.route).or_default().insert(path);
            }
        }
        Ok(series)
    }

    fn unknown(&self, account: &BackfillAccount, series: &SeriesOfRoutes) -> Result<Option<SeriesOfRoutes>> {
        let Some(known) = self.known else { return Ok(None) };
        known.unknown(&account.settings.naming, series, SystemClock.now()).map(Some)
    }
}

fn number_of(series: &SeriesOfRoutes) -> u64 {
    series.values().map(|paths| paths.len() as u64).sum()
}
