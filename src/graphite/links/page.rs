//! Links of our own page: `/?route=..&from=..`, and `/at?m=..&s=..&t=..`, where links of Grafana and Graphite lead to.

use super::{LinkParts, ReadLink, TimeGrammar};

/// What stands in it, if it is one of these.
pub(super) fn read(parts: &LinkParts) -> Option<ReadLink> {
    let is_landing = parts.segments().last() == Some(&"at");
    if !is_landing && !parts.segments().is_empty() {
        return None;
    }
    let kind = if is_landing { "a link to the page" } else { "a URL of the page" };
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
    }
    link.point = parts.time("t", TimeGrammar::Own);
    link.zone = parts.value("tz").map(str::to_owned);
    Some(link)
}
