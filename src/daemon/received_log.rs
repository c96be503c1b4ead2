//! The log that received lines are written to: rotated by itself, and bounded.
//!
//! `0_0_0_0_5514.log` is renamed to `.log.1`, `.log.1` to `.log.2` and so on, when it is large; the oldest goes. Whoever follows
//! it takes that for any rotation.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// So many files there are; each is rotated when it has its share of what may be kept.
const FILES: u64 = 8;

/// A log of whole lines.
pub(super) struct ReceivedLog {
    path: PathBuf,
    /// The file is renamed when it would be larger.
    most: u64,
    open: Option<(File, u64)>,
}

impl ReceivedLog {
    /// At this path, of which and of whose rotated files about `keep` bytes are kept. Nothing is opened yet.
    pub(super) fn new(path: PathBuf, keep: u64) -> ReceivedLog {
        ReceivedLog { path, most: (keep / FILES).max(4096), open: None }
    }

    /// Have the file there, so that it can be followed before anything came.
    pub(super) fn prepare(&mut self) -> io::Result<()> {
        self.open = Some(open_to_append(&self.path)?);
        Ok(())
    }

    /// Write whole lines. After an error an unknown part of them is there, and the file is opened anew the next time.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let length = lines.len() as u64;
        if self.open.as_ref().is_some_and(|(_, size)| *size > 0 && size + length > self.most) {
            self.open = None;
            // What cannot be renamed can still be written to; it is tried again with what comes next.
            let _as_it_is = rotate(&self.path);
        }
        let (mut file, size) = match self.open.take() {
            Some(open) => open,
            None => open_to_append(&self.path)?,
        };
        file.write_all(lines)?;
        self.open = Some((file, size + length));
        Ok(())
    }
}

/// The file, whose last line is ended if a crash cut it, and its size.
fn open_to_append(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent()
        && !folder.exists()
    {
        std::fs::DirBuilder::new().recursive(true).mode(0o750).create(folder)?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    let mut size = file.metadata()?.len();
    let mut last = [b'\n'];
    if size > 0 {
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut last, size - 1)?;
    }
    if last != [b'\n'] {
        file.write_all(b"\n")?;
        size += 1;
    }
    Ok((file, size))
}

/// Every file gets the next number, and the last of them goes.
fn rotate(path: &Path) -> io::Result<()> {
    let numbered = |number: u64| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    for number in (1..FILES - 1).rev() {
        match std::fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(path, numbered(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_rotated_and_bounded_and_ends_a_torn_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("syslog/a.log");
        let mut log = ReceivedLog::new(path.clone(), 8 * 4096);
        for number in 0..2000 {
            log.write(format!("{number:040}\n").as_bytes()).unwrap();
        }
        let mut sizes: Vec<u64> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|file| file.unwrap().metadata().unwrap().len())
            .collect();
        sizes.sort_unstable();
        assert_eq!(sizes.len(), 8);
        assert!(sizes.iter().all(|size| *size <= 4096), "{sizes:?}");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let newest = read("syslog/a.log.1") + &read("syslog/a.log");
        assert!(newest.ends_with("1999\n") && newest.contains("1900\n"));
        std::fs::write(&path, "torn").unwrap();
        ReceivedLog::new(path.clone(), 1 << 20).write(b"whole\n").unwrap();
        assert_eq!(read("syslog/a.log"), "torn\nwhole\n");
    }
}
