//! The shapes of nginx's times in a line: whether one stands at a place, not yet which time it is.

/// Whether 26 bytes in the shape of `$time_local` stand at `at`.
#[inline(always)]
pub(crate) fn time_local_at(line: &[u8], at: usize) -> bool {
    match line.get(at..).and_then(|rest| rest.first_chunk::<26>()) {
        Some(time) => {
            time[2] == b'/'
                && time[6] == b'/'
                && time[11] == b':'
                && time[14] == b':'
                && time[17] == b':'
                && time[20] == b' '
        }
        None => false,
    }
}

/// The end of the time in the shape of `$time_iso8601` that starts at `at`: an offset or `Z`, perhaps a fraction.
#[inline]
pub(crate) fn time_iso_end(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let (time, after) = rest.split_first_chunk::<19>()?;
    if time[4] != b'-' || time[7] != b'-' || time[10] != b'T' || time[13] != b':' || time[16] != b':' {
        return None;
    }
    let fraction = match after.split_first() {
        Some((b'.', digits @ [b'0'..=b'9', ..])) => 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let length = match after.get(fraction)? {
        b'Z' => 1,
        b'+' | b'-' if after.get(fraction + 3) == Some(&b':') && after.len() >= fraction + 6 => 6,
        _ => return None,
    };
    Some(at + 19 + fraction + length)
}
