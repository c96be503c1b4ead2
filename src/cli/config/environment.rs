//! What the configuration's defaults depend on: the user, the environment and the machine's name.

use std::path::PathBuf;

/// The store of a daemon that runs as root.
pub const SYSTEM_STORE: &str = "/var/lib/spikeline";

/// The user and machine that spikeline runs on; tests bring their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Whether the effective user is root.
    pub root: bool,
    /// `$XDG_STATE_HOME`, if it is absolute (the XDG specification says to ignore it otherwise).
    pub state_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// The machine's host name.
    pub host_name: String,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Surroundings {
        let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Surroundings {
            root: rustix::process::geteuid().is_root(),
            state_home: folder("XDG_STATE_HOME"),
            home: folder("HOME"),
            host_name: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        }
    }

    /// The default store: `/var/lib/spikeline` for root, else in the user's state folder.
    pub fn store(&self) -> PathBuf {
        if self.root {
            return PathBuf::from(SYSTEM_STORE);
        }
        let state = self.state_home.clone().or_else(|| self.home.as_ref().map(|home| home.join(".local/state")));
        state.map_or_else(|| PathBuf::from(SYSTEM_STORE), |state| state.join("spikeline"))
    }

    /// The default host: the machine's name up to the first dot, as metrics have it; `localhost` if it has none.
    pub fn host(&self) -> String {
        match self.host_name.split('.').next() {
            Some(name) if !name.is_empty() && name != "(none)" => name.to_owned(),
            _ => "localhost".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_depends_on_the_user() {
        let root = Surroundings { root: true, home: Some("/root".into()), ..Surroundings::default() };
        assert_eq!(root.store(), PathBuf::from("/var/lib/spikeline"));
        let user = Surroundings { home: Some("/home/ann".into()), ..Surroundings::default() };
        assert_eq!(user.store(), PathBuf::from("/home/ann/.local/state/spikeline"));
        let xdg = Surroundings { state_home: Some("/state".into()), ..user };
        assert_eq!(xdg.store(), PathBuf::from("/state/spikeline"));
    }

    #[test]
    fn the_host_is_one_word() {
        let named = |name: &str| Surroundings { host_name: name.to_owned(), ..Surroundings::default() }.host();
        assert_eq!(named("web1.example.org"), "web1");
        assert_eq!(named("(none)"), "localhost");
        assert_eq!(named(""), "localhost");
        assert!(!Surroundings::of_process().host().is_empty());
    }
}
