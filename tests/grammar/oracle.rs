//! A slow reader of lines that is easy to believe: each format is turned into one regex by the rules that
//! `src/grammar/log_format/plan.rs` states (one in doubt is cut in all ways there are, by `all_cuts.rs`), and values are read
//! with chrono and wide integers. It shares no code with the parser.

use chrono::DateTime;
use regex::bytes::{Captures, Regex};
use spikeline::grammar::{Escape, Format, RejectReason};
use spikeline::record::{Needs, RecordParser};

use crate::all_cuts::AllCuts;

/// The values that a slow reading finds.
#[derive(Debug, PartialEq)]
pub(crate) struct Slow {
    pub(crate) end_ms: i128,
    pub(crate) request_time_ms: Option<u128>,
    pub(crate) upstream_ms: [Option<u128>; 3],
    pub(crate) status: Option<u16>,
    /// One of each place where a variable stands, in the order of the text.
    pub(crate) values: Vec<Vec<u8>>,
    /// Whether a list ends where it could have gone on: the regex gives such members back, the parser does not.
    pub(crate) cut_short: bool,
}

pub(crate) struct Oracle {
    regex: Regex,
    pub(crate) names: Vec<String>,
    /// As many spaces as the format ends in may end a line, or fewer.
    trailing_spaces: usize,
}

const UPSTREAM_TIMES: [&str; 3] = ["upstream_response_time", "upstream_connect_time", "upstream_header_time"];

impl Oracle {
    /// The oracle of a format; None where its neighbours need more than a regex (`$uri$is_args`, `$host$request_uri`).
    pub(crate) fn new(text: &str, escape: Escape) -> Option<Oracle> {
        let variable = regex::Regex::new(r"\$(?:\{(\w+)\}|(\w+))").unwrap();
        let found: Vec<_> = variable.captures_iter(text).collect();
        let place = |index: usize| found[index].get(0).unwrap();
        let names: Vec<String> =
            found.iter().map(|one| one.get(1).or(one.get(2)).unwrap().as_str().to_ascii_lowercase()).collect();
        let kept = text.trim_end_matches(' ');
        let mut pattern = String::from("(?s-u)^");
        pattern += &regex::escape(&text[..place(0).start()]);
        for (index, name) in names.iter().enumerate() {
            let until = if index + 1 < found.len() { place(index + 1).start() } else { kept.len() };
            let literal = &text[place(index).end()..until];
            let last = index + 1 == found.len();
            pattern += &format!("({}){}", value_pattern(name, literal, last, escape)?, regex::escape(literal));
        }
        pattern += "$";
        Some(Oracle { regex: Regex::new(&pattern).unwrap(), names, trailing_spaces: text.len() - kept.len() })
    }

    pub(crate) fn read(&self, line: &[u8]) -> Option<Slow> {
        let mut line = line;
        for _ in 0..self.trailing_spaces {
            line = line.strip_suffix(b" ").unwrap_or(line);
        }
        let captures = self.regex.captures(line)?;
        let clock = ["msec", "time_iso8601", "time_local"].into_iter().find(|name| self.group(name).is_some())?;
        for name in UPSTREAM_TIMES.into_iter().chain([clock, "status", "request_time"]) {
            if self.group(name).is_some_and(|group| !captures[group].is_ascii()) {
                return None;
            }
        }
        let value = |name: &str| self.value(&captures, name);
        let end_ms = match (value("msec"), value("time_iso8601"), value("time_local")) {
            (Some(msec), _, _) => thousandths(msec).filter(|&ms| ms < 253_402_300_800_000)? as i128,
            (_, Some(iso), _) => {
                Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:").unwrap().find(iso.as_bytes())?;
                DateTime::parse_from_rfc3339(iso).ok()?.timestamp_millis() as i128
            }
            (_, _, Some(local)) => {
                // chrono takes a space for a digit, as in year ` 970`, and `FEb` for February.
                Regex::new(r"^\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d .\d{4}$").unwrap().find(local.as_bytes())?;
                DateTime::parse_from_str(local, "%d/%b/%Y:%H:%M:%S %z").ok()?.timestamp_millis() as i128
            }
            _ => return None,
        };
        let request_time_ms = match value("request_time").filter(present) {
            Some(text) => Some(believable(thousandths(text)?)?),
            None => None,
        };
        let mut upstream_ms = [None; 3];
        for (sum, name) in upstream_ms.iter_mut().zip(UPSTREAM_TIMES) {
            *sum = sum_of(value(name).unwrap_or_default())?;
        }
        let status = match value("status").filter(present) {
            Some(text) => Some(text.parse().ok().filter(|&status| status <= 999)?),
            None => None,
        };
        let bytes = ["bytes_sent", "body_bytes_sent"].into_iter().find_map(value);
        if let Some(text) = bytes.filter(present) {
            text.parse::<u64>().ok()?;
        }
        let values = (1..captures.len()).map(|group| captures[group].to_vec()).collect();
        let more = Regex::new("(?-u)^(?:, ?[^ ,]| : )").unwrap();
        let cut_short = self.names.iter().enumerate().any(|(group, name)| {
            let list = spikeline::grammar::VariableKind::of_name(name).is_list();
            list && more.is_match(&line[captures.get(group + 1).unwrap().end()..])
        });
        Some(Slow { end_ms, request_time_ms, upstream_ms, status, values, cut_short })
    }

