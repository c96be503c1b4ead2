//! `index --again`: rejected lines of known logs, read again in the format that is configured by now.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::say_error;
use crate::cli::input::context::Context;
use crate::cli::input::interpreters::{slot_settings, with_routes};
use crate::cli::input::settings;
use crate::daemon::backfill::{BackfillAccount, commit_owing};
use crate::error::Result;
use crate::grammar::Format;
use crate::pipeline::{AgainSettings, read_rejected};
use crate::report::count;
use crate::source::find_generation_with;
use crate::source::generation::{Generation, GenerationId};
use crate::store::Writer;
use crate::time::SystemClock;

/// What became of lines that were rejected before.
#[derive(Default)]
pub(super) struct AgainOutcome {
    /// How many each file gave, where it gave any.
    lines: HashMap<PathBuf, u64>,
    /// How many logs had rejected lines.
    with_rejects: usize,
    /// What could not be read.
    pub(super) failed: Vec<String>,
}

impl AgainOutcome {
    /// How many lines of this file were taken in.
    pub(super) fn lines_of(&self, path: &Path) -> u64 {
        self.lines.get(path).copied().unwrap_or(0)
    }

    /// In words; none where no log had any.
    pub(super) fn words(&self) -> Option<String> {
        match self.lines.values().sum() {
            0 if self.with_rejects == 0 => None,
            0 => Some("of what was rejected before, nothing fits now".to_owned()),
            1 => Some("one line that was rejected before was taken in".to_owned()),
            lines => Some(format!("{} lines that were rejected before were taken in", count(lines))),
        }
    }
}

/// Reads what was rejected of the logs in these files, each with its log's key.
pub(super) fn take_in_again(
    context: &Context,
    files: &[(PathBuf, String)],
    formats: &HashMap<String, Arc<Format>>,
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
) -> Result<AgainOutcome> {
    let mut outcome = AgainOutcome::default();
    for (path, key) in files {
        let Some(format) = formats.get(key) else { continue };
        for id in held_with_rejects(writer, path) {
            let Some(generation) = writer.view().generations().iter().find(|held| held.id == id).cloned() else {
                continue;
            };
            outcome.with_rejects += 1;
            match read_one(context, &generation, format, writer, accounts) {
                Ok(0) => {}
                Ok(taken) => *outcome.lines.entry(path.clone()).or_default() += taken,
                Err(error) => {
                    say_error(&error);
                    outcome.failed.push(missing_for(&error));
                }
            }
        }
    }
    Ok(outcome)
}

/// How many lines of one log became requests.
fn read_one(
    context: &Context,
    generation: &Generation,
    format: &Format,
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
) -> Result<u64> {
    let config = context.config()?;
    let with = with_routes(context, writer.view())?;
    let known = u32::try_from(with.routes.len()).unwrap_or(u32::MAX);
    let again = AgainSettings {
        format,
        with: &with,
        slots: slot_settings(context, writer.view())?,
        is_archived: settings::is_archived(config, &generation.log),
        max_line: config.longest_line(),
    };
    let Some(mut taken) = read_rejected(writer.view(), generation, &again)? else { return Ok(0) };
    for (id, name) in with.routes.since(known) {
        taken.commit.routes.push((id, name.to_string()));
    }
    commit_owing(writer, taken.commit, &taken.touched, accounts, &SystemClock)?;
    Ok(taken.lines)
}

/// The logs that this file holds and that have rejected lines, some of which became requests.
fn held_with_rejects(writer: &Writer, path: &Path) -> Vec<GenerationId> {
    let view = writer.view();
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut held = Vec::new();
    for generation in view.generations() {
        let has_rejects = view.ledger(generation.id).is_some_and(|ledger| !ledger.rejected.is_empty());
        if !has_rejects || view.again_of(generation.id).is_some() {
            continue;
        }
        let (elsewhere, points) = (view.rotated_of(&generation.log), view.restart_points(generation.id));
        let located = find_generation_with(generation, elsewhere, points).ok().flatten();
        if located.is_some_and(|located| std::fs::canonicalize(&located.path).is_ok_and(|found| found == real)) {
            held.push(generation.id);
        }
    }
    held
}
