//! Reads Zstandard, frame by frame, so that their beginnings are known.

use std::io::{self, BufRead, Read};

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::compressed_input::Packed;
use super::restart_points::{Gather, Restart};

/// The decompressed bytes of a zstd file, all frames.
pub(crate) struct Unzstd {
    input: Packed,
    decoder: Decoder<'static>,
    /// Inside a frame: it is torn if the file ends here.
    inside: bool,
    /// The uncompressed offset of the next byte.
    offset: u64,
    gather: Option<Gather>,
}

impl Unzstd {
    /// From the beginning of a file, noting where frames begin if that is `gathering`.
    pub(crate) fn new(input: Packed, gathering: bool) -> io::Result<Unzstd> {
        let gather = gathering.then(Gather::default);
        Ok(Unzstd { input, decoder: Decoder::new()?, inside: false, offset: 0, gather })
    }

    /// From the beginning of a frame, at which `input` stands.
    pub(crate) fn restarted(input: Packed, at: &Restart) -> io::Result<Unzstd> {
        Ok(Unzstd { offset: at.offset, ..Unzstd::new(input, false)? })
    }

    /// Where the compressed bytes come from.
    pub(crate) fn input(&self) -> &Packed {
        &self.input
    }

    /// What was gathered.
    pub(crate) fn gathered(self) -> Option<Gather> {
        self.gather
    }
}

impl Read for Unzstd {
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
                    gather.member(self.offset, self.input.position());
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