    fn value<'l>(&self, captures: &Captures<'l>, name: &str) -> Option<&'l str> {
        std::str::from_utf8(captures.get(self.group(name)?)?.as_bytes()).ok()
    }

    /// The group of the first place where the variable stands.
    fn group(&self, name: &str) -> Option<usize> {
        Some(self.names.iter().position(|known| known == name)? + 1)
    }
}

/// Both readers of one format.
pub(crate) struct Both {
    parser: RecordParser,
    oracle: Oracle,
    cuts: AllCuts,
}

impl Both {
    /// None where the oracle has none.
    pub(crate) fn new(format: &Format) -> Option<Both> {
        let oracle = Oracle::new(format.text(), format.escape())?;
        let cuts = AllCuts::new(format.text(), format.escape());
        Some(Both { parser: RecordParser::new(format, &Needs::all()).unwrap(), oracle, cuts })
    }

    /// Whether there is but one way to cut the line.
    pub(crate) fn has_one_cut(&self, line: &[u8]) -> bool {
        matches!(self.cuts.of_line(line).as_slice(), [only] if self.cuts.is_trimmed(only))
    }

    /// Says what is wrong with how a line of a format in doubt was read: the only cut there is, or not at all.
    fn agree_in_doubt(&mut self, line: &[u8]) -> Result<(), String> {
        let fast = self.parser.parse(line);
        let ways = self.cuts.of_line(line);
        match (fast, ways.as_slice()) {
            (Ok(_), [only]) if self.cuts.is_trimmed(only) => {
                self.same_values(line, only).map_err(|what| self.place(&what, line))
            }
            (Err(reject), [only]) if self.cuts.is_trimmed(only) => match reject.reason {
                // A number or time that cannot be true; glued lines; a NUL.
                RejectReason::BadTime | RejectReason::AbsurdNumber | RejectReason::Torn => Ok(()),
                // So much may be looked at, and no more.
                RejectReason::Ambiguous if line.len() > 1000 => Ok(()),
                // A port that is not there, before a dash: the dash is taken for it.
                _ if self.cuts.has_port_before_dash() => Ok(()),
                _ => Err(self.place(&format!("{reject}, though it is {only:?}"), line)),
            },
            (Err(_), _) => Ok(()),
            (Ok(_), _) => Err(self.place(&format!("read, though there are {ways:?}"), line)),
        }
    }

