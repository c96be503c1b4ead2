//! Which series a `[[carbon]]` gets: `metrics`, `percentiles`, `routes`, `unit`.

use toml::Spanned;
use toml::de::DeValue;

use super::position::Placed;
use super::section::{Section, did_you_mean};
use crate::carbon::{Percentile, SeriesChoice, TimeUnit};
use crate::route::matches_any;

/// The keys, where they are there and right.
pub(super) fn read_choice(section: &mut Section<'_>) -> SeriesChoice {
    let percentiles = read_percentiles(section);
    let units = [("ms", TimeUnit::Milliseconds), ("s", TimeUnit::Seconds)];
    let unit = section.choice("unit", &units).map_or(TimeUnit::default(), Placed::into_value);
    SeriesChoice { metrics: read_metrics(section, &percentiles), routes: read_patterns(section), percentiles, unit }
}

/// The percentiles, in the order of the list; the usual ones where there is none.
fn read_percentiles(section: &mut Section<'_>) -> Vec<Percentile> {
    if !section.has("percentiles") {
        return Percentile::usual();
    }
    let mut percentiles: Vec<Percentile> = Vec::new();
    for percentile in section.list("percentiles", read_percentile) {
        if !percentiles.contains(&percentile) {
            percentiles.push(percentile);
        }
    }
    percentiles
}

/// One of them, a whole number or one with a decimal.
fn read_percentile<'a>(section: &mut Section<'a>, found: &'a Spanned<DeValue<'a>>) -> Option<Percentile> {
    let text = match found.get_ref() {
        DeValue::Integer(number) => number.as_str(),
        DeValue::Float(number) => number.as_str(),
        DeValue::String(text) => text,
        _ => "",
    };
    let is_number = !matches!(found.get_ref(), DeValue::String(_));
    let percentile = Percentile::parse(text);
    if let Some(percentile) = percentile.clone().filter(|_| is_number) {
        return Some(percentile);
    }
    let remedy = match text.trim_end_matches(".0") {
        "100" => "the largest is always sent, as `max`",
        _ if percentile.is_some() => "take the quotes away: `percentiles = [50, 95, 99.9]`",
        _ => "from 1 to 99, or with one decimal from 10.1 to 99.9: `percentiles = [50, 95, 99.9]`",
    };
    let place = section.placed(found.span());
    let shown = if text.is_empty() { "this" } else { text };
    section.mistake_at(&place, format!("`percentiles`: {shown} is not a percentile that there are points of"), remedy);
    None
}

/// Patterns of metrics, each of which means some.
fn read_metrics(section: &mut Section<'_>, percentiles: &[Percentile]) -> Vec<String> {
    let known = SeriesChoice::metric_names(percentiles);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut patterns = Vec::new();
    for pattern in section.texts("metrics", "request_time") {
        let name = pattern.value.strip_prefix('!').unwrap_or(&pattern.value);
        if !matches_any(name, &known) {
            let what = format!("`metrics`: no metric is called `{name}`");
            // Of a name without a dot a group is meant, and naming all there are would be a page.
            let groups: Vec<&str> =
                known.iter().copied().filter(|it| name.contains('.') || !it.contains('.')).collect();
            let remedy = match crate::error::meant(name, groups, 1 + name.len() / 4) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    let groups: Vec<&str> = known.iter().copied().filter(|it| !it.contains('.')).collect();
                    did_you_mean(name, &groups)
                }
            };
            section.mistake_at(&pattern, what, remedy);
            continue;
        }
        patterns.push(pattern.value);
    }
    patterns
}

/// Patterns of routes, which have letters that names of routes, as people or as carbon see them, can have.
pub(super) fn read_patterns(section: &mut Section<'_>) -> Vec<String> {
    let mut patterns = Vec::new();
    for pattern in section.texts("routes", "webapp.*") {
        let name = pattern.value.strip_prefix('!').unwrap_or(&pattern.value);
        if name.is_empty() || name.starts_with('!') {
            let what = format!("`routes`: `{}` means no route", pattern.value);
            section.mistake_at(&pattern, what, "for example `routes = [\"webapp.*\", \"!webapp.static\"]`");
        } else if let Some(path) = name.strip_prefix('/').filter(|path| *path != "other") {
            let what = format!("`routes`: `{name}` is a path, and no route's name begins with `/`");
            let meant = path.trim_end_matches('/').replace('/', ".");
            section.mistake_at(&pattern, what, format!("did you mean `{meant}`?"));
        } else {
            patterns.push(pattern.value);
        }
    }
    patterns
}
