//! The words of an answer, as the text and the document have them.

use super::{CauseRow, FieldValue, FirstRow, GrownRow, PhaseRow, SideCount, WhyReport};
use crate::explain::{BaselinePart, PHASES, Phase};
use crate::report::number::percent;
use crate::report::{count, millis};
use crate::route::readable_name;
use crate::time::{NamedZone, Timestamp, Window};

/// A blank at which no line is broken.
pub(in crate::report) const GLUE: &str = "\u{a0}";

/// So many routes and folded values are told.
pub(in crate::report) const MOST_NAMED: usize = 5;

/// The verdict.
pub(in crate::report) fn verdict_words(report: &WhyReport) -> &'static str {
    match report.verdict {
        "slower" if report.causes.is_empty() => "Slower: all kinds of requests alike; nothing sets the slow ones apart",
        "slower" => "Slower: the same requests take longer",
        "mix" => "Other traffic: more requests of routes that take long, which are no slower than before",
        "more" => "More traffic of the same kinds",
        _ if report.requests.window.count == 0 => "Nothing: there is no request in this window",
        _ => "Nothing: this window is like the others",
    }
}

/// What was compared with what. `named` is what the zone is called behind a time.
pub(in crate::report) fn verdict_details(report: &WhyReport, zone: NamedZone, named: &str) -> Vec<String> {
    let window = report.window;
    let (now, usual) = (report.requests.window, usual_of(report));
    let of: Vec<String> = report.baseline.iter().rev().take(3).map(|span| span_words(*span, zone)).collect();
    let more =
        if report.baseline.len() > 3 { format!(" and {} more", report.baseline.len() - 3) } else { String::new() };
    let mut details =
        vec![format!("{}{named} ({}): {}", span_words(window, zone), length_words(window), side_words(now))];
    // Without a request in the window there is no baseline either.
    if !of.is_empty() {
        details.push(format!("usual for as long: {} (as {}{more})", side_words(usual), of.join(", ")));
    }
    let BaselinePart { read, all } = report.baseline_part;
    if read < all {
        let counted =
            if report.baseline_counted { "the others are counted, but for their phases" } else { "it stands for all" };
        details.push(format!("read of that: {} of {} requests; {counted}", count(read), count(all)));
    }
    if !report.as_much.is_empty() && now.count > 0 {
        details.push(format!("it was as slow at {}", times_words(&report.as_much, zone)));
    }
    details
}

/// A client that asked for more.
pub(in crate::report) fn grown_words(grown: &GrownRow) -> String {
    let (now, usual) = (count(grown.count), count(grown.usual_count));
    format!("{} {}: {now} requests, usually {usual}", whose_words(&grown.whose), signed(grown.change_ms))
}

/// What the baseline had as well.
pub(in crate::report) fn no_news_words(cause: &CauseRow, zone: NamedZone) -> String {
    format!("no news: {}: as slow at {}", whose_words(&cause.whose), times_words(&cause.as_much, zone))
}

/// A cause by its name, with its part.
pub(in crate::report) fn cause_title(rank: u64, cause: &CauseRow) -> String {
    let besides = if rank == 1 { "" } else { "besides, " };
    format!("{rank}. {besides}{}: {} of the excess", whose_words(&cause.whose), percent(cause.share))
}

/// What is known of a cause: its excess, its requests on both sides, what lives in the same requests.
pub(in crate::report) fn cause_details(cause: &CauseRow) -> Vec<String> {
    let CauseRow { excess_ms, low_ms, high_ms, p, window, baseline, .. } = cause;
    let phase = cause.phase.map_or(String::new(), |phase| format!(", mostly {}", phase_of_name(phase)));
    let chance = if *p < 1e-6 { "less than one in a million".to_owned() } else { format!("{p:.1e}") };
    let (excess, low, high) = (signed(*excess_ms), signed(*low_ms), signed(*high_ms));
    let times = |p50: Option<u64>, p99: Option<u64>| {
        let shown = |time: Option<u64>| time.map_or("-".to_owned(), millis);
        format!("p50 {}, p99 {}", shown(p50), shown(p99))
    };
    let besides = cause.besides.map_or(String::new(), |left| {
        format!("; {} of them are not those of another cause, {}", count(left.count), times(left.p50_ms, left.p99_ms))
    });
    let now = format!("{} requests, {}{besides}", count(window.count), times(window.p50_ms, window.p99_ms));
    let before = if baseline.count == 0 {
        "none in the baseline".to_owned()
    } else {
        format!("in the baseline {}, {}", count(baseline.count), times(baseline.p50_ms, baseline.p99_ms))
    };
    let mut details = vec![
        format!("{excess} beyond the usual ({low} to {high}){phase}; by chance: {chance}"),
        format!("{now}; {before}"),
    ];
    if !cause.folded.is_empty() {
        let mut same = Vec::new();
        for folded in cause.folded.iter().take(MOST_NAMED) {
            same.push(format!("{} ({})", whose_words(&folded.whose), percent(folded.share)).replace(' ', GLUE));
        }
        details.push(format!("in the same requests: {}", same.join(", ")));
    }
    details
}

