//! The lists of `$upstream_*`: one member an attempt, `, ` between the servers tried for one request, ` : ` where an
//! internal redirect (`X-Accel-Redirect`, `error_page`) started over with another group (ngx_http_upstream.c).
//!
//! A member `-` is an attempt without that value: a connection refused has no header time. A trailing ` : ` is a
//! redirect that reached no upstream.

use crate::grammar::{DurationUnit, RejectReason};

use super::number;

/// The members of a list, in order.
#[derive(Debug, Clone)]
pub struct Attempts<'v> {
    rest: Option<&'v [u8]>,
    redirect: usize,
}

/// One attempt to get an answer from an upstream server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'v> {
    /// How many internal redirects came before it.
    pub redirect: usize,
    /// Its value; None if it is `-` or empty.
    pub value: Option<&'v [u8]>,
}

/// The members of an upstream list, without allocation. An empty list has none, `-` has one that is absent.
pub fn attempts(value: &[u8]) -> Attempts<'_> {
    Attempts { rest: (!value.is_empty()).then_some(value), redirect: 0 }
}

impl<'v> Iterator for Attempts<'v> {
    type Item = Attempt<'v>;

    fn next(&mut self) -> Option<Attempt<'v>> {
        let rest = self.rest?;
        let redirect = self.redirect;
        let end = rest.iter().enumerate().find_map(|(at, &byte)| match byte {
            b',' => Some((at, 1 + usize::from(rest.get(at + 1) == Some(&b' ')), false)),
            b' ' if rest.get(at..at + 3) == Some(b" : ") => Some((at, 3, true)),
            _ => None,
        });
        let value = match end {
            Some((at, separator, redirected)) => {
                self.redirect += usize::from(redirected);
                // After a trailing ` : ` there is no further attempt.
                self.rest = rest.get(at + separator..).filter(|rest| !(redirected && rest.is_empty()));
                rest.get(..at)
            }
            None => {
                self.rest = None;
                Some(rest)
            }
        };
        let value = value.filter(|value| !value.is_empty() && *value != b"-");
        Some(Attempt { redirect, value })
    }
}

/// The list by redirect and attempt; `-` is None. An empty list is empty, a trailing ` : ` an empty last redirect.
pub fn upstream_list(value: &[u8]) -> Vec<Vec<Option<&[u8]>>> {
    upstream_values(value, Ok::<_, RejectReason>).unwrap_or_default()
}

/// The list by redirect and attempt, each member read by `read`.
///
/// # Errors
/// The first error of `read`.
pub fn upstream_values<'v, T, E>(
    value: &'v [u8],
    read: impl Fn(&'v [u8]) -> Result<T, E>,
) -> Result<Vec<Vec<Option<T>>>, E> {
    let mut redirects: Vec<Vec<Option<T>>> = Vec::new();
    for attempt in attempts(value) {
        redirects.resize_with(redirects.len().max(attempt.redirect + 1), Vec::new);
        let member = attempt.value.map(&read).transpose()?;
        if let Some(last) = redirects.last_mut() {
            last.push(member);
        }
    }
    if value.ends_with(b" : ") {
        redirects.push(Vec::new());
    }
    Ok(redirects)
}

/// A list of durations, by redirect and attempt, in milliseconds.
///
/// # Errors
/// A member that is no number, or an absurd one.
pub fn upstream_ms(value: &[u8]) -> Result<Vec<Vec<Option<u64>>>, RejectReason> {
    upstream_values(value, number::duration_ms)
}

/// A list of durations in this unit by attempt, redirects after each other, in milliseconds.
///
/// # Errors
/// A member that is no number, or an absurd one.
pub fn attempt_ms(value: &[u8], unit: DurationUnit) -> Result<Vec<Option<u64>>, RejectReason> {
    attempts(value).map(|attempt| attempt.value.map(|value| number::duration_in(value, unit)).transpose()).collect()
}

