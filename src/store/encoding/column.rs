//! One column of a block: numbers in close to as few bits as their distribution allows.
//!
//! A number is written as its *class* (how many significant bits it has), in a Huffman code made for this block, and
//! the bits below its highest one as they are. Few distinct values (a status, a reason) are replaced by their rank
//! of frequency first.
//!
//! The first byte says which of three forms follows; which one is chosen for each column of each block, by length:
//!
//! | byte | form | what follows |
//! |---|---|---|
//! | 0 | constant | the number, a varint |
//! | 1 | classed | the lowest number, a varint; the code's lengths; the length of the bits, then the bits |
//! | 2 | ranked | how many distinct numbers, each as a varint, most frequent first; a column of their ranks |
//!
//! In a classed column the lowest number is taken off each number first, so that times and offsets far from zero cost
//! no more than their spread. The count of numbers is not in the column: all columns of a block share that of the
//! directory.

use crate::store::encoding::bits::{BitReader, BitWriter};
use crate::store::encoding::bytes::{Decoded, Decoder, Encoder, Malformed};
use crate::store::encoding::huffman;
use crate::store::encoding::huffman::{CLASSES, HuffmanCode, HuffmanTable};
use std::cmp::Reverse;

/// Columns with up to this many distinct values may be written as ranks.
const FEW: usize = 64;

const CONSTANT: u8 = 0;
const CLASSED: u8 = 1;
const RANKED: u8 = 2;

/// Append a column, in the shortest of its forms.
pub(crate) fn encode(values: &[u64], out: &mut Encoder) {
    let lowest = values.iter().copied().min().unwrap_or(0);
    let highest = values.iter().copied().max().unwrap_or(0);
    let classed = encode_classed(values, lowest, highest);
    match if lowest == highest { None } else { encode_ranked(values) } {
        Some(ranked) if ranked.len() < classed.len() => out.bytes(&ranked),
        _ => out.bytes(&classed),
    }
}

/// Read the first `count` numbers of a column.
pub(crate) fn decode(mut column: Decoder<'_>, count: usize) -> Decoded<Vec<u64>> {
    match column.u8()? {
        RANKED => {
            let distinct = (0..column.count()?).map(|_| column.varint()).collect::<Decoded<Vec<u64>>>()?;
            let form = column.u8()?;
            let mut values = decode_plain(form, &mut column, count)?;
            for value in &mut values {
                let rank = usize::try_from(*value)?;
                *value = *distinct.get(rank).ok_or(Malformed)?;
            }
            Ok(values)
        }
        form => decode_plain(form, &mut column, count),
    }
}

/// `count` numbers of a column that has no ranks: all the same, or each as class and bits.
fn decode_plain(form: u8, column: &mut Decoder<'_>, count: usize) -> Decoded<Vec<u64>> {
    let lowest = column.varint()?;
    match form {
        CONSTANT => Ok(vec![lowest; count]),
        CLASSED => {
            let table = HuffmanTable::decode(column)?;
            let mut bits = BitReader::new(column.bytes()?);
            let mut values = Vec::with_capacity(count);
            for _ in 0..count {
                values.push(lowest.wrapping_add(table.read_number(&mut bits)?));
            }
            bits.finish()?;
            Ok(values)
        }
        _ => Err(Malformed),
    }
}

/// The form without ranks; `lowest` and `highest` are those of `values`.
fn encode_classed(values: &[u64], lowest: u64, highest: u64) -> Vec<u8> {
    let mut out = Encoder::default();
    if lowest == highest {
        out.u8(CONSTANT);
        out.varint(lowest);
        return out.bytes;
    }
    out.u8(CLASSED);
    out.varint(lowest);
    let mut counts = [0u32; CLASSES];
    for value in values {
        if let Some(count) = counts.get_mut(huffman::significant_bits(value - lowest)) {
            *count += 1;
        }
    }
    let code = HuffmanCode::new(&counts);
    code.encode(&mut out);
    let mut bits = BitWriter::with_capacity(values.len() * 2);
    for value in values {
        code.write_number(value - lowest, &mut bits);
    }
    out.bytes(&bits.finish());
    out.bytes
}

/// The form with ranks; `None` if there are more than [`FEW`] distinct values.
fn encode_ranked(values: &[u64]) -> Option<Vec<u8>> {
    let mut counts: Vec<(u64, u32)> = Vec::with_capacity(FEW);
    for run in values.chunk_by(|one, next| one == next) {
        let (Some(&value), length) = (run.first(), u32::try_from(run.len()).unwrap_or(u32::MAX)) else { continue };
        match counts.binary_search_by_key(&value, |(known, _)| *known) {
            Ok(at) => counts.get_mut(at)?.1 += length,
            Err(_) if counts.len() == FEW => return None,
            Err(at) => counts.insert(at, (value, length)),
        }
    }
    let mut distinct = counts.clone();
    distinct.sort_unstable_by_key(|&(value, count)| (Reverse(count), value));
    // From here on, each value's rank stands where its count was.
    for (&(value, _), rank) in distinct.iter().zip(0u32..) {
        if let Ok(at) = counts.binary_search_by_key(&value, |(known, _)| *known) {
            counts.get_mut(at)?.1 = rank;
        }
    }
    let mut out = Encoder::default();
    out.u8(RANKED);
    out.count(distinct.len());
    for &(value, _) in &distinct {
        out.varint(value);
    }
    let mut ranks = Vec::with_capacity(values.len());
    for run in values.chunk_by(|one, next| one == next) {
        let at = counts.binary_search_by_key(run.first()?, |(known, _)| *known).ok()?;
        ranks.resize(ranks.len() + run.len(), u64::from(counts.get(at)?.1));
    }
    let highest = u64::try_from(distinct.len()).unwrap_or(0).saturating_sub(1);
    out.bytes.extend_from_slice(&encode_classed(&ranks, 0, highest));
    Some(out.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[u64]) -> usize {
        let mut out = Encoder::default();
        encode(values, &mut out);
        let column = Decoder::new(Decoder::new(&out.bytes).bytes().unwrap());
        assert_eq!(decode(column, values.len()).as_deref(), Ok(values));
        assert_eq!(decode(column, values.len() / 2).as_deref(), Ok(&values[..values.len() / 2]));
        out.bytes.len()
    }

    proptest! {
        #[test]
        fn any_numbers_round_trip(values in proptest::collection::vec(prop_oneof![any::<u64>(), 0u64..5, 1000u64..100_000], 0..300)) {
            round_trip(&values);
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0usize..500) {
            let _either = decode(Decoder::new(&bytes), count);
        }
    }

    #[test]
    fn few_values_cost_few_bits() {
        let statuses: Vec<u64> = (0..1024u64).map(|i| if i % 50 == 0 { 502 } else { 200 }).collect();
        assert!(round_trip(&statuses) < 150, "{}", round_trip(&statuses));
        assert!(round_trip(&[200; 1024]) < 8);
    }
}
