//! `spikeline index`: takes in logs of the past, sends their points, rebuilds what a disk damaged.

mod again;
mod archives;
mod backfill;
mod push;
mod rebuild;
mod rebuild_journal;

use std::collections::HashMap;
use std::sync::Arc;

use crate::cli::answer::Answer;
use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::{progress, say, say_error, stdout, style, written};
use crate::cli::answer::untimed::say_untimed;
use crate::cli::args::IndexArguments;
use crate::cli::input::context::Context;
use crate::cli::input::interpreters::{archive, slot_settings, with_routes};
use crate::daemon::backfill::{BackfillAccount, BackfillSettings, BackfillSummary, read_past_logs};
use crate::daemon::{Notice, Say};
use crate::error::{Error, ErrorClass, Result};
use crate::pipeline::Interpreter;
use crate::record::Needs;
use crate::report::{IndexedFileRow, Report, count, write};
use crate::source::{BackfillFile, BackfillOutcome, FileFinding};
use crate::store::{self, Ledger, View, Writer};
use crate::time::{Clock, SystemClock};
use backfill::PastFiles;

pub(super) fn index(context: &Context, arguments: &IndexArguments) -> Result<Answer> {
    if arguments.files.is_empty() && !arguments.push && !arguments.rebuild {
        return Err(
            Error::usage("nothing to take in").remedy("name log FILEs (rotated, packed), or give --push or --rebuild")
        );
    }
    let mut accounts = push::Accounts::new(context, arguments)?;
    let files = PastFiles::open(context, &arguments.files, &arguments.given)?;
    let mut writer = writer(context)?;
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
        if arguments.again {
            let mut files = Vec::new();
            for BackfillFile { path, key } in &named {
                files.push((path.clone(), key.clone()));
            }
            failed.extend(again::take_in_again(context, &files, &formats, &mut writer, accounts.as_mut())?);
        }
        print(arguments, &named, &taken, &failed)?;
    }
    if arguments.push {
        failed.extend(accounts.push(context, arguments, &mut writer)?);
    }
    writer.withdraw_restored()?;
    writer.conclude()?;
    Ok(Answer::from_found(true, &failed))
}

/// The store, to write: with the configuration's settings, or without one those that it was made with.
fn writer(context: &Context) -> Result<Writer> {
    let (folder, config) = (context.store()?, context.config()?);
    let mut settings = store::StoreSettings {
        interval: config.interval,
        slowest: config.slow.slowest,
        access: config.store.access()?,
        ..store::StoreSettings::default()
    };
    if !context.has_config()
        && let Ok(view) = View::open(&folder)
    {
        settings = view.settings().clone();
        settings.access = store::StoreAccess::of_store(&folder);
    }
    let writer = match Writer::open(&folder, settings) {
        Ok(writer) => writer,
        Err(error) if error.class() == ErrorClass::Held => {
            return Err(Error::held(error.what()).at(folder).remedy(
                "stop it (`systemctl stop spikeline`, or `kill` that pid), give this command again and start it: it goes on where it \
                 was; or take the logs into a store of their own with --store DIR",
            ));
        }
        Err(error) => return Err(error),
    };
    for warning in writer.warnings() {
        say(&format!("spikeline: store: {warning}"));
    }
    let cut = writer.cut_bytes();
    if cut > 0 {
        say(&format!(
            "spikeline: the last {cut} bytes of the store's journal were torn or damaged and do not count; the daemon reads their lines \
             again, and so does `spikeline index` of their logs"
        ));
    }
    Ok(writer)
}

/// Reads the files into the store. What becomes of each is said later, in their order; what the routes and the carbons
/// are told meanwhile is said at once.
fn take_in(
    context: &Context,
    files: PastFiles,
    writer: &mut Writer,
    accounts: &mut [BackfillAccount],
) -> Result<BackfillSummary> {
    let config = context.config()?;
    let with = with_routes(context, writer.view())?;
    let mut interpreters = HashMap::new();
    for (key, format) in &files.formats {
        match Interpreter::new(format, Needs::latency(), &with.for_log(key)) {
            Ok(interpreter) => interpreters.insert(key.clone(), interpreter),
            Err(error) => return Err(Error::usage(format!("log {key}: format `{}`: {error}", format.name()))),
        };
    }
    archive(context, writer.view(), &mut interpreters)?;
    for (key, format) in files
        .formats
        .iter()
        .filter(|(key, format)| !format.is_keyed() && files.files.iter().any(|file| file.key == **key))
    {
        say_untimed(key, format, format.roles());
    }
    let settings = BackfillSettings {
        files: files.files,
        interpreters,
        routes: Arc::clone(&with.routes),
        slots: slot_settings(context, writer.view())?,
        max_line: config.longest_line(),
    };
    let bar = progress(files.bytes);
    let aloud: Say = Arc::new(|notice: &Notice| {
        if !matches!(notice, Notice::Following { .. }) {
            say(&format!("spikeline: {notice}"));
        }
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let taken = read_past_logs(settings, writer, accounts, &clock, &aloud, &|bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    taken
}

/// The table on stdout, a row a file in the order that they were read in; then, on stderr, what failed and the summary.
fn print(arguments: &IndexArguments, named: &[BackfillFile], taken: &BackfillSummary, failed: &[String]) -> Result<()> {
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
        let file = match named.get(outcome.file) {
            Some(file) => file.path.display().to_string(),
            None => String::new(),
        };
        rows.push(IndexedFileRow { file, result: result(outcome), lines: ledger.lines, rejected, bytes: ledger.bytes });
    }
    let report = Report { missing: failed.to_vec(), ..Report::new(rows, None) };
    let mut out = stdout();
    written(write(&report, arguments.format.into(), style(), &mut out))?;
    written(std::io::Write::flush(&mut out))?;
    failures(taken).for_each(say_error);
    say(&summary(taken));
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
fn summary(taken: &BackfillSummary) -> String {
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
        return format!("{files}: {known} known already; nothing was read");
    }
    let (mut lines, mut rejected) = (0, 0);
    for ledger in taken.ledgers.values() {
        lines += ledger.lines;
        rejected += count_rejected(ledger);
    }
    format!(
        "{files}: {new} taken in, {rest} from where it was left, {known} known already; {} lines, {} rejected; {} slots, {} new routes",
        count(lines),
        count(rejected),
        count(taken.slots.len() as u64),
        taken.routes
    )
}
