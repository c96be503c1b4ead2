//! `spikeline index`: takes in logs of the past, sends their points, rebuilds what a disk damaged.

mod again;
mod archives;
mod creates;
mod push;
mod rebuild;
mod rebuild_journal;

use crate::cli::answer::Answer;
use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::{say, say_error, stdout, style, written};
use crate::cli::args::IndexArguments;
use crate::cli::input::context::Context;
use crate::cli::input::past_files::PastFiles;
use crate::cli::input::past_reading::{compact, store_to_write, take_in};
use crate::daemon::backfill::BackfillSummary;
use crate::error::{Error, ErrorClass, Result};
use crate::report::{IndexedFileRow, Report, count, write};
use crate::source::{BackfillFile, BackfillOutcome, FileFinding};
use crate::store::Ledger;
use again::{AgainOutcome, take_in_again};

pub(super) fn index(context: &Context, arguments: &IndexArguments) -> Result<Answer> {
    if arguments.files.is_empty() && !arguments.push && !arguments.rebuild {
        return Err(
            Error::usage("nothing to take in").remedy("name log FILEs (rotated, packed), or give --push or --rebuild")
        );
    }
    let mut accounts = push::Accounts::new(context, arguments)?;
    let files = PastFiles::open(context, &arguments.files, &arguments.given)?;
    let mut writer = match store_to_write(context) {
        Ok(writer) => writer,
        // What the daemon writes can be read, and sent, beside it.
        Err(error) if error.class() == ErrorClass::Held && accounts.is_window_alone(arguments) => {
            return Ok(Answer::from_found(true, &accounts.push_beside(context, arguments)?));
        }
        Err(error) => return Err(error),
    };
    if arguments.rebuild {
        let answer = rebuild::rebuild(context, arguments, &mut writer)?;
        writer.conclude()?;
        return Ok(answer);
    }
    accounts.open(writer.view());
    let mut failed: Vec<String> = files.failed.iter().map(missing_for).collect();
    files.failed.iter().for_each(say_error);
    if !arguments.files.is_empty() {
        let named = files.files.clone();
        let unknown = files.unknown.clone();
        let formats = files.formats.clone();
        let mut taken = take_in(context, files, &mut writer, accounts.as_mut())?;
        for outcome in &mut taken.files {
            // Why its format is not known says more than that it has none.
            if outcome.failed.is_some()
                && outcome.found.is_none()
                && let Some(file) = named.get(outcome.file)
                && let Some(why) = unknown.get(&file.path)
            {
                outcome.failed = Some(why.clone());
            }
        }
        failed.extend(failures(&taken).map(missing_for));
        failed.extend(taken.files.iter().filter_map(left));
        let mut again = AgainOutcome::default();
        if arguments.again {
            let mut files = Vec::new();
            for BackfillFile { path, key } in &named {
                files.push((path.clone(), key.clone()));
            }
            again = take_in_again(context, &files, &formats, &mut writer, accounts.as_mut())?;
            failed.append(&mut again.failed);
        }
        print(arguments, &named, &Indexed { taken: &taken, again: &again }, &failed)?;
        compact(&mut writer);
    }
    if arguments.push {
        failed.extend(accounts.push(context, arguments, &mut writer)?);
    }
    writer.withdraw_restored()?;
    writer.conclude()?;
    Ok(Answer::from_found(true, &failed))
}

/// What was read, and what of it that had been rejected before.
struct Indexed<'i> {
    taken: &'i BackfillSummary,
    again: &'i AgainOutcome,
}

