//! Adaptive binary range coding: each yes or no costs as little as it was to be expected from those before it in the same
//! context. The arithmetic is that of LZMA's range coder (Igor Pavlov, lzma-specification.txt): 32 bits of range, 11 bits
//! of probability, a carry handed back through the bytes written.
//!
//! Used where a Huffman code would waste most: gaps and counts of a large histogram, of which many cost less than a
//! bit. Each bit takes a step of its own, so only histograms of many buckets are written so, and they are skipped
//! without being decoded.

use crate::store::encoding::bytes::low_byte;

const PROBABILITY_BITS: u32 = 11;
const EVEN: u16 = 1 << (PROBABILITY_BITS - 1);
/// How much of its distance to certainty a context moves with each bit: a 16th.
const RATE: u32 = 4;
const TOP: u32 = 1 << 24;

/// What was seen in one context: the probability of a zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BitContext(u16);

impl Default for BitContext {
    fn default() -> BitContext {
        BitContext(EVEN)
    }
}

impl BitContext {
    /// Where the part of `range` that stands for a zero ends.
    fn split_at(self, range: u32) -> u32 {
        (range >> PROBABILITY_BITS) * u32::from(self.0)
    }

    /// Expect more of what was just seen.
    fn learn(&mut self, bit: bool) {
        if bit {
            self.0 -= self.0 >> RATE;
        } else {
            self.0 += ((1 << PROBABILITY_BITS) - self.0) >> RATE;
        }
    }
}

/// Writes bits.
#[derive(Debug)]
pub(crate) struct RangeEncoder {
    low: u64,
    range: u32,
    /// The last byte not yet certain, and how many bytes of all ones follow it.
    held: u8,
    ones: usize,
    begun: bool,
    bytes: Vec<u8>,
}

impl RangeEncoder {
    /// Nothing written yet.
    pub(crate) fn new() -> RangeEncoder {
        RangeEncoder { low: 0, range: u32::MAX, held: 0, ones: 0, begun: false, bytes: Vec::new() }
    }

    /// A bit, at the cost of its improbability in `context`, which learns from it.
    pub(crate) fn write_bit(&mut self, context: &mut BitContext, bit: bool) {
        let bound = context.split_at(self.range);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
        } else {
            self.range = bound;
        }
        context.learn(bit);
        self.fill();
    }

    /// The lowest `count` bits of `value`, highest first, each as likely as not.
    pub(crate) fn write_even_bits(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            self.range >>= 1;
            if (value >> at) & 1 != 0 {
                self.low += u64::from(self.range);
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        while self.range < TOP {
            self.range <<= 8;
            self.shift_out();
        }
    }

    /// Put out the highest byte, or hold it back while a carry may still change it.
    fn shift_out(&mut self) {
        let carry = self.low > u64::from(u32::MAX);
        if carry || self.low < 0xff00_0000 {
            // The very first byte is always zero, and left out.
            if self.begun {
                self.bytes.push(self.held.wrapping_add(u8::from(carry)));
            }
            self.begun = true;
            for _ in 0..self.ones {
                self.bytes.push(if carry { 0 } else { 0xff });
            }
            self.ones = 0;
            self.held = low_byte(self.low >> 24);
        } else {
            self.ones += 1;
        }
        self.low = (self.low & 0x00ff_ffff) << 8;
    }

    /// All bytes; zeros at the end are left out, since a reader takes what is missing for zeros.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for _ in 0..5 {
            self.shift_out();
        }
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

/// Reads bits; any bytes are bits of something.
#[derive(Debug)]
pub(crate) struct RangeDecoder<'b> {
    bytes: std::slice::Iter<'b, u8>,
    range: u32,
    code: u32,
}

