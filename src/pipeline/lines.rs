//! The lines of a block.

/// Iterates over a block's lines: (offset of the line within the block, the line without its newline).
#[derive(Debug, Clone)]
pub struct Lines<'b> {
    block: &'b [u8],
    at: usize,
}

impl<'b> Lines<'b> {
    /// The lines of `block`. A last line without a newline counts as a line.
    pub fn new(block: &'b [u8]) -> Lines<'b> {
        Lines { block, at: 0 }
    }
}

impl<'b> Iterator for Lines<'b> {
    type Item = (usize, &'b [u8]);

    #[inline]
    fn next(&mut self) -> Option<(usize, &'b [u8])> {
        let start = self.at;
        let rest = self.block.get(start..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = start + length + 1;
        rest.get(..length).map(|line| (start, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(block: &[u8]) -> Vec<(usize, &[u8])> {
        Lines::new(block).collect()
    }

    #[test]
    fn splits_with_and_without_a_last_newline() {
        assert_eq!(of(b""), vec![]);
        assert_eq!(of(b"a\n\nbc"), vec![(0, &b"a"[..]), (2, b""), (3, b"bc")]);
        assert_eq!(of(b"a\nb\n"), vec![(0, &b"a"[..]), (2, b"b")]);
    }
}
