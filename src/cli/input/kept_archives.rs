//! What each carbon keeps of a series: as its section says, else as carbon's own configuration does where that is on this host.

use std::path::Path;

use super::carbon_conf::{CarbonConf, DEFAULT_CARBON};
use super::context::Context;
use crate::carbon::Archive;
use crate::cli::config::CarbonSection;
use crate::error::Result;

/// By the number of the section.
pub(in crate::cli) struct KeptArchives {
    destinations: Vec<KeptBy>,
}

enum KeptBy {
    Section(Vec<Archive>),
    Conf(Box<CarbonConf>),
    Unknown,
}

impl KeptArchives {
    /// A configuration of carbon that cannot be read says nothing here; `spikeline check` tells of it.
    pub(in crate::cli) fn new(context: &Context) -> Result<KeptArchives> {
        let mut destinations = Vec::new();
        for section in &context.config()?.carbons {
            destinations.push(kept_by(section));
        }
        Ok(KeptArchives { destinations })
    }

    /// The archives of a series; none where they are not known.
    pub(in crate::cli) fn of(&self, destination: usize, series: &str) -> Vec<Archive> {
        match self.destinations.get(destination) {
            Some(KeptBy::Section(archives)) => archives.clone(),
            Some(KeptBy::Conf(conf)) => conf.kept(series).map(|kept| kept.archives).unwrap_or_default(),
            Some(KeptBy::Unknown) | None => Vec::new(),
        }
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
