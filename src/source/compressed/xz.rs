//! Reads xz, all streams of a file. It is read from its beginning only: no restart points are gathered.

use std::io;

use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::compressed_input::CompressedInput;

/// A file that wants more to be unpacked is refused: `xz -9` takes 65 MiB, what is hostile may ask for gigabytes.
const MEMORY_LIMIT: u64 = 256 << 20;

/// A decoder of all the streams in `input`.
pub(crate) fn xz_decoder(input: CompressedInput) -> io::Result<XzDecoder<CompressedInput>> {
    Ok(XzDecoder::new_stream(input, Stream::new_stream_decoder(MEMORY_LIMIT, CONCATENATED)?))
}
