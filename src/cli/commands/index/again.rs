//! `index --again`: rejected lines of known logs, read again in the format that is configured by now.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::{say, say_error};
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

/// Reads what was rejected of the logs in these files, each with its log's key; what could not be read is handed back.
pub(super) fn take_in_again(
    context: &Context,
    files: &[(PathBuf, String)],
    formats: &HashMap<String, Arc<Format>>,
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
) -> Result<Vec<String>> {
    let (mut lines, mut failed) = (0, Vec::new());
    for (path, key) in files {
        let Some(format) = formats.get(key) else { continue };
        for id in held_with_rejects(writer, path) {
            let Some(generation) = writer.view().generations().iter().find(|held| held.id == id).cloned() else {
                continue;
            };
            match read_one(context, &generation, format, writer, accounts) {
                Ok(taken) => lines += taken,
                Err(error) => {
                    say_error(&error);
                    failed.push(missing_for(&error));
                }
            }
        }
    }
    say(&match lines {
        0 => "of what was rejected before, nothing fits now".to_owned(),
        1 => "one line that was rejected before was taken in".to_owned(),
        _ => format!("{} lines that were rejected before were taken in", count(lines)),
    });
    Ok(failed)
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
