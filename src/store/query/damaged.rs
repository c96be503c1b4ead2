//! Segments with damaged places: what can still be read of each, what is lost, and which lines it was made of.

use crate::error::{Error, Result};
use crate::store::disk::layout;
use crate::store::disk::medium::Medium;
use crate::store::resolution::{RESOLUTIONS, Resolution, floor_to};
use crate::store::segment::info::{SegmentInfo, SegmentKind};
use crate::store::segment::log_ranges;
use crate::store::segment::log_ranges::LogRange;
use crate::store::segment::reader::Segment;
use crate::store::segment::salvage::Salvage;
use crate::time::{Timestamp, Window};
use std::path::PathBuf;
use std::time::Duration;

/// A segment with damaged places.
///
/// `window` and `ranges` are what the caller needs to count its lines again; `salvage` is what it need not count.
#[derive(Debug)]
pub struct DamagedSegment {
    /// As the manifest lists it.
    pub(crate) info: SegmentInfo,
    /// That of the store.
    pub(crate) interval: Duration,
    /// Its file.
    pub path: PathBuf,
    /// Each damaged place.
    pub places: Vec<Error>,
    /// When the requests ended of which something is lost; whole slots. None if nothing but archived lines is.
    pub window: Option<Window>,
    /// The lines it was made of; `None` if that record is lost too.
    pub ranges: Option<Vec<LogRange>>,
    /// What could be read.
    pub(crate) salvage: Salvage,
}

impl DamagedSegment {
    /// Whether it has roll-ups only: cells of ten minutes and hours, no entries, summaries or lines.
    pub fn is_rolled_up(&self) -> bool {
        self.info.kind == SegmentKind::Rolled
    }

    /// The slot of its finest cells that a slot of the store's interval is counted in.
    pub fn slot_of(&self, slot: Timestamp) -> Timestamp {
        floor_to(slot, self.finest().slot_millis(self.interval))
    }

    /// The finest resolution it has; its coarser cells are sums of these.
    pub(crate) fn finest(&self) -> Resolution {
        if self.is_rolled_up() {
            for resolution in RESOLUTIONS {
                if resolution.is_coarse() && resolution.is_kept(self.interval) {
                    return resolution;
                }
            }
        }
        Resolution::Fine
    }

    /// Its coarser resolutions.
    pub(crate) fn coarser(&self) -> Vec<Resolution> {
        let finest = self.finest();
        let mut coarser = Vec::new();
        for resolution in RESOLUTIONS {
            let is_own = match self.info.kind {
                SegmentKind::Sealed => false,
                SegmentKind::Detail => resolution == Resolution::Minute,
                SegmentKind::Rolled => resolution > finest,
            };
            if is_own && resolution.is_kept(self.interval) {
                coarser.push(resolution);
            }
        }
        coarser
    }

    /// Whether cells of this resolution and slot are in a block that cannot be read.
    pub(crate) fn is_lost(&self, resolution: Resolution, slot: Timestamp) -> bool {
        self.salvage.lost_cells.iter().any(|(own, first, last)| *own == resolution && *first <= slot && slot <= *last)
    }

    /// The segments that do not match their checksums.
    ///
    /// # Errors
    /// If this process cannot read one, which may be all right.
    pub(crate) fn find(medium: &dyn Medium, segments: &[Segment], interval: Duration) -> Result<Vec<DamagedSegment>> {
        let mut damaged = Vec::new();
        for segment in segments {
            let errors = segment.verify(medium);
            if let Some(error) = errors.iter().find(is_of_access) {
                return Err(error.clone());
            }
            if !errors.is_empty() {
                damaged.push(DamagedSegment::look_into(medium, segment, interval)?);
            }
        }
        Ok(damaged)
    }

    /// Read what can be read of a segment that does not match its checksums.
    fn look_into(medium: &dyn Medium, segment: &Segment, interval: Duration) -> Result<DamagedSegment> {
        let info = &segment.info;
        let salvage = segment.salvage(medium);
        if let Some(error) = salvage.errors.iter().find(is_of_access) {
            return Err(error.clone());
        }
        let fine = Resolution::Fine.slot_millis(interval);
        let (mut first, mut last) = (Timestamp(i64::MAX), Timestamp(i64::MIN));
        for (resolution, start, end) in &salvage.lost_cells {
            // The last of the store's slots that the last of these is made of.
            let end = Timestamp(end.0.saturating_add(resolution.slot_millis(interval) - fine));
            first = first.min(info.cells.min_end.max(*start));
            last = last.max(info.cells.max_end.min(end));
        }
        if salvage.lost_entries {
            (first, last) = (first.min(info.entries.min_end), last.max(info.entries.max_end));
        }
        if salvage.lost_blocks {
            (first, last) = (first.min(info.blocks.min_end), last.max(info.blocks.max_end));
        }
        let until = last.slot(interval).plus(interval);
        let window = Window { from: first.slot(interval), until: until.max(first.slot(interval)) };
        Ok(DamagedSegment {
            info: info.clone(),
            interval,
            path: medium.root().join(layout::segment_file(info.number)),
            places: salvage.errors.clone(),
            window: Some(window).filter(|_| first <= last),
            ranges: log_ranges::read_ranges(medium, info.number)?,
            salvage,
        })
    }
}

/// Whether only this process is kept from the file, by its rights or by the disk of the moment: that is no damage.
fn is_of_access(error: &&Error) -> bool {
    error.is_of_access()
}
