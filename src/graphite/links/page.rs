//! Links of our own page: `/?route=..&from=..&box=..&only=..`, and `/at?m=..&s=..&t=..`, where links of Grafana and Graphite lead to.

use super::{LinkMistake, LinkParts, LinkTime, ReadLink, TimeGrammar};
use crate::explain::WhereCondition;
use crate::record::parse_status_range;
use crate::time::WindowSpec;

/// What links to the page are called.
pub(in crate::graphite) const PAGE_LINK: &str = "a URL of the page";

/// All that an address of the page may have ..
const OF_PAGE: [&str; 15] = [
    "route", "from", "until", "to", "since", "at", "window", "box", "only", "not", "status", "min-time", "min_time",
    "tz", "click",
];

/// .. and how it shows it, which is nothing that is asked for; but the order and the filter of its list of routes are worth a word.
const SHOWN: [&str; 3] = ["tab", "sort", "filter"];

/// What a landing place takes besides.
const OF_LANDING: [&str; 6] = ["m", "s", "t", "step", "maxDataPoints", "orgId"];

/// What stands in it, if it is one of these.
pub(super) fn read(parts: &LinkParts) -> Result<Option<ReadLink>, LinkMistake> {
    let is_landing = parts.segments().last() == Some(&"at");
    if !is_landing && !parts.segments().is_empty() {
        return Ok(None);
    }
    let kind = if is_landing { "a link to the page" } else { PAGE_LINK };
    let mut link = ReadLink { kind, ..ReadLink::default() };
    // Of `m` and `s`, a label and the series' name, the first counts that Grafana filled in.
    let filled = |key| parts.value(key).filter(|value| !value.contains("${"));
    link.targets.extend(filled("m").or_else(|| filled("s")).map(str::to_owned));
    link.routes = parts.values("route").filter(|route| !route.is_empty()).map(str::to_owned).collect();
    link.statuses = parts.values("status").filter(|status| !status.is_empty()).map(str::to_owned).collect();
    link.min_time = parts.value("min-time").or_else(|| parts.value("min_time")).map(str::to_owned);
    link.from = parts.time("from", TimeGrammar::Own);
    link.until = parts.time("until", TimeGrammar::Own).or_else(|| parts.time("to", TimeGrammar::Own));
    if is_landing {
        // Grafana's own times: milliseconds, or what its picker has.
        for time in [&mut link.from, &mut link.until].into_iter().flatten() {
            time.grammar = TimeGrammar::Grafana;
        }
        link.step = filled("step").map(str::to_owned);
        link.drawn_points = filled("maxDataPoints").and_then(|text| text.parse().ok()).filter(|most| *most > 0);
    } else {
        link.window = window_words(parts);
    }
    pass_over(parts, is_landing, &mut link);
    link.point = parts.time("t", TimeGrammar::Own);
    link.zone = parts.value("tz").map(str::to_owned);
    if let Some(text) = parts.value("box") {
        read_box(text, &mut link)?;
    }
    for (name, is_wanted) in [("only", true), ("not", false)] {
        for condition in parts.values(name).filter(|condition| !condition.is_empty()) {
            read_condition(name, condition, is_wanted, &mut link)?;
        }
    }
    Ok(Some(link))
}

/// The window, where not `from` and `until` alone say it.
fn window_words(parts: &LinkParts) -> WindowSpec {
    let text = |name| parts.value(name).map(str::to_owned);
    let spec = WindowSpec {
        from: text("from"),
        until: text("until").or_else(|| text("to")),
        since: text("since"),
        at: text("at"),
        window: text("window"),
    };
    let is_plain = spec.since.is_none() && spec.at.is_none() && spec.window.is_none();
    if is_plain && (spec.from.is_some() || spec.until.is_none()) { WindowSpec::default() } else { spec }
}

