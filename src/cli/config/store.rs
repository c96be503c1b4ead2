//! `[store]`: where the index is, and who may read it. `store = "FOLDER"` before the first section is its short form.

use std::path::PathBuf;

use super::position::Placed;
use super::section::Section;
use crate::error::Result;
use crate::store::StoreAccess;

/// What may stand in the section.
pub(super) const KEYS: [&str; 3] = ["path", "mode", "group"];

/// An example of a folder.
pub(super) const EXAMPLE: &str = "/var/lib/spikeline";

/// The local groups.
const GROUPS: &str = "/etc/group";

/// The `[store]` section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreSection {
    /// The folder.
    pub path: Option<PathBuf>,
    /// The mode of its files; if absent, as [`StoreAccess`] has it.
    pub mode: Option<u32>,
    /// The group that its files belong to, by name or number; if absent, that of the folder.
    pub group: Option<Placed<String>>,
}

impl StoreSection {
    /// Who may read the store.
    ///
    /// # Errors
    /// A usage error if there is no such group.
    pub(in crate::cli) fn access(&self) -> Result<StoreAccess> {
        let mode = self.mode.unwrap_or(StoreAccess::default().mode);
        let Some(group) = &self.group else { return Ok(StoreAccess { mode, group: None }) };
        let local = std::fs::read_to_string(GROUPS).unwrap_or_default();
        match group_number(&local, &group.value) {
            Some(number) => Ok(StoreAccess { mode, group: Some(number) }),
            None => Err(group
                .mistake(format!("there is no group `{}` in {GROUPS}", group.value))
                .remedy("give its number, if it is known elsewhere (`getent group NAME`)")),
        }
    }
}

/// The section; what is absent, or wrong, is as by default.
pub(super) fn read_store(section: &mut Section<'_>) -> StoreSection {
    let path = section.text("path", EXAMPLE).map(|path| PathBuf::from(path.value));
    let mode = section.text("mode", "0640");
    let bits = mode.as_ref().and_then(|mode| file_mode(&mode.value));
    if let Some(mode) = mode.filter(|_| bits.is_none()) {
        let what = "`mode` must be that of files which their user alone may write";
        section.mistake_at(&mode, what, "one of \"0600\", \"0640\", \"0644\"; folders may be entered by who may read");
    }
    StoreSection { path, mode: bits, group: section.text("group", "adm") }
}

/// The bits of a mode, if its user may read and write and the others at most read.
fn file_mode(text: &str) -> Option<u32> {
    let bits = u32::from_str_radix(text, 8).ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (bits & !0o044 == 0o600).then_some(bits)
}

/// A group's number by the lines of a group file, `NAME:PASSWORD:NUMBER:MEMBERS`.
fn group_number(groups: &str, wanted: &str) -> Option<u32> {
    if let Ok(number) = wanted.parse() {
        return Some(number);
    }
    for line in groups.lines() {
        let mut fields = line.split(':');
        if fields.next() == Some(wanted) {
            return fields.nth(1)?.parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_lets_others_read_at_most() {
        for (text, bits) in [("0640", Some(0o640)), ("600", Some(0o600)), ("0644", Some(0o644)), ("0604", Some(0o604))]
        {
            assert_eq!(file_mode(text), bits, "{text}");
        }
        for text in ["0660", "0666", "0750", "0440", "rw-r-----", "", "+640", "1640", "0o640"] {
            assert_eq!(file_mode(text), None, "{text}");
        }
    }

    #[test]
    fn a_group_is_known_by_name_or_number() {
        let groups = "root:x:0:\nadm:x:4:syslog\nbroken\n";
        assert_eq!(group_number(groups, "adm"), Some(4));
        assert_eq!(group_number(groups, "1234"), Some(1234));
        for none in ["ad", "broken", "syslog", ""] {
            assert_eq!(group_number(groups, none), None, "{none}");
        }
    }
}
