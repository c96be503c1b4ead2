//! One path looks like one endless stream of blocks of lines: generations, rotation, compression.
//!
//! Two ways in: [`Input`] reads a file or stdin once, from its beginning to its end; [`Follower`] reads what is
//! appended, through rename, `copytruncate`, compression and restarts, when its owner polls it. [`locate`] finds
//! a generation's bytes again in any process, whatever the file is called by then.
//!
//! What is absent: no thread, no channel, no sleep, no clock. Time comes in as `now`.

mod cut;
mod file;
mod follow;
pub mod generation;
mod gzip;
mod identity;
pub(crate) mod inflate;
mod input;
mod locate;
mod packed;
mod past;
mod points;
mod reader;
mod sibling;
mod stretch;
mod tail;
mod trail;
mod unzstd;
mod window;

pub use follow::{Block, Event, FinishReason, FollowSettings, Follower, Progress, Watched};
pub use generation::{Fingerprint, Generation, GenerationId, HEAD_LIMIT, TAIL_LIMIT};
pub use input::{Input, Piece};
pub use locate::{LineReader, Located, locate, locate_with};
pub use past::{Found, Past, PastFile, PastOutcome, PastStep};
pub use points::{PackedFile, Point, Points, STRETCH};
pub use reader::Compression;
pub use sibling::base_of;
pub use stretch::Stretch;

/// How many bytes a block of lines holds, about.
pub const BLOCK_LIMIT: usize = 512 * 1024;

/// The longest line that is read, without its newline, unless the settings say otherwise.
pub const MAX_LINE: usize = 1024 * 1024;
