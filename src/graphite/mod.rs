//! Graphite's languages: targets, globs, links; what they ask for, as routes and a window; and its read API.
//!
//! ```text
//! target/      the target language: calls around paths, with the place of each part
//! bounded_regex  regular expressions of strangers
//! tag_query    what seriesByTag asks for
//! catalog      the series that there are, by the namings of carbon; globs and tags on them
//! links/       URLs of graphite-web, Grafana and our page, taken apart
//! asked/       from what was pasted to routes, window, statuses, order
//! around       the point that was clicked, and the slots around it that stand out
//! render/      targets over the store: values, consolidated, as JSON, CSV or raw text
//! functions/   what targets call, evaluated
//! rendered     the answer to a render, with all functions
//! browse       names by their nodes, tags and their values: what a query editor asks for
//! ```
//!
//! All of it is pure: what the store holds and what is configured comes in.

pub mod around;
pub mod asked;
mod bounded_regex;
pub mod browse;
pub mod catalog;
pub mod functions;
pub mod links;
pub mod render;
pub mod rendered;
pub mod tag_query;
pub mod target;
