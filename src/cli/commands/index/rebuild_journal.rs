//! `index --rebuild`: the logs that a damaged journal was made of are read again.

use std::path::PathBuf;

use super::failures;
use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::say;
use crate::cli::args::IndexArguments;
use crate::cli::input::context::Context;
use crate::cli::input::past_files::PastFiles;
use crate::cli::input::past_reading::take_in;
use crate::error::Result;
use crate::source::generation::Generation;
use crate::source::{BackfillFile, find_generation};
use crate::store::{LostRecords, Writer};

/// Read again what damaged journals held, as far as they say of which logs it was. What is missing still; `None` if there is nothing
/// to do.
pub(super) fn rebuild_journals(
    context: &Context,
    arguments: &IndexArguments,
    writer: &mut Writer,
) -> Result<Option<Vec<String>>> {
    let lost = writer.lost_records();
    if lost.is_empty() {
        return Ok(None);
    }
    let mut lacking = Vec::new();
    let (mut logs, mut is_all) = (Vec::new(), true);
    for (_, records) in lost {
        let Some(LostRecords { logs: own, is_all: own_all, .. }) = records else {
            is_all = false;
            continue;
        };
        is_all &= own_all;
        logs.extend(own);
    }
    let files = files_of(&logs, &mut lacking);
    if !files.is_empty() {
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let mut past = PastFiles::open(context, &paths, &arguments.given)?;
        past.belong_to(&files);
        lacking.extend(past.failed.iter().map(missing_for));
        let taken = take_in(context, past, writer, &mut [])?;
        lacking.extend(failures(&taken).map(missing_for));
        let read: u64 = taken.ledgers.values().map(|ledger| ledger.lines).sum();
        say(&format!("the journal was damaged: {read} lines of {} logs were read again", files.len()));
    }
    writer.withdraw_restored()?;
    let left = writer.lost_records().len();
    if left == 0 {
        lacking.clear();
        say("nothing that the journal held is missing any more; what is left of it is kept as *.damaged");
    } else if !is_all {
        lacking.push(
            "a damaged journal does not say of which logs all it held was; answers say so until its window is over"
                .to_owned(),
        );
    }
    for lack in &lacking {
        say(&format!("spikeline: {lack}"));
    }
    Ok(Some(lacking))
}

/// Where these logs are now, by which key; those that are gone are `lacking`.
fn files_of(logs: &[Generation], lacking: &mut Vec<String>) -> Vec<BackfillFile> {
    let mut files: Vec<BackfillFile> = Vec::new();
    for log in logs {
        match find_generation(log) {
            Ok(Some(found)) if files.iter().all(|file| file.path != found.path) => {
                files.push(BackfillFile { path: found.path, key: log.log.clone() });
            }
            Ok(Some(_)) => {}
            Ok(None) => lacking.push(format!("not restored: {} is gone", log.path.display())),
            Err(error) => lacking.push(format!("not restored: {error}")),
        }
    }
    files
}
