//! One path looks like one endless stream of blocks of lines: generations, rotation, compression.
//!
//! Three ways in: [`Input`] reads a file or stdin once, from its beginning to its end; [`Follower`] reads what is
//! appended, through rename, `copytruncate`, compression and restarts, when its owner polls it; [`BackfillReader`] takes in files of the
//! past. [`find_generation`] finds a generation's bytes again in any process, whatever the file is called by then.
//!
//! Who may call whom: `file`, `generation`, `unread_span` and `tail_hash` import nothing of this layer but each other, in this order; then come
//! `compressed`, `identity`, `untaken`, `file_of_log`, `blocks`, and `follow` and `backfill`, which do not know each other. A floor imports only from
//! those before it.
//!
//! What is absent: no thread, no channel, no sleep, no clock. Time comes in as `now`.

mod backfill;

mod blocks;
mod compressed;
mod file;
mod file_of_log;
mod follow;
pub mod generation;
mod identity;
mod tail_hash;
mod unread_account;
mod unread_span;
mod untaken;

pub use backfill::{BackfillFile, BackfillOutcome, BackfillReader, BackfillStep, FileFinding};
pub use blocks::cutter::LogPiece;
pub use blocks::event::{FinishReason, LogBlock, LogEvent};
pub use blocks::input::Input;
pub use blocks::line_reader::LineReader;
pub use blocks::range_reader::LineRangeReader;
pub use compressed::compression::Compression;
pub(crate) use compressed::inflate::SplitByte;
pub use compressed::restart_points::{CompressedFile, RESTART_SPACING, RestartPoint, RestartPoints};
pub use file::read_whole;
pub use follow::{FollowSettings, Follower, PollProgress, WatchedLog};
pub use generation::{DeviceInode, Fingerprint, Generation, GenerationId, HEAD_LIMIT, TAIL_LIMIT};
pub use identity::find::{LocatedGeneration, find_generation, find_generation_with};
pub use identity::homes::home_of;
pub use identity::siblings::base_of;
pub use unread_span::{LostStretch, UnreadCause, UnreadSpan};
pub use untaken::{UntakenFile, find_untaken};

/// How many bytes a block of lines holds, about.
pub const BLOCK_LIMIT: usize = 512 * 1024;

/// The longest line that is read, without its newline, unless the settings say otherwise.
pub const MAX_LINE: usize = 1024 * 1024;
