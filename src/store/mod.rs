//! The store: one folder that leads from any window and route back to the raw lines.
//!
//! One [`Writer`] appends atomic [`Commit`]s to a journal, and seals full journals into immutable segments. Any
//! number of readers open a [`View`] beside it; they never lock and never write. FORMAT.md says every byte.

mod commit;
mod disk;
mod encoding;
mod entry_query;
mod journal;
mod manifest;
mod query;
mod resolution;
mod segment;
mod settings;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

pub use commit::archived_lines::{ARCHIVED_MAX, ArchivedLine};
pub use commit::block_summary::{BLOCK_BYTES, BlockRejects, BlockSummary, floor_route_start};
pub use commit::destination::DestinationProgress;
pub use commit::entry::{Entry, KeepReasons, Locator};
pub use commit::ledger::{FIRST_REJECTS, Ledger, Loss, LossCause};
pub use commit::log_reading::{LinesAgain, LogReading, ReadStretch, ReadingChange};
pub use commit::{Commit, NEVER_READ_WHOLE};
pub use disk::access::StoreAccess;
pub use disk::disk_medium::DiskMedium;
pub use disk::medium::{Medium, RandomAccessFile, WritableFile};
pub use entry_query::{EntryQuery, WindowMatch};
pub use journal::lost_records::LostRecords;
pub use manifest::Expired;
pub use query::completeness::{Completeness, UnreadLines, WindowGaps};
pub use query::damaged::DamagedSegment;
pub use query::view::View;
pub use segment::log_ranges::LogRange;
pub use settings::{Retention, SEAL_BYTES, StoreSettings};
pub use upkeep::maintenance::MaintenanceOutcome;
pub use writer::Writer;