/// The sum over all attempts of the times that are present, in milliseconds; None if none is: never a silent 0. `as_nginx`: only what
/// nginx itself writes is a time.
#[inline(always)]
pub(crate) fn sum_ms(value: &[u8], as_nginx: bool) -> Result<Option<u64>, RejectReason> {
    // Nearly always there is one attempt.
    match number::usual_thousandths(value) {
        Some(millis) => Ok(Some(millis)),
        None => sum_of_any(value, as_nginx),
    }
}

/// [`sum_ms`] of several attempts. It saturates: a sum beyond u64 is absurd, and no reason to lose the line.
#[inline(never)]
fn sum_of_any(value: &[u8], as_nginx: bool) -> Result<Option<u64>, RejectReason> {
    if as_nginx { sum_by(value, number::nginx_duration_ms) } else { sum_in(value, DurationUnit::Seconds) }
}

/// [`sum_ms`] of times in this unit.
pub(crate) fn sum_in(value: &[u8], unit: DurationUnit) -> Result<Option<u64>, RejectReason> {
    sum_by(value, |member| number::duration_in(member, unit))
}

/// The sum of what `read` makes of each attempt that has a value.
fn sum_by(value: &[u8], read: impl Fn(&[u8]) -> Result<u64, RejectReason>) -> Result<Option<u64>, RejectReason> {
    let mut sum = None;
    for attempt in attempts(value) {
        if let Some(member) = attempt.value {
            let millis = read(member)?;
            sum = Some(sum.unwrap_or(0_u64).saturating_add(millis));
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_by_redirect_and_attempt() {
        let list = |text: &'static str| upstream_ms(text.as_bytes()).unwrap();
        assert_eq!(list("0.010"), [[Some(10)]]);
        assert_eq!(list("0.010, 0.020 : 0.003"), vec![vec![Some(10), Some(20)], vec![Some(3)]]);
        assert_eq!(list("0.1,0.2"), [[Some(100), Some(200)]]);
        assert_eq!(list("-"), [[None]]);
        assert_eq!(list("-, 0.005"), [[None, Some(5)]]);
        assert_eq!(list("0.001 : "), vec![vec![Some(1)], vec![]]);
        assert_eq!(list("0.001 :  : 0.002"), vec![vec![Some(1)], vec![None], vec![Some(2)]]);
        assert!(list("").is_empty());
        assert_eq!(upstream_values(b"502, 200", number::integer), Ok(vec![vec![Some(502), Some(200)]]));
        assert_eq!(upstream_ms(b"0.1, x"), Err(RejectReason::BadNumber));
        assert_eq!(
            upstream_list(b"unix:/run/a.sock, [::1]:80 : app"),
            vec![vec![Some(&b"unix:/run/a.sock"[..]), Some(b"[::1]:80")], vec![Some(b"app")]]
        );
    }

    #[test]
    fn sums_are_of_the_present_members_and_never_a_silent_0() {
        assert_eq!(sum_ms(b"0.010, 0.020 : 0.003", false), Ok(Some(33)));
        assert_eq!(sum_ms(b"-, 0.005", false), Ok(Some(5)));
        assert_eq!(sum_ms(b"0.000", false), Ok(Some(0)));
        assert_eq!(sum_ms(b"-", false), Ok(None));
        assert_eq!(sum_ms(b"-, -", false), Ok(None));
        assert_eq!(sum_ms(b"", false), Ok(None));
        assert_eq!(sum_ms(b"0.001 : ", false), Ok(Some(1)));
        assert_eq!(sum_ms(b"18446744073709551615", false), Err(RejectReason::AbsurdNumber));
        assert_eq!(sum_ms(b"0.1, abc", false), Err(RejectReason::BadNumber));
        assert_eq!((sum_ms(b"482", false), sum_ms(b"482", true)), (Ok(Some(482_000)), Err(RejectReason::BadNumber)));
    }
}
