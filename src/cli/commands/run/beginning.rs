//! What the daemon begins with, at a start and at each reload: its settings, and what there is to know about them.

use crate::cli::answer::completeness::zone_words;
use crate::cli::answer::untimed::untimed_words;
use crate::cli::input::context::Context;
use crate::cli::input::files::pattern_assumes_zone;
use crate::cli::input::settings;
#[cfg(feature = "otlp")]
use crate::daemon::OtlpNotice;
use crate::daemon::{DaemonSettings, Notice, Say};
use crate::error::Result;

/// The settings that the files say now, with what there is to know about them.
pub(super) fn settings_of(context: &Context, say: &Say) -> Result<DaemonSettings> {
    settings::daemon_settings(context, &|words: &str| say(&Notice::Remark(words.to_owned())))
}

/// What is said at a start before any log is read.
pub(super) fn say_beginning(context: &Context, settings: &DaemonSettings, say: &Say) -> Result<()> {
    say(&Notice::Started {
        version: env!("CARGO_PKG_VERSION"),
        store: settings.store.clone(),
        logs: settings.logs.len(),
    });
    say_remarks(context, settings, say)
}

/// What there is to know about a configuration that is put in force.
pub(super) fn say_remarks(context: &Context, settings: &DaemonSettings, say: &Say) -> Result<()> {
    for log in settings.logs.iter().filter(|log| !log.format.is_keyed()) {
        if let Some(words) = untimed_words(&log.pattern, &log.format, log.format.roles()) {
            say(&Notice::Remark(format!("note: {words}")));
        }
    }
    for log in settings.logs.iter().filter(|log| pattern_assumes_zone(&log.pattern, &log.format)) {
        say(&Notice::Remark(format!("log {}: {}", log.pattern, zone_words())));
    }
    for carbon in settings.destinations.iter().filter(|carbon| !carbon.delay.is_zero()) {
        say(&Notice::SlotDelay { address: carbon.destination.address.clone(), delay: carbon.delay });
    }
    #[cfg(feature = "otlp")]
    for collector in &settings.otlp {
        let (endpoint, delay) = (collector.account.clone(), collector.delay.max(settings.lateness));
        say(&Notice::Otlp(OtlpNotice::SlotDelay { endpoint, delay }));
    }
    if let Some(conf) = context.nginx()? {
        for remark in conf.remarks(context.config()?) {
            say(&Notice::Remark(remark));
        }
    }
    Ok(())
}
