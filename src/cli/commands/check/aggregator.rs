//! Whether an aggregator gets each slot once, and keeps it for as long as hosts may still send theirs.

use std::time::Duration;

use super::findings::Findings;
use crate::carbon::SendMode;
use crate::cli::config::{CarbonSection, Config};
use crate::cli::input::carbon_conf::{CarbonDaemonConf, folder_of_carbon};
use crate::daemon::DestinationSettings;
use crate::error::Result;
use crate::time::SpelledDuration;

/// From the end of the wait for late lines until a slot is there, and a little.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// One destination, if its port is that of the carbon-aggregator in carbon.conf.
pub(super) fn check(
    outlet: &DestinationSettings,
    section: &CarbonSection,
    config: &Config,
    findings: &mut Findings,
) -> Result<()> {
    let Some(folder) = folder_of_carbon(section) else { return Ok(()) };
    let Ok(Some(conf)) = CarbonDaemonConf::read(&folder) else { return Ok(()) };
    let Some(kept) = conf.aggregation_intervals(&section.address.value) else { return Ok(()) };
    let whose = format!("carbon {}: {}: carbon-aggregator", section.address.value, folder.display());
    if section.send == SendMode::Changed {
        let what = format!(
            "{whose} adds up all that it gets, and slots are sent again whenever late lines changed them: they are counted twice"
        );
        return findings.wrong_with_help(&what, "`send = \"final\"` in this [[carbon]]");
    }
    let needed = intervals_needed(outlet.delay.max(config.lateness), config.interval);
    if u128::from(kept) < needed {
        let what = format!(
            "{whose} forgets a slot after MAX_AGGREGATION_INTERVALS = {kept} of them, and slots come {} after their end: what hosts send a moment \
             apart is not added up",
            SpelledDuration(outlet.delay.max(config.lateness))
        );
        return findings
            .wrong_with_help(&what, &format!("MAX_AGGREGATION_INTERVALS = {needed}, or a shorter `lateness`"));
    }
    findings.fine(&format!("{whose} keeps slots for as long as they may come"))
}

/// How many intervals have to be kept so that what comes so late, and what another host sends an interval later, meet.
fn intervals_needed(wait: Duration, interval: Duration) -> u128 {
    wait.saturating_add(ON_ITS_WAY).as_millis().div_ceil(interval.as_millis().max(1)) + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aggregator_has_to_keep_slots_until_the_last_host_may_send() {
        let needed = |wait, interval| intervals_needed(Duration::from_secs(wait), Duration::from_secs(interval));
        assert_eq!([needed(60, 10), needed(20, 10), needed(60, 60), needed(0, 10)], [9, 5, 4, 3]);
    }
}
