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

/// The end of the time in the shape of `$time_local` that starts at `at`; other programs write it with a fraction of the second.
#[inline(always)]
pub(crate) fn time_local_end(line: &[u8], at: usize) -> Option<usize> {
    if time_local_at(line, at) { Some(at + 26) } else { fine_local_end(line, at) }
}

/// [`time_local_end`] with a fraction: `26/Jan/2021:10:00:01.123 +0000`.
#[cold]
#[inline(never)]
fn fine_local_end(line: &[u8], at: usize) -> Option<usize> {
    let rest = line.get(at..)?;
    let (time, after) = rest.split_first_chunk::<20>()?;
    let shaped = time[2] == b'/' && time[6] == b'/' && time[11] == b':' && time[14] == b':' && time[17] == b':';
    let fraction = after.strip_prefix(b".").filter(|_| shaped)?;
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zoned = matches!(fraction.get(digits..digits + 6)?, [b' ', b'+' | b'-', ..]) && digits > 0 && digits <= 9;
    zoned.then_some(at + 20 + 1 + digits + 6)
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
