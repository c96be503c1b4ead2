//! Why this process may not read or write a path: which part of it denies, and the command that lets it in.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::cli::config::SYSTEM_STORE;

/// What is to be done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AccessWanted {
    /// Read a file.
    Read,
    /// List a folder.
    List,
    /// Make files in a folder.
    Write,
}

/// Bits of a mode for one class of users.
const READ: u32 = 4;
const WRITE: u32 = 2;
const ENTER: u32 = 1;

/// A user, and the groups that it is in.
#[derive(Debug, Clone)]
struct User {
    id: u32,
    groups: Vec<u32>,
}

/// Who owns something and what its mode is.
#[derive(Debug, Clone, Copy)]
struct Owned {
    user: u32,
    group: u32,
    mode: u32,
}

impl From<&Metadata> for Owned {
    fn from(of: &Metadata) -> Owned {
        Owned { user: of.uid(), group: of.gid(), mode: of.mode() & 0o7777 }
    }
}

impl User {
    /// The effective user, and its groups: the effective one and those of the login.
    fn of_process() -> User {
        let mut groups = vec![rustix::process::getegid().as_raw()];
        groups.extend(rustix::process::getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw()));
        User { id: rustix::process::geteuid().as_raw(), groups }
    }

    /// Whether the mode lets the user do all of `bits`: that of the first class that it belongs to counts.
    fn may(&self, bits: u32, owned: Owned) -> bool {
        let class = if self.id == owned.user {
            owned.mode >> 6
        } else if self.groups.contains(&owned.group) {
            owned.mode >> 3
        } else {
            owned.mode
        };
        self.id == 0 || class & bits == bits
    }
}

/// Why a path is denied, and the command that lets this user in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denied {
    /// The part of the path that denies, its owner and mode, and what it does not let do.
    pub(super) why: String,
    /// The least that helps.
    pub(super) help: String,
}

/// Which part of `path` denies; None if the modes do not say.
pub(super) fn denied(path: &Path, wanted: AccessWanted) -> Option<Denied> {
    let user = User::of_process();
    let whole = std::path::absolute(path).ok()?;
    let mut parts: Vec<PathBuf> = whole.ancestors().map(Path::to_owned).collect();
    parts.reverse();
    for part in parts {
        // A part below one that may not be entered is not seen; that one was told before.
        let owned = Owned::from(&std::fs::metadata(&part).ok()?);
        let (bits, verb) = match wanted {
            _ if part != whole => (ENTER, "enter it"),
            AccessWanted::Read => (READ, "read it"),
            AccessWanted::List => (READ | ENTER, "list it"),
            AccessWanted::Write => (WRITE | ENTER, "make files in it"),
        };
        if !user.may(bits, owned) {
            let denied = denied_words(&part, owned, &user, bits, verb);
            return Some(match wanted {
                // A store needs no folder that is another's, and least of all `/`: it gets one of its own.
                AccessWanted::Write if owned.user != user.id => {
                    Denied { help: own_folder(&name_of("/etc/passwd", user.id)), ..denied }
                }
                _ => denied,
            });
        }
    }
    None
}

/// What denies, who owns it, and the command that changes that.
fn denied_words(part: &Path, owned: Owned, user: &User, bits: u32, verb: &str) -> Denied {
    let name = name_of("/etc/passwd", user.id);
    let (owner, group) = (name_of("/etc/passwd", owned.user), name_of("/etc/group", owned.group));
    let part = part.display();
    let why = format!("{part} ({owner}:{group}, mode {:04o}) does not let user {name} {verb}", owned.mode);
    Denied { why, help: least_remedy(&part.to_string(), owned, user, bits, &name, &group) }
}

/// The least that lets the user in.
fn least_remedy(part: &str, owned: Owned, user: &User, bits: u32, name: &str, group: &str) -> String {
    let letters = mode_letters(bits);
    let part = shell_quoted(part);
    if owned.user == user.id {
        return format!("chmod u+{letters} {part}");
    }
    let group_may = (owned.mode >> 3) & bits == bits;
    // Nobody should be put into root's group for a log.
    if group_may && owned.group != 0 && !user.groups.contains(&owned.group) {
        return format!("sudo usermod -aG {group} {name}, and start anew, since groups are read at login");
    }
    let acl = format!("sudo setfacl -m u:{name}:{letters} {part}");
    match Path::new(&part).parent() {
        Some(folder) if bits == READ && folder != Path::new("") && !part.starts_with('\'') => {
            let folder = folder.display();
            format!("{acl}; for the files that logrotate makes: sudo setfacl -d -m u:{name}:r {folder}")
        }
        _ => acl,
    }
}

