//! Whether carbon keeps points as they are sent, by its own configuration where that is on this host.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::findings::Findings;
use crate::carbon::{RollUp, roll_up_of, series_of_route};
use crate::cli::config::CarbonSection;
use crate::cli::input::carbon_conf::{CarbonConf, DEFAULT_CARBON, KeptSeries};
use crate::daemon::DestinationSettings;
use crate::error::Result;
use crate::time::SpelledDuration;

/// How a stanza is mended.
const HELP: &str = "put the stanzas that `spikeline graphite-config` prints before the others; what was created before keeps its own until \
                    whisper-resize and whisper-set-aggregation-method change it";

/// Requests in a slot, to show what becomes of a number.
const SHOWN: u64 = 30;

/// The files of one destination, if there are any. Whether those in the usual place are the carbon's that is sent to is not known: then
/// what is wrong is a note.
pub(super) fn check(
    outlet: &DestinationSettings,
    section: &CarbonSection,
    interval: Duration,
    findings: &mut Findings,
) -> Result<()> {
    let address = &outlet.destination.address;
    let folder = match &section.conf {
        Some(folder) => folder.value.as_path(),
        None if is_this_host(address) => Path::new(DEFAULT_CARBON),
        None => return Ok(()),
    };
    let mut teller = Teller { findings, is_certain: section.conf.is_some(), address, folder };
    let conf = match CarbonConf::read(folder) {
        Ok(Some(conf)) => conf,
        Ok(None) if section.conf.is_some() => return teller.wrong("there is no storage-schemas.conf", None),
        Ok(None) => return Ok(()),
        Err(why) => return teller.findings.note(&format!("carbon {address}: {why}")),
    };
    let mut kept = Vec::new();
    for (path, what) in series_of_route(&outlet.naming, "route") {
        match conf.kept(&path) {
            Ok(series) => kept.push((what, series)),
            Err(why) => return teller.wrong(&why, None),
        }
    }
    let are_steps_right = tell_steps(&kept, interval, &mut teller)?;
    let are_methods_right = tell_methods(&kept, &mut teller)?;
    if are_steps_right && are_methods_right {
        let folder = folder.display();
        teller.findings.fine(&format!("carbon {address}: {folder} keeps slots and adds them up as they are meant"))?;
    }
    Ok(())
}

/// What becomes of slots that go into an archive with another step.
pub(super) fn loss_of_step(step: Duration, interval: Duration) -> String {
    let shown = SpelledDuration(step);
    match step.as_secs().checked_div(interval.as_secs()).unwrap_or(0) {
        0 | 1 => "there is a gap between any two points".to_owned(),
        slots => format!(
            "of the {slots} slots of each {shown} it keeps the last, so that a count of {} is {SHOWN}",
            SHOWN * slots
        ),
    }
}

/// Where findings go, and how sure they are.
struct Teller<'t> {
    findings: &'t mut Findings,
    is_certain: bool,
    address: &'t str,
    folder: &'t Path,
}

impl Teller<'_> {
    fn wrong(&mut self, what: &str, help: Option<&str>) -> Result<()> {
        let what = format!("carbon {}: {}: {what}", self.address, self.folder.display());
        match (self.is_certain, help) {
            (true, Some(help)) => self.findings.wrong_with_help(&what, help),
            (true, None) => self.findings.wrong(&what),
            (false, _) => {
                let what = format!("{what} (if this carbon reads these files)");
                self.findings.note_with_help(
                    &what,
                    help.unwrap_or("name the folder that it reads: `conf = \"FOLDER\"` in [[carbon]]"),
                )
            }
        }
    }
}

/// Whether an address is one of this machine's own.
fn is_this_host(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// Whether the finest archives have the step of slots; what has not is told, a stanza once.
fn tell_steps(kept: &[(String, KeptSeries)], interval: Duration, teller: &mut Teller<'_>) -> Result<bool> {
    let mut wrong: BTreeMap<&str, Duration> = BTreeMap::new();
    for (_, series) in kept {
        if let Some(finest) = series.archives.first().filter(|finest| finest.step != interval) {
            wrong.insert(&series.schema, finest.step);
        }
    }
    for (schema, step) in &wrong {
        let (shown, slot) = (SpelledDuration(*step), SpelledDuration(interval));
        let loss = loss_of_step(*step, interval);
        let what = format!("storage-schemas.conf: {schema} keeps a point each {shown}, and a slot is {slot}: {loss}");
        teller.wrong(&what, Some(HELP))?;
    }
    Ok(wrong.is_empty())
}

/// What one rule does to series that are meant otherwise.
type Misused<'k> = BTreeMap<(&'k str, &'k str, RollUp), Vec<&'k str>>;

/// Whether coarser archives are made as each series is meant; what is not is told, a rule once.
fn tell_methods(kept: &[(String, KeptSeries)], teller: &mut Teller<'_>) -> Result<bool> {
    let (mut misused, mut shares): (Misused<'_>, BTreeMap<(&str, &str), usize>) = (BTreeMap::new(), BTreeMap::new());
    let mut coarser: Option<(Duration, u64)> = None;
    for (what, series) in kept {
        // Where there is one archive nothing is added up.
        let [finest, next, ..] = series.archives[..] else { continue };
        let points = next.step.as_secs().checked_div(finest.step.as_secs()).unwrap_or(1);
        coarser = Some(coarser.unwrap_or((next.step, points)).min((next.step, points)));
        let meant = roll_up_of(what);
        if !is_method(&series.method, meant) {
            misused.entry((&series.rule, &series.method, meant)).or_default().push(what);
        } else if series.share.parse::<f64>().is_ok_and(|share| share > 0.0) {
            *shares.entry((&series.rule, &series.share)).or_default() += 1;
        }
    }
    let Some((step, points)) = coarser else { return Ok(true) };
    let step = SpelledDuration(step);
    for ((rule, method, meant), series) in &misused {
        let shown: Vec<&str> = series.iter().take(3).copied().collect();
        let more = match series.len().saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let mut what = format!(
            "storage-aggregation.conf: {rule} makes one point of several by `{method}`, and {}{more} are meant to be by `{meant}`",
            shown.join(", ")
        );
        if *meant == RollUp::Sum {
            what += &format!(": a count of {} in {step} is {SHOWN} there", SHOWN * points);
        }
        teller.wrong(&what, Some(HELP))?;
    }
    for ((rule, share), series) in &shares {
        let what = format!(
            "storage-aggregation.conf: {rule} has xFilesFactor {share} for {series} series: where less than that of {step} has points, there \
             is none at all"
        );
        teller.wrong(&what, Some(HELP))?;
    }
    Ok(misused.is_empty() && shares.is_empty())
}

/// Whether carbon's word for a method is this one.
pub(super) fn is_method(word: &str, meant: RollUp) -> bool {
    let word = word.trim().to_lowercase();
    word == meant.to_string() || (meant == RollUp::Average && word == "avg")
}
