//! Carbon's own configuration of what it keeps: storage-schemas.conf and storage-aggregation.conf, read as carbon reads them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regex::Regex;

use crate::carbon::{Archive, parse_archives};
use crate::cli::config::CarbonSection;
use crate::source::read_whole;

/// Where carbon's configuration usually is.
pub(in crate::cli) const DEFAULT_CARBON: &str = "/etc/carbon";

/// What carbon does with a series that no stanza is about.
const NO_STANZA: &str = "carbon's default";

/// Where carbon's programs take lines, pickles and datagrams unless carbon.conf says otherwise.
const USUAL_PORTS: [(&str, [u16; 3]); 3] =
    [("cache", [2003, 2004, 2003]), ("relay", [2013, 2014, 2013]), ("aggregator", [2023, 2024, 2023])];

/// The keys that say otherwise.
const PORT_KEYS: [&str; 3] = ["line_receiver_port", "pickle_receiver_port", "udp_receiver_port"];

/// How many intervals an aggregator keeps.
const AGGREGATION_INTERVALS: u32 = 5;

/// One stanza.
struct Stanza {
    name: String,
    pattern: Regex,
    /// Its other keys, in lower case.
    values: Vec<(String, String)>,
}

impl Stanza {
    fn value(&self, key: &str) -> Option<&str> {
        self.values.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// The two files of a folder.
pub(in crate::cli) struct CarbonConf {
    schemas: Vec<Stanza>,
    aggregation: Vec<Stanza>,
}

/// What carbon keeps of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct KeptSeries {
    /// The stanza of storage-schemas.conf, in brackets, or that it is the default.
    pub(in crate::cli) schema: String,
    /// The archives, the finest first.
    pub(in crate::cli) archives: Vec<Archive>,
    /// The stanza of storage-aggregation.conf.
    pub(in crate::cli) rule: String,
    /// What makes one point of several.
    pub(in crate::cli) method: String,
    /// Of these at least so many, as a share, as written.
    pub(in crate::cli) share: String,
}

impl CarbonConf {
    /// Those of this folder; nothing if it has no storage-schemas.conf, since then it is no carbon's.
    ///
    /// # Errors
    /// A file cannot be read, or something in it cannot be understood; as a sentence.
    pub(in crate::cli) fn read(folder: &Path) -> Result<Option<CarbonConf>, String> {
        let Some(schemas) = read_stanzas(&folder.join("storage-schemas.conf"))? else { return Ok(None) };
        let aggregation = read_stanzas(&folder.join("storage-aggregation.conf"))?.unwrap_or_default();
        Ok(Some(CarbonConf { schemas, aggregation }))
    }

    /// What is kept of a series. Without a stanza: minutes for a week, averages of at least a half.
    ///
    /// # Errors
    /// Its retentions cannot be understood.
    pub(in crate::cli) fn kept(&self, path: &str) -> Result<KeptSeries, String> {
        let schema = self.schemas.iter().find(|stanza| stanza.pattern.is_match(path));
        let rule = self.aggregation.iter().find(|stanza| stanza.pattern.is_match(path));
        let shown =
            |stanza: Option<&Stanza>| stanza.map_or(NO_STANZA.to_owned(), |stanza| format!("[{}]", stanza.name));
        let archives = match schema.and_then(|stanza| stanza.value("retentions")) {
            Some(text) => parse_archives(text)
                .map_err(|(_, what)| format!("storage-schemas.conf: {}: retentions: {what}", shown(schema)))?,
            None => {
                vec![Archive { step: Duration::from_secs(60), span: Duration::from_secs(7 * 86_400) }]
            }
        };
        let value = |key, usual: &str| rule.and_then(|stanza| stanza.value(key)).unwrap_or(usual).to_owned();
        Ok(KeptSeries {
            schema: shown(schema),
            archives,
            rule: shown(rule),
            method: value("aggregationmethod", "average"),
            share: value("xfilesfactor", "0.5"),
        })
    }
}

/// What carbon.conf says of carbon-cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) struct CarbonDaemonConf {
    /// The least MAX_CREATES_PER_MINUTE of its instances; none where there is no limit.
    pub(in crate::cli) creates_per_minute: Option<u32>,
    /// The folder of whisper's files.
    pub(in crate::cli) whisper: Option<PathBuf>,
    /// Where it, its relay and its aggregator take points.
    ports: Vec<u16>,
    /// Where the aggregator does, and how many intervals it keeps.
    aggregators: Vec<(u16, u32)>,
}

