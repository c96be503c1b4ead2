//! What each carbon keeps of a series: as its section says, else as carbon's own configuration does where that is on this host.

use std::path::Path;
use std::time::Duration;

use crate::carbon::Archive;
use crate::cli::config::CarbonSection;
use crate::cli::input::carbon_conf::{CarbonConf, DEFAULT_CARBON};
use crate::cli::input::context::Context;
use crate::error::Result;
use crate::graphite::asked::Pasted;
use crate::time::Timestamp;

/// By the number of the section.
pub(super) struct KeptArchives {
    destinations: Vec<KeptBy>,
}

enum KeptBy {
    Section(Vec<Archive>),
    Conf(Box<CarbonConf>),
    Unknown,
}

impl KeptArchives {
    /// A configuration of carbon that cannot be read says nothing here; `spikeline check` tells of it.
    pub(super) fn new(context: &Context) -> Result<KeptArchives> {
        let mut destinations = Vec::new();
        for section in &context.config()?.carbons {
            destinations.push(kept_by(section));
        }
        Ok(KeptArchives { destinations })
    }

    /// The archives of a series; none where they are not known.
    pub(super) fn of(&self, destination: usize, series: &str) -> Vec<Archive> {
        match self.destinations.get(destination) {
            Some(KeptBy::Section(archives)) => archives.clone(),
            Some(KeptBy::Conf(conf)) => conf.kept(series).map(|kept| kept.archives).unwrap_or_default(),
            Some(KeptBy::Unknown) | None => Vec::new(),
        }
    }

    /// How long a point of that time is, for what is asked.
    pub(super) fn step_at(&self, asked: &Pasted, point: Timestamp, now: Timestamp, interval: Duration) -> Duration {
        let series = asked.series.as_ref();
        let archives = series.map(|series| self.of(series.destination, &series.path)).unwrap_or_default();
        let reaching = archives.iter().find(|archive| now.minus(archive.span) <= point).or(archives.last());
        reaching.map_or(interval, |archive| archive.step.max(interval))
    }
}

fn kept_by(section: &CarbonSection) -> KeptBy {
    if let Some(archives) = &section.archives {
        return KeptBy::Section(archives.value.clone());
    }
    let folder = section.conf.as_ref().map(|folder| folder.value.as_path());
    // Carbon's own configuration on this host is that of a carbon on this host.
    let is_local = ["127.", "localhost", "[::1]"].iter().any(|host| section.address.value.starts_with(host));
    let folder = folder.or(is_local.then_some(Path::new(DEFAULT_CARBON)));
    match folder.map(CarbonConf::read) {
        Some(Ok(Some(conf))) => KeptBy::Conf(Box::new(conf)),
        _ => KeptBy::Unknown,
    }
}
