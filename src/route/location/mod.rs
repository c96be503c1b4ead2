//! From a request to the nginx location that it entered, and to the name of that location's route.
//!
//! Everything is compared as nginx does it: the server by the host, the URI normalised, then exact paths, the longest
//! prefix, and regular expressions in their order, inside out. A log line does not always say enough: which server a
//! request met may depend on the port. What the line leaves open is left open: there is then no location, unless all that
//! are possible have one name. What `rewrite`, `try_files`, `error_page` and the like do after that is not followed: the
//! location is the one that the client's own URI leads to.
//!
//! [`Locations`] is a compiled configuration: the `socket`s choose a server by its name, a `server` searches its
//! `tree` of paths and its expressions (`pcre`) for a normalised `uri`, and each location has its `route_name`.
//! A `LocationFinder` is one worker's way through it, with what it remembers; `listing` shows all of it to people.

mod finder;
mod listing;
mod locations;
mod pcre;
mod route_name;
mod server;
mod socket;
mod tree;
mod uri;

pub(super) use finder::LocationFinder;
pub use listing::ListedLocation;
pub use locations::Locations;
pub(super) use locations::{SERVER_VARIABLES, ServerHints};
