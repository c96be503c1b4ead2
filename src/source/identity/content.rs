//! Whether two files hold the same bytes, as far as one of them goes. All concern uncompressed bytes.

use std::io;
use std::path::Path;

use crate::source::BLOCK_LIMIT;
use crate::source::compressed::reader::UncompressedReader;
use crate::source::tail_hash::TailBytes;

/// How many bytes of each file are compared at a time.
const STEP: usize = 64 * 1024;

/// Whether two logs are the same to the end of the shorter one.
///
/// # Errors
/// When one cannot be opened, read or decoded that far.
pub(crate) fn begin_alike(one: &Path, other: &Path) -> io::Result<bool> {
    let (mut one, mut other) = (UncompressedReader::open(one)?, UncompressedReader::open(other)?);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    loop {
        let one_goes_on = one.read(&mut first, STEP)? > 0;
        let other_goes_on = other.read(&mut second, STEP)? > 0;
        let common = first.len().min(second.len());
        if first.get(..common) != second.get(..common) {
            return Ok(false);
        }
        first.drain(..common);
        second.drain(..common);
        if (!one_goes_on && first.is_empty()) || (!other_goes_on && second.is_empty()) {
            return Ok(true);
        }
    }
}

/// Whether these bytes stand in a file at this offset.
///
/// # Errors
/// When it cannot be opened, read or decoded that far.
pub(crate) fn holds_bytes(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<bool> {
    let mut reader = UncompressedReader::open(path)?;
    reader.skip_to(offset, &mut TailBytes::default())?;
    let mut found = Vec::new();
    while found.len() < bytes.len() {
        let wanted = bytes.len() - found.len();
        if reader.read(&mut found, wanted)? == 0 {
            break;
        }
    }
    Ok(found.get(..bytes.len()) == Some(bytes))
}

/// Whether all of the file `part` stands at the beginning of the file `whole`; `None` if one of them cannot be opened. A compressed
/// file counts as far as it can be decoded.
pub(crate) fn is_beginning_of(part: &Path, whole: &Path) -> Option<bool> {
    let (mut whole, mut part) = (UncompressedReader::open(whole).ok()?, UncompressedReader::open(part).ok()?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        theirs.clear();
        match part.read(&mut theirs, BLOCK_LIMIT) {
            Ok(0) | Err(_) => return Some(true),
            Ok(_) => {}
        }
        ours.clear();
        while ours.len() < theirs.len() {
            let wanted = theirs.len() - ours.len();
            match whole.read(&mut ours, wanted) {
                Ok(0) | Err(_) => return Some(false),
                Ok(_) => {}
            }
        }
        if !ours.starts_with(&theirs) {
            return Some(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    fn write(folder: &Path, name: &str, log: &[u8], gzip: bool) -> PathBuf {
        let path = folder.join(name);
        let mut bytes = log.to_vec();
        if gzip {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
            encoder.write_all(log).unwrap();
            bytes = encoder.finish().unwrap();
        }
        std::fs::write(&path, bytes).unwrap();
        path
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

        /// Held against slices, for plain and compressed files that are longer than one step.
        #[test]
        fn files_compare_as_their_bytes_do(
            length in 0_usize..200_000, cut in 0_usize..200_000, change in proptest::option::of(0_usize..200_000),
            gzip in proptest::prelude::any::<[bool; 2]>(), offset in 0_usize..200_000,
        ) {
            let one: Vec<u8> = (0..length).map(|at| b"abcdefg\n"[(at * 7 + at / 13) % 8]).collect();
            let mut other = one[..cut.min(length)].to_vec();
            if let Some(byte) = change.and_then(|at| other.get_mut(at)) {
                *byte ^= 1;
            }
            let folder = tempfile::tempdir().unwrap();
            let (one_path, other_path) =
                (write(folder.path(), "one", &one, gzip[0]), write(folder.path(), "other", &other, gzip[1]));
            let alike = one.starts_with(&other);
            proptest::prop_assert_eq!(begin_alike(&one_path, &other_path).unwrap(), alike);
            proptest::prop_assert_eq!(begin_alike(&other_path, &one_path).unwrap(), alike);
            proptest::prop_assert_eq!(is_beginning_of(&other_path, &one_path), Some(alike));
            let from = offset.min(other.len());
            let holds = one.get(from..other.len()) == Some(&other[from..]);
            proptest::prop_assert_eq!(holds_bytes(&one_path, from as u64, &other[from..]).unwrap(), holds);
        }
    }

    #[test]
    fn a_torn_part_counts_as_far_as_it_can_be_decoded() {
        let folder = tempfile::tempdir().unwrap();
        let log: Vec<u8> = (0..300_000_u32).flat_map(|at| (at / 3).to_le_bytes()).collect();
        let whole = write(folder.path(), "whole", &log, false);
        let part = write(folder.path(), "part.gz", &log, true);
        let packed = std::fs::read(&part).unwrap();
        std::fs::write(&part, &packed[..packed.len() / 2]).unwrap();
        assert_eq!(is_beginning_of(&part, &whole), Some(true));
        assert_eq!(is_beginning_of(&whole, &part), Some(false));
        assert_eq!(is_beginning_of(&part, &folder.path().join("gone")), None);
        assert!(begin_alike(&part, &whole).is_err());
    }
}
