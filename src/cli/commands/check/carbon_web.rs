//! Whether what carbon was sent can be seen at the step that it was sent in, as the graphite-web says that shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::carbon_conf::loss_of_step;
use super::findings::Findings;
use crate::carbon::Points;
use crate::cli::config::CarbonSection;
use crate::cli::input::graphite_web::{GraphiteWeb, RenderedSeries, step_of_points};
use crate::daemon::DestinationSettings;
use crate::error::Result;
use crate::store::View;
use crate::time::{Clock, SpelledDuration, SystemClock, Timestamp};

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// So much of the past is asked for: some points of any step that makes sense.
const SECONDS: i64 = 3600;

/// The series of so many routes are asked for, beside the daemon's own: stanzas may differ.
const ROUTES: usize = 5;

/// The graphite-web of one destination, if it has one.
pub(super) fn check(
    outlet: &DestinationSettings,
    section: &CarbonSection,
    view: Option<&View>,
    interval: Duration,
    findings: &mut Findings,
) -> Result<()> {
    let Some(url) = &section.graphite else { return Ok(()) };
    let whose = format!("carbon {}: graphite {}", section.address.value, url.value);
    let series = match GraphiteWeb::new(&url.value).and_then(|web| render_some(&web.within(PATIENCE), outlet, view)) {
        Ok(series) => series,
        Err(error) => {
            return findings.wrong_with_help(
                &format!("{whose}: {}", error.what()),
                "is it graphite-web's address? Of what carbon keeps it is asked for the real step",
            );
        }
    };
    let mut steps: BTreeMap<Duration, (usize, &str)> = BTreeMap::new();
    for (path, points) in &series {
        let step = step_of_points(points).and_then(|step| u64::try_from(step).ok());
        if let Some(step) = step {
            steps.entry(Duration::from_secs(step)).or_insert((0, path)).0 += 1;
        }
    }
    if steps.is_empty() {
        return findings.note(&format!(
            "{whose}: it has no series of this host yet; ask again when `spikeline run` has sent some for a minute"
        ));
    }
    for (step, (number, path)) in &steps {
        let (shown, slot) = (SpelledDuration(*step), SpelledDuration(interval));
        if *step == interval {
            findings.fine(&format!("{whose}: {number} series asked for have a point each {shown}, as slots are"))?;
            continue;
        }
        let what = format!(
            "{whose}: {number} series asked for have a point each {shown}, and a slot is {slot}: {} ({path})",
            loss_of_step(*step, interval)
        );
        let help = format!(
            "in carbon's storage-schemas.conf, put the stanzas of `spikeline graphite-config` before the others; what is there is changed by \
             whisper-resize, and sent again by `spikeline index --push --from ..`. Or make slots as long: `interval = \"{shown}\"`"
        );
        findings.wrong_with_help(&what, &help)?;
    }
    Ok(())
}

/// The daemon's own series, and those of some routes, over the last hour.
fn render_some(web: &GraphiteWeb, outlet: &DestinationSettings, view: Option<&View>) -> Result<RenderedSeries> {
    let now = SystemClock.now();
    let (from, until) = (now.secs() - SECONDS, now.secs());
    let mut series = RenderedSeries::new();
    for target in own_targets(outlet, now) {
        series.extend(web.render(&target, from, until)?);
    }
    let routes = view.map(View::routes).unwrap_or_default();
    for (_, route) in routes.into_iter().filter(|(_, route)| outlet.naming.choice.keeps_route(route)).take(ROUTES) {
        series.extend(web.render(&outlet.naming.pattern(route), from, until)?);
    }
    Ok(series)
}

/// What means a series that every daemon sends.
fn own_targets(outlet: &DestinationSettings, now: Timestamp) -> Vec<String> {
    let mut points = Points::new();
    outlet.naming.append_own("lines.read", 0.0, now, &mut points);
    let mut targets = Vec::new();
    for point in points.iter() {
        let mut parts = point.path.split(';');
        let name = parts.next().unwrap_or_default();
        let tags: Vec<String> = parts.map(|tag| format!("'{tag}'")).collect();
        targets.push(match tags.is_empty() {
            true => name.to_owned(),
            false => format!("seriesByTag('name={name}',{})", tags.join(",")),
        });
    }
    targets
}
