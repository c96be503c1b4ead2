//! Bytes on disk: little-endian integers, varints, zigzag, length-prefixed strings; and reading them back safely.
//!
//! A [`Decoder`] never panics and never allocates more than the bytes it was given could hold.
//!
//! Differences wrap around: what is encoded as a difference comes back whatever both numbers are, so no value of a
//! log can make the writer fail. Every count that is read is held against the bytes that are left, and every length
//! against [`RECORD_LIMIT`], before room is made for it.

use super::unpacking::unpack;
use crate::time::Timestamp;
use std::ops::Range;

/// No record of a journal and no block of a segment is longer than this, unpacked.
pub(crate) const RECORD_LIMIT: usize = 1 << 30;

/// The bytes are not what FORMAT.md says; the caller adds file and offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A number that does not fit the type that FORMAT.md gives its field.
impl From<std::num::TryFromIntError> for Malformed {
    fn from(_: std::num::TryFromIntError) -> Malformed {
        Malformed
    }
}

/// A text that is not UTF-8.
impl From<std::str::Utf8Error> for Malformed {
    fn from(_: std::str::Utf8Error) -> Malformed {
        Malformed
    }
}

/// What decoding gives.
pub(crate) type Decoded<T> = std::result::Result<T, Malformed>;

/// Can be written into a record or block.
pub(crate) trait Encode {
    /// Append it, in the layout that FORMAT.md gives it.
    fn encode(&self, out: &mut Encoder);
}

/// Can be read back from a record or block.
pub(crate) trait Decode: Sized {
    /// Read one, and leave `from` just behind it. [`Malformed`] if these bytes are none; then `from` may stand
    /// anywhere.
    fn decode(from: &mut Decoder<'_>) -> Decoded<Self>;
}

/// Appends to a byte vector.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    /// What was appended so far; bytes without a length of their own are pushed here.
    pub(crate) bytes: Vec<u8>,
}

impl Encoder {
    /// One byte.
    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Four bytes, lowest first.
    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes, lowest first.
    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// LEB128.
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(low_byte(value) | 0x80);
            value >>= 7;
        }
        self.bytes.push(low_byte(value));
    }

    /// A count or a length, as a varint.
    pub(crate) fn count(&mut self, value: usize) {
        self.varint(u64::try_from(value).unwrap_or(u64::MAX));
    }

    /// A signed number: zigzag, then LEB128.
    pub(crate) fn signed(&mut self, value: i64) {
        self.varint(zigzag(value));
    }

    /// Length, then the bytes.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.bytes.extend_from_slice(value);
    }

    /// How many there are, then each.
    pub(crate) fn list<T: Encode>(&mut self, items: &[T]) {
        self.count(items.len());
        for item in items {
            item.encode(self);
        }
    }
}

/// Reads from a byte slice, front to back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Stands before the first of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes }
    }

    /// Whether all was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `length` bytes as they are; nothing is read if there are not as many.
    pub(crate) fn take_bytes(&mut self, length: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte, as [`Encoder::u8`] wrote it; the fixed widths are for what must be found without decoding: magics,
    /// versions, checksums.
    pub(crate) fn u8(&mut self) -> Decoded<u8> {
        let [byte] = self.take_array()?;
        Ok(byte)
    }

    /// Four bytes, lowest first.
    pub(crate) fn u32(&mut self) -> Decoded<u32> {
        self.take_array().map(u32::from_le_bytes)
    }

    /// Eight bytes, lowest first.
    pub(crate) fn u64(&mut self) -> Decoded<u64> {
        self.take_array().map(u64::from_le_bytes)
    }

    /// The inverse of [`Encoder::varint`]. More than 64 bits are malformed; zeros in front of the highest bit are not.
    pub(crate) fn varint(&mut self) -> Decoded<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(Malformed);
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// A varint that must fit a smaller type.
    pub(crate) fn varint_as<T: TryFrom<u64>>(&mut self) -> Decoded<T> {
        T::try_from(self.varint()?).map_err(|_| Malformed)
    }

    /// The inverse of [`Encoder::signed`].
    pub(crate) fn signed(&mut self) -> Decoded<i64> {
        self.varint().map(unzigzag)
    }

    /// A number of items that follow, each of at least one byte, so that a false count cannot cost memory.
    pub(crate) fn count(&mut self) -> Decoded<usize> {
        let count: usize = self.varint_as()?;
        if count > self.rest.len() { Err(Malformed) } else { Ok(count) }
    }

    /// The inverse of [`Encoder::bytes`], without a copy.
    pub(crate) fn bytes(&mut self) -> Decoded<&'a [u8]> {
        let length: usize = self.varint_as()?;
        self.take_bytes(length)
    }

    /// Length-prefixed bytes that must be UTF-8.
    pub(crate) fn text(&mut self) -> Decoded<String> {
        Ok(std::str::from_utf8(self.bytes()?)?.to_owned())
    }

    /// The inverse of [`Encoder::list`]; no room is made for items that are not there.
    pub(crate) fn list<T: Decode>(&mut self) -> Decoded<Vec<T>> {
        let mut items = Vec::new();
        for _ in 0..self.count()? {
            items.push(T::decode(self)?);
        }
        Ok(items)
    }
}

