//! Where logrotate moves rotated logs to (`olddir`), as far as its own configuration can be read.
//!
//! Of its language only what matters here is read: sections (names of files, quoted or not, and braces), `olddir`, `noolddir` and
//! `include`. What cannot be read names no folder: a log whose rotated files are then not found is missing, and said to be.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::source::read_whole;
use crate::wildcards::means;

/// Where logrotate's configuration is by default.
pub(super) const DEFAULT_LOGROTATE: &str = "/etc/logrotate.conf";

/// Includes within includes are followed this far.
const DEEPEST: usize = 4;

/// A section: which files it rotates, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RotationSection {
    names: Vec<String>,
    olddir: Option<String>,
}

/// All sections of a configuration, and what holds where a section says nothing.
#[derive(Debug, Default)]
pub(super) struct RotationConf {
    sections: Vec<RotationSection>,
    olddir: Option<String>,
}

impl RotationConf {
    /// What `path` and its includes say.
    pub(super) fn read(path: &Path) -> RotationConf {
        let mut conf = RotationConf::default();
        conf.read_file(path, DEEPEST);
        conf
    }

    /// Globs of where the rotated files of a log are moved to, by its path or pattern.
    pub(super) fn folders_of(&self, log: &str) -> Vec<String> {
        let mut globs = Vec::new();
        for section in &self.sections {
            if !section.names.iter().any(|name| names_log(name, log)) {
                continue;
            }
            let Some(olddir) = section.olddir.as_ref().or(self.olddir.as_ref()).filter(|olddir| !olddir.is_empty())
            else {
                continue;
            };
            // One that is not absolute is meant from the log's own directory.
            let folder = Path::new(log).parent().unwrap_or(Path::new("")).join(olddir);
            globs.push(folder.join("*").display().to_string());
        }
        globs
    }

    fn read_file(&mut self, path: &Path, deep: usize) {
        let Ok(bytes) = read_whole(path) else { return };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut names = Vec::new();
        let mut section: Option<RotationSection> = None;
        let mut script = false;
        for line in text.lines() {
            let line = line.trim();
            if script || line.starts_with('#') {
                script &= line != "endscript";
                continue;
            }
            let words = words_of(line);
            match words.first().map(String::as_str) {
                Some("prerotate" | "postrotate" | "firstaction" | "lastaction" | "preremove") => script = true,
                Some("olddir") => self.set_olddir(section.as_mut(), words.get(1).cloned()),
                Some("noolddir") => self.set_olddir(section.as_mut(), Some(String::new())),
                Some("include") if section.is_none() && deep > 0 => {
                    let included = words.get(1).map(PathBuf::from).unwrap_or_default();
                    files_of(&included).iter().for_each(|file| self.read_file(file, deep - 1));
                }
                _ => {}
            }
            for word in words {
                match word.as_str() {
                    "{" => section = Some(RotationSection { names: std::mem::take(&mut names), olddir: None }),
                    "}" => self.sections.extend(section.take()),
                    name if section.is_none() && name.starts_with(['/', '~']) => names.push(name.to_owned()),
                    _ => {}
                }
            }
        }
        self.sections.extend(section);
    }

    fn set_olddir(&mut self, section: Option<&mut RotationSection>, olddir: Option<String>) {
        match section {
            Some(section) => section.olddir = olddir,
            None => self.olddir = olddir,
        }
    }
}

/// The files of an `include`: one, or those of a folder.
fn files_of(included: &Path) -> Vec<PathBuf> {
    if included.is_file() {
        return vec![included.to_owned()];
    }
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(included).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.retain(|file| file.is_file());
    files
}

/// Whether a section's name is that of a log, where both may be globs.
fn names_log(name: &str, log: &str) -> bool {
    name == log || is_meant_by(name, log) || is_meant_by(log, name)
}

fn is_meant_by(glob: &str, path: &str) -> bool {
    Pattern::new(glob).is_ok_and(|glob| means(&glob, Path::new(path), MatchOptions::new()))
}

/// The words of a line; quoted ones are whole, and braces stand by themselves.
fn words_of(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(held), letter) if held == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{' | '}') => {
                words.push(std::mem::take(&mut word));
                words.push(letter.to_string());
            }
            (None, letter) if letter.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, letter) => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_log_is_that_of_its_section_or_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("d")).unwrap();
        std::fs::write(
            at("conf"),
            format!(
                "weekly\n# olddir /not\nolddir /var/all\ninclude {}\n/var/log/own.log {{\n daily\n}}\n",
                at("d").display()
            ),
        )
        .unwrap();
        std::fs::write(
            at("d/nginx"),
            "/var/log/nginx/*.log \"/srv/a b/x.log\" {\n  postrotate\n    olddir /no\n    [ -f p ] && kill -USR1 `cat p`; }\n  endscript\n  \
             olddir old\n createolddir 755\n}\n/var/log/none.log {\n noolddir\n}\n",
        )
        .unwrap();
        let conf = RotationConf::read(&at("conf"));
        for (log, folders) in [
            ("/var/log/nginx/access.log", vec!["/var/log/nginx/old/*"]),
            ("/var/log/nginx/*.log", vec!["/var/log/nginx/old/*"]),
            ("/srv/a b/x.log", vec!["/srv/a b/old/*"]),
            ("/var/log/own.log", vec!["/var/all/*"]),
            ("/var/log/none.log", vec![]),
            ("/var/log/other.log", vec![]),
        ] {
            assert_eq!(conf.folders_of(log), folders, "{log}");
        }
        assert!(RotationConf::read(&at("nothing")).folders_of("/var/log/own.log").is_empty());
    }
}
