//! A parser written by hand for the benchmark's format and no other: what the compiled plan is held against.
//!
//! It finds fields by their place in the line with memchr, and gives the same typed values as a `Record`: end, times,
//! status, bytes, the parts of the request. Like the real one it keeps the last time and what it meant.

/// The typed fields of one line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fields<'l> {
    pub(crate) end_ms: i64,
    pub(crate) request_time_ms: Option<u64>,
    pub(crate) upstream_ms: Option<u64>,
    pub(crate) status: Option<u16>,
    pub(crate) bytes: Option<u64>,
    pub(crate) method: &'l [u8],
    pub(crate) target: &'l [u8],
    pub(crate) protocol: &'l [u8],
}

/// The last time: neighbouring lines mostly have the same.
#[derive(Default)]
pub(crate) struct Hand {
    time: [u8; 26],
    end_ms: i64,
}

impl Hand {
    /// Reads one line; None if it is not of the format.
    #[inline]
    pub(crate) fn parse<'l>(&mut self, line: &'l [u8]) -> Option<Fields<'l>> {
        let (_addr, rest) = until(line, b' ')?;
        let rest = rest.strip_prefix(b"- ")?;
        let (_user, rest) = until(rest, b'[')?;
        let (time, rest) = rest.split_first_chunk::<26>()?;
        let (request, rest) = until(rest.strip_prefix(b"] \"")?, b'"')?;
        let (status, rest) = until(rest.strip_prefix(b" ")?, b' ')?;
        let (bytes, rest) = until(rest, b' ')?;
        let (_referer, rest) = until(rest.strip_prefix(b"\"")?, b'"')?;
        let (_agent, rest) = until(rest.strip_prefix(b" \"")?, b'"')?;
        let (request_time, rest) = until(rest.strip_prefix(b" ")?, b' ')?;
        // What follows the list of upstream times has a fixed shape from the quote before the addresses back.
        let (before, addr) = until(rest, b'"')?;
        let (_addr, b"") = until(addr, b'"')? else { return None };
        let (upstream, [b' ', _pipe, b' ']) = before.split_last_chunk::<3>()? else { return None };
        let (method, target, protocol) = split(request).unwrap_or_default();
        Some(Fields {
            end_ms: self.end(time)?,
            request_time_ms: Some(thousandths(request_time)?),
            upstream_ms: sum(upstream)?,
            status: u16::try_from(digits(status)?).ok(),
            bytes: Some(digits(bytes)?),
            method,
            target,
            protocol,
        })
    }

    #[inline]
    fn end(&mut self, time: &[u8; 26]) -> Option<i64> {
        if *time != self.time {
            self.end_ms = time_local(time)?;
            self.time = *time;
        }
        Some(self.end_ms)
    }
}

#[inline]
fn until(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let (before, after) = bytes.split_at_checked(memchr::memchr(byte, bytes)?)?;
    Some((before, after.get(1..)?))
}

#[inline]
fn split(request: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (method, rest) = until(request, b' ')?;
    let (target, protocol) = until(rest, b' ').unwrap_or((rest, b""));
    let plain = protocol.is_empty() || protocol.len() == 8 && protocol.starts_with(b"HTTP/");
    let named = !method.is_empty() && method.iter().all(|byte| byte.is_ascii_uppercase() || b"_-".contains(byte));
    (named && plain && !target.is_empty()).then_some((method, target, protocol))
}

#[inline]
fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| sum * 10 + u64::from(digit))
    })
}

#[inline]
fn thousandths(bytes: &[u8]) -> Option<u64> {
    let (whole, fraction) = bytes.split_last_chunk::<3>()?;
    Some(digits(whole.strip_suffix(b".")?)? * 1000 + digits(fraction)?)
}

/// The sum of the attempts' times; None inside if none has one.
#[inline]
fn sum(list: &[u8]) -> Option<Option<u64>> {
    if let Some(one) = thousandths(list) {
        return Some(Some(one));
    }
    let mut sum = None;
    for member in list.split(|byte| b", :".contains(byte)).filter(|member| !member.is_empty() && *member != b"-") {
        sum = Some(sum.unwrap_or(0) + thousandths(member)?);
    }
    Some(sum)
}

/// `10/Oct/2000:13:55:36 -0700` as milliseconds since the epoch.
fn time_local(time: &[u8; 26]) -> Option<i64> {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let number = |from: usize, length: usize| i64::try_from(digits(time.get(from..from + length)?)?).ok();
    let month = MONTHS.chunks(3).position(|name| time.get(3..6) == Some(name))?;
    let month = i64::try_from(month).ok()? + 1;
    let year = number(7, 4)? - i64::from(month <= 2);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + number(0, 2)? - 1;
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468;
    let offset = (number(22, 2)? * 60 + number(24, 2)?) * if time.get(21) == Some(&b'-') { -60 } else { 60 };
    Some((days * 86_400 + number(12, 2)? * 3600 + number(15, 2)? * 60 + number(18, 2)? - offset) * 1000)
}
