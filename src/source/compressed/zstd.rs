//! Reads Zstandard, frame by frame, so that their beginnings are known.

use std::io::{self, BufRead, Read};

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::compressed_input::CompressedInput;
use super::restart_points::{PointGatherer, RestartState};

/// The decompressed bytes of a zstd file, all frames.
pub(crate) struct ZstdDecoder {
    input: CompressedInput,
    decoder: Decoder<'static>,
    /// Inside a frame: it is torn if the file ends here.
    inside: bool,
    /// The uncompressed offset of the next byte.
    offset: u64,
    gather: Option<PointGatherer>,
}

impl ZstdDecoder {
    /// From the beginning of a file, noting where frames begin if that is `gathering`.
    pub(crate) fn new(input: CompressedInput, gathering: bool) -> io::Result<ZstdDecoder> {
        let gather = gathering.then(PointGatherer::default);
        Ok(ZstdDecoder { input, decoder: Decoder::new()?, inside: false, offset: 0, gather })
    }

    /// From the beginning of a frame, at which `input` stands.
    pub(crate) fn open_at(input: CompressedInput, at: &RestartState) -> io::Result<ZstdDecoder> {
        Ok(ZstdDecoder { offset: at.offset, ..ZstdDecoder::new(input, false)? })
    }

    /// Where the compressed bytes come from.
    pub(crate) fn input(&self) -> &CompressedInput {
        &self.input
    }

    /// What was gathered.
    pub(crate) fn into_gatherer(self) -> Option<PointGatherer> {
        self.gather
    }
}

impl Read for ZstdDecoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.input.fill_buf()?;
            let at_end = input.is_empty();
            if at_end && !self.inside {
                return Ok(0);
            }
            let mut from = InBuffer::around(input);
            let mut to = OutBuffer::around(into);
            let hint = self.decoder.run(&mut from, &mut to)?;
            let (consumed, produced) = (from.pos(), to.pos());
            self.input.consume(consumed);
            self.offset += produced as u64;
            self.inside = hint != 0;
            if !self.inside {
                if let Some(gather) = &mut self.gather {
                    gather.note_member(self.offset, self.input.position());
                }
                self.decoder.reinit()?;
            }
            if produced > 0 {
                return Ok(produced);
            }
            if at_end && self.inside {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