/// The table on stdout, a row a file in the order that they were read in; then, on stderr, what failed and the summary.
fn print(arguments: &IndexArguments, named: &[BackfillFile], indexed: &Indexed<'_>, failed: &[String]) -> Result<()> {
    let Indexed { taken, again } = *indexed;
    let mut ledgers = taken.ledgers.clone();
    let mut rows = Vec::new();
    for outcome in &taken.files {
        let read = matches!(outcome.found, Some(FileFinding::New | FileFinding::Rest(_)));
        let ledger = match outcome.generation {
            // Of several files that are one log the first has its lines.
            Some(id) if read => ledgers.remove(&id).unwrap_or_default(),
            _ => Ledger::default(),
        };
        let rejected = count_rejected(&ledger);
        let path = named.get(outcome.file).map(|file| file.path.as_path());
        let file = path.map_or(String::new(), |path| path.display().to_string());
        let taken_again = path.map_or(0, |path| again.lines_of(path));
        let mut result = result(outcome);
        if taken_again > 0 {
            result += ", rejected lines taken in";
        }
        let lines = ledger.lines + taken_again;
        rows.push(IndexedFileRow { file, result, lines, rejected, bytes: ledger.bytes });
    }
    let report = Report { missing: failed.to_vec(), ..Report::new(rows, None) };
    let mut out = stdout();
    written(write(&report, arguments.format.into(), style(), &mut out))?;
    written(std::io::Write::flush(&mut out))?;
    failures(taken).for_each(say_error);
    say(&summary(taken, again));
    Ok(())
}

/// What kept files from being read, or from being read to their end.
fn failures(taken: &BackfillSummary) -> impl Iterator<Item = &Error> {
    taken.files.iter().filter_map(|outcome| outcome.failed.as_ref())
}

/// A file that was left because nobody can say any more whether it is known, or that holds what is known in its midst.
fn left(outcome: &BackfillOutcome) -> Option<String> {
    match outcome.found {
        Some(FileFinding::Doubtful(_) | FileFinding::Joined(..)) => Some(result(outcome)),
        _ => None,
    }
}

/// What a file was, in words.
fn result(outcome: &BackfillOutcome) -> String {
    let torn = if outcome.failed.is_some() { ", not to its end" } else { "" };
    let unfinished = match outcome.unfinished {
        0 => String::new(),
        bytes => format!(", but for {bytes} bytes of an unfinished last line"),
    };
    match &outcome.found {
        None => "unreadable".to_owned(),
        Some(FileFinding::New) => format!("taken in{torn}{unfinished}"),
        Some(FileFinding::Rest(from)) => format!("taken in from byte {from}, known before that{torn}{unfinished}"),
        Some(FileFinding::Known) => format!("known{unfinished}"),
        Some(FileFinding::Beginning) => "known: the beginning of a log read further".to_owned(),
        Some(FileFinding::Doubtful(path)) => {
            format!("left: it begins as {}, which was read further and is gone", path.display())
        }
        Some(FileFinding::Joined(at, path)) => {
            format!("left: several logs in one; from byte {at} on it begins as {}, which is known", path.display())
        }
        Some(FileFinding::Empty) => "empty".to_owned(),
    }
}

/// Lines that are no requests: those that do not fit the format, and those over the length bound.
fn count_rejected(ledger: &Ledger) -> u64 {
    ledger.rejected.values().sum::<u64>() + ledger.too_long
}

/// The last line on stderr: of the files what became of them, of the lines how many, of all how much is new.
fn summary(taken: &BackfillSummary, again: &AgainOutcome) -> String {
    let (mut new, mut rest, mut known) = (0, 0, 0);
    for outcome in &taken.files {
        match outcome.found {
            Some(FileFinding::New) => new += 1,
            Some(FileFinding::Rest(_)) => rest += 1,
            Some(FileFinding::Known | FileFinding::Beginning) => known += 1,
            _ => {}
        }
    }
    let files = match taken.files.len() {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    if new + rest == 0 {
        let read = again.words().unwrap_or_else(|| "nothing was read".to_owned());
        return format!("{files}: {known} known already; {read}");
    }
    let (mut lines, mut rejected) = (0, 0);
    for ledger in taken.ledgers.values() {
        lines += ledger.lines;
        rejected += count_rejected(ledger);
    }
    format!(
        "{files}: {new} taken in, {rest} from where it was left, {known} known already; {} lines, {} rejected; {} slots, {} new routes{}",
        count(lines),
        count(rejected),
        count(taken.slots.len() as u64),
        taken.routes,
        again.words().map_or(String::new(), |words| format!("; {words}"))
    )
}