/// The bytes of `body` from the first number of `range` to the second.
pub(crate) fn part_of<'b>(body: &'b [u8], range: &Range<u32>) -> Decoded<&'b [u8]> {
    body.get(range.start as usize..range.end as usize).ok_or(Malformed)
}

/// What zstd made of `unpacked` bytes. A length over [`RECORD_LIMIT`] is malformed before any room is made for it, and so
/// are bytes that come to more than they claim.
pub(crate) fn decompress(packed: &[u8], unpacked: u64) -> Decoded<Vec<u8>> {
    let unpacked = usize::try_from(unpacked)?;
    if unpacked > RECORD_LIMIT {
        return Err(Malformed);
    }
    unpack(packed, unpacked).ok_or(Malformed)
}

/// Small numbers of either sign become small numbers: 0, -1, 1, -2, 2 to 0, 1, 2, 3, 4.
pub(crate) fn zigzag(value: i64) -> u64 {
    value.wrapping_shl(1).cast_unsigned() ^ (value >> 63).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}

/// The lowest eight bits.
pub(crate) fn low_byte(value: u64) -> u8 {
    let [byte, ..] = value.to_le_bytes();
    byte
}

/// The checksum of every record and block: xxh3, 64 bit, seed 0.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// The [`checksum`] of `first` followed by `second`.
pub(crate) fn checksum_of_both(first: &[u8], second: &[u8]) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.update(first);
    hash.update(second);
    hash.digest()
}

impl Encode for Timestamp {
    fn encode(&self, out: &mut Encoder) {
        out.signed(self.0);
    }
}

impl Decode for Timestamp {
    fn decode(from: &mut Decoder<'_>) -> Decoded<Timestamp> {
        from.signed().map(Timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_round_trip(a: u64, b: i64, c: u32, text in ".{0,20}") {
            let mut out = Encoder::default();
            out.varint(a);
            out.signed(b);
            out.u32(c);
            out.bytes(text.as_bytes());
            let mut from = Decoder::new(&out.bytes);
            prop_assert_eq!(from.varint(), Ok(a));
            prop_assert_eq!(from.signed(), Ok(b));
            prop_assert_eq!(from.u32(), Ok(c));
            prop_assert_eq!(from.text(), Ok(text));
            prop_assert!(from.is_empty());
        }
    }

    #[test]
    fn false_lengths_are_refused() {
        assert_eq!(Decoder::new(&[0xff; 11]).varint(), Err(Malformed));
        assert_eq!(Decoder::new(&[0x7f, 1]).count(), Err(Malformed));
        assert_eq!(Decoder::new(&[5, 1]).bytes(), Err(Malformed));
    }

    proptest! {
        #[test]
        fn zigzag_keeps_small_numbers_small(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
            prop_assert_eq!(zigzag(value) / 2, value.unsigned_abs() - u64::from(value < 0));
        }

        #[test]
        fn a_checksum_of_parts_is_that_of_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..600), cut in 0usize..600) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(checksum_of_both(first, second), checksum(&bytes));
        }

        #[test]
        fn a_list_comes_back_and_one_cut_off_does_not(values: Vec<i64>, cut in 1usize..9) {
            let times: Vec<Timestamp> = values.into_iter().map(Timestamp).collect();
            let mut out = Encoder::default();
            out.list(&times);
            prop_assert_eq!(Decoder::new(&out.bytes).list::<Timestamp>(), Ok(times));
            let kept = out.bytes.len().saturating_sub(cut);
            prop_assert!(Decoder::new(&out.bytes[..kept]).list::<Timestamp>().is_err());
        }
    }

    /// A length that was changed on disk must cost an error, not a gigabyte.
    #[test]
    fn what_claims_another_length_is_not_decompressed() {
        let packed = zstd::bulk::compress(&[7; 1000], 3).unwrap();
        assert_eq!(decompress(&packed, 1000), Ok(vec![7; 1000]));
        assert_eq!(decompress(&packed, 999), Err(Malformed));
        assert_eq!(decompress(&packed, u64::MAX), Err(Malformed));
        assert_eq!(decompress(&packed, RECORD_LIMIT as u64 + 1), Err(Malformed));
        assert_eq!(decompress(&packed[1..], 1000), Err(Malformed));
    }
}
