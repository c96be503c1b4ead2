//! `spikeline graphite-config`: how carbon should keep what it is sent, as stanzas for its own configuration.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use crate::carbon::{Archive, ROLL_UPS, pattern_of_prefix, pattern_of_roll_up, spell_archives};
use crate::cli::answer::Answer;
use crate::cli::answer::output::{stdout, written};
use crate::cli::config::Config;
use crate::cli::input::context::Context;
use crate::error::Result;

/// What stands before the stanzas of storage-schemas.conf.
const ABOUT_SCHEMAS: &str = "\
# storage-schemas.conf: how finely and how long. The first stanza that matches counts, so these go before the others.
# What was created before keeps its archives: see whisper-resize.
";

/// The same of storage-aggregation.conf.
const ABOUT_AGGREGATION: &str = "
# storage-aggregation.conf: what makes one point of several, where coarser ones are kept. Before the others, too.
# What was created before keeps its method: see whisper-set-aggregation-method and whisper-set-xfilesfactor.
";

/// Prints the stanzas for the prefix of each `[[carbon]]`, or for the usual one where there is none.
pub(super) fn graphite_config(context: &Context) -> Result<Answer> {
    let config = context.config()?;
    let prefixes = prefixes(config);
    let mut text = ABOUT_SCHEMAS.to_owned();
    for (prefix, retentions) in &prefixes {
        let (name, pattern) = (prefix.replace('.', "_"), pattern_of_prefix(prefix));
        text += &format!("[spikeline_{name}]\npattern = {pattern}\nretentions = {retentions}\n");
    }
    text += ABOUT_AGGREGATION;
    for prefix in prefixes.keys() {
        let name = prefix.replace('.', "_");
        for (method, series) in ROLL_UPS {
            let pattern = pattern_of_roll_up(prefix, series);
            text += &format!(
                "[spikeline_{name}_{method}]\npattern = {pattern}\nxFilesFactor = 0\naggregationMethod = {method}\n"
            );
        }
    }
    let mut out = stdout();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(Answer::Found)
}

/// The prefixes, each with its retentions.
fn prefixes(config: &Config) -> BTreeMap<String, String> {
    let mut prefixes = BTreeMap::new();
    for section in &config.carbons {
        let retentions = match &section.archives {
            Some(archives) => spell_archives(&archives.value),
            None => usual_retentions(config.interval),
        };
        prefixes.insert(section.prefix.value.clone(), retentions);
    }
    if prefixes.is_empty() {
        prefixes.insert("nginx".to_owned(), usual_retentions(config.interval));
    }
    prefixes
}

/// A day of slots, a week of minutes, and a year of what both go into.
fn usual_retentions(interval: Duration) -> String {
    let days = |count: u64| Duration::from_secs(count * 86_400);
    let mut archives = vec![Archive { step: interval, span: days(1) }];
    for (step, span) in [(60, days(7)), (600, days(365)), (3600, days(365)), (86_400, days(365))] {
        let last = archives.last().map_or(interval, |archive| archive.step);
        let reaches_further = archives.last().is_some_and(|archive| archive.span < span);
        if step > last.as_secs() && step.is_multiple_of(last.as_secs().max(1)) && reaches_further {
            archives.push(Archive { step: Duration::from_secs(step), span });
        }
    }
    spell_archives(&archives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::parse_archives;

    #[test]
    fn the_retentions_of_every_interval_are_some_that_whisper_takes() {
        let cases = [(10, "10s:1d,1m:7d,10m:365d"), (60, "1m:1d,10m:365d"), (480, "8m:1d,1d:365d")];
        for (seconds, text) in cases {
            assert_eq!(usual_retentions(Duration::from_secs(seconds)), text);
            assert!(parse_archives(text).is_ok());
        }
    }
}
