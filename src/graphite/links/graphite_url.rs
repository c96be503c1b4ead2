//! graphite-web's URLs: `/render?target=..`, `/composer?..`, the dashboard's.

use super::{LinkMistake, LinkParts, ReadLink, TemplateVariable, TimeGrammar};

/// How wide a picture is that does not say it.
const PICTURE_WIDTH: f64 = 330.0;

/// What stands in it, if it is one of these.
pub(super) fn read(parts: &LinkParts) -> Result<Option<ReadLink>, LinkMistake> {
    let segments = parts.segments();
    let has_target = parts.parameters.iter().any(|it| it.key == "target" || it.key == "target[]");
    let kind = match segments.last().copied() {
        Some("render") => "a render URL of Graphite",
        Some("composer") => "a composer URL of Graphite",
        _ if segments.contains(&"dashboard") => "a dashboard URL of Graphite",
        Some("graphlot") => "a graphlot URL of Graphite",
        _ if has_target => "a URL with Graphite's targets",
        _ => return Ok(None),
    };
    let mut link = ReadLink { kind, ..ReadLink::default() };
    // `target[]` counts where there is no other, as in Graphite.
    for key in ["target", "target[]"] {
        if link.targets.is_empty() {
            link.targets = parts.values(key).filter(|target| !target.trim().is_empty()).map(str::to_owned).collect();
        }
    }
    for parameter in &parts.parameters {
        let name = parameter.key.strip_prefix("template[").and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = name {
            link.templates.push(TemplateVariable { name: name.to_owned(), value: parameter.value.clone() });
        }
    }
    link.from = parts.time("from", TimeGrammar::Graphite);
    link.until = parts.time("until", TimeGrammar::Graphite);
    link.now = parts.time("now", TimeGrammar::Graphite);
    link.zone = parts.value("tz").map(str::to_owned);
    link.drawn_points = drawn_points(parts);
    if link.targets.is_empty() {
        link.lacks = Some(if segments.contains(&"dashboard") {
            "the graphs of a dashboard do not stand in its URL: copy the URL of a graph (its menu: Share, Direct URL)"
        } else {
            "there is no target in it"
        });
    }
    Ok(Some(link))
}

/// How many points graphite-web draws at most: of data `maxDataPoints` (all without it), of a picture one for each of its pixels.
fn drawn_points(parts: &LinkParts) -> Option<u64> {
    let number = |key| parts.value(key).and_then(|text| text.trim().parse::<f64>().ok());
    let is_picture = parts.value("format").is_none_or(|format| matches!(format, "png" | "svg" | "pdf"));
    let most = match is_picture {
        true => Some(number("width").unwrap_or(PICTURE_WIDTH)),
        false => number("maxDataPoints"),
    };
    most.filter(|most| *most >= 1.0).map(|most| most as u64)
}
