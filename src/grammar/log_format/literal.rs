//! The literal text between two variables, compared as one word where it is short.

use crate::grammar::line::find_byte;

/// A literal. Up to eight bytes are compared as one masked word: a call to `memcmp` costs more than the comparison.
#[derive(Debug, Clone)]
pub(crate) struct Literal {
    bytes: Box<[u8]>,
    word: u64,
    mask: u64,
}

impl Literal {
    pub(crate) fn new(bytes: &[u8]) -> Literal {
        let mut word = [0_u8; 8];
        let mut mask = [0_u8; 8];
        for ((to, kept), &from) in word.iter_mut().zip(mask.iter_mut()).zip(bytes) {
            *to = from;
            *kept = 0xFF;
        }
        Literal { bytes: bytes.into(), word: u64::from_le_bytes(word), mask: u64::from_le_bytes(mask) }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the literal stands at `at` in `line`.
    #[inline(always)]
    pub(crate) fn stands_at(&self, line: &[u8], at: usize) -> bool {
        let Some(rest) = line.get(at..) else { return false };
        match rest.first_chunk::<8>() {
            Some(chunk) => {
                u64::from_le_bytes(*chunk) & self.mask == self.word
                    && (self.bytes.len() <= 8 || rest.starts_with(&self.bytes))
            }
            // Near the line's end, where a call would cost more than these few bytes.
            None => rest.len() >= self.bytes.len() && rest.iter().zip(&self.bytes).all(|(one, other)| one == other),
        }
    }

    /// Where the literal first stands at or after `from`.
    #[inline]
    pub(crate) fn find(&self, line: &[u8], from: usize) -> Option<usize> {
        let Some(&first) = self.bytes.first() else { return Some(line.len()) };
        let mut at = from;
        loop {
            at += find_byte(first, line.get(at..)?)?;
            if self.stands_at(line, at) {
                return Some(at);
            }
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn literals_are_found_where_memmem_finds_them(
            haystack in proptest::collection::vec(0_u8..3, 0..60),
            needle in proptest::collection::vec(0_u8..3, 1..12),
        ) {
            let literal = Literal::new(&needle);
            prop_assert_eq!(literal.find(&haystack, 0), memchr::memmem::find(&haystack, &needle));
        }
    }
}