impl CarbonDaemonConf {
    /// That of this folder; nothing if it has no carbon.conf.
    ///
    /// # Errors
    /// The file cannot be read; as a sentence.
    pub(in crate::cli) fn read(folder: &Path) -> Result<Option<CarbonDaemonConf>, String> {
        let path = folder.join("carbon.conf");
        match read_whole(&path) {
            Ok(bytes) => Ok(Some(CarbonDaemonConf::parse(&String::from_utf8_lossy(&bytes)))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// How many intervals the aggregator keeps that takes points at this address; none if none does.
    pub(in crate::cli) fn aggregation_intervals(&self, address: &str) -> Option<u32> {
        let port: u16 = address.rsplit_once(':')?.1.parse().ok()?;
        self.aggregators.iter().find(|(own, _)| *own == port).map(|(_, intervals)| *intervals)
    }

    /// Of `[cache]` and its instances, `[cache:b]`. What is not said is as in carbon's conf.py.
    fn parse(text: &str) -> CarbonDaemonConf {
        let mut conf = CarbonDaemonConf::default();
        for (name, values) in sections(text) {
            let program = name.split(':').next().unwrap_or_default();
            let Some((_, usual)) = USUAL_PORTS.iter().find(|(known, _)| *known == program) else { continue };
            let value = |key: &str| values.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            for (key, usual) in PORT_KEYS.iter().zip(usual) {
                let port = value(key).and_then(|port| port.parse().ok()).unwrap_or(*usual);
                conf.ports.push(port);
                if program == "aggregator" {
                    let kept = value("max_aggregation_intervals").and_then(|kept| kept.parse().ok());
                    conf.aggregators.push((port, kept.unwrap_or(AGGREGATION_INTERVALS)));
                }
            }
            if program != "cache" {
                continue;
            }
            // `inf` is no number, and no limit.
            let creates = value("max_creates_per_minute").and_then(|text| text.parse::<u32>().ok());
            conf.creates_per_minute = conf.creates_per_minute.into_iter().chain(creates).min();
            let storage = value("storage_dir").map(|folder| Path::new(folder).join("whisper"));
            let whisper = value("local_data_dir").map(PathBuf::from).or(storage);
            conf.whisper = conf.whisper.or(whisper.filter(|folder| folder.is_absolute()));
        }
        conf
    }
}

/// The folder of the configuration of a section's carbon: the one that it names, else the usual one, if the carbon there is on this host and
/// takes points at the section's port.
pub(in crate::cli) fn folder_of_carbon(section: &CarbonSection) -> Option<PathBuf> {
    if let Some(folder) = &section.conf {
        return Some(folder.value.clone());
    }
    let (host, port) = section.address.value.rsplit_once(':')?;
    let is_here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    let folder = Path::new(DEFAULT_CARBON);
    let conf = CarbonDaemonConf::read(folder).ok().flatten().filter(|_| is_here)?;
    conf.ports.contains(&port.parse().ok()?).then(|| folder.to_owned())
}

/// The stanzas of a file in its order; nothing if it is not there. Those without a pattern mean nothing.
fn read_stanzas(path: &Path) -> Result<Option<Vec<Stanza>>, String> {
    let bytes = match read_whole(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", path.display())),
    };
    let mut stanzas = Vec::new();
    for (name, mut values) in sections(&String::from_utf8_lossy(&bytes)) {
        let Some(at) = values.iter().position(|(key, _)| key == "pattern") else { continue };
        let (_, pattern) = values.swap_remove(at);
        let pattern = Regex::new(&pattern)
            .map_err(|_| format!("{}: [{name}]: the pattern `{pattern}` is not understood", path.display()))?;
        stanzas.push(Stanza { name, pattern, values });
    }
    Ok(Some(stanzas))
}

/// The sections of an ini file, each with its keys and values.
fn sections(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.to_owned(), Vec::new()));
        } else if let (Some((key, value)), Some((_, values))) = (line.split_once(['=', ':']), sections.last_mut()) {
            values.push((key.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_carbons_instances_the_least_limit_counts() {
        let conf = CarbonDaemonConf::parse(
            "[cache]\nMAX_CREATES_PER_MINUTE = 50 \nLOCAL_DATA_DIR = /srv/whisper/\nLINE_RECEIVER_PORT = 2103\n\
             [cache:b]\nMAX_CREATES_PER_MINUTE = 20\nPICKLE_RECEIVER_PORT=2204\n[relay]\nMAX_CREATES_PER_MINUTE = 1\n",
        );
        assert_eq!((conf.creates_per_minute, conf.whisper), (Some(20), Some(PathBuf::from("/srv/whisper/"))));
        assert_eq!(conf.ports, [2103, 2004, 2003, 2003, 2204, 2003, 2013, 2014, 2013]);
        let free = CarbonDaemonConf::parse("[cache]\nSTORAGE_DIR = /var/lib/graphite\nMAX_CREATES_PER_MINUTE = inf\n");
        assert_eq!((free.creates_per_minute, free.whisper), (None, Some(PathBuf::from("/var/lib/graphite/whisper"))));
        assert_eq!(CarbonDaemonConf::parse("[writer]\n"), CarbonDaemonConf::default());
        let adding =
            CarbonDaemonConf::parse("[aggregator]\nLINE_RECEIVER_PORT = 2123\nMAX_AGGREGATION_INTERVALS = 9\n");
        let kept = ["c:2123", "c:2024", "c:2003"].map(|address| adding.aggregation_intervals(address));
        assert_eq!(kept, [Some(9), Some(9), None]);
    }
}
