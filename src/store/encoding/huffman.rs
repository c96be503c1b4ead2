//! A canonical Huffman code over the 65 classes of 64-bit numbers, with codes of at most [`LONGEST`] bits.
//!
//! A class costs what it is worth in this block and the bits below it are left as they are, since in logs the size of
//! a number is predictable and its lower bits are not. The lengths alone determine the code (canonical: shorter codes
//! first, then lower classes), so they are all that is stored: 4 bits each. [`LONGEST`] bounds the decoding table to
//! 1024 places, which stay in the nearest cache while a block is read.

use crate::store::encoding::bits::{BitReader, BitWriter, PEEK};
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed, low_byte};

/// Numbers of 0 to 64 significant bits.
pub(crate) const CLASSES: usize = 65;

/// The longest code; a decoding table has 2 to the power of this many places.
const LONGEST: u32 = 10;

/// How many significant bits a number has.
#[inline]
pub(crate) fn significant_bits(value: u64) -> usize {
    usize::try_from(64 - value.leading_zeros()).unwrap_or(0)
}

/// Codes by class: (bits, length); length 0 where the class does not occur.
#[derive(Debug)]
pub(crate) struct HuffmanCode {
    lengths: [u8; CLASSES],
    codes: [(u64, u32); CLASSES],
}

impl HuffmanCode {
    /// The code for classes that occur so often.
    pub(crate) fn new(counts: &[u32; CLASSES]) -> HuffmanCode {
        let mut counts = *counts;
        let lengths = loop {
            let lengths = code_lengths(&counts);
            if lengths.iter().all(|&length| u32::from(length) <= LONGEST) {
                break lengths;
            }
            // Flatten the distribution until no code is too long; it costs a fraction of a bit in rare cases.
            for count in &mut counts {
                *count = count.div_ceil(2);
            }
        };
        HuffmanCode { lengths, codes: canonical_codes(&lengths) }
    }

    /// The lengths, 4 bits each, from the first class that occurs to the last.
    pub(crate) fn encode(&self, out: &mut Encoder) {
        let first = self.lengths.iter().position(|&length| length > 0).unwrap_or(0);
        let until = self.lengths.iter().rposition(|&length| length > 0).map_or(first, |last| last + 1);
        out.u8(low_byte(u64::try_from(first).unwrap_or(0)));
        out.u8(low_byte(u64::try_from(until - first).unwrap_or(0)));
        let mut bits = BitWriter::default();
        for &length in self.lengths.get(first..until).unwrap_or_default() {
            bits.write_bits(u64::from(length), 4);
        }
        out.bytes.extend_from_slice(&bits.finish());
    }

    /// A number: its class in code, then the bits below its highest one.
    #[inline(always)]
    pub(crate) fn write_number(&self, value: u64, bits: &mut BitWriter) {
        let class = significant_bits(value);
        let Some(&(code, length)) = self.codes.get(class) else { return };
        let below = u32::try_from(class).unwrap_or(0).saturating_sub(1);
        if below + LONGEST <= 32 {
            let low = value & ((1u64 << below) - 1);
            bits.write_bits(code | (low << length), length + below);
        } else {
            bits.write_bits(code, length);
            bits.write_bits(value, below);
        }
    }
}

/// Huffman's code lengths by the two-smallest merge; at most 65 symbols, so simplicity is affordable.
fn code_lengths(counts: &[u32; CLASSES]) -> [u8; CLASSES] {
    let mut lengths = [0u8; CLASSES];
    let mut trees: Vec<(u64, Vec<usize>)> = counts
        .iter()
        .enumerate()
        .filter(|&(_, &count)| count > 0)
        .map(|(class, &count)| (u64::from(count), vec![class]))
        .collect();
    if let [(_, only)] = trees.as_slice() {
        if let Some(length) = only.first().and_then(|&class| lengths.get_mut(class)) {
            *length = 1;
        }
        return lengths;
    }
    trees.sort_unstable_by(|a, b| b.cmp(a));
    while let (Some(mut one), Some(other)) = (trees.pop(), trees.pop()) {
        one.0 += other.0;
        one.1.extend_from_slice(&other.1);
        for &class in &one.1 {
            if let Some(length) = lengths.get_mut(class) {
                *length += 1;
            }
        }
        if trees.is_empty() {
            break;
        }
        let place = trees.partition_point(|tree| *tree > one);
        trees.insert(place, one);
    }
    lengths
}

/// Codes in order of length, then class; with their bits reversed, since the lowest is read first.
fn canonical_codes(lengths: &[u8; CLASSES]) -> [(u64, u32); CLASSES] {
    let mut codes = [(0, 0); CLASSES];
    let mut next = 0u64;
    for length in 1..=LONGEST {
        for (code, &own) in codes.iter_mut().zip(lengths) {
            if u32::from(own) == length {
                *code = (next.reverse_bits() >> (64 - length), length);
                next += 1;
            }
        }
        next <<= 1;
    }
    codes
}

/// What is needed to read a code: for each possible next bits, as many as the longest code has, the class and its code's length.
#[derive(Debug)]
pub(crate) struct HuffmanTable {
    places: Vec<(u8, u8)>,
    mask: u64,
}

impl HuffmanTable {
    /// Read the lengths that [`HuffmanCode::encode`] wrote.
    pub(crate) fn decode(from: &mut Decoder<'_>) -> Decoded<HuffmanTable> {
        let first = usize::from(from.u8()?);
        let count = usize::from(from.u8()?);
        let packed = from.take_bytes(count.div_ceil(2))?;
        let mut lengths = [0u8; CLASSES];
        let own = lengths.get_mut(first..first + count).ok_or(Malformed)?;
        let mut bits = BitReader::new(packed);
        let mut room = 0u64;
        for length in own {
            *length = low_byte(bits.read_bits(4));
            if u32::from(*length) > LONGEST {
                return Err(Malformed);
            }
            if *length > 0 {
                room += 1 << (LONGEST - u32::from(*length));
            }
        }
        // More codes than fit would overlap each other.
        if room > 1 << LONGEST {
            return Err(Malformed);
        }
        let longest = lengths.iter().copied().max().unwrap_or(0);
        let mut places = vec![(0u8, 0u8); 1 << longest];
        for (class, (code, length)) in (0u8..).zip(canonical_codes(&lengths)) {
            if length > 0 {
                let start = usize::try_from(code)?;
                for place in places.iter_mut().skip(start).step_by(1 << length) {
                    *place = (class, low_byte(u64::from(length)));
                }
            }
        }
        Ok(HuffmanTable { places, mask: (1 << longest) - 1 })
    }

    /// One number.
    #[inline]
    pub(crate) fn read_number(&self, bits: &mut BitReader<'_>) -> Decoded<u64> {
        let word = bits.peek();
        let place = usize::try_from(word & self.mask)?;
        let &(class, length) = self.places.get(place).ok_or(Malformed)?;
        if length == 0 {
            return Err(Malformed);
        }
        let (length, below) = (u32::from(length), u32::from(class.max(1)) - 1);
        if class == 0 {
            bits.skip(length);
            return Ok(0);
        }
        if length + below <= PEEK {
            bits.skip(length + below);
            return Ok((1u64 << below) | ((word >> length) & ((1u64 << below) - 1)));
        }
        bits.skip(length);
        Ok((1u64 << below) | bits.read_bits(below))
    }
}
