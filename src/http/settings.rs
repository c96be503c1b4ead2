//! What is served, and how. Whoever fills this in has validated it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::guard::GuardSettings;
use crate::carbon::{Archive, Naming};
use crate::daemon::{Log, OwnTotals};
use crate::route::Router;

/// What a destination keeps of a series, by its number and the series' name.
pub type SeriesArchives = Arc<dyn Fn(usize, &str) -> Vec<Archive> + Send + Sync>;

/// What a server is started with.
pub struct HttpSettings {
    /// Who may ask.
    pub guard: GuardSettings,
    /// How many connections may be open; one more closes the one that has been idle longest.
    pub connections: usize,
    /// What is served.
    pub site: Site,
}

/// The store, and all that is known about it beyond what it holds.
pub struct Site {
    /// The store's folder. There may be none yet.
    pub store: PathBuf,
    /// This host's name in metrics.
    pub host: String,
    /// How series are called at each carbon; where there is none, as they would be called by default. Never empty.
    pub namings: Vec<Naming>,
    /// What each of these carbons keeps of a series, by the naming's place and the series' name; empty where that is not known.
    pub archives: SeriesArchives,
    /// The rules that name routes.
    pub router: Arc<Router>,
    /// The cap on routes.
    pub routes_max: usize,
    /// From how many milliseconds on a request is slow, unless its rule says otherwise.
    pub threshold_ms: u64,
    /// Whether every 5xx is kept.
    pub server_errors: bool,
    /// The configured logs, for lines of which the store holds no format.
    pub logs: Vec<Log>,
    /// Nothing says which rules are meant, so those that the store was counted by are.
    pub goes_by_store: bool,
    /// The metrics of the daemon in this process, if there is one.
    pub own_totals: Option<Arc<OwnTotals>>,
    /// Globs of where the rotated files of logs are moved to, by the logs' keys.
    pub rotated: HashMap<String, Vec<String>>,
    /// The logs that are to be in the store, as of [`View::expect_logs`](crate::store::View::expect_logs).
    pub expected: Option<Vec<String>>,
    /// What is missing of every answer: files that could not be read.
    pub missing: Vec<String>,
    /// What a command that gives the same answer begins with after its name: ` --config x.toml`, or the files.
    pub command_options: String,
}