    /// Says where they differ over `line`, if they do.
    pub(crate) fn agree(&mut self, line: &[u8]) -> Result<(), String> {
        if self.parser.format().is_in_doubt() {
            return self.agree_in_doubt(line);
        }
        let escape = self.parser.format().escape();
        let slow = self.oracle.read(line).filter(|_| !hole(line, escape));
        let fast = self.parser.parse(line);
        // nginx never writes a quote into unquoted text with escape=default; the regex would take it, the parser may not.
        let quoted = |slow: &Slow| slow.values.iter().any(|value| value.contains(&b'"'));
        if escape == Escape::Default && slow.as_ref().is_some_and(quoted) {
            return Ok(());
        }
        // The regex found a list that ends where its grammar goes on; the parser does not give members back.
        if slow.as_ref().is_some_and(|slow| slow.cut_short) {
            return Ok(());
        }
        if fast.is_err_and(|reject| reject.reason == RejectReason::Torn) && slow.is_some() {
            // Two times where one belongs: the regex takes one of them, the parser does not guess. Or a quote in a value
            // that nginx would have escaped.
            let times = Regex::new(r"(?-u)../.../....:..:..:.. .....|....-..-..T..:..:..").unwrap();
            let quote = escape == Escape::Default && line.contains(&b'"');
            let told = quote
                || (0..line.len())
                    .filter(|&at| times.find_at(line, at).is_some_and(|found| found.start() == at))
                    .count()
                    > 1;
            return if told { Ok(()) } else { Err(self.place("torn without a sign of it", line)) };
        }
        if fast.is_err() && slow.as_ref().is_some_and(|slow| self.holds_what_it_cannot(slow)) {
            return Ok(());
        }
        let place = |what: &str| self.place(what, line);
        match (fast, slow) {
            (Ok(fast), Some(slow)) => {
                let got = (
                    i128::from(fast.end.millis()),
                    fast.request_time_ms.map(u128::from),
                    fast.upstream_ms.map(|sum| sum.map(u128::from)),
                    fast.status,
                );
                let expected = (slow.end_ms, slow.request_time_ms, slow.upstream_ms, slow.status);
                if got != expected {
                    return Err(place(&format!("read {got:?}, not {expected:?}")));
                }
                self.same_values(line, &slow.values).map_err(|what| place(&what))
            }
            (Err(_), None) => Ok(()),
            (fast, slow) => Err(place(&format!("{fast:?} {:?}\n{slow:?}", self.parser.format().explain(line)))),
        }
    }

    fn place(&self, what: &str, line: &[u8]) -> String {
        let format = self.parser.format();
        format!("{what}\n{} {:?}\n{:?}\n", format.escape(), format.text(), String::from_utf8_lossy(line))
    }

    /// Whether the slow reading has a last value that its variable cannot have, or a text that holds what ends it: the
    /// regex goes on to the next place for it, the parser knows that nothing of the kind stands in such a value.
    fn holds_what_it_cannot(&self, slow: &Slow) -> bool {
        let last = slow.values.len() - 1;
        if self.cuts.literal(last).is_empty() && !self.cuts.is_trimmed(&slow.values) {
            return true;
        }
        slow.values.iter().enumerate().any(|(place, value)| {
            let literal = self.cuts.literal(place);
            // The literal's own first bytes may be the end of an earlier one.
            let first = memchr::memmem::find(&[value, literal].concat(), literal);
            let held = !literal.is_empty() && first != Some(value.len());
            (held || place == last && literal.is_empty()) && !self.cuts.fits(place, value)
        })
    }

    fn same_values(&self, line: &[u8], values: &[Vec<u8>]) -> Result<(), String> {
        let absent: &[u8] = if self.parser.format().escape() == Escape::Default { b"-" } else { b"" };
        for (index, (name, expected)) in self.oracle.names.iter().zip(values).enumerate() {
            // Where a variable stands several times, its value is that of the first place.
            if self.oracle.names.iter().position(|known| known == name) == Some(index) {
                let variable = self.parser.format().index_of(name).unwrap();
                let got = self.parser.value(line, variable).unwrap_or(absent);
                if got != expected {
                    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                    return Err(format!("${name} is {:?}, not {:?}", text(got), text(expected.as_slice())));
                }
            }
        }
        Ok(())
    }
}

/// A NUL is a hole that a crash left; with escape=none a client's own may stand anywhere but at the line's start.
fn hole(line: &[u8], escape: Escape) -> bool {
    if escape == Escape::None { line.first() == Some(&0) } else { line.contains(&0) }
}

fn present(text: &&str) -> bool {
    !text.is_empty() && *text != "-"
}

fn sum_of(list: &str) -> Option<Option<u128>> {
    let mut sum = None;
    for member in list.replace(" : ", ",").split(',').map(str::trim).filter(present) {
        sum = Some(sum.unwrap_or(0) + believable(thousandths(member)?)?);
    }
    Some(sum)
}

/// No request takes more than 366 days.
fn believable(ms: u128) -> Option<u128> {
    (ms <= 366 * 86_400_000).then_some(ms)
}

