//! The window and filter that the arguments mean.

use std::ops::RangeInclusive;

use super::output::say;
use crate::cli::args::{FilterArguments, WindowArguments};
use crate::cli::config::whole_millis;
use crate::error::{Error, Result};
use crate::explain::WhereCondition;
use crate::graphite::asked::window_words;
use crate::pipeline::Filter;
use crate::record::parse_status_range;
use crate::store::{View, WindowMatch};
use crate::time::{NamedZone, ResolvedWindow, Timestamp, Window, WindowError, WindowSpec, parse_duration};

/// The window asked for, said aloud on stderr; `default` if none was asked for.
pub(in crate::cli) fn window(arguments: &WindowArguments, now: Timestamp, default: Window) -> Result<Window> {
    let zone = zone(arguments)?;
    if !is_given(arguments) {
        return Ok(default);
    }
    let window = resolve(arguments, now, zone, default)?;
    say(&format!("window {}", window_words(window, zone)));
    Ok(window)
}

/// Whether any of its options was given.
pub(in crate::cli) fn is_given(arguments: &WindowArguments) -> bool {
    let WindowArguments { from, until, since, at, .. } = arguments;
    [from, until, since, at].iter().any(|given| given.is_some())
}

/// The window that the options mean, with what is doubtful about it said.
pub(in crate::cli) fn resolve(
    arguments: &WindowArguments,
    now: Timestamp,
    zone: NamedZone,
    default: Window,
) -> Result<Window> {
    let WindowArguments { from, until, since, at, window, .. } = arguments.clone();
    let spec = WindowSpec { from, until, since, at, window };
    let ResolvedWindow { window, warnings } = zone.resolve(&spec, now, default).map_err(usage_error)?;
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
    Ok(window)
}

/// The zone of `--tz`, else this machine's.
pub(in crate::cli) fn zone(arguments: &WindowArguments) -> Result<NamedZone> {
    let Some(name) = &arguments.tz else { return Ok(NamedZone::Local) };
    NamedZone::parse(name).ok_or_else(|| {
        let error = Error::usage(format!("--tz: `{name}` is no time zone"));
        match NamedZone::meant(name) {
            Some(meant) => error.remedy(format!("did you mean `{meant}`?")),
            None => error.remedy("for example `--tz Europe/Berlin` or `--tz UTC`"),
        }
    })
}

/// What is wrong with the window, as a mistake in how the command was called.
pub(in crate::cli) fn usage_error(error: WindowError) -> Error {
    let WindowError { what, remedy } = error;
    match remedy {
        Some(remedy) => Error::usage(what).remedy(remedy),
        None => Error::usage(what),
    }
}

/// The window as a report names it: none if it is all of time.
pub(in crate::cli) fn shown(window: Window) -> Option<Window> {
    (window != Window::ALL).then_some(window)
}

/// The first and the last slot that the store has of any route; nothing if it is empty.
pub(in crate::cli) fn span_of_slots(view: &View) -> Option<(Timestamp, Timestamp)> {
    let mut span: Option<(Timestamp, Timestamp)> = None;
    for (route, _) in view.routes().into_iter().chain(view.members()) {
        let Some((first, last)) = view.route_span(route) else { continue };
        span = match span {
            None => Some((first, last)),
            Some((earliest, latest)) => Some((earliest.min(first), latest.max(last))),
        };
    }
    span
}

/// The filter that the arguments mean, over `window`.
pub(in crate::cli) fn filter(arguments: &FilterArguments, window: Window, by: WindowMatch) -> Result<Filter> {
    let min_ms = arguments.min_time.as_deref().map(duration_ms).transpose()?.unwrap_or(0);
    let below_ms = arguments.max_time.as_deref().map(duration_ms).transpose()?;
    if below_ms.is_some_and(|below| below <= min_ms) {
        return Err(Error::usage("no request takes less than --max-time and at least --min-time")
            .remedy("give a --max-time that is longer"));
    }
    let statuses = arguments.status.iter().map(|text| parse_statuses(text)).collect::<Result<_>>()?;
    let mut conditions = Vec::new();
    for text in &arguments.conditions {
        conditions.push(WhereCondition::parse(text).map_err(|what| {
            Error::usage(format!("--where `{text}`: {what}"))
                .remedy("write FIELD=VALUE, such as upstream_addr=10.0.0.2:8080 or query:depth=all")
        })?);
    }
    Ok(Filter {
        window,
        by,
        min_ms,
        below_ms,
        statuses,
        routes: arguments.route.clone(),
        conditions: conditions.into(),
    })
}

/// From that time on, for ever.
pub(in crate::cli) fn open_window(since: &str, now: Timestamp) -> Result<Window> {
    let spec = WindowSpec { since: Some(since.to_owned()), ..WindowSpec::default() };
    let resolved = spec.resolve_with_warnings(now, &chrono::Local, Window::ALL).map_err(usage_error)?;
    for warning in resolved.warnings {
        say(&format!("warning: {warning}"));
    }
    Ok(Window { until: Window::ALL.until, ..resolved.window })
}

/// A duration in whole milliseconds.
pub(in crate::cli) fn duration_ms(text: &str) -> Result<u64> {
    let duration = parse_duration(text).map_err(|error| Error::usage(format!("`{text}`: {error}")))?;
    Ok(whole_millis(duration))
}

/// `404`, `5xx`, `500-504`.
fn parse_statuses(text: &str) -> Result<RangeInclusive<u16>> {
    parse_status_range(text).ok_or_else(|| Error::usage(format!("status `{text}`")).remedy("write 404, 5xx or 500-504"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_classes_and_ranges() {
        assert_eq!(parse_statuses("404").unwrap(), 404..=404);
        assert_eq!(parse_statuses("5xx").unwrap(), 500..=599);
        assert_eq!(parse_statuses("500-504").unwrap(), 500..=504);
        for wrong in ["", "9xx", "x", "504-500", "5x"] {
            assert!(parse_statuses(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_time_is_a_usage_error_with_its_remedy() {
        let spec = WindowSpec { from: Some("-10m".to_owned()), ..WindowSpec::default() };
        let error = usage_error(spec.resolve(Timestamp(0), &chrono::Utc, Window::ALL).unwrap_err());
        assert_eq!(error.exit_code(), 2);
        let expected = "--from: `-10m`: expected a unit (s, min, h, d, w, mon or y) at byte 3\n  help: did you mean \
                        `-10min`? (months are `mon`)";
        assert_eq!(error.to_string(), expected);
    }
}
