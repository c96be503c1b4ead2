//! Where the quotes and line ends of a block stand, found for a stretch of it at once.
//!
//! Nearly every search in a line of `escape=default` is for a `"`, and how many a line holds is known from its format.
//! So one pass over the block, 64 bytes a turn, replaces them all, the search for the newline and that for a NUL.

use multiversion::multiversion;
use wide::u8x16;

/// Bytes indexed at a time: they are still in the first-level cache when their lines are cut.
const STRETCH: usize = 16 * 1024;

/// Marks of one 64-byte chunk that are written without asking how many there are.
const AT_ONCE: usize = 4;

/// The quotes and newlines of a block, in order, from the current line on as far as the block was looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct QuoteIndex {
    /// Offsets in the block; valid up to `filled`.
    at: Vec<u32>,
    filled: usize,
    /// The first mark that belongs to the current line.
    next: usize,
    /// Where the stretch that was looked at last begins, and whether it holds no NUL.
    from: usize,
    from_clean: bool,
    /// Where the part of the block that was not looked at begins.
    until: usize,
    /// No NUL stands in the current stretch, nor in the line that reached into it.
    clean: bool,
}

impl QuoteIndex {
    /// Begins a block.
    pub(crate) fn begin_block(&mut self) {
        (self.filled, self.next, self.from, self.until) = (0, 0, 0, 0);
        (self.from_clean, self.clean) = (true, true);
    }

    /// Whether the line that [`QuoteIndex::next_line`] gave is known to hold no NUL.
    pub(crate) fn is_clean(&self) -> bool {
        self.clean
    }

    /// The end of the current line, and its quotes, if it holds as many as that. That it holds no newline among them is
    /// for the caller to find out, who looks at each.
    #[inline(always)]
    pub(crate) fn next_line(&mut self, block: &[u8], quotes: usize) -> Option<(usize, &[u32])> {
        if self.next + quotes >= self.filled {
            self.look_on(block, quotes);
        }
        let (&end, before) = self.at.get(self.next..self.filled)?.get(..=quotes)?.split_last()?;
        (block.get(end as usize) == Some(&b'\n')).then_some((end as usize, before))
    }

    /// The line that [`QuoteIndex::next_line`] gave is done with.
    #[inline(always)]
    pub(crate) fn pass_line(&mut self, quotes: usize) {
        self.next += quotes + 1;
    }

    /// The end of the current line, whatever it holds, which then is done with; the block's end if it has no newline.
    pub(crate) fn pass_any(&mut self, block: &[u8]) -> usize {
        loop {
            while let Some(&at) = self.at.get(self.next..self.filled).and_then(<[u32]>::first) {
                self.next += 1;
                if block.get(at as usize) == Some(&b'\n') {
                    return at as usize;
                }
            }
            if self.until >= block.len() {
                return block.len();
            }
            self.index_stretch(block);
        }
    }

    /// Looks at further stretches until there is a mark more than `quotes`, or nothing to look at.
    #[cold]
    fn look_on(&mut self, block: &[u8], quotes: usize) {
        while self.next + quotes >= self.filled && self.until < block.len() {
            self.index_stretch(block);
        }
    }

    /// Looks at the next stretch.
    fn index_stretch(&mut self, block: &[u8]) {
        // The mark before the current line's first is the newline that it begins after; a quote there is one of its own
        // that was passed already, and says nothing of where it began.
        let before = self.next.checked_sub(1).and_then(|last| self.at.get(last)).map(|&mark| mark as usize);
        let newline = before.filter(|&mark| block.get(mark) == Some(&b'\n'));
        let began_here = newline.is_some_and(|newline| newline + 1 >= self.from);
        let clean_so_far = if began_here { self.from_clean } else { self.clean };
        self.at.copy_within(self.next..self.filled, 0);
        self.filled -= self.next;
        self.next = 0;
        let from = self.until;
        let stretch = block.get(from..block.len().min(from + STRETCH)).unwrap_or_default();
        (self.from, self.until) = (from, from + stretch.len());
        let room = self.filled + stretch.len() + AT_ONCE;
        if self.at.len() < room {
            self.at.resize(room, 0);
        }
        let (count, clean) = marks_in(stretch, from as u32, self.at.get_mut(self.filled..).unwrap_or_default());
        self.filled += count;
        self.from_clean = clean;
        self.clean = clean && clean_so_far;
    }
}

/// Writes the marks of `stretch`, which begins at `from`, to `at`. How many they are, and whether it holds no NUL.
#[multiversion(targets("x86_64+avx2+bmi1+bmi2+lzcnt+popcnt"))]
fn marks_in(stretch: &[u8], from: u32, at: &mut [u32]) -> (usize, bool) {
    let (chunks, rest) = stretch.as_chunks::<64>();
    let mut least = u8x16::splat(b' ');
    let (mut filled, mut from) = (0, from);
    for chunk in chunks {
        filled += push_positions(marks_of(chunk, &mut least), from, at.get_mut(filled..).unwrap_or_default());
        from += 64;
    }
    let mut last = [b' '; 64];
    for (to, byte) in last.iter_mut().zip(rest) {
        *to = *byte;
    }
    filled += push_positions(marks_of(&last, &mut least), from, at.get_mut(filled..).unwrap_or_default());
    (filled, !least.to_array().contains(&0))
}