fn value_pattern(name: &str, literal: &str, last: bool, escape: Escape) -> Option<String> {
    let may_be_empty = if escape == Escape::Default { "" } else { "?" };
    let first = literal.chars().next();
    // The next variable follows directly, or something that could be more of the number.
    let joined = literal.is_empty() && !last;
    let digit = first.is_some_and(|byte| byte.is_ascii_digit());
    // The list's own separator is the literal's first byte, so only nginx's own writing of it is the list's.
    let comma = |member: &str| {
        let second = literal.get(1..2);
        let mistaken =
            second.is_none_or(|second| Regex::new(&format!("(?-u)^{member}")).unwrap().is_match(second.as_bytes()));
        if first == Some(',') && mistaken { ", " } else { ", ?" }
    };
    let list = |member: &str| format!("{member}*?(?:(?:{}){member}+| : {member}*)*?", comma(member));
    let greedy = |member: &str| format!("{member}*(?:(?:{}){member}+| : {member}*)*", comma(member));
    let separated = literal.starts_with(", ") || literal.starts_with(" :");
    let of = |member: &str| if separated { list(member) } else { greedy(member) };
    Some(match name {
        "time_local" => r"../.../....:..:..:.. .....".to_owned(),
        "time_iso8601" => r"....-..-..T..:..:..(?:\.[0-9]+)?(?:Z|[+-]..:..)".to_owned(),
        "msec" | "request_time" | "connection_time" if joined || digit || first == Some('.') => {
            r"[0-9]+\.[0-9]{3}".to_owned()
        }
        "msec" | "request_time" | "connection_time" | "gzip_ratio" => format!(r"(?:-|[0-9.]+){may_be_empty}"),
        "status" if joined || digit => ".{3}".to_owned(),
        "remote_port" | "server_port" => "(?:-|[0-9]+)?".to_owned(),
        "status"
        | "body_bytes_sent"
        | "bytes_sent"
        | "request_length"
        | "connection"
        | "connection_requests"
        | "pid"
        | "tcpinfo_rtt" => format!("(?:-|[0-9]+){may_be_empty}"),
        "upstream_response_time" | "upstream_header_time" | "upstream_connect_time" => of("[0-9.-]"),
        "upstream_status" | "upstream_response_length" | "upstream_bytes_received" => of("[0-9-]"),
        "upstream_addr" => match literal.bytes().next() {
            Some(stop) if !stop.is_ascii_alphanumeric() && !b":].-/_\" ".contains(&stop) && stop > b' ' => {
                of(&format!("[^\\x00-\\x20,\"\\x{stop:02x}]"))
            }
            _ => of("[^\\x00-\\x20,\"]"),
        },
        "pipe" if !last || !literal.is_empty() => ".".to_owned(),
        "pipe"
        | "request_id"
        | "request_method"
        | "server_protocol"
        | "scheme"
        | "request_completion"
        | "ssl_protocol"
        | "upstream_cache_status"
            if last && literal.is_empty() =>
        {
            "[^ ]*".to_owned()
        }
        _ if last && literal.is_empty() => ".*".to_owned(),
        _ if joined => return None,
        "is_args" => return None,
        _ => text_pattern(literal, escape),
    })
}

/// Text ends at the literal's first byte that is escaped in values, else at the leftmost place from which the rest fits.
fn text_pattern(literal: &str, escape: Escape) -> String {
    let hard = literal.bytes().find(|&byte| match escape {
        Escape::Default => byte == b'"' || !(0x20..0x7F).contains(&byte),
        Escape::Json => byte == b'"' || byte < 0x20,
        Escape::None => false,
    });
    match hard {
        // A backslash before the literal's own bytes escapes none of them.
        Some(b'"') if escape == Escape::Json && !literal.starts_with('"') => r#"(?:[^"\\]|\\.)*?\\?"#.to_owned(),
        Some(b'"') if escape == Escape::Json => r#"(?:[^"\\]|\\.)*?"#.to_owned(),
        Some(byte) => format!(r"[^\x{byte:02x}]*?"),
        None => ".*?".to_owned(),
    }
}

fn thousandths(text: &str) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if whole.is_empty() || fraction.is_empty() || !(whole.to_owned() + fraction).bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded: u128 = format!("{fraction:0<9}")[..9].parse().ok()?;
    Some(whole.parse::<u128>().ok()? * 1000 + (padded + 500_000) / 1_000_000)
}
