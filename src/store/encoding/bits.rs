//! Bits in a byte slice, lowest first.
//!
//! The lowest bit of a byte is the first, as in deflate: then a reader takes whole words and shifts them, and a code
//! whose bits are reversed can be looked up by the lowest bits of what is left.

use crate::store::encoding::bytes::{Decoded, Malformed, low_byte};

/// The most bits that one [`BitReader::peek`] gives.
pub(crate) const PEEK: u32 = 56;

/// Appends bits.
#[derive(Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    /// An empty one with room for `bytes` bytes.
    pub(crate) fn with_capacity(bytes: usize) -> BitWriter {
        BitWriter { bytes: Vec::with_capacity(bytes), ..BitWriter::default() }
    }

    /// The lowest `count` bits of `value`; `count` up to 64.
    #[inline(always)]
    pub(crate) fn write_bits(&mut self, value: u64, count: u32) {
        if count > 32 {
            self.write_32_bits(value & 0xffff_ffff, 32);
            self.write_32_bits(value >> 32, count - 32);
        } else {
            self.write_32_bits(value, count);
        }
    }

    /// The lowest `count` bits of `value`; `count` up to 32.
    #[inline(always)]
    fn write_32_bits(&mut self, value: u64, count: u32) {
        // Fewer than 32 bits are held, so there is room for as many more.
        self.held |= (value & ((1u64 << count) - 1)) << self.count;
        self.count += count;
        if self.count >= 32 {
            let [a, b, c, d, ..] = self.held.to_le_bytes();
            self.bytes.extend_from_slice(&[a, b, c, d]);
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// All bits, the last byte filled up with zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        while self.count > 0 {
            self.bytes.push(low_byte(self.held));
            self.held >>= 8;
            self.count = self.count.saturating_sub(8);
        }
        self.bytes
    }
}

/// Reads bits; beyond the end there are zeros, which [`BitReader::finish`] refuses.
#[derive(Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    /// Stands before the lowest bit of the first byte.
    pub(crate) fn new(bytes: &'a [u8]) -> BitReader<'a> {
        BitReader { bytes, at: 0 }
    }

    /// At least the next [`PEEK`] bits.
    #[inline]
    pub(crate) fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(chunk) => u64::from_le_bytes(*chunk),
            None => rest.iter().rev().fold(0, |word, &byte| (word << 8) | u64::from(byte)),
        };
        word >> (self.at % 8)
    }

    /// Go on by `count` bits.
    #[inline]
    pub(crate) fn skip(&mut self, count: u32) {
        self.at += usize::try_from(count).unwrap_or(0);
    }

    /// The next `count` bits, up to 64.
    #[inline]
    pub(crate) fn read_bits(&mut self, count: u32) -> u64 {
        if count > PEEK {
            let low = self.read_bits(32);
            return low | (self.read_bits(count - 32) << 32);
        }
        let value = self.peek() & ((1u64 << count) - 1);
        self.skip(count);
        value
    }

    /// Whether no more was read than there is.
    pub(crate) fn finish(self) -> Decoded<()> {
        if self.at <= self.bytes.len() * 8 { Ok(()) } else { Err(Malformed) }
    }
}
