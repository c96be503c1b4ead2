//! What a view is of, as the page's address has it.
//!
//! | parameter | |
//! |---|---|
//! | `from`, `until`, `since`, `at`, `window` | the window, as `--from` and the others take it; without any, the last of what there is |
//! | `route` | a route or a pattern; several |
//! | `box` | what was drawn: `FROM,UNTIL,MIN,MAX` in milliseconds since 1970 and of latency, MAX may be empty |
//! | `only`, `not` | `FIELD:VALUE` that a request must have, or not, as `--where FIELD=VALUE`; several |
//! | `click` | the point of a graph that led here, `AT,LENGTH,STEP,..`, as `/at` writes it |
//! | `tz` | the zone of times |

use std::sync::Arc;
use std::time::Duration;

use super::shown_time::{resolve, zone_named};
use crate::error::{Error, Result};
use crate::explain::WhereCondition;
use crate::graphite::asked::PointLength;
use crate::http::asked::Asked;
use crate::http::reader::Reader;
use crate::pipeline::{Filter, check_where_of_store, routes_of_conditions};
use crate::route::RouteId;
use crate::store::{View, WindowMatch};
use crate::time::{NamedZone, Timestamp, Window, WindowSpec};

/// A window that follows the present is this long at first ..
const LIVE: Duration = Duration::from_secs(30 * 60);

/// .. and one of a store at rest at most this.
const REST: Duration = Duration::from_secs(24 * 3600);

/// A store whose last slot is older than this is at rest.
const STALE: Duration = Duration::from_secs(15 * 60);

/// So many routes and patterns a view is of at most: each is held against every name of the store.
const ROUTES_MAX: usize = 500;

/// So many conditions are held against every line.
const CONDITIONS_MAX: usize = 50;

fn check_count(what: &str, count: usize, most: usize) -> Result<()> {
    if count <= most {
        return Ok(());
    }
    Err(Error::usage(format!("{count} {what} are too many for one view"))
        .remedy(format!("give {most} at most; `*` stands for any text")))
}

/// What is asked.
#[derive(Debug, Clone)]
pub(super) struct PageQuestion {
    /// The window, in whole slots.
    pub(super) window: Window,
    /// Whether its end is the present.
    pub(super) follows: bool,
    /// What the store has anything of; nothing if it is empty.
    pub(super) known: Option<Window>,
    pub(super) zone: NamedZone,
    /// Names and patterns; all without any.
    pub(super) routes: Vec<String>,
    pub(super) conditions: Arc<[WhereCondition]>,
    pub(super) chosen: Option<ChosenBox>,
    /// The point of a graph that led here.
    pub(super) click: Option<LandedClick>,
}

/// The point of a graph that was clicked, and how long it was taken to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LandedClick {
    pub(super) at: Timestamp,
    pub(super) how: PointLength,
}

/// What was drawn on a heatmap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChosenBox {
    /// When its requests ended.
    pub(super) window: Window,
    /// The shortest time ..
    pub(super) from_ms: u64,
    /// .. and before which; nothing without an end.
    pub(super) until_ms: Option<u64>,
}

impl PageQuestion {
    /// # Errors
    /// A parameter is not what it should be, or the store cannot be read.
    pub(super) fn read(asked: &Asked, reader: &Reader<'_>) -> Result<PageQuestion> {
        let view = reader.view()?;
        let zone = zone_named(asked.value("tz"))?;
        let known = known_window(view);
        let (window, follows) = window_of(asked, known, zone)?;
        let interval = view.settings().interval;
        let whole = Window { from: window.from.slot(interval), until: ceil_to_slot(window.until, interval) };
        let mut routes: Vec<String> =
            asked.values("route").filter(|route| !route.is_empty()).map(str::to_owned).collect();
        check_count("routes", routes.len(), ROUTES_MAX)?;
        check_count("conditions", asked.values("only").chain(asked.values("not")).count(), CONDITIONS_MAX)?;
        let conditions = conditions_of(asked)?;
        check_where_of_store(&conditions, view)?;
        if routes.is_empty() {
            routes = routes_of_conditions(&conditions);
        }
        Ok(PageQuestion {
            window: whole,
            follows,
            known,
            zone,
            routes,
            conditions: conditions.into(),
            chosen: asked.value("box").map(ChosenBox::parse).transpose()?,
            click: asked.value("click").map(LandedClick::parse).transpose()?,
        })
    }

    /// The box; of a view without one, all of it.
    pub(super) fn chosen_or_all(&self) -> ChosenBox {
        self.chosen.unwrap_or(ChosenBox { window: self.window, from_ms: 0, until_ms: None })
    }

    /// Requests of these routes that ended in the window.
    pub(super) fn filter(&self) -> Filter {
        Filter { window: self.window, by: WindowMatch::End, routes: self.routes.clone(), ..Filter::all() }
    }

    /// The routes' numbers; nothing for all of them.
    pub(super) fn route_ids(&self, reader: &Reader<'_>) -> Result<Option<Vec<RouteId>>> {
        if self.routes.is_empty() { Ok(None) } else { reader.routes_named(&self.routes).map(Some) }
    }
}

