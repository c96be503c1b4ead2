//! Logs that do not say how long requests took: that is said wherever it is first met, with what to add.

use std::collections::BTreeSet;

use super::output::say;
use crate::grammar::{Format, Roles, read_format};
use crate::store::View;

/// What to add to the log_format; `spikeline check` prints it whole.
const ADD: &str = "add rt=$request_time msec=$msec to its log_format (`spikeline check` prints it whole)";

/// Says what a log lacks that has no time of requests; `roles` are those of its lines. Nothing if it has one.
pub(in crate::cli) fn say_untimed(name: &str, format: &Format, roles: &Roles) {
    if let Some(words) = untimed_words(name, format, roles) {
        say(&format!("note: {words}"));
    }
}

/// What a log lacks that has no time of requests, in words.
pub(in crate::cli) fn untimed_words(name: &str, format: &Format, roles: &Roles) -> Option<String> {
    if roles.request_time.is_some() {
        return None;
    }
    let has_no = if format.is_keyed() { "no key of its lines holds" } else { "its format has no" };
    if roles.upstream.first().is_some_and(Option::is_some) {
        return Some(format!("{name}: {has_no} $request_time: all times are those of $upstream_response_time"));
    }
    let add = if format.is_keyed() { "`spikeline check` says how to log it" } else { ADD };
    Some(format!("{name}: {has_no} $request_time: no latencies, and nothing is slow: {add}"))
}

/// The same of the logs of a store, each once.
pub(in crate::cli) fn say_untimed_logs(view: &View) {
    let mut said = BTreeSet::new();
    for generation in view.generations() {
        let Some(reading) = view.last_reading(generation.id) else { continue };
        if !said.insert((&generation.log, &reading.format)) {
            continue;
        }
        if let Some(format) = read_format(&reading.format)
            && !format.is_keyed()
        {
            say_untimed(&generation.log, &format, format.roles());
        }
    }
}
