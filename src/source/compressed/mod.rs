//! A log's uncompressed bytes, whether it is plain, gzip, zstd, xz or bzip2: in order, or from its middle.
//!
//! Who may call whom: the floors below (`identity`, `blocks`, `follow`, `backfill`) ask [`reader`] for bytes and
//! [`restart_points`] for places to begin at; what stands between those two and the file is nobody else's business. The files
//! import each other in this order only: [`compression`], [`compressed_input`], [`inflate`], [`deflate_window`],
//! [`restart_points`], then the decoders [`gzip`], [`zstd`] and [`xz`] (bzip2's needs nothing of ours), and [`reader`] on top of them.

mod compressed_input;
pub(crate) mod compression;
mod deflate_window;
mod gzip;
pub(crate) mod inflate;
pub(crate) mod reader;
pub(crate) mod restart_points;
mod xz;
mod zstd;
