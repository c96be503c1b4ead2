//! Which series a carbon knows already: by its whisper files where they are on this host, else as a graphite-web says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::carbon_conf::{CarbonDaemonConf, folder_of_carbon};
use super::graphite_web::GraphiteWeb;
use crate::carbon::Naming;
use crate::cli::config::CarbonSection;
use crate::error::Result;
use crate::time::Timestamp;

/// How long a graphite-web may take for a part of an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Series by their routes.
pub(in crate::cli) type SeriesOfRoutes = BTreeMap<String, BTreeSet<String>>;

/// Who is asked.
#[derive(Debug, Clone)]
pub(in crate::cli) enum CarbonSeriesSource {
    /// The folder of whisper's files.
    Whisper(PathBuf),
    /// A graphite-web.
    Web(GraphiteWeb),
}

impl CarbonSeriesSource {
    /// Whoever can be asked about a section's carbon; series with tags lie in files that are named by hashes, so of them only a graphite-web.
    ///
    /// # Errors
    /// The address of the graphite-web is none.
    pub(in crate::cli) fn of_section(section: &CarbonSection) -> Result<Option<CarbonSeriesSource>> {
        if !section.tagged
            && let Some(folder) = folder_of_carbon(section)
            && let Ok(Some(conf)) = CarbonDaemonConf::read(&folder)
            && let Some(whisper) = conf.whisper
            && std::fs::read_dir(&whisper).is_ok()
        {
            return Ok(Some(CarbonSeriesSource::Whisper(whisper)));
        }
        match &section.graphite {
            Some(url) => Ok(Some(CarbonSeriesSource::Web(GraphiteWeb::new(&url.value)?.within(PATIENCE)))),
            None => Ok(None),
        }
    }

    /// Those that are not known.
    ///
    /// # Errors
    /// Nothing can be seen.
    pub(in crate::cli) fn unknown(
        &self,
        naming: &Naming,
        series: &SeriesOfRoutes,
        now: Timestamp,
    ) -> Result<SeriesOfRoutes> {
        let mut unknown = SeriesOfRoutes::new();
        for (route, paths) in series {
            let missing: BTreeSet<String> = match self {
                CarbonSeriesSource::Whisper(folder) => {
                    let file = |path: &str| folder.join(format!("{}.wsp", path.replace('.', "/")));
                    paths.iter().filter(|path| !file(path).exists()).cloned().collect()
                }
                CarbonSeriesSource::Web(web) => {
                    let there = web.render(&naming.pattern(route), now.secs() - 60, now.secs())?;
                    paths.iter().filter(|path| !there.contains_key(*path)).cloned().collect()
                }
            };
            if !missing.is_empty() {
                unknown.insert(route.clone(), missing);
            }
        }
        Ok(unknown)
    }
}
