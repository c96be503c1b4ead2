//! Logs of the past read into a store: that of `index`, or the one that `serve FILE` makes for itself.

use std::collections::HashMap;
use std::sync::Arc;

use super::context::Context;
use super::interpreters::{archive, slot_settings, with_routes};
use super::past_files::PastFiles;
use crate::cli::answer::output::{progress, say, spinner};
use crate::cli::answer::untimed::say_untimed;
use crate::daemon::backfill::{BackfillAccount, BackfillSettings, BackfillSummary, read_past_logs};
use crate::daemon::{Notice, Say};
use crate::error::{Error, ErrorClass, Result};
use crate::pipeline::Interpreter;
use crate::record::Needs;
use crate::store::{self, View, Writer};
use crate::time::{Clock, SystemClock};

/// The store, to write: with the configuration's settings, or without one those that it was made with.
pub(in crate::cli) fn store_to_write(context: &Context) -> Result<Writer> {
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
    let mut writer = match Writer::open(&folder, settings) {
        Ok(writer) => writer,
        Err(error) if error.class() == ErrorClass::Held => {
            return Err(Error::held(error.what()).at(folder).remedy(
                "stop it (`systemctl stop spikeline`, or `kill` that pid), give this command again and start it: it goes on where it \
                 was; or take the logs into a store of their own with --store DIR. A window alone (`--push --from ..`) is sent beside it",
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
    writer.set_rotated(context.rotated_of(writer.view())?);
    Ok(writer)
}

/// Reads the files into the store. What becomes of each is said later, in their order; what the routes and the carbons
/// are told meanwhile is said at once.
pub(in crate::cli) fn take_in(
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

/// Merges what was taken in, so that a query of a year reads few segments and their roll-ups, also where no daemon comes to do it. That
/// it failed is said: the store answers as before, only slower.
pub(in crate::cli) fn compact(writer: &mut Writer) {
    let bar = spinner("merging what was taken in");
    let merged = writer.compact(SystemClock.now(), &mut |_| bar.tick());
    bar.finish_and_clear();
    if let Err(error) = merged {
        say(&format!(
            "spikeline: not all of the store could be merged, so questions take longer (their answers are the same): {error}"
        ));
    }
}
