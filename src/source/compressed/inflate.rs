//! Raw deflate (RFC 1951), fast from front to back, or so that it can be stopped at the ends of blocks and begun again
//! there, as zlib's examples/zran.c does.
//!
//! Between two blocks the state of a decoder is a position in bits and the last 32 KiB that it gave. flate2 shows
//! neither, so miniz_oxide decodes where they are wanted; it takes about twice the time.

use flate2::{Decompress, FlushDecompress, Status};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};

/// How far back deflate refers.
pub(crate) const WINDOW: usize = 32 * 1024;

/// Where a stopping decoder decodes to, again and again; a power of two, as it must be.
const RING: usize = 8 * WINDOW;

/// The bits of a byte that belong to the next block, when a block ends in mid-byte: how many, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SplitByte {
    pub(crate) count: u8,
    pub(crate) bits: u8,
}

/// What one call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InflateStop {
    /// To the end of what it was given, in either direction.
    On,
    /// To the end of a block that is not the last: a place to begin again.
    ToBoundary(SplitByte),
    /// To the end of the last block.
    ToEnd,
    /// To something that is not deflate.
    Wrong,
}

/// A step of decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InflateStep {
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
    pub(crate) came: InflateStop,
}

/// A decoder of one deflate stream after another.
pub(crate) enum Inflater {
    Fast(Decompress),
    StoppingInflater(Box<StoppingInflater>),
}

impl Inflater {
    /// A decoder that is fast.
    pub(crate) fn new_fast() -> Inflater {
        Inflater::Fast(Decompress::new(false))
    }

    /// A decoder that stops at the end of each block.
    pub(crate) fn new_stopping() -> Inflater {
        Inflater::StoppingInflater(Box::new(StoppingInflater::new(DecompressorOxide::new(), &[])))
    }

    /// A decoder that goes on at the end of a block, before which `window` was decoded.
    pub(crate) fn restart_after(split: SplitByte, window: &[u8]) -> Inflater {
        let state = BlockBoundaryState { num_bits: split.count, bit_buf: split.bits, ..BlockBoundaryState::default() };
        let mut stopping = StoppingInflater::new(DecompressorOxide::from_block_boundary_state(&state), window);
        stopping.stops = false;
        Inflater::StoppingInflater(Box::new(stopping))
    }

    /// Begins another stream.
    pub(crate) fn reset(&mut self) {
        match self {
            Inflater::Fast(inflate) => inflate.reset(false),
            Inflater::StoppingInflater(stopping) => {
                **stopping = StoppingInflater { stops: stopping.stops, ..StoppingInflater::default() }
            }
        }
    }

    /// Decodes some of `input` to the front of `into`.
    pub(crate) fn decode(&mut self, input: &[u8], into: &mut [u8]) -> InflateStep {
        match self {
            Inflater::Fast(inflate) => {
                let (in_before, out_before) = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(input, into, FlushDecompress::None);
                let consumed = usize::try_from(inflate.total_in() - in_before).unwrap_or(usize::MAX);
                let produced = usize::try_from(inflate.total_out() - out_before).unwrap_or(usize::MAX);
                let came = match status {
                    Ok(Status::StreamEnd) => InflateStop::ToEnd,
                    Ok(Status::Ok | Status::BufError) => InflateStop::On,
                    Err(_) => InflateStop::Wrong,
                };
                InflateStep { consumed, produced, came }
            }
            Inflater::StoppingInflater(stopping) => stopping.decode(input, into),
        }
    }

    /// The last up to [`WINDOW`] bytes of this stream, as of the boundary that was just come to.
    pub(crate) fn last_window(&self) -> Vec<u8> {
        match self {
            Inflater::Fast(_) => Vec::new(),
            Inflater::StoppingInflater(stopping) => stopping.last_window(),
        }
    }
}

/// Decodes into a ring, and gives out from there.
pub(crate) struct StoppingInflater {
    state: DecompressorOxide,
    ring: Vec<u8>,
    /// Given out up to here; decoded up to there.
    given: usize,
    decoded: usize,
    /// Bytes decoded in all, as far as they matter.
    total: usize,
    stops: bool,
    /// What decoding came to; said when all before it was given out.
    came: InflateStop,
}

impl Default for StoppingInflater {
    fn default() -> StoppingInflater {
        StoppingInflater::new(DecompressorOxide::new(), &[])
    }
}

impl StoppingInflater {
    fn new(state: DecompressorOxide, window: &[u8]) -> StoppingInflater {
        let mut ring = vec![0; RING];
        for (place, byte) in ring.iter_mut().zip(window) {
            *place = *byte;
        }
        let at = window.len().min(RING);
        StoppingInflater { state, ring, given: at, decoded: at, total: at, stops: true, came: InflateStop::On }
    }

    fn decode(&mut self, input: &[u8], into: &mut [u8]) -> InflateStep {
        let mut consumed = 0;
        if self.given == self.decoded && self.came == InflateStop::On {
            if self.decoded == RING {
                (self.given, self.decoded) = (0, 0);
            }
            let stop = if self.stops { TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY } else { 0 };
            let flags = TINFL_FLAG_HAS_MORE_INPUT | stop;
            let (status, read, written) = decompress(&mut self.state, input, &mut self.ring, self.decoded, flags);
            consumed = read;
            self.decoded += written;
            self.total = self.total.saturating_add(written);
            self.came = match status {
                TINFLStatus::Done => InflateStop::ToEnd,
                TINFLStatus::BlockBoundary => self.block_boundary(),
                TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput | TINFLStatus::FailedCannotMakeProgress => {
                    InflateStop::On
                }
                _ => InflateStop::Wrong,
            };
        }
        let ready = self.ring.get(self.given..self.decoded).unwrap_or_default();
        let produced = ready.len().min(into.len());
        if let (Some(into), Some(ready)) = (into.get_mut(..produced), ready.get(..produced)) {
            into.copy_from_slice(ready);
        }
        self.given += produced;
        let came = match self.given == self.decoded {
            true => std::mem::replace(&mut self.came, InflateStop::On),
            false => InflateStop::On,
        };
        InflateStep { consumed, produced, came }
    }

    fn block_boundary(&self) -> InflateStop {
        match self.state.block_boundary_state() {
            Some(state) => InflateStop::ToBoundary(SplitByte { count: state.num_bits, bits: state.bit_buf }),
            None => InflateStop::Wrong,
        }
    }

    fn last_window(&self) -> Vec<u8> {
        let length = self.total.min(WINDOW);
        let end = self.ring.get(self.decoded.saturating_sub(length)..self.decoded).unwrap_or_default();
        let start = RING - (length - end.len());
        let mut window = self.ring.get(start..).unwrap_or_default().to_vec();
        window.extend_from_slice(end);
        window
    }
}
