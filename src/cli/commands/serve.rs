//! `spikeline serve`: the page and the read APIs over a store at rest, or over files, with nothing else installed.

use std::path::{Path, PathBuf};

use crate::cli::answer::Answer;
use crate::cli::answer::completeness::missing_for;
use crate::cli::answer::output::{say, say_error};
use crate::cli::args::ServeArguments;
use crate::cli::input::context::Context;
use crate::cli::input::http_settings::{http_settings, listen};
use crate::cli::input::past_files::PastFiles;
use crate::cli::input::past_reading::{compact, store_to_write, take_in};
use crate::cli::input::scratch_folder::EndingSignal;
use crate::daemon::backfill::BackfillSummary;
use crate::error::{Error, Result};
use crate::http::{HttpServer, HttpSettings, bind};
use crate::report::count;

pub(super) fn serve(context: &Context, arguments: &ServeArguments) -> Result<Answer> {
    let address = listen(context, arguments.listen.as_deref())?.ok_or_else(|| {
        Error::usage("there is nothing to serve: `listen` is \"off\"").remedy("give --listen 127.0.0.1:8417")
    })?;
    let listener = bind(address)?;
    // From the beginning: what is made meanwhile is removed also when it comes early.
    let ending = EndingSignal::wait()?;
    let settings = if arguments.files.files.is_empty() {
        let store = context.store()?;
        // That there is none is said now, and not to the first who asks.
        drop(context.view()?);
        http_settings(context, store, options_of(context))?
    } else {
        settings_of_files(context, arguments, &ending)?
    };
    let server = HttpServer::start(listener, settings)?;
    say(&format!("spikeline: http://{}/ (Ctrl-C ends it)", server.address));
    ending.heed();
    drop(server);
    Ok(Answer::Found)
}

/// The options that name configuration and store.
fn options_of(context: &Context) -> String {
    let config = context.config_path().map(|path| format!(" --config {}", path.display()));
    let store = context.store_path().map(|path| format!(" --store {}", path.display()));
    config.unwrap_or_default() + &store.unwrap_or_default()
}

/// Takes the files into a store of their own, which is removed at the end.
fn settings_of_files(context: &Context, arguments: &ServeArguments, ending: &EndingSignal) -> Result<HttpSettings> {
    let path = ending.folder("spikeline-serve-")?;
    let own = Context::new(context.config_path().map(Path::to_owned), Some(path.join("store")));
    let files = with_stdin(&arguments.files.files, &path)?;
    let past = PastFiles::open(&own, &files, &arguments.files.format)?;
    let mut missing: Vec<String> = past.failed.iter().map(missing_for).collect();
    past.failed.iter().for_each(say_error);
    if past.files.is_empty() {
        return Err(Error::failed("none of the files can be read").remedy("`spikeline check FILE` says why"));
    }
    let unknown = past.unknown.clone();
    let named = past.files.clone();
    let mut writer = store_to_write(&own)?;
    let taken = take_in(&own, past, &mut writer, &mut [])?;
    for outcome in &taken.files {
        let Some(failed) = &outcome.failed else { continue };
        let path = named.get(outcome.file).map(|file| &file.path);
        let why = path.filter(|_| outcome.found.is_none()).and_then(|path| unknown.get(path)).unwrap_or(failed);
        say_error(why);
        missing.push(missing_for(why));
    }
    compact(&mut writer);
    writer.conclude()?;
    if let Some(why) = nothing_read(&missing, &taken) {
        return Err(why);
    }
    let lines: u64 = taken.ledgers.values().map(|ledger| ledger.parsed).sum();
    say(&format!("spikeline: {} requests of {} routes", count(lines), count(taken.routes as u64)));
    drop(writer);
    let mut options = options_of(context);
    for file in &arguments.files.files {
        options.push(' ');
        options.push_str(&file.to_string_lossy());
    }
    let mut settings = http_settings(&own, path.join("store"), options)?;
    settings.site.missing = missing;
    // The files are all that is meant.
    settings.site.expected = None;
    Ok(settings)
}

/// Why there is nothing to serve, if not one line of any file could be read.
fn nothing_read(missing: &[String], taken: &BackfillSummary) -> Option<Error> {
    let is_read = taken.ledgers.values().any(|ledger| ledger.parsed > 0);
    (!missing.is_empty() && !is_read).then(|| {
        Error::failed("not one request could be read from these files, so there is nothing to serve")
            .remedy("`spikeline check FILE` says why")
    })
}

/// What is piped in is written to a file first, since its lines are to be found again.
fn with_stdin(files: &[PathBuf], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut named = Vec::new();
    for file in files {
        if file.as_os_str() != "-" {
            named.push(file.clone());
            continue;
        }
        let path = folder.join("stdin.log");
        let mut out =
            std::fs::File::create(&path).map_err(|error| Error::io("keep what is piped in", &path, &error))?;
        std::io::copy(&mut std::io::stdin().lock(), &mut out)
            .map_err(|error| Error::io("keep what is piped in", &path, &error))?;
        named.push(path);
    }
    Ok(named)
}
