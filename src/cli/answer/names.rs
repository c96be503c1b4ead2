//! Names for what the store holds by number, as commands ask for them.

pub(in crate::cli) use crate::pipeline::{file_names, route_names, wanted_routes};
