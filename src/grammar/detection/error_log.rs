//! nginx's error log, which has no requests to count: told by its lines' beginning (`ngx_log.c`).

/// Whether a line begins as those of an error log: `2026/11/22 20:58:04 [warn] 7#7: `.
pub(super) fn is_error_line(line: &[u8]) -> bool {
    let Some((time, rest)) = line.split_at_checked(19) else { return false };
    let timed = time.iter().zip(b"0000/00/00 00:00:00").all(|(byte, wanted)| match wanted {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    let Some(rest) = rest.strip_prefix(b" [") else { return false };
    let level = rest.split(|byte| *byte == b']').next().unwrap_or_default();
    timed && LEVELS.contains(&level)
}

const LEVELS: [&[u8]; 9] = [b"debug", b"info", b"notice", b"warn", b"error", b"crit", b"alert", b"emerg", b"stderr"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_error_log_are_told() {
        assert!(is_error_line(b"2026/11/22 20:58:04 [warn] 7#7: *1 an upstream response is buffered"));
        assert!(!is_error_line(b"2026/11/22 20:58:04 [GET] 7"));
        assert!(!is_error_line(b"192.0.2.1 - - [22/Nov/2026:20:58:04 +0000] \"GET / HTTP/1.1\" 200 1"));
    }
}
