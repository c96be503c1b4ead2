//! `/metrics`: the store's and the daemon's own, and on request the routes' histograms, as Prometheus reads them.

mod accepted_form;
mod exposition;
mod own;
mod protobuf;
mod routes;
mod text;

use self::accepted_form::AcceptedForm;
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
    let form = AcceptedForm::of(&asked.accept);
    let mut out = Exposition::new(form);
    own::write(asked, reader, &mut out)?;
    let patterns: Vec<String> =
        asked.values("routes").filter(|pattern| !pattern.is_empty()).map(str::to_owned).collect();
    if !patterns.is_empty() {
        let all = patterns.iter().any(|pattern| pattern == "1" || pattern == "*");
        routes::write(asked, reader, if all { &[] } else { &patterns }, &mut out)?;
    }
    let families = out.into_families();
    Ok(Reply::of(
        form.content_type(),
        match form {
            AcceptedForm::Text => text::written(&families, false).into_bytes(),
            AcceptedForm::OpenMetrics => text::written(&families, true).into_bytes(),
            AcceptedForm::Protobuf => protobuf::written(&families),
        },
    ))
}
