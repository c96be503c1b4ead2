//! Carbon's plaintext protocol: `path value seconds` and a newline, over TCP, or whole lines in a datagram.

use std::io::Write;

use crate::carbon::points::Point;

/// Append one line. The value is written with the fewest digits that give the same double back, without exponent.
pub(super) fn append_line(point: Point<'_>, out: &mut Vec<u8>) {
    // Writing into a Vec cannot fail.
    let _ = writeln!(out, "{} {} {}", point.path, point.value, point.at);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_plain_decimals_that_read_back() {
        for (value, text) in [
            (0.0, "0"),
            (5.0, "5"),
            (265.25, "265.25"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e21, "1000000000000000000000"),
            (u64::MAX as f64, "18446744073709552000"),
            (1e-7, "0.0000001"),
        ] {
            let mut out = Vec::new();
            append_line(Point { path: "a.b", value, at: 1_322_661_900 }, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("a.b {text} 1322661900\n"));
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
