//! Whether the store can be written: by trying, not by asking.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use super::access::{self, AccessWanted, Denied};
use super::findings::Findings;
use crate::error::{Error, Result};
use crate::report::bytes;

/// Less free space than this is wrong: a journal alone needs more.
const LEAST_FREE: u64 = 64 << 20;

/// Less than this is worth a note; a store takes about 1.3 % of its logs' size.
const LITTLE_FREE: u64 = 1 << 30;

/// What is written to see whether it can be.
const TRIAL: [u8; 4096] = [0; 4096];

/// The store's folder, or where it will be made.
pub(super) fn store(folder: &Path, findings: &mut Findings) -> Result<()> {
    // Of a relative path the last ancestor is empty, which is here.
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    if let Err(error) = try_in(existing) {
        let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        let said = Error::io("write the store", folder, &error);
        return match access::denied(existing, AccessWanted::Write).filter(|_| denied) {
            Some(Denied { why, help }) => {
                findings.failed_with_help(&format!("{}: {}\n{why}", folder.display(), said.what()), &help)
            }
            None => findings.failed_error(&said),
        };
    }
    let Ok(disk) = rustix::fs::statvfs(existing) else {
        return findings.fine(&format!("store {}: writable", folder.display()));
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let what = format!("store {}: writable, {} free on its disk", folder.display(), bytes(free));
    if free < LEAST_FREE || (disk.f_files > 0 && disk.f_favail < 64) {
        let lacking = if free < LEAST_FREE { "too little room" } else { "too few free inodes" };
        return findings.wrong_with_help(&format!("{what}: {lacking}"), "free space there, or move the store");
    }
    findings.fine(&what)?;
    if free < LITTLE_FREE {
        findings.note("the store takes about 1.3 % of what is logged, and keeps it: see that there is room")?;
    }
    Ok(())
}

/// Make a file in `folder`, write to it and remove it.
fn try_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".spikeline-check-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let tried = file.write_all(&TRIAL).and_then(|()| File::sync_all(&file));
    let removed = std::fs::remove_file(&path);
    tried.and(removed)
}
