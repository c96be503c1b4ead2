//! Graphite's read API over the store.

use super::asked::Asked;
use super::endpoint::Endpoint;
use super::reply::Reply;

/// What Graphite answers to.
pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint::fixed("/version", version)];

/// The version of Graphite whose API this is, as Grafana asks for it.
fn version(_asked: &Asked) -> Reply {
    Reply::text(200, "1.1.10")
}
