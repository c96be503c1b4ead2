//! Where logs are rotated to, if not beside where they are written.

use std::collections::HashMap;
use std::path::Path;

use super::logrotate::{DEFAULT_LOGROTATE, RotationConf};
use crate::cli::config::Config;

/// Globs of where the rotated files of each log are moved to: as its section says, and as logrotate's own configuration does.
pub(in crate::cli) fn rotated_elsewhere<'l>(
    config: &Config,
    logs: impl Iterator<Item = &'l str>,
) -> HashMap<String, Vec<String>> {
    let conf = config.logrotate.as_ref().map_or(Path::new(DEFAULT_LOGROTATE), |path| Path::new(&path.value));
    let conf = RotationConf::read(conf);
    let mut elsewhere = HashMap::new();
    for log in logs {
        if elsewhere.contains_key(log) {
            continue;
        }
        let mut globs = conf.folders_of(log);
        for section in config.logs.iter().filter(|section| section.path.value == log) {
            globs.extend(section.rotated.iter().map(|glob| glob.value.clone()));
        }
        elsewhere.insert(log.to_owned(), globs);
    }
    elsewhere
}
