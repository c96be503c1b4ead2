//! What carbon keeps of the past, so that a push sends of each time what has a place there.

use std::path::Path;
use std::time::Duration;

use crate::carbon::{Archive, SendMode, series_of_route};
use crate::cli::answer::output::say;
use crate::cli::input::carbon_conf::CarbonConf;
use crate::daemon::DestinationSettings;
use crate::daemon::backfill::BackfillAccount;
use crate::report::count;
use crate::store::View;
use crate::time::{Clock, SystemClock};

/// A finest archive reaches back this far, whoever made it. What is older may fall into one that keeps one slot of many.
const SAFE: Duration = Duration::from_secs(3600);

/// The archives that carbon's own configuration has for all series of all routes; nothing, which is said, where it is not the same for all,
/// or not of whole slots.
pub(super) fn archives_of(folder: &Path, destination: &DestinationSettings, view: &View) -> Option<Vec<Archive>> {
    match read_archives(folder, destination, view) {
        Ok(archives) => Some(archives),
        Err(why) => {
            say(&format!("spikeline: carbon {}: {}: {why}", destination.destination.address, folder.display()));
            None
        }
    }
}

fn read_archives(folder: &Path, destination: &DestinationSettings, view: &View) -> Result<Vec<Archive>, String> {
    let conf = CarbonConf::read(folder)?.ok_or("there is no storage-schemas.conf")?;
    let mut all: Option<Vec<Archive>> = None;
    for (_, route) in view.routes() {
        for (path, _) in series_of_route(&destination.naming, route) {
            let archives = conf.kept(&path)?.archives;
            match &all {
                Some(held) if *held != archives => {
                    return Err(format!("storage-schemas.conf keeps {path} in other archives than other series"));
                }
                Some(_) => {}
                None => all = Some(archives),
            }
        }
    }
    let archives = all.unwrap_or_default();
    match archives.first() {
        Some(finest) if finest.step != view.settings().interval => {
            Err("the finest archive of storage-schemas.conf has another step than slots: see `spikeline check`"
                .to_owned())
        }
        _ => Ok(archives),
    }
}

/// Of slots that may be too old for the finest archive nobody knows what carbon makes, unless its archives are known, or how far back it
/// keeps slots. Gives how many these are.
pub(super) fn warn_of_archives(account: &BackfillAccount) -> usize {
    if !account.settings.archives.is_empty() || account.max_age < Duration::MAX {
        return 0;
    }
    let old = account.owed_before(SystemClock.now().minus(SAFE));
    if old > 0 {
        say(&format!(
            "spikeline: carbon {}: {} slots are older than 1h; where its finest archive reaches back no further, carbon keeps of each step of a \
             coarser one the last slot alone\n  help: say what it keeps, `archives = \"10s:6h,1m:6d\"` in [[carbon]], and what is older goes as \
             exact sums of each step; or how far back it keeps slots, `retention = \"6h\"`",
            account.settings.destination.address,
            count(old as u64)
        ));
    }
    old
}

/// A carbon that is to get each slot once gets these again, if it had them.
pub(super) fn warn_of_copies(account: &BackfillAccount) {
    if account.settings.send == SendMode::Final && account.owed() > 0 {
        say(&format!(
            "spikeline: carbon {} keeps every copy (send = \"final\"): of these slots it has those twice that it was sent before",
            account.settings.destination.address
        ));
    }
}
