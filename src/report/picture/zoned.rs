//! What pictures say of time, on the clocks of a zone by its name.

use chrono::{Local, Utc};

use super::heatmap::Heatmap;
use super::picture_table::PictureTable;
use super::time_ticks::{TimeTick, time_ticks};
use crate::time::{NamedZone, Window};

/// Ticks of an axis.
pub fn zone_ticks(zone: NamedZone, window: Window, most: usize) -> Vec<TimeTick> {
    match zone {
        NamedZone::Local => time_ticks(window, most, &Local),
        NamedZone::Utc => time_ticks(window, most, &Utc),
        NamedZone::Named(zone) => time_ticks(window, most, &zone),
    }
}

/// A heatmap's table.
pub fn zone_table(zone: NamedZone, heatmap: &Heatmap<'_>) -> PictureTable {
    match zone {
        NamedZone::Local => heatmap.table(&Local),
        NamedZone::Utc => heatmap.table(&Utc),
        NamedZone::Named(zone) => heatmap.table(&zone),
    }
}