/// Where a store of this user's can be, and how it comes to be there.
fn own_folder(name: &str) -> String {
    let store = SYSTEM_STORE;
    format!(
        "sudo install -d -o {} -m 0750 {store}; and store = \"{store}\", or --store {store}, or a folder of this user's",
        shell_quoted(name)
    )
}

/// Bits of a mode as chmod and setfacl are given them: `rx`.
fn mode_letters(bits: u32) -> String {
    let mut letters = String::new();
    for (bit, letter) in [(READ, 'r'), (WRITE, 'w'), (ENTER, 'x')] {
        if bits & bit != 0 {
            letters.push(letter);
        }
    }
    letters
}

/// For a shell, where it needs that.
fn shell_quoted(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%".contains(&byte);
    if path.bytes().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

/// The name of a user or group by the local files, else its number.
fn name_of(file: &str, id: u32) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    for line in text.lines() {
        // NAME:PASSWORD:NUMBER:..
        let mut fields = line.split(':');
        if let (Some(name), Some(number)) = (fields.next(), fields.nth(1))
            && number.parse() == Ok(id)
        {
            return name.to_owned();
        }
    }
    id.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADM: u32 = 4;

    fn user(id: u32, groups: &[u32]) -> User {
        User { id, groups: groups.to_vec() }
    }

    #[test]
    fn the_first_class_that_a_user_is_in_decides() {
        let log = Owned { user: 33, group: ADM, mode: 0o640 };
        assert!(user(33, &[33]).may(READ | WRITE, log));
        assert!(user(1000, &[1000, ADM]).may(READ, log) && !user(1000, &[1000, ADM]).may(WRITE, log));
        assert!(!user(1000, &[1000]).may(READ, log));
        assert!(user(0, &[0]).may(READ | WRITE, log), "root may");
        // An owner without the right is denied, even if all others have it.
        assert!(!user(33, &[ADM]).may(READ, Owned { mode: 0o077, ..log }));
    }

    #[test]
    fn the_remedy_is_the_least_that_helps() {
        let spikeline = user(999, &[999]);
        let of = |owned: Owned, bits| least_remedy("/var/log/nginx/a.log", owned, &spikeline, bits, "spikeline", "adm");
        let log = Owned { user: 33, group: ADM, mode: 0o640 };
        assert_eq!(of(log, READ), "sudo usermod -aG adm spikeline, and start anew, since groups are read at login");
        let private = "sudo setfacl -m u:spikeline:r /var/log/nginx/a.log; for the files that logrotate makes: \
                       sudo setfacl -d -m u:spikeline:r /var/log/nginx";
        assert_eq!(of(Owned { mode: 0o600, ..log }, READ), private);
        assert_eq!(of(Owned { group: 0, ..log }, READ), private, "not root's group");
        assert_eq!(
            of(Owned { mode: 0o700, ..log }, WRITE | ENTER),
            "sudo setfacl -m u:spikeline:wx /var/log/nginx/a.log"
        );
        assert_eq!(of(Owned { user: 999, mode: 0o200, ..log }, READ), "chmod u+r /var/log/nginx/a.log");
        let store = "sudo install -d -o nobody -m 0750 /var/lib/spikeline; and store = \"/var/lib/spikeline\"";
        assert!(own_folder("nobody").starts_with(store), "{}", own_folder("nobody"));
        assert_eq!(shell_quoted("/a b/it's"), "'/a b/it'\\''s'");
    }

    #[test]
    fn the_part_that_denies_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("a.log"), "x").unwrap();
        assert_eq!(denied(&inner.join("a.log"), AccessWanted::Read), None);
        if user(0, &[]).id == rustix::process::geteuid().as_raw() {
            return;
        }
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o600)).unwrap();
        let said = denied(&inner.join("a.log"), AccessWanted::Read).unwrap();
        assert!(said.why.contains("inner (") && said.why.contains("enter it"), "{said:?}");
        assert!(said.help.contains("chmod u+x"), "{said:?}");
        std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
}
