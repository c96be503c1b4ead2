//! Whether the series that a carbon has already are kept as they are sent, by the heads of their whisper files where these are on this host:
//! what was created before keeps its archives and its aggregation, whatever the stanzas say by now.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::carbon_conf::{is_method, loss_of_step};
use super::findings::Findings;
use crate::carbon::{CellMetric, RollUp, WHISPER_HEAD, WhisperHeader, roll_up_of};
use crate::cli::config::CarbonSection;
use crate::cli::input::carbon_conf::{CarbonDaemonConf, folder_of_carbon};
use crate::daemon::DestinationSettings;
use crate::error::Result;
use crate::report::count;
use crate::time::SpelledDuration;

/// So many files at most are looked at.
const FILES_MAX: usize = 50_000;

/// Series that are alike in what is wrong with them.
#[derive(Default)]
struct AlikeFiles {
    number: u64,
    example: PathBuf,
}

impl AlikeFiles {
    fn add(&mut self, path: &Path) {
        if self.number == 0 {
            self.example = path.to_owned();
        }
        self.number += 1;
    }
}

/// What is wrong with the files of a host's series.
#[derive(Default)]
struct FilesOfHost {
    number: u64,
    /// By their finest step, where it is not that of slots.
    steps: BTreeMap<Duration, AlikeFiles>,
    /// By how they are added up, and how they are meant to be.
    methods: BTreeMap<(&'static str, RollUp), AlikeFiles>,
    /// Those that need more than one of the finer points.
    shares: AlikeFiles,
}

/// The files of one destination's series, if they can be seen. Those of series with tags are named by hashes, and not looked for.
pub(super) fn check(
    outlet: &DestinationSettings,
    section: &CarbonSection,
    interval: Duration,
    findings: &mut Findings,
) -> Result<()> {
    let Some(folder) = folder_of_carbon(section).filter(|_| !section.tagged) else { return Ok(()) };
    let Ok(Some(conf)) = CarbonDaemonConf::read(&folder) else { return Ok(()) };
    let Some(whisper) = conf.whisper else { return Ok(()) };
    // `x` stands for any route here: what all series of this host lie under is one node less.
    let branch = outlet.naming.path_of_route("x");
    let nodes = branch.strip_suffix(".x").unwrap_or(&branch);
    let mut files = FilesOfHost::default();
    for path in whisper_files(&whisper.join(nodes.replace('.', "/"))) {
        files.add(&path, interval);
    }
    if files.number > 0 {
        tell(&files, &format!("carbon {}: {}", section.address.value, whisper.display()), nodes, interval, findings)?;
    }
    Ok(())
}

impl FilesOfHost {
    /// One file; what is none of whisper's, or none of a route's series, says nothing.
    fn add(&mut self, path: &Path, interval: Duration) {
        let node = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
        let (Some(what), Some(group)) = (node(&path.with_extension("")), path.parent().and_then(node)) else { return };
        let Some(header) = read_head(path).filter(|_| CellMetric::parse(&group, &what).is_some()) else { return };
        self.number += 1;
        let [finest, coarser @ ..] = &header.archives[..] else { return };
        if finest.step != interval {
            self.steps.entry(finest.step).or_default().add(path);
        }
        let meant = roll_up_of(&format!("{group}.{what}"));
        if coarser.is_empty() {
            return;
        }
        if !is_method(header.method, meant) {
            self.methods.entry((header.method, meant)).or_default().add(path);
        } else if header.share > 0.0 {
            self.shares.add(path);
        }
    }
}

/// What is wrong, each kind once.
fn tell(files: &FilesOfHost, whose: &str, nodes: &str, interval: Duration, findings: &mut Findings) -> Result<()> {
    let all = count(files.number);
    for (step, alike) in &files.steps {
        let what = format!(
            "{whose}: {} of the {all} series of {nodes} have a point each {}, and a slot is {}: {} ({})",
            count(alike.number),
            SpelledDuration(*step),
            SpelledDuration(interval),
            loss_of_step(*step, interval),
            alike.example.display()
        );
        let help = "whisper-resize gives each of these files the retentions that `spikeline graphite-config` prints; what fell out of them is \
                    sent again by `spikeline index --push --from ..`";
        findings.wrong_with_help(&what, help)?;
    }
    for ((method, meant), alike) in &files.methods {
        let what = format!(
            "{whose}: {} of the {all} series of {nodes} are added up by `{method}` where coarser points are made, and are meant to be by `{meant}` ({})",
            count(alike.number),
            alike.example.display()
        );
        findings.wrong_with_help(
            &what,
            &format!("whisper-set-aggregation-method FILE {meant} 0, for each of these files"),
        )?;
    }
    if files.shares.number > 0 {
        let what = format!(
            "{whose}: {} of the {all} series of {nodes} have an xFilesFactor above 0: of a quiet time there are no coarser points ({})",
            count(files.shares.number),
            files.shares.example.display()
        );
        findings.wrong_with_help(&what, "whisper-set-xfilesfactor FILE 0, for each of these files")?;
    }
    if files.steps.is_empty() && files.methods.is_empty() && files.shares.number == 0 {
        findings
            .fine(&format!("{whose}: the {all} series of {nodes} keep slots, and add them up as they are meant"))?;
    }
    Ok(())
}

/// The files below a folder that are named as whisper's are; links are not followed.
fn whisper_files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "wsp") {
                found.push(path);
            }
            if found.len() >= FILES_MAX {
                return found;
            }
        }
    }
    found.sort_unstable();
    found
}

fn read_head(path: &Path) -> Option<WhisperHeader> {
    let mut head = Vec::with_capacity(WHISPER_HEAD);
    File::open(path).ok()?.take(WHISPER_HEAD as u64).read_to_end(&mut head).ok()?;
    WhisperHeader::parse(&head)
}
