//! The page.

use super::asked::Asked;
use super::endpoint::Endpoint;
use super::reader::Reader;
use super::reply::Reply;
use crate::error::Result;

/// The page and what it loads.
pub(super) const ENDPOINTS: &[Endpoint] = &[Endpoint::get("/", first_page)];

fn first_page(_asked: &Asked, reader: &Reader<'_>) -> Result<Reply> {
    let routes = reader.view()?.routes().len();
    Ok(Reply::html(format!("<!doctype html><title>spikeline</title><h1>spikeline</h1><p>{routes} routes")))
}
