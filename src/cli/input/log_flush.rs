//! How long nginx may keep lines back: the `flush=` of its access logs.

use std::time::Duration;

use super::context::Context;
use crate::daemon::Log;
use crate::error::Result;

/// The longest `flush=` of those of `logs` that nginx.conf speaks of; nothing where it is not read, or says none.
pub(super) fn longest_flush(context: &Context, logs: &[Log]) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    let Some(conf) = context.nginx()? else { return Ok(longest) };
    for log in &conf.nginx.logs {
        let pattern = log.target.pattern();
        if logs.iter().any(|followed| Some(&followed.pattern) == pattern.as_ref()) {
            longest = log.flush.as_deref().and_then(parse_nginx_time).unwrap_or_default().max(longest);
        }
    }
    Ok(longest)
}

/// A time as nginx reads it: numbers with units of falling size, `1h 30m`; seconds without one. None if it is not one.
fn parse_nginx_time(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 8] = [
        ("y", 31_536_000_000),
        ("M", 2_592_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ];
    let (mut total, mut rest) = (0u64, text.trim());
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let millis = if unit.is_empty() { 1000 } else { UNITS.iter().find(|(name, _)| *name == unit)?.1 };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(millis)?)?;
        rest = behind.trim_start();
    }
    Some(Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_nginx_reads_them() {
        let cases = [
            ("10s", Some(10_000)),
            ("10", Some(10_000)),
            ("500ms", Some(500)),
            ("1m", Some(60_000)),
            ("1h 30m", Some(5_400_000)),
            ("1m30s", Some(90_000)),
            ("x", None),
            ("5x", None),
            ("99999999999999999999s", None),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_nginx_time(text), millis.map(Duration::from_millis), "{text}");
        }
    }
}
