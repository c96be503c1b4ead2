//! The page's view of an answer, for who gets the answer as a message.

use form_urlencoded::Serializer;

use crate::cli::input::context::Context;
use crate::cli::input::event_settings::event_words;
use crate::error::Result;
use crate::explain::WhereCondition;
use crate::report::why::WhyReport;
use crate::time::Window;

/// So many times its length is shown before the window.
const BEFORE: i64 = 3;

/// The window as a box, and as much before it as shows what is usual; of the first cause only, if there is one. Nothing where the
/// configuration names no page.
pub(super) fn page_link(context: &Context, report: &WhyReport, routes: &[String]) -> Result<Option<String>> {
    let config = context.config()?;
    if config.http.listen.is_none() && config.events.page.is_none() {
        return Ok(None);
    }
    let Some(page) = event_words(context, None)?.page else { return Ok(None) };
    let Window { from, until } = report.window;
    let before = from.plus_millis(until.0.saturating_sub(from.0).saturating_mul(-BEFORE));
    let time = |text: String| text.replace(".000Z", "Z");
    let mut query = Serializer::new(String::new());
    query.append_pair("from", &time(before.to_string())).append_pair("until", &time(until.to_string()));
    let cause = report.causes.first().map(|cause| cause.whose.as_slice()).unwrap_or_default();
    let mut shown: Vec<&str> = routes.iter().map(String::as_str).collect();
    for value in cause {
        if value.field == "route" {
            shown = vec![&value.value];
        } else if let Ok(condition) = WhereCondition::parse(&value.condition) {
            let (name, text) = condition.clicked();
            query.append_pair(name, &text);
        }
    }
    for route in shown {
        query.append_pair("route", route);
    }
    query.append_pair("box", &format!("{},{},0,", from.0, until.0));
    Ok(Some(format!("{}/?{}", page.trim_end_matches('/'), query.finish())))
}
