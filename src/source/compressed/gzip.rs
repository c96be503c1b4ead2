//! Reads gzip (RFC 1952), all members, and gives out every byte that was decoded before a fault.
//!
//! flate2's own readers drop what the failing call had decoded; here a torn or corrupt file loses only what
//! really cannot be decoded. Zero padding after the last member is passed over, as gzip(1) does.

use std::io::{self, BufRead, Read};

use super::compressed_input::CompressedInput;
use super::inflate::{InflateStep, InflateStop, Inflater};
use super::restart_points::{PointGatherer, RestartState};

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const HAS_HEADER_CRC: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

enum GzipState {
    /// Before a member's header; `first` if no member was read yet.
    Header {
        first: bool,
    },
    Body,
    /// `checked` unless the member was entered in its middle, where its checksum cannot be known.
    Trailer {
        checked: bool,
    },
    Fault(&'static str),
    End,
}

/// The decompressed bytes of a gzip file.
pub(crate) struct GzipDecoder {
    input: CompressedInput,
    inflate: Inflater,
    crc: crc32fast::Hasher,
    length: u32,
    state: GzipState,
    /// Whether the member was read from its beginning.
    whole: bool,
    /// The uncompressed offset of the next byte.
    offset: u64,
    gather: Option<PointGatherer>,
}

impl GzipDecoder {
    pub(crate) fn new(input: CompressedInput) -> GzipDecoder {
        GzipDecoder {
            input,
            inflate: Inflater::new_fast(),
            crc: crc32fast::Hasher::new(),
            length: 0,
            state: GzipState::Header { first: true },
            whole: true,
            offset: 0,
            gather: None,
        }
    }

    /// The same from the beginning of the file, noting where it can be begun again.
    pub(crate) fn gathering(input: CompressedInput) -> GzipDecoder {
        GzipDecoder {
            inflate: Inflater::new_stopping(),
            gather: Some(PointGatherer::default()),
            ..GzipDecoder::new(input)
        }
    }

    /// From the middle of a file; `input` stands at the restart point.
    pub(crate) fn open_at(input: CompressedInput, at: RestartState) -> GzipDecoder {
        let new = GzipDecoder { offset: at.offset, ..GzipDecoder::new(input) };
        match at.window {
            // A member begins here.
            None => new,
            Some(window) => GzipDecoder {
                inflate: Inflater::restart_after(at.split, &window),
                state: GzipState::Body,
                whole: false,
                ..new
            },
        }
    }

    /// Where the compressed bytes come from.
    pub(crate) fn input(&self) -> &CompressedInput {
        &self.input
    }

    /// What was gathered.
    pub(crate) fn into_gatherer(self) -> Option<PointGatherer> {
        self.gather
    }

    fn read_header(&mut self, first: bool) -> io::Result<()> {
        if !first {
            loop {
                let peek = self.input.fill_buf()?;
                let zeros = peek.iter().take_while(|&&byte| byte == 0).count();
                if peek.is_empty() {
                    self.state = GzipState::End;
                    return Ok(());
                }
                if zeros < peek.len() {
                    self.input.consume(zeros);
                    break;
                }
                self.input.consume(zeros);
            }
        }
        let begins_at = self.input.position();
        let mut fixed = [0; 10];
        self.input.read_exact(&mut fixed)?;
        let [a, b, method, flags, ..] = fixed;
        if [a, b, method] != MAGIC {
            return Err(corrupt_error("no gzip member where one should begin"));
        }
        if flags & HAS_EXTRA != 0 {
            let mut length = [0; 2];
            self.input.read_exact(&mut length)?;
            io::copy(&mut self.input.by_ref().take(u64::from(u16::from_le_bytes(length))), &mut io::sink())?;
        }
        for flag in [HAS_NAME, HAS_COMMENT] {
            if flags & flag != 0 {
                self.skip_text()?;
            }
        }
        if flags & HAS_HEADER_CRC != 0 {
            self.input.read_exact(&mut [0; 2])?;
        }
        if let Some(gather) = self.gather.as_mut().filter(|_| !first) {
            gather.note_member(self.offset, begins_at);
        }
        if !self.whole {
            self.inflate = Inflater::new_fast();
        }
        self.inflate.reset();
        self.whole = true;
        self.crc = crc32fast::Hasher::new();
        self.length = 0;
        self.state = GzipState::Body;
        Ok(())
    }

    fn skip_text(&mut self) -> io::Result<()> {
        let mut byte = [0];
        loop {
            self.input.read_exact(&mut byte)?;
            if byte == [0] {
                return Ok(());
            }
        }
    }

    fn read_body(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let input = self.input.fill_buf()?;
        let at_end = input.is_empty();
        let InflateStep { consumed, produced, came } = self.inflate.decode(input, into);
        self.input.consume(consumed);
        let decoded = into.get(..produced).unwrap_or_default();
        self.crc.update(decoded);
        self.length = self.length.wrapping_add(u32::try_from(produced).unwrap_or(u32::MAX));
        self.offset += produced as u64;
        match came {
            InflateStop::ToEnd => self.state = GzipState::Trailer { checked: self.whole },
            InflateStop::On => {
                if at_end && produced == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            InflateStop::ToBoundary(split) => {
                if let Some(gather) = &mut self.gather {
                    gather.note_block_end(self.offset, self.input.position(), split, || self.inflate.last_window());
                }
            }
            InflateStop::Wrong => self.state = GzipState::Fault("the deflate stream is corrupt"),
        }
        Ok(produced)
    }

    fn read_trailer(&mut self, checked: bool) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.input.read_exact(&mut trailer)?;
        let [a, b, c, d, e, f, g, h] = trailer;
        let crc = std::mem::replace(&mut self.crc, crc32fast::Hasher::new()).finalize();
        if checked && (u32::from_le_bytes([a, b, c, d]) != crc || u32::from_le_bytes([e, f, g, h]) != self.length) {
            self.state = GzipState::Fault("a gzip member's checksum does not match what it holds");
        } else {
            self.state = GzipState::Header { first: false };
        }
        Ok(())
    }
}

impl Read for GzipDecoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                GzipState::Header { first } => self.read_header(first)?,
                GzipState::Body => {
                    let produced = self.read_body(into)?;
                    if produced > 0 {
                        return Ok(produced);
                    }
                }
                GzipState::Trailer { checked } => self.read_trailer(checked)?,
                GzipState::Fault(what) => return Err(corrupt_error(what)),
                GzipState::End => return Ok(0),
            }
        }
    }
}

fn corrupt_error(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
