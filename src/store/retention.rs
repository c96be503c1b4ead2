//! What may go: by age and by size, oldest first, whole segments at a time.

use super::encode::{Decode, Decoded, Decoder, Encode, Encoder};
use super::segment::{Info, SegmentKind};
use crate::time::Timestamp;
use std::time::Duration;

/// How much of the past a store keeps. Nothing given is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// The age up to which slow entries, block summaries, archived lines and cells of the store's interval and of minutes are kept.
    pub keep: Option<Duration>,
    /// The same of cells rolled up to ten minutes and hours; never less than `keep`.
    pub keep_histograms: Option<Duration>,
    /// The most bytes of segments and journal.
    pub keep_bytes: Option<u64>,
}

/// What was thrown away by now: before these times answers may lack something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Slow entries, block summaries, archived lines, and cells finer than ten minutes.
    pub detail: Option<Timestamp>,
    /// Cells of ten minutes and hours too.
    pub histograms: Option<Timestamp>,
}

impl Expired {
    /// Note that a segment was thrown away.
    pub(crate) fn note(&mut self, info: &Info) {
        let after = info.newest().plus_millis(1);
        if info.kind != SegmentKind::Rolled {
            self.detail = self.detail.max(Some(after));
        }
        if info.kind != SegmentKind::Detail {
            self.histograms = self.histograms.max(Some(after));
        }
    }
}

/// The numbers of the segments that go, in the order in which they do. `journal` is the bytes that cannot go.
pub(crate) fn expired(segments: &[Info], journal: u64, retention: &Retention, now: Timestamp) -> Vec<u64> {
    let before = |keep: Option<Duration>| keep.map(|keep| now.minus(keep));
    let detail = before(retention.keep);
    let histograms = match (retention.keep, retention.keep_histograms) {
        (Some(keep), Some(longer)) => before(Some(longer.max(keep))),
        (_, longer) => before(longer).filter(|_| retention.keep.is_some()),
    };
    let is_over = |info: &Info| {
        // What was sealed holds the only histograms there are, until they are rolled up.
        let limit = if info.kind == SegmentKind::Detail { detail } else { histograms };
        limit.is_some_and(|limit| info.newest() < limit)
    };
    let mut order: Vec<&Info> = segments.iter().collect();
    // Roll-ups are small and last, so that they outlive the details they were made with.
    order.sort_by_key(|info| (info.kind == SegmentKind::Rolled, info.newest(), info.number));
    let mut bytes = segments.iter().map(|info| info.length).fold(journal, u64::saturating_add);
    let mut gone = Vec::new();
    for info in order {
        if is_over(info) || retention.keep_bytes.is_some_and(|most| bytes > most) {
            bytes = bytes.saturating_sub(info.length);
            gone.push(info.number);
        }
    }
    gone
}

impl Encode for Expired {
    fn encode(&self, out: &mut Encoder) {
        for mark in [self.detail, self.histograms] {
            out.u8(u8::from(mark.is_some()));
            mark.unwrap_or_default().encode(out);
        }
    }
}

impl Decode for Expired {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Expired> {
        let mut mark = || {
            let is_some = from.u8()? != 0;
            Timestamp::decode(from).map(|at| is_some.then_some(at))
        };
        Ok(Expired { detail: mark()?, histograms: mark()? })
    }
}
