//! Series beside the routes: any other cut through the same requests, `upstream.{upstream_addr}`, each with counts of its own.
//!
//! ```text
//! series_template  "upstream.{upstream_addr}.{route}" -> literal nodes and fields
//! series_matcher   a request's (or an attempt's) values -> the member's number; one for each worker and format
//! ```
//!
//! A request has one route, and is in any number of series: once in each, or in one by attempt once with every attempt; in none
//! of whose values it lacks one. So routes add up to all requests, and series to nothing: who wants a sum takes the routes.

pub(super) mod series_matcher;
pub(super) mod series_template;