/// Says what of the link is not taken over.
fn pass_over(parts: &LinkParts, is_landing: bool, link: &mut ReadLink) {
    for parameter in parts.parameters.iter().filter(|parameter| !parameter.value.is_empty()) {
        let (key, value) = (parameter.key.as_str(), parameter.value.as_str());
        if OF_PAGE.contains(&key) || (is_landing && OF_LANDING.contains(&key)) {
            continue;
        }
        match (SHOWN.contains(&key), key) {
            (true, "filter") => link.notes.push(format!(
                "`filter={value}` narrows the page's list of routes: it is not taken over (--route '*{value}*' does that here)"
            )),
            (true, "sort") => link.notes.push(format!("`sort={value}` orders the page's list of routes: it is not taken over")),
            (true, _) => {}
            (false, _) => link.notes.push(format!("`{key}={value}` is nothing that the page knows: it is passed over")),
        }
    }
}

/// What was drawn, `FROM,UNTIL,MIN,MAX`: it is what lines are shown of, whatever the window around it.
fn read_box(text: &str, link: &mut ReadLink) -> Result<(), LinkMistake> {
    let wrong = || LinkMistake {
        what: format!("`box={text}` is no box"),
        help: "FROM,UNTIL,MIN,MAX: milliseconds since 1970, then of latency; MAX may be empty".to_owned(),
    };
    let parts: Vec<&str> = text.split(',').collect();
    let [from, until, least, most] = parts.as_slice() else { return Err(wrong()) };
    let number =
        |text: &str| if text.is_empty() { Ok(None) } else { text.parse::<u64>().map(Some).map_err(|_| wrong()) };
    let time =
        |text: &str| number(text).map(|_| Some(LinkTime { text: text.to_owned(), grammar: TimeGrammar::Grafana }));
    (link.from, link.until) = (time(from)?, time(until)?);
    link.window = WindowSpec::default();
    let least = number(least)?.unwrap_or(0);
    link.min_time = (least > 0).then(|| format!("{least}ms"));
    link.below_ms = number(most)?;
    if link.below_ms.is_some_and(|most| most <= least) {
        return Err(wrong());
    }
    // A box from the ground up means all of its requests.
    link.all_by_end = Some(least == 0);
    Ok(())
}

/// A value that was clicked. Statuses that are wanted are those of `--status`; other fields, and statuses that are not wanted, those of
/// `--where`: requests without a status are none of these.
fn read_condition(name: &str, condition: &str, is_wanted: bool, link: &mut ReadLink) -> Result<(), LinkMistake> {
    let is_of_statuses = is_wanted || !link.statuses.is_empty();
    let range = condition.strip_prefix("status:").filter(|_| is_of_statuses).and_then(parse_status_range);
    let Some(range) = range else {
        let read = WhereCondition::parse_clicked(condition, is_wanted).map_err(|what| LinkMistake {
            what: format!("`{name}={condition}` is no condition: {what}"),
            help: "FIELD:VALUE, such as status:502 or upstream_addr:10.0.0.2:8080".to_owned(),
        })?;
        link.conditions.push(read);
        return Ok(());
    };
    let kept = |status: u16| range.contains(&status) == is_wanted;
    let held: Vec<_> = link.statuses.iter().filter_map(|text| parse_status_range(text)).collect();
    let was_kept = |status: u16| held.is_empty() || held.iter().any(|range| range.contains(&status));
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for status in (0..=999).filter(|status| kept(*status) && was_kept(*status)) {
        match ranges.last_mut() {
            Some((_, until)) if *until + 1 == status => *until = status,
            _ => ranges.push((status, status)),
        }
    }
    if ranges.is_empty() {
        return Err(LinkMistake {
            what: format!("no request fits `{name}={condition}` and what else the link asks for"),
            help: "take one of its conditions out".to_owned(),
        });
    }
    link.statuses = ranges.into_iter().map(|(from, until)| format!("{from}-{until}")).collect();
    Ok(())
}
