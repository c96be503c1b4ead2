//! `/metrics`: the store's and the daemon's own, and on request the routes' histograms, as Prometheus reads them.

mod exposition;
mod own;
mod routes;

use self::exposition::Exposition;
use super::asked::Asked;
use super::endpoint::Endpoint;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::Result;

/// What Prometheus asks for.
pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint::get("/metrics", metrics)];

/// The answer; `routes` (`1`, or patterns of names) adds the routes' histograms.
fn metrics(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let open_metrics = asked.accept.contains("application/openmetrics-text");
    let mut out = Exposition::new(open_metrics);
    own::write(asked, reader, &mut out)?;
    let patterns: Vec<String> =
        asked.values("routes").filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect();
    if !patterns.is_empty() {
        let all = patterns.iter().any(|pattern| pattern == "1" || pattern == "*");
        routes::write(asked, reader, if all { &[] } else { &patterns }, &mut out)?;
    }
    Ok(out.reply())
}
