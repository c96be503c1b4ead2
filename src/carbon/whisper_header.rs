//! The head of a whisper file: what carbon keeps of one series, whatever its configuration says by now. A file keeps the archives and the
//! aggregation that it was created with.
//!
//! ```text
//! u32 aggregation, u32 longest span, f32 xFilesFactor, u32 archives      all of whisper is big-endian
//! archive*        u32 offset, u32 seconds of a point, u32 points
//! ```
//! (whisper.py, `__readHeader`)

use std::time::Duration;

use super::archives::Archive;

/// The bytes before the archives, and those of each.
const FRONT: usize = 16;
const ARCHIVE: usize = 12;

/// More archives than this no file has.
const ARCHIVES_MAX: u32 = 64;

/// So many bytes are enough for any head.
pub const WHISPER_HEAD: usize = FRONT + ARCHIVE * ARCHIVES_MAX as usize;

/// The words for the aggregations, from 1.
const METHODS: [&str; 8] = ["average", "sum", "last", "max", "min", "avg_zero", "absmax", "absmin"];

/// What stands in the head.
#[derive(Debug, Clone, PartialEq)]
pub struct WhisperHeader {
    /// The archives, the finest first.
    pub archives: Vec<Archive>,
    /// What makes one point of several, as carbon calls it.
    pub method: &'static str,
    /// Of these at least so many, as a share.
    pub share: f32,
}

impl WhisperHeader {
    /// From the first bytes of a file; nothing if they are no whisper file's.
    pub fn parse(bytes: &[u8]) -> Option<WhisperHeader> {
        let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?));
        let method = METHODS.get(usize::try_from(number(0)?).ok()?.checked_sub(1)?)?;
        let share = f32::from_bits(number(8)?);
        let count = number(12)?;
        if !(0.0..=1.0).contains(&share) || count == 0 || count > ARCHIVES_MAX {
            return None;
        }
        let mut archives = Vec::new();
        for at in 0..usize::try_from(count).ok()? {
            let begin = FRONT + ARCHIVE * at;
            let (step, points) = (u64::from(number(begin + 4)?), u64::from(number(begin + 8)?));
            if step == 0 || points == 0 {
                return None;
            }
            archives.push(Archive { step: Duration::from_secs(step), span: Duration::from_secs(step * points) });
        }
        archives.sort_by_key(|archive| archive.step);
        Some(WhisperHeader { archives, method, share })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carbon::parse_archives;

    fn head(method: u32, share: f32, archives: &[(u32, u32)]) -> Vec<u8> {
        let mut bytes = [method, 518_400].map(u32::to_be_bytes).concat();
        bytes.extend(share.to_be_bytes());
        bytes.extend(u32::try_from(archives.len()).unwrap().to_be_bytes());
        for (step, points) in archives {
            bytes.extend([40, *step, *points].map(u32::to_be_bytes).concat());
        }
        bytes
    }

    #[test]
    fn a_head_says_archives_method_and_share() {
        let header = WhisperHeader::parse(&head(2, 0.5, &[(10, 2160), (60, 8640)])).unwrap();
        assert_eq!(header.archives, parse_archives("10s:6h,1m:6d").unwrap());
        assert_eq!((header.method, header.share), ("sum", 0.5));
        assert_eq!(WhisperHeader::parse(&head(4, 0.0, &[(60, 1440)])).unwrap().method, "max");
    }

    #[test]
    fn what_is_no_head_is_none() {
        let whole = head(1, 0.5, &[(10, 2160), (60, 8640)]);
        for length in 0..whole.len() {
            assert_eq!(WhisperHeader::parse(&whole[..length]), None, "{length}");
        }
        for wrong in [head(0, 0.5, &[(10, 1)]), head(9, 0.5, &[(10, 1)]), head(1, 7.0, &[(10, 1)]), head(1, 0.5, &[])] {
            assert_eq!(WhisperHeader::parse(&wrong), None);
        }
        assert_eq!(WhisperHeader::parse(&head(1, 0.5, &[(0, 1)])), None);
        assert_eq!(WhisperHeader::parse(b"GET /render HTTP/1.1\r\nHost: x\r\n\r\n"), None);
    }
}
