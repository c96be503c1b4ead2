//! How numbers, lists and cells become bytes, and are read back: nothing here knows a file.
//!
//! All floors below call it; it calls none of them. Within: [`unpacking`] and [`bytes`] are under everything, [`cell_codec`] stands on
//! [`range_coder`], [`cell_sums`] and [`encoded_cells`] on it; [`column`] (blocks of slow entries) stands on [`huffman`], and that on [`bits`].

pub(crate) mod bits;
pub(crate) mod bytes;
pub(crate) mod cell_codec;
pub(crate) mod cell_sums;
pub(crate) mod column;
pub(crate) mod encoded_cells;
pub(crate) mod huffman;
pub(crate) mod range_coder;
pub(crate) mod unpacking;
