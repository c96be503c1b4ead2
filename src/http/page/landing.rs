//! Where a link of a graph leads: `/at?m=..&s=..&t=..&from=..&to=..`.
//!
//! `m` is whatever may be pasted (a metric, a target, a URL), `s` a series' name that stands for it where the first is not filled in, `t`
//! the point that was clicked, `from` and `to` what the graph shows, `step` how long its points are and `maxDataPoints` how many it has,
//! if the link says that; a parameter that Grafana left as `${__..}` is none. The page opens on the slots around the point that stand
//! out, as a box, with as much before and after it as shows what is usual, and says how long the point was taken to be (`click`).

use form_urlencoded::Serializer;

use super::shown_time::zone_named;
use crate::error::Result;
use crate::graphite::around::{around_in_store, length_of};
use crate::graphite::asked::{AskContext, Pasted, understand};
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::http::reply::Reply;
use crate::pipeline::askable_names;
use crate::route::RouteId;
use crate::time::Window;
use std::time::Duration;

/// At least so much is shown before and after the box ..
const LEAST_AROUND: Duration = Duration::from_secs(300);

/// .. and so many times the clicked point.
const POINTS_AROUND: u32 = 15;

pub(super) fn answer(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let view = reader.view()?;
    let site = reader.site();
    let context = AskContext {
        namings: &site.namings,
        archives: &*site.archives,
        routes: Some(askable_names(view)),
        is_host_known: !site.goes_by_store,
        interval: view.settings().interval,
        now: asked.now,
        zone: zone_named(asked.value("tz"))?,
        has_route: false,
        has_window: false,
        clicked: None,
    };
    let pasted = understand(&[link_of(asked)], &context)?;
    let routes = if pasted.routes.is_empty() { None } else { Some(reader.routes_named(&pasted.routes)?) };
    let chosen = box_of(&pasted, reader, routes.as_deref())?;
    Ok(Reply::see_other(page_address(asked, &pasted, chosen)))
}

/// The question as a link of the page, for the one way in.
fn link_of(asked: &Asked) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in &asked.parameters {
        query.append_pair(name, value);
    }
    format!("/at?{}", query.finish())
}

/// The slots around the clicked point that stand out; nothing without one.
fn box_of(pasted: &Pasted, reader: &Reader<'_>, routes: Option<&[RouteId]>) -> Result<Option<Window>> {
    let Some(point) = pasted.point else { return Ok(None) };
    let metric = pasted.metrics.first().copied();
    Ok(Some(around_in_store(reader.view()?, point.span, routes, metric)?.window))
}

/// The page's address of what is asked.
fn page_address(asked: &Asked, pasted: &Pasted, chosen: Option<Window>) -> String {
    let mut query = Serializer::new(String::new());
    let window = match (chosen, pasted.point) {
        (Some(chosen), Some(point)) => {
            let around = length_of(point.span).saturating_mul(POINTS_AROUND).max(LEAST_AROUND).max(length_of(chosen));
            let until = chosen.until.plus(around).min(asked.now.max(chosen.until));
            Some(Window { from: chosen.from.minus(around), until })
        }
        _ => None,
    };
    let from = window.map(|window| window.from).or(pasted.from);
    let until = window.map(|window| window.until).or(pasted.until);
    for (name, time) in [("from", from), ("until", until)] {
        if let Some(time) = time {
            query.append_pair(name, &time.to_string().replace(".000Z", "Z"));
        }
    }
    for route in &pasted.routes {
        query.append_pair("route", route);
    }
    for status in &pasted.statuses {
        query.append_pair("only", &format!("status:{}-{}", status.start(), status.end()));
    }
    for condition in &pasted.conditions {
        let (name, text) = condition.clicked();
        query.append_pair(name, &text);
    }
    let least = pasted.min_ms.unwrap_or(0);
    if let Some(chosen) = chosen {
        query.append_pair("box", &format!("{},{},{least},", chosen.from.0, chosen.until.0));
    }
    if let Some(point) = pasted.point {
        query.append_pair("click", &format!("{},{}", point.span.from.0, point.how.to_parameter()));
    }
    if let Some(zone) = asked.value("tz") {
        query.append_pair("tz", zone);
    }
    format!("/?{}", query.finish())
}