/// Writes the marks of the chunk that begins at `from` to `at`; their count.
#[inline(always)]
fn push_positions(mut bits: u64, from: u32, at: &mut [u32]) -> usize {
    let count = bits.count_ones() as usize;
    // Mostly there are few: a fixed number of steps is quicker than a loop whose length nobody can foretell.
    for room in at.as_chunks_mut::<AT_ONCE>().0 {
        for mark in room {
            *mark = from + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        if bits == 0 {
            break;
        }
    }
    count
}

/// A bit for each quote and newline; `least` becomes 0 somewhere if there is a NUL.
#[inline(always)]
fn marks_of(chunk: &[u8; 64], least: &mut u8x16) -> u64 {
    let (quote, newline) = (u8x16::splat(b'"'), u8x16::splat(b'\n'));
    let mut bits = 0;
    for (part, shift) in chunk.as_chunks::<16>().0.iter().zip([0, 16, 32, 48]) {
        let bytes = u8x16::from(*part);
        *least = least.min(bytes);
        bits |= u64::from((bytes.simd_eq(quote) | bytes.simd_eq(newline)).to_bitmask()) << shift;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lines of few and many marks, short and long.
    fn block() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![20 => Just(b'x'), 3 => Just(b'"'), 1 => Just(b'\n'), 1 => any::<u8>()];
        let run = (byte, prop_oneof![9 => 1_usize..9, 1 => 1_usize..300, 1 => 20_000_usize..40_000]);
        proptest::collection::vec(run, 0..60)
            .prop_map(|runs| runs.into_iter().flat_map(|(byte, count)| vec![byte; count]).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn lines_and_quotes_are_those_that_memchr_finds(block in block(), expected in 0_usize..9, any_line in 0..3) {
            let mut marks = QuoteIndex::default();
            // What an earlier block left must not matter.
            marks.begin_block();
            marks.pass_any(b"\"\"\0\n\"\"");
            marks.begin_block();
            let mut start = 0;
            let mut number = 0;
            while start < block.len() {
                let end = memchr::memchr(b'\n', &block[start..]).map(|length| start + length);
                let line = &block[start..end.unwrap_or(block.len())];
                let quotes: Vec<u32> = memchr::memchr_iter(b'"', line).map(|at| (start + at) as u32).collect();
                let given = marks.next_line(&block, expected).map(|(end, quotes)| (end, quotes.to_vec()));
                if let Some(end) = end && quotes.len() == expected {
                    prop_assert_eq!(&given, &Some((end, quotes.clone())));
                } else if let Some((_, given)) = &given {
                    prop_assert!(given.iter().any(|&at| block[at as usize] == b'\n'));
                }
                prop_assert!(given.is_none() || !(marks.is_clean() && line.contains(&0)));
                number += 1;
                let fits = given.is_some() && quotes.len() == expected && number % 3 != any_line;
                if fits {
                    marks.pass_line(expected);
                } else {
                    prop_assert_eq!(marks.pass_any(&block), end.unwrap_or(block.len()));
                }
                prop_assert!(!(marks.is_clean() && line.contains(&0)));
                start += line.len() + 1;
            }
        }
    }

    #[test]
    fn a_hole_is_remembered_over_the_quotes_of_a_long_line() {
        let mut block = vec![0];
        for _ in 0..3 {
            block.extend_from_slice(&[b'x'; STRETCH]);
            block.push(b'"');
        }
        block.push(b'\n');
        let mut marks = QuoteIndex::default();
        marks.begin_block();
        assert_eq!(marks.pass_any(&block), block.len() - 1);
        assert!(!marks.is_clean());
    }

    #[test]
    fn a_hole_is_forgotten_two_stretches_later() {
        let mut block = b"a\n\0\n".to_vec();
        block.resize(3 * STRETCH, b'x');
        block[STRETCH - 10] = b'\n';
        block[STRETCH + 10] = b'\n';
        block[2 * STRETCH + 10] = b'\n';
        let mut marks = QuoteIndex::default();
        marks.begin_block();
        let mut seen = Vec::new();
        while let Some((end, _)) = marks.next_line(&block, 0) {
            seen.push((end, marks.is_clean()));
            marks.pass_line(0);
        }
        // Dirty where a line stands in the stretch with the hole or reaches out of it, clean thereafter.
        let ends = [1, 3, STRETCH - 10, STRETCH + 10].map(|end| (end, false));
        assert_eq!(seen, [&ends[..], &[(2 * STRETCH + 10, true)]].concat());
    }
}
