//! What the configuration's defaults depend on: the user, the environment and the machine's name.

use std::path::{Path, PathBuf};

use crate::source::read_whole;

/// Where a machine's name may be given a domain.
const HOSTS: &str = "/etc/hosts";

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
    /// The same with its domain, if that is known.
    pub full_name: Option<String>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Surroundings {
        let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let hosts = read_whole(Path::new(HOSTS)).unwrap_or_default();
        Surroundings {
            full_name: full_name(&host_name, &String::from_utf8_lossy(&hosts)),
            root: rustix::process::geteuid().is_root(),
            state_home: folder("XDG_STATE_HOME"),
            home: folder("HOME"),
            host_name,
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

/// The host's name with its domain: its own if that has dots, else the first name of its line in `hosts`, as resolvers take it. None
/// where there is none: a domain is not guessed.
fn full_name(host_name: &str, hosts: &str) -> Option<String> {
    if host_name.trim_end_matches('.').contains('.') {
        return Some(host_name.trim_end_matches('.').to_owned());
    }
    for line in hosts.lines() {
        let mut names = line.split('#').next().unwrap_or_default().split_whitespace().skip(1);
        let Some(first) = names.next() else { continue };
        if first.contains('.') && names.any(|name| name == host_name) {
            return Some(first.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_known_or_not_guessed() {
        let hosts = "127.0.0.1 localhost\n# 1 web1.old.org web1\n127.0.1.1 web1.example.org web1 # x\n::1 web2 web1\n";
        assert_eq!(full_name("web1", hosts).as_deref(), Some("web1.example.org"));
        assert_eq!(full_name("web1.a.b", hosts).as_deref(), Some("web1.a.b"));
        assert_eq!((full_name("web2", hosts), full_name("web1", "")), (None, None));
    }

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
