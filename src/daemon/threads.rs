//! What all threads have in common: how they are started, and how much may wait between them.

use std::thread::Scope;

use crate::error::{Error, Result};

/// How many blocks may wait for the counting thread (about 4 MiB); when full, reading waits: the logs are on disk,
/// so nothing is lost.
pub(super) const BLOCKS_WAITING: usize = 8;

/// How many commits may wait for the committing thread (each of up to 16 MiB of log, some 5 MB): enough to count on while it
/// seals a segment. When full, counting waits.
pub(super) const COUNTED_WAITING: usize = 10;

/// Start a thread that `top -H` shows by its name.
pub(super) fn spawn_named<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    run: impl FnOnce() + Send + 'scope,
) -> Result<()> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run);
    started.map(drop).map_err(|error| Error::failed(format!("cannot start the thread `{name}`: {error}")))
}

/// The same for a thread that nobody waits for: it may be in a call that does not come back for long (a resolver that is silent, a
/// folder of very many logs), which must not keep the daemon from ending.
pub(super) fn spawn_detached(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(drop).map_err(|error| Error::failed(format!("cannot start the thread `{name}`: {error}")))
}