impl ChosenBox {
    fn parse(text: &str) -> Result<ChosenBox> {
        let wrong = || {
            Error::usage(format!("box `{text}` is no box"))
                .remedy("FROM,UNTIL,MIN,MAX: milliseconds since 1970, then of latency; MAX may be empty")
        };
        let parts: Vec<&str> = text.split(',').collect();
        let [from, until, least, most] = parts.as_slice() else { return Err(wrong()) };
        let time = |text: &str| text.parse::<i64>().map(Timestamp).map_err(|_| wrong());
        let window = Window { from: time(from)?, until: time(until)? };
        let from_ms = if least.is_empty() { 0 } else { least.parse().map_err(|_| wrong())? };
        let until_ms = if most.is_empty() { None } else { Some(most.parse().map_err(|_| wrong())?) };
        if window.from >= window.until || until_ms.is_some_and(|until| until <= from_ms) {
            return Err(wrong());
        }
        Ok(ChosenBox { window, from_ms, until_ms })
    }

    /// Whether a request lies in it.
    pub(super) fn holds(&self, end: Timestamp, took_ms: u64) -> bool {
        self.window.contains(end) && took_ms >= self.from_ms && self.until_ms.is_none_or(|until| took_ms < until)
    }

    /// Requests of these routes that lie in it.
    pub(super) fn filter(&self, routes: &[String]) -> Filter {
        let (min_ms, below_ms) = (self.from_ms, self.until_ms);
        Filter { window: self.window, by: WindowMatch::End, min_ms, below_ms, routes: routes.to_vec(), ..Filter::all() }
    }
}

impl LandedClick {
    fn parse(text: &str) -> Result<LandedClick> {
        let parts =
            text.split_once(',').and_then(|(at, how)| Some((at.parse().ok()?, PointLength::of_parameter(how)?)));
        let Some((at, how)) = parts else {
            return Err(
                Error::usage(format!("click `{text}` is no point of a graph")).remedy("leave it out: `/at` writes it")
            );
        };
        Ok(LandedClick { at: Timestamp(at), how })
    }
}

/// What the address asks for of fields.
fn conditions_of(asked: &Asked) -> Result<Vec<WhereCondition>> {
    let mut conditions = Vec::new();
    for (name, is_wanted) in [("only", true), ("not", false)] {
        for text in asked.values(name).filter(|text| !text.is_empty()) {
            conditions.push(WhereCondition::parse_clicked(text, is_wanted).map_err(|what| {
                Error::usage(format!("`{name}={text}` is no condition: {what}"))
                    .remedy("FIELD:VALUE, such as status:502; fields and values are those of --where")
            })?);
        }
    }
    Ok(conditions)
}

/// From the first to the last slot of any route.
fn known_window(view: &View) -> Option<Window> {
    let interval = view.settings().interval;
    let mut known: Option<Window> = None;
    for (route, _) in view.routes().into_iter().chain(view.members()) {
        let Some((first, last)) = view.route_span(route) else { continue };
        let until = last.plus(interval);
        known = Some(match known {
            None => Window { from: first, until },
            Some(held) => Window { from: held.from.min(first), until: held.until.max(until) },
        });
    }
    known
}

/// The window that is asked for, and whether it follows the present.
fn window_of(asked: &Asked, known: Option<Window>, zone: NamedZone) -> Result<(Window, bool)> {
    let text = |name| asked.value(name).map(str::to_owned);
    let spec = WindowSpec {
        from: text("from"),
        until: text("until"),
        since: text("since"),
        at: text("at"),
        window: text("window"),
    };
    let now = asked.now;
    if [&spec.from, &spec.until, &spec.since, &spec.at].iter().any(|given| given.is_some()) {
        let all = known.unwrap_or(Window { from: now.minus(LIVE), until: now });
        let window = resolve(zone, &spec, now, all)?;
        return Ok((window, spec.since.is_some()));
    }
    Ok(usual_window(known, now))
}

/// The window of an address that says none, and whether it follows the present.
fn usual_window(known: Option<Window>, now: Timestamp) -> (Window, bool) {
    match known {
        Some(known) if now.minus(STALE) > known.until => {
            (Window { from: known.from.max(known.until.minus(REST)), until: known.until }, false)
        }
        Some(known) => (Window { from: known.from.max(now.minus(LIVE)), until: now }, true),
        None => (Window { from: now.minus(LIVE), until: now }, true),
    }
}

/// The window that the page shows of a store when its address says none, in whole slots.
pub fn opening_window(view: &View, now: Timestamp) -> Window {
    let interval = view.settings().interval;
    let (window, _) = usual_window(known_window(view), now);
    Window { from: window.from.slot(interval), until: ceil_to_slot(window.until, interval) }
}

/// The end of the slot that a time lies in, if it is not a slot's beginning.
fn ceil_to_slot(time: Timestamp, interval: Duration) -> Timestamp {
    let floor = time.slot(interval);
    if floor == time { time } else { floor.plus(interval) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_four_numbers() {
        let chosen = ChosenBox::parse("1000,2000,800,").unwrap();
        assert_eq!((chosen.from_ms, chosen.until_ms), (800, None));
        assert!(chosen.holds(Timestamp(1999), 800) && !chosen.holds(Timestamp(2000), 900));
        assert!(!ChosenBox::parse("1000,2000,,800").unwrap().holds(Timestamp(1000), 800));
        for wrong in ["", "1,2,3", "2,1,0,", "1,2,5,5", "a,2,0,", "1,2,-1,"] {
            assert!(ChosenBox::parse(wrong).is_err(), "{wrong}");
        }
    }
}
