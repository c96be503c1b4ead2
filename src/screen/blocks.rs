//! Numbers as blocks of eight heights.

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlockStyle {
    /// `▁▂▃▄▅▆▇█`
    #[default]
    Blocks,
    /// For terminals that know no more than ASCII.
    Ascii,
}

impl BlockStyle {
    fn heights(self) -> [char; 8] {
        match self {
            BlockStyle::Blocks => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            BlockStyle::Ascii => ['_', '.', ',', '-', '~', '=', '+', '#'],
        }
    }

    /// A block for each value, from 0 to the largest; a blank where there is none. Where there is no room for all, one for several: the
    /// largest of them, so that no spike is lost.
    pub(super) fn line(self, values: &[Option<u64>], room: usize) -> String {
        let most = values.iter().flatten().max().copied().unwrap_or(0).max(1);
        let shown = fitted(values, room);
        let mut line = String::new();
        for value in shown {
            line.push(value.map_or(' ', |value| self.block(value, most, 8)));
        }
        line
    }

    /// The same over several rows of a screen, the uppermost first.
    pub(super) fn rows(self, values: &[Option<u64>], room: usize, height: usize) -> Vec<String> {
        let most = values.iter().flatten().max().copied().unwrap_or(0).max(1);
        let shown = fitted(values, room);
        let mut rows = vec![String::new(); height];
        for value in shown {
            let eighths = value.map_or(0, |value| eighths_of(value, most, 8 * height as u64));
            for (at, row) in rows.iter_mut().enumerate() {
                let below = 8 * (height - 1 - at) as u64;
                row.push(self.of_eighths(eighths.saturating_sub(below).min(8)));
            }
        }
        rows
    }

    fn block(self, value: u64, most: u64, of: u64) -> char {
        self.of_eighths(eighths_of(value, most, of))
    }

    fn of_eighths(self, eighths: u64) -> char {
        let at = usize::try_from(eighths).unwrap_or(8).checked_sub(1);
        at.and_then(|at| self.heights().get(at.min(7)).copied()).unwrap_or(' ')
    }
}

/// As many values as there is room for.
fn fitted(values: &[Option<u64>], room: usize) -> Vec<Option<u64>> {
    if values.len() <= room || room == 0 {
        return values.iter().copied().take(room).collect();
    }
    let edge = |at: usize| at * values.len() / room;
    let part = |at: usize| values.get(edge(at)..edge(at + 1)).unwrap_or_default();
    (0..room).map(|at| part(at).iter().flatten().max().copied()).collect()
}

/// How many of `of` eighths: at least one, since what is small is not nothing.
fn eighths_of(value: u64, most: u64, of: u64) -> u64 {
    let wide = (u128::from(value) * u128::from(of)).div_ceil(u128::from(most.max(1)));
    u64::try_from(wide).unwrap_or(of).clamp(1, of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_is_not_nothing() {
        let values = [Some(0), Some(1), None, Some(50), Some(100)];
        assert_eq!(BlockStyle::Blocks.line(&values, 9), "▁▁ ▄█");
        assert_eq!(BlockStyle::Ascii.line(&values, 2), "_#");
        assert_eq!(BlockStyle::Blocks.line(&[Some(1), Some(9), None, Some(1), None, None], 3), "█▁ ");
        assert_eq!(BlockStyle::Blocks.line(&[], 9), "");
        assert_eq!(BlockStyle::Blocks.rows(&[Some(1), Some(16), Some(12), None], 9, 2), [" █▄ ", "▁██ "]);
        assert_eq!(BlockStyle::Blocks.line(&[Some(u64::MAX), Some(1)], 9), "█▁");
    }
}
