//! The page and the read APIs over the store, for browsers, Grafana, Prometheus: read-only, guarded, and on threads of their own.
//!
//! ```text
//! listen       sockets, threads, bounds: how many connections, how long each may take     (async, small)
//!   guard      who may ask at all: Host, Origin, token
//!   exchange   one request read and answered, headers on everything
//!     endpoints   loki, metrics, graphite_api, page: `fn(&Asked, &Reader) -> Result<Reply>`  (plain code, few threads)
//!       reader    the store as of now, shared by those who ask at the same time
//! ```
//!
//! An endpoint is a line in its folder's `ENDPOINTS` and a function that is given what was asked ([`Asked`]) and the store
//! ([`Reader`]), and gives a [`Reply`]. It knows of no socket. What it must heed: [`Asked::deadline`], bounds on what it holds, and
//! that raw lines come from [`Reader::lines`] only, which gives them as whoever asks may see them.
//!
//! Nothing here writes, and nothing of the daemon is touched: a reader opens the store as another process would.

mod asked;
mod endpoint;
mod exchange;
mod graphite_api;
mod guard;
mod idle_watch;
mod kept_events;
mod listen;
mod loki;
mod metrics;
mod page;
mod reader;
mod redaction;
mod reply;
mod settings;

pub use asked::Asked;
pub use guard::{AccessToken, GuardSettings};
pub use listen::{HttpServer, bind};
pub use page::opening_window;
pub use reader::{LineField, LineFound, LineOrdering, LinesFound, LinesWanted, Reader};
pub use redaction::Redaction;
pub use reply::Reply;
pub use settings::{HttpSettings, SeriesArchives, Site};
