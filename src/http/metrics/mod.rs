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
use crate::error::{Error, Result};

/// What Prometheus asks for.
pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint::get("/metrics", metrics)];

/// So many patterns are held against all names.
const PATTERNS_MAX: usize = 500;

/// The answer; `routes` (`1`, or patterns of names) adds the routes' histograms.
fn metrics(asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let form = AcceptedForm::of(&asked.accept);
    let mut out = Exposition::new(form);
    own::write(asked, reader, &mut out)?;
    // `1` is every route, as `*` is: neither names a series.
    let named = |pattern: &str| if pattern == "1" { "*".to_owned() } else { pattern.to_owned() };
    let patterns: Vec<String> = asked.values("routes").filter(|pattern| !pattern.is_empty()).map(named).collect();
    if patterns.len() > PATTERNS_MAX {
        return Err(Error::usage(format!("{} patterns in `routes` are too many", patterns.len()))
            .remedy(format!("give {PATTERNS_MAX} at most; `*` stands for any text")));
    }
    if !patterns.is_empty() {
        routes::write(asked, reader, &patterns, &mut out)?;
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