/// Each phase with what it took and how much more that is than usual.
pub(in crate::report) fn rows_of<'p>(
    phases: &'p [PhaseRow; PHASES],
    change: &'p [i64; PHASES],
) -> impl Iterator<Item = (Phase, PhaseRow, i64)> + 'p {
    Phase::ALL.into_iter().zip(phases).zip(change).map(|((phase, row), more)| (phase, *row, *more))
}

/// A request that came first.
pub(in crate::report) fn first_words(first: &FirstRow, zone: NamedZone) -> String {
    let FirstRow { start, end, target, waited, .. } = first;
    let took = u64::try_from(end.0.0 - start.0.0).unwrap_or(0);
    let who = first.remote_addr.as_deref().map_or(String::new(), |client| format!("{client} "));
    let what = format!("{} {who}{target} ran {}", clock(start.0, zone), millis(took));
    if first.held {
        return format!("{what}: {} slow requests began while it ran, and waited", count(*waited));
    }
    what
}

fn usual_of(report: &WhyReport) -> SideCount {
    usual_side(report.requests.baseline, report)
}

/// What the baseline had, for as long as the window is.
pub(in crate::report) fn usual_side(baseline: SideCount, report: &WhyReport) -> SideCount {
    let length = |window: &Window| u128::try_from(window.until.0.saturating_sub(window.from.0)).unwrap_or(0);
    let whole: u128 = report.baseline.iter().map(length).sum();
    let whole = u64::try_from(whole).unwrap_or(u64::MAX);
    let of = if report.baseline_counted { whole } else { report.baseline_part.of_length(whole) };
    let of = u128::from(of).max(1);
    let scaled = |number: u64| {
        let wide = (u128::from(number) * length(&report.window) + of / 2) / of;
        u64::try_from(wide).unwrap_or(u64::MAX)
    };
    SideCount { count: scaled(baseline.count), total_ms: scaled(baseline.total_ms), slow: scaled(baseline.slow) }
}

fn side_words(side: SideCount) -> String {
    format!("{} requests took {}, {} of them slow", count(side.count), millis(side.total_ms), count(side.slow))
}

/// `2011-11-30 14:05:00 .. 14:07:00`
pub(in crate::report) fn span_words(window: Window, zone: NamedZone) -> String {
    let (from, until) = (zone.told_clock(window.from), zone.told_clock(window.until));
    match (from.split_once(' '), until.split_once(' ')) {
        (Some((day, _)), Some((same, until))) if day == same => format!("{from} .. {until}"),
        _ => format!("{from} .. {until}"),
    }
}

/// `14:05:00`, with milliseconds if there are any.
fn clock(time: Timestamp, zone: NamedZone) -> String {
    let told = zone.told_clock(time);
    told.split_once(' ').map_or(told.clone(), |(_, clock)| clock.to_owned())
}

fn length_words(window: Window) -> String {
    millis(u64::try_from(window.until.0.saturating_sub(window.from.0)).unwrap_or(0))
}

fn times_words(times: &[Timestamp], zone: NamedZone) -> String {
    let shown: Vec<String> = times.iter().rev().take(MOST_NAMED).rev().map(|time| clock(*time, zone)).collect();
    shown.join(", ")
}

/// Fields and their values.
pub(in crate::report) fn whose_words(whose: &[FieldValue]) -> String {
    let mut words = Vec::new();
    for FieldValue { field, value, .. } in whose {
        let value = if field == "route" { readable_name(value).into_owned() } else { value.clone() };
        words.push(format!("{field} {value}"));
    }
    words.join(" with ")
}

/// A phase for people.
pub(in crate::report) fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "connecting",
        Phase::Header => "waiting for the header",
        Phase::Body => "the body",
        Phase::Client => "the client's side",
        Phase::Retries => "attempts that failed",
    }
}

fn phase_of_name(name: &str) -> &'static str {
    Phase::ALL.into_iter().find(|phase| phase.name() == name).map_or("", phase_words)
}

/// `+1,204 ms`
pub(in crate::report) fn signed(time_ms: i64) -> String {
    let sign = if time_ms < 0 { "-" } else { "+" };
    format!("{sign}{}", millis(time_ms.unsigned_abs()))
}