impl<'b> RangeDecoder<'b> {
    /// Beyond the end of `bytes` there are zeros.
    pub(crate) fn new(bytes: &'b [u8]) -> RangeDecoder<'b> {
        let mut reader = RangeDecoder { bytes: bytes.iter(), range: u32::MAX, code: 0 };
        for _ in 0..4 {
            reader.code = (reader.code << 8) | reader.next_byte();
        }
        reader
    }

    fn next_byte(&mut self) -> u32 {
        self.bytes.next().map_or(0, |&byte| u32::from(byte))
    }

    /// The inverse of [`RangeEncoder::write_bit`], with a context that saw the same bits before.
    pub(crate) fn read_bit(&mut self, context: &mut BitContext) -> bool {
        let bound = context.split_at(self.range);
        let bit = self.code >= bound;
        if bit {
            self.code -= bound;
            self.range -= bound;
        } else {
            self.range = bound;
        }
        context.learn(bit);
        self.fill();
        bit
    }

    /// The inverse of [`RangeEncoder::write_even_bits`].
    pub(crate) fn read_even_bits(&mut self, count: u32) -> u64 {
        let mut value = 0;
        for _ in 0..count {
            self.range >>= 1;
            let bit = self.code >= self.range;
            if bit {
                self.code -= self.range;
            }
            value = (value << 1) | u64::from(bit);
            self.fill();
        }
        value
    }

    fn fill(&mut self) {
        while self.range < TOP {
            self.range <<= 8;
            self.code = (self.code << 8) | self.next_byte();
        }
    }
}

/// Contexts of a number that is at least 1: how many bits it has, and the one below its highest.
#[derive(Debug, Clone)]
pub(crate) struct NumberCoder {
    longer: [BitContext; 64],
    second: [BitContext; 64],
    third: [BitContext; 64],
}

impl Default for NumberCoder {
    fn default() -> NumberCoder {
        let [longer, second, third] = [[BitContext::default(); 64]; 3];
        NumberCoder { longer, second, third }
    }
}

impl NumberCoder {
    /// Write `value`, which is at least 1.
    pub(crate) fn write_number(&mut self, out: &mut RangeEncoder, value: u64) {
        let bits = 63 - value.max(1).leading_zeros();
        for (at, context) in (0..).zip(self.longer.iter_mut()).take(63) {
            out.write_bit(context, at < bits);
            if at >= bits {
                break;
            }
        }
        let mut rest = bits;
        for contexts in [&mut self.second, &mut self.third] {
            if rest > 0
                && let Some(context) = contexts.get_mut(bits as usize)
            {
                rest -= 1;
                out.write_bit(context, (value >> rest) & 1 != 0);
            }
        }
        out.write_even_bits(value, rest);
    }

    /// The inverse of [`NumberCoder::write_number`].
    pub(crate) fn read_number(&mut self, from: &mut RangeDecoder<'_>) -> u64 {
        let mut bits = 0u32;
        for context in self.longer.iter_mut().take(63) {
            if !from.read_bit(context) {
                break;
            }
            bits += 1;
        }
        let (mut value, mut rest) = (1u64, bits);
        for contexts in [&mut self.second, &mut self.third] {
            if rest > 0
                && let Some(context) = contexts.get_mut(bits as usize)
            {
                rest -= 1;
                value = (value << 1) | u64::from(from.read_bit(context));
            }
        }
        value.wrapping_shl(rest) | from.read_even_bits(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(values in proptest::collection::vec(prop_oneof![1u64..4, 1u64..5000, 1u64..u64::MAX, Just(u64::MAX)], 0..400)) {
            let (mut out, mut number) = (RangeEncoder::new(), NumberCoder::default());
            values.iter().for_each(|&value| number.write_number(&mut out, value));
            let bytes = out.finish();
            let (mut from, mut number) = (RangeDecoder::new(&bytes), NumberCoder::default());
            for &value in &values {
                prop_assert_eq!(number.read_number(&mut from), value);
            }
        }

        #[test]
        fn any_bytes_are_numbers(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let (mut from, mut number) = (RangeDecoder::new(&bytes), NumberCoder::default());
            for _ in 0..200 {
                prop_assert!(number.read_number(&mut from) >= 1);
            }
        }
    }

    #[test]
    fn what_is_always_the_same_costs_next_to_nothing() {
        let (mut out, mut number) = (RangeEncoder::new(), NumberCoder::default());
        (0..1000).for_each(|_| number.write_number(&mut out, 1));
        assert!(out.finish().len() < 12);
    }

    proptest! {
        /// Adaptive and even bits in any mix, as cells write them.
        #[test]
        fn bits_round_trip(steps in proptest::collection::vec((any::<bool>(), 0usize..3, any::<u64>(), 0u32..=64), 0..300)) {
            let (mut out, mut contexts) = (RangeEncoder::new(), [BitContext::default(); 3]);
            for (bit, context, value, count) in &steps {
                out.write_bit(&mut contexts[*context], *bit);
                out.write_even_bits(*value, *count);
            }
            let bytes = out.finish();
            prop_assert_ne!(bytes.last(), Some(&0));
            let (mut from, mut contexts) = (RangeDecoder::new(&bytes), [BitContext::default(); 3]);
            for (bit, context, value, count) in &steps {
                prop_assert_eq!(from.read_bit(&mut contexts[*context]), *bit);
                let kept = if *count == 0 { 0 } else { *value << (64 - count) >> (64 - count) };
                prop_assert_eq!(from.read_even_bits(*count), kept);
            }
        }
    }

    /// A carry runs back through as many bytes of ones as there are: the hardest path of the encoder.
    #[test]
    fn a_long_carry_is_handed_back() {
        for unlikely in 0..64 {
            let (mut out, mut context) = (RangeEncoder::new(), BitContext::default());
            let bits: Vec<bool> = (0..2000).map(|at| at % 64 != unlikely).collect();
            for bit in &bits {
                out.write_bit(&mut context, *bit);
            }
            let bytes = out.finish();
            let (mut from, mut context) = (RangeDecoder::new(&bytes), BitContext::default());
            for bit in &bits {
                assert_eq!(from.read_bit(&mut context), *bit);
            }
        }
    }
}
